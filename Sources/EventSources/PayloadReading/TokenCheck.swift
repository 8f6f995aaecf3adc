package import ValueStreamCore

/// Checks a shared token that the sender shows in plain text, for senders that cannot sign.
///
/// Accepts the token as `Authorization: Bearer`, as the password of `Authorization: Basic` with any user, or in a header
/// of its own. Senders use Basic if the webhook address contains a user and password.
package struct TokenCheck: Sendable {
  package let secrets: [Secret]
  /// A header that contains only the token; nil if the senders have none.
  private let header: String?

  /// Creates a check.
  ///
  /// - Parameter secrets: the accepted tokens. If empty, every delivery is accepted.
  package init(secrets: [Secret], header: String? = nil) {
    self.secrets = secrets
    self.header = header
  }

  private static let authorization = "Authorization"

  /// Returns the header that shows a token to ``authenticate(_:using:)``.
  package static func field(showing token: Secret) -> HTTPHeaders.Field {
    HTTPHeaders.Field(name: authorization, value: "Bearer \(String(decoding: token.bytes, as: UTF8.self))")
  }

  package func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if secrets.isEmpty { return }
    let own = header.flatMap { name in delivery.headers[name].map { (header: name, token: Array($0.utf8)) } }
    let standard = delivery.headers[Self.authorization].flatMap(AccessToken.token(inAuthorization:)).map {
      (header: Self.authorization, token: $0)
    }
    let given = [own, standard].compactMap { $0 }.filter { !$0.token.isEmpty }
    guard let first = given.first else { throw AuthenticationError(.missing, header: Self.authorization) }
    guard given.contains(where: { authenticator.isToken($0.token, oneOf: secrets) }) else {
      throw AuthenticationError(.mismatch, header: first.header)
    }
  }
}
