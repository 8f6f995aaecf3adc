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

  /// Decides that a delivery is projected at a position, unless it is projected at another one.
  ///
  /// The first call for a delivery decides, whatever positions ``insert(_:at:)`` was told. Another writer may have logged the
  /// delivery, too.
  ///
  /// - Returns: false if the delivery is projected at another position. True on a repeated call with the same position.
  package func accept(_ fingerprint: DeliveryFingerprint, at position: LogPosition) -> Bool {
    let accepted = position.rawValue | Self.acceptedBit
    return ring.withLock { ring in
      guard let known = ring.position(of: fingerprint) else {
        ring.insert(fingerprint, at: accepted)
        return true
      }
      if known & Self.acceptedBit != 0 { return known == accepted }
      ring.move(fingerprint, to: accepted)
      return true
    }
  }

  /// Marks positions that are decided. No position has this bit.
  private static let acceptedBit: UInt64 = 1 << 63

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
      if first & Self.acceptedBit != 0 { return position.rawValue == first & ~Self.acceptedBit }
      if position.rawValue < first { ring.move(fingerprint, to: position.rawValue) }
      return position.rawValue <= first
    }
  }

  /// Remembers deliveries, oldest first, whose positions are unknown.
  public func preload(_ fingerprints: some Sequence<DeliveryFingerprint>) {
    ring.withLock { ring in
      for fingerprint in fingerprints where ring.position(of: fingerprint) == nil {
        ring.insert(fingerprint, at: Self.acceptedBit)
      }
    }
  }

  /// Forgets all deliveries.
  public func removeAll() {
    ring.withLock { $0.removeAll() }
  }
}
