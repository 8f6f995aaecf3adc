package import DeliveryFacts
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
    /// The steps that still take one item each, after an error or a crash.
    var narrowSteps = 0
    /// The number of consecutive failed steps.
    var failures = 0
  }

  private struct State {
    var hasNews = true
    var isStopping = false
    /// True if reading what waits crashes the process.
    var isOff = false
    /// The error of the last step. Nil if it succeeded.
    var failure: String?
    var setAsideCount = 0
    var waitingCount = 0
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
  private let makeKeeper: @Sendable () -> FactKeeper
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
  private let recomputations: MetricFamily
  private let setAside: MetricFamily
  private let limited: MetricFamily
  private let onComputed: @Sendable () -> Void

  /// The limits of a step after an error or a crash, and the number of such steps that reach what an ordinary step does.
  private static let narrowLimits = FactKeeper.Limits(pending: 1, affected: 1)
  private static let narrowSteps = 1024
  /// The item of the poison guard for reading what waits.
  private static let reading: UInt64 = 0
  /// The pauses between steps that exceed the allowance: so many times as long as the last one took, and the shortest.
  private static let restsOfSteps = 9
  private static let shortestRest = Duration.milliseconds(100)

  /// Creates a worker. Call ``run()`` on a thread of its own to start it.
  ///
  /// - Parameters:
  ///   - strategy: must be that of all readers of the store.
  ///   - poisonGuard: marks each step.
  ///   - allowance: how much may be computed again because of what changed. What exceeds it takes a tenth of the time at most.
  ///   - onComputed: called after each step that computed facts. Must not block.
  package init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules, registry: MetricRegistry, clock: any WallClock,
    logger: Logger, poisonGuard: PoisonGuard = PoisonGuard(), allowance: FactKeeper.Allowance = FactKeeper.Allowance(),
    configuration: Configuration = Configuration(), onComputed: @escaping @Sendable () -> Void = {}
  ) {
    self.onComputed = onComputed
    self.store = store
    self.clock = clock
    self.logger = logger
    self.poisonGuard = poisonGuard
    self.configuration = configuration
    makeKeeper = { FactKeeper(store: store, strategy: strategy, rules: rules, allowance: allowance) }
    keeping = Mutex(Keeping(keeper: makeKeeper()))
    waitingBatches = registry.family(
      .gauge, "valuestream_facts_waiting_batches", help: "Batches of changes whose facts are not computed yet.")
    remainingSubjects = registry.family(
      .gauge, "valuestream_facts_remaining_subjects",
      help: "Stored subjects whose facts are not computed since an upgrade or a change of rules, at most.")
    lag = registry.family(
      .gauge, "valuestream_facts_lag_seconds", help: "How long the oldest change has waited for its facts; 0 if none waits.")
    computed = registry.family(
      .counter, "valuestream_facts_computed_subjects_total", help: "Subjects whose facts were computed since the start.")
    recomputations = registry.family(
      .gauge, "valuestream_facts_waiting_recomputations",
      help: "Subjects, repositories, services and passes over incidents that wait to be computed again because of others.")
    setAside = registry.family(
      .counter, "valuestream_facts_set_aside_total",
      help: "Items whose facts could not be computed and that were set aside since the start, by reason.", labels: ["reason"])
    for reason in FactSetAsideReason.allCases { setAside.touch(labels: [reason.rawValue]) }
    limited = registry.family(
      .counter, "valuestream_facts_limited_total",
      help: "How often a limit of what the computation of facts remembers was exceeded since the start.", labels: ["limit"])
    for limit in FactLimit.allCases { limited.touch(labels: [limit.rawValue]) }
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
  /// Does not wait for the subjects of a store that is computed anew, nor for what exceeds the allowance. They may take long.
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
      keeping = Keeping(keeper: makeKeeper())
    }
    state.withLock { state in (state.failure, state.setAsideCount, state.waitingCount) = (nil, 0, 0) }
  }

  /// Messages for the operator about facts that are not computed.
  package var warnings: [String] {
    let (isOff, failure, count) = state.withLock { ($0.isOff, $0.failure, $0.setAsideCount) }
    var warnings: [String] = []
    if isOff {
      warnings.append("facts are not computed: to read what waits has crashed vsd \(PoisonGuard.deathLimit) times")
    } else if let failure {
      warnings.append("facts are not computed at present: \(failure)")
    }
    if count > 0 { warnings.append("the facts of \(count) items are set aside; the log names them") }
    return warnings
  }

  /// Updates the gauges before a scrape.
  package func refreshGauges() {
    if let progress = try? store.factProgress() {
      waitingBatches.set(Double(progress.waitingBatches))
      remainingSubjects.set(Double(progress.remainingSubjects))
    }
    recomputations.set(Double(state.withLock(\.waitingCount)))
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
    // When to compute more than the changes allow. Nil if nothing waits for that.
    var nextGrant: ContinuousClock.Instant?
    defer { release(upTo: .max, isComplete: false) }
    while true {
      let (isStopping, hasWork, isAwaited) = state.withLock { state in
        (state.isStopping, !state.isOff && (state.hasNews || !state.waiters.isEmpty), !state.waiters.isEmpty)
      }
      if isStopping { return }
      let isGranted = nextGrant.map { $0 <= .now } ?? false
      guard hasWork || isGranted else {
        guard let nextGrant else {
          work.wait()
          continue
        }
        _ = work.wait(timeout: .now() + ContinuousClock.now.duration(to: nextGrant).inSeconds)
        continue
      }
      if hasWork, !isAwaited { pause(for: configuration.pause) }
      let start = ContinuousClock.now
      do {
        if isGranted { keeping.withLock { $0.keeper.grant() } }
        let isExhausted = try takeSteps()
        let rest = max(start.duration(to: .now) * Self.restsOfSteps, Self.shortestRest)
        nextGrant = isExhausted ? ContinuousClock.now + rest : nil
      } catch {
        state.withLock { state in
          state.hasNews = true
          state.failure = "\(error)"
        }
        if let heldBack = errorLines.pass() {
          logger.log(.error, "cannot compute facts, will try again: \(error)") { $0.member("similarBefore", heldBack) }
        }
        rest(after: max(1, keeping.withLock(\.failures)))
      }
    }
  }

  /// Pauses after failed steps, longer after each.
  private func rest(after failures: Int) {
    let seconds = min(configuration.longestRetryPause.inSeconds, 0.1 * Double(1 << min(failures, 7)))
    _ = work.wait(timeout: .now() + seconds)
  }

  /// Waits, unless a caller waits for facts or the worker is to stop.
  private func pause(for duration: Duration) {
    let deadline = DispatchTime.now() + duration.inSeconds
    while !state.withLock({ $0.isStopping || !$0.waiters.isEmpty }), work.wait(timeout: deadline) == .success {}
  }

  /// Takes steps until no work waits.
  ///
  /// - Returns: true if work waits that exceeds the allowance.
  private func takeSteps() throws -> Bool {
    var remaining = try store.factProgress().remainingSubjects
    if remaining > 0 { logger.info("computes the facts of \(remaining) stored subjects, for reports") }
    let isRecomputing = remaining > 0
    var loggedAt = ContinuousClock.now
    var isExhausted = false
    while true {
      // What changed before a step begins is in it, or in a later one.
      let number = state.withLock { state in
        state.hasNews = false
        return state.lastWaiter
      }
      let hasMore = try step()
      let (failures, exhausted) = keeping.withLock { ($0.failures, $0.keeper.isExhausted) }
      guard hasMore else {
        isExhausted = exhausted
        release(upTo: number, isComplete: !isExhausted)
        break
      }
      if failures > 0 { rest(after: failures) }
      let (isStopping, isAwaited) = state.withLock { ($0.isStopping, !$0.waiters.isEmpty) }
      if isStopping { return false }
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
    if !isExhausted { state.withLock { $0.waitingSince = $0.hasNews ? .now : nil } }
    if isRecomputing { logger.info("the facts of all stored subjects are computed") }
    return isExhausted
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

  /// Takes one step: an ordinary one, or after an error or a crash one with a single item.
  ///
  /// An item whose facts can never be computed, or that has repeatedly crashed the process, is set aside.
  ///
  /// - Returns: true if more work waits.
  /// - Throws: ``StoreError`` if the store cannot be read or written at present.
  func step() throws -> Bool {
    try keeping.withLock { keeping in
      do {
        if poisonGuard.hasSuspects(PoisonGuard.facts), keeping.narrowSteps == 0 { keeping.narrowSteps = Self.narrowSteps }
        return try keeping.narrowSteps > 0 ? narrowStep(&keeping) : wideStep(&keeping)
      } catch {
        keeping.failures += 1
        throw error
      }
    }
  }

  private func wideStep(_ keeping: inout Keeping) throws -> Bool {
    do {
      let hasMore = try poisonGuard.run(PoisonGuard.facts, Self.reading...UInt64.max) {
        try keeping.keeper.step(now: clock.now())
      }
      noteSuccess(&keeping)
      return hasMore
    } catch let error as StoreError where error.isLasting(after: keeping.failures + 1) {
      keeping.failures += 1
      keeping.narrowSteps = Self.narrowSteps
      return true
    }
  }

  private func narrowStep(_ keeping: inout Keeping) throws -> Bool {
    if poisonGuard.isPoison(PoisonGuard.facts, Self.reading) {
      logger.error("facts are not computed any more: to read what waits has crashed vsd \(PoisonGuard.deathLimit) times")
      state.withLock { $0.isOff = true }
      release(upTo: .max, isComplete: false)
      return false
    }
    keeping.keeper.limits = Self.narrowLimits
    var current: FactItem?
    var numbers = [Self.reading]
    // The mark of each item replaces that of the one before it.
    poisonGuard.enter(PoisonGuard.facts, Self.reading...Self.reading)
    defer { poisonGuard.leave(PoisonGuard.facts) }
    var crashing: [FactItem] = []
    var hasMore = true
    do {
      hasMore = try keeping.keeper.step(now: clock.now()) { [poisonGuard] item in
        numbers.append(item.number)
        if poisonGuard.isPoison(PoisonGuard.facts, item.number) {
          crashing.append(item)
          return false
        }
        poisonGuard.enter(PoisonGuard.facts, item.number...item.number)
        current = item
        return true
      }
      for item in crashing { noteSetAside(item, .crash, "they have crashed vsd \(PoisonGuard.deathLimit) times") }
      noteSuccess(&keeping)
    } catch let error as StoreError where error.isLasting(after: keeping.failures + 1) {
      guard let current else { throw error }
      try keeping.keeper.setAside(current, .store)
      noteSetAside(current, .store, error.message)
      keeping.failures += 1
    }
    for number in numbers { poisonGuard.pass(PoisonGuard.facts, number) }
    keeping.narrowSteps -= 1
    if !hasMore || keeping.narrowSteps <= 0 {
      poisonGuard.pass(PoisonGuard.facts, upTo: .max)
      keeping.narrowSteps = 0
      keeping.keeper.limits = FactKeeper.Limits()
    }
    noteCounts(keeping.keeper)
    return hasMore
  }

  private func noteSuccess(_ keeping: inout Keeping) {
    keeping.failures = 0
    let count = keeping.keeper.lastComputedCount
    computed.add(Double(count))
    for (limit, count) in keeping.keeper.lastExceeded { limited.add(Double(count), labels: [limit.rawValue]) }
    state.withLock { $0.failure = nil }
    noteCounts(keeping.keeper)
    if count > 0 { onComputed() }
  }

  private func noteCounts(_ keeper: FactKeeper) {
    state.withLock { state in
      (state.setAsideCount, state.waitingCount) = (keeper.setAsideCount, keeper.waitingCount)
    }
  }

  private func noteSetAside(_ item: FactItem, _ reason: FactSetAsideReason, _ text: String) {
    setAside.add(labels: [reason.rawValue])
    logger.log(.error, "the facts of \(item) are not computed, and set aside: \(text)") { $0.member("reason", reason.rawValue) }
  }
}
