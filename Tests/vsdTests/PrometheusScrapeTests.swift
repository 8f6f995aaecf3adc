import Foundation
import Testing

/// Prometheus itself, scraping vsd: what existing dashboards ask must have an answer.
@Suite("Queries of existing dashboards, asked of a real Prometheus")
struct PrometheusScrapeTests {
  /// In CI it must be there; elsewhere the test shows as skipped.
  private static let isWanted = program != nil || ProcessInfo.processInfo.environment["CI"] != nil

  private static let program = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/prometheus" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  private static let queries = [
    #"sum(increase(webhooks_event_start_total{event_type="deploy"}[1d])) by (event_source)"#,
    #"sum(increase(webhooks_event_end_total{error="false"}[1d])) / sum(increase(webhooks_event_end_total[1d]))"#,
    "sum(rate(webhooks_event_duration_sum[1d])) by (event_source) / sum(rate(webhooks_event_duration_count[1d])) by (event_source)",
  ]

  @Test(
    "bring data, and no NaN, after two each of deploys, pull requests and issues with a scrape between",
    .enabled(if: isWanted, "prometheus is not installed"))
  func dashboards() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let prometheus = try Self.start(scraping: vsd)
    func query(_ text: String) throws -> [JSON] {
      let encoded = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
      let response = try HTTPConnection(port: prometheus.port).request("GET", "/api/v1/query?query=\(encoded)")
      try #require(response.status == 200, "\(response.body)")
      return try JSON(parsing: response.body)["data"]?["result"]?.list ?? []
    }
    for number in 1...2 {
      try Self.deliver(number, to: vsd)
      try prometheus.process.wait(for: "a scrape of delivery \(number)") {
        let seen = try query(#"sum(webhooks_event_end_total{error="false"})"#).first?["value"]?.list.last
        return seen?.text == "\(number * 3)" ? true : nil
      }
    }
    let sources: [Set<String>] = [["custom_http"], [""], ["custom_http", "github"]]
    for (text, expected) in zip(Self.queries, sources) {
      let result = try prometheus.process.wait(for: text) {
        let result = try query(text)
        return result.isEmpty ? nil : result
      }
      #expect(Set(result.map { $0["metric"]?["event_source"]?.text ?? "" }) == expected, "\(text)")
      for sample in result {
        let value = sample["value"]?.list.last?.text.flatMap { Double($0) }
        #expect(value?.isFinite == true, "\(text): \(sample)")
      }
    }
    #expect(try query("up{job=\"vsd\"}").first?["value"]?.list.last == "1")
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

  private static func start(scraping vsd: VSDProcess) throws -> (process: ChildProcess, port: UInt16) {
    let configuration = try vsd.home.write(
      "prometheus.yml",
      """
      global: {scrape_interval: 1s, scrape_timeout: 1s}
      scrape_configs: [{job_name: vsd, static_configs: [{targets: ["127.0.0.1:\(vsd.ports[0])"]}]}]
      """)
    let process = try ChildProcess(
      program ?? "prometheus",
      [
        "--config.file=\(configuration)", "--storage.tsdb.path=\(vsd.home.path)/prometheus", "--web.listen-address=127.0.0.1:0",
        "--log.format=logfmt",
      ], environment: ProcessInfo.processInfo.environment)
    let port = try process.wait(for: "the address of Prometheus") {
      let lines = (process.output + process.errors).split(separator: "\n")
      let address = lines.first { $0.contains("msg=\"Listening on\"") }?.split(separator: ":").last
      return address.flatMap { UInt16($0) }
    }
    try process.wait(for: "Prometheus to be ready") {
      try HTTPConnection(port: port).request("GET", "/-/ready").status == 200 ? true : nil
    }
    return (process, port)
  }
}
