/// What a user says of things that vendors do not tell apart; the same for all sources.
public enum ClassificationSettings {
  public static let incidentLabels = Setting<[NamePattern]>.namePatterns(
    "incident-labels", default: ["incident"],
    help: "Labels and types of issues that make them incidents, separated by commas; * and ? are wild cards.")

  public static let bots = Setting<[NamePattern]>.namePatterns(
    "bots", default: [],
    help: """
      Accounts that are programs, by name, separated by commas; * and ? are wild cards. Their reviews count as nobody's. Accounts of \
      GitHub's apps and of GitLab's tokens are known without it.
      """)

  public static let declarations = [incidentLabels.declaration, bots.declaration]

  /// True when an issue's labels or its type are among ``incidentLabels``.
  package static func isIncident(labels: [String], type: String?, by patterns: [NamePattern]) -> Bool {
    labels.contains(where: patterns.match) || type.map(patterns.match) ?? false
  }
}
