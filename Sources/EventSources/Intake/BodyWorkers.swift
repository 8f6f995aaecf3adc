import CEventLoop
import Synchronization
import ValueStreamCore

/// Threads that decompress, authenticate and parse large bodies, so that small bodies do not wait for them.
///
/// Bodies of authenticated senders come first, and smaller bodies before larger ones. The threads work on at most one
/// body of an unauthenticated sender at a time.
final class BodyWorkers: Sendable {
  private struct Job {
    var isProved: Bool
    var size: Int
    var work: @Sendable () -> Void
  }

  private struct State {
    var jobs: [Job] = []
    var unprovedRunning = 0
    var isStopping = false
  }

  private let state = Mutex(State())
  private let signals: [Signal]
  private let limit: Int

  /// Starts the threads.
  ///
  /// - Parameter limit: the number of bodies that may wait. Bodies of unauthenticated senders may use at most half of it.
  /// - Throws: ``IntakeError`` if the system provides no thread or descriptor.
  init(threads: Int, limit: Int) throws(IntakeError) {
    self.limit = limit
    var signals: [Signal] = []
    for _ in 0..<max(1, threads) { signals.append(try Signal()) }
    self.signals = signals
    for (index, signal) in signals.enumerated() {
      let isStarted = OwnThread.start("vs-body-\(index)") {
        vs_thread_yield_to_others()
        self.serve(signal)
      }
      if !isStarted {
        stop()
        throw IntakeError("the system gives no thread for large bodies")
      }
    }
  }

  /// Queues a body.
  ///
  /// - Parameters:
  ///   - isProved: true if the sender is authenticated.
  ///   - size: the size of the body in bytes, as received.
  /// - Returns: false if too many bodies wait, or after ``stop()``. The work does not run then.
  func submit(isProved: Bool, size: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      let waiting = isProved ? state.jobs.count : 2 * state.jobs.count { !$0.isProved }
      guard !state.isStopping, waiting < limit else { return false }
      state.jobs.append(Job(isProved: isProved, size: size, work: work))
      return true
    }
    if isTaken { for signal in signals { signal.notify() } }
    return isTaken
  }

  /// Ends the threads after their current body. Drops bodies that still wait.
  func stop() {
    state.withLock { state in
      state.isStopping = true
      state.jobs = []
    }
    for signal in signals { signal.notify() }
  }

  private func serve(_ signal: Signal) {
    while true {
      let (job, isOver) = state.withLock { state in
        let job = Self.take(from: &state)
        return (job, job == nil && state.isStopping)
      }
      if let job {
        job.work()
        if !job.isProved { state.withLock { $0.unprovedRunning -= 1 } }
      } else if isOver {
        return
      } else {
        signal.wait()
      }
    }
  }

  private static func take(from state: inout State) -> Job? {
    let mayRunUnproved = state.unprovedRunning == 0
    let next = state.jobs.indices.filter { state.jobs[$0].isProved || mayRunUnproved }.min { left, right in
      let (left, right) = (state.jobs[left], state.jobs[right])
      return left.isProved != right.isProved ? left.isProved : left.size < right.size
    }
    guard let next else { return nil }
    let job = state.jobs.remove(at: next)
    if !job.isProved { state.unprovedRunning += 1 }
    return job
  }
}
