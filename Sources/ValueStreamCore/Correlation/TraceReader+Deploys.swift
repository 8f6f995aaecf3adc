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
    var earlier = EarlierDeploys(in: lane, before: span)
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

  // MARK: Deploys

  /// The deploy of a name with the greatest time among those that have one and are meant. What is older than a year is not looked for.
  ///
  /// - Parameter time: when it began or ended.
  mutating func latestDeploy(
    _ name: DatedName, on day: Int64, time: (Subject, AttemptOutline) -> Timestamp?, where isMeant: (Span) -> Bool
  ) throws -> Span? {
    var candidates = DatedDeploys(name, upTo: day)
    return try candidates.next(&self, time: time, where: isMeant)
  }

  /// The deploys of a name, the one with the greatest time first. Their days are read one period after the other, as far as needed.
  private struct DatedDeploys {
    private let name: DatedName
    private var periods: ArraySlice<ClosedRange<Int64>>
    /// The first day of what was read.
    private var firstDay = Int64.max
    private var seen: Set<SpanKey> = []
    /// In ascending order.
    private var waiting: [DatedDeploy] = []

    init(_ name: DatedName, upTo day: Int64) {
      self.name = name
      periods = [day - 1...day, day - 7...day - 2, day - 31...day - 8, day - 366...day - 32]
    }

    mutating func next(
      _ reader: inout TraceReader, time: (Subject, AttemptOutline) -> Timestamp?, where isMeant: (Span) -> Bool
    ) throws -> Span? {
      while true {
        // One that began long before these days and ended in them may not be the last to begin.
        while let deploy = waiting.last, periods.isEmpty || DatedName.day(of: deploy.time) >= firstDay {
          waiting.removeLast()
          if let found = try reader.subject(for: deploy.key)?.span(ofAttempt: deploy.attempt), isMeant(found) { return found }
        }
        guard let days = periods.popFirst() else { return nil }
        firstDay = days.lowerBound
        let keys = Set(try reader.store.publishers(of: name.references(onDays: days)).values.joined()).subtracting(seen)
        seen.formUnion(keys)
        try reader.readSubjects(keys)
        for key in keys {
          for outline in try reader.outlines(ofDeploy: key) {
            guard let subject = try reader.subject(for: key), let time = time(subject, outline) else { continue }
            waiting.append(DatedDeploy(time: time, key: key, attempt: outline.number))
          }
        }
        waiting.sort()
      }
    }
  }

  /// The successful deploys of a service to an environment that ended before another one did, the last of them first. By their ends,
  /// because deploys that wait for approval are often not approved in the order in which they were made.
  private struct EarlierDeploys {
    private let lane: DeployLane
    private let deploy: DatedDeploy
    private var candidates: DatedDeploys

    init(in lane: DeployLane, before span: Span) {
      self.lane = lane
      deploy = DatedDeploy(time: span.end ?? span.start, key: span.key, attempt: span.attempt)
      candidates = DatedDeploys(.deploys(in: lane), upTo: DatedName.day(of: deploy.time))
    }

    mutating func next(_ reader: inout TraceReader) throws -> Span? {
      try candidates.next(&reader) { subject, candidate in
        guard let end = candidate.end, candidate.outcome == .success,
          DatedDeploy(time: end, key: subject.key, attempt: candidate.number) < deploy
        else { return nil }
        return end
      } where: {
        $0.lane == lane
      }
    }
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
          range = try CommitRange.between(last, commit, preferring: span.preferredBranch, in: store)
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
          let known = try history ?? CommitRange.History(of: commit, preferring: span.preferredBranch, in: store)
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
    try deploy.history ?? CommitRange.History(of: deploy.commit, preferring: deploy.span.preferredBranch, in: store)
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
    guard let update = try store.branchUpdates(to: commit).last(where: { $0.branch == branch }) else {
      return MergePlace(branch: branch, time: span.start, isMerge: false)
    }
    let merged = try lastMerge(amongst: update.commits.map(\.id))
    return MergePlace(branch: branch, time: max(update.time.timestamp, merged ?? .epoch), isMerge: false)
  }

  /// The branch that stood at a commit, or the commit's change was merged to, else the one that the deploy names, if there is such a
  /// branch.
  private mutating func branch(of commit: String, deployedBy span: Span) throws -> SpanKey? {
    if let update = span.preferredBranch.choose(among: try store.branchUpdates(to: commit), afterMoving: nil) {
      return update.branch
    }
    let reference = Reference(.commit, commit)
    let merged = try mergedChanges(Set(store.publishers(of: [reference])[reference] ?? [])).filter {
      $0.mayHaveLanded(as: commit)
    }
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
    /// The last commit of its branch.
    var headCommit: String?
    /// The commit that the merge made, where it made one: the base has the change if it has this.
    var mergeCommit: String?

    /// A change that was merged without a commit of its own came to its base with the last one of its branch.
    func mayHaveLanded(as commit: String) -> Bool { (mergeCommit ?? headCommit).map { $0 == commit } ?? true }
  }

  /// The changes that the commits between two deploys are of. That is certain where the commit of the merge is among them, whichever
  /// clock says when that was. Of those merged without one count those that were merged to a branch on the way, or to the branch of one
  /// that was.
  private mutating func changes(of range: CommitRange, for span: Span) throws -> [Change] {
    var commits = range.commits
    let brought = Set(commits.map(\.id))
    if let service = span.attributes.text(of: DeployLane.serviceAttribute) {
      commits.removeAll { $0.services.map { !$0.contains { $0.lowercased() == service.lowercased() } } ?? false }
    }
    let references = Set(commits.map { Reference(.commit, $0.id) }).sorted()
    let keys = Set(try store.publishers(of: references).values.joined())
    var waiting = try mergedChanges(keys)
    waiting.removeAll { $0.mergeCommit.map { !brought.contains($0) } ?? false }
    var branches = Set(range.branches)
    var found: [Change] = []
    while let index = waiting.firstIndex(where: { $0.mergeCommit != nil || $0.base.map(branches.contains) ?? true }) {
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
    guard start <= end else { return [] }
    let days = (first: DatedName.day(of: start), last: DatedName.day(of: end))
    guard days.last - days.first <= 366 else { return nil }
    let references = DatedName.merges(to: branch).references(onDays: days.first...days.last)
    let keys = Set(try store.publishers(of: references).values.joined())
    return try mergedChanges(keys).filter { $0.merged > start && $0.merged <= end && $0.base == branch }
      .sorted { ($0.merged, $0.key) < ($1.merged, $1.key) }
  }

  private mutating func mergedChanges(_ keys: Set<SpanKey>) throws -> [Change] {
    try readSubjects(keys)
    return try keys.sorted().compactMap { key in
      guard let subject = try subject(for: key), subject.operation == .pullRequest,
        let outline = subject.outlines().last(where: { $0.outcome == .merged }), let merged = outline.end
      else { return nil }
      func text(_ name: String) -> String? { subject.register { $0.attributes.text(of: name) } }
      func branch(_ name: String) -> SpanKey? { text(name).flatMap(key.branch(named:)) }
      let head = text("vcs.ref.head.revision")?.lowercased()
      let merge = text("valuestream.change.merge_revision")?.lowercased()
      return Change(
        key: key, span: outline, merged: merged, base: branch("vcs.ref.base.name"), head: branch("vcs.ref.head.name"),
        headCommit: head, mergeCommit: merge == head ? nil : merge)
    }
  }

  /// In seconds: since its first commit, as far as that is known, since it was opened, and since it was merged. A clock that is slow
  /// makes none of them negative.
  private mutating func leadTimes(of change: Change, deployed: Timestamp) throws -> [Attribute] {
    var attributes: [Attribute] = []
    func add(_ name: String, since time: Timestamp) {
      attributes.append(Attribute("valuestream.lead_time.\(name)", .double(max(0, deployed.seconds(since: time)))))
    }
    if let first = try firstCommit(of: change) { add("commit", since: first) }
    if !change.span.isStartUnknown { add("change", since: change.span.start) }
    add("merge", since: change.merged)
    return attributes
  }

  /// When the first commit of a change was made, by the pushes to its branch since that was made, or since an earlier change of it was
  /// merged; nil where the first of them is not known. What its base had before counts for other changes.
  private mutating func firstCommit(of change: Change) throws -> Timestamp? {
    guard let head = change.head else { return nil }
    var updates = try store.branchUpdates(of: head, limit: Self.branchUpdateLimit).filter { $0.time.timestamp <= change.merged }
    let merged = try heads(mergedBefore: change, among: updates)
    let beginnings = [
      updates.lastIndex { $0.kind == .created }, updates.lastIndex { $0.after.map(merged.contains) ?? false }.map { $0 + 1 },
    ]
    guard let beginning = beginnings.compactMap({ $0 }).max() else { return nil }
    updates.removeSubrange(..<beginning)
    let foreign = try commits(ofBaseBefore: change)
    return updates.lazy.compactMap { update in
      update.commits.lazy.filter { !foreign.contains($0.id) }.compactMap(\.time).min()
    }.first
  }

  /// More updates of a branch are not looked at to find the first commit of a change.
  private static let branchUpdateLimit = 200

  /// Those of the commits at which a branch stood with which another change made on it was merged to the same base before.
  private mutating func heads(mergedBefore change: Change, among updates: [BranchUpdate]) throws -> Set<String> {
    let commits = Set(updates.compactMap(\.after))
    let keys = Set(try store.publishers(of: commits.map { Reference(.commit, $0) }.sorted()).values.joined())
    let earlier = try mergedChanges(keys.subtracting([change.key])).filter {
      $0.head == change.head && $0.base == change.base && $0.merged < change.merged
    }
    return Set(earlier.compactMap(\.headCommit)).subtracting([change.headCommit].compactMap { $0 })
  }

  /// What the base of a change had before the change came to it.
  private func commits(ofBaseBefore change: Change) throws -> Set<String> {
    guard let base = change.base, let landed = change.mergeCommit ?? change.headCommit else { return [] }
    let updates = try store.branchUpdates(of: base, limit: Self.branchUpdateLimit).filter { update in
      update.time.timestamp <= change.merged && update.after != landed && !update.commits.contains { $0.id == landed }
    }
    return Set(updates.lazy.flatMap(\.commits).map(\.id))
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
