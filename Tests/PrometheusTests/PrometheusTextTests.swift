import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Prometheus

@Suite("Metrics as text")
struct PrometheusTextTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static let span = OutboxEntry(
    key: SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "1"), attempt: 1,
    time: Timestamp(milliseconds: 1_700_000_000_123))

  private static let ids = (
    trace: TraceID(root: Self.span.key), span: SpanID(key: Self.span.key, attempt: Self.span.attempt)
  )

  /// A registry with a family of each kind, values that are hard to print and a label with all escaped characters.
  private static func registry() -> MetricRegistry {
    let registry = MetricRegistry()
    let events = registry.family(
      .counter, "events_total", help: "Events, with a \\ and\na second line.", labels: ["source", "what"])
    events.add(3, labels: ["github", "issue"])
    events.add(labels: ["github", "a \"quoted\" \\ word\nand a line"])
    events.touch(labels: ["custom_http", ""])
    let bare = registry.family(.counter, "bare", help: "A counter without its suffix.")
    bare.add(1_234_567)
    registry.family(.gauge, "free_bytes", help: "A gauge without labels.").set(-0.25)
    let duration = registry.family(
      .histogram(bounds: [0.5, 10, 1.8e6, 1.08e7]), "duration", help: "A histogram.", labels: ["error"])
    for value in [0.5, 0.75, 1_800_000, 2e7] { duration.observe(value, labels: ["false"]) }
    duration.observe(9, labels: ["false"], of: Self.span)
    duration.observe(2e7, labels: ["true"], of: OutboxEntry(key: Self.span.key, attempt: 2, time: .epoch))
    registry.family(.histogram(bounds: [0.25, 5]), "wait_seconds", help: "A unit and a \"quote\".").observe(1)
    duration.touch(labels: ["true"])
    _ = registry.family(.counter, "unused_total", help: "Nothing happened yet.", labels: ["source"])
    return registry
  }

  @Test("the text form")
  func text() {
    let text = String(decoding: PrometheusText.encode(Self.registry().all, as: .text), as: UTF8.self)
    Golden.expect(text, matches: "\(Self.folder)/metrics.txt")
  }

  @Test("counters of one name in two registries are one, and their series are added up")
  func severalRegistries() {
    let (first, second) = (MetricRegistry(), MetricRegistry())
    let families = [first, second].map { registry in
      registry.family(.counter, "deliveries_total", help: "Deliveries.", labels: ["source", "result"])
    }
    families[0].add(2, labels: ["github", "duplicate"])
    families[1].add(40, labels: ["github", "recorded"])
    families[1].add(3, labels: ["github", "duplicate"])
    first.family(.gauge, "ready", help: "Ready.").set(1)
    let text = String(decoding: PrometheusText.encode(first.all + second.all, as: .text), as: UTF8.self)
    let expected = """
      # HELP deliveries_total Deliveries.
      # TYPE deliveries_total counter
      deliveries_total{source="github",result="duplicate"} 5
      deliveries_total{source="github",result="recorded"} 40
      # HELP ready Ready.
      # TYPE ready gauge
      ready 1

      """
    #expect(text == expected)
  }

  @Test("OpenMetrics")
  func openMetrics() {
    let text = String(
      decoding: PrometheusText.encode(Self.registry().all, as: .openMetrics) { $0 == Self.span ? Self.ids : nil }, as: UTF8.self)
    Golden.expect(text, matches: "\(Self.folder)/metrics.openmetrics.txt")
  }

  @Test("a sample has the name its type is told for, in both forms", arguments: [PrometheusText.Format.text, .openMetrics])
  func typedNames(format: PrometheusText.Format) {
    let text = String(decoding: PrometheusText.encode(Self.registry().all, as: format), as: UTF8.self)
    let lines = text.split(separator: "\n")
    var names: Set<String> = []
    for line in lines where line.hasPrefix("# TYPE ") {
      let words = line.split(separator: " ")
      let name = String(words[2])
      switch words[3] {
      case "histogram": names.formUnion(["_bucket", "_sum", "_count"].map { name + $0 })
      case "counter": names.insert(format == .openMetrics ? "\(name)_total" : name)
      default: names.insert(name)
      }
    }
    for line in lines where !line.hasPrefix("#") {
      #expect(names.contains(String(line.prefix { $0 != "{" && $0 != " " })), "\(line)")
    }
  }

  @Test(
    "numbers are printed as Go prints them where dashboards match the text",
    arguments: [
      (1.8e6, "1.8e+06"), (3.6e6, "3.6e+06"), (1.08e7, "1.08e+07"), (2.16e7, "2.16e+07"), (4.32e7, "4.32e+07"),
      (8.64e7, "8.64e+07"), (2.592e8, "2.592e+08"), (6.048e8, "6.048e+08"), (1.21e9, "1.21e+09"), (1.814e9, "1.814e+09"),
      (2.628e9, "2.628e+09"), (0, "0"), (-0.0, "0"), (1, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (0.00025, "0.00025"),
      (0.00001, "1e-05"), (-2.5e-7, "-2.5e-07"), (100_000, "100000"), (123_456_789, "123456789"), (1e100, "1e+100"),
      (.leastNonzeroMagnitude, "5e-324"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
  func numbers(value: Double, text: String) {
    #expect(PrometheusText.number(value) == text)
  }

  @Test("a printed number reads back as the same number")
  func roundTrip() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<2000 {
      let value = Double(bitPattern: random.next())
      if value.isFinite { #expect(Double(PrometheusText.number(value)) == value) }
      let count = Double(random.next() >> (11 + random.next() % 50))
      #expect(Double(PrometheusText.number(count)) == count)
    }
  }
}
