package import ValueStreamCore

/// What a user says of a board that Trello does not tell: what its lists mean.
package struct TrelloRules: Sendable {
  /// Lists whose cards are done, by name or `board/list`.
  package var doneLists: [NamePattern]
  /// Lists whose cards are given up.
  package var abandonedLists: [NamePattern]
  /// How a card ended that is archived from any other list.
  package var archived: ArchivedOutcome
  /// What marking a due date as complete does.
  package var dueComplete: DueCompletion
  /// Labels that make a card an incident.
  package var incidentLabels: [NamePattern]

  package enum ArchivedOutcome: String, Sendable, CaseIterable {
    case abandoned, completed
  }

  package enum DueCompletion: String, Sendable, CaseIterable {
    case nothing, done
  }

  package init(
    doneLists: [NamePattern] = doneListsSetting.defaultValue, abandonedLists: [NamePattern] = [],
    archived: ArchivedOutcome = .abandoned, dueComplete: DueCompletion = .nothing,
    incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue
  ) {
    self.doneLists = doneLists
    self.abandonedLists = abandonedLists
    self.archived = archived
    self.dueComplete = dueComplete
    self.incidentLabels = incidentLabels
  }

  // MARK: Settings

  package static let doneListsSetting = Setting<[NamePattern]>.namePatterns(
    "trello-done-lists", default: ["Done", "Done *"],
    help: "Lists whose cards are done, by name or board/list, separated by commas. * and ? are wildcards.")

  package static let abandonedListsSetting = Setting<[NamePattern]>.namePatterns(
    "trello-abandoned-lists", default: [],
    help: "Lists whose cards are abandoned, by name or board/list, separated by commas. * and ? are wildcards.")

  package static let archivedSetting = Setting<ArchivedOutcome>.choice(
    "trello-archived", default: .abandoned, help: "Outcome of a card that is archived from any other list.")

  package static let dueCompleteSetting = Setting<DueCompletion>.choice(
    "trello-due-complete", default: .nothing, help: "Effect of marking a card complete: nothing, or the card is done.")

  package static let declarations = [
    doneListsSetting.declaration, abandonedListsSetting.declaration, archivedSetting.declaration, dueCompleteSetting.declaration,
  ]

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      doneLists: try settings.value(of: Self.doneListsSetting),
      abandonedLists: try settings.value(of: Self.abandonedListsSetting),
      archived: try settings.value(of: Self.archivedSetting), dueComplete: try settings.value(of: Self.dueCompleteSetting),
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels))
  }

  // MARK: Answers

  /// How a card has ended that is in a list; nil where it goes on.
  func outcome(in list: TrelloList?) -> Outcome? {
    guard let names = list?.names else { return nil }
    if names.contains(where: doneLists.match) { return .completed }
    return names.contains(where: abandonedLists.match) ? .abandoned : nil
  }

  /// How a card has ended that is archived from any other list.
  var outcomeOfArchived: Outcome { archived == .completed ? .completed : .abandoned }

  func isIncident(_ labels: [String]) -> Bool {
    ClassificationSettings.isIncident(labels: labels, type: nil, by: incidentLabels)
  }
}
