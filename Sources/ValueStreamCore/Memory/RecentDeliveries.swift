import Synchronization

/// The newest deliveries that were made durable, with the position at which each was first logged.
///
/// Intake uses it to answer `duplicate` without writing anything. The projector uses it to find out whether a delivery
/// in the log repeats an earlier one. The size is bounded; a repetition of a forgotten delivery changes nothing,
/// because its facts are already known.
public final class RecentDeliveries: Sendable {
  private let ring: Mutex<FingerprintRing>

  /// - Parameter capacity: the number of deliveries to remember. Each needs 40 bytes.
  public init(capacity: Int = 262_144) {
    ring = Mutex(FingerprintRing(capacity: capacity))
  }

  /// True if such a delivery was logged.
  public func contains(_ fingerprint: DeliveryFingerprint) -> Bool {
    ring.withLock { $0.position(of: fingerprint) != nil }
  }

  /// Remembers a delivery that was logged at a position.
  ///
  /// The lowest position wins, in any order of calls. After a crash, a delivery may be sent and logged again before the
  /// projector has read the log up to its first position.
  ///
  /// - Returns: true if this is the first position of the delivery, also on a repeated call with that position. False
  ///   if the delivery repeats an earlier one.
  @discardableResult
  public func insert(_ fingerprint: DeliveryFingerprint, at position: LogPosition) -> Bool {
    ring.withLock { ring in
      guard let first = ring.position(of: fingerprint) else {
        ring.insert(fingerprint, at: position.rawValue)
        return true
      }
      if position.rawValue < first { ring.move(fingerprint, to: position.rawValue) }
      return position.rawValue <= first
    }
  }

  /// Remembers deliveries, oldest first, whose positions are unknown.
  public func preload(_ fingerprints: some Sequence<DeliveryFingerprint>) {
    ring.withLock { ring in
      for fingerprint in fingerprints where ring.position(of: fingerprint) == nil { ring.insert(fingerprint, at: 0) }
    }
  }

  /// Forgets all deliveries.
  public func removeAll() {
    ring.withLock { $0.removeAll() }
  }
}
