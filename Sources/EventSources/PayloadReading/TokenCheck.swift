package import ValueStreamCore

/// Checks a shared token that senders show as it is, for those that sign nothing.
///
/// Taken as `Authorization: Bearer`, as the password of `Authorization: Basic` (the name does not matter), which is what an address
/// with user and password becomes, or in a header of its own.
package struct TokenCheck: Sendable {
  package let secrets: [Secret]
  /// A header that holds nothing but the token; nil where senders have none.
  private let header: String?

  /// - Parameter secrets: any of them is accepted; none accepts everybody.
  package init(secrets: [Secret], header: String? = nil) {
    self.secrets = secrets
    self.header = header
  }

  private static let authorization = "Authorization"

  package func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if secrets.isEmpty { return }
    let given = [
      header.flatMap { delivery.headers[$0] }.map { Array($0.utf8) },
      delivery.headers[Self.authorization].flatMap(AccessToken.token(inAuthorization:)),
    ].compactMap { $0 }.filter { !$0.isEmpty }
    guard !given.isEmpty else { throw AuthenticationError(.missing, header: Self.authorization) }
    guard given.contains(where: { authenticator.isToken($0, oneOf: secrets) }) else {
      throw AuthenticationError(.mismatch, header: Self.authorization)
    }
  }
}
