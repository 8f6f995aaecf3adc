import Dispatch
import Synchronization
import ValueStreamCore

/// A lease that a command holds while it works on a store.
package final class HeldLease: Sendable {
  private let lease: any Lease
  private let isReleased = Atomic(false)

  /// Takes the lease, and renews it until ``release()``. Waits for that of a process that has just died.
  ///
  /// - Parameter limit: The longest time to wait.
  /// - Throws: ``StoreError`` if another process leads, or if the store does not answer.
  package init(_ lease: any Lease, atMost limit: Duration = .seconds(15)) throws {
    self.lease = lease
    let deadline = ContinuousClock.now + limit
    let never = DispatchSemaphore(value: 0)
    while try lease.tick() != .leads {
      guard ContinuousClock.now < deadline else {
        let holder = (try? lease.holder()).flatMap(\.self) ?? "another process"
        throw StoreError(.busy, "\(holder) leads on this store: stop every vsd that uses it")
      }
      _ = never.wait(timeout: .now() + lease.pause.inSeconds)
    }
    let isStarted = OwnThread.start { [weak self] in
      while let self, !self.isReleased.load(ordering: .acquiring) {
        _ = try? lease.tick()
        _ = never.wait(timeout: .now() + lease.pause.inSeconds)
      }
    }
    if !isStarted { throw OwnThread.NoThread() }
  }

  deinit { release() }

  package func release() {
    if isReleased.exchange(true, ordering: .acquiringAndReleasing) { return }
    lease.release()
  }
}
