import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Who may write")
struct OperatorAccessTests {
  private static let routes: [Route] = [
    .webhook(FakeSource()),
    .handler(.exact("/write"), methods: ["POST"], access: .operating, as: .api, HandlerFunction { _ in .text("written") }),
    .handler(.exact("/form"), methods: ["POST"], access: .operatorPages, as: .pages, HandlerFunction { _ in .text("written") }),
    .handler(.exact("/read"), access: .reading, as: .api, HandlerFunction { _ in .text("read") }),
    .handler(.exact("/page"), access: .pages, as: .pages, HandlerFunction { _ in .text("read") }),
  ]

  private static func session(_ token: String) throws -> PageSession {
    PageSession(
      token: try #require(Secret(token)), authenticator: SwiftMessageAuthenticator(), clock: FakeClock(StoreSamples.morning))
  }

  private struct Setting {
    var read: String?
    var operating: String?
    var publicURL: String?
    var isLoopback = true
    var isDirect = true
  }

  /// Returns what a listener answers: the text of a handler, or the status of a rejection.
  private static func answer(_ path: String, _ headers: HTTPHeaders = [:], _ setting: Setting = Setting()) throws -> String {
    let operators = try setting.operating.map { try session($0) }
    let router = Router(
      routes: routes, readToken: setting.read.flatMap { Secret($0) }.map { CurrentSecret($0) },
      authenticator: SwiftMessageAuthenticator(),
      session: try setting.read.map { try session($0) },
      operators: OperatorAccess(
        token: setting.operating.flatMap { Secret($0) }.map { CurrentSecret($0) }, session: operators,
        publicURL: setting.publicURL),
      signIn: HandlerFunction { _ in .text("please sign in") })
    let table = router.table(for: .open, isLoopback: setting.isLoopback, hasAdminListener: false)
    let method = ["/read", "/page"].contains(path) ? "GET" : "POST"
    switch table.decide(method: method, path: path, headers: headers, isDirect: setting.isDirect).decision {
    case .intake: return "intake"
    case .confirm: return "confirm"
    case .handler(let handler, _):
      return String(decoding: handler.respond(to: HTTPRequest(method: method, path: path)).body, as: UTF8.self)
    case .reject(let response): return "\(response.status)"
    }
  }

  @Test("without a token, only requests directly from this machine may write")
  func direct() throws {
    #expect(try Self.answer("/write", ["Host": "localhost:5000"]) == "written")
    #expect(try Self.answer("/write", ["Host": "127.0.0.1:5000"]) == "written")
    #expect(try Self.answer("/write", ["Host": "localhost"], Setting(isDirect: false)) == "403")
    #expect(try Self.answer("/write", ["Host": "evil.example"]) == "403", "a foreign name for loopback")
    #expect(try Self.answer("/write", ["Host": "localhost"], Setting(isLoopback: false)) == "403", "who may not read")
    #expect(
      try Self.answer("/write", ["Host": "localhost"], Setting(publicURL: "https://vsd.example.org")) == "403",
      "a proxy need not say that it is one")
    #expect(try Self.answer("/write", ["Host": "localhost"], Setting(publicURL: "http://localhost:5000")) == "written")
    #expect(try Self.answer("/write", ["Host": "localhost"], Setting(read: "r")) == "401")
    #expect(try Self.answer("/write", ["Host": "localhost", "Authorization": "Bearer r"], Setting(read: "r")) == "written")
  }

  @Test("with a token, it is needed by all, and the read token is not enough", arguments: [true, false])
  func token(isLoopback: Bool) throws {
    let setting = Setting(read: "r", operating: "o", isLoopback: isLoopback)
    #expect(try Self.answer("/write", ["Authorization": "Bearer o"], setting) == "written")
    #expect(try Self.answer("/write", ["Authorization": "Bearer r"], setting) == "401")
    #expect(try Self.answer("/write", ["Authorization": "Bearer "], setting) == "401")
    #expect(try Self.answer("/write", ["Host": "localhost"], setting) == "401")
    let cookie = try #require(try Self.session("o").cookie(for: "o"))
    #expect(try Self.answer("/write", ["Cookie": "vs_session=\(cookie)"], setting) == "written")
    let reader = try #require(try Self.session("r").cookie(for: "r"))
    #expect(try Self.answer("/write", ["Cookie": "vs_session=\(reader)"], setting) == "401")
    #expect(try Self.answer("/form", ["Cookie": "vs_session=\(reader)"], setting) == "please sign in")
    #expect(try Self.answer("/form", ["Cookie": "vs_session=\(cookie)"], setting) == "written")
  }

  @Test("the operator token also opens what the read token opens")
  func reading() throws {
    for setting in [Setting(read: "r", operating: "o"), Setting(operating: "o", isLoopback: false)] {
      let cookie = try #require(try Self.session("o").cookie(for: "o"))
      for headers in [["Authorization": "Bearer o"], ["Cookie": "vs_session=\(cookie)"]] as [HTTPHeaders] {
        #expect(try Self.answer("/read", headers, setting) == "read")
        #expect(try Self.answer("/page", headers, setting) == "read")
      }
      #expect(try Self.answer("/page", [:], setting) == "please sign in")
    }
    #expect(try Self.answer("/read", [:], Setting(operating: "o")) == "read", "reading on loopback stays open")
  }

  @Test(
    "a browser's request must come from vsd's own pages",
    arguments: [
      ("https://vsd.example.org", "written"), ("https://VSD.example.org", "written"), ("http://vsd.example.org", "403"),
      ("https://vsd.example.org:8443", "403"), ("https://vsd.example.org.evil.example", "403"), ("null", "403"),
      ("http://localhost:5000", "written"), ("http://localhost:5001", "403"), ("http://evil.example", "403"), ("", "403"),
    ])
  func origin(origin: String, expected: String) throws {
    let headers: HTTPHeaders = ["Host": "localhost:5000", "Origin": origin, "Authorization": "Bearer o"]
    let setting = Setting(operating: "o", publicURL: "https://vsd.example.org:443/tools")
    #expect(try Self.answer("/write", headers, setting) == expected)
    #expect(try Self.answer("/form", headers, setting) == expected, "no sign-in page answers a forged form")
  }

  @Test("a page of another site is told by the browser, and a strange name of vsd itself is not believed")
  func site() throws {
    let headers: HTTPHeaders = ["Host": "localhost:5000", "Sec-Fetch-Site": "cross-site"]
    #expect(try Self.answer("/write", headers) == "403")
    #expect(try Self.answer("/write", ["Host": "localhost:5000", "Sec-Fetch-Site": "same-site"]) == "403")
    #expect(try Self.answer("/write", ["Host": "localhost:5000", "Sec-Fetch-Site": "same-origin"]) == "written")
    let strange: HTTPHeaders = ["Host": "evil.example", "Origin": "http://evil.example", "Authorization": "Bearer o"]
    #expect(try Self.answer("/write", strange, Setting(operating: "o")) == "403")
  }

  @Test("a request that a proxy on this machine forwarded is not direct")
  func proxies() throws {
    try TestServer.run(.init(routes: Self.routes)) { (server) throws in
      func status(_ headers: [String]) throws -> Int {
        let client = try server.client()
        try client.request("POST", "/write", headers: headers, body: "x")
        return try client.response().status
      }
      #expect(try status([]) == 200)
      for header in ["Forwarded: for=192.0.2.7", "X-Forwarded-For: 127.0.0.1", "x-real-ip: 127.0.0.1", "Via: 1.1 proxy"] {
        #expect(try status([header]) == 403)
      }
    }
    var limits = HTTPLimits()
    limits.trustedProxies = [try #require(AddressRange("127.0.0.1"))]
    try TestServer.run(.init(routes: Self.routes, limits: limits)) { (server) throws in
      let client = try server.client()
      try client.request("POST", "/write", body: "x")
      #expect(try client.response().status == 403)
    }
  }

  @Test("a source of decisions has no route, and authenticates nobody")
  func source() throws {
    let source = OperatorSource()
    #expect(!source.route.hasPrefix("/"))
    let delivery = Delivery(source: source.name, received: StoreSamples.morning, headers: ["Authorization": "Bearer o"], body: [])
    #expect(throws: AuthenticationError.self) { try source.authenticate(delivery, using: SwiftMessageAuthenticator()) }
  }

  @Test("a decision is answered once it is in the log, and refused while that is impossible")
  func log() throws {
    try TestServer.run { (server) throws in
      let item = try #require(ExcludedItem("github:github.com:1:issue:36"))
      let change = ExclusionChange(.exclude, item, reason: "a drill", actor: "rosa")
      #expect(OperatorLog(server.recorder, clock: FakeClock(StoreSamples.morning)).record(change))
      let logged = try #require(server.log.entries.last?.delivery)
      #expect(logged.source == "operator")
      #expect(logged.received == StoreSamples.morning)
      #expect(try OperatorSource().events(in: logged) == .exclusion(change))
      server.log.fail(with: StoreError(.noSpace, "full"))
      #expect(!OperatorLog(server.recorder, clock: FakeClock(StoreSamples.morning)).record(change))
    }
  }
}
