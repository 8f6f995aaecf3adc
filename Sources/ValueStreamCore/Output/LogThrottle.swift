import Synchronization

/// Lets one log line of a kind through per interval, and counts the others: a flood of refused requests must not become a
/// flood of log lines.
public final class LogThrottle: Sendable {
  private struct State {
    var last: Timestamp?
    var suppressed = 0
  }

  private let state = Mutex(State())
  private let interval: Duration
  private let clock: any WallClock

  public init(interval: Duration = .seconds(10), clock: any WallClock = SystemClock()) {
    self.interval = interval
    self.clock = clock
  }

  /// Whether a line may be written now.
  ///
  /// - Returns: how many were held back since the last one; nil when this one is held back too.
  public func pass() -> Int? {
    let now = clock.now()
    return state.withLock { state in
      if let last = state.last, now.nanoseconds - last.nanoseconds < interval.nanoseconds, now >= last {
        state.suppressed += 1
        return nil
      }
      defer { state = State(last: now) }
      return state.suppressed
    }
  }
}
