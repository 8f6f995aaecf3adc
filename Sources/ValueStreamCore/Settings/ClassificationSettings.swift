/// What a user says of things that vendors do not tell apart; the same for all sources.
public enum ClassificationSettings {
  public static let incidentLabels = Setting<[NamePattern]>.namePatterns(
    "incident-labels", default: ["incident"],
    help: "Labels and issue types that make an issue an incident, separated by commas. * and ? are wildcards.")

  public static let bots = Setting<[NamePattern]>.namePatterns(
    "bots", default: [],
    help: """
      Accounts that are bots, separated by commas. Their reviews do not count as a person's. * and ? are wildcards. GitHub Apps and \
      GitLab access tokens are recognized without it.
      """)

  public static let declarations = [incidentLabels.declaration, bots.declaration]

  /// True when an issue's labels or its type are among ``incidentLabels``.
  package static func isIncident(labels: [String], type: String?, by patterns: [NamePattern]) -> Bool {
    labels.contains(where: patterns.match) || type.map(patterns.match) ?? false
  }
}
