import Testing
import ValueStreamTesting

/// Scrapes vsd with Prometheus and expects a result for every query of existing dashboards.
@Suite("Queries of existing dashboards, asked of a real Prometheus")
struct PrometheusScrapeTests {
  private static let queries = [
    #"sum(increase(webhooks_event_start_total{event_type="deploy"}[1d])) by (event_source)"#,
    #"sum(increase(webhooks_event_end_total{error="false"}[1d])) / sum(increase(webhooks_event_end_total[1d]))"#,
    "sum(rate(webhooks_event_duration_sum[1d])) by (event_source) / sum(rate(webhooks_event_duration_count[1d])) by (event_source)",
  ]

  @Test(
    "bring data, and no NaN, after two each of deploys, pull requests and issues with a scrape between",
    .enabled(if: PrometheusProcess.isWanted, "prometheus is not installed"))
  func dashboards() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let prometheus = try PrometheusProcess(scraping: vsd)
    for number in 1...2 {
      try Self.deliver(number, to: vsd)
      try prometheus.wait(for: "a scrape of delivery \(number)") {
        try prometheus.value(#"sum(webhooks_event_end_total{error="false"})"#) == Double(number * 3) ? true : nil
      }
    }
    let sources: [Set<String>] = [["custom_http"], [""], ["custom_http", "github"]]
    for (text, expected) in zip(Self.queries, sources) {
      let result = try prometheus.wait(for: text) {
        let result = try prometheus.query(text)
        return result.isEmpty ? nil : result
      }
      #expect(Set(result.map { $0["metric"]?["event_source"]?.text ?? "" }) == expected, "\(text)")
      for sample in result { #expect(PrometheusProcess.value(of: sample)?.isFinite == true, "\(text): \(sample)") }
    }
    #expect(try prometheus.value("up{job=\"vsd\"}") == 1)
  }

  /// Starts and ends one deploy, one pull request and one issue.
  private static func deliver(_ number: Int, to vsd: VSDProcess) throws {
    try vsd.postCustom(Payloads.custom("start", "d\(number)"))
    try vsd.postCustom(Payloads.custom("end", "d\(number)"))
    try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: number, number: number, branch: "b"))
    let merged = Payloads.pullRequest("closed", id: number, number: number, branch: "b", closed: "2024-03-05T12:00:00Z")
    try vsd.postGitHub("pull_request", merged)
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 100 + number))
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 100 + number, closed: "2024-03-04T12:00:00Z"))
  }
}
