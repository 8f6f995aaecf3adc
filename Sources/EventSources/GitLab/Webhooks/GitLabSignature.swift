import FoundationEssentials
import ValueStreamCore

/// Authenticates GitLab deliveries by a secret token or by a signature.
///
/// - The older method sends the secret itself in `X-Gitlab-Token`.
/// - The newer method follows Standard Webhooks. The header `webhook-signature` holds `v1,<base64>`, an HMAC-SHA256
///   over `<webhook-id>.<webhook-timestamp>.<body>`. Several signatures are separated by spaces. The time may differ
///   from the time of receipt by five minutes. Signing tokens are `whsec_` and a key in base64.
///
/// If a signing token is configured, every delivery must be signed. A signature that a delivery has is always
/// checked, so that nobody gets in by the weaker method. Without a signing token such a delivery fails.
///
/// Source: GitLab Docs, "Webhooks", section on signing tokens; the Standard Webhooks specification.
struct GitLabSignature: Sendable {
  private let tokens: [Secret]
  private let keys: [[UInt8]]

  private static let prefix = "whsec_"
  /// The largest difference between the signed time and the time of receipt, in seconds.
  private static let window = 300.0

  /// Splits the secrets into signing tokens, which begin with `whsec_`, and secret tokens.
  ///
  /// - Throws: if what follows `whsec_` is not base64, or is empty.
  init(_ secrets: [Secret]) throws(SettingsError) {
    var tokens: [Secret] = []
    var keys: [[UInt8]] = []
    for secret in secrets {
      let text = String(decoding: secret.bytes, as: UTF8.self)
      guard text.hasPrefix(Self.prefix) else {
        tokens.append(secret)
        continue
      }
      guard let key = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))), !key.isEmpty else {
        throw SettingsError("gitlab-secret: a signing token (whsec_...) is not whole: what follows whsec_ is no base64")
      }
      keys.append(Array(key))
    }
    self.tokens = tokens
    self.keys = keys
  }

  private init() {
    tokens = []
    keys = []
  }

  /// Accepts every delivery.
  static let none = GitLabSignature()

  var acceptsUnsigned: Bool { tokens.isEmpty && keys.isEmpty }

  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if acceptsUnsigned { return }
    let signature = delivery.headers[GitLabHeader.signature] ?? ""
    if !keys.isEmpty || !signature.isEmpty {
      try verify(signature, of: delivery, using: authenticator)
    } else {
      try compareToken(of: delivery, using: authenticator)
    }
  }

  private func compareToken(of delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    guard let token = delivery.headers[GitLabHeader.token], !token.isEmpty else {
      throw AuthenticationError(.missing, header: GitLabHeader.token)
    }
    guard authenticator.isToken(Array(token.utf8), oneOf: tokens) else {
      throw AuthenticationError(.mismatch, header: GitLabHeader.token)
    }
  }

  private func verify(
    _ signature: String, of delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    guard !signature.isEmpty else { throw AuthenticationError(.missing, header: GitLabHeader.signature) }
    guard let id = delivery.headers[GitLabHeader.id], let time = delivery.headers[GitLabHeader.timestamp],
      let seconds = Int64(time)
    else { throw AuthenticationError(.missing, header: GitLabHeader.timestamp) }
    let signed = signature.split(separator: " ").compactMap { part in
      part.hasPrefix("v1,") ? Data(base64Encoded: String(part.dropFirst(3))).map { Array($0) } : nil
    }
    guard !signed.isEmpty else { throw AuthenticationError(.malformed, header: GitLabHeader.signature) }
    let message = Array("\(id).\(time).".utf8) + delivery.body
    var isValid = false
    for key in keys {
      let expected = authenticator.authenticationCode(.sha256, of: message, key: key)
      for candidate in signed { isValid = authenticator.areEqual(expected, candidate) || isValid }
    }
    if !isValid { throw AuthenticationError(.mismatch, header: GitLabHeader.signature) }
    guard abs(delivery.received.seconds(since: Timestamp(seconds: seconds))) <= Self.window else {
      throw AuthenticationError(.expired, header: GitLabHeader.timestamp)
    }
  }
}

enum GitLabHeader {
  static let token = "X-Gitlab-Token"
  static let instance = "X-Gitlab-Instance"
  static let event = "X-Gitlab-Event"
  static let idempotencyKey = "Idempotency-Key"
  static let id = "webhook-id"
  static let timestamp = "webhook-timestamp"
  static let signature = "webhook-signature"
}
