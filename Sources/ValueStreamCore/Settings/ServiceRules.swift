/// What a user says of repositories that hold several services: which deploy is of which, and which files.
///
/// A pattern may say of which repository or project it speaks: `acme/shop:cart-*`.
public struct ServiceRules: Sendable, Hashable {
  /// A service, and what is its.
  public struct Rule: Sendable, Hashable {
    public var service: String
    public var pattern: NamePattern

    public init(service: String, pattern: NamePattern) {
      self.service = service
      self.pattern = pattern
    }

    func matches(_ name: String, in project: String?) -> Bool {
      pattern.matches(name) || project.map { pattern.matches("\($0):\(name)") } ?? false
    }
  }

  /// By environment, task, workflow or job; the first that fits counts.
  public var deploys: [Rule]
  /// By the paths of files; all that fit count.
  public var paths: [Rule]

  public init(deploys: [Rule] = [], paths: [Rule] = []) {
    self.deploys = deploys
    self.paths = paths
  }

  /// The service that a deploy is of, by what is known under several names; nil where no rule says.
  package func service(ofDeploy names: [String?], in project: String?) -> String? {
    deploys.first { rule in names.contains { name in name.map { rule.matches($0, in: project) } ?? false } }?.service
  }

  /// The services whose files are among these; nil without rules, or where the files are not known.
  package func services(ofPaths paths: [String]?, in project: String?) -> [String]? {
    guard !self.paths.isEmpty, let paths else { return nil }
    var services: [String] = []
    for rule in self.paths where !services.contains(rule.service) {
      if paths.contains(where: { rule.matches($0, in: project) }) { services.append(rule.service) }
    }
    return services
  }
}

extension ServiceRules {
  package static let deploysSetting = rules(
    "service-deploys", placeholder: "RULES",
    help: """
      Rules that name the service of a GitHub or GitLab deploy, for repositories with several services. A rule matches the \
      environment, task, workflow or job, and the first match wins: "cart=cart-*,till=acme/shop:Deploy till". * and ? are wildcards.
      """)

  package static let pathsSetting = rules(
    "service-paths", placeholder: "RULES",
    help: """
      Rules that say which files belong to a service, so that its deploys contain only changes to these files: \
      "cart=services/cart/*,till=acme/shop:till/*".
      """)

  package static let declarations = [deploysSetting.declaration, pathsSetting.declaration]

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      deploys: try settings.value(of: Self.deploysSetting), paths: try settings.value(of: Self.pathsSetting))
  }

  private static func rules(_ name: String, placeholder: String, help: String) -> Setting<[Rule]> {
    Setting(name, placeholder: placeholder, default: [], defaultText: nil, help: help) { text throws(SettingError) in
      try text.split(separator: ",").map { part throws(SettingError) in
        let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
        guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
          throw SettingError(expected: "services and patterns such as \"cart=cart-*,till=till-*\"")
        }
        return Rule(service: sides[0], pattern: NamePattern(sides[1]))
      }
    }
  }
}
