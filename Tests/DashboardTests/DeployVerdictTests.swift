import DeliveryMetrics
import Foundation
import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Verdicts on the page of deploys")
struct DeployVerdictTests {
  private static let reports = Dashboard.Reports(facts: SampleFacts(), settings: ReportSettings())

  @Test("every deploy has the verdict, rules and remedy of the report")
  func entries() throws {
    let now = DashboardSamples.now
    let from = now.advanced(bySeconds: -90 * 86_400)
    let verdicts = try DeployVerdicts(from: from, to: now, Self.reports, now: now)
    let window = TimeWindow(start: from, end: now.advanced(bySeconds: 1))
    let rows = try DeploysReport(
      DeploysQuery(frame: ReportFrame(window: window, comparison: .none, now: now), includesAllEnvironments: true, limit: 1000),
      from: SampleFacts()
    ).rows
    #expect(rows.count == 45)
    for row in rows {
      let entry = try #require(verdicts[SpanID(key: DashboardSamples.key("pull_request", Int(row.deploy.rawValue)), attempt: 1)])
      #expect(entry.row == row)
      var html = HTMLWriter()
      html.verdict(entry)
      let text = String(decoding: html.bytes, as: UTF8.self)
      switch row.release?.verdict {
      case .failed?:
        #expect(text.contains("failed") && text.contains("rule: incident") && text.contains(" · incident "))
        #expect(entry.incidents.count == 1)
      case .pending?: #expect(text.contains("pending"))
      default: #expect(text.contains("ok"))
      }
    }
    #expect(rows.contains { $0.release?.verdict == .failed })
    #expect(verdicts[SpanID(key: DashboardSamples.key("issue", 1), attempt: 1)] == nil)
  }

  @Test("the page has a column of verdicts only with delivery metrics, and choices of teams only with teams")
  func page() throws {
    #expect(!(try DashboardSamples().text("/deploys").contains("Verdict")))
    var settings = ReportSettings()
    settings.teams = [.init(name: "web", patterns: [NamePattern("acme/*")]), .init(name: "none", patterns: [NamePattern("b/*")])]
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: settings))
    let all = samples.text("/deploys")
    #expect(all.contains("<th scope=\"col\">Verdict</th>") && all.contains("<option value=\"web\">web</option>"))
    #expect(samples.text("/deploys?team=web").contains("acme/site"))
    #expect(samples.text("/deploys?team=none").contains("Nothing fits these conditions"))
    #expect(samples.get("/deploys?team=other").status == 400)
    #expect(samples.text("/?team=web").contains("Six questions, by project"))
    #expect(samples.text("/").contains("Six questions, by team"))
  }
}
