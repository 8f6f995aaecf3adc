package import ValueStreamCore

/// The sign-in page, and the answer to a page that the reader may not see yet.
///
/// The form names the page that was asked for, so that the reader gets there. It carries a value that also stands in a
/// cookie: another site can set neither, so it cannot sign a reader in to a session of its own.
package struct SignIn: HTTPHandler {
  package static let path = "/sign-in"
  package static let signOutPath = "/sign-out"

  private let session: PageSession?
  private let operators: PageSession?
  private let base: String
  private let isSecure: Bool
  private let origin: String?
  private let makeFormValue: @Sendable () -> String

  private static let formCookie = "vs_form"
  private static let bodyLimit = 8 << 10

  /// - Parameters:
  ///   - session: Nil if there is no read token. Pages then cannot be seen from other machines.
  ///   - operators: Nil if there is no operator token. Who signs in with it may also read.
  ///   - isSecure: True if readers come over HTTPS. Browsers then never send the cookies without it.
  ///   - origin: Scheme, host and port at which readers see the pages, if a proxy gives vsd another name.
  package init(
    _ session: PageSession?, operators: PageSession? = nil, base: String = "", isSecure: Bool = false, origin: String? = nil,
    formValue: @escaping @Sendable () -> String = SignIn.randomValue
  ) {
    self.session = session
    self.operators = operators
    self.base = base
    self.isSecure = isSecure
    self.origin = origin
    makeFormValue = formValue
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    guard let session = session ?? operators else {
      return page(
        status: 403, "Pages need a read token here",
        "Other machines can reach this address. Start vsd with VS_READ_TOKEN (or --read-token), then sign in with it.")
    }
    switch (request.path, request.method) {
    case (Self.signOutPath, "POST"): return signOut(request, session)
    case (Self.path, "POST"): return signIn(request, session)
    case (Self.signOutPath, _): return form(request, next: "/", status: 200)
    case (Self.path, _): return form(request, next: Self.localPath(request.query("next")), status: 200)
    default: return form(request, next: Self.address(of: request), status: 401)
    }
  }

  /// Returns 128 random bits as text.
  @Sendable package static func randomValue() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
  }

  // MARK: Requests

  private func signIn(_ request: HTTPRequest, _ session: PageSession) -> HTTPResponse {
    guard let fields = Self.fields(of: request) else {
      return form(request, next: "/", status: 400, "The form could not be read.")
    }
    let next = Self.localPath(fields["next"])
    guard isSameOrigin(request), let expected = request.headers.cookie(Self.formCookie), let given = fields["form"],
      session.areEqual(expected, given)
    else { return form(request, next: next, status: 403, "This form is too old, or came from another site. Please try again.") }
    let token = fields["token"] ?? ""
    guard let cookie = self.session?.cookie(for: token) ?? operators?.cookie(for: token) else {
      return form(request, next: next, status: 401, "This is not the \(tokenNames).")
    }
    return redirect(
      to: next,
      cookies: [
        self.cookie(PageSession.cookieName, cookie, "Lax", seconds: PageSession.seconds),
        self.cookie(Self.formCookie, "", "Strict", seconds: 0),
      ])
  }

  private func signOut(_ request: HTTPRequest, _ session: PageSession) -> HTTPResponse {
    guard isSameOrigin(request),
      let expected = self.session?.formToken(request.headers) ?? operators?.formToken(request.headers),
      let given = Self.fields(of: request)?["token"], session.areEqual(expected, given)
    else {
      return form(
        request, next: "/", status: 403, "Nobody was signed out: the form came from another site, or the session was over.")
    }
    return redirect(to: Self.path, cookies: [cookie(PageSession.cookieName, "", "Lax", seconds: 0)])
  }

  private func redirect(to path: String, cookies: [HTTPHeaders.Field]) -> HTTPResponse {
    var response = HTTPResponse.page([], status: 303)
    response.headers["Location"] = base + path
    response.headers.fields += cookies
    return response
  }

  private func cookie(_ name: String, _ value: String, _ sameSite: String, seconds: Int64) -> HTTPHeaders.Field {
    let path = base.isEmpty ? "/" : base
    let secure = isSecure ? "; Secure" : ""
    return .init(
      name: "Set-Cookie", value: "\(name)=\(value); Path=\(path); HttpOnly; SameSite=\(sameSite); Max-Age=\(seconds)\(secure)")
  }

  /// False if the browser says that another site sent the form.
  private func isSameOrigin(_ request: HTTPRequest) -> Bool {
    if let site = request.headers["Sec-Fetch-Site"] { return site == "same-origin" }
    guard let origin = request.headers["Origin"], let host = request.headers["Host"] else { return true }
    return origin.lowercased() == self.origin || origin == "http://\(host)" || origin == "https://\(host)"
  }

  /// Returns a path of this dashboard from a request; the first page for anything that could lead elsewhere.
  static func localPath(_ text: String?) -> String {
    guard let text, text.hasPrefix("/"), !text.hasPrefix("//"), text.utf8.count <= 2000,
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }), !text.hasPrefix(signOutPath),
      !text.hasPrefix(path)
    else { return "/" }
    return text
  }

  /// The address of a request, to come back to.
  private static func address(of request: HTTPRequest) -> String {
    var address = Address()
    address.path = request.path.split(separator: "/").map(String.init)
    address.query = request.query.map { Address.Item(name: $0.name, value: $0.value) }
    return localPath(address.text)
  }

  /// Parses the fields of a form. Nil if it is too large, or not a form.
  static func fields(of request: HTTPRequest) -> [String: String]? {
    let type = request.headers["Content-Type"]?.lowercased() ?? ""
    guard type.hasPrefix("application/x-www-form-urlencoded"), request.body.count <= bodyLimit else { return nil }
    var fields: [String: String] = [:]
    for pair in String(decoding: request.body, as: UTF8.self).split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ text: Substring) -> String? { PercentEncoding.decode(Substring(String(text).replacing("+", with: " "))) }
      guard let name = decoded(sides[0]), let value = decoded(sides.count > 1 ? sides[1] : "") else { return nil }
      if fields[name] == nil { fields[name] = value }
    }
    return fields
  }

  // MARK: Pages

  private func form(_ request: HTTPRequest, next: String, status: Int, _ problem: String? = nil) -> HTTPResponse {
    let value = makeFormValue()
    var frame = PageFrame(title: "Sign in")
    frame.sections = []
    frame.isBare = true
    let bytes = frame.page(base: base) { html in
      html.element(.div, .classes("sign-in")) { html in
        html.pageHeading("Sign in") { html in html.text("with the \(tokenNames) of this vsd.") }
        if let problem { html.element(.p, .classes("alert"), .role("alert"), text: problem) }
        html.element(.form, .method("post"), .action(Address("sign-in"))) { html in
          html.void(.input, .type("hidden"), .name("form"), .value(value))
          html.void(.input, .type("hidden"), .name("next"), .value(next))
          html.element(.label, .forElement("token"), text: tokenNames.prefix(1).uppercased() + tokenNames.dropFirst())
          html.void(
            .input, .type("password"), .id("token"), .name("token"), .autocomplete("current-password"), .isRequired,
            .hasFocusAtFirst)
          html.element(.button, .type("submit"), text: "Sign in")
        }
        html.element(
          .p, .classes("remark"),
          text: "\(tokenHelp) You stay signed in for 30 days in this browser.")
      }
    }
    var response = HTTPResponse.page(bytes, status: status)
    response.headers.fields.append(cookie(Self.formCookie, value, "Strict", seconds: 3600))
    if status == 401 { response.headers["WWW-Authenticate"] = "Bearer" }
    return response
  }

  /// The tokens that sign a reader in.
  private var tokenNames: String {
    switch (session != nil, operators != nil) {
    case (true, true): "read token or operator token"
    case (false, true): "operator token"
    default: "read token"
    }
  }

  private var tokenHelp: String {
    switch (session != nil, operators != nil) {
    case (true, true): "They are the values of VS_READ_TOKEN and VS_OPERATOR_TOKEN. Only the second allows leaving items out."
    case (false, true): "It is the value of VS_OPERATOR_TOKEN."
    default: "It is the value of VS_READ_TOKEN."
    }
  }

  private func page(status: Int, _ title: String, _ detail: String) -> HTTPResponse {
    var frame = PageFrame(title: title)
    frame.sections = []
    frame.isBare = true
    let bytes = frame.page(base: base) { html in html.pageHeading(title) { $0.text(detail) } }
    return .page(bytes, status: status)
  }
}
