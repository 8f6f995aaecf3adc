import Synchronization
import ValueStreamCore

/// Decides when the next request may be sent. All requests of a client share its limits.
final class RequestPacer: Sendable {
  private struct State {
    /// The end of the pause that the vendor demands.
    var pausedUntil = Timestamp.epoch
    /// The earliest time of the next request, from the last request and the spacing.
    var next = Timestamp.epoch
    var hasAnswer = false
  }

  private let spacing: Duration
  private let clock: any WallClock
  private let state = Mutex(State())

  /// Creates a pacer.
  ///
  /// - Parameter spacing: the time between the starts of two requests.
  init(spacing: Duration, clock: any WallClock) {
    self.spacing = spacing
    self.clock = clock
  }

  /// Takes the next turn, if it is due.
  ///
  /// - Returns: nil if the request may be sent now; otherwise the time to wait before calling again.
  func turn() -> Duration? {
    let now = clock.now()
    return state.withLock { state in
      let earliest = max(state.pausedUntil, state.next)
      if earliest > now { return .nanoseconds(earliest.nanoseconds - now.nanoseconds) }
      state.next = now.advanced(byNanoseconds: spacing.nanoseconds)
      return nil
    }
  }

  /// True once the server has responded at least once, so the address is right.
  var hasAnswer: Bool {
    get { state.withLock(\.hasAnswer) }
    set { state.withLock { $0.hasAnswer = newValue } }
  }

  /// Pauses all requests.
  ///
  /// - Returns: false if a pause of about that length is already in effect.
  func pause(seconds: Double) -> Bool {
    let until = clock.now().advanced(bySeconds: seconds)
    return state.withLock { state in
      guard until > state.pausedUntil else { return false }
      // Several requests that run into the same limit report one pause.
      let isNews = until.seconds(since: state.pausedUntil) > 1
      state.pausedUntil = until
      return isNews
    }
  }
}
