import PayloadReading
package import ValueStreamCore

/// Receives Trello webhooks for boards and for any other model that Trello can watch.
package struct TrelloSource: EventSource {
  private let signature: TrelloSignature
  private let rules: TrelloRules

  /// Creates a source that accepts unsigned deliveries.
  package init(rules: TrelloRules = TrelloRules()) {
    signature = .none
    self.rules = rules
  }

  /// Creates a source that authenticates deliveries.
  ///
  /// - Parameters:
  ///   - secrets: the secrets of the Trello app. A signature with any of them is valid. If empty, unsigned deliveries
  ///     are accepted.
  ///   - callbackURL: the callback URL with which the webhooks were created, exactly as registered. The signature
  ///     covers it.
  ///   - rules: the user's rules for what Trello does not define.
  /// - Throws: if there are secrets but no callback URL.
  package init(
    secrets: [Secret], callbackURL: String?, rules: TrelloRules = TrelloRules()
  ) throws(SettingsError) {
    signature = try TrelloSignature(secrets: secrets, callbackURL: callbackURL)
    self.rules = rules
  }

  package var name: String { "trello" }
  package var route: String { "/trello" }
  package var acceptsUnsigned: Bool { signature.acceptsUnsigned }
  package var keptHeaders: [String] { ["Content-Type"] }

  /// Returns true, because Trello creates a webhook only if its address answers `HEAD` with 200.
  package var answersHead: Bool { true }

  /// Returns 200, because Trello disables a webhook that answers with errors for a long time.
  package var unreadableStatus: Int? { 200 }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try signature.authenticate(delivery, using: authenticator)
  }

  /// Returns the id of the action, which stays the same when Trello retries a delivery.
  package func deliveryID(of delivery: Delivery) -> String? {
    guard let document = try? PayloadBody.document(of: delivery) else { return nil }
    return (try? PayloadObject(root: document))?.object("action")?.text("id")
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let payload = try TrelloPayload(try PayloadBody.document(of: delivery))
    return try TrelloMapping(payload: payload, received: delivery.received, rules: rules).interpretation()
  }
}
