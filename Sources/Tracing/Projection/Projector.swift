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
    var projected: LogPosition?
    /// The position up to which all small deliveries are projected, if that is later.
    var projectedSmall: LogPosition?
    /// The last known position in the log.
    var recorded: LogPosition?
    /// When deliveries began to wait, or when the last step made progress if later; nil if none wait.
    var waitingSince: ContinuousClock.Instant?
    /// The error of the last attempt; nil if it succeeded.
    var failure: String?
    var waiters: [(position: LogPosition, isForLarge: Bool, semaphore: DispatchSemaphore)] = []
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
      state.recorded = deliveries.last?.position ?? state.recorded
      if state.waitingSince == nil { state.waitingSince = .now }
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

  /// The position up to which deliveries are projected; nil before the first.
  package var projected: LogPosition? { state.withLock { $0.projected } }

  /// Blocks until all deliveries up to a position are projected.
  ///
  /// - Parameters:
  ///   - limit: The longest time to wait.
  ///   - largeLimit: The longest time to wait for large deliveries, which may have very many events; nil for `limit`.
  /// - Returns: False if a time limit passed first.
  @discardableResult
  package func wait(for position: LogPosition, atMost limit: Duration, forLarge largeLimit: Duration? = nil) -> Bool {
    guard let largeLimit, largeLimit < limit else { return wait(for: position, atMost: limit, isForLarge: true) }
    return wait(for: position, atMost: largeLimit, isForLarge: true)
      || wait(for: position, atMost: limit - largeLimit, isForLarge: false)
  }

  private func wait(for position: LogPosition, atMost limit: Duration, isForLarge: Bool) -> Bool {
    let semaphore = DispatchSemaphore(value: 0)
    let isDone = state.withLock { state in
      let reached = isForLarge ? state.projected : later(state.projectedSmall, state.projected)
      if let reached, reached >= position { return true }
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
    let end = try? log.lastPosition()
    let reached = state.withLock { state in
      state.projected = start
      state.recorded = max(state.recorded ?? LogPosition(rawValue: 0), end ?? LogPosition(rawValue: 0))
      if let recorded = state.recorded, recorded > start ?? LogPosition(rawValue: 0) { state.waitingSince = .now }
      return Self.takeWaiters(upTo: start, from: &state)
    }
    // Callers may have started to wait before the position of the store was known.
    for waiter in reached { waiter.signal() }
    var failures = 0
    var lastWrite = DispatchTime(uptimeNanoseconds: 0)
    while true {
      let (deliveries, mustReadLog, isStopping, isAwaited) = takeWork()
      if deliveries.isEmpty, !mustReadLog {
        // Pending followers are stored. The next start continues with them.
        if isStopping { return }
        do {
          if try !workOffPending() { work.wait() }
        } catch {
          // The store could not be read or written. Retry after a pause.
          if let heldBack = errorLines.pass("followers") {
            logger.log(.error, "cannot check subjects again whose parent may have changed: \(error)") {
              $0.member("similarBefore", heldBack)
            }
          }
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

  private func catchUp() throws {
    let end = try log.lastPosition()
    while let end, projected.map({ $0 < end }) ?? true {
      let read = try log.read(after: projected, limit: configuration.batchLimit, byteLimit: configuration.queueByteLimit)
      guard !read.isEmpty else {
        // The rest of the log is damaged, and the log has reported that.
        try batches.withLock { try $0.pass(upTo: end) }
        return reached(end, hasOutboxEntries: false)
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
      let small = rest.prefix { $0.logged == nil || $0.isLarge }.last?.position
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
    let step = try batches.withLock { batches -> (position: LogPosition?, hasOutboxEntries: Bool)? in
      guard batches.hasPendingWork else { return nil }
      return try batches.step([])
    }
    guard let step else { return false }
    reached(step.position, hasOutboxEntries: step.hasOutboxEntries)
    return true
  }

  /// - Parameter small: The position up to which all small deliveries are projected, if that is later.
  private func reached(_ position: LogPosition?, small: LogPosition? = nil, hasOutboxEntries: Bool) {
    let reached = state.withLock { state in
      state.projected = position
      state.projectedSmall = later(small, position)
      state.waitingSince = position.map { $0 < state.recorded ?? $0 } ?? true ? .now : nil
      return Self.takeWaiters(upTo: position, from: &state)
    }
    for waiter in reached { waiter.signal() }
    onStep()
    if hasOutboxEntries { onOutboxEntry() }
  }

  private static func takeWaiters(upTo position: LogPosition?, from state: inout State) -> [DispatchSemaphore] {
    let small = later(state.projectedSmall, position)
    func isReached(_ waiter: (position: LogPosition, isForLarge: Bool, semaphore: DispatchSemaphore)) -> Bool {
      (waiter.isForLarge ? position : small).map { waiter.position <= $0 } ?? false
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
    }
  }
}

/// Returns the later position. Nil is before all others.
private func later(_ left: LogPosition?, _ right: LogPosition?) -> LogPosition? {
  guard let left, let right else { return left ?? right }
  return left < right ? right : left
}
