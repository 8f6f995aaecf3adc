import Synchronization

/// Lets one log line of each kind through per interval, and counts the others: a flood of refused requests must not become a
/// flood of log lines.
public final class LogThrottle: Sendable {
  private struct State {
    var last: Timestamp?
    var suppressed = 0
  }

  /// Further kinds count as one, so that a flood of kinds takes no memory.
  private static let kindLimit = 256
  private static let otherKinds = ""

  private let states = Mutex<[String: State]>([:])
  private let interval: Duration
  private let clock: any WallClock

  public init(interval: Duration = .seconds(10), clock: any WallClock = SystemClock()) {
    self.interval = interval
    self.clock = clock
  }

  /// Whether a line may be written now.
  ///
  /// - Parameter kind: what the line tells, where one throttle is for several.
  /// - Returns: how many were held back since the last one of the kind; nil when this one is held back too.
  public func pass(_ kind: String = "") -> Int? {
    let now = clock.now()
    return states.withLock { states in
      let kind = states[kind] != nil || states.count < Self.kindLimit ? kind : Self.otherKinds
      let state = states[kind, default: State()]
      if let last = state.last, now.nanoseconds - last.nanoseconds < interval.nanoseconds, now >= last {
        states[kind]?.suppressed += 1
        return nil
      }
      states[kind] = State(last: now)
      return state.suppressed
    }
  }
}
