import Synchronization

/// Caches an expensive reading so that it takes at most 1 % of the time.
package final class CachedReading<Value: Sendable>: Sendable {
  private let last = Mutex<(value: Value, isGoodUntil: ContinuousClock.Instant)?>(nil)
  private let restFactor: Int

  /// - Parameter restFactor: how long a value stays valid, as a multiple of the time that reading it took.
  package init(restFactor: Int = CachedReadings.restFactor) {
    self.restFactor = restFactor
  }

  /// Returns the cached value, or reads it now if the cached one has expired.
  ///
  /// Blocks; concurrent callers wait for the same reading. Errors are not cached.
  package func value(_ read: () throws -> Value) throws -> Value {
    try last.withLock { last in
      let begin = ContinuousClock.now
      if let last, begin < last.isGoodUntil { return last.value }
      let value = try read()
      let end = ContinuousClock.now
      last = (value, end + (end - begin) * restFactor)
      return value
    }
  }
}

/// Constants of cached readings.
package enum CachedReadings {
  /// Reading takes 1 % of the time.
  package static let restFactor = 100
}
