import Synchronization
package import ValueStreamCore

/// A clock that stands still until somebody sleeps, so that waits cost no time.
package final class SleepingClock: WallClock {
  private let time: Mutex<Timestamp>

  package init(_ start: Timestamp = Timestamp(seconds: 1_796_000_000)) {
    time = Mutex(start)
  }

  package func now() -> Timestamp { time.withLock { $0 } }

  package func advance(_ duration: Duration) {
    time.withLock { $0 = $0.advanced(byNanoseconds: duration.nanoseconds) }
  }
}
