import Synchronization
import ValueStreamCore

/// When the next request may be sent: all that one client sends goes by the same limits.
final class RequestPacer: Sendable {
  private struct State {
    /// The vendor wants nothing before.
    var pausedUntil = Timestamp.epoch
    /// The last request and the wait after it.
    var next = Timestamp.epoch
    var hasAnswer = false
  }

  private let spacing: Duration
  private let clock: any WallClock
  private let state = Mutex(State())

  /// - Parameter spacing: between the starts of two requests.
  init(spacing: Duration, clock: any WallClock) {
    self.spacing = spacing
    self.clock = clock
  }

  /// Takes the next turn.
  ///
  /// - Returns: nil when it is now; else how long to wait before asking for one again.
  func turn() -> Duration? {
    let now = clock.now()
    return state.withLock { state in
      let earliest = max(state.pausedUntil, state.next)
      if earliest > now { return .nanoseconds(earliest.nanoseconds - now.nanoseconds) }
      state.next = now.advanced(byNanoseconds: spacing.nanoseconds)
      return nil
    }
  }

  /// True once there was any answer: whoever gave it is there, if not always.
  var hasAnswer: Bool {
    get { state.withLock(\.hasAnswer) }
    set { state.withLock { $0.hasAnswer = newValue } }
  }

  /// Lets nobody have a turn for some time.
  ///
  /// - Returns: false when that was so already.
  func pause(seconds: Double) -> Bool {
    let until = clock.now().advanced(bySeconds: seconds)
    return state.withLock { state in
      guard until > state.pausedUntil else { return false }
      // What several requests learn of one limit is one pause.
      let isNews = until.seconds(since: state.pausedUntil) > 1
      state.pausedUntil = until
      return isNews
    }
  }
}
