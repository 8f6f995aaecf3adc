package import ValueStreamCore

/// What a user says of things that Jira does not tell.
package struct JiraRules: Sendable {
  /// Labels and types of issues that are incidents.
  package var incidentLabels: [NamePattern]
  /// Statuses of the category *To Do* in which an issue counts as started in the classic picture.
  package var startedStatuses: [NamePattern]
  /// Resolutions of issues that are done, but of which nothing was delivered.
  package var undeliveredResolutions: [NamePattern]

  package init(
    incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue,
    startedStatuses: [NamePattern] = Self.startedStatusesSetting.defaultValue,
    undeliveredResolutions: [NamePattern] = Self.undeliveredResolutionsSetting.defaultValue
  ) {
    self.incidentLabels = incidentLabels
    self.startedStatuses = startedStatuses
    self.undeliveredResolutions = undeliveredResolutions
  }

  // MARK: Settings

  package static let startedStatusesSetting = Setting<[NamePattern]>.namePatterns(
    "jira-started-statuses", default: ["Selected for Development"],
    help: "To Do statuses in which the classic span of a Jira issue has started, separated by commas. * and ? are wildcards.")

  package static let undeliveredResolutionsSetting = Setting<[NamePattern]>.namePatterns(
    "jira-undelivered-resolutions",
    default: ["Won't Do", "Won't Fix", "Duplicate", "Cannot Reproduce", "Declined", "Incomplete", "Known Error"],
    help: "Resolutions that mean a Jira issue was not carried out, separated by commas. * and ? are wildcards.")

  package static let declarations = [startedStatusesSetting.declaration, undeliveredResolutionsSetting.declaration]

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels),
      startedStatuses: try settings.value(of: Self.startedStatusesSetting),
      undeliveredResolutions: try settings.value(of: Self.undeliveredResolutionsSetting))
  }
}
