import Testing
import ValueStreamCore

@testable import DeliveryCounters

@Suite("Buckets of histograms")
struct HistogramBoundsTests {
  @Test("are two for each doubling, contain all buckets of earlier versions, and can be told from theirs by their number")
  func bounds() {
    let (fine, former) = (ProjectionMetrics.fineBounds, ProjectionMetrics.durationBounds)
    #expect(Set(fine).isSuperset(of: former))
    #expect(fine == fine.sorted() && fine.count != former.count)
    #expect(fine.first == former.first && fine.last == former.last)
    for (lower, upper) in zip(fine, fine.dropFirst()) { #expect(upper / lower <= 1.5, "\(lower) to \(upper)") }
  }

  @Test("of an earlier version are read: each of its buckets keeps its value, and what came between two counts at the upper one")
  func former() throws {
    func metrics() -> MetricRegistry {
      let registry = MetricRegistry()
      _ = ProjectionMetrics(registry: registry, seriesLimit: 100)
      return registry
    }
    let today = metrics()
    // The families as the earlier version had them.
    let earlier = MetricRegistry()
    var expected: [String: [MetricFamily.Series]] = [:]
    for family in today.all {
      guard case .histogram(let bounds) = family.kind else { continue }
      let isFine = bounds == ProjectionMetrics.fineBounds
      let old = earlier.family(
        .histogram(bounds: isFine ? ProjectionMetrics.durationBounds : bounds), family.name, help: "", labels: family.labelNames,
        isDurable: true)
      for seconds in [0.0, 10, 11, 40, 86_400, 100_000, 500_000, 7_776_000, 1e9] {
        old.observe(seconds, labels: family.labelNames.map { "\($0) \(Int(seconds) % 2)" })
      }
      expected[family.name] = old.series
    }
    #expect(expected.count == 9)
    var stored = earlier.changedValues()
    today.restore(stored)
    stored.merge(today.changedValues()) { $1 }
    let again = metrics()
    again.restore(stored)
    for registry in [today, again] {
      for family in registry.all {
        guard case .histogram(let bounds) = family.kind, let before = expected[family.name] else { continue }
        let former = bounds == ProjectionMetrics.fineBounds ? ProjectionMetrics.durationBounds : bounds
        try #require(family.series.map(\.labels) == before.map(\.labels), "\(family.name)")
        for (old, new) in zip(before, family.series) {
          #expect(new.value == old.value && new.buckets.reduce(0, +) == old.buckets.reduce(0, +))
          for (index, bound) in former.enumerated() {
            let place = try #require(bounds.firstIndex(of: bound))
            #expect(new.buckets[...place].reduce(0, +) == old.buckets[...index].reduce(0, +), "\(family.name) up to \(bound)")
          }
        }
      }
    }
    #expect(again.changedValues().isEmpty, "they are stored with the buckets of today")
  }

  @Test("of an unknown version are not taken for those of today")
  func unknown() {
    let registry = MetricRegistry()
    let family = registry.family(
      .histogram(bounds: [1, 2, 3, 4]), "seconds", help: "", labels: ["l"], isDurable: true, formerBounds: [[1, 4]])
    registry.restore([
      "metric:seconds#0": Array("5.0\t1\t1\t1\tformer".utf8), "metric:seconds#1": Array("5.0\t1\t1\tother".utf8),
      "metric:seconds#2": Array("5.0\t1\t1\t1\t1\t1\ttoday".utf8), "metric:seconds#3": Array("5.0\t1\tx\t1\t1\t1\tbad".utf8),
      "metric:seconds#4": Array("5.0".utf8), "metric:seconds#5": [],
    ])
    #expect(family.series.map(\.labels) == [["former"], ["today"]])
    #expect(family.series.map(\.buckets) == [[1, 0, 0, 1, 1], [1, 1, 1, 1, 1]])
  }
}
