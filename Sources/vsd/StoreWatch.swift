import Projection
import Synchronization
import ValueStreamCore

/// Remembers what was last found of a store that several daemons share, because a database may take long to answer.
final class StoreWatch: Sendable {
  let stored: StoredProjection
  private let log: any DeliveryLog
  private let isShared: Bool
  private let lastLag = Mutex<UInt64>(0)

  init(_ store: OpenStore, settings: DaemonSettings) {
    log = store.log
    isShared = settings.store.isShared
    stored = StoredProjection(log: store.log, store: store.spans, seriesLimit: settings.seriesLimit)
  }

  /// The number of deliveries that were not projected.
  var lag: UInt64 { lastLag.withLock(\.self) }

  /// Looks at a shared store.
  ///
  /// - Throws: ``StoreError`` if it cannot be written or read.
  func look() throws {
    guard isShared else { return }
    try log.prepareToWrite()
    let lag = try stored.lag()
    lastLag.withLock { $0 = lag }
  }
}
