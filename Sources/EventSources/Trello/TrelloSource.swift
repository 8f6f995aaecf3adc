import Payloads
package import ValueStreamCore

/// Trello's webhooks of boards, and of whatever else Trello lets watch.
package struct TrelloSource: EventSource {
  package static let secretSetting = SecretSetting("trello-secret", of: "the Trello app whose token made the webhooks")

  package static let callbackURLSetting = Setting<String?>(
    "trello-callback-url", placeholder: "URL", default: nil, defaultText: nil,
    help:
      "Callback URL of the Trello webhooks, exactly as registered, because the signature covers it. Required with a Trello secret."
  ) { text throws(SettingError) in
    guard WebAddress.host(text) != nil else { throw SettingError(expected: "an address such as https://vs.example.org/trello") }
    return text
  }

  private let signature: TrelloSignature
  private let rules: TrelloRules

  /// Accepts unsigned deliveries.
  package init(rules: TrelloRules = TrelloRules()) {
    signature = .none
    self.rules = rules
  }

  /// - Parameters:
  ///   - secrets: secrets of the app; any of them is accepted. None accepts unsigned deliveries.
  ///   - callbackURL: the address the webhooks were made with.
  ///   - rules: what Trello does not tell.
  /// - Throws: when there are secrets, and nothing says which address is signed.
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

  /// Trello makes a hook only where `HEAD` is answered 200.
  package var answersHead: Bool { true }

  /// Trello switches off a hook that answers errors for long.
  package var unreadableStatus: Int? { 200 }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try signature.authenticate(delivery, using: authenticator)
  }

  /// The id of the action, which stays the same when Trello tries again.
  package func deliveryID(of delivery: Delivery) -> String? {
    guard let document = try? PayloadBody.document(of: delivery) else { return nil }
    return (try? PayloadObject(root: document))?.object("action")?.text("id")
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let payload = try TrelloPayload(try PayloadBody.document(of: delivery))
    return try TrelloMapping(payload: payload, received: delivery.received, rules: rules).interpretation()
  }
}
