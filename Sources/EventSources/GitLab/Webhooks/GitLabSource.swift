import PayloadReading
package import ValueStreamCore

/// Receives webhooks of GitLab projects and groups, from gitlab.com and self-managed instances.
package struct GitLabSource: EventSource {
  private let signature: GitLabSignature
  private let rules: GitLabRules

  /// Creates a source that accepts unsigned deliveries.
  package init(rules: GitLabRules = GitLabRules()) {
    signature = .none
    self.rules = rules
  }

  /// Creates a source that authenticates deliveries.
  ///
  /// - Parameters:
  ///   - secrets: secret tokens, and signing tokens that begin with `whsec_`. Any of them is valid. If empty,
  ///     unsigned deliveries are accepted.
  ///   - rules: the user's rules for distinctions that GitLab does not make.
  /// - Throws: if a signing token is incomplete.
  package init(secrets: [Secret], rules: GitLabRules = GitLabRules()) throws(SettingsError) {
    signature = try GitLabSignature(secrets)
    self.rules = rules
  }

  package var name: String { "gitlab" }
  package var route: String { "/gitlab" }
  package var acceptsUnsigned: Bool { signature.acceptsUnsigned }

  /// Returns 200, because GitLab disables a webhook that answers several times with an error.
  package var unreadableStatus: Int? { 200 }

  package var keptHeaders: [String] {
    ["Content-Type", GitLabHeader.event, GitLabHeader.instance, GitLabHeader.idempotencyKey, GitLabHeader.id]
  }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try signature.authenticate(delivery, using: authenticator)
  }

  /// Returns the id that stays the same when GitLab retries a delivery.
  ///
  /// `webhook-id` and `Idempotency-Key` hold the same id; the former is preferred because it is signed. The other ids
  /// that GitLab sends are new in each retry, or shared by several webhooks.
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

/// The user's rules for distinctions that GitLab does not make, such as which issues are incidents.
package struct GitLabRules: Sendable {
  /// Labels and types that make an issue an incident.
  package var incidentLabels: [NamePattern]
  package var services: ServiceRules
  /// Accounts of programs.
  package var bots: Bots

  package init(
    incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue, services: ServiceRules = ServiceRules(),
    bots: Bots = Bots()
  ) {
    self.incidentLabels = incidentLabels
    self.services = services
    self.bots = bots
  }

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels), services: try ServiceRules(settings),
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)))
  }
}
