import ValueStreamCore

/// Decides who may read pages, API and metrics.
struct ReadPolicy: Sendable {
  let token: Secret?
  let authenticator: any MessageAuthenticator
  /// Recognizes browsers that signed in with the token.
  var session: PageSession?

  /// Returns the response for a request that is not allowed; nil if it is allowed.
  func rejection(for access: Route.Access, _ headers: HTTPHeaders, isLoopback: Bool) -> HTTPResponse? {
    switch access {
    case .open: nil
    case .besidePages: token != nil ? nil : rejectionOfName(headers, isLoopback)
    case .openUnlessProtected: token != nil ? rejectionWithoutToken(headers) : rejectionOfName(headers, isLoopback)
    case .reading, .pages:
      if token != nil {
        rejectionWithoutToken(headers)
      } else if !isLoopback {
        .problem(
          403, "the API needs a read token on an address other machines can reach: set VS_READ_TOKEN, or --read-token")
      } else {
        rejectionOfName(headers, isLoopback)
      }
    }
  }

  /// True if readers need a token: there is one, or one is missing although other machines can reach the listener.
  func needsToken(isLoopback: Bool) -> Bool { token != nil || !isLoopback }

  /// Protects against DNS rebinding: a foreign web page can point its own name at loopback and read the API from there.
  private func rejectionOfName(_ headers: HTTPHeaders, _ isLoopback: Bool) -> HTTPResponse? {
    guard isLoopback, let host = headers["Host"], !Self.isLoopbackName(host) else { return nil }
    return .problem(403, "on loopback, API and metrics answer to localhost only, not to the name in the Host header")
  }

  private func rejectionWithoutToken(_ headers: HTTPHeaders) -> HTTPResponse? {
    guard let token else { return nil }
    let given = headers["Authorization"].flatMap(AccessToken.token(inAuthorization:))
    if let given, authenticator.isToken(given, oneOf: [token]) { return nil }
    if let session, session.isSignedIn(headers) { return nil }
    return .problem(
      401, "a read token is needed, as Bearer token or as the password of Basic authentication",
      headers: ["WWW-Authenticate": #"Basic realm="ValueStream", charset="UTF-8""#, "WWW-Authenticate": "Bearer"])
  }

  /// True for `localhost`, names below it, and loopback addresses, with or without a port.
  static func isLoopbackName(_ host: String) -> Bool {
    var name = Substring(host.lowercased())
    if name.hasPrefix("[") {
      name = name.dropFirst().prefix { $0 != "]" }
      return ListenAddress(host: .v6(String(name)), port: 0).isLoopback
    }
    name = name.prefix { $0 != ":" }
    if name.hasSuffix(".") { name = name.dropLast() }
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    // A name that begins with `127.` need not be an address.
    guard let address = try? ListenAddress("\(name):0") else { return false }
    return address.isLoopback
  }
}
