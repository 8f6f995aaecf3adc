import DeliveryMetrics
import Foundation
import QueryAPI
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Pages of the dashboard")
struct PageTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path
  private static let trace = TraceID(root: DashboardSamples.key("issue", 36)).description
  private static let deploy = SpanID(key: DashboardSamples.key("deployment", 50), attempt: 1).description
  private static let change = SpanID(key: DashboardSamples.key("pull_request", 37), attempt: 1).description

  /// Every page, with its name and address.
  static let pages: [(name: String, address: String)] = [
    ("changes", "/changes"), ("deploys", "/deploys"), ("trace", "/traces/\(trace)"),
    ("change", "/changes/\(change)?key=github:github.com:1:pull_request:37"),
    ("deploy", "/deploys/\(deploy)?key=github:github.com:1:deployment:50"),
    ("trace-zoomed", "/traces/\(trace)?from=2026-03-04&to=2026-03-05T12:00:00Z"),
    ("search", "/search?q=9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a"),
    ("search-empty", "/search"), ("search-nothing", "/search?q=%3Cb%3E"), ("deliveries", "/deliveries"),
    ("delivery", "/deliveries/1"),
    ("delivery-unreadable", "/deliveries/2"), ("connect", "/connect"), ("system", "/system"), ("not-found", "/nowhere/at/all"),
    ("bad-parameter", "/deploys?outcome=%3Cscript%3E"),
  ]

  /// Lists that are empty.
  static let emptyPages = ["changes", "deploys", "deliveries", "connect", "system"]

  @Test("each page of a fixed history", arguments: pages.map(\.name))
  func golden(name: String) throws {
    let samples = try DashboardSamples()
    let page = try #require(Self.pages.first { $0.name == name })
    let response = samples.get(page.address)
    Golden.expect(Self.withoutHashes(String(decoding: response.body, as: UTF8.self)), matches: "\(Self.golden)/\(name).html")
    #expect(response.headers["Cache-Control"] == "private, no-store")
    #expect(response.headers["Content-Security-Policy"] == HTTPResponse.contentSecurityPolicy)
    #expect(response.headers["Content-Type"] == "text/html; charset=utf-8")
  }

  @Test("each list of an empty store says what to do", arguments: emptyPages)
  func empty(name: String) throws {
    let samples = try DashboardSamples([], hasDeliveries: false)
    Golden.expect(Self.withoutHashes(samples.text("/" + name)), matches: "\(Self.golden)/empty-\(name).html")
  }

  /// The hashes of assets change with every change of the stylesheet.
  private static func withoutHashes(_ html: String) -> String {
    Asset.all.reduce(html) { $0.replacingOccurrences(of: $1.hash, with: "HASH") }
  }

  @Test("hostile texts stay texts on every page", arguments: HTMLWriterTests.hostile)
  func hostile(text: String) throws {
    let samples = try DashboardSamples(text: { _ in text }, base: "/base")
    for page in Self.pages + [
      ("project", "/changes?project=" + PercentEncoding.encode(text)), ("q", "/search?q=" + PercentEncoding.encode(text)),
    ] {
      let html = samples.text(page.address)
      try MarkupCheck(html).expectSafe()
      if page.name == "connect" {
        let response = samples.get(page.address, headers: ["Host": text])
        try MarkupCheck(String(decoding: response.body, as: UTF8.self)).expectSafe()
      }
    }
  }

  @Test("elements are closed in order, on every page", arguments: pages.map(\.address))
  func balanced(address: String) throws {
    try MarkupCheck(try DashboardSamples().text(address)).expectSafe()
  }

  @Test(
    "addresses that do not exist, and wrong parameters",
    arguments: [
      ("/nowhere", 404), ("/traces/zz", 404), ("/traces/00000000000000000000000000000001", 404),
      ("/changes/0123456789abcdef", 404),
      ("/deliveries/99", 404), ("/deliveries/x", 404), ("/connect/x", 404), ("/changes?colour=red", 400),
      ("/changes?outcome=x", 400),
      ("/changes?state=x", 400), ("/changes?from=yesterday", 400), ("/changes?from=2026-03-02&to=2026-03-01", 400),
      ("/changes?place=x", 400), ("/changes?limit=0", 400), ("/changes?limit=201", 400), ("/changes?limit=1&limit=2", 400),
      ("/changes?source=nobody", 400), ("/changes?format=pdf", 400), ("/traces/\(trace)?span=1", 400),
      ("/traces/\(trace)?rows=9999", 400),
      ("/traces/\(trace)?span=0123456789abcdef", 404), ("/connect?x=1", 400), ("/deliveries?result=duplicate", 400),
      ("/changes?project=\(String(repeating: "x", count: 1001))", 400),
    ])
  func wrong(address: String, status: Int) throws {
    let samples = try DashboardSamples()
    let response = samples.get(address)
    #expect(response.status == status)
    let html = String(decoding: response.body, as: UTF8.self)
    #expect(html.contains("Go on with"), "the page links on")
    #expect(response.headers["Content-Type"] == "text/html; charset=utf-8")
  }

  @Test(
    "a state writes the address that it was read from",
    arguments: [
      "source=github&project=acme%2Fsite&outcome=merged&state=finished&from=2026-03-01&to=2026-03-02T08:00:00Z&cursor=17&limit=5",
      "", "q=a%20b", "sort=longest&rows=5000&format=csv", "key=a:b:c:d:e&span=0123456789abcdef", "result=unreadable",
    ])
  func state(query: String) throws {
    let items = query.split(separator: "&").map { pair in
      let sides = pair.split(separator: "=", maxSplits: 1)
      return (name: String(sides[0]), value: PercentEncoding.decode(sides[1]) ?? "")
    }
    let request = HTTPRequest(method: "GET", path: "/", query: items)
    let state = try PageState(
      request, taking: PageState.Parameter.allCases, sorts: PageState.Sort.allCases, formats: PageState.Format.allCases)
    let written = state.query
    let again = try PageState(
      HTTPRequest(method: "GET", path: "/", query: written.map { ($0.name, $0.value) }), taking: PageState.Parameter.allCases,
      sorts: PageState.Sort.allCases, formats: PageState.Format.allCases)
    #expect(again == state)
    #expect(written.count == items.count)
  }

  @Test("pages of a list show every item once, the latest start first, in whatever order vsd heard of them")
  func paging() throws {
    var random = SeededRandom(seed: 3)
    let events = (0..<23).shuffled(using: &random).map { number -> Event in
      var event = Event(
        key: DashboardSamples.key("pull_request", number), time: .vendor(StoreSamples.time(Int64(number))), attempt: .single)
      event.operation = .pullRequest
      event.name = "change-\(number)."
      event.marks = [.begin(.vendor(StoreSamples.time(Int64(number))))]
      return event
    }
    let samples = try DashboardSamples(events)
    var seen: [String] = []
    var address: String? = "/changes?limit=5"
    for _ in 0..<10 {
      guard let next = address else { break }
      let html = samples.text(next)
      for part in html.components(separatedBy: "<bdi>change-").dropFirst() { seen.append(String(part.prefix { $0 != "." })) }
      let links = html.components(separatedBy: "<a rel=\"next\" href=\"").dropFirst()
      address = links.first.map { (link: String) -> String in String(link.prefix { $0 != "\"" }).replacing("&amp;", with: "&") }
    }
    #expect(seen == (0..<23).reversed().map { String($0) })
  }

  @Test(
    "a list says in its title which period it shows",
    arguments: [
      ("", "Deploys"), ("?from=2026-03-07&to=2026-03-07", "Deploys on 7 Mar"), ("?from=2026-03-01", "Deploys since 1 Mar"),
      ("?from=2026-03-01&to=2026-03-09", "Deploys from 1 Mar to 9 Mar"), ("?to=2025-12-09", "Deploys up to 9 Dec 2025"),
      ("?from=2026-03-07T00:00:00Z&to=2026-03-08T00:00:00Z", "Deploys on 7 Mar"),
      ("?from=2026-03-07&to=2026-03-08T12:00:00Z", "Deploys from 7 Mar to 8 Mar"),
    ])
  func period(query: String, title: String) throws {
    let html = try DashboardSamples([]).text("/deploys" + query)
    #expect(html.contains(">\(title)</h1>"))
  }

  @Test("the overview shows what happened last, also after an import, which begins with the newest")
  func lately() throws {
    let events = (0..<23).reversed().map { number -> Event in
      var event = Event(
        key: DashboardSamples.key("pull_request", number), time: .vendor(StoreSamples.time(Int64(number))), attempt: .single)
      event.operation = .pullRequest
      event.name = "change-\(number)."
      event.marks = [.begin(.vendor(StoreSamples.time(Int64(number))))]
      // An old change ends last.
      if number < 2 { event.marks.append(.end(.vendor(StoreSamples.time(100 - Int64(number))))) }
      return event
    }
    let html = try DashboardSamples(events, reports: .init(facts: NoFacts(), settings: ReportSettings())).text("/")
    let shown = html.components(separatedBy: "<bdi>change-").dropFirst().map { String($0.prefix { $0 != "." }) }
    #expect(shown == [0, 1, 22, 21, 20, 19, 18, 17, 16, 15].map { String($0) })
  }

  @Test("a large trace is cut, says so, and hides jobs that passed")
  func large() throws {
    var events: [Event] = []
    for number in 0..<700 {
      var event = Event(
        key: DashboardSamples.key("run", number), time: .vendor(StoreSamples.time(Int64(number))), attempt: .single)
      event.operation = number == 0 ? .issue : .build
      event.name = "run \(number)"
      event.marks = [.begin(.vendor(StoreSamples.time(Int64(number)))), .end(.vendor(StoreSamples.time(Int64(number) + 30)))]
      if number > 0 { event.follows = [FollowStatement(.vendorLink, [.key(DashboardSamples.key("run", 0))])] }
      events.append(event)
    }
    let samples = try DashboardSamples(events)
    let trace = TraceID(root: DashboardSamples.key("run", 0)).description
    let html = samples.text("/traces/\(trace)")
    #expect(html.components(separatedBy: "class=\"wf-row ").count - 1 == 500)
    #expect(html.contains("the trace has more"))
    #expect(samples.text("/traces/\(trace)?rows=5000").components(separatedBy: "class=\"wf-row ").count - 1 == 700)
  }

  @Test("formats of a page hold what the page shows")
  func formats() throws {
    let samples = try DashboardSamples()
    let json = samples.get("/deploys?format=json")
    #expect(json.headers["Content-Type"] == "application/json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.body)) as? [String: Any])
    #expect((object["spans"] as? [Any])?.count == 2)
    let csv = samples.text("/deploys?format=csv").components(separatedBy: "\r\n")
    #expect(csv.count == 4)
    #expect(csv[0].hasPrefix("key,attempt,name,title,operation"))
    #expect(samples.text("/traces/\(Self.trace)?format=csv").components(separatedBy: "\r\n").count == 8)
    #expect(samples.get("/deliveries?format=csv").status == 200)
  }

  @Test(
    "a field of CSV that a spreadsheet would run gets an apostrophe",
    arguments: [
      ("=1+1", "\"'=1+1\""), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("-1", "\"'-1\""), ("plain", "plain"),
    ])
  func csv(field: String, written: String) {
    var csv = CSVText()
    csv.row([field, nil])
    #expect(String(decoding: csv.bytes, as: UTF8.self) == written + ",\r\n")
  }

  @Test("assets have the hash of their content in the address, and may be kept")
  func assets() throws {
    let samples = try DashboardSamples()
    for asset in Asset.all {
      let response = samples.get(asset.address.text)
      #expect(response.status == 200)
      #expect(response.body == asset.bytes)
      #expect(response.headers["Cache-Control"]?.contains("immutable") == true)
      let tag = try #require(response.headers["ETag"])
      #expect(samples.get(asset.address.text, headers: ["If-None-Match": tag]).status == 304)
    }
    #expect(samples.get("/assets/dashboard-0000000000000000.css").status == 404)
    #expect(Asset.script.bytes.count <= 15 << 10)
  }

  @Test("the content security policy holds: no inline style or script anywhere")
  func policy() throws {
    let samples = try DashboardSamples()
    for page in Self.pages {
      let html = samples.text(page.address)
      #expect(!html.contains(" style=") && !html.contains("<style"))
      #expect(html.components(separatedBy: "<script").count == 2)
    }
  }

  @Test("a search for one item leads to it")
  func search() throws {
    let samples = try DashboardSamples()
    for text in ["acme/site#37", "github:github.com:1:pull_request:37", "acme%2Fsite%2137"] {
      let response = samples.get("/search?q=\(text.replacing("#", with: "%23"))")
      #expect(response.status == 303)
      #expect(response.headers["Location"] == "/changes/\(Self.change)?key=github%3Agithub.com%3A1%3Apull_request%3A37")
    }
    #expect(samples.get("/search?q=\(Self.trace)").status == 303)
  }

  @Test("a search for words finds the titles that have all of them, in any letter case")
  func searchTitles() throws {
    let events = ["Fix the basket", "Fix the search", "Basket for empty input"].enumerated().map { number, title -> Event in
      var event = Event(
        key: DashboardSamples.key("issue", number), time: .vendor(StoreSamples.time(Int64(number))), attempt: .single)
      event.operation = .issue
      event.name = "item-\(number)."
      event.marks = [.begin(.vendor(StoreSamples.time(Int64(number))))]
      event.attributes.add("valuestream.issue.title", title)
      return event
    }
    let samples = try DashboardSamples(events)
    func found(_ text: String) -> [String] {
      samples.text("/search?q=\(text)").components(separatedBy: "<bdi>item-").dropFirst().map { String($0.prefix(1)) }
    }
    #expect(found("BASKET") == ["2", "0"])
    #expect(samples.get("/search?q=basket%20fix").status == 303, "only one has both")
    #expect(found("baskets") == [])
  }

  @Test("a store that cannot be read is said on the page")
  func unreadable() throws {
    let samples = try DashboardSamples()
    let queries = SpanQueries(
      store: samples.store, strategy: .nested, clock: FakeClock(DashboardSamples.now), logger: Logger { _ in },
      waitForProjection: {})
    let dashboard = Dashboard(
      .init(queries: queries, deliveries: DeliveryReading(log: samples.log, sources: [])) {
        throw StoreError(.busy, "a secret path")
      })
    let response = dashboard.respond(to: HTTPRequest(method: "GET", path: "/system"))
    #expect(response.status == 503)
    #expect(response.headers["Retry-After"] == "1")
    #expect(!String(decoding: response.body, as: UTF8.self).contains("secret path"))
  }
}
