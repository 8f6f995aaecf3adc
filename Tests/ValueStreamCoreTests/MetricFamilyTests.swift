import Testing

@testable import ValueStreamCore

@Suite("Metrics")
struct MetricFamilyTests {
  private static func span(_ number: Int, at seconds: Int64 = 0) -> Announcement {
    let key = SpanKey(source: "github", host: "github.com", container: "1", kind: "run", id: "\(number)")
    return Announcement(key: key, attempt: 1, time: Timestamp(seconds: seconds))
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
    #expect(Set(stored.keys) == ["metric:events_total", "gauge:running", "metric:seconds"])
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

    // Gauges once stood under the same beginning as counters.
    let third = registry()
    third.0.restore(["metric:running": Array("7.0".utf8)])
    #expect(third.gauge.value() == 7)
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
    #expect(Set(stored.keys) == ["gauge:changes", "metric:changes"])
    let second = MetricRegistry()
    let restored = gauge(second)
    second.restore(stored)
    #expect(restored.series == family.series)
    stored["gauge:changes"] = nil
    let third = MetricRegistry()
    let totals = gauge(third)
    third.restore(stored)
    #expect(totals.series.map(\.labels) == [["a", "merged"], ["other", "merged"]])
    family.forgetThings()
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
  func foreseen() {
    let registry = MetricRegistry()
    let family = registry.family(.counter, "c", help: "h", labels: ["l"], isDurable: true, seriesLimit: 4)
    for label in ["a", "b", "c"] { family.foresee(labels: [label]) }
    #expect(family.series.map(\.labels) == [["a"], ["b"]])
    #expect(family.series.allSatisfy { $0.value == 0 })
    family.add(labels: ["c"])
    family.foresee(labels: ["c"])
    #expect(family.series.map(\.value) == [0, 0, 1])
  }
}
