import DeliveryFacts
import Dispatch
package import PoisonGuard
import Synchronization
package import ValueStreamCore

/// Keeps facts up to date on a thread of its own, soon after the projection has changed.
///
/// The projector calls ``wake()`` after each step. The worker pauses first, so that it computes a subject once that
/// changes several times, and then takes steps until no work waits. A caller of ``wait(atMost:)`` ends the pause.
package final class FactWorker: Sendable {
  package struct Configuration: Sendable {
    /// How long changes wait so that more can join them.
    package var pause = Duration.milliseconds(250)
    /// The longest pause before a retry after an error of the store. Pauses double up to it.
    package var longestRetryPause = Duration.seconds(10)
    /// The time between log lines that tell how many stored subjects remain.
    package var progressInterval = Duration.seconds(30)

    package init() {}
  }

  private struct Keeping {
    var keeper: FactKeeper
    /// Takes one subject at a time, after a crash during a step. Nil if there was none.
    var narrow: FactKeeper?
    /// The number of steps of `narrow`.
    var narrowCount = 0
  }

  private struct State {
    var hasNews = true
    var isStopping = false
    /// True if the work that waits crashes the process.
    var isOff = false
    /// The number of the last caller that waits, and the callers.
    var lastWaiter: UInt64 = 0
    var waiters: [(number: UInt64, waiter: Waiter)] = []
    /// When changes began to wait; nil if none do.
    var waitingSince: ContinuousClock.Instant?
  }

  private final class Waiter: Sendable {
    let semaphore = DispatchSemaphore(value: 0)
    let isComplete = Atomic(false)
  }

  private let store: any SpanReading & FactStore
  private let makeKeeper: @Sendable (FactKeeper.Limits) -> FactKeeper
  private let keeping: Mutex<Keeping>
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let clock: any WallClock
  private let logger: Logger
  private let poisonGuard: PoisonGuard
  private let configuration: Configuration
  private let errorLines = LogThrottle()

  private let waitingBatches: MetricFamily
  private let remainingSubjects: MetricFamily
  private let lag: MetricFamily
  private let computed: MetricFamily
  private let onComputed: @Sendable () -> Void

  /// The limits of a step after a crash, and the number of such steps that reach what an ordinary step does.
  private static let narrowLimits = FactKeeper.Limits(pending: 1, affected: 1)
  private static let narrowSteps = 1024

  /// Creates a worker. Call ``run()`` on a thread of its own to start it.
  ///
  /// - Parameters:
  ///   - strategy: must be that of all readers of the store.
  ///   - poisonGuard: marks each step.
  ///   - onComputed: called after each step that computed facts. Must not block.
  package init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules, registry: MetricRegistry, clock: any WallClock,
    logger: Logger, poisonGuard: PoisonGuard = PoisonGuard(), configuration: Configuration = Configuration(),
    onComputed: @escaping @Sendable () -> Void = {}
  ) {
    self.onComputed = onComputed
    self.store = store
    self.clock = clock
    self.logger = logger
    self.poisonGuard = poisonGuard
    self.configuration = configuration
    makeKeeper = { FactKeeper(store: store, strategy: strategy, rules: rules, limits: $0) }
    keeping = Mutex(Keeping(keeper: makeKeeper(FactKeeper.Limits())))
    waitingBatches = registry.family(
      .gauge, "valuestream_facts_waiting_batches", help: "Batches of changes whose facts are not computed yet.")
    remainingSubjects = registry.family(
      .gauge, "valuestream_facts_remaining_subjects",
      help: "Stored subjects whose facts are not computed since an upgrade or a change of rules, at most.")
    lag = registry.family(
      .gauge, "valuestream_facts_lag_seconds", help: "How long the oldest change has waited for its facts; 0 if none waits.")
    computed = registry.family(
      .counter, "valuestream_facts_computed_subjects_total", help: "Subjects whose facts were computed since the start.")
  }

  // MARK: Callers

  /// Tells that the projection has changed. Cheap.
  package func wake() {
    let isFirst = state.withLock { state in
      if state.waitingSince == nil { state.waitingSince = .now }
      defer { state.hasNews = true }
      return !state.hasNews
    }
    if isFirst { work.signal() }
  }

  /// Blocks until the facts of everything that is projected are computed.
  ///
  /// Does not wait for the subjects of a store that is computed anew. They may take long.
  ///
  /// - Returns: false if the time limit passed first, or if such subjects remain.
  @discardableResult
  package func wait(atMost limit: Duration) -> Bool {
    let waiter = Waiter()
    let isOff = state.withLock { state in
      if state.isOff || state.isStopping { return true }
      state.lastWaiter += 1
      state.waiters.append((state.lastWaiter, waiter))
      return false
    }
    if isOff { return false }
    work.signal()
    guard waiter.semaphore.wait(timeout: .now() + limit.inSeconds) == .success else {
      state.withLock { state in state.waiters.removeAll { $0.waiter === waiter } }
      return false
    }
    return waiter.isComplete.load(ordering: .acquiring)
  }

  /// Resets the store, between two steps.
  package func reset(_ clear: () -> Void) {
    keeping.withLock { keeping in
      clear()
      keeping.keeper = makeKeeper(FactKeeper.Limits())
    }
  }

  /// Updates the gauges before a scrape.
  package func refreshGauges() {
    if let progress = try? store.factProgress() {
      waitingBatches.set(Double(progress.waitingBatches))
      remainingSubjects.set(Double(progress.remainingSubjects))
    }
    lag.set(state.withLock(\.waitingSince)?.duration(to: .now).inSeconds ?? 0)
  }

  /// True if changes wait to be computed, or computed facts concern others that are not computed yet.
  package var hasWork: Bool { state.withLock { $0.hasNews || $0.waitingSince != nil } }

  /// Makes ``run()`` return after the current step. The store keeps the rest of the work.
  package func stop() {
    state.withLock { $0.isStopping = true }
    work.signal()
  }

  // MARK: The loop

  /// Computes facts until ``stop()``. Blocks, so call it on a thread of its own.
  package func run() {
    var failures = 0
    defer { release(upTo: .max, isComplete: false) }
    while true {
      let (isStopping, hasWork, isAwaited) = state.withLock { state in
        (state.isStopping, !state.isOff && (state.hasNews || !state.waiters.isEmpty), !state.waiters.isEmpty)
      }
      if isStopping { return }
      guard hasWork else {
        work.wait()
        continue
      }
      if !isAwaited { pause(for: configuration.pause) }
      do {
        try takeSteps()
        failures = 0
      } catch {
        failures += 1
        state.withLock { $0.hasNews = true }
        if let heldBack = errorLines.pass() {
          logger.log(.error, "cannot compute facts, will try again: \(error)") { $0.member("similarBefore", heldBack) }
        }
        let rest = min(configuration.longestRetryPause.inSeconds, 0.1 * Double(1 << min(failures, 7)))
        _ = work.wait(timeout: .now() + rest)
      }
    }
  }

  /// Waits, unless a caller waits for facts or the worker is to stop.
  private func pause(for duration: Duration) {
    let deadline = DispatchTime.now() + duration.inSeconds
    while !state.withLock({ $0.isStopping || !$0.waiters.isEmpty }), work.wait(timeout: deadline) == .success {}
  }

  /// Takes steps until no work waits.
  private func takeSteps() throws {
    var remaining = try store.factProgress().remainingSubjects
    if remaining > 0 { logger.info("computes the facts of \(remaining) stored subjects, for reports") }
    let isRecomputing = remaining > 0
    var loggedAt = ContinuousClock.now
    while true {
      // What changed before a step begins is in it, or in a later one.
      let number = state.withLock { state in
        state.hasNews = false
        return state.lastWaiter
      }
      guard try keeping.withLock({ try step(&$0) }) else {
        release(upTo: number, isComplete: true)
        break
      }
      let (isStopping, isAwaited) = state.withLock { ($0.isStopping, !$0.waiters.isEmpty) }
      if isStopping { return }
      let isDue = loggedAt.duration(to: .now) >= configuration.progressInterval
      guard isAwaited || isDue else { continue }
      let progress = try store.factProgress()
      if isAwaited, progress.waitingBatches == 0, progress.remainingSubjects > 0 {
        release(upTo: number, isComplete: false)
      }
      if isDue, progress.remainingSubjects > 0 {
        remaining = progress.remainingSubjects
        logger.info("computes facts: at most \(remaining) stored subjects remain")
        loggedAt = .now
      }
    }
    state.withLock { $0.waitingSince = $0.hasNews ? .now : nil }
    if isRecomputing { logger.info("the facts of all stored subjects are computed") }
  }

  private func release(upTo number: UInt64, isComplete: Bool) {
    let released = state.withLock { state in
      let released = state.waiters.filter { $0.number <= number }
      state.waiters.removeAll { $0.number <= number }
      return released
    }
    for (_, waiter) in released {
      waiter.isComplete.store(isComplete, ordering: .releasing)
      waiter.semaphore.signal()
    }
  }

  // MARK: Steps

  /// - Returns: true if more work waits.
  private func step(_ keeping: inout Keeping) throws -> Bool {
    guard poisonGuard.hasSuspects(PoisonGuard.facts) else {
      if keeping.narrow != nil {
        keeping.narrow = nil
        // It has read the work that the other one has done meanwhile.
        keeping.keeper = makeKeeper(FactKeeper.Limits())
      }
      let hasMore = try poisonGuard.run(PoisonGuard.facts, 0...UInt64.max) { try keeping.keeper.step(now: clock.now()) }
      note(keeping.keeper.lastComputedCount)
      return hasMore
    }
    return try narrowStep(&keeping)
  }

  private func note(_ count: Int) {
    computed.add(Double(count))
    if count > 0 { onComputed() }
  }

  /// Takes a step with one subject, after a crash, and passes over a subject that has crashed the process several times.
  private func narrowStep(_ keeping: inout Keeping) throws -> Bool {
    var narrow = keeping.narrow.take() ?? makeKeeper(Self.narrowLimits)
    let pending = try store.pendingFacts(limit: 1)
    let item = pending.ticket?.rawValue ?? 0
    if poisonGuard.isPoison(PoisonGuard.facts, item) {
      keeping.narrow = narrow
      guard let ticket = pending.ticket else {
        logger.error("facts are not computed any more: what waits has crashed vsd \(PoisonGuard.deathLimit) times")
        state.withLock { $0.isOff = true }
        release(upTo: .max, isComplete: false)
        return false
      }
      let names = (pending.subjects.values.map(\.description) + pending.branches.keys.map(\.description)).joined(separator: ", ")
      logger.error("the facts of \(names) are not computed: they have crashed vsd \(PoisonGuard.deathLimit) times")
      var changes = FactChanges()
      changes.completed = ticket
      try store.write(changes)
      poisonGuard.pass(PoisonGuard.facts, item)
      return true
    }
    let hasMore = try poisonGuard.run(PoisonGuard.facts, item...item) { try narrow.step(now: clock.now()) }
    note(narrow.lastComputedCount)
    poisonGuard.pass(PoisonGuard.facts, item)
    keeping.narrow = narrow
    keeping.narrowCount += 1
    if !hasMore || keeping.narrowCount >= Self.narrowSteps {
      poisonGuard.pass(PoisonGuard.facts, upTo: .max)
      keeping.narrowCount = 0
    }
    return hasMore
  }
}
