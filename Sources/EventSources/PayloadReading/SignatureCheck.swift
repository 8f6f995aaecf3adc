package import ValueStreamCore

/// Checks signatures that are an HMAC of the body. Accepts several secrets, so that they can be rotated.
package struct SignatureCheck: Sendable {
  package var header: String
  /// The text before the hexadecimal digits.
  package var prefix: String
  /// True if the digits may also stand without the prefix.
  package var isPrefixOptional: Bool

  package init(header: String, prefix: String, isPrefixOptional: Bool = false) {
    self.header = header
    self.prefix = prefix
    self.isPrefixOptional = isPrefixOptional
  }

  /// Returns the header that ``authenticate(_:secrets:using:)`` accepts, without the prefix if that is optional.
  package func field(
    for body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field {
    let code = Hex.text(of: authenticator.authenticationCode(.sha256, of: body, key: secret.bytes))
    return HTTPHeaders.Field(name: header, value: isPrefixOptional ? code : prefix + code)
  }

  /// Checks an HMAC-SHA256 of the body. Accepts every delivery if there are no secrets.
  ///
  /// Tries every secret, so that the time taken does not reveal which one matched.
  package func authenticate(
    _ delivery: Delivery, secrets: [Secret], using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    if secrets.isEmpty { return }
    guard let text = delivery.headers[header], !text.isEmpty else { throw AuthenticationError(.missing, header: header) }
    let hasPrefix = text.hasPrefix(prefix)
    guard hasPrefix || isPrefixOptional, let signature = Hex.bytes(of: hasPrefix ? text.dropFirst(prefix.count) : text[...]),
      signature.count == 32
    else { throw AuthenticationError(.malformed, header: header) }
    var isValid = false
    for secret in secrets {
      let expected = authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)
      isValid = authenticator.areEqual(expected, signature) || isValid
    }
    if !isValid { throw AuthenticationError(.mismatch, header: header) }
  }
}
