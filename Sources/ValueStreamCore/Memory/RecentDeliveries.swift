import Synchronization

/// The newest deliveries that were made durable, and where each was recorded first.
///
/// Intake asks it to answer `duplicate` without writing anything; the projector asks it whether a delivery in the log
/// repeats an earlier one. Bounded: what has left it is told from news by its facts, which are a set.
public final class RecentDeliveries: Sendable {
  private let ring: Mutex<FingerprintRing>

  /// - Parameter capacity: how many are remembered; 40 bytes each.
  public init(capacity: Int = 262_144) {
    ring = Mutex(FingerprintRing(capacity: capacity))
  }

  /// True when such a delivery was recorded.
  public func contains(_ fingerprint: DeliveryFingerprint) -> Bool {
    ring.withLock { $0.position(of: fingerprint) != nil }
  }

  /// Remembers a delivery that was recorded at a place.
  ///
  /// The first place counts, in whatever order they are told: after a crash a delivery may come again, and be recorded
  /// again, before the projector has read the log up to where it stands already.
  ///
  /// - Returns: true when this is its first place, also when it was told before; false when it repeats another.
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

  /// Remembers deliveries of which only is known that they were recorded, oldest first.
  public func preload(_ fingerprints: some Sequence<DeliveryFingerprint>) {
    ring.withLock { ring in
      for fingerprint in fingerprints where ring.position(of: fingerprint) == nil { ring.insert(fingerprint, at: 0) }
    }
  }

  /// Forgets all of them.
  public func removeAll() {
    ring.withLock { $0.removeAll() }
  }
}
