import Synchronization

/// The newest delivery fingerprints, bounded: what is in here was recorded before.
///
/// Filled by whoever projects deliveries, asked by intake to answer `duplicate` without writing anything. What has left it
/// is told apart from news by the facts themselves.
public final class RecentDeliveries: Sendable {
  private struct State {
    var known: Set<DeliveryFingerprint> = []
    /// In order of arrival; a ring once it is full.
    var order: [DeliveryFingerprint] = []
    var oldest = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  public init(limit: Int = 131_072) {
    self.limit = limit
  }

  public func contains(_ fingerprint: DeliveryFingerprint) -> Bool {
    state.withLock { $0.known.contains(fingerprint) }
  }

  /// - Returns: false when it was known already.
  @discardableResult
  public func insert(_ fingerprint: DeliveryFingerprint) -> Bool {
    state.withLock { state in
      guard state.known.insert(fingerprint).inserted else { return false }
      if state.order.count < limit {
        state.order.append(fingerprint)
      } else {
        state.known.remove(state.order[state.oldest])
        state.order[state.oldest] = fingerprint
        state.oldest = (state.oldest + 1) % limit
      }
      return true
    }
  }

  public func removeAll() {
    state.withLock { $0 = State() }
  }
}
