import FoundationEssentials
import ValueStreamCore

/// Checks `X-Trello-Webhook`: an HMAC-SHA1 in Base64 over the body followed by the callback URL of the webhook.
///
/// Source: Atlassian Developer, "Webhooks" of the Trello REST API, section on signatures.
struct TrelloSignature: Sendable {
  private let secrets: [Secret]
  private let callbackURL: [UInt8]

  private static let header = "X-Trello-Webhook"

  /// Creates the check.
  ///
  /// - Throws: if there are secrets but no callback URL.
  init(secrets: [Secret], callbackURL: String?) throws(SettingsError) {
    if !secrets.isEmpty, callbackURL == nil {
      throw SettingsError(
        "trello-secret: set trello-callback-url too (VS_TRELLO_CALLBACK_URL), to the address the webhooks were made with: "
          + "Trello signs it along")
    }
    self.secrets = secrets
    self.callbackURL = Array((callbackURL ?? "").utf8)
  }

  private init() {
    secrets = []
    callbackURL = []
  }

  /// Accepts every delivery.
  static let none = TrelloSignature()

  var acceptsUnsigned: Bool { secrets.isEmpty }

  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if secrets.isEmpty { return }
    guard let text = delivery.headers[Self.header], !text.isEmpty else {
      throw AuthenticationError(.missing, header: Self.header)
    }
    guard let signature = Data(base64Encoded: text), signature.count == 20 else {
      throw AuthenticationError(.malformed, header: Self.header)
    }
    let message = delivery.body + callbackURL
    var isValid = false
    // Tries every secret, so that the time does not reveal which one matched.
    for secret in secrets {
      let expected = authenticator.authenticationCode(.sha1, of: message, key: secret.bytes)
      isValid = authenticator.areEqual(expected, Array(signature)) || isValid
    }
    if !isValid { throw AuthenticationError(.mismatch, header: Self.header) }
  }
}
