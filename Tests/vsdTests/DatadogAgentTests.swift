import CurlTransport
import Datadog
import Export
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Traces at Datadog's test agent", .enabled(if: DatadogTestAgent.isWanted, "ddapm-test-agent is not installed"))
struct DatadogAgentTests {
  @Test("have every member, whatever stands in it", arguments: PhaseStyle.allCases)
  func members(phases: PhaseStyle) async throws {
    let agent = try DatadogTestAgent(in: VSDProcess.Home())
    var configuration = DatadogConfiguration(agentURL: agent.url, presentation: SpanPresentation.Options(phases: phases))
    configuration.tags = [DatadogTag("env", "test")]
    var options = CurlTransport.Options()
    options.proxy = ""
    let exporter = DatadogExporter(configuration: configuration, transport: CurlTransport(options: options))
    let spans = try ExportSamples.story() + ExportSamples.generated(200, seed: 5)
    try await exporter.checkBackend()
    #expect(try await exporter.export(spans) == ExportReceipt(handled: spans.count))
    #expect(try agent.failures() == "")
    let found = try agent.traces().joined()
    let shown = spans.flatMap { SpanPresentation.presentations(of: $0, configuration.presentation) }
    #expect(found.count == shown.count)
    for span in shown {
      try Self.compare(
        #require(found.first { $0.spanId == span.spanID.rawValue && $0.traceId == span.traceID.low }, "\(span.spanID)"), span)
    }
    #expect(try agent.put("\u{1}") == 400, "it refuses what is malformed")
  }

  @Test("are those of the snapshot", arguments: PhaseStyle.allCases)
  func snapshot(phases: PhaseStyle) async throws {
    let agent = try DatadogTestAgent(in: VSDProcess.Home())
    let configuration = DatadogConfiguration(agentURL: agent.url, presentation: SpanPresentation.Options(phases: phases))
    var options = CurlTransport.Options()
    options.proxy = ""
    let exporter = DatadogExporter(configuration: configuration, transport: CurlTransport(options: options))
    let story = try ExportSamples.story()
    #expect(try await exporter.export(story) == ExportReceipt(handled: story.count))
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    #expect(try agent.difference(toSnapshot: folder.appendingPathComponent("datadog-\(phases).json")) == "")
  }

  private static func compare(_ found: DatadogTestAgent.Span, _ shown: SpanPresentation) throws {
    let what: Comment = "\(shown.spanID)"
    #expect(found.service == shown.serviceName, what)
    #expect(found.name == shown.operation, what)
    #expect(found.resource == shown.name, what)
    #expect(found.parentId == shown.parentSpanID?.rawValue ?? 0, what)
    #expect(found.start == shown.start.nanoseconds, what)
    #expect(found.duration == shown.end.nanoseconds - shown.start.nanoseconds, what)
    #expect(found.error == (shown.isError ? 1 : 0), what)
    #expect(found.type == "custom", what)

    var (meta, metrics) = (found.meta, found.metrics)
    #expect(meta.removeValue(forKey: "_dd.p.tid") == String(shown.traceID.description.prefix(16)), what)
    #expect(meta.removeValue(forKey: "span.kind") == (shown.kind == .server ? "server" : "internal"), what)
    #expect(meta.removeValue(forKey: "_dd.p.dm") == "-4", what)
    #expect(meta.removeValue(forKey: "language") == "swift", what)
    #expect(meta.removeValue(forKey: "env") == "test", what)
    #expect(metrics.removeValue(forKey: "_sampling_priority_v1") == 2, what)
    if shown.isError {
      #expect(meta["error.type"] == shown.errorType, what)
      #expect(meta.removeValue(forKey: "error.message") == shown.outcome, what)
      if !shown.attributes.contains(where: { $0.name == "error.type" }) { meta["error.type"] = nil }
    }
    let events = try meta.removeValue(forKey: "events").map(JSON.init(parsing:))?.list ?? []
    #expect(events.map { $0["name"]?.text } == shown.events.map(\.name), what)
    #expect(
      events.map { $0["attributes"]?.members ?? [:] }
        == (try shown.events.map { event in try JSON(parsing: JSONText.of { $0.object(of: event.attributes) }).members }), what)
    for attribute in shown.attributes {
      if let number = metrics.removeValue(forKey: attribute.name) {
        #expect(attribute.value == .int(Int64(exactly: number) ?? 0) || attribute.value == .double(number), what)
      } else {
        #expect(meta.removeValue(forKey: attribute.name) == attribute.value.tagText, what)
      }
    }
    #expect(meta.isEmpty, what)
    #expect(metrics.isEmpty, what)

    let links = found.spanLinks ?? []
    #expect(links.map { TraceID(high: $0.traceIdHigh, low: $0.traceId) } == shown.links.map(\.traceID), what)
    #expect(links.map(\.spanId) == shown.links.map(\.spanID.rawValue), what)
    #expect(links.allSatisfy { $0.flags == 1 << 31 | 1 }, what)
    let attributes = shown.links.map { Dictionary($0.attributes.map { ($0.name, $0.value.tagText ?? "") }) { first, _ in first } }
    #expect(links.map(\.attributes) == attributes, what)
  }

  @Test("come from vsd, as the variables of Datadog's libraries say")
  func daemon() throws {
    let agent = try DatadogTestAgent(in: VSDProcess.Home())
    let variables = [
      "http_proxy": "", "no_proxy": "*", "VS_TRACER_BACKEND": "datadog", "VS_SETTLE": "0s", "DD_TRACE_AGENT_URL": agent.url,
      "DD_SERVICE": "delivery", "DD_ENV": "test", "DD_VERSION": "7", "DD_TAGS": "team:web",
    ]
    let vsd = try VSDProcess(environment: variables)
    for number in 1...20 {
      for action in ["start", "end"] { try vsd.postCustom(Payloads.custom(action, "\(number)")) }
    }
    try vsd.wait(for: "the end of all spans") {
      try vsd.json("/api/v1/stats")["exporters"]?["datadog"]?["sent"] == 20 ? true : nil
    }
    let spans = try agent.traces().joined()
    #expect(spans.count == 20)
    #expect(spans.allSatisfy { $0.service == "delivery" && $0.meta["env"] == "test" && $0.meta["version"] == "7" })
    #expect(spans.allSatisfy { $0.meta["team"] == "web" })
    #expect(try agent.failures() == "")
  }
}
