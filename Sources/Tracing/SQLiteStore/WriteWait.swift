import Synchronization
import ValueStreamCore

/// Tracks that files are open only for reading, because the disk is full or read-only, and when to retry opening them for
/// writing.
///
/// Once they are open for writing, they stay so.
final class WriteWait: Sendable {
  private struct State {
    var obstacle: StoreError
    var triedAt: ContinuousClock.Instant
  }

  /// Atomic, so that readers need no lock in the normal case.
  private let isOn: Atomic<Bool>
  private let state: Mutex<State?>
  /// The least time between two attempts. Deliveries may arrive by the thousand, and not each should try to open the
  /// files.
  private static let pause = Duration.milliseconds(500)

  /// - Parameter obstacle: why nothing can be written; nil if writing is possible.
  init(_ obstacle: StoreError?) {
    isOn = Atomic(obstacle != nil)
    state = Mutex(obstacle.map { State(obstacle: $0, triedAt: .now) })
  }

  /// True while files are open only for reading.
  var isWaiting: Bool { isOn.load(ordering: .acquiring) }

  /// Tries to open the files for writing. Does nothing if they are open for writing already.
  ///
  /// Within half a second of the last attempt, throws its obstacle instead of trying.
  ///
  /// - Parameters:
  ///   - open: opens the files for writing.
  ///   - obstacle: returns the obstacle behind an error; nil if waiting does not help.
  func end(_ open: () throws -> Void, obstacle: (any Error) -> StoreError?) throws {
    guard isWaiting else { return }
    if let state = state.withLock(\.self), state.triedAt.duration(to: .now) < Self.pause { throw state.obstacle }
    do {
      try open()
      isOn.store(false, ordering: .releasing)
      state.withLock { $0 = nil }
    } catch {
      if let obstacle = obstacle(error) { state.withLock { $0 = State(obstacle: obstacle, triedAt: .now) } }
      throw error
    }
  }
}
