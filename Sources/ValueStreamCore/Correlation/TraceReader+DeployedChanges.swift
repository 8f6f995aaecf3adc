/// The changes that a deploy brought, and how long they took to get there.
extension TraceReader {
  /// One that was merged.
  struct Change {
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

    /// Whether its base had a commit before the change came to it.
    func wasPreceded(by commit: String, in base: BranchHistory?) -> Bool {
      guard let base, let landed = mergeCommit ?? headCommit else { return false }
      return base.updates(listing: commit).contains { update in
        update.time.timestamp <= merged && update.after != landed && !update.commits.contains { $0.id == landed }
      }
    }
  }

  /// The changes that the commits between two deploys are of. That is certain where the commit of the merge is among them, whichever
  /// clock says when that was. Of those merged without one count those that were merged to a branch on the way, or to the branch of one
  /// that was.
  mutating func changes(of range: CommitRange, for span: Span) throws -> [Change] {
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
  mutating func changes(
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

  mutating func mergedChanges(_ keys: Set<SpanKey>) throws -> [Change] {
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

  /// When the first commit of a change was made, by the pushes to its branch since that was made, or since an earlier change of it was
  /// merged; nil where the first of them is not known. What its base had before counts for other changes.
  private mutating func firstCommit(of change: Change) throws -> Timestamp? {
    guard let head = change.head else { return nil }
    var updates = try branchUpdates.history(of: head, limit: Self.branchUpdateLimit).updates.filter {
      $0.time.timestamp <= change.merged
    }
    guard let beginning = try beginning(of: change, among: updates) else { return nil }
    updates.removeSubrange(..<beginning)
    let base = try change.base.map { try branchUpdates.history(of: $0, limit: Self.branchUpdateLimit) }
    return updates.lazy.compactMap { update in
      update.commits.lazy.filter { !change.wasPreceded(by: $0.id, in: base) }.compactMap(\.time).min()
    }.first
  }

  /// More updates of a branch are not looked at to find the first commit of a change.
  private static let branchUpdateLimit = 200

  /// With which of the updates of its branch a change begins: the one that made the branch, or the one after the last with which another
  /// change made on it was merged to the same base. That is mostly one of the last.
  private mutating func beginning(of change: Change, among updates: [BranchUpdate]) throws -> Int? {
    let created = updates.lastIndex { $0.kind == .created }
    var (end, count) = (updates.count, 8)
    while end > created ?? 0 {
      let some = updates[max(created ?? 0, end - count)..<end]
      let merged = try heads(mergedBefore: change, among: some)
      if let last = some.lastIndex(where: { $0.after.map(merged.contains) ?? false }) { return last + 1 }
      (end, count) = (some.startIndex, count * 2)
    }
    return created
  }

  /// Those of the commits at which a branch stood with which another change made on it was merged to the same base before.
  private mutating func heads(mergedBefore change: Change, among updates: ArraySlice<BranchUpdate>) throws -> Set<String> {
    let commits = Set(updates.compactMap(\.after))
    let keys = Set(try store.publishers(of: commits.map { Reference(.commit, $0) }.sorted()).values.joined())
    let earlier = try mergedChanges(keys.subtracting([change.key])).filter {
      $0.head == change.head && $0.base == change.base && $0.merged < change.merged
    }
    return Set(earlier.compactMap(\.headCommit)).subtracting([change.headCommit].compactMap { $0 })
  }
}
