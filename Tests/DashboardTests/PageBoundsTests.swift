import DeliveryMetrics
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Pages of facts at the bounds")
struct PageBoundsTests {
  @Test("Each page of metrics is whole", arguments: MetricPageTests.pages.map(\.address), Seeds.upTo(3))
  func pages(address: String, seed: UInt64) throws {
    let facts = FactSamples.storeAtBounds(around: DashboardSamples.now, seed: seed)
    let samples = try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings()))
    for window in ["", "from=1970-01-01&to=2200-01-01", "since=3650d"] {
      let whole = window.isEmpty ? address : address + (address.contains("?") ? "&" : "?") + window
      let response = samples.get(whole)
      let html = String(decoding: response.body, as: UTF8.self)
      #expect([200, 400, 404].contains(response.status), "\(whole)")
      #expect(!html.contains(">nan") && !html.contains(">inf"), "\(whole)")
      try MarkupCheck(html).expectSafe()
    }
  }
}
