import PayloadReading
package import ValueStreamCore

/// Receives webhooks of Jira Cloud, and of Jira Data Center as far as it sends the same payloads.
package struct JiraSource: EventSource {
  private let secrets: [Secret]
  private let rules: JiraRules

  /// Creates the source.
  ///
  /// - Parameters:
  ///   - secrets: the secrets of the webhooks. A signature with any of them is valid. If empty, unsigned deliveries
  ///     are accepted.
  ///   - rules: the user's rules for distinctions that Jira does not make.
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

  /// Returns the identifier that stays the same when Jira retries a delivery.
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
