import Synchronization
package import ValueStreamCore

/// A clock that stands still until a test moves it or somebody sleeps, so that waits cost no time.
package final class FakeClock: WallClock {
  private struct State {
    var time: Timestamp
    var sleeps: [Double] = []
  }

  private let state: Mutex<State>

  package init(_ time: Timestamp = Timestamp(seconds: 1_796_000_000)) {
    state = Mutex(State(time: time))
  }

  package func now() -> Timestamp { state.withLock(\.time) }

  /// How long each ``sleep(_:)`` was, in seconds.
  package var sleeps: [Double] { state.withLock(\.sleeps) }

  /// Moves the clock, back if the number is negative.
  package func pass(_ seconds: Double) {
    state.withLock { $0.time = $0.time.advanced(bySeconds: seconds) }
  }

  /// Moves the clock as a wait would, and remembers the wait.
  package func sleep(_ duration: Duration) {
    state.withLock { state in
      state.time = state.time.advanced(byNanoseconds: duration.nanoseconds)
      state.sleeps.append(duration.inSeconds)
    }
  }
}
