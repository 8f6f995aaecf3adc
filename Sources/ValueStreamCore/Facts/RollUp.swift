/// What one ended attempt of a CI run, or of a job in it, adds to the roll-ups of its day.
///
/// A store keeps the tallies of a subject as long as the subject, so that a correction subtracts exactly what was added.
public struct RunTally: Sendable, Hashable {
  /// The day on which the attempt ended, in the zone of the store.
  public var day: FactDay
  public var repository: FactName
  /// The pipeline or workflow.
  public var workflow: FactName
  /// ``FactName/none`` for a whole run.
  public var job: FactName
  /// What ran it: a group of workers, or the name of a worker without its numbers.
  public var runner: FactName
  public var traits: Traits
  /// The time in the queue and the run time. Nil if unknown, negative, or of an attempt that neither passed nor failed.
  public var queue: DurationSketch.Bucket?
  public var run: DurationSketch.Bucket?
  /// The run time. 0 if unknown.
  public var runMilliseconds: Int64

  public struct Traits: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let hasFailed = Traits(rawValue: 1)
    /// Neither passed nor failed: cancelled, skipped, stale, or waiting for an action.
    public static let isUndecided = Traits(rawValue: 2)
    /// Not the first attempt.
    public static let isRerun = Traits(rawValue: 4)
    /// The clocks say that it started before it was created, or ended before it started.
    public static let hasNegativeQueue = Traits(rawValue: 8)
    public static let hasNegativeRun = Traits(rawValue: 16)
  }

  public init(
    day: FactDay, repository: FactName = .none, workflow: FactName = .none, job: FactName = .none, runner: FactName = .none,
    traits: Traits = [], queue: DurationSketch.Bucket? = nil, run: DurationSketch.Bucket? = nil, runMilliseconds: Int64 = 0
  ) {
    self.day = day
    self.repository = repository
    self.workflow = workflow
    self.job = job
    self.runner = runner
    self.traits = traits
    self.queue = queue
    self.run = run
    self.runMilliseconds = runMilliseconds
  }

  /// The roll-ups to which it adds.
  public var keys: [RollUpKey] {
    var keys: [RollUpKey] = []
    if job.isKnown {
      keys.append(RollUpKey(.job, repository: repository, workflow: workflow, job: job, runner: runner))
    } else {
      keys.append(RollUpKey(.whole))
      keys.append(RollUpKey(.repository, repository: repository))
      keys.append(RollUpKey(.workflow, repository: repository, workflow: workflow, runner: runner))
    }
    if runner.isKnown { keys.append(RollUpKey(.runner, runner: runner)) }
    return keys
  }
}

/// The tally of one attempt of a run or job.
extension RunTally {
  /// - Parameters:
  ///   - fact: nil is returned while it runs.
  ///   - day: the day of its end.
  ///   - runner: see ``runner``.
  package init?(_ fact: RunFact, day: FactDay, runner: FactName) {
    guard let ended = fact.ended, fact.outcome != .running else { return nil }
    self.init(day: day, repository: fact.repository, workflow: fact.workflow, job: fact.job, runner: runner)
    if fact.outcome == .failure { traits.insert(.hasFailed) }
    if fact.outcome == .other { traits.insert(.isUndecided) }
    if fact.attempt > 1 { traits.insert(.isRerun) }
    guard let started = fact.started else { return }
    let (queued, ran) = (started.nanoseconds(since: fact.created), ended.nanoseconds(since: started))
    runMilliseconds = max(0, ran / 1_000_000)
    guard fact.outcome != .other else { return }
    if queued < 0 { traits.insert(.hasNegativeQueue) } else { queue = DurationSketch.bucket(of: Double(queued) / 1e9) }
    if ran < 0 { traits.insert(.hasNegativeRun) } else { run = DurationSketch.bucket(of: Double(ran) / 1e9) }
  }
}

/// What a roll-up is of. Raw values are stored.
public enum RollUpLevel: UInt8, Sendable, Hashable, CaseIterable {
  /// All whole runs.
  case whole = 1
  /// The whole runs of a repository.
  case repository = 2
  /// The whole runs of a workflow on one runner. Most vendors name the runners of jobs only.
  case workflow = 3
  /// A job of a workflow on one runner.
  case job = 4
  /// All jobs and runs on a runner.
  case runner = 5
}

/// Names a roll-up. Names that its level does not have are ``FactName/none``.
public struct RollUpKey: Sendable, Hashable, Comparable {
  public var level: RollUpLevel
  public var repository: FactName
  public var workflow: FactName
  public var job: FactName
  public var runner: FactName

  public init(
    _ level: RollUpLevel, repository: FactName = .none, workflow: FactName = .none, job: FactName = .none,
    runner: FactName = .none
  ) {
    self.level = level
    self.repository = repository
    self.workflow = workflow
    self.job = job
    self.runner = runner
  }

  public static func < (left: RollUpKey, right: RollUpKey) -> Bool {
    (left.level.rawValue, left.repository, left.workflow, left.job, left.runner)
      < (right.level.rawValue, right.repository, right.workflow, right.job, right.runner)
  }
}

/// The sum of tallies of a day or several days.
public struct RollUp: Sendable, Hashable {
  public var counts = RollUpCounts()
  /// The time in the queue and the run time of attempts that passed or failed.
  public var queue = DurationSketch()
  public var run = DurationSketch()

  public init() {}

  package init(counts: RollUpCounts, queue: DurationSketch, run: DurationSketch) {
    self.counts = counts
    self.queue = queue
    self.run = run
  }

  /// - Parameter times: -1 to subtract.
  public mutating func add(_ tally: RunTally, times: Int64 = 1) {
    counts.add(tally, times: times)
    if let bucket = tally.queue { queue.add(bucket: bucket, count: times) }
    if let bucket = tally.run { run.add(bucket: bucket, count: times) }
  }

  public mutating func merge(_ other: RollUp) {
    counts.add(other.counts, times: 1)
    queue.merge(other.queue)
    run.merge(other.run)
  }

  /// Undoes ``merge(_:)``.
  public mutating func subtract(_ other: RollUp) {
    counts.add(other.counts, times: -1)
    queue.subtract(other.queue)
    run.subtract(other.run)
  }

  public var isEmpty: Bool { counts == RollUpCounts() && queue.isEmpty && run.isEmpty }
}

/// The counts of a ``RollUp``.
public struct RollUpCounts: Sendable, Hashable {
  /// Attempts.
  public var runs: Int64 = 0
  public var failures: Int64 = 0
  /// Attempts that neither passed nor failed.
  public var undecided: Int64 = 0
  /// Attempts after the first.
  public var reruns: Int64 = 0
  public var runMilliseconds: Int64 = 0
  public var failureMilliseconds: Int64 = 0
  /// Attempts with times in the queue or run times below 0.
  public var negativeQueues: Int64 = 0
  public var negativeRuns: Int64 = 0

  public init() {}

  package mutating func add(_ tally: RunTally, times: Int64) {
    runs &+= times
    if tally.traits.contains(.isUndecided) { undecided &+= times }
    if tally.traits.contains(.isRerun) { reruns &+= times }
    if tally.traits.contains(.hasNegativeQueue) { negativeQueues &+= times }
    if tally.traits.contains(.hasNegativeRun) { negativeRuns &+= times }
    runMilliseconds &+= times &* tally.runMilliseconds
    guard tally.traits.contains(.hasFailed) else { return }
    failures &+= times
    failureMilliseconds &+= times &* tally.runMilliseconds
  }

  package mutating func add(_ other: RollUpCounts, times: Int64) {
    runs &+= times &* other.runs
    failures &+= times &* other.failures
    undecided &+= times &* other.undecided
    reruns &+= times &* other.reruns
    runMilliseconds &+= times &* other.runMilliseconds
    failureMilliseconds &+= times &* other.failureMilliseconds
    negativeQueues &+= times &* other.negativeQueues
    negativeRuns &+= times &* other.negativeRuns
  }
}

/// A roll-up of one day.
public struct DailyRollUp: Sendable, Hashable {
  public var day: FactDay
  public var key: RollUpKey
  public var rollUp: RollUp

  public init(day: FactDay, key: RollUpKey, rollUp: RollUp) {
    self.day = day
    self.key = key
    self.rollUp = rollUp
  }

  /// Stores add up the days of a block, so that a long period is read quickly, and remove roll-ups block by block.
  package static let daysOfBlock: Int32 = 16

  /// The block of a day.
  package static func block(of day: FactDay) -> Int32 { day.rawValue >> 4 }

  /// The days of a block.
  package static func days(ofBlock block: Int32) -> ClosedRange<FactDay> {
    FactDay(rawValue: block << 4)...FactDay(rawValue: block << 4 | (daysOfBlock - 1))
  }
}
