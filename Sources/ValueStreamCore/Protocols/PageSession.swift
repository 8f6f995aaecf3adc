/// Signs browsers in with the read token, by a cookie that stands for it.
///
/// The cookie holds its expiry and a code over it with the token as key, so nothing is stored, the browser never keeps the
/// token itself, and another token ends all sessions.
package struct PageSession: Sendable {
  private let token: CurrentSecret
  private let authenticator: any MessageAuthenticator
  private let clock: any WallClock

  /// The name of the cookie.
  package static let cookieName = "vs_session"
  /// How long a session lasts, in seconds: 30 days.
  package static let seconds: Int64 = 30 * 86_400

  package init(token: CurrentSecret, authenticator: any MessageAuthenticator, clock: any WallClock) {
    self.token = token
    self.authenticator = authenticator
    self.clock = clock
  }

  package init(token: Secret, authenticator: any MessageAuthenticator, clock: any WallClock) {
    self.init(token: CurrentSecret(token), authenticator: authenticator, clock: clock)
  }

  /// Returns the value of a new cookie if a text is the read token. Nil for any other text.
  package func cookie(for text: String) -> String? {
    guard authenticator.isToken(Array(text.utf8), oneOf: [token.value]) else { return nil }
    let (expiry, overflow) = clock.now().seconds.addingReportingOverflow(Self.seconds)
    return overflow ? nil : "\(expiry).\(code("session", of: String(expiry)))"
  }

  /// True if a request carries the cookie of a session that is not over.
  package func isSignedIn(_ headers: HTTPHeaders) -> Bool {
    guard let value = headers.cookie(Self.cookieName) else { return false }
    let parts = value.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let expiry = Int64(parts[0]), clock.now().seconds < expiry else { return false }
    return areEqual(String(parts[1]), code("session", of: String(parts[0])))
  }

  /// Returns the value that a form of this session must send back. Nil if the request is not signed in by the cookie.
  package func formToken(_ headers: HTTPHeaders) -> String? {
    guard isSignedIn(headers), let value = headers.cookie(Self.cookieName) else { return nil }
    return code("form", of: value)
  }

  /// Compares in a time that does not depend on where the texts differ.
  package func areEqual(_ left: String, _ right: String) -> Bool {
    authenticator.areEqual(Array(left.utf8), Array(right.utf8))
  }

  private func code(_ use: String, of text: String) -> String {
    Hex.text(of: authenticator.authenticationCode(.sha256, of: Array("vsd \(use) \(text)".utf8), key: token.value.bytes))
  }
}

extension HTTPHeaders {
  /// Returns the value of the first cookie with this name.
  package func cookie(_ name: String) -> String? {
    for field in fields where field.name.lowercased() == "cookie" {
      for pair in field.value.split(separator: ";") {
        let pair = pair.drop { $0 == " " }
        if pair.hasPrefix("\(name)=") { return String(pair.dropFirst(name.utf8.count + 1)) }
      }
    }
    return nil
  }
}
