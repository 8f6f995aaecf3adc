import Dispatch
import Synchronization
package import ValueStreamCore

/// Turns recorded deliveries into spans in the store: one at a time, in order, from where it stopped.
///
/// In the ordinary case deliveries come from intake in memory. Where they do not (after a start, a crash, an overflow, an
/// error), they are read from the log again: it is the truth, and the position of the last written batch tells what is done.
package final class Projector: DeliverySink {
  package struct Configuration: Sendable {
    /// Project on the caller's thread, before the delivery is answered; for stores in memory only.
    package var isImmediate = false
    /// At most this many deliveries, and bytes of body, wait in memory; the rest is read from the log.
    package var queueLimit = 4096
    package var queueByteLimit = 32 << 20
    /// Deliveries per transaction.
    package var batchLimit = 512
    /// Least time between transactions, unless somebody waits for one.
    package var pause = Duration.milliseconds(20)
    /// After errors of log or store it tries again with growing pauses, up to this.
    package var longestRetryPause = Duration.seconds(10)

    package init() {}
  }

  private struct State {
    var queue: [RecordedDelivery] = []
    var queuedBytes = 0
    /// True when the log holds deliveries that are not in the queue.
    var mustReadLog = true
    var isStopping = false
    var projected: LogPosition?
    /// Where the log ends, as far as it was told.
    var recorded: LogPosition?
    /// Since when deliveries wait and none was projected; nil when none wait.
    var waitingSince: ContinuousClock.Instant?
    /// What the last attempt failed with; nil when it did not.
    var failure: String?
    var waiters: [(position: LogPosition, semaphore: DispatchSemaphore)] = []
  }

  private let log: any DeliveryLog
  private let batches: Mutex<ProjectionBatches>
  private let configuration: Configuration
  private let logger: Logger
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let errorLines = LogThrottle()
  private let onOutboxEntry: @Sendable () -> Void

  /// - Parameter onOutboxEntry: called after a batch in which spans finished was written.
  package init(
    log: any DeliveryLog, batches: ProjectionBatches, configuration: Configuration = Configuration(),
    logger: Logger, onOutboxEntry: @escaping @Sendable () -> Void = {}
  ) {
    self.log = log
    self.batches = Mutex(batches)
    self.configuration = configuration
    self.logger = logger
    self.onOutboxEntry = onOutboxEntry
  }

  // MARK: Taking deliveries

  package func recorded(_ deliveries: [RecordedDelivery]) {
    if configuration.isImmediate {
      projectImmediately(deliveries)
      return
    }
    let hasNews = state.withLock { state in
      state.recorded = deliveries.last?.position ?? state.recorded
      if state.waitingSince == nil { state.waitingSince = .now }
      // It knows that it has to read the log, or waits after an error: a signal would end that wait.
      guard !state.mustReadLog else { return false }
      let bytes = deliveries.reduce(0) { $0 + $1.logged.delivery.body.count }
      if state.queue.count + deliveries.count > configuration.queueLimit
        || state.queuedBytes + bytes > configuration.queueByteLimit
      {
        state.mustReadLog = true
      } else {
        state.queue += deliveries
        state.queuedBytes += bytes
      }
      return true
    }
    if hasNews { work.signal() }
  }

  private func projectImmediately(_ deliveries: [RecordedDelivery]) {
    do {
      try write(deliveries.map { .recorded($0) })
      while try workOffPending() {}
    } catch {
      logger.error("cannot project: \(error)")
    }
  }

  // MARK: Waiting

  /// Since how many seconds deliveries wait and none is projected, and what the last attempt failed with; nil while nothing waits.
  package var stall: (seconds: Double, failure: String?)? {
    state.withLock { state in state.waitingSince.map { ($0.duration(to: .now).inSeconds, state.failure) } }
  }

  /// The place up to which deliveries are projected; nil before the first.
  package var projected: LogPosition? { state.withLock { $0.projected } }

  /// Blocks until everything up to a place is projected.
  ///
  /// - Returns: false when the time was up first.
  @discardableResult
  package func wait(for position: LogPosition, atMost limit: Duration) -> Bool {
    let semaphore = DispatchSemaphore(value: 0)
    let isDone = state.withLock { state in
      if let projected = state.projected, projected >= position { return true }
      state.waiters.append((position, semaphore))
      return false
    }
    if isDone { return true }
    work.signal()
    let isInTime = semaphore.wait(timeout: .now() + limit.inSeconds) == .success
    if !isInTime { state.withLock { state in state.waiters.removeAll { $0.semaphore === semaphore } } }
    return isInTime
  }

  // MARK: The loop

  /// Works until ``stop()``, then finishes what is queued. Blocks: call it on a thread of its own.
  package func run() {
    let start = batches.withLock { $0.position }
    let end = try? log.lastPosition()
    let reached = state.withLock { state in
      state.projected = start
      state.recorded = max(state.recorded ?? LogPosition(rawValue: 0), end ?? LogPosition(rawValue: 0))
      if let recorded = state.recorded, recorded > start ?? LogPosition(rawValue: 0) { state.waitingSince = .now }
      return Self.takeWaiters(upTo: start, from: &state)
    }
    // They may have asked before it was known how far the store is.
    for waiter in reached { waiter.signal() }
    var failures = 0
    var lastWrite = DispatchTime(uptimeNanoseconds: 0)
    while true {
      let (deliveries, mustReadLog, isStopping, isAwaited) = takeWork()
      if deliveries.isEmpty, !mustReadLog {
        // What is pending is stored, and goes on after a start.
        if isStopping { return }
        switch try? workOffPending() {
        case true?: continue
        case false?: work.wait()
        // What could not be written now may be later.
        case nil: _ = work.wait(timeout: .now() + configuration.longestRetryPause.inSeconds)
        }
        continue
      }
      if !isAwaited, !isStopping, deliveries.count < configuration.batchLimit { pause(since: lastWrite) }
      do {
        if mustReadLog {
          try catchUp()
        } else {
          try write((deliveries + takeMore(upTo: configuration.batchLimit)).map { .recorded($0) })
        }
        if failures > 0 { state.withLock { $0.failure = nil } }
        failures = 0
      } catch {
        failures += 1
        if let heldBack = errorLines.pass() {
          logger.log(.error, "cannot project, will read the log again: \(error)") { $0.member("similarBefore", heldBack) }
        }
        state.withLock { state in
          state.mustReadLog = true
          state.failure = "\(error)"
        }
        if isStopping { return }
        _ = work.wait(timeout: .now() + min(configuration.longestRetryPause.inSeconds, 0.1 * Double(1 << min(failures, 7))))
      }
      lastWrite = .now()
    }
  }

  /// Lets ``run()`` finish what is queued and return.
  package func stop() {
    state.withLock { $0.isStopping = true }
    work.signal()
  }

  private func takeWork() -> (deliveries: [RecordedDelivery], mustReadLog: Bool, isStopping: Bool, isAwaited: Bool) {
    state.withLock { state in
      let mustReadLog = state.mustReadLog
      // From here on deliveries queue up again; what is read from the log as well is told by its position.
      state.mustReadLog = false
      if mustReadLog {
        state.queue = []
        state.queuedBytes = 0
      }
      return (Self.take(configuration.batchLimit, from: &state), mustReadLog, state.isStopping, !state.waiters.isEmpty)
    }
  }

  private func takeMore(upTo limit: Int) -> [RecordedDelivery] {
    state.withLock { Self.take(limit, from: &$0) }
  }

  private static func take(_ limit: Int, from state: inout State) -> [RecordedDelivery] {
    let taken = Array(state.queue.prefix(limit))
    state.queue.removeFirst(taken.count)
    state.queuedBytes -= taken.reduce(0) { $0 + $1.logged.delivery.body.count }
    return taken
  }

  private func pause(since lastWrite: DispatchTime) {
    let elapsed = Int64(clamping: DispatchTime.now().uptimeNanoseconds &- lastWrite.uptimeNanoseconds)
    let rest = configuration.pause.nanoseconds - elapsed
    guard rest > 0 else { return }
    let deadline = DispatchTime.now() + .nanoseconds(Int(rest))
    // A delivery that arrives meanwhile only joins the batch; somebody who waits ends the pause.
    while work.wait(timeout: deadline) == .success {
      if state.withLock({ !$0.waiters.isEmpty || $0.isStopping }) { break }
    }
  }

  private func catchUp() throws {
    let end = try log.lastPosition()
    while let end, projected.map({ $0 < end }) ?? true {
      let read = try log.read(after: projected, limit: configuration.batchLimit, byteLimit: configuration.queueByteLimit)
      guard !read.isEmpty else {
        // All the rest is damaged, and told.
        try batches.withLock { try $0.pass(upTo: end) }
        return reached(end, hasOutboxEntries: false)
      }
      try write(read.map { .logged($0.logged, $0.position) })
    }
  }

  /// Projects deliveries step by step; between the steps others get through.
  private func write(_ items: [ProjectionBatches.Item]) throws {
    var rest = items[...]
    while !rest.isEmpty {
      let step = try batches.withLock { try $0.step(rest) }
      reached(step.position, hasOutboxEntries: step.hasOutboxEntries)
      rest = rest.drop { item in step.position.map { item.position <= $0 } ?? false }
    }
  }

  /// One step for followers of names that lead elsewhere than before, while no deliveries wait.
  ///
  /// - Returns: false where there was nothing to do.
  private func workOffPending() throws -> Bool {
    let step = try batches.withLock { batches -> (position: LogPosition?, hasOutboxEntries: Bool)? in
      guard batches.hasPendingWork else { return nil }
      return try batches.step([])
    }
    guard let step else { return false }
    reached(step.position, hasOutboxEntries: step.hasOutboxEntries)
    return true
  }

  private func reached(_ position: LogPosition?, hasOutboxEntries: Bool) {
    let reached = state.withLock { state in
      state.projected = position
      state.waitingSince = position.map { $0 < state.recorded ?? $0 } ?? true ? .now : nil
      return Self.takeWaiters(upTo: position, from: &state)
    }
    for waiter in reached { waiter.signal() }
    if hasOutboxEntries { onOutboxEntry() }
  }

  private static func takeWaiters(upTo position: LogPosition?, from state: inout State) -> [DispatchSemaphore] {
    guard let position else { return [] }
    let reached = state.waiters.filter { $0.position <= position }
    state.waiters.removeAll { $0.position <= position }
    return reached.map(\.semaphore)
  }

  /// Counts the ends whose grace period is over, unless a batch is being projected, which does it as well.
  package func countEnds() throws {
    // Deliveries get in between.
    for _ in 0..<Self.longestCounting {
      guard try batches.withLockIfAvailable({ try $0.countEnds() }) == false else { return }
    }
  }

  /// Steps of counting for one scrape.
  private static let longestCounting = 100

  /// Writes what was counted since the last batch of deliveries: those that were duplicate or refused.
  package func keepCounts() throws {
    try batches.withLock { try $0.keepCounts() }
  }

  /// Forgets everything but the counters that must only grow; for the mock tracer's reset, with a store in memory.
  package func reset(_ clear: () -> Void) {
    batches.withLock { batches in
      clear()
      batches.reset()
    }
    state.withLock { $0.projected = nil }
  }
}
