import Synchronization

/// A delivery log in memory, for tests and the mock tracer.
///
/// It grows until you call ``removeOld(receivedBefore:maximumBytes:projected:)``. Each delivery is a segment of its own.
public final class MemoryDeliveryLog: DeliveryLog {
  private struct State {
    var deliveries: [LoggedDelivery] = []
    /// The number of the first delivery that is kept. Numbers start at 1.
    var first: UInt64 = 1
    var bytes: Int64 = 0

    var next: UInt64 { first + UInt64(deliveries.count) }

    mutating func removeFirst(_ count: Int) {
      for logged in deliveries.prefix(count) { bytes -= Int64(logged.delivery.body.count) }
      deliveries.removeFirst(count)
      first += UInt64(count)
    }
  }

  private let state = Mutex(State())

  public init() {}

  public func append(_ deliveries: [LoggedDelivery]) -> [LogPosition] {
    state.withLock { state in
      let first = state.next
      state.deliveries += deliveries
      for logged in deliveries { state.bytes += Int64(logged.delivery.body.count) }
      return (first..<state.next).map { LogPosition(rawValue: $0) }
    }
  }

  public func isComplete() -> Bool {
    state.withLock { $0.first == 1 }
  }

  public func read(
    after coverage: LogCoverage?, limit: Int, byteLimit: Int
  ) -> [LogEntry] {
    state.withLock { state in
      let last = coverage?.ends.last?.rawValue ?? 0
      guard last < state.next - 1 else { return [] }
      var result: [LogEntry] = []
      var byteCount = 0
      for number in max(last + 1, state.first)..<state.next {
        guard result.count < limit, byteCount < byteLimit || result.isEmpty else { break }
        let logged = state.deliveries[Int(number - state.first)]
        result.append(LogEntry(LogPosition(rawValue: number), logged))
        byteCount += logged.delivery.body.count
      }
      return result
    }
  }

  public func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) -> [LogEntry] {
    state.withLock { state in
      var result: [LogEntry] = []
      var byteCount = 0
      var number = min(position?.rawValue ?? .max, state.next)
      while number > state.first, result.count < limit, byteCount < byteLimit || result.isEmpty {
        number -= 1
        let logged = state.deliveries[Int(number - state.first)]
        result.append(LogEntry(LogPosition(rawValue: number), logged))
        byteCount += logged.delivery.body.count
      }
      return result
    }
  }

  public func delivery(at position: LogPosition) -> LoggedDelivery? {
    state.withLock { state in
      guard position.rawValue >= state.first, position.rawValue < state.next else { return nil }
      return state.deliveries[Int(position.rawValue - state.first)]
    }
  }

  public func coverage() -> LogCoverage? {
    state.withLock { $0.next > 1 ? LogCoverage(LogPosition(rawValue: $0.next - 1)) : nil }
  }

  public func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) {
    guard let projected = projected?.ends.last else { return }
    state.withLock { state in
      var bytes = state.bytes
      var count = 0
      for logged in state.deliveries {
        guard state.first + UInt64(count) <= projected.rawValue else { break }
        guard logged.delivery.received < cutoff || bytes > maximumBytes else { break }
        bytes -= Int64(logged.delivery.body.count)
        count += 1
      }
      state.removeFirst(count)
    }
  }

  public func size() -> Int64 {
    state.withLock(\.bytes)
  }

  public func close() {}

  /// Removes all deliveries. Positions continue where they were.
  public func removeAll() {
    state.withLock { $0.removeFirst($0.deliveries.count) }
  }
}
