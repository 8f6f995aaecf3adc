import Dispatch
import Synchronization
import ValueStreamCore

/// Reads the rows of long periods on two threads.
package enum ParallelReading {
  /// Periods of fewer days are read on one thread.
  private static let daysWorthSplitting = 20

  /// Calls `read` with parts of these days, some of them at the same time, and returns the results in the order of the days.
  ///
  /// Uses the calling thread, and another one if there is one to spare.
  static func parts<Part: Sendable>(
    of days: [ClosedRange<FactDay>], _ read: @Sendable (ClosedRange<FactDay>) throws -> Part
  ) throws -> [Part] {
    let ranges = days.flatMap(halves)
    guard ranges.count > 1 else { return try ranges.map(read) }
    let results = Mutex([Result<Part, any Error>?](repeating: nil, count: ranges.count))
    DispatchQueue.concurrentPerform(iterations: ranges.count) { index in
      let result = Result { try read(ranges[index]) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }

  /// Calls two functions, at the same time if there is a thread to spare.
  package static func both<First: Sendable, Second: Sendable>(
    _ first: @Sendable () -> First, _ second: @Sendable () -> Second
  ) -> (First, Second) {
    let results = Mutex<(first: First?, second: Second?)>((nil, nil))
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      if index == 0 {
        let result = first()
        results.withLock { $0.first = result }
      } else {
        let result = second()
        results.withLock { $0.second = result }
      }
    }
    let found = results.withLock { $0 }
    return (found.first ?? first(), found.second ?? second())
  }

  /// Calls two functions like ``both(_:_:)``, and throws the error of the first one that fails.
  package static func both<First: Sendable, Second: Sendable>(
    throwing first: @Sendable () throws -> First, _ second: @Sendable () throws -> Second
  ) throws -> (First, Second) {
    let (one, other) = both {
      Result { try first() }
    } _: {
      Result { try second() }
    }
    return (try one.get(), try other.get())
  }

  private static func halves(_ days: ClosedRange<FactDay>) -> [ClosedRange<FactDay>] {
    let (first, last) = (days.lowerBound.rawValue, days.upperBound.rawValue)
    guard Int64(last) - Int64(first) >= Int64(daysWorthSplitting) else { return [days] }
    let middle = Int32((Int64(first) + Int64(last)) / 2)
    return [days.lowerBound...FactDay(rawValue: middle), FactDay(rawValue: middle + 1)...days.upperBound]
  }
}
