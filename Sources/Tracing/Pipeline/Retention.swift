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
        logger.error("cannot remove old deliveries and spans: \(error)")
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// The time of day, but not long after the newest time that a vendor gave: a clock that is set far ahead must not remove everything.
  ///
  /// Where nothing comes for a while, removing waits until something does.
  private func trustedNow() throws -> Timestamp {
    let now = clock.now()
    guard let newest = Self.newestVendorTime(in: try store.values()) else { return now }
    let latest = newest.advanced(byNanoseconds: Self.slack.nanoseconds)
    if latest < now.advanced(byNanoseconds: -Self.slack.nanoseconds) {
      logger.warn(
        "removes what is old as of \(latest.rfc3339), a day after the newest event: it is now \(now.rfc3339) by this machine's clock"
      )
    }
    return min(now, latest)
  }

  /// How far the clock may be after the newest time that a vendor gave.
  private static let slack = Duration.seconds(86_400)

  /// The value of the span store that holds the newest time that a vendor gave.
  static let newestVendorTimeName = "retention.newest_vendor_time"

  static func newestVendorTime(in values: [String: [UInt8]]) -> Timestamp? {
    values[newestVendorTimeName].flatMap { Int64(String(decoding: $0, as: UTF8.self)) }.map(Timestamp.init(nanoseconds:))
  }

  /// The newest time that a vendor gave; what is later than a day after its receipt is a mistake.
  static func vendorTime(of event: Event, received: Timestamp) -> Timestamp? {
    guard event.time.isVendor, event.time.timestamp <= received.advanced(byNanoseconds: slack.nanoseconds) else { return nil }
    return event.time.timestamp
  }

  /// Removes what is to be removed now. Blocks.
  package func removeOld() throws {
    let now = try trustedNow()
    try log.removeOld(
      receivedBefore: now.advanced(byNanoseconds: -logAge.nanoseconds), maximumBytes: logBytes, projected: try store.position())
    var removed = 0
    while true {
      let count = try store.removeFinished(
        before: now.advanced(byNanoseconds: -spanAge.nanoseconds), awaitedBy: exporters, limit: Self.batch)
      removed += count
      if count < Self.batch { break }
    }
    if removed > 0 { logger.info("removed \(removed) subjects whose spans ended longer ago than --span-retention") }
  }
}
