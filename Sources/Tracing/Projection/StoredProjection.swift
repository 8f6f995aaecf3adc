package import DeliveryCounters
import Dispatch
import Synchronization
package import ValueStreamCore

/// What log and store tell of a projection that another process keeps.
///
/// Calls block.
package final class StoredProjection: Sendable {
  private let log: any DeliveryLog
  private let store: any SpanStore & FactStore
  private let seriesLimit: Int
  private let lastSetAside = Mutex<(read: ContinuousClock.Instant, deliveries: SetAsideDeliveries)?>(nil)

  /// The pause between two looks at the store while a caller waits.
  private static let pause = 0.025
  /// How long the list of deliveries that were set aside is kept, because a page asks for each delivery.
  private static let validity = Duration.seconds(1)

  /// - Parameter seriesLimit: The limit with which the other process counts.
  package init(log: any DeliveryLog, store: any SpanStore & FactStore, seriesLimit: Int) {
    self.log = log
    self.store = store
    self.seriesLimit = seriesLimit
  }

  /// The number of deliveries in the log that are not projected.
  ///
  /// - Throws: ``StoreError`` if log or store cannot be read.
  package func lag() throws -> UInt64 {
    guard let end = try log.coverage() else { return 0 }
    return end.count(beyond: try store.position())
  }

  /// Waits until everything is projected that is in the log when the call begins.
  ///
  /// - Returns: False if the time limit passed first, or if log or store cannot be read.
  @discardableResult
  package func wait(atMost limit: Duration) -> Bool {
    guard let end = try? log.coverage() else { return false }
    return poll(atMost: limit) { try store.position().covers(end) }
  }

  /// Waits until the facts of everything that is projected are computed.
  ///
  /// - Returns: False if the time limit passed first, or if the store cannot be read.
  @discardableResult
  package func waitForFacts(atMost limit: Duration) -> Bool {
    poll(atMost: limit) { try store.factProgress().waitingBatches == 0 }
  }

  private func poll(atMost limit: Duration, _ isDone: () throws -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    let never = DispatchSemaphore(value: 0)
    while true {
      guard let done = try? isDone() else { return false }
      if done { return true }
      guard ContinuousClock.now < deadline else { return false }
      _ = never.wait(timeout: .now() + Self.pause)
    }
  }

  /// True if deliveries are not projected, or facts are not computed. False if that is unknown.
  package var isWorking: Bool {
    (try? lag() > 0 || store.factProgress().waitingBatches > 0) ?? false
  }

  /// The counts of the other process, as it last stored them.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  package func metrics() throws -> ProjectionMetrics {
    let registry = MetricRegistry()
    let metrics = ProjectionMetrics(registry: registry, seriesLimit: seriesLimit)
    registry.restore(try store.values())
    metrics.adoptFinishedSpans()
    return metrics
  }

  /// The deliveries that could not be projected.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  package func setAside() throws -> SetAsideDeliveries {
    try lastSetAside.withLock { last in
      if let last, last.read.duration(to: .now) < Self.validity { return last.deliveries }
      let now = ContinuousClock.now
      let deliveries = SetAsideDeliveries(encoded: try store.values()[SetAsideDeliveries.valueName] ?? [])
      last = (now, deliveries)
      return deliveries
    }
  }
}
