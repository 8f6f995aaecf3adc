package import ValueStreamCore

/// Removes raw deliveries, finished spans and facts that exceed the retention settings, once an hour.
package struct Retention: Sendable {
  private let log: any DeliveryLog
  private let store: any SpanStore & FactStore
  private let clock: any WallClock
  private let logger: Logger
  private let logAge: Duration
  private let logBytes: Int64
  private let spanAge: Duration
  private let factAge: Duration
  private let exporters: [String]
  private static let interval = Duration.seconds(3600)
  private static let batch = 500

  /// - Parameter exporters: Names of the running exporters. Spans that one of them has not processed yet are kept. An
  ///   exporter that is no longer configured holds nothing back.
  package init(
    log: any DeliveryLog, store: any SpanStore & FactStore, clock: any WallClock, logger: Logger, logAge: Duration,
    logBytes: Int64, spanAge: Duration, factAge: Duration, exporters: [String]
  ) {
    self.log = log
    self.store = store
    self.clock = clock
    self.logger = logger
    self.logAge = logAge
    self.logBytes = logBytes
    self.spanAge = spanAge
    self.factAge = factAge
    self.exporters = exporters
  }

  /// Removes old deliveries and spans immediately, then every hour, until its task is cancelled. Logs errors and
  /// continues.
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

  /// Returns the current time, but at most ``slack`` after the newest vendor time, so that a clock set far ahead does
  /// not remove everything.
  ///
  /// If no events arrive for a while, the returned time stands still, and removal waits for the next event. Returns the
  /// clock's time while no vendor time is known.
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

  /// The longest time by which this machine's clock may be ahead of the newest vendor time: one day.
  private static let slack = Duration.seconds(86_400)

  /// Name of the span store value that holds the newest vendor time, as decimal nanoseconds since 1970.
  static let newestVendorTimeName = "retention.newest_vendor_time"

  static func newestVendorTime(in values: [String: [UInt8]]) -> Timestamp? {
    values[newestVendorTimeName].flatMap { Int64(String(decoding: $0, as: UTF8.self)) }.map(Timestamp.init(nanoseconds:))
  }

  /// Returns the vendor time of an event; nil if it has none, or one that is over a day after the receipt and therefore
  /// wrong.
  static func vendorTime(of event: Event, received: Timestamp) -> Timestamp? {
    guard event.time.isVendor, event.time.timestamp <= received.advanced(byNanoseconds: slack.nanoseconds) else { return nil }
    return event.time.timestamp
  }

  /// Removes everything that has exceeded its retention. Blocks.
  ///
  /// Never removes deliveries that are not projected yet.
  ///
  /// - Throws: ``StoreError``. What was removed before the error stays removed; call again to continue.
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
    let firstDay = FactDay(now.advanced(byNanoseconds: -factAge.nanoseconds))
    var removedFacts = 0
    while true {
      let count = try store.removeFacts(before: firstDay, limit: Self.batch)
      removedFacts += count
      if count < Self.batch { break }
    }
    if removedFacts > 0 { logger.info("removed \(removedFacts) facts of days longer ago than --fact-retention") }
  }
}
