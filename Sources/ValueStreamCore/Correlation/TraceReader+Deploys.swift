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
    // By their ends, because deploys that wait for approval are often not approved in the order in which they were made.
    let entry = DeployTimeline.Entry(time: end, key: span.key, attempt: span.attempt)
    var earlier = EarlierDeploys(.successes(in: lane), .before(entry))
    guard let previous = try earlier.next(&self) else {
      span.note(step: .first)
      return []
    }
    span.attributes.insert(Attribute(Self.previousAttribute, .string(previous.key.description)))
    guard span.attributes.text(of: "valuestream.deployment.kind") != "rolledback" else {
      span.note(step: .rollback)
      return []
    }
    let verdict = try verdict(on: span, after: previous, &earlier)
    span.note(step: verdict.step)
    if let basis = verdict.basis { span.note(changes: verdict.changes.count, by: basis) }
    if let compared = verdict.compared, compared != previous.key {
      span.attributes.insert(Attribute(Self.comparedAttribute, .string(compared.description)))
    }
    return try verdict.changes.map { change in
      LinkEnd(
        key: change.key, attempt: change.span.number, rule: "deploys", attributes: try leadTimes(of: change, deployed: end))
    }
  }

  /// The deploy that ended before.
  private static var previousAttribute: String { "valuestream.deployment.previous" }
  /// The deploy that it was compared with, where it is not related to the one before.
  private static var comparedAttribute: String { "valuestream.deployment.compared" }

  /// The span of a successful deploy, and of each change it brought the lead times: all of them, where a span shows only so many links.
  /// Nil for an attempt that is no successful deploy (any more).
  package mutating func deploy(ofAttempt number: Int, of key: SpanKey) throws -> (span: Span, leadTimes: [[Attribute]])? {
    guard let subject = try subject(for: key), subject.operation == .deploy,
      var span = subject.span(ofAttempt: number), span.outcome == .success
    else { return nil }
    let changes = try changesBrought(by: &span)
    return (span, changes.map(\.attributes))
  }

  // MARK: Commits

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

  // MARK: Comparing

  private struct Verdict {
    var step: DeployStep
    var changes: [Change] = []
    var basis: ChangesBasis?
    /// The deploy that it was compared with.
    var compared: SpanKey?
  }

  /// More deploys of a service than this are not compared with one to find a related one.
  private static let comparedLimit = 16

  /// How a deploy stands to those before it: to the last of them that is related.
  ///
  /// What a branch has that was first pushed with commits of its own is not known. So a deploy of it is related to none, nor is any to
  /// it whose branch did not take it in; what was merged elsewhere counts from the deploy before.
  private mutating func verdict(on span: Span, after previous: Span, _ earlier: inout EarlierDeploys) throws -> Verdict {
    guard let commit = try revision(of: span) else { return Verdict(step: .unknown) }
    var history: CommitRange.History?
    var place: MergePlace?
    var unrelated: [UnrelatedDeploy] = []
    var candidate: Span? = previous
    for _ in 0..<Self.comparedLimit {
      guard let former = candidate else { break }
      if let last = try revision(of: former) {
        let range: CommitRange
        if var known = history {
          range = try known.range(since: last)
          history = known
        } else {
          range = try CommitRange.between(last, commit, preferring: span.preferredBranch, in: branchUpdates)
        }
        if range.relation != .unknown, !(range.relation == .ahead && range.isCutShort) {
          return try verdict(on: span, since: former, range, unrelated, history)
        }
        if place == nil { place = try mergePlace(of: commit, deployedBy: span, range) }
        let then = try mergePlace(of: last, deployedBy: former, nil)
        if let place, let then, then.branch == place.branch,
          let verdict = try verdict(on: (span, place), since: (former, then))
        {
          return verdict
        }
        if then.map({ $0.branch.containerSpace == (place?.branch ?? $0.branch).containerSpace }) ?? true {
          let known = try history ?? CommitRange.History(of: commit, preferring: span.preferredBranch, in: branchUpdates)
          history = known
          var deploy = UnrelatedDeploy(span: former, commit: last)
          if known.beganWithCommits { deploy.history = try self.history(of: deploy) }
          unrelated.append(deploy)
          // All else that this one has is known.
          if let former = deploy.history, !former.isUnknown, !former.beganWithCommits { break }
        }
      }
      candidate = try earlier.next(&self)
    }
    if let history, history.beganWithCommits {
      let own = history.all(without: unrelated.compactMap(\.history))
      if !own.isCutShort {
        return Verdict(step: .forward, changes: try changes(of: own, for: span, without: unrelated), basis: .pushes)
      }
    }
    guard let place, let last = try revision(of: previous) else { return Verdict(step: .unknown) }
    let former = try mergePlace(of: last, deployedBy: previous, nil)
    let space = former?.branch.containerSpace ?? previous.key.containerSpace
    guard space == place.branch.containerSpace || former == nil && space == span.key.containerSpace else {
      return Verdict(step: .unknown)
    }
    let since = MergePlace(branch: place.branch, time: previous.start, isMerge: false)
    return try verdict(on: (span, place), since: (previous, since)) ?? Verdict(step: .unknown)
  }

  /// One between a deploy and the one that it is compared with.
  private struct UnrelatedDeploy {
    var span: Span
    var commit: String
    var history: CommitRange.History?
  }

  private func history(of deploy: UnrelatedDeploy) throws -> CommitRange.History {
    try deploy.history ?? CommitRange.History(of: deploy.commit, preferring: deploy.span.preferredBranch, in: branchUpdates)
  }

  /// By pushes.
  ///
  /// - Parameter unrelated: the deploys between the two; what they had already is not brought again.
  private mutating func verdict(
    on span: Span, since former: Span, _ range: CommitRange, _ unrelated: [UnrelatedDeploy], _ history: CommitRange.History?
  ) throws -> Verdict {
    // It may also take in what was deployed between.
    let goesOn = unrelated.contains { history?.contains($0.commit) ?? false }
    switch range.relation {
    case .same where unrelated.isEmpty: return Verdict(step: .redeploy)
    case .same where !goesOn, .behind where !goesOn: return Verdict(step: .rollback, compared: former.key)
    default:
      let changes = try changes(of: range, for: span, without: unrelated)
      return Verdict(step: .forward, changes: changes, basis: .pushes, compared: former.key)
    }
  }

  private mutating func changes(
    of range: CommitRange, for span: Span, without unrelated: [UnrelatedDeploy]
  ) throws -> [Change] {
    var changes = try self.changes(of: range, for: span)
    for deploy in unrelated where !changes.isEmpty {
      let had = Set(try self.changes(of: history(of: deploy).all(), for: deploy.span).map(\.key))
      changes.removeAll { had.contains($0.key) }
    }
    return changes
  }

  /// By times of merging to the branch of both; nil where that is longer than can be looked through.
  private mutating func verdict(
    on deploy: (span: Span, place: MergePlace), since former: (span: Span, place: MergePlace)
  ) throws -> Verdict? {
    if deploy.place.isMerge, former.place.isMerge, deploy.place.time < former.place.time {
      return Verdict(step: .rollback, compared: former.span.key)
    }
    guard let merged = try changes(mergedTo: deploy.place.branch, after: former.place.time, until: deploy.place.time) else {
      return nil
    }
    return Verdict(step: .forward, changes: merged, basis: .mergeTimes, compared: former.span.key)
  }

  /// A branch, and up to when it has what was merged to it.
  private struct MergePlace {
    var branch: SpanKey
    var time: Timestamp
    /// True where the time is that of a merge.
    var isMerge: Bool
  }

  /// Where a commit stands on the branch it came to: at the merge that made it, else at the push that brought it, else where the branch
  /// was when the deploy began; nil where the branch is not known.
  ///
  /// - Parameter range: what is known of its way back.
  private mutating func mergePlace(
    of commit: String, deployedBy span: Span, _ range: CommitRange?
  ) throws -> MergePlace? {
    guard let branch = try range?.branches.first ?? self.branch(of: commit, deployedBy: span) else { return nil }
    func lastMerge(amongst commits: [String]) throws -> Timestamp? {
      let keys = Set(try store.publishers(of: Set(commits.map { Reference(.commit, $0) }).sorted()).values.joined())
      return try mergedChanges(keys).filter { change in
        change.base == branch && commits.contains { change.mayHaveLanded(as: $0) }
      }.map(\.merged).max()
    }
    if let merged = try lastMerge(amongst: [commit]) { return MergePlace(branch: branch, time: merged, isMerge: true) }
    guard let update = try branchUpdates.updates(to: commit).last(where: { $0.branch == branch }) else {
      return MergePlace(branch: branch, time: span.start, isMerge: false)
    }
    let merged = try lastMerge(amongst: update.commits.map(\.id))
    return MergePlace(branch: branch, time: max(update.time.timestamp, merged ?? .epoch), isMerge: false)
  }

  /// The branch that stood at a commit, or the commit's change was merged to, else the one that the deploy names, if there is such a
  /// branch.
  private mutating func branch(of commit: String, deployedBy span: Span) throws -> SpanKey? {
    if let update = span.preferredBranch.choose(among: try branchUpdates.updates(to: commit), afterMoving: nil) {
      return update.branch
    }
    let reference = Reference(.commit, commit)
    let merged = try mergedChanges(Set(store.publishers(of: [reference])[reference] ?? [])).filter {
      $0.mayHaveLanded(as: commit)
    }
    let branches = Set(merged.compactMap(\.base))
    if branches.count == 1 { return branches.first }
    guard let named = span.headBranch else { return nil }
    return try branchUpdates.history(of: named, limit: 1).updates.isEmpty ? nil : named
  }
}

extension Span {
  var lane: DeployLane? { DeployLane(of: key, attributes: attributes) }

  fileprivate var revision: String? { attributes.text(of: "vcs.ref.head.revision") }

  /// The branch that is deployed, if it is one and not a commit or tag.
  fileprivate var headBranch: SpanKey? { attributes.text(of: "vcs.ref.head.name").flatMap(key.branch(named:)) }

  fileprivate var preferredBranch: BranchPreference {
    BranchPreference(branch: headBranch, container: key.containerSpace)
  }

  fileprivate mutating func note(step: DeployStep) {
    attributes.insert(Attribute("valuestream.deployment.step", .string(step.rawValue)))
  }

  fileprivate mutating func note(changes count: Int, by basis: ChangesBasis) {
    attributes.insert(Attribute("valuestream.deployment.changes.basis", .string(basis.rawValue)))
    attributes.insert(Attribute("valuestream.deployment.changes.count", .int(Int64(count))))
  }
}
