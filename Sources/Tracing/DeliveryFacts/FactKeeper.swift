package import ValueStreamCore

/// Keeps facts up to date with the subjects from which they derive.
///
/// Each ``step(now:)`` takes changed subjects from the store, computes their facts and those that change with them, and
/// writes them. A step is bounded. What it leaves is stored with it, so nothing is lost if the process is killed.
///
/// Facts do not depend on the order in which subjects change. The effects that are followed:
///
/// - a deploy: the later deploys of the service to the environment, and the incidents that began after it;
/// - a push: the deploys of its commits, the deploys of its repository that ended after it, the changes with its commits;
/// - a change: the deploys that brought it, those that bring it now, its issue, and the change that reverts it;
/// - an issue: the changes for it, if its type changes; a run: its jobs, if its change changes.
///
/// A push or a change that arrives late may concern many deploys. They wait as one entry for each service, the time from
/// which its deploys must be computed again, until no changed subjects wait. An import from newest to oldest thus
/// computes each deploy once. If nothing was deployed after that time, as is usual, there is nothing to wait for.
///
/// These effects are not followed, because no index leads there, and they are rare. They show when the facts of the
/// subject are computed next:
///
/// - the trace of a subject (``FactSubject/traceID``): it is that of the time of the computation;
/// - the commit of a run above a deploy or job that names none itself, if it is told later than the deploy;
/// - an abbreviated commit that turns out to be ambiguous;
/// - a push, told after the deploys of later commits, if the clock of the deploys is behind by more than was ever seen in
///   the repository;
/// - a change merged into a branch before that branch was merged in turn, if it is told later, except for the first one.
package struct FactKeeper: Sendable {
  /// Bounds for the work of one step.
  package struct Limits: Sendable, Hashable {
    /// Changed subjects to take from the store.
    package var pending: Int
    /// Subjects to compute besides.
    package var affected: Int

    package init(pending: Int = 256, affected: Int = 64) {
      self.pending = max(1, pending)
      self.affected = max(1, affected)
    }
  }

  private let store: any SpanReading & FactStore
  private let strategy: TraceStrategy
  private let rules: FactRules
  private let limits: Limits
  /// Nil until it is read from the store, and after a failed step.
  private var memory: FactMemory?
  /// The number of steps since deploys were last computed in order of time.
  private var stepsWithoutOrder = 0
  /// The number of subjects that the last step computed.
  package private(set) var lastComputedCount = 0

  /// - Parameter strategy: must be that of all readers of the store.
  package init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules = FactRules(), limits: Limits = Limits()
  ) {
    self.store = store
    self.strategy = strategy
    self.rules = rules
    self.limits = limits
  }

  /// Computes and writes a bounded number of facts. Blocks.
  ///
  /// Computes a subject once, however often it changed since the last step. So wait a second after a change, unless
  /// somebody asks for facts.
  ///
  /// - Returns: true if more work waits.
  /// - Throws: ``StoreError``. Nothing was changed then, and a later call continues.
  package mutating func step(now: Timestamp) throws -> Bool {
    lastComputedCount = 0
    var memory = try self.memory.take() ?? load()
    let pending = try store.pendingFacts(limit: limits.pending)
    if pending.isEmpty, memory.work.isEmpty {
      self.memory = memory
      return false
    }
    // The step owns the memory while it changes. If the step fails, the next one reads it again.
    var step = FactStep(store: store, strategy: strategy, rules: rules, memory: memory, now: now)
    memory = FactMemory()
    if !pending.isEmpty { try step.take(pending) }
    // While changes arrive all the time, as from an import, the times from which deploys are computed again get earlier.
    let isQuiet = pending.isEmpty || stepsWithoutOrder >= Self.longestWait
    if !pending.hasMore { try step.workOff(atMost: limits.affected, includingDeploys: isQuiet) }
    stepsWithoutOrder = isQuiet && !pending.hasMore ? 0 : stepsWithoutOrder + 1
    let (changes, next) = step.finish()
    try store.write(changes)
    lastComputedCount = step.computedCount
    self.memory = next
    return pending.hasMore || !next.work.isEmpty
  }

  /// The number of steps with changed subjects after which deploys are computed in order even so.
  private static let longestWait = 16

  private func load() throws -> FactMemory {
    let memory = FactMemory(try store.factValues(), rules: rules)
    // Facts follow the rules with which they were computed.
    if memory.hasOtherRules { try store.recomputeFacts() }
    return memory
  }
}
