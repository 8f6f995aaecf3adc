package import ValueStreamCore

/// What a user says of things that GitHub does not tell apart.
package struct GitHubRules: Sendable {
  /// Workflows whose runs are deploys, in order: the first that fits counts.
  package var deployWorkflows: [DeployWorkflow]
  /// Labels and types of issues that are incidents.
  package var incidentLabels: [NamePattern]
  package var services: ServiceRules
  /// Accounts that are programs.
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

  package struct DeployWorkflow: Sendable, Hashable {
    /// Of the workflow's name, its path or the file's name.
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

  /// The rule by which a workflow deploys; nil when it does not.
  func deployWorkflow(name: String?, path: String?) -> DeployWorkflow? {
    // `.github/workflows/deploy.yml@refs/heads/main` in some payloads.
    let path = path.map { $0.prefix { $0 != "@" } }
    let file = path?.split(separator: "/").last
    let names = [name, path.map(String.init), file.map(String.init)].compactMap { $0 }
    return deployWorkflows.first { rule in names.contains(where: rule.pattern.matches) }
  }

  func isIncident(labels: [String], type: String?) -> Bool {
    ClassificationSettings.isIncident(labels: labels, type: type, by: incidentLabels)
  }
}
