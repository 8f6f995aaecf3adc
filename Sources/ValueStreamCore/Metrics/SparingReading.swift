import Synchronization

/// What takes long to read where there is much of it: read so seldom that this takes a hundredth of the time.
package final class SparingReading<Value: Sendable>: Sendable {
  private let last = Mutex<(value: Value, isGoodUntil: ContinuousClock.Instant)?>(nil)
  private let restFactor: Int

  /// - Parameter restFactor: how many times as long as reading took the value is kept.
  package init(restFactor: Int = SparingReadings.restFactor) {
    self.restFactor = restFactor
  }

  /// What was read last, or is read now. Blocks.
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

/// What readings that spare the store have in common.
package enum SparingReadings {
  /// A hundredth of the time is spent reading.
  package static let restFactor = 100
}
