import DeliveryCounters
import Projection
import Synchronization
package import ValueStreamCore

/// Projects deliveries and collects the classic spans, in the order in which the deliveries arrive.
package struct ClassicStory {
  /// The spans that ended, in the order in which they ended.
  package let finished: [Finished]
  /// The type and state of each open span, sorted.
  package let open: [String]

  package struct Finished {
    package var type: String
    package var error: Bool
    package var tags: [String: AttributeValue]
    package var seconds: Double?
  }

  package init(_ deliveries: [Delivery], of source: any EventSource) throws {
    let store = MemorySpanStore()
    let ended = Mutex<[Finished]>([])
    let registry = MetricRegistry()
    var batches = try ProjectionBatches(
      store: store, logEnd: nil, sources: [source], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: SystemClock(), grace: nil
    ) { finished in
      let tags = Dictionary(finished.span.tags.map { ($0.name, $0.value) }) { _, new in new }
      let seconds = finished.durationMilliseconds.map { $0 / 1000 }
      ended.withLock { $0.append(Finished(type: finished.span.type, error: finished.isError, tags: tags, seconds: seconds)) }
    }
    for (index, delivery) in deliveries.enumerated() {
      let recorded = RecordedDelivery(
        position: LogPosition(rawValue: UInt64(index + 1)), logged: LoggedDelivery(delivery),
        interpretation: try source.events(in: delivery), fingerprint: nil)
      _ = try batches.project([recorded])
    }
    finished = ended.withLock { $0 }
    open = store.subjects(matching: SubjectFilter(), after: nil, limit: 1000).subjects
      .compactMap(\.classic.open).map { "\($0.type) \($0.state)" }.sorted()
  }
}
