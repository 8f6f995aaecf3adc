import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Who may see pages")
struct PageAccessTests {
  private static let routes: [Route] = [
    .webhook(FakeSource()),
    .handler(.exact("/deploys"), access: .pages, as: .pages, HandlerFunction { _ in .text("deploys") }),
    .handler(.exact("/api"), access: .reading, as: .api, HandlerFunction { _ in .text("api") }),
    .handler(
      .exact("/sign-in"), methods: ["GET", "POST"], access: .besidePages, as: .pages, HandlerFunction { _ in .text("form") }),
    .handler(.rest, access: .pages, as: .pages, HandlerFunction { _ in .text("not found", status: 404) }),
  ]

  private static func session(_ token: String) throws -> PageSession {
    PageSession(
      token: try #require(Secret(token)), authenticator: SwiftMessageAuthenticator(), clock: FakeClock(StoreSamples.morning))
  }

  /// Returns what a listener answers: the text of a handler, or the status of a rejection.
  private static func answer(
    _ path: String, _ headers: HTTPHeaders = [:], method: String = "GET", token: String? = nil, isLoopback: Bool = true,
    role: ListenerRole = .open, hasAdminListener: Bool = false
  ) throws -> String {
    let router = Router(
      routes: routes, readToken: token.flatMap { Secret($0) }.map { CurrentSecret($0) },
      authenticator: SwiftMessageAuthenticator(),
      session: try token.map { try session($0) }, signIn: HandlerFunction { _ in .text("please sign in") })
    let table = router.table(for: role, isLoopback: isLoopback, hasAdminListener: hasAdminListener)
    switch table.decide(method: method, path: path, headers: headers).decision {
    case .intake: return "intake"
    case .confirm: return "confirm"
    case .handler(let handler, _):
      return String(decoding: handler.respond(to: HTTPRequest(method: method, path: path)).body, as: UTF8.self)
    case .reject(let response): return "\(response.status)"
    }
  }

  @Test("a browser without the token gets the sign-in page for a page, and an error for the API")
  func signIn() throws {
    #expect(try Self.answer("/deploys", token: "tok") == "please sign in")
    #expect(try Self.answer("/api", token: "tok") == "401")
    #expect(try Self.answer("/deploys", isLoopback: false) == "please sign in", "the page says that a token is missing")
    #expect(try Self.answer("/api", isLoopback: false) == "403")
    #expect(try Self.answer("/sign-in", token: "tok") == "form")
    #expect(try Self.answer("/sign-in", method: "POST", token: "tok") == "form")
  }

  @Test("the token and the cookie of a session open pages and API")
  func opens() throws {
    let cookie = try #require(try Self.session("tok").cookie(for: "tok"))
    for headers in [["Authorization": "Bearer tok"], ["Cookie": "a=b; vs_session=\(cookie)"]] as [HTTPHeaders] {
      #expect(try Self.answer("/deploys", headers, token: "tok") == "deploys")
      #expect(try Self.answer("/api", headers, token: "tok") == "api")
    }
    #expect(try Self.answer("/deploys", ["Cookie": "vs_session=\(cookie)"], token: "another") == "please sign in")
    #expect(try Self.answer("/deploys", ["Cookie": "vs_session=\(cookie)x"], token: "tok") == "please sign in")
    #expect(
      try Self.answer("/deploys", ["Cookie": "vs_session=tok"], token: "tok") == "please sign in", "the token itself is no cookie"
    )
  }

  @Test("names of strangers for loopback see neither pages nor the form")
  func names() throws {
    #expect(try Self.answer("/deploys", ["Host": "localhost:5000"]) == "deploys")
    for path in ["/deploys", "/sign-in", "/api"] { #expect(try Self.answer(path, ["Host": "evil.example"]) == "403") }
  }

  @Test("unknown paths get a page in a browser, and an error elsewhere")
  func unknown() throws {
    #expect(try Self.answer("/nowhere", ["Accept": "text/html,*/*"]) == "not found")
    #expect(try Self.answer("/nowhere", ["Accept": "*/*"]) == "404")
    #expect(try Self.answer("/nowhere") == "404")
    #expect(try Self.answer("/nowhere", ["Accept": "text/html"], method: "POST") == "404")
    #expect(try Self.answer("/fake", ["Accept": "text/html"]) == "405", "a webhook stays one")
    #expect(try Self.answer("/nowhere", ["Accept": "text/html"], token: "tok") == "please sign in")
  }

  @Test("with a listener for readers, the other one has no pages")
  func adminListener() throws {
    for path in ["/deploys", "/sign-in", "/nowhere"] {
      #expect(try Self.answer(path, ["Accept": "text/html"], hasAdminListener: true) == "404")
    }
    #expect(try Self.answer("/deploys", role: .admin, hasAdminListener: true) == "deploys")
    #expect(try Self.answer("/sign-in", role: .admin, hasAdminListener: true) == "form")
  }
}
