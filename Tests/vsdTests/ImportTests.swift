import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Imported deliveries beside those of webhooks.
@Suite("Imported history in vsd")
struct ImportTests {
  private static let until = "2025-06-17T18:00:00Z"
  private static let environment = ["VS_IMPORT_SECRET": "import me"]

  private static func start(_ arguments: [String] = ["--tracer=none", "--store=memory"], in home: VSDProcess.Home? = nil) throws
    -> VSDProcess
  {
    try VSDProcess(["--settle=0s"] + arguments, environment: environment, in: home)
  }

  private static func send(_ arguments: [String] = [], to vsd: VSDProcess, secret: String = "import me") throws -> VSPerf.Result {
    try VSPerf.run(
      [
        "generate", "history", "--seed=3", "--days=4", "--scale=0.3", "--until=\(until)", "--send",
        "http://127.0.0.1:\(vsd.ports[0])",
      ] + arguments, environment: ["VS_IMPORT_SECRET": secret])
  }

  /// Counters and histograms of work, without those at 0.
  private static func counters(_ vsd: VSDProcess) throws -> [String] {
    try vsd.get("/metrics").body.split(separator: "\n").map(String.init)
      .filter { line in
        [
          "webhooks_event_", "valuestream_operations_finished", "valuestream_operation_duration", "valuestream_phase_duration",
          "valuestream_spans_finished", "valuestream_deploy", "valuestream_change", "valuestream_operations_corrected",
        ]
        .contains { line.hasPrefix($0) } && !line.hasSuffix(" 0") && !line.contains("_open")
      }.sorted()
  }

  /// The counters once they stay the same. vsd counts ends step by step, while it projects.
  private static func settledCounters(_ vsd: VSDProcess) throws -> [String] {
    var last = try counters(vsd)
    return try vsd.wait(for: "all counters") {
      usleep(300_000)
      let now = try counters(vsd)
      defer { last = now }
      return now == last && now.contains { $0.hasPrefix("valuestream_operations_finished_total") } ? now : nil
    }
  }

  /// What spans say, without times of receipt and attributes that count facts.
  private static func spans(_ vsd: VSDProcess) throws -> [[JSON?]] {
    let names = [
      "key", "attempt", "name", "operation", "start", "end", "outcome", "parentKey", "parentRule", "traceID", "spanID", "phases",
    ]
    return try HistoryTests.spans(of: vsd).map { span in names.map { span[$0] } }
  }

  private static func reports(_ vsd: VSDProcess) throws -> [String: String] {
    try vsd.waitForAllFacts()
    var reports: [String: String] = [:]
    for report in ["dora", "lead-time", "flow", "reviews", "pipelines", "incidents"] {
      reports[report] = try vsd.get("/api/v1/reports/\(report)?from=2025-06-01T00:00:00Z&to=\(until)&format=csv").body
    }
    return reports
  }

  @Test("gives the spans and facts of webhooks, before them, after them and alone, and changes no counter")
  func together() throws {
    let (webhooks, imported) = (try Self.start(), try Self.start())
    #expect(try Self.send(to: webhooks).exit == .code(0))
    let sent = try Self.send(["--import"], to: imported)
    #expect(sent.exit == .code(0), "\(sent.errors)")
    #expect(try imported.get("/system").body.contains("History is arriving: "))
    #expect(try !webhooks.get("/system").body.contains("an import is running"))
    let spans = try Self.spans(webhooks)
    #expect(spans.count > 50)
    #expect(try Self.spans(imported) == spans)
    let reports = try Self.reports(webhooks)
    #expect(try Self.reports(imported) == reports)
    let counters = try Self.settledCounters(webhooks)
    #expect(counters.count > 50)
    #expect(try Self.counters(imported) == [], "an import counts in nothing that only grows")

    // The other way of each, in the other one: no doubles.
    #expect(try Self.send(["--import"], to: webhooks).exit == .code(0))
    #expect(try Self.spans(webhooks) == spans)
    #expect(try Self.reports(webhooks) == reports)
    #expect(try Self.counters(webhooks) == counters)
    #expect(try Self.send(to: imported).exit == .code(0))
    #expect(try Self.spans(imported) == spans)
    #expect(try Self.reports(imported) == reports)
    #expect(try Self.settledCounters(imported) == counters, "what webhooks tell counts, also if an import told it before")
    let again = try #require(try imported.json("/api/v1/stats")["deliveries"]?["duplicate"]?.int)
    #expect(try Self.send(["--import"], to: imported).exit == .code(0))
    #expect(try #require(try imported.json("/api/v1/stats")["deliveries"]?["duplicate"]?.int) > again)
    #expect(try Self.counters(imported) == counters)
  }

  @Test("needs its own secret, and a webhook cannot bear the mark")
  func secrets() throws {
    let vsd = try Self.start()
    let wrong = try Self.send(["--import"], to: vsd, secret: "another")
    #expect(wrong.exit == .code(69) && wrong.errors.contains("VS_IMPORT_SECRET must be"), "\(wrong.errors)")
    let none = try VSDProcess(["--tracer=none", "--store=memory"])
    let refused = try Self.send(["--import"], to: none)
    #expect(refused.errors.contains("--import-secret-file"), "\(refused.errors)")
    let body = #"{"id": "1", "action": "end", "type": "deploy", "namespace": "shop"}"#
    let marked = ["ValueStream-Import": "import:deploy:1:1 2025-06-01T00:00:00Z"]
    #expect(try vsd.post("/customhttp", body, headers: marked) == "200 success")
    #expect(try vsd.post("/api/v1/import/customhttp", body, headers: marked).hasPrefix("401"))
    #expect(try Self.counters(vsd).contains { $0.hasPrefix("webhooks_event_end_total") }, "it counts as what it is: a webhook")
  }

  @Test("is exported only when wanted, and not again when webhooks tell it; a replay keeps it so", arguments: [false, true])
  func exports(isWanted: Bool) throws {
    let home = try VSDProcess.Home()
    let receiver = try LoopbackReceiver([.status(200)])
    let arguments = ["--tracer=otlp", "--otlp-endpoint", receiver.url] + (isWanted ? ["--export-imported"] : [])
    var vsd = try Self.start(arguments, in: home)
    func sent() throws -> Int { try #require(try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"]?.int) }
    #expect(try Self.send(["--import"], to: vsd).exit == .code(0))
    let finished = try HistoryTests.spans(of: vsd).count { $0["end"]?.text != nil }
    if isWanted {
      try vsd.wait(for: "the export") { try sent() == finished ? true : nil }
    }
    #expect(try vsd.stop() == .code(0))
    let replayed = try VSDProcess.run(["replay", "apply"] + (isWanted ? ["--export-imported"] : []), in: home)
    #expect(replayed.exit == .code(0), "\(replayed.errors)")
    #expect(replayed.output.hasSuffix("nothing differs\n"), "retention counts from the import: \(replayed.output)")
    vsd = try Self.start(arguments, in: home)
    #expect(try sent() == (isWanted ? finished : 0))
    #expect(try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["pending"]?.int == 0)
    #expect(try Self.counters(vsd) == [])
    #expect(try Self.send(to: vsd).exit == .code(0))
    try vsd.wait(for: "the export") { try sent() == finished ? true : nil }
    #expect(try Self.settledCounters(vsd).count > 50)
    #expect(try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["pending"]?.int == 0)
    #expect(try sent() == finished, "once each")
  }
}
