/// Computes the facts of changes.
extension FactComputer {
  mutating func computeChange(_ subject: Subject, _ computed: inout ComputedFacts) throws {
    let spans = subject.spans()
    guard let first = spans.first, let last = spans.last else { return }
    let title = spans.text(AttributeName.vcsChangeTitle) ?? ""
    let author = spans.text(AttributeName.valuestreamChangeAuthor)
    let head = spans.text(AttributeName.vcsRefHeadName)
    let labels = spans.texts(AttributeName.valuestreamChangeLabels)
    let merge = spans.last { $0.outcome == .merged && $0.end != nil }
    let merged = merge?.end
    let state: ChangeState = merged != nil ? .merged : last.end != nil ? .abandoned : .open
    let outlines = subject.outlines()
    let outline = outlines.last { $0.number == (merge ?? last).attempt }
    let change = outline.map { TraceReader.change(subject, $0, merged: merged ?? last.end ?? .latest) }

    var times = ChangeMilestones()
    times.firstCommit = try change.flatMap { try reader.firstCommit(of: $0) }
    times.opened = first.isStartUnknown ? nil : first.start
    times.merged = merged
    times.ready = Self.ready(spans, merged: merged)
    let review = ReviewSummary(
      spans, author: author, bots: rules.bots, ready: times.ready, end: merged ?? (state == .abandoned ? last.end : nil))
    times.firstResponse = review.firstResponse
    times.lastApproval = review.lastApproval

    var traits = ChangeTraits(title: title, head: head, labels: labels, rules: rules).traits
    if rules.bots.isBot(author) { traits.insert(.isByBot) }
    if state == .open, last.drafts.contains(where: { $0.end == nil }) { traits.insert(.isDraft) }
    if first.isStartUnknown { traits.insert(.isOpeningUnknown) }
    if state != .open, (merge ?? last).isEndUnknown { traits.insert(.isClosingUnknown) }
    if let change, try isBackMerge(change, opened: first.start) { traits.insert(.isBackMerge) }
    let origin = try issue(above: subject)
    if origin?.isIncident ?? false { traits.insert(.isForIncident) }

    var reverts: FactID?
    if traits.contains(.isRevert), let reference = Self.original(ofRevertBranch: head, in: subject) {
      reverts = try original(reference, besides: subject.key)
      if reverts == nil { computed.missingOriginal = reference.candidates.first ?? reference }
    }
    let aliases = subject.aliases
    let commits = aliases.filter { $0.kind == .commit }
    computed.issue = origin?.key
    computed.commits = commits
    computed.names = aliases.filter { $0.kind == .commit || $0.kind == .shortCommit || $0.kind == .change }
    computed.base = merged == nil ? nil : change?.base
    computed.head = change?.head
    computed.changes = [
      ChangeFact(
        id: computed.subject.id, times: times,
        labels: ChangeLabels(
          repository: try name(last.project), author: try name(author), workType: try name(origin?.type), traits: traits),
        state: state, abandoned: state == .abandoned ? last.end : nil, reverts: reverts,
        reviewRounds: UInt16(clamping: review.rounds), reviewCount: UInt16(clamping: review.count),
        secondsWaitingForReviewer: Float(review.secondsForReviewer), secondsWaitingForAuthor: Float(review.secondsForAuthor),
        size: Self.size(spans), issue: try origin.flatMap { try id(of: $0.key) },
        placement: merged == nil ? 0 : change.map { Self.placement($0, commits) } ?? 0)
    ]
  }

  /// Returns when a change was first ready for review. Nil if it never was, or if that is unknown.
  private static func ready(_ spans: [Span], merged: Timestamp?) -> Timestamp? {
    for span in spans {
      var ready: Timestamp? = span.start
      if span.attempt == spans.first?.attempt, span.isStartUnknown {
        // Only the end of a draft tells when a change whose opening is unknown was ready.
        guard let end = span.drafts.first?.end else { return nil }
        ready = end
      }
      for draft in span.drafts {
        guard let time = ready, draft.start <= time else { continue }
        if let end = draft.end { ready = max(time, end) } else { ready = nil }
      }
      // The change was closed as a draft.
      if let time = ready, let end = span.end, time >= end, span.outcome != .merged, !span.drafts.isEmpty { continue }
      if let ready { return ready }
    }
    return nil
  }

  /// Returns the number of changed lines.
  private static func size(_ spans: [Span]) -> UInt32? {
    func count(_ name: String) -> UInt64? {
      if case .int(let count) = spans.value(name), count >= 0 { UInt64(count) } else { nil }
    }
    guard let added = count(AttributeName.valuestreamChangeAdditions),
      let removed = count(AttributeName.valuestreamChangeDeletions)
    else {
      return nil
    }
    // The greatest number stands for nil.
    return UInt32(clamping: min(added &+ removed, UInt64(UInt32.max - 1)))
  }

  /// Returns a hash of everything that decides which deploys bring a change.
  private static func placement(_ change: TraceReader.Change, _ commits: [Reference]) -> UInt64 {
    var hasher = ContentHasher()
    hasher.add(change.merged.nanoseconds)
    for text in [change.base?.description, change.head?.description, change.headCommit, change.mergeCommit] { hasher.add(text) }
    for commit in commits { hasher.add(commit.value) }
    return max(hasher.value, 1)
  }

  // MARK: Issues

  struct Origin {
    var key: SubjectKey
    var isIncident: Bool
    var type: String?
  }

  /// Returns the nearest issue or incident above a subject.
  mutating func issue(above subject: Subject) throws -> Origin? {
    for key in try reader.place(of: subject).path.dropFirst() {
      guard let above = try reader.subject(for: key) else { return nil }
      if above.operation == .issue || above.operation == .incident {
        return Origin(key: key, isIncident: above.operation == .incident, type: Self.workType(of: above))
      }
    }
    return nil
  }

  /// Returns the type of an issue: what its tracker calls it, else a label that names a type.
  static func workType(of issue: Subject) -> String? {
    if let type = issue.text(AttributeName.valuestreamIssueType) { return type }
    let labels = issue.register { event -> [String]? in
      if case .strings(let labels) = event.attributes.value(of: AttributeName.valuestreamIssueLabels) { labels } else { nil }
    }
    for label in labels ?? [] {
      let last =
        label.utf8.split { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") }.last.map { Substring($0).trimmed } ?? label
      if typeLabels.contains(last.lowercased()) { return last }
    }
    return nil
  }

  private static let typeLabels: Set<String> = [
    "bug", "defect", "feature", "enhancement", "story", "task", "chore", "debt", "tech debt", "tech-debt", "technical debt",
    "risk", "security", "documentation", "refactoring", "maintenance", "spike", "epic", "incident",
  ]

  // MARK: Reverts and merges of branches

  /// Returns the change that a revert takes back, as the vendor names it in the branch that it makes.
  ///
  /// GitHub: `revert-<number>-<branch>`. GitLab: `revert-<start of the commit>`.
  private static func original(ofRevertBranch head: String?, in subject: Subject) -> Reference? {
    guard let head, head.hasPrefix("revert-") else { return nil }
    let rest = head.dropFirst("revert-".count)
    let part = rest.prefix { $0 != "-" }
    if part.endIndex < rest.endIndex, let number = Int64(part),
      let own = subject.aliases.first(where: { $0.kind == .change }),
      let mark = own.value.lastIndex(of: "!")
    {
      return Reference(.change, "\(own.value[..<mark])!\(number)")
    }
    return CommitHash.abbreviated(String(rest)).map { Reference(.commit, $0).recognizingShortCommit }
  }

  private mutating func original(_ reference: Reference, besides key: SubjectKey) throws -> FactID? {
    let publishers = try reader.publishers(of: reference.candidates)
    for candidate in reference.candidates {
      let found = (publishers[candidate] ?? []).filter { $0 != key }
      try reader.readSubjects(found)
      let changes = try found.filter { try reader.subject(for: $0)?.operation == .pullRequest }
      if candidate.kind == .change {
        if changes.count == 1 { return try id(of: changes[0]) }
        continue
      }
      // The commit of the merge is the original's. A later change may have the commit as its head.
      let merged = try changes.filter { try reader.subject(for: $0)?.wasMerged(as: reference.value) ?? false }
      if merged.count == 1 { return try id(of: merged[0]) }
      if changes.count == 1 { return try id(of: changes[0]) }
    }
    return nil
  }

  /// True for a merge from a branch into which other changes were merged shortly before this one was opened.
  ///
  /// A branch on which others build their changes while it waits for its own merge is none.
  private mutating func isBackMerge(_ change: TraceReader.Change, opened: Timestamp) throws -> Bool {
    guard let head = change.head, let base = change.base, head != base else { return false }
    guard mayBeLongLived(head) else { return false }
    let before = opened.advanced(byNanoseconds: -1)
    let start = opened.advanced(bySeconds: -31 * 86_400)
    return try reader.hasChange(mergedTo: head, after: start, until: before)
  }

  private func mayBeLongLived(_ branch: SubjectKey) -> Bool { mergedTo.map { $0.contains(branch) } ?? true }
}

/// The traits that the words of a change tell.
struct ChangeTraits {
  private(set) var traits: ChangeLabels.Traits = []

  init(title: String, head: String?, labels: [String], rules: FactRules) {
    let lowercased = title.lowercased()
    if title.hasPrefix("Revert \"") || title.hasPrefix("Revert '") { traits.insert(.isRevert) }
    let words = ["cherry-pick", "cherry pick", "[cherry-pick", "[cherry pick", "backport", "[backport"]
    let branches = ["cherry-pick-", "cherry-pick/", "cherrypick-", "cherrypick/", "backport-", "backport/"]
    let isPicked = head.map { head in branches.contains { head.lowercased().hasPrefix($0) } } ?? false
    if isPicked || words.contains(where: { lowercased.hasPrefix($0) }) { traits.insert(.isCherryPick) }
    let names = labels + [title] + (head.map { [$0] } ?? [])
    if names.contains(where: { rules.hotfixes.match($0) }) { traits.insert(.isHotfix) }
  }
}

/// What reviews and comments tell of a change.
struct ReviewSummary {
  private(set) var firstResponse: Timestamp?
  private(set) var lastApproval: Timestamp?
  private(set) var count = 0
  private(set) var rounds = 0
  private(set) var secondsForReviewer = 0.0
  private(set) var secondsForAuthor = 0.0

  private enum Turn { case reviewer, author }

  /// - Parameters:
  ///   - ready: when the change was ready for review. Nil if it was not, or if that is unknown.
  ///   - end: when the change was merged or closed. Nil while it is open.
  init(_ spans: [Span], author: String?, bots: Bots, ready: Timestamp?, end: Timestamp?) {
    let events = spans.flatMap(\.events)
    let isHuman = events.map { $0.isByPerson(otherThan: author, bots: bots) }
    var isBlocked = false
    for (event, isHuman) in zip(events, isHuman) {
      if let end, event.time > end { break }
      if event.name == "synchronize" {
        if isBlocked { rounds += 1 }
        isBlocked = false
      }
      guard isHuman, event.isReview || event.name == "comment" else { continue }
      if event.name == "review", !event.isWithdrawal { count += 1 }
      if event.isBlockingReview { isBlocked = true }
      if event.isApproval {
        isBlocked = false
        lastApproval = event.time
      }
      if let ready, event.time >= ready, !event.isWithdrawal { firstResponse = firstResponse ?? event.time }
    }
    if let ready { wait(since: ready, until: end, events, isHuman, drafts: spans.flatMap(\.drafts), author: author) }
  }

  /// Counts whose turn it was, from when the change was ready until its last approval, or its end.
  ///
  /// A review or a comment by another person hands the turn to the author. A commit, a comment by the author or a request
  /// for a review hands it back. It is the author's turn, too, while the change is a draft again.
  private mutating func wait(
    since ready: Timestamp, until end: Timestamp?, _ events: [SpanEvent], _ isHuman: [Bool], drafts: [DraftTime.Stretch],
    author: String?
  ) {
    guard let last = lastApproval ?? end ?? events.last?.time, last > ready else { return }
    var turn = Turn.reviewer
    var since = ready
    func add(until time: Timestamp, _ summary: inout ReviewSummary) {
      let drafted = turn == .author ? 0 : DraftTime.seconds(drafts, from: since, to: time)
      let seconds = time.seconds(since: since)
      if turn == .author { summary.secondsForAuthor += seconds } else { summary.secondsForReviewer += seconds - drafted }
      summary.secondsForAuthor += drafted
      since = time
    }
    for (event, isHuman) in zip(events, isHuman) where event.time > ready && event.time <= last {
      let next: Turn
      switch event.name {
      case "synchronize", "review_requested", "ready_for_review": next = .reviewer
      case "review", "review_comment", "comment":
        let writer =
          event.attributes.text(of: AttributeName.valuestreamReviewAuthor)
          ?? event.attributes.text(of: AttributeName.valuestreamCommentAuthor)
        if isHuman { next = .author } else if author != nil, writer == author { next = .reviewer } else { continue }
      default: continue
      }
      guard next != turn else { continue }
      add(until: event.time, &self)
      turn = next
    }
    add(until: last, &self)
  }
}

extension SpanEvent {
  /// True for an approval that is taken back.
  fileprivate var isWithdrawal: Bool {
    let state = attributes.text(of: AttributeName.valuestreamReviewState)
    return state == "unapproved" || state == "unapproval"
  }
}
