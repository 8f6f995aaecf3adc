package import ValueStreamCore

/// Decides who may read pages, API and metrics.
struct ReadPolicy: Sendable {
  let token: CurrentSecret?
  let authenticator: any MessageAuthenticator
  /// Recognizes browsers that signed in with the token.
  var session: PageSession?
  var operators = OperatorAccess()

  /// Returns the response for a request that is not allowed; nil if it is allowed.
  func rejection(for access: Route.Access, _ headers: HTTPHeaders, isLoopback: Bool) -> HTTPResponse? {
    switch access {
    case .open: nil
    case .besidePages: token != nil ? nil : rejectionOfName(headers, isLoopback)
    // The router asks ``rejectionOfWriting(_:isLoopback:isDirect:)`` first, which knows more.
    case .operating, .operatorPages: rejectionOfWriting(headers, isLoopback: isLoopback, isDirect: false)
    case .openUnlessProtected: token != nil ? rejectionWithoutToken(headers) : rejectionOfName(headers, isLoopback)
    case .reading, .pages:
      if token != nil {
        rejectionWithoutToken(headers)
      } else if isOperator(headers) {
        nil
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
    if let given, authenticator.isToken(given, oneOf: [token.value]) { return nil }
    if let session, session.isSignedIn(headers) { return nil }
    if isOperator(headers) { return nil }
    return .problem(
      401, "a read token is needed, as Bearer token or as the password of Basic authentication",
      headers: ["WWW-Authenticate": #"Basic realm="ValueStream", charset="UTF-8""#, "WWW-Authenticate": "Bearer"])
  }

  // MARK: Writing

  /// Returns the response for a request that may not write; nil if it may.
  ///
  /// - Parameter isDirect: true if the request comes from this machine, and no proxy has forwarded it.
  func rejectionOfWriting(_ headers: HTTPHeaders, isLoopback: Bool, isDirect: Bool) -> HTTPResponse? {
    if let site = headers["Sec-Fetch-Site"], site != "same-origin", site != "none" {
      return .problem(403, "another site sent this request (header Sec-Fetch-Site)")
    }
    if let origin = headers["Origin"], !isOwn(origin, headers, isDirect: isDirect) {
      let expected =
        operators.publicOrigin.map { "expected \($0), from --public-url" } ?? "set --public-url to the address of pages"
      return .problem(403, "another site sent this request (header Origin); \(expected)")
    }
    if operators.token != nil {
      return isOperator(headers)
        ? nil : .problem(401, "writing needs the operator token, as Bearer token", headers: ["WWW-Authenticate": "Bearer"])
    }
    guard isDirect, operators.isLocal, Self.isLoopbackName(headers["Host"] ?? "localhost") else {
      return .problem(
        403,
        "writing needs an operator token: set VS_OPERATOR_TOKEN. Without one, only this machine itself may, and not by a proxy")
    }
    return rejection(for: .reading, headers, isLoopback: isLoopback)
  }

  private func isOperator(_ headers: HTTPHeaders) -> Bool {
    guard let token = operators.token else { return false }
    if let given = headers["Authorization"].flatMap(AccessToken.token(inAuthorization:)),
      authenticator.isToken(given, oneOf: [token.value])
    {
      return true
    }
    return operators.session?.isSignedIn(headers) ?? false
  }

  /// True if an origin is that of vsd's own pages.
  private func isOwn(_ origin: String, _ headers: HTTPHeaders, isDirect: Bool) -> Bool {
    let origin = origin.lowercased()
    if origin == operators.publicOrigin { return true }
    guard isDirect, let host = headers["Host"], Self.isLoopbackName(host) else { return false }
    return origin == "http://\(host.lowercased())"
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

/// Who may write: leave items out of numbers, and take them back.
package struct OperatorAccess: Sendable {
  /// Nil to let only requests write that come directly from this machine.
  let token: CurrentSecret?
  /// Recognizes browsers that signed in with the token.
  let session: PageSession?
  /// Scheme, host and port of the address at which people reach vsd. Nil if it is not set.
  let publicOrigin: String?
  /// False if people reach vsd at another machine's name. A proxy may then forward their requests without saying so.
  let isLocal: Bool

  /// - Parameter publicURL: the address at which people reach vsd; nil if it is not set.
  package init(token: CurrentSecret? = nil, session: PageSession? = nil, publicURL: String? = nil) {
    self.token = token
    self.session = session
    publicOrigin = publicURL.flatMap(WebAddress.origin)
    isLocal = publicURL.map { WebAddress.split($0).map { ReadPolicy.isLoopbackName($0.host) } ?? false } ?? true
  }
}
