import Logging
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Spans in the log")
struct LoggingExporterTests {
  @Test(
    "are one line of JSON each, whatever stands in them", .enabled(if: IndependentReader.isWanted, "there is no Python"),
    arguments: AttributeSelection.allCases)
  func bounds(attributes: AttributeSelection) async throws {
    let spans = try ExportSamples.bounds()
    let log = KeptLog()
    let exporter = LoggingExporter(logger: log.logger, attributes: attributes)
    #expect(try await exporter.export(spans) == ExportReceipt(handled: spans.count))
    #expect(log.lines.count == spans.count)
    for line in log.lines { #expect(line.utf8.dropLast().allSatisfy { $0 != UInt8(ascii: "\n") }) }
    let text = log.lines.map { $0.hasSuffix("\n") ? $0 : "\($0)\n" }.joined()
    let values = try IndependentReader.jsonLines.values(in: Array(text.utf8))
    let ids = Set(values.bytes(of: "spanID"))
    for span in spans { #expect(ids.contains(Array(span.span.id.description.utf8))) }
    #expect(Set(values.bytes(of: "name")).isSuperset(of: spans.map { Array($0.span.name.utf8) }))
  }
}
