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
/// A push or a change that arrives late may concern many deploys. They wait as one pass for each service, from the time from
/// which its deploys must be computed again, until no changed subjects wait. An import from newest to oldest thus computes each
/// deploy once. If nothing was deployed after that time, as is usual, there is nothing to wait for.
///
/// What is computed again is bounded by what changed: see ``Allowance``.
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

  /// How much may be computed again because of what changed, in subjects.
  ///
  /// A late push may concern all later deploys of many services, and a late deploy all later incidents. Usually they are few. So
  /// that nobody makes vsd compute the whole history again with each small delivery, every changed subject gives an allowance.
  /// What exceeds it waits: the caller gives more at its own pace, with ``FactKeeper/grant()``. Meanwhile later changes join it.
  package struct Allowance: Sendable, Hashable {
    /// What a changed subject or branch adds.
    package var ofChange: Int
    /// The most that is saved for later, and what there is at the start.
    package var most: Int

    package init(ofChange: Int = 64, most: Int = 65_536) {
      self.ofChange = max(0, ofChange)
      self.most = max(0, most)
    }

    /// For programs that compute facts and end.
    package static let unlimited = Allowance(ofChange: 0, most: .max)
  }

  private let store: any SpanReading & FactStore
  private let strategy: TraceStrategy
  private let rules: FactRules
  /// The bounds for the next steps.
  package var limits: Limits
  private let allowance: Allowance
  /// What is left of the allowance. At most 0 if there is none.
  private var credit: Int
  /// Nil until it is read from the store, and after a failed step.
  private var memory: FactMemory?
  private var hasStarted = false
  /// The number of steps in which deploys or incidents waited to be computed in order of time.
  private var stepsWithoutOrder = 0
  /// The number of subjects that the last step computed.
  package private(set) var lastComputedCount = 0
  /// How often the last step exceeded each limit.
  package private(set) var lastExceeded: [FactLimit: Int] = [:]
  /// True if only work waits that exceeds the allowance.
  package private(set) var isExhausted = false
  /// The number of subjects, repositories, services and passes over incidents that wait to be computed again.
  package private(set) var waitingCount = 0
  /// The number of items that are set aside.
  package private(set) var setAsideCount = 0

  /// - Parameter strategy: must be that of all readers of the store.
  package init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules = FactRules(), limits: Limits = Limits(),
    allowance: Allowance = Allowance()
  ) {
    self.store = store
    self.strategy = strategy
    self.rules = rules
    self.limits = limits
    self.allowance = allowance
    credit = allowance.most
  }

  /// Adds to the allowance what one step needs.
  package mutating func grant() {
    credit = max(credit, min(limits.affected, allowance.most))
  }

  /// Computes and writes a bounded number of facts. Blocks.
  ///
  /// Computes a subject once, however often it changed since the last step. So wait a second after a change, unless
  /// somebody asks for facts.
  ///
  /// - Parameter admission: Asked before each item of the step. False to set the item aside. With it, a step takes changed subjects
  ///   or computes others, but not both, so that an error is due to the items asked for.
  /// - Returns: true if more work waits and the allowance is not used up.
  /// - Throws: ``StoreError``. Nothing was changed then, and a later call continues.
  package mutating func step(now: Timestamp, admission: ((FactItem) -> Bool)? = nil) throws -> Bool {
    (lastComputedCount, lastExceeded) = (0, [:])
    var memory = try self.memory.take() ?? load()
    let pending = try store.pendingFacts(limit: limits.pending)
    var credit = earning(of: pending)
    isExhausted = pending.isEmpty && !memory.work.isEmpty && credit <= 0
    if pending.isEmpty, memory.work.isEmpty || isExhausted {
      keep(memory)
      return false
    }
    // The step owns the memory while it changes. If the step fails, the next one reads it again.
    var step = FactStep(store: store, strategy: strategy, rules: rules, memory: memory, now: now, admission: admission)
    memory = FactMemory()
    if !pending.isEmpty { try step.take(pending) }
    // While changes arrive all the time, as from an import, the times from which deploys are computed again get earlier.
    let isFair = stepsWithoutOrder >= Self.longestWait
    if !pending.hasMore, credit > 0, admission == nil || pending.isEmpty {
      try step.workOff(atMost: min(limits.affected, credit), includingOrder: pending.isEmpty || isFair, isFair: isFair)
      credit -= step.spent
    }
    let (changes, next) = step.finish()
    try store.write(changes)
    stepsWithoutOrder = step.hasWorkedInOrder || !next.work.hasPasses ? 0 : stepsWithoutOrder + 1
    lastComputedCount = step.computedCount
    lastExceeded = step.exceeded
    self.credit = credit
    keep(next)
    isExhausted = !pending.hasMore && !next.work.isEmpty && credit <= 0
    return pending.hasMore || !next.work.isEmpty && credit > 0
  }

  /// The number of steps after which deploys and incidents get a part of the work, whatever else waits.
  private static let longestWait = 16

  private func earning(of pending: PendingFacts) -> Int {
    let count = pending.subjects.count + pending.absorbed.count + pending.branches.count
    let (sum, overflows) = credit.addingReportingOverflow(allowance.ofChange * count)
    return overflows ? allowance.most : min(sum, allowance.most)
  }

  /// Sets an item aside that cannot be computed. Its facts stay as they are.
  ///
  /// - Throws: ``StoreError`` if that cannot be written.
  package mutating func setAside(_ item: FactItem, _ reason: FactSetAsideReason) throws {
    var memory = try self.memory.take() ?? load()
    var changes = FactChanges()
    let pending = try store.pendingFacts(limit: 1)
    if pending.contains(item) { changes.completed = pending.ticket }
    memory.passOver(item, reason)
    changes.values = memory.takeChangedValues()
    try store.write(changes)
    keep(memory)
  }

  private mutating func keep(_ memory: FactMemory) {
    waitingCount = memory.work.count
    setAsideCount = memory.setAside.reasons.count
    self.memory = memory
  }

  private mutating func load() throws -> FactMemory {
    let memory = FactMemory(try store.factValues(), rules: rules, isStart: !hasStarted)
    hasStarted = true
    // Facts follow the rules with which they were computed.
    if memory.hasOtherRules { try store.recomputeFacts() }
    return memory
  }
}

extension PendingFacts {
  fileprivate func contains(_ item: FactItem) -> Bool {
    switch item {
    case .subject(let key): subjects.values.contains(key)
    case .absorbed(let id): absorbed.contains(id)
    case .branch(let key): branches[key] != nil
    case .deploys, .incidents: false
    }
  }
}
