import Dispatch
import Synchronization
package import ValueStreamCore

/// Projects recorded deliveries into the span store, in the order of the log, continuing where it stopped.
///
/// Normally, intake passes deliveries in memory. After a start, an overflow of the queue, or an error, the projector reads
/// them from the log instead. The stored position of the last written batch shows which deliveries are done.
package final class Projector: DeliverySink {
  package struct Configuration: Sendable {
    /// True to project on the caller's thread, before the delivery is answered. Only for stores in memory.
    package var isImmediate = false
    /// The most deliveries, and bytes of their bodies, that wait in memory. Beyond that, deliveries are read from the log.
    package var queueLimit = 4096
    package var queueByteLimit = 32 << 20
    /// The most deliveries that are projected at once.
    package var batchLimit = 512
    /// The least time between two batches, so that they fill up. Ignored while a caller waits for a position.
    package var pause = Duration.milliseconds(20)
    /// How often to look for deliveries that other processes have appended to the log; nil if no other process does.
    package var pollInterval: Duration?
    /// How long after the last recorded delivery such a look includes what this process has appended. Nobody is told of a commit
    /// whose outcome was unknown.
    package var silence = Duration.seconds(1)
    /// The longest pause before a retry after an error of the log or store. Pauses double up to it.
    package var longestRetryPause = Duration.seconds(10)

    package init() {}
  }

  private struct State {
    var queue: [RecordedDelivery] = []
    var queuedBytes = 0
    /// True if the log may hold deliveries that are not in the queue.
    var mustReadLog = true
    var isStopping = false
    var projected: LogCoverage?
    /// What is projected if large deliveries are left out of account.
    var projectedSmall: LogCoverage?
    /// The writer of the log whose deliveries come through ``recorded(_:)``, and when the last one came. A log that takes another
    /// writer never continues the one before.
    var own: (writer: UInt64, last: ContinuousClock.Instant)?
    /// How far the log is known to go.
    var recorded: LogCoverage?
    /// When deliveries began to wait, or when the last step made progress if later; nil if none wait.
    var waitingSince: ContinuousClock.Instant?
    /// How far the log went at some time. The time that passes until this is projected is the delay. Nil if nothing waits.
    var mark: (end: LogCoverage, time: ContinuousClock.Instant)?
    /// The delay of the mark before.
    var lastDelay = 0.0
    /// The error of the last attempt; nil if it succeeded.
    var failure: String?
    var waiters: [(position: LogCoverage, isForLarge: Bool, semaphore: DispatchSemaphore)] = []
  }

  private let log: any DeliveryLog
  private let batches: Mutex<ProjectionBatches>
  private let configuration: Configuration
  private let logger: Logger
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let errorLines = LogThrottle()
  private let onStep: @Sendable () -> Void
  private let onOutboxEntry: @Sendable () -> Void

  /// Creates a projector. Call ``run()`` on a thread of its own to start it, unless it projects immediately.
  ///
  /// - Parameters:
  ///   - onStep: Called after each written step.
  ///   - onOutboxEntry: Called after each written step that added entries to the outbox.
  package init(
    log: any DeliveryLog, batches: ProjectionBatches, configuration: Configuration = Configuration(),
    logger: Logger, onStep: @escaping @Sendable () -> Void = {}, onOutboxEntry: @escaping @Sendable () -> Void = {}
  ) {
    self.log = log
    self.batches = Mutex(batches)
    self.configuration = configuration
    self.logger = logger
    self.onStep = onStep
    self.onOutboxEntry = onOutboxEntry
  }

  // MARK: Receiving deliveries

  package func recorded(_ deliveries: [RecordedDelivery]) {
    if configuration.isImmediate {
      projectImmediately(deliveries)
      return
    }
    let hasNews = state.withLock { state in
      if let last = deliveries.last {
        state.recorded = state.recorded.union(LogCoverage(last.position))
        state.own = (last.position.writer, .now)
      }
      if state.waitingSince == nil { state.waitingSince = .now }
      if state.mark == nil { state.mark = state.recorded.map { ($0, .now) } }
      // The loop will read the log anyway. A signal would end its pause after an error too early.
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

  /// The seconds since the last progress while deliveries wait, and the error of the last attempt; nil if none wait.
  package var stall: (seconds: Double, failure: String?)? {
    state.withLock { state in state.waitingSince.map { ($0.duration(to: .now).inSeconds, state.failure) } }
  }

  /// The seconds from the recording of a delivery until it is projected, as of the latest ones, or of those that wait. Large
  /// deliveries, which have very many events, are left out. 0 if none wait.
  package var delay: Double {
    state.withLock { state in state.mark.map { max(state.lastDelay, $0.time.duration(to: .now).inSeconds) } ?? 0 }
  }

  /// What is projected of the log; nil before the first delivery.
  package var projected: LogCoverage? { state.withLock { $0.projected } }

  /// Blocks until all these deliveries of the log are projected.
  ///
  /// - Parameters:
  ///   - limit: The longest time to wait.
  ///   - largeLimit: The longest time to wait for large deliveries, which may have very many events; nil for `limit`.
  /// - Returns: False if a time limit passed first.
  @discardableResult
  package func wait(for position: LogCoverage, atMost limit: Duration, forLarge largeLimit: Duration? = nil) -> Bool {
    guard let largeLimit, largeLimit < limit else { return wait(for: position, atMost: limit, isForLarge: true) }
    return wait(for: position, atMost: largeLimit, isForLarge: true)
      || wait(for: position, atMost: limit - largeLimit, isForLarge: false)
  }

  private func wait(for position: LogCoverage, atMost limit: Duration, isForLarge: Bool) -> Bool {
    let semaphore = DispatchSemaphore(value: 0)
    let isDone = state.withLock { state in
      let reached = isForLarge ? state.projected : state.projectedSmall.union(state.projected)
      if reached.covers(position) { return true }
      state.waiters.append((position, isForLarge, semaphore))
      return false
    }
    if isDone { return true }
    work.signal()
    let isInTime = semaphore.wait(timeout: .now() + limit.inSeconds) == .success
    if !isInTime { state.withLock { state in state.waiters.removeAll { $0.semaphore === semaphore } } }
    return isInTime
  }

  // MARK: The loop

  /// Projects deliveries until ``stop()``, then finishes the queue and returns. Blocks, so call it on a thread of its own.
  ///
  /// Logs errors and retries with growing pauses. After ``stop()``, an error ends it early. The next start then reads the rest
  /// from the log.
  package func run() {
    let start = batches.withLock { $0.position }
    let end = try? log.coverage()
    let reached = state.withLock { state in
      state.projected = start
      state.recorded = state.recorded.union(end)
      if let recorded = state.recorded, !start.covers(recorded) {
        state.waitingSince = .now
        state.mark = (recorded, .now)
      }
      return Self.takeWaiters(upTo: start, from: &state)
    }
    // Callers may have started to wait before the position of the store was known.
    for waiter in reached { waiter.signal() }
    var failures = 0
    var lastWrite = DispatchTime(uptimeNanoseconds: 0)
    var lastPoll = DispatchTime(uptimeNanoseconds: 0)
    while true {
      let (deliveries, mustReadLog, isStopping, isAwaited) = takeWork()
      if deliveries.isEmpty, !mustReadLog {
        // Pending followers are stored. The next start continues with them.
        if isStopping { return }
        do {
          if isPollDue(since: lastPoll, isAwaited: isAwaited) {
            try projectOthers()
            lastPoll = .now()
            if failures > 0 { state.withLock { $0.failure = nil } }
            failures = 0
          }
          if try !workOffPending() { waitForWork() }
        } catch {
          // The store could not be read or written. Retry after a pause.
          if let heldBack = errorLines.pass("followers") {
            logger.log(.error, "cannot project what waits: \(error)") {
              $0.member("similarBefore", heldBack)
            }
          }
          state.withLock { $0.failure = "\(error)" }
          _ = work.wait(timeout: .now() + configuration.longestRetryPause.inSeconds)
        }
        continue
      }
      if !isAwaited, !isStopping, deliveries.count < configuration.batchLimit { pause(since: lastWrite) }
      do {
        if mustReadLog {
          try catchUp()
        } else {
          try write((deliveries + takeMore(upTo: configuration.batchLimit)).map { .recorded($0) }, isInterleaving: true)
        }
        if isPollDue(since: lastPoll, isAwaited: isAwaited) {
          try projectOthers()
          lastPoll = .now()
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

  /// Makes ``run()`` finish the queue and return.
  package func stop() {
    state.withLock { $0.isStopping = true }
    work.signal()
  }

  private func takeWork() -> (deliveries: [RecordedDelivery], mustReadLog: Bool, isStopping: Bool, isAwaited: Bool) {
    state.withLock { state in
      let mustReadLog = state.mustReadLog
      // New deliveries go to the queue again. Those that are also read from the log are skipped by their position.
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
    // A new delivery only joins the batch. A waiting caller or a stop ends the pause.
    while work.wait(timeout: deadline) == .success {
      if state.withLock({ !$0.waiters.isEmpty || $0.isStopping }) { break }
    }
  }

  private func waitForWork() {
    if let interval = configuration.pollInterval {
      _ = work.wait(timeout: .now() + interval.inSeconds)
    } else {
      work.wait()
    }
  }

  /// True if it is time to look for deliveries of other processes. A caller that waits may wait for one of them.
  private func isPollDue(since last: DispatchTime, isAwaited: Bool) -> Bool {
    guard let interval = configuration.pollInterval else { return false }
    let elapsed = Int64(clamping: DispatchTime.now().uptimeNanoseconds &- last.uptimeNanoseconds)
    return isAwaited || elapsed >= interval.nanoseconds
  }

  /// Projects what other processes have appended to the log.
  private func projectOthers() throws {
    let own = state.withLock { state in
      state.own.flatMap { $0.last.duration(to: .now) < configuration.silence ? $0.writer : nil }
    }
    let end = LogCoverage((try log.coverage()?.ends ?? []).filter { $0.writer != own })
    guard !projected.covers(end) else { return }
    state.withLock { $0.recorded = $0.recorded.union(end) }
    let ownEnds = own.map { LogCoverage(LogPosition(writer: $0, number: LogPosition.numberLimit)) }
    while !projected.covers(end), !state.withLock(\.isStopping) {
      let read = try log.read(
        after: projected.union(ownEnds), limit: configuration.batchLimit, byteLimit: configuration.queueByteLimit)
      guard !read.isEmpty else {
        // The rest is damaged, and the log has reported that.
        try batches.withLock { try $0.pass(upTo: end) }
        return reached(batches.withLock { $0.position }, hasOutboxEntries: false)
      }
      try write(read.map { .logged($0.logged, $0.position) })
    }
  }

  private func catchUp() throws {
    let end = try log.coverage()
    while let end, !projected.covers(end) {
      let read = try log.read(after: projected, limit: configuration.batchLimit, byteLimit: configuration.queueByteLimit)
      guard !read.isEmpty else {
        // The rest of the log is damaged, and the log has reported that.
        try batches.withLock { try $0.pass(upTo: end) }
        return reached(batches.withLock { $0.position }, hasOutboxEntries: false)
      }
      try write(read.map { .logged($0.logged, $0.position) })
    }
  }

  /// Projects deliveries step by step. Releases the lock between steps, so that other threads can proceed.
  ///
  /// - Parameter isInterleaving: True to take more deliveries from the queue between steps, and to project small ones first.
  ///   `items` are the first of the queue then.
  private func write(_ items: [ProjectionBatches.Item], isInterleaving: Bool = false) throws {
    var rest = items
    while !rest.isEmpty {
      let (step, remaining) = try batches.withLock { batches in
        let step = try batches.step(rest[...], isInterleaving: isInterleaving)
        return (step, batches.remaining(of: rest))
      }
      rest = remaining
      let small = rest.prefix { $0.logged == nil || $0.isLarge }.map(\.position).coverage
      reached(step.position, small: small, hasOutboxEntries: step.hasOutboxEntries)
      guard isInterleaving, !rest.isEmpty, rest.count < configuration.queueLimit else { continue }
      let bytes = rest.reduce(0) { $0 + ($1.logged?.delivery.body.count ?? 0) }
      if bytes < configuration.queueByteLimit { rest += takeMore(upTo: configuration.batchLimit).map { .recorded($0) } }
    }
  }

  /// Runs one step for pending followers, while no deliveries wait.
  ///
  /// - Returns: False if none were pending.
  private func workOffPending() throws -> Bool {
    let step = try batches.withLock { batches -> (position: LogCoverage?, hasOutboxEntries: Bool)? in
      guard batches.hasPendingWork else { return nil }
      return try batches.step([])
    }
    guard let step else { return false }
    reached(step.position, hasOutboxEntries: step.hasOutboxEntries)
    return true
  }

  /// - Parameter small: Further deliveries that are projected or large.
  private func reached(_ position: LogCoverage?, small: LogCoverage? = nil, hasOutboxEntries: Bool) {
    let reached = state.withLock { state in
      state.projected = position
      state.projectedSmall = small.union(position)
      state.waitingSince = position == nil || !position.covers(state.recorded ?? LogCoverage()) ? .now : nil
      Self.moveMark(of: &state)
      return Self.takeWaiters(upTo: position, from: &state)
    }
    for waiter in reached { waiter.signal() }
    onStep()
    if hasOutboxEntries { onOutboxEntry() }
  }

  private static func moveMark(of state: inout State) {
    let reached = state.projectedSmall.union(state.projected)
    guard let mark = state.mark, reached.covers(mark.end) else { return }
    state.lastDelay = mark.time.duration(to: .now).inSeconds
    state.mark = state.recorded.flatMap { reached.covers($0) ? nil : ($0, .now) }
    if state.mark == nil { state.lastDelay = 0 }
  }

  private static func takeWaiters(upTo position: LogCoverage?, from state: inout State) -> [DispatchSemaphore] {
    let small = state.projectedSmall.union(position)
    func isReached(_ waiter: (position: LogCoverage, isForLarge: Bool, semaphore: DispatchSemaphore)) -> Bool {
      (waiter.isForLarge ? position : small).covers(waiter.position)
    }
    let reached = state.waiters.filter(isReached)
    state.waiters.removeAll(where: isReached)
    return reached.map(\.semaphore)
  }

  /// Counts ends whose grace period is over. Does nothing while a batch is being projected, because each batch does so too.
  ///
  /// - Throws: ``StoreError`` if the counts cannot be written. The next call or batch writes them.
  package func countEnds() throws {
    // Each step releases the lock, so that deliveries can proceed.
    for _ in 0..<Self.longestCounting {
      guard try batches.withLockIfAvailable({ try $0.countEnds() }) == false else { return }
    }
  }

  /// The most counting steps in one call, so that a scrape does not take too long.
  private static let longestCounting = 100

  /// Writes counters that changed since the last batch, such as those of duplicate or refused deliveries.
  package func keepCounts() throws {
    try batches.withLock { try $0.keepCounts() }
  }

  /// Resets the projection but keeps its counters, which must only grow. For the mock tracer's reset with a store in memory.
  ///
  /// - Parameter clear: Clears the store. Runs while no batch is being projected.
  package func reset(_ clear: () -> Void) {
    batches.withLock { batches in
      clear()
      batches.reset()
    }
    state.withLock { state in
      state.projected = nil
      state.projectedSmall = nil
      state.mark = nil
    }
  }
}
