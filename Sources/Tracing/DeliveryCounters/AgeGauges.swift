package import ValueStreamCore

/// Gauges of the ages of open operations.
///
/// Ages grow without any event, so each scrape computes them anew.
package struct AgeGauges: Sendable {
  private let store: any SpanReading
  private let clock: any WallClock
  private let metrics: ProjectionMetrics
  private let ages: MetricFamily
  private let oldest: MetricFamily
  private let reading = CachedReading<[OpenSubjects]>()

  /// - Parameter metrics: The metrics that count the same open operations. A label set that they fold into `other` is
  ///   folded here as well.
  package init(registry: MetricRegistry, store: any SpanReading, clock: any WallClock, metrics: ProjectionMetrics) {
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

  /// Updates the gauges. Blocks.
  ///
  /// A cached reading limits store reads to 1 % of the time. Between reads, ages still grow with the clock.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read. The gauges then keep their values.
  package func refresh() throws {
    let subjects = try reading.value {
      let subjects = try store.openSubjects()
      let apart = metrics.activeLabels
      return Self.folded(subjects) { apart.contains($0.labels) }
    }
    let now = clock.now()
    func replace(_ family: MetricFamily, _ value: (OpenSubjects) -> Double) {
      family.replaceSeries(
        subjects.map { (labels: $0.labels, value: max(0, value($0))) })
    }
    replace(ages) { Double($0.count) * now.seconds(since: $0.meanStart) }
    replace(oldest) { now.seconds(since: $0.firstStart) }
  }

  /// Merges all entries that have no series of their own in the active gauge into one entry labeled `other`.
  static func folded(_ subjects: [OpenSubjects], unless isCountedApart: (OpenSubjects) -> Bool) -> [OpenSubjects] {
    let rest = subjects.filter { !isCountedApart($0) }
    let count = rest.reduce(0) { $0 + $1.count }
    guard count > 0 else { return subjects }
    let meanStart = rest.reduce(0) { $0 + Double($1.meanStart.nanoseconds) * Double($1.count) / Double(count) }
    let other = OpenSubjects(
      operation: "other", source: "other", project: "other", count: count,
      meanStart: Timestamp(nearest: meanStart), firstStart: rest.map(\.firstStart).min() ?? .epoch)
    return subjects.filter(isCountedApart) + [other]
  }
}

extension OpenSubjects {
  fileprivate var labels: [String] { [operation.rawValue, source, project ?? ""] }
}
