import Synchronization
import Testing

@testable import ValueStreamCore

@Suite("Metrics")
struct MetricFamilyTests {
  private static func span(_ number: Int, at seconds: Int64 = 0) -> OutboxEntry {
    let key = SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "\(number)")
    return OutboxEntry(key: key, attempt: 1, time: Timestamp(seconds: seconds))
  }

  @Test("past its limit a family counts new sets of labels as other")
  func limit() {
    let family = MetricRegistry().family(.counter, "events_total", help: "", labels: ["a", "b"], seriesLimit: 2)
    for number in 1...5 { family.add(labels: ["\(number)", "x"]) }
    family.touch(labels: ["6", "x"])
    family.add(labels: ["1", "x"])
    #expect(family.series.map(\.labels) == [["1", "x"], ["2", "x"], ["other", "other"]])
    #expect(family.series.map(\.value) == [2, 1, 3])
  }

  @Test("the last span of a bucket is its exemplar; of many buckets those of the newest have one")
  func exemplars() {
    let family = MetricRegistry().family(.histogram(bounds: [10, 20]), "seconds", help: "", labels: ["project"])
    family.observe(5, labels: ["p"], of: Self.span(1, at: 1))
    family.observe(6, labels: ["p"], of: Self.span(2, at: 2))
    family.observe(7, labels: ["p"])
    family.observe(99, labels: ["p"], of: Self.span(3, at: 3))
    #expect(
      family.series[0].exemplars == [
        0: Exemplar(value: 6, span: Self.span(2, at: 2)), 2: Exemplar(value: 99, span: Self.span(3, at: 3)),
      ])
    for number in 0..<200 { family.observe(15, labels: ["\(number)"], of: Self.span(number, at: Int64(10 + number))) }
    let kept = family.series.flatMap(\.exemplars.values)
    #expect(kept.count == MetricFamily.exemplarLimit)
    #expect(kept.map(\.span.time.seconds).min() == Int64(210 - MetricFamily.exemplarLimit))
  }

  @Test("durable families are told when they changed, and read back with all they hold")
  func storedForm() throws {
    func registry() -> (MetricRegistry, counter: MetricFamily, gauge: MetricFamily, histogram: MetricFamily) {
      let registry = MetricRegistry()
      return (
        registry, registry.family(.counter, "events_total", help: "", labels: ["what"], isDurable: true),
        registry.family(.gauge, "running", help: "", isDurable: true),
        registry.family(.histogram(bounds: [1]), "seconds", help: "", labels: ["what"], isDurable: true)
      )
    }
    let first = registry()
    first.counter.add(3, labels: ["a\tb"])
    first.counter.add(labels: ["c"])
    first.gauge.add(-2)
    first.histogram.observe(0.5, labels: [""], of: Self.span(1))
    var stored = first.0.changedValues()
    #expect(Set(stored.keys) == ["metric:events_total#0", "metric:events_total#1", "gauge:running#0", "metric:seconds#0"])
    #expect(first.0.changedValues().isEmpty)
    first.counter.touch(labels: ["c"])
    #expect(first.0.changedValues().isEmpty)
    first.counter.add(labels: ["c"])
    stored.merge(first.0.changedValues()) { $1 }

    let second = registry()
    second.0.restore(stored)
    for (before, after) in [(first.counter, second.counter), (first.gauge, second.gauge)] {
      #expect(after.series == before.series)
    }
    #expect(second.histogram.series.map(\.buckets) == [[1, 0]])
    #expect(second.histogram.series[0].exemplars.isEmpty, "exemplars do not outlast the process")
    second.counter.add(labels: ["c"])
    #expect(second.counter.value(labels: ["c"]) == 3)

    // An older version stored gauges under the prefix of counters.
    let third = registry()
    third.0.restore(["metric:running": Array("7.0".utf8)])
    #expect(third.gauge.value() == 7)
  }

  @Test("what is stored of a count is the series that changed, however many there are, and all of them are read back")
  func storedSeries() {
    func family(_ registry: MetricRegistry) -> MetricFamily {
      registry.family(.counter, "events_total", help: "", labels: ["a"], isDurable: true, seriesLimit: 1000)
    }
    let registry = MetricRegistry()
    let first = family(registry)
    for number in 0..<2000 { first.add(labels: ["\(number)"]) }
    var stored = registry.changedValues()
    #expect(stored.count == 1001)
    var random = SeededRandom(seed: 3)
    var bytes = 0
    for _ in 0..<200 {
      first.add(labels: ["\(Int.random(in: 0..<2000, using: &random))"])
      let changed = registry.changedValues()
      #expect(changed.count == 1)
      bytes += changed.values.reduce(0) { $0 + $1.count }
      stored.merge(changed) { $1 }
    }
    #expect(bytes < 200 * 32)
    let second = MetricRegistry()
    let restored = family(second)
    second.restore(stored)
    #expect(restored.series == first.series)
    #expect(second.changedValues().isEmpty)
    restored.add(labels: ["500"])
    restored.add(labels: ["new"])
    #expect(Set(second.changedValues().keys) == ["metric:events_total#500", "metric:events_total#1000"])
  }

  @Test("series that an older version stored as one are read, and stored one by one from then on")
  func formerStoredForm() {
    func family(_ registry: MetricRegistry) -> MetricFamily {
      registry.family(.counter, "events_total", help: "", labels: ["a"], isDurable: true)
    }
    let registry = MetricRegistry()
    let first = family(registry)
    var stored = ["metric:events_total": Array("3.0\tx\n4.0\ty%09z".utf8)]
    registry.restore(stored)
    #expect(first.series.map(\.labels) == [["x"], ["y\tz"]])
    stored.merge(registry.changedValues()) { $1 }
    #expect(stored["metric:events_total"] == [])
    first.add(labels: ["x"])
    stored.merge(registry.changedValues()) { $1 }
    let second = MetricRegistry()
    let restored = family(second)
    second.restore(stored)
    #expect(restored.series.map(\.value) == [4, 4])
    #expect(second.changedValues().isEmpty)
  }

  @Test("a label value has a greatest length, and two that begin alike stay two")
  func longLabels() {
    let registry = MetricRegistry()
    let family = registry.family(.counter, "c", help: "h", labels: ["l"], isDurable: true)
    let long = String(repeating: "ü", count: 5000)
    for label in [long + "a", long + "b", long + "a", "x" + long] { family.add(labels: [label]) }
    #expect(family.series.count == 3)
    #expect(family.series.allSatisfy { (200...MetricFamily.labelByteLimit).contains($0.labels[0].utf8.count) })
    #expect(!family.series.contains { $0.labels[0].contains("\u{FFFD}") })
    #expect(family.value(labels: [long + "a"]) == 2)
    #expect(family.cutCount == 4)
    let second = MetricRegistry()
    let restored = second.family(.counter, "c", help: "h", labels: ["l"], isDurable: true)
    second.restore(registry.changedValues())
    restored.add(labels: [long + "b"])
    #expect(restored.value(labels: [long + "b"]) == 2)
    let least = String(repeating: "a", count: MetricFamily.labelByteLimit)
    #expect(MetricFamily.shortened(least) == least)
  }

  @Test("what is there keeps its series past the limit, and each family says once that it folds the newest")
  func folding() {
    let told = Mutex<[String]>([])
    let registry = MetricRegistry { family in told.withLock { $0.append("\(family.name) \(family.seriesLimit)") } }
    let first = registry.family(.counter, "c", help: "h", labels: ["l"], isDurable: true)
    for label in ["a", "b", "c"] { first.add(labels: [label]) }
    let next = MetricRegistry { family in told.withLock { $0.append("\(family.name) \(family.seriesLimit)") } }
    let second = next.family(.counter, "c", help: "h", labels: ["l"], isDurable: true, seriesLimit: 2)
    next.restore(registry.changedValues())
    for label in ["c", "d", "a", "e"] { second.add(labels: [label]) }
    #expect(second.series.map { "\($0.labels[0]) \($0.value)" } == ["a 2.0", "b 1.0", "c 2.0", "other 2.0"])
    #expect(second.foldedCount == 2)
    #expect(told.withLock { $0 } == ["c 2"])
  }

  @Test("a gauge keeps what it counts for good apart from what is there at present")
  func totals() {
    func gauge(_ registry: MetricRegistry) -> MetricFamily {
      registry.family(
        .gauge, "changes", help: "", labels: ["repository", "state"], isDurable: true, seriesLimit: 2, totals: ["merged"])
    }
    let registry = MetricRegistry()
    let family = gauge(registry)
    for repository in ["a", "b", "c"] {
      family.add(labels: [repository, "open"])
      family.add(labels: [repository, "merged"])
    }
    #expect(family.series.map(\.labels) == [["a", "merged"], ["a", "open"], ["other", "merged"], ["other", "open"]])
    var stored = registry.changedValues()
    #expect(Set(stored.keys) == ["gauge:changes#0", "metric:changes#1", "gauge:changes#2", "metric:changes#3"])
    let second = MetricRegistry()
    let restored = gauge(second)
    second.restore(stored)
    #expect(restored.series == family.series)
    stored = stored.filter { !$0.key.hasPrefix("gauge:") }
    let third = MetricRegistry()
    let totals = gauge(third)
    third.restore(stored)
    #expect(totals.series.map(\.labels) == [["a", "merged"], ["other", "merged"]])
    family.forgetSubjects()
    #expect(family.series.map(\.value) == [1, 0, 2, 0])
  }

  @Test("a gauge that is worked out anew keeps no series of before")
  func replacement() {
    let family = MetricRegistry().family(.gauge, "age", help: "", labels: ["project"])
    family.set(1, labels: ["gone"])
    family.replaceSeries([(["p"], 2), (["p"], 3), (["q"], 4)])
    #expect(family.series.map(\.labels) == [["p"], ["q"]])
    #expect(family.series.map(\.value) == [2, 4])
  }

  @Test("What may come takes no place from what does: it is made while half of the series are left")
  func preregistered() {
    let registry = MetricRegistry()
    let family = registry.family(.counter, "c", help: "h", labels: ["l"], isDurable: true, seriesLimit: 4)
    for label in ["a", "b", "c"] { family.preregister(labels: [label]) }
    #expect(family.series.map(\.labels) == [["a"], ["b"]])
    #expect(family.series.allSatisfy { $0.value == 0 })
    family.add(labels: ["c"])
    family.preregister(labels: ["c"])
    #expect(family.series.map(\.value) == [0, 0, 1])
  }
}
