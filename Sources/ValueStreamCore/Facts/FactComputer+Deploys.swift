/// Computes the facts of deploys and of what they brought.
extension FactComputer {
  mutating func computeDeploy(_ subject: Subject, withChanges: Bool, _ computed: inout ComputedFacts) throws {
    if let own = computed.repository { computed.repositories.insert(own) }
    computed.change = try change(above: subject)
    for span in subject.spans() {
      guard let attempt = UInt16(exactly: span.attempt) else { continue }
      let commit = try reader.revision(of: span)
      let target = try factTarget(of: span)
      var fact = DeployFact(
        id: computed.subject.id, attempt: attempt, target: target, commit: commit.map { CommitPrefix(hash: $0) } ?? .none,
        created: span.start, started: span.deployStart, ended: span.end, outcome: Self.outcome(of: span))
      if let end = span.end, span.outcome == .success, let place = span.target {
        try takeEnd(of: span, at: end, place, commit, &computed)
        if withChanges { try bring(span, at: end, &fact, &computed) }
      }
      computed.deploys.append(fact)
    }
  }

  private mutating func factTarget(of span: Span) throws -> DeployFactTarget {
    var traits: DeployFactTarget.Traits = []
    if let isProduction = span.isStatedProduction { traits.insert(isProduction ? .isProduction : .isNotProduction) }
    if span.attributes.text(of: AttributeName.valuestreamDeploymentKind) == "rolledback" { traits.insert(.isStatedRollback) }
    if span.isEndUnknown { traits.insert(.isEndUnknown) }
    let project = span.project ?? span.key.containerName
    return DeployFactTarget(
      service: try name(span.attributes.text(of: AttributeName.valuestreamService) ?? project),
      environment: try name(span.attributes.text(of: AttributeName.deploymentEnvironmentName)), repository: try name(project),
      traits: traits)
  }

  private static func outcome(of span: Span) -> DeployOutcome {
    guard span.end != nil else { return .running }
    switch span.outcome {
    case .success: return .success
    case .some(let outcome) where outcome.isError: return .failure
    default: return .cancelled
    }
  }

  private mutating func takeEnd(
    of span: Span, at end: Timestamp, _ place: DeployTarget, _ commit: String?, _ computed: inout ComputedFacts
  ) throws {
    var skew: Int64 = 0
    let updates = try commit.map { try reader.branchUpdates.updates(to: $0) } ?? []
    if let first = updates.map(\.time.timestamp).min() { skew = max(0, first.nanoseconds(since: end)) }
    computed.repositories.formUnion(updates.compactMap { $0.branch.containerSpace.map(String.init) })
    computed.deployEnds.append(
      ComputedFacts.DeployEnd(
        service: place.service, target: DailyAlias.deploys(in: place).subject, attempt: span.attempt, end: end, skew: skew))
  }

  /// Adds what a successful deploy brought.
  private mutating func bring(
    _ span: Span, at end: Timestamp, _ fact: inout DeployFact, _ computed: inout ComputedFacts
  ) throws {
    guard let brought = try reader.brought(by: span, findsDirectPushes: true) else { return }
    fact.step = DeployFactStep(brought.step)
    fact.basis = brought.basis.map { $0 == .pushes ? .pushes : .mergeTimes } ?? .none
    if let previous = brought.previous {
      fact.previous = try id(of: previous.key)
      fact.previousAttempt = UInt16(clamping: previous.attempt)
    }
    computed.repositories.formUnion(brought.changes.compactMap { $0.key.containerSpace.map(String.init) })
    if brought.basis == .mergeTimes, let last = brought.changes.map(\.merged).max(), !computed.deployEnds.isEmpty {
      let index = computed.deployEnds.count - 1
      computed.deployEnds[index].skew = max(computed.deployEnds[index].skew, last.nanoseconds(since: end))
    }
    var rows = try changeFacts(of: brought.changes.map(\.key)).map(\.fact)
    for push in brought.directPushes {
      let direct = try directChange(push, deployedBy: span)
      computed.directChanges.append(direct)
      rows.append(direct.fact)
    }
    let others = try deliveries(of: Set(rows.map(\.id)), besides: fact.id)
    fact.changeCount = UInt32(clamping: rows.count)
    for row in rows {
      var times = row.times
      if row.labels.traits.contains(.isClosingUnknown) { times.merged = nil }
      var delivered = DeliveredChange(
        deploy: fact.id, attempt: fact.attempt, target: fact.target, commit: fact.commit, deployStarted: fact.started,
        deployEnded: end, change: row.id, times: times, labels: row.labels, reverts: row.reverts)
      let earlier = (others[row.id] ?? []) + computed.delivered.filter { $0.change == row.id }
      delivered.isRepeated = try earlier.contains { try isDelivery($0, before: delivered, of: span.key) }
      computed.delivered.append(delivered)
    }
  }

  /// True for a delivery to the same service and environment before another one, in the order of ends of deploys.
  private mutating func isDelivery(
    _ other: DeliveredChange, before delivered: DeliveredChange, of key: SubjectKey
  ) throws -> Bool {
    guard other.target.service == delivered.target.service, other.target.environment == delivered.target.environment else {
      return false
    }
    if other.deployEnded != delivered.deployEnded { return other.deployEnded < delivered.deployEnded }
    if other.id == delivered.id { return other.attempt < delivered.attempt }
    return try keys(of: [other.id])[other.id].map { $0 < key } ?? false
  }

  // MARK: Direct changes

  /// A direct change depends on its push alone, so every deploy that brings it computes the same.
  private mutating func directChange(
    _ push: DirectPush, deployedBy span: Span
  ) throws -> (subject: FactSubject, fact: ChangeFact) {
    let id = FactID(directChangeOn: push.branch, at: push.commit)
    let branch = push.branch.branchName ?? ""
    var traits = ChangeTraits(title: "", head: push.isDefaultBranch ? nil : branch, labels: [], rules: rules).traits
    traits.insert(.isDirect)
    let repository = span.key.containerSpace == push.branch.containerSpace ? span.project : nil
    let fact = ChangeFact(
      id: id,
      times: ChangeMilestones(firstCommit: push.firstCommit, opened: push.time, merged: push.time),
      labels: ChangeLabels(repository: try name(repository), traits: traits), state: .merged)
    let subject = FactSubject(
      id: id, key: push.branch, name: "\(branch) \(push.commit.prefix(CommitHash.shortLength))",
      traceID: TraceID(root: push.branch))
    return (subject, fact)
  }

  // MARK: Order of deploys

  /// A successful attempt of a deploy in order of time.
  package struct OrderedDeploy: Sendable, Hashable, Comparable {
    package var end: Timestamp
    package var key: SubjectKey

    package static func < (left: OrderedDeploy, right: OrderedDeploy) -> Bool {
      (left.end, left.key) < (right.end, right.key)
    }
  }

  /// Returns the successful deploys that ended on these days, in order of their ends.
  ///
  /// Of a day with more than ``TraceReader/dayLimit`` deploys, only those that arrived last.
  ///
  /// - Parameter scope: ``ComputedFacts/DeployEnd/service`` or ``ComputedFacts/DeployEnd/target`` of the deploys.
  package mutating func deploys(in scope: String, days: ClosedRange<Int64>) throws -> [OrderedDeploy] {
    let references = days.map { Reference(.deployOn, "\(scope)@\($0)") }
    let keys = Set(try reader.publishers(onDays: references, near: nil).values.lazy.flatMap(\.keys))
    var found: Set<OrderedDeploy> = []
    try reader.visitSubjects(keys) { subject in
      guard subject.operation == .deploy else { return }
      for attempt in subject.deployAttempts() {
        guard attempt.outline.outcome == .success, let end = attempt.outline.end, let target = attempt.target,
          target.service.hasSameBytes(as: scope) || DailyAlias.deploys(in: target).subject.hasSameBytes(as: scope),
          days.contains(DailyAlias.day(of: end))
        else { continue }
        found.insert(OrderedDeploy(end: end, key: subject.key))
      }
    }
    return found.sorted()
  }

  /// Returns the last end of the successful deploys that ended on these days. Nil without any.
  ///
  /// - Parameter scope: as for ``deploys(in:days:)``.
  package mutating func latestEnd(in scope: String, days: ClosedRange<Int64>) throws -> Timestamp? {
    var (last, width): (Int64, Int64) = (days.upperBound, 1)
    while last >= days.lowerBound {
      let first = max(days.lowerBound, last - width + 1)
      if let latest = try deploys(in: scope, days: first...last).last { return latest.end }
      (last, width) = (first - 1, min(width * 2, 16))
    }
    return nil
  }

  /// Returns the names under which the deploys of a fact may be found, with the service and the environment.
  ///
  /// The fact does not tell whether its service is named or is that of a repository.
  package mutating func scopes(of fact: DeployFact, _ key: SubjectKey) throws -> [(service: String, target: String)] {
    let texts = try store.texts(of: [fact.target.service, fact.target.environment])
    let environment = PercentEncoding.encode(texts[fact.target.environment] ?? "")
    let named = texts[fact.target.service].map { "service:\($0.lowercased())" }
    return ([named] + [key.containerSpace.map(String.init)]).compactMap { $0 }.map { ($0, "\($0)/\(environment)") }
  }

  package static func day(of time: Timestamp) -> Int64 { DailyAlias.day(of: time) }

  // MARK: What pushes and changes affect

  /// The updates of a branch since a time, as far as they are considered.
  package func updates(of branch: SubjectKey, since time: Timestamp) throws -> [BranchUpdate] {
    try reader.branchUpdates.history(of: branch, limit: Self.updateLimit).updates.filter { $0.time.timestamp >= time }
  }

  private static let updateLimit = 200

  /// The updates that moved any branch to a commit.
  package func updates(to commit: String) throws -> [BranchUpdate] { try reader.branchUpdates.updates(to: commit) }

  /// Returns the changes with these commits.
  package mutating func changes(withCommits commits: Set<String>) throws -> [SubjectKey] {
    let keys = Set(try reader.publishers(ofCommits: commits.sorted()).values.joined())
    try reader.readSubjects(keys)
    return try keys.sorted().filter { try reader.subject(for: $0)?.operation == .pullRequest }
  }

  /// Returns the deploys with facts that run on one of these commits.
  package mutating func deploys(onCommits commits: Set<String>) throws -> [SubjectKey] {
    let references = Set(commits.flatMap { Reference(.commit, $0).candidatesWithShort }).sorted()
    guard !references.isEmpty else { return [] }
    let followers = Set(try store.followers(of: references, limit: Self.followerLimit).values.joined())
    let ids = try ids(of: followers)
    let known = try store.facts(DeployFact.self, of: Set(ids.values))
    return followers.filter { key in ids[key].map { known[$0] != nil } ?? false }.sorted()
  }

  /// The maximum number of followers of one commit to consider.
  private static let followerLimit = 500

  /// Returns the subjects below this one, in the tree of parents.
  package mutating func children(of key: SubjectKey, limit: Int) throws -> [SubjectKey] {
    try reader.children(of: key, limit: limit)
  }

  /// Returns those of the subjects that another subject may have as its parent.
  package mutating func followed(among keys: [SubjectKey]) throws -> Set<SubjectKey> {
    var named: [(name: Reference, key: SubjectKey)] = []
    for key in keys {
      guard let subject = try reader.subject(for: key) else { continue }
      for name in subject.unsortedAliases + [.key(key)] { named.append((name, key)) }
    }
    guard !named.isEmpty else { return [] }
    let followers = try store.followers(of: named.map(\.name), limit: 1).filter { !$0.value.isEmpty }
    return followers.isEmpty ? [] : Set(named.lazy.filter { followers[$0.name] != nil }.map(\.key))
  }

  /// True if an event of a subject does not tell its operation, so that the subject may have been known without spans.
  package mutating func mayHaveHadNoSpans(_ key: SubjectKey) throws -> Bool {
    try reader.subject(for: key)?.facts.contains { $0.event.operation == nil && $0.event.usualOperation == nil } ?? false
  }

  /// Returns the branch on which a change was made. Nil for another subject, or if unknown.
  package mutating func head(ofChange key: SubjectKey) throws -> SubjectKey? {
    guard let subject = try reader.subject(for: key), subject.operation == .pullRequest else { return nil }
    return subject.text(AttributeName.vcsRefHeadName).flatMap(key.branch(named:))
  }
}

extension DeployFactStep {
  fileprivate init(_ step: DeployStep) {
    switch step {
    case .first: self = .first
    case .forward: self = .forward
    case .redeploy: self = .redeploy
    case .rollback: self = .rollback
    case .unknown: self = .unknown
    }
  }
}

extension Span {
  /// True if the vendor says that a deploy is to production, by its own word or by the tier of the environment. Nil if it says
  /// nothing.
  package var isStatedProduction: Bool? {
    if case .bool(let isProduction)? = attributes.value(of: AttributeName.valuestreamDeploymentProduction) { return isProduction }
    return attributes.text(of: AttributeName.valuestreamDeploymentTier).map { $0 == "production" }
  }

  /// When the attempt began to run, after all waiting. Nil if nobody says.
  var runStart: Timestamp? { phases.first { $0.track == "run" && $0.name == "run" }?.start }

  /// When a deploy began. Sources that tell no phases, such as scripts, send the start when they begin to deploy.
  fileprivate var deployStart: Timestamp? {
    if let runStart { return runStart }
    return isStartUnknown || phases.contains { $0.track == "run" } ? nil : start
  }
}

extension SubjectKey {
  /// Source, host and container, encoded. Nil without them.
  package var container: String? { containerSpace.map(String.init) }

  /// The container, decoded, if it is a name rather than an id.
  fileprivate var containerName: String? {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[2].isEmpty else { return nil }
    let name = PercentEncoding.decode(Substring(parts[2])) ?? String(Substring(parts[2]))
    return name.hasPrefix("=") ? String(name.dropFirst()) : name
  }
}

extension Reference {
  /// The reference and, for a commit, the start of its hash, by which others may follow it.
  fileprivate var candidatesWithShort: [Reference] { [self] + (shortCommit.map { [$0] } ?? []) }
}
