package import ValueStreamCore

/// The user's rules for distinctions that GitHub does not make, such as which workflows deploy.
package struct GitHubRules: Sendable {
  /// Workflows whose runs are deploys, in order; the first match wins.
  package var deployWorkflows: [DeployWorkflow]
  /// Labels and types that make an issue an incident.
  package var incidentLabels: [NamePattern]
  package var services: ServiceRules
  /// Accounts of programs.
  package var bots: Bots

  package init(
    deployWorkflows: [DeployWorkflow] = [],
    incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue, services: ServiceRules = ServiceRules(),
    bots: Bots = Bots()
  ) {
    self.deployWorkflows = deployWorkflows
    self.incidentLabels = incidentLabels
    self.services = services
    self.bots = bots
  }

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      deployWorkflows: try settings.value(of: Self.deployWorkflowsSetting),
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels), services: try ServiceRules(settings),
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)))
  }

  package struct DeployWorkflow: Sendable, Hashable {
    /// Matches the name of the workflow, its path or its file name.
    package var pattern: NamePattern
    package var environment: String?

    package init(pattern: NamePattern, environment: String? = nil) {
      self.pattern = pattern
      self.environment = environment
    }
  }

  package static let deployWorkflowsSetting = Setting<[DeployWorkflow]>(
    "github-deploy-workflows", placeholder: "WORKFLOWS", default: [], defaultText: nil,
    help: """
      Workflows whose runs are deploys, by name, path or file, separated by commas. =NAME adds the environment: \
      "Deploy site=production,release-*.yml". * and ? are wildcards.
      """
  ) { text throws(SettingError) in
    try text.split(separator: ",").map { part throws(SettingError) in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
      guard let name = sides.first, !name.isEmpty, sides.count < 2 || !sides[1].isEmpty else {
        throw SettingError(expected: "workflows such as \"Deploy site=production,release-*.yml\"")
      }
      return DeployWorkflow(pattern: NamePattern(name), environment: sides.count > 1 ? sides[1] : nil)
    }
  }

  /// Returns the rule that makes runs of a workflow deploys. Nil if no rule matches.
  func deployWorkflow(name: String?, path: String?) -> DeployWorkflow? {
    // Some payloads append the ref: `.github/workflows/deploy.yml@refs/heads/main`.
    let path = path.map { $0.prefix { $0 != "@" } }
    let file = path?.split(separator: "/").last
    let names = [name, path.map(String.init), file.map(String.init)].compactMap { $0 }
    return deployWorkflows.first { rule in names.contains(where: rule.pattern.matches) }
  }

  func isIncident(labels: [String], type: String?) -> Bool {
    ClassificationSettings.isIncident(labels: labels, type: type, by: incidentLabels)
  }
}
