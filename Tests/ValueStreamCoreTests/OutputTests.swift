import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Output")
struct OutputTests {
  final class Lines: Sendable {
    let all = Mutex<[String]>([])
    var sink: @Sendable ([UInt8]) -> Void { { line in self.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) } } }
  }

  @Test("A log line is one JSON object with level, message and time")
  func logLine() {
    let lines = Lines()
    let logger = Logger(threshold: .info, clock: FakeClock(Timestamp(seconds: 1_700_000_000)), write: lines.sink)
    logger.debug("too quiet")
    logger.log(.warn, "a \"quoted\"\nline") { $0.member("count", 3) }
    #expect(
      lines.all.withLock { $0 } == [
        #"{"level":"warn","msg":"a \"quoted\"\nline","time":"2023-11-14T22:13:20Z","count":3}"# + "\n"
      ])
  }

  @Test(
    "Numbers are written in the shortest form, without an exponent",
    arguments: [
      (0, "0"), (-0.0, "0"), (1, "1"), (428, "428"), (27.413055555555555, "27.413055555555555"), (-0.5, "-0.5"),
      (0.00001, "0.00001"), (1.5e-7, "0.00000015"), (1e16, "10000000000000000"), (1.25e20, "125000000000000000000"),
      (123_456_789_012_345_680, "123456789012345680"), (.infinity, ""), (.nan, ""),
      (0x1p-1074, "0." + String(repeating: "0", count: 323) + "5"),
    ] as [(Double, String)])
  func written(number: Double, text: String) {
    #expect(ShortestDecimal.text(number) == text)
  }

  @Test("What is written as JSON is read back by another reader", arguments: UInt64(0)..<20)
  func json(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let pieces = ["\u{0}", "\u{1F}", "\"", "\\", "/", "é", "🚀", "\u{2028}", "a"]
    let text = (0..<40).map { _ in pieces.randomElement(using: &random) ?? "a" }.joined()
    let number = Double(bitPattern: random.next())
    var json = JSONWriter()
    json.object { json in
      json.member(text, text)
      json.name("list")
      json.array([1, 2, 3]) { $0.value(Int64($1)) }
      json.name("number")
      json.value(number)
      json.name("empty")
      json.object { _ in }
      json.member("flag", true)
      json.member("none", nil as String?)
    }
    let read = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
    #expect(read[text] as? String == text)
    #expect(read["list"] as? [Int] == [1, 2, 3])
    // `JSONSerialization` may round the last digits differently.
    let readNumber = read["number"] as? Double
    #expect(number.isFinite ? abs((readNumber ?? .nan) - number) <= number.ulp * 4 : readNumber == nil)
    #expect(read["flag"] as? Bool == true)
    #expect(read["none"] is NSNull)
  }

  @Test("A flood of lines of one kind is held back and counted")
  func throttle() {
    let clock = FakeClock(Timestamp(seconds: 1_700_000_000))
    let throttle = LogThrottle(interval: .seconds(10), clock: clock)
    #expect(throttle.pass() == 0)
    for _ in 0..<5 { #expect(throttle.pass() == nil) }
    clock.pass(10)
    #expect(throttle.pass() == 5)
    clock.pass(-3600)
    #expect(throttle.pass() == 0, "a clock that was set back holds nothing up")
  }

  @Test("Metrics are stored and go on; label values of any kind survive")
  func metrics() {
    let registry = MetricRegistry()
    let counter = registry.family(.counter, "a_total", help: "", labels: ["x", "y"], isDurable: true)
    let histogram = registry.family(.histogram(bounds: [1, 2]), "h", help: "", labels: ["x"], isDurable: true)
    let passing = registry.family(.counter, "b_total", help: "")
    counter.add(2, labels: ["tab\there", "line\nbreak 100%"])
    counter.add(3, labels: ["a", "ends with a return\r"])
    counter.add(4, labels: ["b", "\u{301}accent first"])
    histogram.observe(1.5, labels: [""])
    histogram.observe(9, labels: [""])
    passing.add()
    let stored = registry.changedValues()
    #expect(registry.changedValues().isEmpty, "nothing changed since")
    let next = MetricRegistry()
    let counter2 = next.family(.counter, "a_total", help: "", labels: ["x", "y"], isDurable: true)
    let histogram2 = next.family(.histogram(bounds: [1, 2]), "h", help: "", labels: ["x"], isDurable: true)
    let passing2 = next.family(.counter, "b_total", help: "")
    next.restore(stored)
    #expect(counter2.series == counter.series)
    #expect(histogram2.series == histogram.series)
    #expect(passing2.value() == 0)
  }

  @Test("Past the limit, new label values are counted as other")
  func seriesLimit() {
    let family = MetricRegistry().family(.counter, "a_total", help: "", labels: ["project"], seriesLimit: 2)
    for project in ["a", "b", "c", "d", "a"] { family.add(labels: [project]) }
    #expect(family.series.map(\.labels) == [["a"], ["b"], ["other"]])
    #expect(family.series.map(\.value) == [2, 1, 2])
  }
}
