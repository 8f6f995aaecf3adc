/// The user's rules for what facts say of changes.
package struct FactRules: Sendable, Hashable {
  package var bots: Bots
  /// Labels, titles and branches of hotfixes.
  package var hotfixes: [NamePattern]
  /// The days of roll-ups.
  package var days: DayRule

  package init(bots: Bots = Bots(), hotfixes: [NamePattern] = defaultHotfixes, days: DayRule = .utc) {
    self.bots = bots
    self.hotfixes = hotfixes
    self.days = days
  }

  package static let defaultHotfixes = ["hotfix", "hotfix/*", "hotfix-*", "hotfix:*", "hotfix(*"].map { NamePattern($0) }
}

/// Where days begin in a time zone.
package struct DayRule: Sendable, Hashable {
  /// The name of the time zone. Rules with the same name are equal.
  package let name: String
  private let localDay: @Sendable (Timestamp) -> Int64

  package static let utc = DayRule(name: "UTC") { $0.seconds / 86_400 }

  /// - Parameter localDay: the local date of a time, in days since 1970-01-01.
  package init(name: String, localDay: @escaping @Sendable (Timestamp) -> Int64) {
    self.name = name
    self.localDay = localDay
  }

  package func day(of time: Timestamp) -> FactDay { FactDay(rawValue: Int32(clamping: localDay(time))) }

  package static func == (left: DayRule, right: DayRule) -> Bool { left.name == right.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// Computes the facts of subjects.
///
/// Reads spans through a ``TraceReader``, so that facts agree with what the API shows. Caches all reads, so create one
/// for each step. Facts that depend on facts of other subjects (``DeliveredChange/isRepeated``) see those that this
/// computer computed before, and the stored ones.
package struct FactComputer {
  /// Raised when facts of the same deliveries change, so that stored ones are computed again.
  package static let version = 4

  package let store: any SpanReading & FactStore
  let rules: FactRules
  var reader: TraceReader
  /// The branches into which changes were merged. Nil if they are too many to remember.
  package var mergedTo: Set<SubjectKey>?
  /// The numbers of known texts.
  package private(set) var names: [ExactText: FactName]
  private var ids: [SubjectKey: FactID?] = [:]
  private var keys: [FactID: SubjectKey] = [:]
  /// The changes that this computer computed.
  private(set) var changes: [FactID: ChangeFact] = [:]
  /// What the deploys brought that this computer computed, by deploy.
  private var delivered: [FactID: [DeliveredChange]] = [:]

  /// - Parameters:
  ///   - strategy: must be that of all other readers of the store.
  ///   - names: the ``names`` of an earlier computer of the store, to look up fewer of them.
  package init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules = FactRules(),
    names: [ExactText: FactName] = [:], mergedTo: Set<SubjectKey>? = nil
  ) {
    self.store = store
    self.rules = rules
    self.names = names
    self.mergedTo = mergedTo
    reader = TraceReader(store: store, strategy: strategy)
  }

  /// Reads subjects and their ancestors with few queries.
  package mutating func prepare(for keys: some Collection<SubjectKey>) throws {
    try reader.prepare(for: keys)
  }

  /// Returns the operation of a subject. Nil if it has no spans or does not exist.
  package mutating func operation(of key: SubjectKey) throws -> Operation? {
    try reader.subject(for: key)?.operation
  }

  /// Computes the facts of a subject. Nil if it does not exist.
  ///
  /// - Parameters:
  ///   - firstChange: for an issue, the start of its first change.
  ///   - withChanges: false to leave out what deploys brought, which takes most of the time.
  package mutating func facts(
    of key: SubjectKey, id: FactID, firstChange: Timestamp? = nil, withChanges: Bool = true
  ) throws -> ComputedFacts? {
    guard let subject = try reader.subject(for: key) else { return nil }
    let operation = subject.operation
    ids[key] = id
    keys[id] = key
    var computed = ComputedFacts(id: id, key: key, operation: operation)
    switch operation {
    case .pullRequest: try computeChange(subject, &computed)
    case .deploy: try computeDeploy(subject, withChanges: withChanges, &computed)
    case .issue: try computeIssue(subject, firstChange: firstChange, &computed)
    case .incident: try computeIncident(subject, &computed)
    case .build, .job: try computeRun(subject, &computed)
    default: break
    }
    computed.subject.name = subject.factTitle(operation)
    computed.subject.address = subject.factAddress(operation)
    if !computed.isEmpty, let traceID = try reader.traceID(of: key) { computed.subject.traceID = traceID }
    if operation == .pullRequest { changes[id] = computed.changes.first }
    if operation == .deploy, withChanges { delivered[id] = computed.delivered }
    return computed
  }

  // MARK: Names and ids

  mutating func name(_ text: String?) throws -> FactName {
    guard let text, !text.isEmpty else { return .none }
    if let known = names[ExactText(text)] { return known }
    if names.count >= Self.nameLimit { names = [:] }
    let name = try store.factNames(for: [text]).first ?? .none
    names[ExactText(text)] = name
    return name
  }

  /// The maximum number of cached names.
  private static let nameLimit = 50_000

  /// Returns the ids of subjects. Those that do not exist are absent.
  package mutating func ids(of keys: some Sequence<SubjectKey>) throws -> [SubjectKey: FactID] {
    let missing = keys.filter { ids[$0] == nil }
    if !missing.isEmpty {
      let places = try store.places(of: missing)
      for key in missing {
        let id = places[key].map { FactID(rawValue: $0) }
        ids[key] = .some(id)
        if let id { self.keys[id] = key }
      }
    }
    return Dictionary(keys.compactMap { key in (ids[key] ?? nil).map { (key, $0) } }) { first, _ in first }
  }

  mutating func id(of key: SubjectKey) throws -> FactID? {
    if let known = ids[key] { return known }
    return try ids(of: [key])[key]
  }

  /// Returns the keys of subjects that have facts. Others are absent.
  package mutating func keys(of ids: Set<FactID>) throws -> [FactID: SubjectKey] {
    let missing = ids.filter { keys[$0] == nil }
    if !missing.isEmpty {
      for (id, subject) in try store.factSubjects(missing) { keys[id] = subject.key }
    }
    return Dictionary(ids.compactMap { id in keys[id].map { (id, $0) } }) { first, _ in first }
  }

  // MARK: Facts of others

  /// Returns the facts of these changes: those computed by this computer, else stored ones, else newly computed ones.
  package mutating func changeFacts(of keys: [SubjectKey]) throws -> [(key: SubjectKey, fact: ChangeFact)] {
    let ids = try ids(of: keys)
    let missing = Set(ids.values).filter { changes[$0] == nil }
    if !missing.isEmpty {
      for (id, facts) in try store.facts(ChangeFact.self, of: missing) { changes[id] = facts.first }
    }
    return try keys.compactMap { key in
      guard let id = ids[key] else { return nil }
      if changes[id] == nil { _ = try facts(of: key, id: id) }
      return changes[id].map { (key, $0) }
    }
  }

  /// Returns what a deploy brought, as this computer computed it before, else as it is stored.
  package func delivered(by deploy: FactID) throws -> [DeliveredChange] {
    if let computed = delivered[deploy] { return computed }
    return try store.facts(DeliveredChange.self, of: [deploy])[deploy] ?? []
  }

  /// Returns the deliveries of these changes by other deploys.
  package mutating func deliveries(of changes: Set<FactID>, besides deploy: FactID) throws -> [FactID: [DeliveredChange]] {
    guard !changes.isEmpty else { return [:] }
    var result = try store.deliveries(of: changes).mapValues { rows in
      rows.filter { $0.id != deploy && delivered[$0.id] == nil }
    }
    for (other, rows) in delivered where other != deploy {
      for row in rows where changes.contains(row.change) { result[row.change, default: []].append(row) }
    }
    return result
  }
}

/// The facts of one subject, with what the caller needs to find other subjects whose facts may change with them.
package struct ComputedFacts: Sendable {
  package var subject: FactSubject
  package var operation: Operation?
  package var changes: [ChangeFact] = []
  package var deploys: [DeployFact] = []
  package var delivered: [DeliveredChange] = []
  package var incidents: [IncidentFact] = []
  package var issues: [IssueFact] = []
  package var runs: [RunFact] = []
  /// For a run or job, what it adds to roll-ups.
  package var tallies: [RunTally] = []
  /// The direct changes that a deploy brought, which are subjects of their own.
  package var directChanges: [(subject: FactSubject, fact: ChangeFact)] = []

  /// For a change, the issue or incident that it is for.
  package var issue: SubjectKey?
  /// For a change, its commits; for a merged one, also its base branch.
  package var commits: [Reference] = []
  package var base: SubjectKey?
  package var head: SubjectKey?
  /// For a change, the names under which reverts know it.
  package var names: [Reference] = []
  /// For a change that reverts an unknown one, the name of that one.
  package var missingOriginal: Reference?
  /// For a run or deploy, the change that it belongs to.
  package var change: FactID?
  /// For a deploy, its successful attempts.
  package var deployEnds: [DeployEnd] = []
  /// For a deploy, the repositories of its commits and changes.
  package var repositories: Set<String> = []

  /// A successful deploy of a service to an environment.
  package struct DeployEnd: Sendable, Hashable {
    /// The name by which the deploys of the service are found, and those of the service to the environment.
    package var service: String
    package var target: String
    package var attempt: Int
    package var end: Timestamp
    /// How far the clock of the deploy is known to be behind that of the pushes, in nanoseconds.
    package var skew: Int64
  }

  init(id: FactID, key: SubjectKey, operation: Operation?) {
    subject = FactSubject(id: id, key: key, name: "", traceID: TraceID(high: 0, low: 0))
    self.operation = operation
  }

  /// Source, host and container of the subject's key. Nil without them.
  package var repository: String? { subject.key.containerSpace.map(String.init) }

  package var isEmpty: Bool {
    changes.isEmpty && deploys.isEmpty && delivered.isEmpty && incidents.isEmpty && issues.isEmpty && runs.isEmpty
  }

  /// False for a run or job that has not ended yet and thus never had facts.
  package var mayReplaceFacts = true

  /// The facts as stores take them, without those of direct changes.
  package var encoded: SubjectFacts {
    SubjectFacts(
      subject: subject,
      rows: changes.map { EncodedFact($0) } + deploys.map { EncodedFact($0) } + delivered.map { EncodedFact($0) }
        + incidents.map { EncodedFact($0) } + issues.map { EncodedFact($0) } + runs.map { EncodedFact($0) })
  }
}

extension Subject {
  /// The title of a change or issue, or the name of the subject.
  fileprivate func factTitle(_ operation: Operation?) -> String {
    switch operation {
    case .pullRequest: text(AttributeName.vcsChangeTitle) ?? text(AttributeName.valuestreamIssueTitle) ?? name
    case .issue, .incident: text(AttributeName.valuestreamIssueTitle) ?? name
    default: name
    }
  }

  /// The page of the subject. The operation tells which attribute to look for first.
  fileprivate func factAddress(_ operation: Operation?) -> String? {
    let own: String? =
      switch operation {
      case .pullRequest: AttributeName.valuestreamChangeURL
      case .issue, .incident: AttributeName.valuestreamIssueURL
      case .job: AttributeName.cicdPipelineTaskRunURLFull
      default: nil
      }
    if let own, let address = text(own) { return address }
    for name in Self.addressAttributes where name != own {
      if let address = text(name) { return address }
    }
    return nil
  }

  private static let addressAttributes = [
    AttributeName.valuestreamChangeURL, AttributeName.valuestreamIssueURL, AttributeName.cicdPipelineTaskRunURLFull,
    AttributeName.cicdPipelineRunURLFull,
    AttributeName.valuestreamDeploymentLog, AttributeName.valuestreamURL,
  ]
}

extension [Span] {
  /// Returns the value of an attribute in the last attempt that has it.
  func text(_ name: String) -> String? {
    reversed().lazy.compactMap { $0.attributes.text(of: name) }.first
  }

  func value(_ name: String) -> AttributeValue? {
    reversed().lazy.compactMap { $0.attributes.value(of: name) }.first
  }

  func texts(_ name: String) -> [String] {
    if case .strings(let texts) = value(name) { texts } else { [] }
  }
}
