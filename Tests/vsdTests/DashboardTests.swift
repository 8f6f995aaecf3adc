import Foundation
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the dashboards in `Docs/operate/dashboards` with a vsd that has received a whole history.
@Suite("Shipped dashboards")
struct DashboardTests {
  struct Dashboard: CustomTestStringConvertible {
    let name: String
    let json: JSON

    var testDescription: String { name }

    static let all = Result {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Docs/operate/dashboards").standardized
      return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }.sorted().map {
        let text = try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
        return Dashboard(name: $0, json: try JSON(parsing: text))
      }
    }

    var panels: [JSON] { (json["panels"]?.list ?? []).filter { $0["type"] != "row" } }

    var variables: [JSON] { json["templating"]?["list"]?.list ?? [] }

    /// The queries of all panels, with a value for each variable.
    func queries() -> [(panel: String, query: String)] {
      panels.flatMap { panel in
        (panel["targets"]?.list ?? []).map { target in
          (panel["title"]?.text ?? "", filled(target["expr"]?.text ?? ""))
        }
      }
    }

    private func filled(_ query: String) -> String {
      var query = query
      for name in ["__range", "__rate_interval", "window"] { query = query.replacing("$\(name)", with: "10m") }
      for variable in variables {
        let isMultiple = variable["includeAll"] == .bool(true)
        query = query.replacing("$\(variable["name"]?.text ?? "")", with: isMultiple ? ".*" : DashboardTests.project)
      }
      return query
    }

    /// The metric and label that each variable reads its choices from.
    func variableQueries() -> [(metric: String, label: String)] {
      variables.compactMap { variable in
        guard let match = variable["query"]?["query"]?.text?.wholeMatch(of: /label_values\((\w+), (\w+)\)/) else { return nil }
        return (String(match.output.1), String(match.output.2))
      }
    }
  }

  private static let project = "harbour/shop"
  private static let until = Timestamp(rfc3339: "2025-06-17T18:00:00Z")

  @Test("every panel says what it shows, of the data source that is chosen, and has a place of its own")
  func form() throws {
    let dashboards = try Dashboard.all.get()
    #expect(dashboards.count == 4)
    #expect(Set(dashboards.compactMap { $0.json["uid"]?.text }).count == dashboards.count)
    for dashboard in dashboards {
      #expect((dashboard.json["schemaVersion"]?.int ?? 0) >= 41)
      #expect(dashboard.variables.first?["type"] == "datasource")
      #expect(dashboard.json["description"]?.text?.isEmpty == false)
      var places: Set<[Int]> = []
      for panel in dashboard.panels {
        let title = "\(dashboard.name): \(panel["title"]?.text ?? "a panel without a title")"
        #expect(panel["description"]?.text?.hasSuffix(".") == true, "\(title)")
        #expect(panel["fieldConfig"]?["defaults"]?["unit"]?.text?.isEmpty == false, "\(title)")
        #expect(panel["targets"]?.list.isEmpty == false, "\(title)")
        for source in [panel] + (panel["targets"]?.list ?? []) {
          #expect(source["datasource"]?["uid"] == "${datasource}", "\(title)")
        }
        let place = ["x", "y"].compactMap { panel["gridPos"]?[$0]?.int }
        #expect(place.count == 2 && places.insert(place).inserted, "\(title)")
      }
    }
  }

  @Test(
    "every query of every panel brings data and no NaN, exemplars lead to spans of the API, and the text form has no fault",
    .enabled(if: PrometheusProcess.isWanted, "prometheus is not installed"))
  func queries() throws {
    let vsd = try VSDProcess(["--tracer=logging", "--settle=0s"])
    let prometheus = try PrometheusProcess(scraping: vsd)
    try Self.deliverHistory(to: vsd, seenBy: prometheus)
    for dashboard in try Dashboard.all.get() {
      // DeliveryGaugeTests ask the others: a fixed history has nothing of the last 30 days.
      for (panel, query) in dashboard.queries() where !query.contains("valuestream_dora_") {
        let samples = try prometheus.query(query)
        #expect(!samples.isEmpty, "\(dashboard.name), \(panel): \(query)")
        for sample in samples {
          #expect(PrometheusProcess.value(of: sample)?.isFinite == true, "\(dashboard.name), \(panel): \(sample)")
        }
      }
      for (metric, label) in dashboard.variableQueries() where !metric.hasPrefix("valuestream_dora_") {
        #expect(try !prometheus.query("count by (\(label)) (\(metric))").isEmpty, "\(dashboard.name): \(metric) by \(label)")
      }
    }
    try Self.checkExemplars(of: vsd, seenBy: prometheus)
    try Self.lint(vsd.get("/metrics").body, in: vsd.home)
  }

  /// Sends a history in four pieces and waits for a scrape after each, because `increase` needs two scrapes.
  ///
  /// Each piece comes with a finished incident and a change that stays open, which a short history may lack.
  private static func deliverHistory(to vsd: VSDProcess, seenBy prometheus: PrometheusProcess) throws {
    let configuration = HistoryConfiguration(seed: 1, days: 8, scale: 0.4, until: try #require(until))
    let deliveries = Array(HistoryGenerator(configuration))
    let connection = try vsd.connect()
    let pieces = 4
    for piece in 0..<pieces {
      let range = deliveries.count * piece / pieces..<deliveries.count * (piece + 1) / pieces
      for delivery in deliveries[range] {
        var headers: [String: String] = [:]
        for field in delivery.headers.fields { headers[field.name] = field.value }
        let response = try connection.request(
          "POST", delivery.path, headers: headers, body: String(decoding: delivery.body, as: UTF8.self))
        try #require(response.status == 200, "\(response)")
      }
      let (incident, change) = ("incident-\(piece)", "change-\(piece)")
      let times = #""startedAt": "2025-06-16T08:00:00Z", "endedAt": "2025-06-16T09:30:00Z""#
      try vsd.postCustom(#"{"id": "\#(incident)", "type": "incident", "namespace": "\#(project)", \#(times)}"#)
      try vsd.postCustom(#"{"id": "\#(change)", "action": "start", "type": "pull_request", "namespace": "\#(project)"}"#)
      try prometheus.wait(for: "a scrape of all deliveries so far") {
        let taken = #"sum(valuestream_deliveries_total{result=~"recorded|ignored|duplicate|unreadable"})"#
        return try prometheus.value(taken) == Double(range.upperBound + 2 * (piece + 1)) ? true : nil
      }
    }
  }

  private static func checkExemplars(of vsd: VSDProcess, seenBy prometheus: PrometheusProcess) throws {
    var traces: [String: String] = [:]
    for span in try HistoryTests.spans(of: vsd) { traces[span["spanID"]?.text ?? ""] = span["traceID"]?.text }
    let scrape = try vsd.get("/metrics", headers: ["Accept": "application/openmetrics-text"]).body
    let shown = scrape.matches(of: #/_bucket\{.*\} \d+ # \{trace_id="([0-9a-f]{32})",span_id="([0-9a-f]{16})"\} /#)
    #expect(shown.count > 50)
    for match in shown { #expect(traces[String(match.output.2)] == String(match.output.1)) }
    for metric in [
      "valuestream_operation_duration_seconds", "valuestream_lead_time_seconds", "cicd_pipeline_run_duration_seconds",
    ] {
      let exemplars = try prometheus.exemplars("\(metric)_bucket")
      #expect(!exemplars.isEmpty, "\(metric)")
      for exemplar in exemplars { #expect(traces[exemplar["labels"]?["span_id"]?.text ?? ""] != nil, "\(exemplar)") }
    }
  }

  /// Checks the metrics with promtool, which may object only to `vcs_change_count`, a name from the semantic conventions.
  private static func lint(_ text: String, in home: VSDProcess.Home) throws {
    guard let promtool = PrometheusProcess.program("promtool") else { return }
    let path = try home.write("metrics.txt", text)
    let check = try ChildProcess("/bin/sh", ["-c", "\(promtool) check metrics <\(path)"], environment: [:])
    try check.waitForExit()
    let findings = (check.output + check.errors).split(separator: "\n").filter { !$0.hasPrefix("vcs_change_count ") }
    #expect(findings.isEmpty, "\(findings)")
  }
}
