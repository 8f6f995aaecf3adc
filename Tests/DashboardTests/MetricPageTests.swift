import DeliveryMetrics
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Pages of delivery metrics")
struct MetricPageTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  static let pages: [(name: String, address: String)] = [
    ("overview", "/"), ("overview-scoped", "/?service=nothing"), ("report-lead-time", "/reports/lead_time"),
    ("report-left-out", "/reports/lead_time?part=left_out"), ("report-change-fail-rate", "/reports/change_fail_rate"),
    ("report-recovery", "/reports/failed_deployment_recovery_time"),
  ]

  @Test("each page of fixed facts", arguments: pages.map(\.name))
  func golden(name: String) throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    let page = try #require(Self.pages.first { $0.name == name })
    let html = Asset.all.reduce(samples.text(page.address)) { $0.replacingOccurrences(of: $1.hash, with: "HASH") }
    Golden.expect(html, matches: "\(Self.golden)/\(name).html")
    try MarkupCheck(html).expectSafe()
  }

  @Test("the figures of the tiles are those of the report, and each leads to its rows")
  func figures() throws {
    let facts = SampleFacts()
    let samples = try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings()))
    let question = ReportQuestion(PageState(), ReportSettings(), now: DashboardSamples.now)
    let group = try #require(try DORAReport(question.dora, from: facts).groups.first)
    let html = samples.text("/")
    for metric in DORAMetric.allCases {
      let figure = metric.text(metric.value(in: group)) ?? "not known"
      #expect(html.contains("<p class=\"figure\">\(figure)</p>"), "\(metric)")
      #expect(html.contains("href=\"/reports/\(metric.rawValue)\""))
      let rows = try DORAReport.evidence(DORAEvidence(metric), question.dora, from: facts, page: PageRequest(limit: 1))
      #expect(samples.text("/reports/\(metric.rawValue)").contains(Wording.count(rows.total, "row")))
    }
    #expect(group.leadTime.current.summary.population.leftOut == [LeftOut(reason: .clock, count: 1)])
    #expect(html.contains("1 left out"))
  }

  @Test("pages of evidence show every row once")
  func paging() throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    var rows = 0
    var address: String? = "/reports/lead_time?limit=20"
    var pages = 0
    while let next = address, pages < 10 {
      let html = samples.text(next)
      rows += html.components(separatedBy: "<tr><td><time").count - 1
      pages += 1
      let links = html.components(separatedBy: "<a rel=\"next\" href=\"").dropFirst()
      address = links.first.map { (link: String) -> String in String(link.prefix { $0 != "\"" }).replacing("&amp;", with: "&") }
    }
    #expect(rows == 44)
    #expect(pages == 3)
  }

  @Test("hostile texts stay texts", arguments: HTMLWriterTests.hostile)
  func hostile(text: String) throws {
    let samples = try DashboardSamples(
      text: { _ in text }, reports: .init(facts: SampleFacts { _ in text }, settings: ReportSettings()))
    for page in Self.pages { try MarkupCheck(samples.text(page.address)).expectSafe() }
    try MarkupCheck(samples.text("/?service=" + PercentEncoding.encode(text))).expectSafe()
  }

  @Test("without facts there is neither overview nor report, and no link to them")
  func without() throws {
    let samples = try DashboardSamples()
    #expect(samples.get("/").status == 404)
    #expect(samples.get("/reports/lead_time").status == 404)
    #expect(!samples.text("/changes").contains("Overview"))
    #expect(samples.dashboard.paths.contains("/changes") && !samples.dashboard.paths.contains("/"))
  }

  @Test(
    "wrong questions are said",
    arguments: [
      ("/reports/nothing", 404), ("/?from=x", 400), ("/reports/lead_time?part=x", 400), ("/reports/lead_time?place=x", 400),
    ])
  func wrong(address: String, status: Int) throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    #expect(samples.get(address).status == status)
  }
}
