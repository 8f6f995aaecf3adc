import DeliveryCounters
import Projection
package import ValueStreamCore

/// Projects deliveries and compares the counters of ends with the spans. Every phase must lie within its attempt.
package struct CountingStory {
  /// Counted ends, keyed by operation, source, project, environment and outcome.
  package private(set) var counted: [String: Double] = [:]
  /// Counted ends with the corrections applied: each is subtracted from the outcome `from` and added to the outcome `to`.
  package private(set) var corrected: [String: Double] = [:]
  /// Ends according to the spans.
  package private(set) var spans: [String: Double] = [:]
  /// The total number of corrections.
  package private(set) var correctionCount = 0.0
  /// What all counters and histograms of ends hold: the number of spans, and their durations, phases and lead times. One line for
  /// each series. Sums are rounded to milliseconds, because the order of adding changes the last digits.
  package private(set) var ends: [String] = []

  /// - Parameters:
  ///   - pause: seconds between two batches. The grace period is 10 seconds.
  ///   - batchSize: the number of deliveries projected together.
  package init(_ deliveries: [Delivery], of sources: [any EventSource], pause: Double = 0, batchSize: Int = 1) throws {
    let store = MemorySpanStore()
    let registry = MetricRegistry()
    let clock = FakeClock(Timestamp(seconds: 1_900_000_000))
    var batches = try ProjectionBatches(
      store: store, logEnd: nil, sources: sources, recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 10_000), clock: clock, grace: .seconds(10))
    for start in stride(from: 0, to: deliveries.count, by: batchSize) {
      _ = try batches.project(
        (start..<min(start + batchSize, deliveries.count)).map { index in
          let source = sources.first { $0.name == deliveries[index].source }
          return RecordedDelivery(
            position: LogPosition(rawValue: UInt64(index + 1)), logged: LoggedDelivery(deliveries[index]),
            interpretation: try? source?.events(in: deliveries[index]), fingerprint: nil)
        })
      clock.pass(pause)
    }
    clock.pass(11)
    while try !batches.countEnds() {}

    func series(_ name: String) -> [(labels: [String], value: Double)] {
      registry.all.first { $0.name == name }?.series.filter { $0.value != 0 }.map { ($0.labels, $0.value) } ?? []
    }
    for (labels, value) in series("valuestream_operations_finished_total") { counted[labels.joined(separator: " ")] = value }
    corrected = counted
    for (labels, value) in series("valuestream_operations_corrected_total") {
      correctionCount += value
      let subject = labels.dropLast(2)
      for (outcome, sign) in [(labels[4], -1.0), (labels[5], 1.0)] where outcome != "none" {
        corrected[(subject + [outcome]).joined(separator: " "), default: 0] += sign * value
      }
    }
    corrected = corrected.filter { $0.value != 0 }
    for family in registry.all where family.kind != .gauge && !Self.isOfArrival(family.name) {
      for series in family.series where series.value != 0 || series.buckets.contains(where: { $0 > 0 }) {
        ends.append(
          "\(family.name) \(series.labels) \(Int64(saturating: series.value * 1000)) \(series.buckets.map(String.init).joined(separator: " "))"
        )
      }
    }
    ends.sort()
    for subject in store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects {
      for span in subject.spans() {
        DeliveryStory.checkPhases(of: span)
        guard span.end != nil else { continue }
        let labels = [
          span.operation.rawValue, span.source, span.project ?? "", span.attributes.text(of: "deployment.environment.name") ?? "",
          span.outcome?.rawValue ?? "unknown",
        ]
        spans[labels.joined(separator: " "), default: 0] += 1
      }
    }
  }

  /// True for families that count deliveries or what they told in the order of their arrival, not what turned out.
  private static func isOfArrival(_ name: String) -> Bool {
    name.hasPrefix("webhooks_event") || name.contains("deliver") || name.contains("corrected") || name.contains("limits")
      || name.contains("set_aside") || name == "valuestream_spans_finished_total"
  }
}
