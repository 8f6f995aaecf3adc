/// One attempt of a deploy.
public struct DeployFact: Fact {
  public static let kind = FactKind.deploy

  public var id: FactID
  public var attempt: UInt16
  public var target: DeployFactTarget
  public var commit: CommitPrefix
  /// When the deploy was created, which may be long before it was approved.
  public var created: Timestamp
  /// When the deploy began to run. Nil if it never ran, or nobody says.
  public var started: Timestamp?
  /// Nil while the deploy runs.
  public var ended: Timestamp?
  public var outcome: DeployOutcome
  public var step: DeployFactStep
  /// How the changes were found.
  public var basis: ChangesFactBasis
  /// The successful deploy of the same service to the same environment that this one replaced, and its attempt.
  public var previous: FactID?
  public var previousAttempt: UInt16
  /// The number of changes that the deploy brought.
  public var changeCount: UInt32

  public var day: FactDay? { outcome == .running ? nil : FactDay(ended ?? started ?? created) }

  public init(
    id: FactID, attempt: UInt16 = 1, target: DeployFactTarget, commit: CommitPrefix = .none, created: Timestamp,
    started: Timestamp? = nil, ended: Timestamp? = nil, outcome: DeployOutcome, step: DeployFactStep = .unknown,
    basis: ChangesFactBasis = .none, previous: FactID? = nil, previousAttempt: UInt16 = 0, changeCount: UInt32 = 0
  ) {
    self.id = id
    self.attempt = attempt
    self.target = target
    self.commit = commit
    self.created = created
    self.started = started
    self.ended = ended
    self.outcome = outcome
    self.step = step
    self.basis = basis
    self.previous = previous
    self.previousAttempt = previousAttempt
    self.changeCount = changeCount
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    writer.put(attempt)
    target.write(to: &writer)
    writer.put(commit)
    writer.put(created)
    writer.put(started)
    writer.put(ended)
    writer.put(outcome.rawValue)
    writer.put(step.rawValue)
    writer.put(basis.rawValue)
    writer.put(previous)
    writer.put(previousAttempt)
    writer.put(changeCount)
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    attempt = try reader.value()
    target = try DeployFactTarget(from: &reader)
    commit = try reader.commit()
    created = try reader.time()
    started = try reader.optionalTime()
    ended = try reader.optionalTime()
    outcome = try reader.raw()
    step = try reader.raw()
    basis = try reader.raw()
    previous = try reader.optionalID()
    previousAttempt = try reader.value()
    changeCount = try reader.value()
  }
}

/// What was deployed where.
public struct DeployFactTarget: Sendable, Hashable {
  /// The service that the deploy names, or its repository.
  public var service: FactName
  public var environment: FactName
  public var repository: FactName
  public var traits: Traits

  public struct Traits: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The vendor says that the environment is production, or that it is not. Neither if it says nothing.
    public static let isProduction = Traits(rawValue: 1 << 0)
    public static let isNotProduction = Traits(rawValue: 1 << 1)
    /// The vendor itself calls the deploy a rollback.
    public static let isStatedRollback = Traits(rawValue: 1 << 2)
    /// No event states when the deploy ended.
    public static let isEndUnknown = Traits(rawValue: 1 << 3)
    public static let isImported = Traits(rawValue: 1 << 4)
  }

  public init(service: FactName, environment: FactName = .none, repository: FactName = .none, traits: Traits = []) {
    self.service = service
    self.environment = environment
    self.repository = repository
    self.traits = traits
  }

  func write(to writer: inout FactWriter) {
    writer.put(service)
    writer.put(environment)
    writer.put(repository)
    writer.put(traits.rawValue)
  }

  init(from reader: inout FactReader) throws(DamagedFact) {
    service = try reader.name()
    environment = try reader.name()
    repository = try reader.name()
    traits = Traits(rawValue: try reader.value())
  }
}

public enum DeployOutcome: UInt8, Sendable, Hashable {
  case running = 0
  case success = 1
  /// The deploy itself failed after it began to run.
  case failure = 2
  /// It was cancelled or rejected, was skipped, or never ran.
  case cancelled = 3
}

/// How a deploy relates to the previous successful one of the same service in the same environment.
public enum DeployFactStep: UInt8, Sendable, Hashable {
  case unknown = 0
  case first = 1
  case forward = 2
  case redeploy = 3
  case rollback = 4
}

/// How the changes of a deploy were found.
public enum ChangesFactBasis: UInt8, Sendable, Hashable {
  case none = 0
  case pushes = 1
  case mergeTimes = 2
}

/// A change that a successful deploy brought. A change has one for each service and environment that it reaches.
public struct DeliveredChange: Fact {
  public static let kind = FactKind.deliveredChange

  /// The deploy.
  public var id: FactID
  public var attempt: UInt16
  public var target: DeployFactTarget
  public var commit: CommitPrefix
  public var deployStarted: Timestamp?
  public var deployEnded: Timestamp
  public var change: FactID
  public var times: ChangeMilestones
  public var labels: ChangeLabels
  /// The change that this one reverts, if that is known. See ``ChangeFact/reverts``.
  public var reverts: FactID?
  /// True if an earlier deploy already brought the change to the same service and environment.
  public var isRepeated: Bool

  public var day: FactDay? { FactDay(deployEnded) }

  public init(
    deploy: FactID, attempt: UInt16 = 1, target: DeployFactTarget, commit: CommitPrefix = .none, deployStarted: Timestamp?,
    deployEnded: Timestamp, change: FactID, times: ChangeMilestones, labels: ChangeLabels, reverts: FactID? = nil,
    isRepeated: Bool = false
  ) {
    id = deploy
    self.attempt = attempt
    self.target = target
    self.commit = commit
    self.deployStarted = deployStarted
    self.deployEnded = deployEnded
    self.change = change
    self.times = times
    self.labels = labels
    self.reverts = reverts
    self.isRepeated = isRepeated
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    writer.put(attempt)
    target.write(to: &writer)
    writer.put(commit)
    writer.put(deployStarted)
    writer.put(deployEnded)
    writer.put(change)
    times.write(to: &writer)
    labels.write(to: &writer)
    writer.put(reverts)
    writer.put(isRepeated ? 1 : 0 as UInt8)
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    attempt = try reader.value()
    target = try DeployFactTarget(from: &reader)
    commit = try reader.commit()
    deployStarted = try reader.optionalTime()
    deployEnded = try reader.time()
    change = try reader.id()
    times = try ChangeMilestones(from: &reader)
    labels = try ChangeLabels(from: &reader)
    reverts = try reader.optionalID()
    isRepeated = try reader.value(UInt8.self) != 0
  }
}
