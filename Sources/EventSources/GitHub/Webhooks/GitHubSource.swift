import PayloadReading
package import ValueStreamCore

/// Receives webhooks of github.com, GitHub Enterprise Server and GHE.com.
package struct GitHubSource: EventSource {
  private let secrets: [Secret]
  private let rules: GitHubRules

  /// Creates the source.
  ///
  /// - Parameters:
  ///   - secrets: the secrets of the webhooks. A signature with any of them is valid. If empty, unsigned deliveries
  ///     are accepted.
  ///   - rules: the user's rules for distinctions that GitHub does not make.
  package init(secrets: [Secret] = [], rules: GitHubRules = GitHubRules()) {
    self.secrets = secrets
    self.rules = rules
  }

  package var name: String { "github" }
  package var route: String { "/github" }
  package var acceptsUnsigned: Bool { secrets.isEmpty }

  package var keptHeaders: [String] {
    ["Content-Type", GitHubHeader.event, GitHubHeader.delivery, GitHubHeader.enterpriseHost]
  }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try GitHubSignature.check.authenticate(delivery, secrets: secrets, using: authenticator)
  }

  /// Returns the GUID of the event, which a redelivery keeps.
  package func deliveryID(of delivery: Delivery) -> String? {
    delivery.headers[GitHubHeader.delivery].flatMap { $0.isEmpty ? nil : $0 }
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    guard let type = delivery.headers[GitHubHeader.event], !type.isEmpty else {
      throw PayloadError(.missingIdentity, reason: "the header \(GitHubHeader.event) is missing: it names the event type")
    }
    let document = try PayloadBody.document(of: delivery)
    let payload = try GitHubPayload(document, enterpriseHost: delivery.headers[GitHubHeader.enterpriseHost])
    if let reason = GitHubEventCheck.contradiction(ofType: type, payload.root) { return .ignored(reason: reason) }
    let mapping = GitHubMapping(payload: payload, received: delivery.received, rules: rules)
    return try mapping.interpretation(ofType: type)
  }
}

enum GitHubHeader {
  static let event = "X-GitHub-Event"
  static let delivery = "X-GitHub-Delivery"
  /// Only GitHub Enterprise Server sends this header.
  static let enterpriseHost = "X-GitHub-Enterprise-Host"
}
