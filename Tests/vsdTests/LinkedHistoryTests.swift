import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks what a backend receives of a whole history under each `--trace-strategy`.
@Suite("A generated history at a receiver")
struct LinkedHistoryTests {
  /// A span as the backend received it.
  private struct Arrived {
    var traceID = ""
    var spanID = ""
    var parentSpanID: String?
    var links: [(traceID: String, spanID: String)] = []
  }

  @Test(
    "every span arrives once, every link and parent leads to a span of that trace, the traces of the API have every span, and under linked they are bounded",
    arguments: TraceStrategy.allCases, UInt64(1)...2)
  func history(strategy: TraceStrategy, seed: UInt64) throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let vsd = try VSDProcess(
      [
        "--trace-strategy", strategy.rawValue, "--tracer=otlp", "--settle=0s", "--otlp-endpoint", receiver.url,
        "--otlp-compression=none",
      ], environment: CollectorTests.environment)
    let sent = try VSPerf.run([
      "generate", "history", "--seed=\(seed)", "--days=10", "--scale=0.4", "--until=2025-06-17T18:00:00Z", "--send",
      "http://127.0.0.1:\(vsd.ports[0])",
    ])
    #expect(sent.exit == .code(0), "\(sent.errors)")
    let known = try Self.known(to: vsd)
    let finished = known.values.filter { $0["end"]?.text != nil }
    try vsd.wait(for: "all spans") {
      try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"]?.int == finished.count ? true : nil
    }
    let arrived = try receiver.requests.flatMap { try Self.spans(in: $0.body) }
    #expect(arrived.count == finished.count)
    #expect(Set(arrived.map(\.spanID)) == Set(finished.compactMap { $0["spanID"]?.text }))

    var links = 0
    for span in arrived {
      #expect(known[span.spanID]?["traceID"]?.text == span.traceID)
      if let parent = span.parentSpanID { #expect(known[parent]?["traceID"]?.text == span.traceID) }
      for link in span.links { #expect(known[link.spanID]?["traceID"]?.text == link.traceID, "\(link)") }
      links += span.links.count
    }
    try Self.expectTraces(of: known, from: vsd)
    guard strategy == .linked else { return }
    #expect(links > 100, "\(links)")
    for (traceID, spans) in Dictionary(grouping: arrived.compactMap { known[$0.spanID] }, by: { $0["traceID"]?.text ?? "" }) {
      let parts = spans.filter { TraceID(root: SubjectKey(encoded: $0["key"]?.text ?? "")).description != traceID }
      let roots = spans.filter { !parts.contains($0) }
      #expect(Set(roots.compactMap { $0["key"]?.text }).count <= 1)
      #expect(parts.allSatisfy { $0["operation"] == "job" }, "\(traceID)")
      if !parts.isEmpty { #expect(roots.allSatisfy { ["build", "deploy"].contains($0["operation"]) }, "\(traceID)") }
    }
  }

  /// Expects that the list of traces has each trace once, and that these traces together have each span once.
  private static func expectTraces(of known: [String: JSON], from vsd: VSDProcess) throws {
    let traceIDs = try pages("traces", of: vsd, limit: 100).compactMap { $0["traceID"]?.text }
    #expect(Set(traceIDs) == Set(known.values.compactMap { $0["traceID"]?.text }))
    var spans: [JSON] = []
    for traceID in traceIDs {
      let trace = try vsd.json("/api/v1/traces/\(traceID)")["spans"]?.list ?? []
      #expect(trace.allSatisfy { $0["traceID"]?.text == traceID })
      let jaeger = try vsd.json("/api/traces/\(traceID)")["data"]?.list.first?["spans"]?.list ?? []
      #expect(jaeger.map { $0["spanID"] } == trace.map { $0["spanID"] }, "\(traceID)")
      spans += trace
    }
    #expect(spans.count == known.count)
    #expect(spans.allSatisfy { known[$0["spanID"]?.text ?? ""] == $0 })
  }

  /// All spans by id.
  private static func known(to vsd: VSDProcess) throws -> [String: JSON] {
    let spans = try pages("spans", of: vsd, limit: 1000)
    return Dictionary(uniqueKeysWithValues: spans.map { ($0["spanID"]?.text ?? "", $0) })
  }

  /// All elements of a paginated list.
  private static func pages(_ list: String, of vsd: VSDProcess, limit: Int) throws -> [JSON] {
    var all: [JSON] = []
    var cursor = ""
    while true {
      let page = try vsd.json("/api/v1/\(list)?limit=\(limit)\(cursor)")
      all += page[list]?.list ?? []
      guard let next = page["next"]?.text else { return all }
      cursor = "&cursor=\(next)"
    }
  }

  private static func spans(in request: [UInt8]) throws -> [Arrived] {
    var spans: [Arrived] = []
    for line in try ProtobufText.otlp.text(of: request, as: "ExportTraceServiceRequest").split(separator: "\n") {
      let words = line.split(separator: " ").dropFirst()
      guard let name = words.first else { continue }
      let value = String(words.last ?? "")
      if name == "spans" { spans.append(Arrived()) }
      guard var span = spans.popLast() else { continue }
      // Links follow the ids of their span.
      let link = span.links.indices.last
      switch (name, link) {
      case ("links", _): span.links.append(("", ""))
      case ("trace_id:", let link?): span.links[link].traceID = value
      case ("span_id:", let link?): span.links[link].spanID = value
      case ("trace_id:", nil): span.traceID = value
      case ("span_id:", nil): span.spanID = value
      case ("parent_span_id:", _): span.parentSpanID = value
      default: break
      }
      spans.append(span)
    }
    return spans
  }
}
