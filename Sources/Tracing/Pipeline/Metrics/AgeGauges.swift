import Synchronization
package import ValueStreamCore

/// How old what is going on is: read from the store, because ages grow without anything happening.
package struct AgeGauges: Sendable {
  private let store: any SpanStore
  private let clock: any WallClock
  private let seriesLimit: Int
  private let ages: MetricFamily
  private let oldest: MetricFamily
  private let lastReading = LastReading()

  private final class LastReading: Sendable {
    let value = Mutex<(things: [OpenThings], isGoodUntil: ContinuousClock.Instant)?>(nil)
  }

  /// - Parameter seriesLimit: sets of label values per gauge; those with the fewest things beyond it are one, `other`.
  package init(registry: MetricRegistry, store: any SpanStore, clock: any WallClock, seriesLimit: Int) {
    self.store = store
    self.clock = clock
    self.seriesLimit = seriesLimit
    func gauge(_ name: String, _ help: String) -> MetricFamily {
      registry.family(.gauge, name, help: help, labels: ["operation", "source", "project"])
    }
    ages = gauge(
      "valuestream_operations_active_age_seconds", "Ages of operations that run, added up: divided by their number the mean age.")
    oldest = gauge("valuestream_operations_active_oldest_seconds", "Age of the oldest operation that runs.")
  }

  /// Brings the gauges up to date. Blocks.
  package func refresh() throws {
    let things = try openThings()
    let now = clock.now()
    func replace(_ family: MetricFamily, _ value: (OpenThings) -> Double) {
      family.replaceSeries(
        things.map { (labels: [$0.operation.rawValue, $0.source, $0.project ?? ""], value: max(0, value($0))) })
    }
    replace(ages) { Double($0.count) * now.seconds(since: $0.meanStart) }
    replace(oldest) { now.seconds(since: $0.firstStart) }
  }

  /// What was read last, for a hundred times as long as reading took: however much is going on, this takes a hundredth of the time.
  private func openThings() throws -> [OpenThings] {
    try lastReading.value.withLock { last in
      let begin = ContinuousClock.now
      if let last, begin < last.isGoodUntil { return last.things }
      let things = Self.bounded(try store.openThings(), by: seriesLimit)
      let end = ContinuousClock.now
      last = (things, end + (end - begin) * 100)
      return things
    }
  }

  static func bounded(_ things: [OpenThings], by limit: Int) -> [OpenThings] {
    guard things.count > limit else { return things }
    let ordered = things.sorted { $0.count > $1.count }
    let rest = ordered[limit...]
    let count = rest.reduce(0) { $0 + $1.count }
    let meanStart = rest.reduce(0) { $0 + Double($1.meanStart.nanoseconds) * Double($1.count) / Double(count) }
    let other = OpenThings(
      operation: "other", source: "other", project: "other", count: count,
      meanStart: Timestamp(nearest: meanStart), firstStart: rest.map(\.firstStart).min() ?? .epoch)
    return ordered[..<limit] + [other]
  }
}
