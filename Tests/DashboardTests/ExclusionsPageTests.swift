import QueryAPI
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Leaving items out on pages")
struct ExclusionsPageTests {
  private let store: MemorySpanStore
  private let dashboard: Dashboard
  private let operators: PageSession

  private static let change = DashboardSamples.key("pull_request", 37).description
  private static let reason = "<b>\"no\"</b> & '; \u{202E}"

  init() throws {
    let samples = try DashboardSamples()
    store = samples.store
    let queries = SpanQueries(
      store: samples.store, strategy: .nested, clock: FakeClock(DashboardSamples.now), logger: Logger { _ in },
      sources: ["github"],
      waitForProjection: {})
    let service = ExclusionService(facts: samples.store, queries: queries) { [store = samples.store] change in
      var changes = ProjectionChanges()
      changes.exclusions = [ExclusionDecision(change, at: DashboardSamples.now)]
      store.write(changes)
      return true
    }
    operators = PageSession(
      token: try #require(Secret("operate")), authenticator: SwiftMessageAuthenticator(), clock: FakeClock(DashboardSamples.now))
    let status = samples.status
    dashboard = Dashboard(
      .init(
        queries: queries, deliveries: DeliveryReading(log: samples.log, sources: []),
        exclusions: .init(service, sessions: [operators], operators: operators, isSecure: true)
      ) { status }, base: "/tools")
  }

  private func get(_ path: String, _ query: [(name: String, value: String)] = [], _ headers: HTTPHeaders = [:]) -> HTTPResponse {
    dashboard.respond(to: HTTPRequest(method: "GET", path: path, query: query, headers: headers))
  }

  private func post(_ fields: [(String, String)], _ headers: HTTPHeaders) -> HTTPResponse {
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    let body = fields.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    return dashboard.respond(to: HTTPRequest(method: "POST", path: "/exclusions", headers: headers, body: Array(body.utf8)))
  }

  private func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

  private func value(of field: String, in html: String) -> String? {
    html.split(separator: "name=\"\(field)\" value=\"", maxSplits: 1).dropFirst().first.map { String($0.prefix { $0 != "\"" }) }
  }

  @Test("a row leads to the form, the form leaves the item out, and the row then says why and takes it back")
  func leavesOut() throws {
    let row = text(get("/changes"))
    #expect(row.contains("href=\"/tools/exclusions?item="))
    #expect(row.contains(">leave out</a>"))
    let session: HTTPHeaders = ["Cookie": "vs_session=\(try #require(operators.cookie(for: "operate")))"]
    let form = get("/exclusions", [("item", Self.change), ("next", "/changes")], session)
    #expect(form.status == 200)
    #expect(!form.headers.fields.contains { $0.name == "Set-Cookie" }, "the session is enough")
    let html = text(form)
    try MarkupCheck(html).expectSafe()
    let token = try #require(value(of: "form", in: html))
    let answer = post(
      [
        ("form", token), ("item", Self.change), ("action", "exclude"), ("reason", Self.reason), ("actor", "<i>rosa"),
        ("next", "/changes"),
      ], session)
    #expect(answer.status == 303)
    #expect(answer.headers["Location"] == "/tools/changes")
    #expect(store.exclusions().map(\.item.description) == [Self.change])
    #expect(store.exclusions().first?.reason == Self.reason)
    for page in ["/changes", "/exclusions"] {
      let html = text(get(page))
      try MarkupCheck(html).expectSafe()
      #expect(html.contains("take back</a>"))
      #expect(html.contains("&lt;b&gt;"))
      #expect(!html.contains("<b>\"no\""))
    }
    let back = text(get("/exclusions", [("item", Self.change)], session))
    let include = post(
      [("form", try #require(value(of: "form", in: back))), ("item", Self.change), ("action", "include")], session)
    #expect(include.headers["Location"] == "/tools/exclusions")
    #expect(store.exclusions().isEmpty)
  }

  @Test("forms of another session, of another site and of nobody change nothing")
  func forged() throws {
    let session: HTTPHeaders = ["Cookie": "vs_session=\(try #require(operators.cookie(for: "operate")))"]
    let fields = [("item", Self.change), ("action", "exclude"), ("reason", "r")]
    // A browser that is not signed in has a value in a cookie that only vsd's own pages set.
    let form = get("/exclusions", [("item", Self.change)])
    let cookie = try #require(form.headers.fields.first { $0.name == "Set-Cookie" }?.value)
    #expect(cookie.hasPrefix("vs_write="))
    #expect(cookie.contains("Path=/tools; HttpOnly; SameSite=Strict; Max-Age=3600; Secure"))
    let token = try #require(value(of: "form", in: text(form)))
    let own = String(cookie.prefix { $0 != ";" })
    let both = HTTPHeaders([.init(name: "Cookie", value: "\(own); \(session["Cookie"] ?? "")")])
    let other = HTTPHeaders([.init(name: "Cookie", value: own)])
    let empty = HTTPHeaders([.init(name: "Cookie", value: "vs_write=")])
    let forgeries: [(String, HTTPHeaders)] = [
      ("", session), (token, session), ("", HTTPHeaders()), (token, HTTPHeaders()), ("x", other), ("", empty), (token, both),
    ]
    for (given, headers) in forgeries {
      #expect(post(fields + [("form", given)], headers).status == 403)
    }
    #expect(store.exclusions().isEmpty)
    #expect(post(fields + [("form", token)], other).status == 303)
    #expect(store.exclusions().count == 1)
  }

  @Test("mistakes get a page that says what is wrong, and no address leads elsewhere")
  func mistakes() throws {
    #expect(get("/exclusions", [("item", "acme/site#36")]).status == 400)
    #expect(get("/exclusions", [("what", "x")]).status == 400)
    let form = get("/exclusions", [("item", Self.change), ("next", "//evil.example")])
    let html = text(form)
    #expect(value(of: "next", in: html) == "/")
    #expect(html.contains("This needs the operator token"))
    let token = try #require(value(of: "form", in: html))
    let cookie = try #require(form.headers.fields.first { $0.name == "Set-Cookie" }?.value).prefix { $0 != ";" }
    func answer(_ fields: [(String, String)]) -> HTTPResponse { post(fields + [("form", token)], ["Cookie": String(cookie)]) }
    #expect(answer([("item", Self.change), ("action", "exclude"), ("reason", "")]).status == 422)
    #expect(answer([("item", Self.change), ("action", "drop"), ("reason", "r")]).status == 400)
    #expect(answer([("item", "nobody/knows#1"), ("action", "exclude"), ("reason", "r")]).status == 404)
    #expect(
      answer([("item", Self.change), ("action", "exclude"), ("reason", "r"), ("next", "https://evil.example")])
        .headers["Location"] == "/tools/")
  }
}
