package import ValueStreamCore

/// How old what is going on is: read from the store, because ages grow without anything happening.
package struct AgeGauges: Sendable {
  private let store: any SpanStore
  private let clock: any WallClock
  private let metrics: ProjectionMetrics
  private let ages: MetricFamily
  private let oldest: MetricFamily
  private let reading = SparingReading<[OpenThings]>()

  /// - Parameter metrics: what counts the same things, and thereby says which have series of their own.
  package init(registry: MetricRegistry, store: any SpanStore, clock: any WallClock, metrics: ProjectionMetrics) {
    self.store = store
    self.clock = clock
    self.metrics = metrics
    func gauge(_ name: String, _ help: String) -> MetricFamily {
      registry.family(.gauge, name, help: help, labels: ["operation", "source", "project"])
    }
    ages = gauge(
      "valuestream_operations_active_age_seconds", "Sum of the ages of open operations. Divide by their number for the mean age.")
    oldest = gauge("valuestream_operations_active_oldest_seconds", "Age of the oldest open operation.")
  }

  /// Brings the gauges up to date. Blocks.
  package func refresh() throws {
    let things = try reading.value {
      let things = try store.openThings()
      let apart = metrics.activeLabels
      return Self.folded(things) { apart.contains($0.labels) }
    }
    let now = clock.now()
    func replace(_ family: MetricFamily, _ value: (OpenThings) -> Double) {
      family.replaceSeries(
        things.map { (labels: $0.labels, value: max(0, value($0))) })
    }
    replace(ages) { Double($0.count) * now.seconds(since: $0.meanStart) }
    replace(oldest) { now.seconds(since: $0.firstStart) }
  }

  /// Those that are counted as `other` among what is going on are one here too.
  static func folded(_ things: [OpenThings], unless isCountedApart: (OpenThings) -> Bool) -> [OpenThings] {
    let rest = things.filter { !isCountedApart($0) }
    let count = rest.reduce(0) { $0 + $1.count }
    guard count > 0 else { return things }
    let meanStart = rest.reduce(0) { $0 + Double($1.meanStart.nanoseconds) * Double($1.count) / Double(count) }
    let other = OpenThings(
      operation: "other", source: "other", project: "other", count: count,
      meanStart: Timestamp(nearest: meanStart), firstStart: rest.map(\.firstStart).min() ?? .epoch)
    return things.filter(isCountedApart) + [other]
  }
}

extension OpenThings {
  fileprivate var labels: [String] { [operation.rawValue, source, project ?? ""] }
}
