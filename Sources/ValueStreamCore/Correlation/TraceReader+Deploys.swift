/// How a deploy stands to the one before it: the attribute `valuestream.deployment.step`.
private enum DeployStep: String {
  /// No successful deploy of the service to the environment is known before it.
  case first
  case forward
  case redeploy
  case rollback
  /// Its commit, or that of the deploy before, or what leads from one to the other, is not known.
  case unknown
}

/// How the changes of a deploy were found: `valuestream.deployment.changes.basis`.
private enum ChangesBasis: String {
  /// By the pushes that lead from one commit to the other.
  case pushes
  /// By their times of merging, because pushes are missing.
  case mergeTimes = "merge_times"
}

/// What a deploy brought: a conclusion from other things, drawn when a span is read.
extension TraceReader {
  /// Links to the changes that were merged since the last successful deploy of the same service to the same environment. Says in
  /// attributes of the span how it was found out. Nothing for a deploy that has not succeeded: it brought nothing.
  mutating func changesBrought(by span: inout Span) throws -> [LinkEnd] {
    guard let end = span.end, span.outcome == .success, let lane = span.lane else { return [] }
    guard let previous = try lastDeploy(in: lane, before: span) else {
      span.note(step: .first)
      return []
    }
    span.attributes.insert(Attribute("valuestream.deployment.previous", .string(previous.key.description)))
    guard span.attributes.text(of: "valuestream.deployment.kind") != "rolledback" else {
      span.note(step: .rollback)
      return []
    }
    guard let commit = try revision(of: span), let last = try revision(of: previous) else {
      span.note(step: .unknown)
      return []
    }
    let preferred = BranchPreference(branch: span.headBranch, container: span.key.containerSpace)
    let range = try CommitRange.between(last, commit, preferring: preferred, in: store)
    var changes: [Change] = []
    switch range.relation {
    case .same: span.note(step: .redeploy)
    case .behind: span.note(step: .rollback)
    case .ahead where !range.isCutShort:
      changes = try self.changes(of: range, for: span)
      span.note(step: .forward)
      span.note(changes: changes.count, by: .pushes)
    case .ahead, .unknown:
      guard let merged = try changesMerged(between: (previous, last), and: (span, commit), range) else {
        span.note(step: .unknown)
        return []
      }
      changes = merged
      span.note(step: .forward)
      span.note(changes: changes.count, by: .mergeTimes)
    }
    return try changes.map { change in
      LinkEnd(
        key: change.key, attempt: change.span.number, rule: "deploys", attributes: try leadTimes(of: change, deployed: end))
    }
  }

  /// The span of a successful deploy, and of each change it brought the lead times: all of them, where a span shows only so many links.
  /// Nil for an attempt that is no successful deploy (any more).
  package mutating func deploy(ofAttempt number: Int, of key: SpanKey) throws -> (span: Span, leadTimes: [[Attribute]])? {
    guard let subject = try subject(for: key), subject.operation == .deploy,
      var span = subject.span(ofAttempt: number), span.outcome == .success
    else { return nil }
    let changes = try changesBrought(by: &span)
    return (span, changes.map(\.attributes))
  }

  // MARK: Deploys

  /// The deploy that ended last and well before another one began.
  private mutating func lastDeploy(in lane: DeployLane, before span: Span) throws -> Span? {
    try latestDeploy(.deploys(in: lane), on: DatedName.day(of: span.start)) { key, candidate in
      guard let end = candidate.end, candidate.outcome == .success, key != span.key || candidate.number < span.attempt,
        (end, key) < (span.start, span.key)
      else { return nil }
      return end
    } where: { candidate in
      candidate.lane == lane
    }
  }

  /// The deploy of a name with the greatest time among those that have one and are meant. What is older than a year is not looked for.
  ///
  /// - Parameter time: when it began or ended.
  mutating func latestDeploy(
    _ name: DatedName, on day: Int64, time: (SpanKey, AttemptOutline) -> Timestamp?, where isMeant: (Span) -> Bool
  ) throws -> Span? {
    var latest: DatedDeploy?
    var span: Span?
    for days in [day - 1...day, day - 7...day - 2, day - 31...day - 8, day - 366...day - 32] {
      let keys = Set(try store.publishers(of: name.references(onDays: days)).values.joined())
      try readSubjects(keys)
      var deploys: [DatedDeploy] = []
      for key in keys {
        for outline in try outlines(ofDeploy: key) {
          if let time = time(key, outline) { deploys.append(DatedDeploy(time: time, key: key, attempt: outline.number)) }
        }
      }
      for deploy in deploys.sorted(by: >) {
        if let latest, latest >= deploy { break }
        guard let found = try subject(for: deploy.key)?.span(ofAttempt: deploy.attempt), isMeant(found) else { continue }
        (latest, span) = (deploy, found)
        break
      }
      // One that began long before these days and ended in them may not be the last to begin.
      if let latest, DatedName.day(of: latest.time) >= days.lowerBound { break }
    }
    return span
  }

  private struct DatedDeploy: Comparable {
    var time: Timestamp
    var key: SpanKey
    var attempt: Int

    static func < (left: DatedDeploy, right: DatedDeploy) -> Bool {
      (left.time, left.key, left.attempt) < (right.time, right.key, right.attempt)
    }
  }

  private mutating func outlines(ofDeploy key: SpanKey) throws -> [AttemptOutline] {
    if let known = deployOutlines[key] { return known }
    let subject = try subject(for: key)
    let outlines = subject?.operation == .deploy ? subject?.outlines() ?? [] : []
    deployOutlines[key] = outlines
    return outlines
  }

  /// The commit that a deploy runs on: its own, else that of what it belongs to, up to the change. Nil where only the beginning of
  /// its hash is known, and not of exactly one commit.
  private mutating func revision(of span: Span) throws -> String? {
    guard let revision = try statedRevision(of: span) else { return nil }
    let short = Reference(.commit, revision).recognizingShortCommit
    guard short.kind == .shortCommit else { return revision }
    let keys = Set(try store.publishers(of: short.candidates).values.joined())
    try readSubjects(keys)
    let commits = Set(try keys.compactMap { try subject(for: $0) }.flatMap(\.aliases).filter { $0.kind == .commit }.map(\.value))
      .filter { $0.hasPrefix(revision) }
    return commits.count == 1 ? commits.first : nil
  }

  private mutating func statedRevision(of span: Span) throws -> String? {
    if let own = span.revision { return own }
    guard let subject = try subject(for: span.key) else { return nil }
    for key in try place(of: subject).path.dropFirst() {
      guard let above = try self.subject(for: key), above.operation != .pullRequest, above.operation != .issue else { return nil }
      if let revision = above.spans().last?.revision { return revision }
      for fact in above.follows where fact.rule == .commit {
        if let commit = fact.references.first(where: { $0.kind == .commit || $0.kind == .shortCommit }) { return commit.value }
      }
    }
    return nil
  }

  /// The changes that were merged to the deployed branch between two deploys of one repository; nil where the branch is not known, or
  /// the other deploy was of another repository, or that cannot be told.
  private mutating func changesMerged(
    between previous: (span: Span, commit: String), and deploy: (span: Span, commit: String), _ range: CommitRange
  ) throws -> [Change]? {
    guard let branch = try range.branches.first ?? self.branch(of: deploy.commit, deployedBy: deploy.span) else { return nil }
    let formerBranch = try self.branch(of: previous.commit, deployedBy: previous.span)
    let former = formerBranch?.containerSpace ?? previous.span.key.containerSpace
    guard former == branch.containerSpace || formerBranch == nil && former == deploy.span.key.containerSpace else { return nil }
    return try changes(mergedTo: branch, after: previous.span.start, until: deploy.span.start)
  }

  /// The branch that stood at a commit, or the commit's change was merged to, else the one that the deploy names, if there is such a
  /// branch.
  private mutating func branch(of commit: String, deployedBy span: Span) throws -> SpanKey? {
    let preferred = BranchPreference(branch: span.headBranch, container: span.key.containerSpace)
    if let update = preferred.choose(among: try store.branchUpdates(to: commit), afterMoving: nil) { return update.branch }
    let reference = Reference(.commit, commit)
    let merged = try mergedChanges(Set(store.publishers(of: [reference])[reference] ?? []), until: span.end)
    let branches = Set(merged.compactMap(\.base))
    if branches.count == 1 { return branches.first }
    guard let named = span.headBranch else { return nil }
    return try store.branchUpdates(of: named, limit: 1).isEmpty ? nil : named
  }

  // MARK: Changes

  private struct Change {
    var key: SpanKey
    var span: AttemptOutline
    var merged: Timestamp
    /// The branch it was merged to, and the one it was made on, as far as that is in the same repository.
    var base: SpanKey?
    var head: SpanKey?
  }

  /// The changes that the commits between two deploys are of: those that were merged to a branch on the way, or to the branch of
  /// one that was.
  private mutating func changes(of range: CommitRange, for span: Span) throws -> [Change] {
    var commits = range.commits
    if let service = span.attributes.text(of: DeployLane.serviceAttribute) {
      commits.removeAll { $0.services.map { !$0.contains { $0.lowercased() == service.lowercased() } } ?? false }
    }
    let references = Set(commits.map { Reference(.commit, $0.id) }).sorted()
    let keys = Set(try store.publishers(of: references).values.joined())
    var waiting = try mergedChanges(keys, until: span.end)
    var branches = Set(range.branches)
    var found: [Change] = []
    while let index = waiting.firstIndex(where: { $0.base.map(branches.contains) ?? true }) {
      let change = waiting.remove(at: index)
      if let head = change.head { branches.insert(head) }
      found.append(change)
    }
    return found.sorted { ($0.merged, $0.key) < ($1.merged, $1.key) }
  }

  /// The changes that were merged to a branch in a while; nil where that is longer than can be looked through.
  private mutating func changes(
    mergedTo branch: SpanKey, after start: Timestamp, until end: Timestamp
  ) throws -> [Change]? {
    let days = (first: DatedName.day(of: start), last: DatedName.day(of: end))
    guard days.first <= days.last, days.last - days.first <= 366 else { return nil }
    let references = DatedName.merges(to: branch).references(onDays: days.first...days.last)
    let keys = Set(try store.publishers(of: references).values.joined())
    return try mergedChanges(keys, until: end).filter { $0.merged > start && $0.base == branch }
      .sorted { ($0.merged, $0.key) < ($1.merged, $1.key) }
  }

  private mutating func mergedChanges(_ keys: Set<SpanKey>, until limit: Timestamp?) throws -> [Change] {
    try readSubjects(keys)
    return try keys.sorted().compactMap { key in
      guard let subject = try subject(for: key), subject.operation == .pullRequest,
        let outline = subject.outlines().last(where: { $0.outcome == .merged }), let merged = outline.end,
        limit.map({ merged <= $0 }) ?? true
      else { return nil }
      func branch(_ name: String) -> SpanKey? { subject.register { $0.attributes.text(of: name) }.flatMap(key.branch(named:)) }
      return Change(
        key: key, span: outline, merged: merged, base: branch("vcs.ref.base.name"), head: branch("vcs.ref.head.name"))
    }
  }

  /// In seconds: since its first commit, as far as that is known, since it was opened, and since it was merged.
  private func leadTimes(of change: Change, deployed: Timestamp) throws -> [Attribute] {
    var attributes: [Attribute] = []
    if let first = try firstCommit(of: change) {
      attributes.append(Attribute("valuestream.lead_time.commit", .double(deployed.seconds(since: first))))
    }
    if !change.span.isStartUnknown {
      attributes.append(Attribute("valuestream.lead_time.change", .double(deployed.seconds(since: change.span.start))))
    }
    attributes.append(Attribute("valuestream.lead_time.merge", .double(deployed.seconds(since: change.merged))))
    return attributes
  }

  /// When the first commit of a change was made, by the pushes to its branch since that was made; nil where the first of them is not known.
  private func firstCommit(of change: Change) throws -> Timestamp? {
    guard let head = change.head else { return nil }
    let updates = try store.branchUpdates(of: head, limit: 200).filter { $0.time.timestamp <= change.merged }
    guard let creation = updates.lastIndex(where: { $0.kind == .created }) else { return nil }
    return updates[creation...].lazy.compactMap { $0.commits.compactMap(\.time).min() }.first
  }
}

extension Span {
  var lane: DeployLane? { DeployLane(of: key, attributes: attributes) }

  fileprivate var revision: String? { attributes.text(of: "vcs.ref.head.revision") }

  /// The branch that is deployed, if it is one and not a commit or tag.
  fileprivate var headBranch: SpanKey? { attributes.text(of: "vcs.ref.head.name").flatMap(key.branch(named:)) }

  fileprivate mutating func note(step: DeployStep) {
    attributes.insert(Attribute("valuestream.deployment.step", .string(step.rawValue)))
  }

  fileprivate mutating func note(changes count: Int, by basis: ChangesBasis) {
    attributes.insert(Attribute("valuestream.deployment.changes.basis", .string(basis.rawValue)))
    attributes.insert(Attribute("valuestream.deployment.changes.count", .int(Int64(count))))
  }
}
