import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Sign-in")
struct SignInTests {
  private static let token = "correct horse battery staple"
  private static func session(at seconds: Int64 = 0) throws -> PageSession {
    return PageSession(
      token: try #require(Secret(token)), authenticator: SwiftMessageAuthenticator(),
      clock: FakeClock(StoreSamples.time(seconds)))
  }

  private func post(
    _ signIn: SignIn, _ body: String, path: String = "/sign-in", headers: HTTPHeaders = ["Cookie": "vs_form=f1"]
  ) -> HTTPResponse {
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return signIn.respond(to: HTTPRequest(method: "POST", path: path, headers: headers, body: Array(body.utf8)))
  }

  private func cookie(_ response: HTTPResponse, _ name: String) -> String? {
    response.headers.fields.first { $0.name == "Set-Cookie" && $0.value.hasPrefix(name + "=") }?.value
  }

  @Test("the token opens a session that ends after its time")
  func signsIn() throws {
    let signIn = SignIn(try Self.session())
    let response = post(signIn, "form=f1&next=%2Fdeploys%3Fsource%3Dgithub&token=correct+horse+battery%20staple")
    #expect(response.status == 303)
    #expect(response.headers["Location"] == "/deploys?source=github")
    let cookie = try #require(self.cookie(response, "vs_session"))
    #expect(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=2592000"))
    #expect(!cookie.contains("Secure") && !cookie.contains("horse"))
    let headers: HTTPHeaders = ["Cookie": "other=1; \(cookie.prefix { $0 != ";" }); x=y"]
    #expect(try Self.session().isSignedIn(headers))
    #expect(try Self.session(at: PageSession.seconds - 1).isSignedIn(headers))
    #expect(try !Self.session(at: PageSession.seconds).isSignedIn(headers))
  }

  @Test("https keeps cookies to https, and a base is part of every address")
  func secure() throws {
    let signIn = SignIn(try Self.session(), base: "/vsd", isSecure: true)
    let response = post(signIn, "form=f1&next=/deploys&token=correct+horse+battery+staple")
    #expect(response.headers["Location"] == "/vsd/deploys")
    #expect(try #require(cookie(response, "vs_session")).hasSuffix("; Secure"))
    #expect(try #require(cookie(response, "vs_session")).contains("Path=/vsd;"))
  }

  @Test(
    "other tokens, forms of other sites and bad bodies open nothing",
    arguments: [
      ("form=f1&token=wrong", ["Cookie": "vs_form=f1"], 401), ("form=f1", ["Cookie": "vs_form=f1"], 401),
      ("form=f2&token=correct+horse+battery+staple", ["Cookie": "vs_form=f1"], 403),
      ("token=correct+horse+battery+staple", ["Cookie": "vs_form=f1"], 403),
      ("form=&token=correct+horse+battery+staple", [:], 403),
      (
        "form=f1&token=correct+horse+battery+staple",
        ["Cookie": "vs_form=f1", "Origin": "https://evil.example", "Host": "vsd.example"], 403
      ),
      ("form=f1&token=correct+horse+battery+staple", ["Cookie": "vs_form=f1", "Sec-Fetch-Site": "cross-site"], 403),
      ("form=%zz", ["Cookie": "vs_form=f1"], 400), (String(repeating: "a", count: 9000), ["Cookie": "vs_form=f1"], 400),
    ] as [(String, HTTPHeaders, Int)])
  func refuses(body: String, headers: HTTPHeaders, status: Int) throws {
    let response = post(SignIn(try Self.session()), body, headers: headers)
    #expect(response.status == status)
    #expect(cookie(response, "vs_session") == nil)
    #expect(String(decoding: response.body, as: UTF8.self).contains("role=\"alert\""))
  }

  @Test(
    "changed cookies are no session",
    arguments: ["", ".", "1.", "99999999999.00", "x.y", "99999999999999999999.0", "1772352000."])
  func forged(value: String) throws {
    #expect(try !Self.session().isSignedIn(["Cookie": "vs_session=\(value)"]))
    let good = try #require(try Self.session().cookie(for: Self.token))
    #expect(try !Self.session().isSignedIn(["Cookie": "vs_session=9\(good)"]))
    #expect(try !Self.session().isSignedIn(["Cookie": "vs_session=\(good)0"]))
  }

  @Test(
    "the next page is always one of ours",
    arguments: [
      ("/deploys?x=1", "/deploys?x=1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"),
      ("", "/"),
      ("/a\r\nSet-Cookie: x", "/"), ("/sign-out", "/"), ("/sign-in?next=/", "/"), ("javascript:alert(1)", "/"),
    ])
  func next(given: String, next: String) {
    #expect(SignIn.localPath(given) == next)
  }

  @Test("a page without a token asks for it and comes back; without a read token, it says what to do")
  func asks() throws {
    let request = HTTPRequest(method: "GET", path: "/traces/a", query: [("span", "b&\"<")])
    let response = SignIn(try Self.session(), formValue: { "v" }).respond(to: request)
    #expect(response.status == 401)
    let html = String(decoding: response.body, as: UTF8.self)
    #expect(html.contains(#"name="next" value="/traces/a?span=b%26%22%3C""#))
    try MarkupCheck(html).expectSafe()
    let none = SignIn(nil).respond(to: request)
    #expect(none.status == 403)
    #expect(String(decoding: none.body, as: UTF8.self).contains("--read-token"))
  }

  @Test("signing out needs the form of the session")
  func signsOut() throws {
    let session = try Self.session()
    let cookie = "vs_session=\(try #require(session.cookie(for: Self.token)))"
    let form = try #require(session.formToken(["Cookie": cookie]))
    let signIn = SignIn(session)
    #expect(post(signIn, "token=wrong", path: "/sign-out", headers: ["Cookie": cookie]).status == 403)
    #expect(post(signIn, "token=\(form)", path: "/sign-out", headers: [:]).status == 403)
    let response = post(signIn, "token=\(form)", path: "/sign-out", headers: ["Cookie": cookie])
    #expect(response.status == 303)
    #expect(try #require(self.cookie(response, "vs_session")).contains("Max-Age=0"))
  }
}
