import Synchronization

/// Lets one log line of each kind through per interval and counts the rest.
///
/// It keeps a flood of refused requests from becoming a flood of log lines.
public final class LogThrottle: Sendable {
  private struct State {
    var last: Timestamp?
    var suppressed = 0
  }

  /// Kinds beyond this number share one entry, which bounds the memory.
  private static let kindLimit = 256
  private static let otherKinds = ""

  private let states = Mutex<[String: State]>([:])
  private let interval: Duration
  private let clock: any WallClock

  public init(interval: Duration = .seconds(10), clock: any WallClock = SystemClock()) {
    self.interval = interval
    self.clock = clock
  }

  /// Decides whether a line may be written now.
  ///
  /// - Parameter kind: The kind of the line, if one throttle serves several.
  /// - Returns: The number of lines of this kind suppressed since the last one; nil if this line is suppressed too.
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
