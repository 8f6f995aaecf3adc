extension Event {
  /// The commit that merged a change. Nil for other events.
  var mergeRevision: String? {
    attributes.text(of: AttributeName.valuestreamChangeMergeRevision)
  }
}

extension Subject {
  /// True if a commit merged the change. The start of the commit's hash is enough.
  func wasMerged(as commit: String) -> Bool {
    facts.contains { $0.event.mergeRevision?.hasPrefix(commit) ?? false }
  }

  /// The commits that merged the change.
  var mergeRevisions: Set<String> { Set(facts.lazy.compactMap(\.event.mergeRevision)) }

  /// The subject's commits whose hashes start with these characters, sorted.
  func commits(beginning hash: String) -> [String] {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    var commits = Set(facts.lazy.flatMap(\.event.publishes).filter(isMeant))
    if let dropped { commits.formUnion(dropped.aliases.keys.lazy.filter(isMeant)) }
    return commits.map(\.value).sorted()
  }

  /// True if the subject follows a reference, directly or as a candidate.
  func follows(_ reference: Reference) -> Bool {
    func isMeant(_ statement: FollowStatement) -> Bool {
      statement.references.contains { $0 == reference || $0.candidates.contains(reference) }
    }
    if facts.contains(where: { $0.event.follows.contains(where: isMeant) }) { return true }
    return dropped?.follows.values.contains { isMeant($0.value) } ?? false
  }

  /// True if the subject publishes a commit whose hash starts with these characters.
  func publishesCommit(beginning hash: String) -> Bool {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    if facts.contains(where: { $0.event.publishes.contains(where: isMeant) }) { return true }
    return dropped?.aliases.keys.contains(where: isMeant) ?? false
  }

  /// The start of the first attempt. Nil for a subject without spans.
  var begin: Timestamp? { outlines().first?.start }

  /// The time from the start of the first attempt to the end of the last. Nil for a subject without spans.
  var life: Life? {
    let outlines = outlines()
    guard let first = outlines.first, let last = outlines.last else { return nil }
    return Life(begin: first.start, end: last.end)
  }

  struct Life: Sendable, Hashable {
    var begin: Timestamp
    /// Nil while the last attempt runs.
    var end: Timestamp?
  }

  /// The ``life`` of a subject whose aliases are used repeatedly, where it decides ties. Nil for other subjects.
  var decidingLife: Life? {
    let hasRepeated = facts.contains { $0.event.publishes.contains(where: \.isRepeated) }
    return hasRepeated || dropped?.aliases.keys.contains(where: \.isRepeated) ?? false ? life : nil
  }

  /// The references under which a parent of this subject may become known, with all candidates, sorted.
  package var followedReferences: [Reference] {
    var references = Set(facts.lazy.flatMap(\.event.follows).flatMap(\.references))
    if let dropped { references.formUnion(dropped.follows.values.lazy.flatMap(\.value.references)) }
    return Set(references.lazy.flatMap(\.candidates)).sorted()
  }

  /// The references that an event follows and that the subject did not follow before, sorted.
  func newlyFollowed(by event: Event) -> [Reference] {
    if event.follows.isEmpty { return [] }
    var references = Set(event.follows.lazy.flatMap(\.references))
    for fact in facts where !references.isEmpty {
      for statement in fact.event.follows { references.subtract(statement.references) }
    }
    return Set(references.lazy.flatMap(\.candidates)).sorted()
  }
}
