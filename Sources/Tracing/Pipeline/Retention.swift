package import ValueStreamCore

/// Removes what is older or larger than the user wants to keep.
package struct Retention: Sendable {
  private let log: any DeliveryLog
  private let store: any SpanStore
  private let clock: any WallClock
  private let logger: Logger
  private let logAge: Duration
  private let logBytes: Int64
  private let spanAge: Duration
  private let exporters: [String]
  private static let interval = Duration.seconds(3600)
  private static let batch = 500

  /// - Parameter exporters: names of those that run: what they wait for stays. One that is no longer set up holds back nothing.
  package init(
    log: any DeliveryLog, store: any SpanStore, clock: any WallClock, logger: Logger, logAge: Duration, logBytes: Int64,
    spanAge: Duration, exporters: [String]
  ) {
    self.log = log
    self.store = store
    self.clock = clock
    self.logger = logger
    self.logAge = logAge
    self.logBytes = logBytes
    self.spanAge = spanAge
    self.exporters = exporters
  }

  /// Removes once an hour, until its task is cancelled.
  package func run() async {
    while !Task.isCancelled {
      do {
        try await OwnThread.run { try removeOld() }
      } catch {
        logger.error("cannot remove what is old: \(error)")
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// Removes what is to be removed now. Blocks.
  package func removeOld() throws {
    let now = clock.now()
    try log.removeOld(
      receivedBefore: now.advanced(byNanoseconds: -logAge.nanoseconds), maximumBytes: logBytes, projected: try store.position())
    var removed = 0
    while true {
      let count = try store.removeFinished(
        before: now.advanced(byNanoseconds: -spanAge.nanoseconds), awaitedBy: exporters, limit: Self.batch)
      removed += count
      if count < Self.batch { break }
    }
    if removed > 0 { logger.info("removed \(removed) things whose spans ended long ago") }
  }
}
