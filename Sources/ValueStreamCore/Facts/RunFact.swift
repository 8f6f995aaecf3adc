/// One attempt of a CI run, or of a job in it, that failed, was run again, or belongs to a change.
public struct RunFact: Fact {
  public static let kind = FactKind.run

  public var id: FactID
  public var attempt: UInt16
  public var repository: FactName
  /// The pipeline or workflow.
  public var workflow: FactName
  /// ``FactName/none`` for a whole run.
  public var job: FactName
  /// The runner label or worker group.
  public var runner: FactName
  public var commit: CommitPrefix
  public var created: Timestamp
  public var started: Timestamp?
  /// Nil while it runs.
  public var ended: Timestamp?
  public var outcome: RunOutcome
  /// The change that the run belongs to.
  public var change: FactID?

  public var day: FactDay? { outcome == .running ? nil : FactDay(ended ?? created) }

  public init(
    id: FactID, attempt: UInt16 = 1, repository: FactName = .none, workflow: FactName = .none, job: FactName = .none,
    runner: FactName = .none, commit: CommitPrefix = .none, created: Timestamp, started: Timestamp? = nil,
    ended: Timestamp? = nil, outcome: RunOutcome, change: FactID? = nil
  ) {
    self.id = id
    self.attempt = attempt
    self.repository = repository
    self.workflow = workflow
    self.job = job
    self.runner = runner
    self.commit = commit
    self.created = created
    self.started = started
    self.ended = ended
    self.outcome = outcome
    self.change = change
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    writer.put(attempt)
    for name in [repository, workflow, job, runner] { writer.put(name) }
    writer.put(commit)
    writer.put(created)
    writer.put(started)
    writer.put(ended)
    writer.put(outcome.rawValue)
    writer.put(change)
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    attempt = try reader.value()
    repository = try reader.name()
    workflow = try reader.name()
    job = try reader.name()
    runner = try reader.name()
    commit = try reader.commit()
    created = try reader.time()
    started = try reader.optionalTime()
    ended = try reader.optionalTime()
    outcome = try reader.raw()
    change = try reader.optionalID()
  }
}

public enum RunOutcome: UInt8, Sendable, Hashable {
  case running = 0
  case success = 1
  case failure = 2
  /// Cancelled, skipped, stale, or waiting for an action.
  case other = 3
}
