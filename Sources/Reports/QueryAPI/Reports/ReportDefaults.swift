package import DeliveryMetrics
package import ValueStreamCore

/// The settings of the daemon for reports.
package struct ReportDefaults: Sendable {
  package var settings: ReportSettings
  package var zone: TimeZoneRules
  /// Labels, titles and branches of hotfixes. Facts follow them, and are computed again after a change.
  package var hotfixes: [NamePattern]
  /// What precedes the path of addresses in answers: empty, or a path such as `/valuestream` behind a proxy.
  package var base = ""

  package init(
    settings: ReportSettings = ReportSettings(), zone: TimeZoneRules = .utc, hotfixes: [NamePattern] = FactRules.defaultHotfixes
  ) {
    self.settings = settings
    self.zone = zone
    self.hotfixes = hotfixes
  }

  package static let production = Setting<[NamePattern]>.namePatterns(
    "production", default: [],
    help: """
      Environments that are production, separated by commas. * and ? are wildcards. Without it, the vendor's word counts, or else \
      prod, production or live as a word in the name.
      """)

  package static let teams = Setting<[ReportSettings.Team]>(
    "teams", placeholder: "TEAMS", default: [], defaultText: nil,
    help: """
      Teams and what they own: "shop=acme/cart*,acme/till;search=acme/search". A pattern matches names of repositories, services and \
      projects of trackers, and * and ? are wildcards. What several teams own counts in each.
      """
  ) { text throws(SettingError) in try parse(teams: text) }

  package static let hotfix = Setting<[NamePattern]>.namePatterns(
    "hotfix", default: FactRules.defaultHotfixes.map(\.description),
    help: """
      Labels, titles and branches of changes that are hotfixes, separated by commas. * and ? are wildcards. After a change, vsd \
      computes the facts of all stored items again.
      """)

  package static let timeZone = Setting<TimeZoneRules>(
    "time-zone", placeholder: "NAME", default: .utc, defaultText: "UTC",
    help: "Time zone in which the days, weeks and months of reports begin, such as Europe/Berlin."
  ) { text throws(SettingError) in
    do throws(ReportError) {
      return try .named(text)
    } catch {
      throw SettingError(expected: "a name of the time zone database, such as Europe/Berlin")
    }
  }

  package static let failureRules = Setting<Set<FailureRule>>(
    "failure-rules", placeholder: "RULES", default: FailureRule.usual, defaultText: "incident,rollback,revert,hotfix",
    help: """
      Rules by which a release counts as failed, separated by commas: incident, rollback, revert, hotfix, and failed for deploys \
      that themselves failed. none turns all of them off.
      """
  ) { text throws(SettingError) in
    if text == "none" { return [] }
    var rules: Set<FailureRule> = []
    for word in text.split(separator: ",").map(\.trimmed) {
      guard let rule = FailureRule(rawValue: word) else {
        throw SettingError(
          expected: "rules; known are \(FailureRule.allCases.map(\.rawValue).joined(separator: ", ")), or none")
      }
      rules.insert(rule)
    }
    return rules
  }

  package static let verdictAfter = Setting<Duration>.duration(
    "verdict-after", default: .seconds(86_400), text: "24h",
    help: "How long after its end a release is pending, before reports count it as ok or failed.")

  package static let blameWithin = Setting<Duration>.duration(
    "blame-within", default: .seconds(7 * 86_400), text: "7d",
    help: "A rule blames only a release that ended within this time before.")

  package static let activeStatuses = Setting<[NamePattern]>.namePatterns(
    "active-statuses", default: [],
    help: "Statuses of issues in which somebody works on them, for flow efficiency, separated by commas. * and ? are wildcards.")

  package static let waitingStatuses = Setting<[NamePattern]>.namePatterns(
    "waiting-statuses", default: [],
    help: "Statuses of issues in which they wait. With only one of the two lists, the other statuses are the opposite.")

  /// All settings, in the order of the help text.
  package static let declarations: [SettingDeclaration] = [
    production.declaration, teams.declaration, hotfix.declaration, timeZone.declaration, failureRules.declaration,
    verdictAfter.declaration,
    blameWithin.declaration, activeStatuses.declaration, waitingStatuses.declaration,
  ]

  package init(_ settings: Settings) throws(SettingsError) {
    var values = ReportSettings()
    values.production = try settings.value(of: Self.production)
    values.teams = try settings.value(of: Self.teams)
    values.failureRules = try settings.value(of: Self.failureRules)
    values.verdictAfterSeconds = try settings.value(of: Self.verdictAfter).inSeconds
    values.blameWithinSeconds = try settings.value(of: Self.blameWithin).inSeconds
    values.statuses.active = try settings.value(of: Self.activeStatuses)
    values.statuses.waiting = try settings.value(of: Self.waitingStatuses)
    self.init(
      settings: values, zone: try settings.value(of: Self.timeZone), hotfixes: try settings.value(of: Self.hotfix))
  }

  /// Parses `shop=acme/cart*,acme/till;search=acme/search`.
  ///
  /// Commas and semicolons separate patterns. A pattern without a name belongs to the team before it, so that a list in the
  /// configuration file reads well: `["shop=acme/cart*, acme/till", "search=acme/search"]`.
  private static func parse(teams text: String) throws(SettingError) -> [ReportSettings.Team] {
    let mistake = SettingError(expected: "teams and patterns such as \"shop=acme/cart*,acme/till;search=acme/search\"")
    var teams: [ReportSettings.Team] = []
    for part in text.split(whereSeparator: { $0 == "," || $0 == ";" }) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
      guard let pattern = sides.last, !pattern.isEmpty else {
        // A separator at the end is harmless.
        if sides.count == 1 { continue }
        throw mistake
      }
      var index = teams.indices.last
      if sides.count == 2 {
        guard !sides[0].isEmpty else { throw mistake }
        index = teams.firstIndex { $0.name == sides[0] }
        if index == nil {
          teams.append(ReportSettings.Team(name: sides[0], patterns: []))
          index = teams.indices.last
        } else if let known = index {
          // Patterns that follow without a name belong to this team, too.
          teams.append(teams.remove(at: known))
          index = teams.indices.last
        }
      }
      guard let index else { throw mistake }
      teams[index].patterns.append(NamePattern(pattern))
    }
    return teams
  }
}
