/// Finds the changes in a deploy, and their lead times.
extension TraceReader {
  /// A change that was merged.
  struct Change {
    var key: SubjectKey
    var span: AttemptOutline
    var merged: Timestamp
    /// The branches that the change was merged to and made on, as branches of its own repository. Nil if unknown.
    var base: SubjectKey?
    var head: SubjectKey?
    /// The last commit of the change's own branch.
    var headCommit: String?
    /// The commit that the merge created. Nil if it created none. The base contains the change if it contains this commit.
    var mergeCommit: String?
    /// The number of its commits at last. Nil if the vendor does not say.
    var commitCount: Int?

    /// True if the base may have received the change with this commit.
    ///
    /// A merge without a commit of its own adds the last commit of the change's branch.
    func mayHaveLanded(as commit: String) -> Bool { (mergeCommit ?? headCommit).map { $0 == commit } ?? true }

    /// True if the base contained a commit before the change was merged.
    func wasPreceded(by commit: String, in base: BranchHistory?) -> Bool {
      guard let base, let landed = mergeCommit ?? headCommit else { return false }
      return base.updates(listing: commit).contains { update in
        update.time.timestamp <= merged && update.after != landed && !update.commits.contains { $0.id == landed }
      }
    }
  }

  /// Returns the changes to which the commits between two deploys belong.
  ///
  /// A change whose merge commit is in the range certainly counts, whatever the clocks say. A change without a merge
  /// commit counts if it was merged to a branch on the way, or to the branch of another change that counts.
  mutating func changes(of range: CommitRange, for span: Span) throws -> [Change] {
    var commits = range.commits
    let brought = Set(commits.map(\.id))
    if let service = span.attributes.text(of: AttributeName.valuestreamService) {
      commits.removeAll { $0.services.map { !$0.contains { $0.lowercased() == service.lowercased() } } ?? false }
    }
    let keys = Set(try publishers(ofCommits: commits.lazy.map(\.id)).values.joined())
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

  /// Returns the changes merged to a branch after `start` and up to `end`.
  ///
  /// Nil if the period exceeds 366 days or has more than ``changeLimit`` changes, or one of its days more than ``dayLimit``.
  mutating func changes(
    mergedTo branch: SubjectKey, after start: Timestamp, until end: Timestamp
  ) throws -> [Change]? {
    guard start <= end else { return [] }
    let days = (first: DailyAlias.day(of: start), last: DailyAlias.day(of: end))
    guard days.last - days.first <= 366 else { return nil }
    let name = DailyAlias.merges(to: branch)
    var keys: Set<SubjectKey> = []
    for first in stride(from: days.first, through: days.last, by: Int(Self.mergeDaysAtOnce)) {
      let last = min(first + Self.mergeDaysAtOnce - 1, days.last)
      let found = try store.publishers(of: name.references(onDays: first...last), limit: Self.dayLimit + 1).values
      keys.formUnion(found.joined())
      guard keys.count <= Self.changeLimit, found.allSatisfy({ $0.count <= Self.dayLimit }) else {
        cutLookUpCount += 1
        return nil
      }
    }
    return try mergedChanges(keys).filter { $0.merged > start && $0.merged <= end && $0.base == branch }
      .sorted { ($0.merged, $0.key) < ($1.merged, $1.key) }
  }

  /// The number of changes to read at once. The first may suffice.
  private static let changesAtOnce = 50

  /// The number of days of merges to look up at once.
  private static let mergeDaysAtOnce: Int64 = 32

  /// True if a change was merged to a branch after `start` and up to `end`.
  ///
  /// Looks at ``dayLimit`` changes at most, on the last days first.
  mutating func hasChange(mergedTo branch: SubjectKey, after start: Timestamp, until end: Timestamp) throws -> Bool {
    guard start <= end else { return false }
    let days = DailyAlias.day(of: start)...DailyAlias.day(of: end)
    var rest = Self.dayLimit
    for reference in DailyAlias.merges(to: branch).references(onDays: days).reversed() {
      let keys = try store.publishers(of: reference, around: .max, limit: rest)
      for first in stride(from: 0, to: keys.count, by: Self.changesAtOnce) {
        let some = Set(keys[first..<min(first + Self.changesAtOnce, keys.count)])
        if try mergedChanges(some).contains(where: { $0.merged > start && $0.merged <= end && $0.base == branch }) {
          return true
        }
      }
      rest -= keys.count
      guard rest > 0 else {
        cutLookUpCount += 1
        return false
      }
    }
    return false
  }

  /// Returns those of these subjects that are changes that were merged, sorted by key.
  mutating func mergedChanges(_ keys: Set<SubjectKey>) throws -> [Change] {
    var changes: [Change] = []
    try visitSubjects(keys) { subject in
      guard subject.operation == .pullRequest, let outline = subject.outlines().last(where: { $0.outcome == .merged }),
        let merged = outline.end
      else { return }
      changes.append(Self.change(subject, outline, merged: merged))
    }
    return changes
  }

  static func change(_ subject: Subject, _ outline: AttemptOutline, merged: Timestamp) -> Change {
    func text(_ name: String) -> String? { subject.register { $0.attributes.text(of: name) } }
    func branch(_ name: String) -> SubjectKey? { text(name).flatMap(subject.key.branch(named:)) }
    let head = text(AttributeName.vcsRefHeadRevision)?.lowercased()
    let merge = text(AttributeName.valuestreamChangeMergeRevision)?.lowercased()
    let count = subject.register { event -> Int64? in
      if case .int(let count) = event.attributes.value(of: AttributeName.valuestreamChangeCommits) { count } else { nil }
    }
    return Change(
      key: subject.key, span: outline, merged: merged, base: branch(AttributeName.vcsRefBaseName),
      head: branch(AttributeName.vcsRefHeadName),
      headCommit: head, mergeCommit: merge == head ? nil : merge, commitCount: count.map { Int(clamping: $0) })
  }

  /// Returns the lead times of a change in seconds: since its first commit if known, since it was opened, and since its merge.
  ///
  /// Clock differences never make them negative.
  mutating func leadTimes(of change: Change, deployed: Timestamp) throws -> [Attribute] {
    var attributes: [Attribute] = []
    func add(_ name: String, since time: Timestamp) {
      attributes.append(Attribute("valuestream.lead_time.\(name)", .double(max(0, deployed.seconds(since: time)))))
    }
    if let first = try firstCommit(of: change) { add("commit", since: first) }
    if !change.span.isStartUnknown { add("change", since: change.span.start) }
    add("merge", since: change.merged)
    return attributes
  }

  /// Returns the time of a change's first commit, from the pushes to its branch.
  ///
  /// Considers pushes since the branch was created or since an earlier change from it was merged. Nil if the first push
  /// is unknown. Commits that the base already had belong to other changes.
  ///
  /// A rebase or an amended commit renews commits. After a forced push, the branch has the first of its former commits and those
  /// of the push: as many as the vendor counts in the change, else as many as before.
  mutating func firstCommit(of change: Change) throws -> Timestamp? {
    guard let head = change.head else { return nil }
    var updates = try branchUpdates.history(of: head, limit: Self.branchUpdateLimit).updates.filter {
      $0.time.timestamp <= change.merged
    }
    guard let beginning = try beginning(of: change, among: updates) else { return nil }
    updates.removeSubrange(..<beginning)
    let base = try change.base.map { try branchUpdates.history(of: $0, limit: Self.branchUpdateLimit) }
    let pushed = updates.map { update in update.commits.filter { !change.wasPreceded(by: $0.id, in: base) } }
    let lastForced = updates.lastIndex(where: \.isForced)
    /// The commits of the branch, each with the number of its push.
    var commits: [(push: Int, time: Timestamp?)] = []
    for (index, update) in updates.enumerated() {
      if update.isForced {
        let later = pushed[(index + 1)...].reduce(0) { $0 + $1.count }
        let count = (index == lastForced ? change.commitCount.map { $0 - later } : nil) ?? commits.count
        commits = Array(commits.prefix(max(0, count - pushed[index].count)))
      }
      commits += pushed[index].map { (index, $0.time) }
    }
    guard let first = commits.first(where: { $0.time != nil })?.push else { return nil }
    return commits.lazy.filter { $0.push == first }.compactMap(\.time).min()
  }

  /// The maximum number of branch updates to search for the first commit of a change.
  private static let branchUpdateLimit = 200

  /// The maximum number of changes with some of these updates to search for an earlier one from the same branch.
  private static let earlierChangeLimit = 1000

  /// Returns the index of the branch update with which a change starts.
  ///
  /// This is the update that created the branch, or the one after the last merge of another change from this branch to
  /// the same base. It is usually among the last updates, so the search starts there.
  private mutating func beginning(of change: Change, among updates: [BranchUpdate]) throws -> Int? {
    let created = Self.creation(in: updates)
    var (end, count) = (updates.count, 8)
    while end > created ?? 0 {
      let some = updates[max(created ?? 0, end - count)..<end]
      let merged = try heads(mergedBefore: change, among: some)
      if let last = some.lastIndex(where: { $0.after.map(merged.contains) ?? false }) { return last + 1 }
      (end, count) = (some.startIndex, count * 2)
    }
    return created
  }

  /// Returns the index of the last creation of a branch.
  ///
  /// GitHub tells a creation twice: in a push with its commits, and without commits in an event that has no time of its
  /// own, so that it seems later. The push counts unless the branch was deleted in between.
  private static func creation(in updates: [BranchUpdate]) -> Int? {
    guard let last = updates.lastIndex(where: { $0.kind == .created }), updates[last].after == nil,
      let push = updates[..<last].lastIndex(where: { $0.kind == .created && $0.after != nil }),
      !updates[push..<last].contains(where: { $0.kind == .deleted })
    else { return updates.lastIndex { $0.kind == .created } }
    return push
  }

  /// Returns the commits of these updates at which another change from the branch was merged to the same base before.
  private mutating func heads(mergedBefore change: Change, among updates: ArraySlice<BranchUpdate>) throws -> Set<String> {
    let commits = updates.reversed().compactMap(\.after)
    let keys = Set(try publishers(ofCommits: commits, atMost: Self.earlierChangeLimit).values.joined())
    let earlier = try mergedChanges(keys.subtracting([change.key])).filter {
      $0.head == change.head && $0.base == change.base && $0.merged < change.merged
    }
    return Set(earlier.compactMap(\.headCommit)).subtracting([change.headCommit].compactMap { $0 })
  }
}

/// A push of commits that belong to no request.
struct DirectPush: Hashable {
  var branch: SubjectKey
  var isDefaultBranch: Bool
  /// The head of the branch after the push.
  var commit: String
  var time: Timestamp
  /// The time of its first commit. Nil if the push does not tell it.
  var firstCommit: Timestamp?
}

extension TraceReader {
  /// Returns the pushes in a range with commits that belong to no request, oldest first.
  ///
  /// The commits of a push up to the last one that a merge of a request made belong to requests. So do those up to the
  /// last commit of a merged request from the pushed branch. The others are one direct change. It counts if the range
  /// contains the last commit of the push and, for the deploy of a service, if one of the commits is for the service.
  ///
  /// - Parameter unrelated: histories whose pushes do not count.
  mutating func directPushes(
    in range: CommitRange, for span: Span, without unrelated: [CommitRange.History]
  ) throws -> [DirectPush] {
    let brought = Set(range.commits.map(\.id))
    let updates = range.updates.filter { update in
      guard let after = update.after, brought.contains(after), !update.commits.isEmpty else { return false }
      return !unrelated.contains { $0.contains(after) }
    }
    guard !updates.isEmpty else { return [] }
    let publishers = try publishers(ofCommits: updates.lazy.flatMap { $0.commits.lazy.map(\.id) })
    let merged = try mergedChanges(Set(publishers.values.joined()))
    let changes = Dictionary(merged.map { ($0.key, $0) }) { first, _ in first }
    let service = span.attributes.text(of: AttributeName.valuestreamService)?.lowercased()
    var pushes: [DirectPush] = []
    for update in updates {
      let last = update.commits.lastIndex { commit in
        // A commit that too many requests have belongs to one of them, although nobody knows to which.
        guard let keys = publishers[Reference(.commit, commit.id)] else { return true }
        return keys.contains { key in
          changes[key].map { $0.mayHaveLanded(as: commit.id) || $0.head == update.branch } ?? false
        }
      }
      let commits = update.commits[(last.map { $0 + 1 } ?? 0)...]
      guard let after = update.after, !commits.isEmpty else { continue }
      let isOfService = commits.contains { commit in
        guard let service, let services = commit.services else { return true }
        return services.contains { $0.lowercased() == service }
      }
      guard isOfService else { continue }
      pushes.append(
        DirectPush(
          branch: update.branch, isDefaultBranch: update.isDefaultBranch, commit: after, time: update.time.timestamp,
          firstCommit: commits.compactMap(\.time).min()))
    }
    // The same push may be told twice.
    var seen: Set<String> = []
    return pushes.reversed().filter { seen.insert("\($0.branch) \($0.commit)").inserted }
  }
}
