import PayloadReading
package import ValueStreamCore

/// GitLab's webhooks of projects and groups: gitlab.com and instances of one's own.
package struct GitLabSource: EventSource {
  package static let secretSetting = SecretSetting("gitlab-secret", of: "GitLab webhooks")

  private let signature: GitLabSignature
  private let rules: GitLabRules

  /// Accepts unsigned deliveries.
  package init(rules: GitLabRules = GitLabRules()) {
    signature = .none
    self.rules = rules
  }

  /// - Parameters:
  ///   - secrets: secret tokens, and signing tokens that begin with `whsec_`; any of them is accepted. None accepts unsigned
  ///     deliveries.
  ///   - rules: what GitLab does not tell apart.
  /// - Throws: when a signing token is not whole.
  package init(secrets: [Secret], rules: GitLabRules = GitLabRules()) throws(SettingsError) {
    signature = try GitLabSignature(secrets)
    self.rules = rules
  }

  package var name: String { "gitlab" }
  package var route: String { "/gitlab" }
  package var acceptsUnsigned: Bool { signature.acceptsUnsigned }

  /// GitLab switches a hook off that answers an error several times.
  package var unreadableStatus: Int? { 200 }

  package var keptHeaders: [String] {
    ["Content-Type", GitLabHeader.event, GitLabHeader.instance, GitLabHeader.idempotencyKey, GitLabHeader.id]
  }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try signature.authenticate(delivery, using: authenticator)
  }

  /// The key that stays the same over GitLab's own retries, from the header that is signed where there is one: both hold the same.
  /// Other ids that it sends are new each time, or shared by several hooks.
  package func deliveryID(of delivery: Delivery) -> String? {
    let id = delivery.headers[GitLabHeader.id] ?? delivery.headers[GitLabHeader.idempotencyKey]
    return id.flatMap { $0.isEmpty ? nil : $0 }
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let document = try PayloadBody.document(of: delivery)
    let payload = try GitLabPayload(document, instance: delivery.headers[GitLabHeader.instance])
    return try GitLabMapping(payload: payload, received: delivery.received, rules: rules).interpretation()
  }
}

/// What a user says of things that GitLab does not tell apart.
package struct GitLabRules: Sendable {
  /// Labels and types of issues that are incidents.
  package var incidentLabels: [NamePattern]
  package var services: ServiceRules
  /// Accounts that are programs.
  package var bots: Bots

  package init(
    incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue, services: ServiceRules = ServiceRules(),
    bots: Bots = Bots()
  ) {
    self.incidentLabels = incidentLabels
    self.services = services
    self.bots = bots
  }
}
