/// How a deploy relates to the previous one: the attribute `valuestream.deployment.step`.
enum DeployStep: String {
  /// No earlier successful deploy of the service to the environment is known.
  case first
  case forward
  case redeploy
  case rollback
  /// One of the two commits, or the history between them, is unknown.
  case unknown
}

/// How the changes of a deploy were found: the attribute `valuestream.deployment.changes.basis`.
enum ChangesBasis: String {
  /// By the pushes that lead from one commit to the other.
  case pushes
  /// By times of merging, because pushes are missing.
  case mergeTimes = "merge_times"
}

/// How a successful deploy relates to earlier ones, and what it brought.
struct BroughtChanges {
  var step: DeployStep
  /// The successful deploy before it, of the same service to the same environment. Nil for the first one.
  var previous: Span?
  var changes: [TraceReader.Change] = []
  /// The pushes without a change that the deploy brought. Empty unless the basis is ``ChangesBasis/pushes``.
  var directPushes: [DirectPush] = []
  /// Nil if the changes are unknown.
  var basis: ChangesBasis?
  /// The deploy used for the comparison, if it is known.
  var compared: SubjectKey?
}

/// Finds the changes in a deploy. They depend on other subjects, so they are computed when a span is read.
extension TraceReader {
  /// Returns links to the changes since the last successful deploy of the same service to the same environment.
  ///
  /// Sets attributes of the span that describe how the changes were found. Empty for a deploy that did not succeed,
  /// because it brought no changes.
  mutating func changesBrought(by span: inout Span) throws -> [LinkEnd] {
    guard let end = span.end, let brought = try brought(by: span) else { return [] }
    span.note(step: brought.step)
    guard let previous = brought.previous else { return [] }
    span.attributes.insert(Attribute(Self.previousAttribute, .string(previous.key.description)))
    if let basis = brought.basis { span.note(changes: brought.changes.count, by: basis) }
    if let compared = brought.compared, compared != previous.key {
      span.attributes.insert(Attribute(Self.comparedAttribute, .string(compared.description)))
    }
    return try brought.changes.map { change in
      LinkEnd(
        key: change.key, attempt: change.span.number, rule: "deploys", attributes: try leadTimes(of: change, deployed: end))
    }
  }

  /// Compares a deploy with earlier ones. Nil for a deploy that did not succeed, or whose service is unknown.
  ///
  /// - Parameter findsDirectPushes: whether to find the pushes without a change, too.
  mutating func brought(by span: Span, findsDirectPushes: Bool = false) throws -> BroughtChanges? {
    guard let end = span.end, span.outcome == .success, let target = span.target else { return nil }
    // Deploys are ordered by their ends: those that wait for approval are often approved out of order.
    let entry = DeployTimeline.Entry(time: end, key: span.key, attempt: span.attempt)
    var earlier = EarlierDeploys(.successes(in: target), .before(entry), for: span.key)
    guard let previous = try earlier.next(&self) else { return BroughtChanges(step: .first) }
    guard span.attributes.text(of: AttributeName.valuestreamDeploymentKind) != "rolledback" else {
      return BroughtChanges(step: .rollback, previous: previous)
    }
    let verdict = try verdict(on: span, after: previous, &earlier)
    var brought = BroughtChanges(
      step: verdict.step, previous: previous, changes: verdict.changes, basis: verdict.basis, compared: verdict.compared)
    if findsDirectPushes, let range = verdict.range {
      brought.directPushes = try directPushes(in: range, for: span, without: verdict.unrelated.map { try history(of: $0) })
    }
    return brought
  }

  /// Names the previous successful deploy.
  private static var previousAttribute: String { AttributeName.valuestreamDeploymentPrevious }
  /// Names the deploy used for the comparison, if the previous one is unrelated.
  private static var comparedAttribute: String { AttributeName.valuestreamDeploymentCompared }

  /// Returns the span of a successful deploy and the lead times of all its changes.
  ///
  /// Includes changes beyond the limit of links that a span shows. Nil if the attempt is not, or no longer, a successful deploy.
  package mutating func deploy(ofAttempt number: Int, of key: SubjectKey) throws -> (span: Span, leadTimes: [[Attribute]])? {
    guard let subject = try subject(for: key), subject.operation == .deploy,
      var span = subject.span(ofAttempt: number), span.outcome == .success
    else { return nil }
    let changes = try changesBrought(by: &span)
    return (span, changes.map(\.attributes))
  }

  // MARK: Commits

  /// Returns the commit that a deploy runs on: its own, or that of its ancestors below the change.
  ///
  /// Nil if it is unknown, or if only the start of its hash is known and does not match exactly one commit.
  mutating func revision(of span: Span) throws -> String? {
    guard let revision = try statedRevision(of: span) else { return nil }
    let short = Reference(.commit, revision).recognizingShortCommit
    guard short.kind == .shortCommit else { return revision }
    let keys = Set(try publishers(of: short.candidates).values.joined())
    try readSubjects(keys)
    let commits = Set(try keys.compactMap { try subject(for: $0) }.flatMap(\.aliases).filter { $0.kind == .commit }.map(\.value))
      .filter { $0.hasPrefix(revision) }
    return commits.count == 1 ? commits.first : nil
  }

  mutating func statedRevision(of span: Span) throws -> String? {
    if let own = span.revision { return own }
    guard let subject = try subject(for: span.key) else { return nil }
    for key in try place(of: subject).path.dropFirst() {
      guard let above = try self.subject(for: key), above.operation != .pullRequest, above.operation != .issue else { return nil }
      let spans = above.spans(with: SpanParts(attributes: [AttributeName.vcsRefHeadRevision]))
      if let revision = spans.last?.revision { return revision }
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
    /// The deploy used for the comparison.
    var compared: SubjectKey?
    /// The commits among which the changes were found. Nil for another basis than ``ChangesBasis/pushes``.
    var range: CommitRange?
    /// Deploys whose changes do not count.
    var unrelated: [UnrelatedDeploy] = []
  }

  /// The maximum number of earlier deploys to check for a related one. A team that tries each branch in staging has many
  /// unrelated deploys between two of the main branch.
  static let comparedLimit = 64
  /// The maximum if no push of the deployed commit is known. An earlier deploy is then hardly related.
  private static let comparedLimitWithoutPushes = 16

  /// Compares a deploy with the latest earlier deploy that is related.
  ///
  /// For a branch whose first push already contained new commits, only these commits are known. A deploy of such a
  /// branch is unrelated to all others, except to later ones whose branch merged it. Merges to other branches then
  /// count since the previous deploy.
  private mutating func verdict(on span: Span, after previous: Span, _ earlier: inout EarlierDeploys) throws -> Verdict {
    guard let commit = try revision(of: span) else { return Verdict(step: .unknown) }
    var history: CommitRange.History?
    var place: MergePlace?
    var unrelated: [UnrelatedDeploy] = []
    var candidate: Span? = previous
    for number in 0..<Self.comparedLimit {
      guard let former = candidate, number < Self.comparedLimitWithoutPushes || history?.isUnknown == false else { break }
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
          // Everything else that this deploy contains is known.
          if let former = deploy.history, !former.isUnknown, !former.beganWithCommits { break }
        }
      }
      candidate = try earlier.next(&self)
    }
    if let history, history.beganWithCommits {
      let own = history.all(without: unrelated.compactMap(\.history))
      if !own.isCutShort {
        return Verdict(
          step: .forward, changes: try changes(of: own, for: span, without: unrelated), basis: .pushes, range: own,
          unrelated: unrelated)
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

  /// A deploy between the examined one and the one used for the comparison.
  private struct UnrelatedDeploy {
    var span: Span
    var commit: String
    var history: CommitRange.History?
  }

  private func history(of deploy: UnrelatedDeploy) throws -> CommitRange.History {
    try deploy.history ?? CommitRange.History(of: deploy.commit, preferring: deploy.span.preferredBranch, in: branchUpdates)
  }

  /// Decides by pushes.
  ///
  /// - Parameter unrelated: the deploys between the two. Changes that they already contained do not count.
  private mutating func verdict(
    on span: Span, since former: Span, _ range: CommitRange, _ unrelated: [UnrelatedDeploy], _ history: CommitRange.History?
  ) throws -> Verdict {
    // The deploy may also contain what was deployed in between.
    let goesOn = unrelated.contains { history?.contains($0.commit) ?? false }
    switch range.relation {
    case .same where unrelated.isEmpty: return Verdict(step: .redeploy)
    case .same where !goesOn, .behind where !goesOn: return Verdict(step: .rollback, compared: former.key)
    default:
      let changes = try changes(of: range, for: span, without: unrelated)
      return Verdict(
        step: .forward, changes: changes, basis: .pushes, compared: former.key, range: range, unrelated: unrelated)
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

  /// Decides by times of merges to the common branch. Nil if the period is too long to search.
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

  /// A branch, and the time up to which merges to it are included.
  private struct MergePlace {
    var branch: SubjectKey
    var time: Timestamp
    /// True if the time is that of a merge.
    var isMerge: Bool
  }

  /// Returns where a commit is on its branch. Nil if the branch is unknown.
  ///
  /// The time is that of the merge that created the commit, else of the push that brought it, else the start of the deploy.
  ///
  /// - Parameter range: the known way back from the commit.
  private mutating func mergePlace(
    of commit: String, deployedBy span: Span, _ range: CommitRange?
  ) throws -> MergePlace? {
    guard let branch = try range?.branches.first ?? self.branch(of: commit, deployedBy: span) else { return nil }
    func lastMerge(amongst commits: [String]) throws -> Timestamp? {
      let keys = Set(try publishers(ofCommits: commits).values.joined())
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

  /// Returns the branch of a commit.
  ///
  /// This is the branch that pointed to it, else the one that its change was merged to, else the one that the deploy
  /// names if its pushes are known.
  private mutating func branch(of commit: String, deployedBy span: Span) throws -> SubjectKey? {
    if let update = span.preferredBranch.choose(among: try branchUpdates.updates(to: commit), afterMoving: nil) {
      return update.branch
    }
    let merged = try mergedChanges(Set(publishers(ofCommits: [commit]).values.joined())).filter {
      $0.mayHaveLanded(as: commit)
    }
    let branches = Set(merged.compactMap(\.base))
    if branches.count == 1 { return branches.first }
    guard let named = span.headBranch else { return nil }
    return try branchUpdates.history(of: named, limit: 1).updates.isEmpty ? nil : named
  }
}

extension Span {
  var target: DeployTarget? { DeployTarget(of: key, attributes: attributes) }

  fileprivate var revision: String? { attributes.text(of: AttributeName.vcsRefHeadRevision) }

  /// The deployed branch. If the deploy names a tag or commit instead, no branch with this key exists.
  fileprivate var headBranch: SubjectKey? { attributes.text(of: AttributeName.vcsRefHeadName).flatMap(key.branch(named:)) }

  fileprivate var preferredBranch: BranchPreference {
    BranchPreference(branch: headBranch, container: key.containerSpace)
  }

  fileprivate mutating func note(step: DeployStep) {
    attributes.insert(Attribute(AttributeName.valuestreamDeploymentStep, .string(step.rawValue)))
  }

  fileprivate mutating func note(changes count: Int, by basis: ChangesBasis) {
    attributes.insert(Attribute(AttributeName.valuestreamDeploymentChangesBasis, .string(basis.rawValue)))
    attributes.insert(Attribute(AttributeName.valuestreamDeploymentChangesCount, .int(Int64(count))))
  }
}
