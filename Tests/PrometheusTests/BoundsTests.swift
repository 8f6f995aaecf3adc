import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Prometheus

/// Both text formats stay parseable with any labels, help texts and values.
@Suite("Metrics at the bounds")
struct BoundsTests {
  private static let texts = [
    "", "plain", "Zürich", "日本語", "👩‍🚀", #""quoted" \ back\n"#, "\0\u{1}\u{1F}\u{7F}", "line\nend\r\n\tand\u{85}\u{2028}",
    "\u{301}\u{0308}", "\u{202E}\u{5E9}\u{5DC}\u{5D5}\u{5DD}", "\u{FEFF}", "\u{FFFD}\u{10FFFF}", "a,b=\"c\"}", "# EOF", "\\",
    "\"",
    String(repeating: "é", count: 100),
  ]

  private static let numbers: [Double] = [
    0, -0.0, 0.1, 1e-5, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    9_007_199_254_740_992, .infinity, -.infinity, .nan,
  ]

  private static let span = OutboxEntry(
    key: SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "1"), attempt: .max, time: .latest)

  private static func registry() -> MetricRegistry {
    let registry = MetricRegistry()
    let counts = registry.family(.counter, "events_total", help: texts.joined(), labels: ["what", "which"])
    let gauges = registry.family(.gauge, "level", help: "", labels: ["what"])
    let lengths = registry.family(.histogram(bounds: [1e-9, 1, 1e300]), "length_seconds", help: "x", labels: ["what"])
    for (index, text) in texts.enumerated() {
      counts.add(index == 0 ? .greatestFiniteMagnitude : Double(index), labels: [text, texts[texts.count - 1 - index]])
      gauges.set(numbers[index % numbers.count], labels: [text])
      for number in numbers where number >= 0 && number.isFinite { lengths.observe(number, labels: [text], of: span) }
    }
    return registry
  }

  private static func document(_ format: PrometheusText.Format) -> [UInt8] {
    PrometheusText.encode(registry().all, as: format) { _ in
      (TraceID(high: .max, low: .max), SpanID(rawValue: .max))
    }
  }

  @Test(
    "An independent reader finds each label and each number again",
    .enabled(if: IndependentReader.isWanted, "there is no Python"),
    arguments: [PrometheusText.Format.text, .openMetrics])
  func labels(format: PrometheusText.Format) throws {
    let values = try IndependentReader.metrics.values(in: Self.document(format))
    let texts = Set(Self.texts.map { Array($0.utf8) })
    #expect(Set(values.bytes(of: "what")) == texts)
    #expect(Set(values.bytes(of: "which")) == texts)
    #expect(values.bytes(of: "level").count == Self.texts.count)
    #expect(values.bytes(of: "length_seconds_count").count == Self.texts.count)
    #expect(values.bytes(of: "length_seconds_bucket").count == 4 * Self.texts.count)
    for number in Self.numbers {
      let isThere = values.contains { $0.name == "level" && $0.text == PrometheusText.number(number) }
      #expect(isThere, "\(number)")
    }
  }

  private static let tool = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/promtool" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test("Prometheus reads the text form", .enabled(if: tool != nil, "promtool is not installed"))
  func prometheusReads() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("metrics-\(UUID().uuidString)")
    try Data(Self.document(.text)).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(Self.tool))
    process.arguments = ["check", "metrics"]
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardError = output
    try process.run()
    let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Exit code 3 means that promtool parsed the metrics but dislikes names or help texts.
    #expect([0, 3].contains(process.terminationStatus), "\(told)")
  }
}
