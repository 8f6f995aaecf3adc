import CurlTransport
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Datadog

@Suite("Datadog exporter", .timeLimit(.minutes(20)))
struct DatadogExporterTests {
  static func exporter(
    _ url: String, timeout: Double = 10, change: (inout DatadogConfiguration) -> Void = { _ in }
  ) -> DatadogExporter {
    var configuration = DatadogConfiguration(agentURL: url, presentation: SpanPresentation.Options())
    configuration.timeoutSeconds = timeout
    change(&configuration)
    var options = CurlTransport.Options()
    options.proxy = ""
    return DatadogExporter(configuration: configuration, transport: CurlTransport(options: options))
  }

  static func spans(in request: LoopbackReceiver.Request) throws -> [MessagePack] {
    try MessagePack(reading: request.body).list.flatMap(\.list)
  }

  static let contract = SpanExporterContract(
    makeExporter: { exporter($0, timeout: $1) },
    spanIDs: { try spans(in: $0).compactMap { $0["span_id"]?.unsigned.map(SpanID.init(rawValue:)) } })

  @Test("keeps the contract", arguments: SpanExporterContract.checks)
  func contract(check: SpanExporterContract.Check) async throws { try await check.run(Self.contract) }

  @Test("Every member of a request", arguments: PhaseStyle.allCases)
  func golden(phases: PhaseStyle) async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let story = try ExportSamples.story()
    let exporter = Self.exporter(receiver.url + "/") { configuration in
      configuration.presentation.phases = phases
      configuration.tags = [DatadogTag("env", "production"), DatadogTag("valuestream.name", "never this")]
    }
    #expect(try await exporter.export(story) == ExportReceipt(handled: story.count))
    let request = try #require(receiver.requests.first)
    #expect(request.method == "PUT")
    #expect(request.target == "/v0.4/traces")
    let traces = try MessagePack(reading: request.body)
    #expect(request.headers["Content-Type"] == "application/msgpack")
    #expect(request.headers["X-Datadog-Trace-Count"] == "\(traces.list.count)")
    #expect(request.headers["Datadog-Meta-Tracer-Version"] == ValueStreamVersion.current)
    for trace in traces.list { #expect(Set(trace.list.compactMap { $0["trace_id"]?.unsigned }).count == 1) }
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(phases.rawValue).txt")
    Golden.expect(traces.lines(), matches: file.path)
  }

  @Test("A request has no more bytes than allowed, except for one span that is larger alone", arguments: [1, 8000])
  func limit(bytes: Int) async throws {
    try await Self.contract.checkByteLimit(bytes) { url in Self.exporter(url) { $0.byteLimit = bytes } }
  }

  @Test("Numbers that no metric can hold are texts")
  func largeNumbers() throws {
    var span = try #require(try ExportSamples.spans(1).first)
    span.span.attributes = [
      Attribute("exact", .int(-(1 << 53))), Attribute("infinite", .double(.infinity)), Attribute("large", .int(.max)),
    ]
    let shown = SpanPresentation.presentations(of: span, SpanPresentation.Options())[0]
    let read = try MessagePack(reading: DatadogEncoding.span(shown, tags: []))
    #expect(read["metrics"]?["exact"] == .double(-9_007_199_254_740_992))
    #expect(read["meta"]?["large"] == .text("9223372036854775807"))
    #expect(read["meta"]?["infinite"] == .text("inf"))
  }

  @Test("Every form of MessagePack is read back", arguments: [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536])
  func sizes(count: Int) throws {
    var writer = MessagePackWriter()
    writer.list(4)
    writer.text(String(repeating: "x", count: count))
    writer.unsigned(UInt64(count))
    writer.signed(-Int64(count))
    writer.list(count)
    for _ in 0..<count { writer.double(0.5) }
    let read = try MessagePack(reading: writer.bytes).list
    #expect(read[0] == .text(String(repeating: "x", count: count)))
    #expect(read[1] == .unsigned(UInt64(count)))
    #expect(read[2] == (count == 0 ? .unsigned(0) : .signed(-Int64(count))))
    #expect(read[3].list.count == count)
    var map = MessagePackWriter()
    map.map(count)
    for number in 0..<min(count, 300) {
      map.text("\(number)")
      map.unsigned(.max)
    }
    if count <= 300 { #expect(try MessagePack(reading: map.bytes)["\(count - 1)"] == (count == 0 ? nil : .unsigned(.max))) }
  }
}
