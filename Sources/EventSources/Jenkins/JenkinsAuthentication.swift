import ValueStreamCore

/// A shared token. Jenkins' plugins sign nothing; what they can do is send a name and password in the address they post to.
///
/// Taken as the password of `Authorization: Basic` (the name does not matter), as `Authorization: Bearer`, or as `X-VS-Token`.
struct JenkinsAuthentication: Sendable {
  let tokens: [Secret]

  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if tokens.isEmpty { return }
    let given = [
      delivery.headers[JenkinsHeader.token].map { Array($0.utf8) },
      delivery.headers[JenkinsHeader.authorization].flatMap(AccessToken.token(inAuthorization:)),
    ].compactMap { $0 }.filter { !$0.isEmpty }
    guard !given.isEmpty else { throw AuthenticationError(.missing, header: JenkinsHeader.authorization) }
    guard given.contains(where: { authenticator.isToken($0, oneOf: tokens) }) else {
      throw AuthenticationError(.mismatch, header: JenkinsHeader.authorization)
    }
  }
}

enum JenkinsHeader {
  static let authorization = "Authorization"
  static let token = "X-VS-Token"
  /// Sent by the Generic Event plugin.
  static let eventType = "X-Event-Type"
}
