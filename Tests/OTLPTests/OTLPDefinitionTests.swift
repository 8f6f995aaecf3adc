import Export
import Foundation
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Decodes requests with OpenTelemetry's own protocol definitions from PyPI.
@Suite("Requests read with OpenTelemetry's own definitions")
struct OTLPDefinitionTests {
  @Test(
    "have every field, in both forms",
    .enabled(if: PythonEnvironment.wants("opentelemetry.proto"), "opentelemetry-proto is not installed"),
    arguments: OTLPFormat.allCases, PhaseStyle.allCases)
  func fields(format: OTLPFormat, phases: PhaseStyle) async throws {
    let transport = TransportFake { _ in HTTPResponse(status: 200) }
    let configuration = OTLPExporterTests.configuration(.both, phases) { configuration in
      configuration.format = format
      configuration.byteLimit = 1 << 30
    }
    let exporter = OTLPExporter(configuration: configuration, transport: transport)
    let batches = [try ExportSamples.story(), try ExportSamples.generated(300, seed: 11)]
    for spans in batches { #expect(try await exporter.export(spans) == ExportReceipt(handled: spans.count)) }
    let found = try Self.read(transport.requests).split(separator: "-\n", omittingEmptySubsequences: false).dropLast()
    try #require(found.count == batches.count)
    for (text, spans) in zip(found, batches) {
      let shown = spans.flatMap { SpanPresentation.presentations(of: $0, configuration.presentation) }
      let expected = Self.lines(shown)
      let lines = text.split(separator: "\n").map(String.init)
      let difference = zip(lines, expected).first { $0 != $1 }
      #expect(difference == nil)
      #expect(lines.count == expected.count)
    }
  }

  private static func read(_ requests: [HTTPTransportRequest]) throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("requests-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let lines = requests.map { #"{"type":"\#($0.headers["Content-Type"] ?? "")","body":"\#(Hex.text(of: $0.body))"}"# + "\n" }
    try lines.joined().write(to: file, atomically: true, encoding: .utf8)
    let script = PythonEnvironment.root.appendingPathComponent("Tests/OTLPTests/read-otlp.py").path
    let result = try PythonEnvironment.run([script], input: try FileHandle(forReadingFrom: file))
    try #require(result.status == 0, "\(result.output)")
    return result.output
  }

  // MARK: Expected contents

  private static func lines(_ spans: [SpanPresentation]) -> [String] {
    var services: [String] = []
    for span in spans where !services.contains(span.serviceName) { services.append(span.serviceName) }
    return services.flatMap { service in
      let version = ValueStreamVersion.current
      let resource = [
        Attribute("service.name", .string(service)), Attribute("telemetry.sdk.language", "swift"),
        Attribute("telemetry.sdk.name", "valuestream"), Attribute("telemetry.sdk.version", .string(version)),
      ]
      return ["resource"] + lines(resource) + ["scope valuestream \(version)"]
        + spans.filter { $0.serviceName == service }.flatMap(lines)
    }
  }

  private static func lines(_ span: SpanPresentation) -> [String] {
    let parent = span.parentSpanID?.description ?? "-"
    return [
      "span \(span.traceID) \(span.spanID) \(parent) \(text(span.name))",
      "kind \(span.kind == .server ? 2 : 1) from \(max(0, span.start.nanoseconds)) to \(max(0, span.end.nanoseconds))",
      #"status \#(span.isError ? 2 : 0) "" flags 1 dropped \#(span.droppedLinkCount)"#,
    ] + lines(span.attributes)
      + span.events.flatMap { ["event \($0.time.nanoseconds) \(text($0.name))"] + lines($0.attributes) }
      + span.links.flatMap { ["link \($0.traceID) \($0.spanID) flags 1"] + lines($0.attributes) }
  }

  private static func lines(_ attributes: [Attribute]) -> [String] {
    attributes.map { "  \(text($0.name)) \(typed($0.value))" }
  }

  private static func typed(_ value: AttributeValue) -> String {
    switch value {
    case .string(let text): "string \(Self.text(text))"
    case .bool(let flag): "bool \(flag)"
    case .int(let number): "int \(number)"
    case .double(let number):
      "double " + Hex.text(of: (0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> (56 - 8 * UInt64($0))) })
    case .strings: "list \(JSONText.of { $0.value(value) })"
    case .null: "nothing"
    }
  }

  private static func text(_ text: String) -> String { JSONText.of { $0.value(text) } }
}
