import Synchronization
import ValueStreamCore

/// Whether files could only be opened to be read, because the disk was full or read-only, and when opening them for writing is tried again.
///
/// Once it is over it stays so.
final class WriteWait: Sendable {
  private struct State {
    var obstacle: StoreError
    var triedAt: ContinuousClock.Instant
  }

  /// So that those who only read need not wait for a lock where all is well.
  private let isOn: Atomic<Bool>
  private let state: Mutex<State?>
  /// Deliveries may come by the thousand.
  private static let pause = Duration.milliseconds(500)

  /// - Parameter obstacle: why nothing can be written; nil where it can.
  init(_ obstacle: StoreError?) {
    isOn = Atomic(obstacle != nil)
    state = Mutex(obstacle.map { State(obstacle: $0, triedAt: .now) })
  }

  /// True while files are open to be read only.
  var isWaiting: Bool { isOn.load(ordering: .acquiring) }

  /// Tries again, unless that was tried a moment ago.
  ///
  /// - Parameter obstacle: what an error has to do with the disk; nil where waiting will not help.
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
