import PayloadReading
package import ValueStreamCore

/// Jira's webhooks: Jira Cloud, and Jira Data Center as far as it sends the same.
package struct JiraCloudSource: EventSource {
  package static let secretSetting = SecretSetting("jira-secret", of: "Jira webhooks")

  private let secrets: [Secret]
  private let rules: JiraRules

  /// - Parameters:
  ///   - secrets: what hooks are signed with; any of them is accepted. None accepts unsigned deliveries.
  ///   - rules: what Jira does not tell.
  package init(secrets: [Secret] = [], rules: JiraRules = JiraRules()) {
    self.secrets = secrets
    self.rules = rules
  }

  package var name: String { "jira" }
  package var route: String { "/jira" }
  package var acceptsUnsigned: Bool { secrets.isEmpty }
  package var keptHeaders: [String] { ["Content-Type", JiraHeader.identifier] }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try JiraSignature.check.authenticate(delivery, secrets: secrets, using: authenticator)
  }

  /// The identifier that stays the same over Jira's retries.
  package func deliveryID(of delivery: Delivery) -> String? {
    delivery.headers[JiraHeader.identifier].flatMap { $0.isEmpty ? nil : $0 }
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let payload = try JiraPayload(try PayloadBody.document(of: delivery))
    return try JiraMapping(payload: payload, received: delivery.received, rules: rules).interpretation()
  }
}

enum JiraHeader {
  static let signature = "X-Hub-Signature"
  static let identifier = "X-Atlassian-Webhook-Identifier"
}
