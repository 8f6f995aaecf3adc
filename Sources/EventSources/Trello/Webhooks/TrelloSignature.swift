import FoundationEssentials
import ValueStreamCore

/// `X-Trello-Webhook`: Base64 of HMAC-SHA1 over the body with the address of the webhook behind it.
///
/// Source: Atlassian Developer, "Webhooks" of the Trello REST API, section on signatures.
struct TrelloSignature: Sendable {
  private let secrets: [Secret]
  private let callbackURL: [UInt8]

  private static let header = "X-Trello-Webhook"

  /// - Throws: when there are secrets and no address.
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

  /// Believes everything.
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
    // Every secret is tried, so that the time taken does not tell which one matched.
    for secret in secrets {
      let expected = authenticator.authenticationCode(.sha1, of: message, key: secret.bytes)
      isValid = authenticator.areEqual(expected, Array(signature)) || isValid
    }
    if !isValid { throw AuthenticationError(.mismatch, header: Self.header) }
  }
}
