import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Runs `vsd replay` on a store that vsd has filled.
@Suite("vsd replay")
struct ReplayTests {
  private static let deploysByRun = "--github-deploy-workflows=Deploy*"

  private static func start(_ receiver: LoopbackReceiver, _ arguments: [String] = [], in home: VSDProcess.Home) throws
    -> VSDProcess
  {
    try VSDProcess(
      ["--tracer=otlp", "--settle=0s", "--otlp-endpoint", receiver.url] + arguments, environment: CollectorTests.environment,
      in: home)
  }

  private static func counters(_ vsd: VSDProcess) throws -> [String] {
    try vsd.get("/metrics").body.split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("webhooks_event_") || $0.hasPrefix("valuestream_operations_finished") }.sorted()
  }

  @Test("compares beside a running vsd, takes the place when wanted, and neither ids nor counters nor exports change")
  func whole() throws {
    let home = try VSDProcess.Home()
    let receiver = try LoopbackReceiver([.status(200)])
    let vsd = try Self.start(receiver, in: home)
    let sent = try VSPerf.run([
      "generate", "history", "--seed=3", "--days=6", "--scale=0.3", "--until=2025-06-17T18:00:00Z", "--send",
      "http://127.0.0.1:\(vsd.ports[0])",
    ])
    #expect(sent.exit == .code(0), "\(sent.errors)")
    let spans = try HistoryTests.spans(of: vsd)
    let finished = spans.count { $0["end"]?.text != nil }
    try vsd.wait(for: "all spans") {
      try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"]?.int == finished ? true : nil
    }
    let counters = try Self.counters(vsd)

    let same = try VSDProcess.run(["replay"], in: home)
    #expect(same.exit == .code(0), "\(same.errors)")
    #expect(same.output.hasSuffix("nothing differs\n"), "\(same.output)")
    let busy = try VSDProcess.run(["replay", "apply"], in: home)
    #expect(busy.exit == .code(74))
    #expect(busy.errors.contains("in use by another process"))
    let other = try VSDProcess.run(["replay", Self.deploysByRun], in: home)
    #expect(other.output.contains("operation"), "\(other.output)")
    #expect(other.output.contains("before  build\n    now     deploy"), "\(other.output)")
    #expect(try vsd.stop() == .code(0))

    let applied = try VSDProcess.run(["replay", "apply", Self.deploysByRun], in: home)
    #expect(applied.exit == .code(0), "\(applied.errors)")
    #expect(applied.errors.contains("replayed 0 deliveries"), "it goes on from what was compared: \(applied.errors)")
    #expect(applied.errors.contains("spans-before-replay.sqlite"))
    let requests = receiver.requests.count

    let again = try Self.start(receiver, [Self.deploysByRun], in: home)
    let now = try HistoryTests.spans(of: again)
    #expect(now.count == spans.count)
    func ids(_ spans: [JSON]) -> Set<[String?]> {
      Set(spans.filter { $0["end"]?.text != nil }.map { [$0["key"]?.text, $0["spanID"]?.text, $0["traceID"]?.text] })
    }
    #expect(ids(now) == ids(spans))
    #expect(now.count { $0["operation"]?.text == "deploy" } > spans.count { $0["operation"]?.text == "deploy" })
    #expect(try Self.counters(again) == counters)
    #expect(try again.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"]?.int == finished)
    #expect(try again.json("/api/v1/stats")["exporters"]?["otlp"]?["pending"]?.int == 0)
    try again.postCustom(#"{"id": "after", "action": "start", "type": "deploy", "namespace": "shop"}"#)
    try again.postCustom(#"{"id": "after", "action": "end", "type": "deploy", "namespace": "shop"}"#)
    try again.wait(for: "what comes later") {
      try again.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"]?.int == finished + 1 ? true : nil
    }
    #expect(receiver.requests.count > requests)
    #expect(try again.stop() == .code(0))

    let back = try VSDProcess.run(["replay", "apply"], in: home)
    #expect(back.output.contains("before  deploy\n    now     build"), "\(back.output)")
  }

  @Test(
    "says what is wrong",
    arguments: [
      (["replay", "now"], 64, "there is vsd replay, and vsd replay apply"),
      (["replay", "--store=memory"], 64, "replay needs a store on disk"),
      (["rewind"], 64, "unexpected argument \"rewind\""),
      (["replay"], 74, "opening"),
    ] as [([String], Int32, String)])
  func mistakes(arguments: [String], code: Int32, message: String) throws {
    let result = try VSDProcess.run(arguments)
    #expect(result.exit == .code(code))
    #expect(result.errors.contains(message), "\(result.errors)")
  }
}
