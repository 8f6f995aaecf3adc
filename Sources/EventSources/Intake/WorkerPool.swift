import Synchronization
import ValueStreamCore

/// A few threads for handlers that may block, with a bounded queue. They also compress the responses.
///
/// Slow requests never take all threads, so that others are answered meanwhile.
final class WorkerPool: Sendable {
  private struct Job {
    var handler: any HTTPHandler
    var request: HTTPRequest
    var isSlow: Bool
    var completion: @Sendable (HTTPResponse) -> Void
  }

  private struct State {
    var jobs: [Job] = []
    /// The number of slow requests that are being answered.
    var slowCount = 0
    var isStopping = false

    /// Takes the request that has waited longest. Passes over slow ones while `slowLimit` of them are being answered.
    mutating func take(slowLimit: Int) -> Job? {
      guard let index = jobs.firstIndex(where: { !$0.isSlow || slowCount < slowLimit }) else { return nil }
      if jobs[index].isSlow { slowCount += 1 }
      return jobs.remove(at: index)
    }
  }

  private let state = Mutex(State())
  private let work: Signal
  private let workers: Int
  private let limit: Int
  private let compression = AnswerCompression()

  init(workers: Int, limit: Int) throws(IntakeError) {
    work = try Signal(counts: true)
    self.workers = max(1, workers)
    self.limit = limit
    for index in 0..<self.workers {
      // Started threads keep the pool alive until ``stop()``.
      let isStarted = OwnThread.start("vs-worker-\(index)") { self.serve() }
      if !isStarted {
        stop()
        throw IntakeError("the system gives no thread for pages and API")
      }
    }
  }

  /// Queues a request for a handler. `completion` runs on a worker thread.
  ///
  /// - Parameter isSlow: true if other requests must not wait for it.
  /// - Returns: false if the queue is full, or after ``stop()``.
  func submit(
    _ handler: any HTTPHandler, _ request: HTTPRequest, isSlow: Bool = false,
    completion: @escaping @Sendable (HTTPResponse) -> Void
  ) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isStopping, state.jobs.count < limit else { return false }
      state.jobs.append(Job(handler: handler, request: request, isSlow: isSlow, completion: completion))
      return true
    }
    if isTaken { work.notify() }
    return isTaken
  }

  /// Ends the threads once they have answered all waiting requests.
  func stop() {
    state.withLock { $0.isStopping = true }
    for _ in 0..<workers { work.notify() }
  }

  private func serve() {
    while true {
      work.wait()
      let (job, isStopping) = state.withLock { state in (state.take(slowLimit: max(1, workers - 1)), state.isStopping) }
      if let job {
        job.completion(compression.apply(job.handler.respond(to: job.request), to: job.request))
        guard job.isSlow else { continue }
        // Another thread may have passed over the next slow request.
        let isMore = state.withLock { state in
          state.slowCount -= 1
          return !state.jobs.isEmpty
        }
        if isMore { work.notify() }
      } else if isStopping {
        return
      }
    }
  }
}
