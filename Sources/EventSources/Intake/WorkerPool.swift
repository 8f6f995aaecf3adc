import Synchronization
import ValueStreamCore

/// A few threads for handlers that may block, with a bounded queue. They also compress the responses.
final class WorkerPool: Sendable {
  private struct Job {
    var handler: any HTTPHandler
    var request: HTTPRequest
    var completion: @Sendable (HTTPResponse) -> Void
  }

  private struct State {
    var jobs: [Job] = []
    var isStopping = false
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
  /// - Returns: false if the queue is full, or after ``stop()``.
  func submit(
    _ handler: any HTTPHandler, _ request: HTTPRequest, completion: @escaping @Sendable (HTTPResponse) -> Void
  ) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isStopping, state.jobs.count < limit else { return false }
      state.jobs.append(Job(handler: handler, request: request, completion: completion))
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
      let (job, isStopping) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isStopping)
      }
      if let job {
        job.completion(compression.apply(job.handler.respond(to: job.request), to: job.request))
      } else if isStopping {
        return
      }
    }
  }
}
