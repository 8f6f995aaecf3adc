import DeliveryMetrics
import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Comparison with the period before")
struct ComparisonTests {
  private static func samples() throws -> DashboardSamples {
    try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
  }

  @Test(
    "a period before the beginning of history is not taken for one without events",
    arguments: ["/", "/reports/deployment_frequency", "/flow", "/incidents", "/pipelines"])
  func beforeHistory(path: String) throws {
    let html = try Self.samples().text(path + "?from=2025-09-01")
    #expect(html.contains("nothing to compare with"))
    for word in ["than 0 ", "as before: 0"] { #expect(!html.contains(word), "\(word)") }
  }

  @Test("a period of which something is known is compared")
  func known() throws {
    let html = try Self.samples().text("/?from=2026-02-01")
    #expect(html.contains(" than "))
    #expect(!html.contains("<p class=\"change\"><span class=\"quiet\">nothing to compare with</span></p>"))
  }
}
