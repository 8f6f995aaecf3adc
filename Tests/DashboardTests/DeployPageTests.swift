import DeliveryMetrics
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Page of a deploy")
struct DeployPageTests {
  private static let day: Int64 = 86_400

  private static func deploy(_ number: Int, _ start: Int64, _ commit: String, _ environment: String) -> Event {
    var deploy = Event(
      key: DashboardSamples.key("deployment", number), time: .vendor(StoreSamples.time(start + 600)), attempt: .counted)
    deploy.operation = .deploy
    deploy.name = "site to \(environment)"
    deploy.project = "acme/site"
    deploy.owner = "github.com/acme"
    deploy.state = .ended
    deploy.outcome = .success
    deploy.marks = [.begin(.vendor(StoreSamples.time(start))), .end(.vendor(StoreSamples.time(start + 600)))]
    deploy.attributes = [
      Attribute("deployment.environment.name", .string(environment)), Attribute("valuestream.service", "site"),
      Attribute("vcs.ref.head.revision", .string(commit)),
    ]
    return deploy
  }

  private static let hash = "9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a"
  private static let older = "1111111111111111111111111111111111111111"

  private static func page(_ number: Int) -> String {
    let key = DashboardSamples.key("deployment", number)
    return "/deploys/\(SpanID(key: key, attempt: 1))?key=\(key)"
  }

  @Test("the first deploy of a service says why it brings nothing, in the list and on its page")
  func first() throws {
    let samples = try DashboardSamples([Self.deploy(1, 0, Self.hash, "production")])
    #expect(samples.text("/deploys").contains(">first deploy</span>"))
    #expect(samples.text(Self.page(1)).contains("this is the first deploy of its service to this environment"))
  }

  @Test("an environment may be a pattern in any letter case")
  func patterns() throws {
    let samples = try DashboardSamples([
      Self.deploy(1, 0, Self.hash, "production-eu"), Self.deploy(2, 900, Self.hash, "production-us"),
      Self.deploy(3, 1800, Self.hash, "staging"),
    ])
    func count(_ pattern: String) -> Int {
      samples.text("/deploys?environment=\(pattern)").components(separatedBy: "<bdi>site to ").count - 1
    }
    #expect(count("Production*") == 2)
    #expect(count("staging") == 1)
    #expect(count("production") == 0)
  }

  @Test("a page has at most 100 rows, and its data as many as asked for")
  func limits() throws {
    let samples = try DashboardSamples((1...120).map { Self.deploy($0, Int64($0) * 900, Self.hash, "staging") })
    let page = samples.text("/deploys?limit=200")
    #expect(page.components(separatedBy: "<bdi>site to ").count - 1 == 100)
    #expect(page.contains("older ›"))
    #expect(samples.text("/deploys?limit=200&format=csv").split(separator: "\r\n").count == 121)
  }

  @Test("deploys to production are those of reports, by days")
  func production() throws {
    var said = Self.deploy(4, 2700, Self.hash, "blue")
    said.attributes.append(Attribute("valuestream.deployment.production", .bool(true)))
    var tiered = Self.deploy(5, 3600, Self.hash, "live")
    tiered.attributes.append(Attribute("valuestream.deployment.tier", "staging"))
    let events = [
      Self.deploy(1, 0, Self.hash, "production-eu"), Self.deploy(2, 900, Self.hash, "pre-production"),
      Self.deploy(3, 8 * Self.day, Self.hash, "live"), said, tiered,
    ]
    func count(_ address: String, _ samples: DashboardSamples) -> Int {
      samples.text(address).components(separatedBy: "<bdi>site to ").count - 1
    }
    let samples = try DashboardSamples(events)
    #expect(count("/deploys?tier=production", samples) == 3)
    let page = try PageTree.of(samples.text("/deploys"))
    let days = page.all("a").filter { ["today", "yesterday", "the last 7 days"].contains($0.text) }
    // The history begins nine days ago, and the newest deploy is one of yesterday.
    #expect(days.compactMap { $0.attributes["href"] }.map { count($0, samples) } == [0, 1, 1])
    #expect(samples.get("/deploys?tier=staging").status == 400)
    #expect(samples.get("/changes?tier=production").status == 400)
    let chosen = try DashboardSamples(
      events, reports: .init(facts: NoFacts(), settings: ReportSettings(production: [NamePattern("blue")])))
    #expect(count("/deploys?tier=production", chosen) == 1)
  }

  private static func item(opened: Int64, merged: Int64) -> LinkedItem {
    LinkedItem(
      name: "acme/site#37", title: "Retry <captures>", author: "emil", project: "acme/site", start: StoreSamples.time(opened),
      end: StoreSamples.time(merged))
  }

  private static func deploySpan() throws -> TracedSpan {
    let samples = try DashboardSamples([deploy(1, day, hash, "staging")])
    var reader = TraceReader(store: samples.store, strategy: .nested)
    var span = try #require(try reader.spans(of: DashboardSamples.key("deployment", 1)).last)
    let change = DashboardSamples.key("pull_request", 37)
    span.links = [
      TracedLink(
        key: change, traceID: TraceID(root: change), spanID: SpanID(key: change, attempt: 1), rule: "deploys",
        attributes: [
          Attribute("valuestream.lead_time.commit", .double(7200)), Attribute("valuestream.lead_time.change", .double(0)),
          Attribute("valuestream.lead_time.merge", .double(0)),
        ])
    ]
    return span
  }

  @Test(
    "a change that was deployed from its branch has no time since its merge",
    arguments: [
      (Int64(0), day / 2, "0 s", nil), (0, 2 * day, "0 s", "deployed before merge"),
      (2 * day, 3 * day, nil, "deployed before it was opened"),
    ] as [(Int64, Int64, String?, String?)])
  func ahead(opened: Int64, merged: Int64, sinceOpening: String?, words: String?) throws {
    let deploy = try Self.deploySpan()
    let key = DashboardSamples.key("pull_request", 37)
    let items = [key: Self.item(opened: opened, merged: merged)]
    let change = BroughtChange(deploy.links[0], of: deploy.span, items)
    #expect(change.aheadWords == words)
    #expect(change.duration(since: "commit") == "2 h")
    #expect(change.duration(since: "change") == sinceOpening)
    #expect(change.duration(since: "merge") == (words == nil ? "0 s" : nil))
  }

  @Test("the changes that a deploy brought stand in a table, by their titles, and not beside it again")
  func table() throws {
    let deploy = try Self.deploySpan()
    let items = [DashboardSamples.key("pull_request", 37): Self.item(opened: 0, merged: 2 * Self.day)]
    var html = HTMLWriter()
    BroughtTable(deploy, items).write(to: &html)
    let table = String(decoding: html.bytes, as: UTF8.self)
    try MarkupCheck(table).expectSafe()
    #expect(table.contains("<bdi>Retry &lt;captures&gt;</bdi></a> <bdi class=\"title\">acme/site#37</bdi>"))
    #expect(table.contains("href=\"/changes/"))
    #expect(table.contains("deployed before merge"))
    for (hasTable, count) in [(false, 1), (true, 0)] {
      var html = HTMLWriter()
      SpanDetail(traced: deploy, parent: nil, items: items, now: DashboardSamples.now, hasTableOfChanges: hasTable).write(
        to: &html)
      let rail = String(decoding: html.bytes, as: UTF8.self)
      #expect(rail.components(separatedBy: "deployed before merge").count - 1 == count)
    }
  }

  @Test("what a deploy remedied leads to the page of that deploy")
  func remedies() throws {
    let facts = SampleFacts()
    let now = DashboardSamples.now
    let verdicts = try DeployVerdicts(
      from: now.advanced(bySeconds: -90 * 86_400), to: now, .init(facts: facts, settings: ReportSettings()), now: now)
    let key = DashboardSamples.key("pull_request", 1)
    let failed = FactSubject(id: FactID(rawValue: 1), key: key, name: "site to production", traceID: TraceID(root: key))
    let rows = try DeploysReport(
      DeploysQuery(
        frame: ReportFrame(
          window: TimeWindow(start: now.advanced(bySeconds: -90 * 86_400), end: now), comparison: .none, now: now)),
      from: facts
    ).rows
    let row = try #require(rows.first)
    let known = try #require(verdicts[SpanID(key: DashboardSamples.key("pull_request", Int(row.deploy.rawValue)), attempt: 1)])
    var html = HTMLWriter()
    html.verdict(DeployVerdicts.Entry(row: known.row, remedy: failed, incidents: [], remedied: [(failed, 2)]))
    let text = String(decoding: html.bytes, as: UTF8.self)
    let id = (1...2).map { SpanID(key: key, attempt: $0).description }
    #expect(text.contains(" · remedied by </span><a href=\"/deploys/\(id[0])?key="))
    #expect(text.contains(" · remedied </span><a href=\"/deploys/\(id[1])?key="))
  }
}
