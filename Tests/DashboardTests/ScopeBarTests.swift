import DeliveryMetrics
import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Scope and period above a page")
struct ScopeBarTests {
  private static func samples() throws -> DashboardSamples {
    try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
  }

  @Test("empty fields of the period show the period that holds")
  func placeholders() throws {
    let html = try Self.samples().text("/flow")
    #expect(html.contains("name=\"from\" value=\"\" placeholder=\"2025-12-10\""))
    #expect(html.contains("name=\"to\" value=\"\" placeholder=\"2026-03-10\""))
    #expect(try DashboardSamples().text("/deploys").contains("name=\"from\" value=\"\" placeholder=\"any\""))
  }

  @Test("links to the usual periods keep the scope, and the one that holds is marked")
  func periods() throws {
    let samples = try Self.samples()
    let html = samples.text("/flow?repository=SITE&from=2026-02-08")
    #expect(html.contains("<a href=\"/flow?repository=SITE&amp;from=2026-03-03\" aria-label=\"the last 7 days\">7 d</a>"))
    #expect(
      html.contains(
        "<a href=\"/flow?repository=SITE&amp;from=2026-02-08\" aria-current=\"true\" aria-label=\"the last 30 days\">30 d</a>"))
    #expect(html.contains("<a href=\"/flow?repository=SITE\" aria-label=\"the last 90 days\">90 d</a>"))
    #expect(samples.text("/flow").contains("<a href=\"/flow\" aria-current=\"true\" aria-label=\"the last 90 days\">"))
    let rows = samples.text("/reports/throughput?bucket-start=2026-03-02T00:00:00Z")
    #expect(rows.contains("<a href=\"/reports/throughput?from=2026-03-03\""), "the week of a number belongs to its period")
  }

  @Test("a scope of which nothing is known is not shown as zeros without a word")
  func unknownScope() throws {
    let samples = try Self.samples()
    #expect(samples.text("/?service=nothing").contains("No release fits this scope."))
    #expect(!samples.text("/?service=site").contains("No release fits this scope."))
    #expect(!samples.text("/").contains("No release fits this scope."))
  }
}
