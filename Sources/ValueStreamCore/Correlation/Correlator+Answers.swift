extension Correlator {
  /// Where a reference leads every follower that does not publish it. Depends only on its publishers.
  enum Answer: Sendable, Hashable {
    /// A publisher with the time span from its first start to its last end.
    struct Lived: Sendable, Hashable {
      var life: Subject.Life
      var key: SubjectKey
    }

    /// No subject publishes the reference, or more than ``Correlator/publisherLimit`` do.
    case nobody
    case one(SubjectKey)
    /// - Parameters:
    ///   - byOwner: the publisher of each owner that has exactly one.
    ///   - lives: the publishers, ordered by start, if the reference is ``Reference/isRepeated``. Otherwise empty.
    case several(byOwner: [String: SubjectKey], lives: [Lived])
  }

  /// A cache of where references lead.
  struct Answers: Sendable {
    private var answers: [Reference: Answer] = [:]
    /// Answers for abbreviated hashes, by the short form of fixed length, then by the hash as the follower wrote it.
    private var shortCommits: [Reference: [Reference: Answer]] = [:]

    subscript(_ reference: Reference, in written: Reference) -> Answer? {
      get { reference.kind == .shortCommit ? shortCommits[reference]?[written] : answers[reference] }
      set {
        if reference.kind == .shortCommit {
          shortCommits[reference, default: [:]][written] = newValue
        } else {
          answers[reference] = newValue
        }
      }
    }

    mutating func forget(_ reference: Reference) {
      if !answers.isEmpty { answers[reference] = nil }
      if !shortCommits.isEmpty { shortCommits[reference] = nil }
    }

    mutating func merge(_ other: Answers) {
      answers.merge(other.answers) { $1 }
      for (reference, written) in other.shortCommits { shortCommits[reference, default: [:]].merge(written) { $1 } }
    }
  }

  /// A summary of where a reference leads. If it does not change, the reference leads each follower where it did before.
  struct Signature: Hashable {
    var answer: Answer
    /// Further values of each publisher that decide for some followers, such as its owner.
    var details: [[String]] = []
  }

  func signature(of reference: Reference, _ view: inout View) -> Signature {
    let all = view.publishers(reference) ?? []
    guard reference.kind == .shortCommit, all.count <= Self.publisherLimit else {
      let answer = answer(reference, in: reference, all, &view)
      guard case .one(let publisher) = answer else { return Signature(answer: answer) }
      return Signature(answer: answer, details: [view.subject(publisher)?.value?.owner.map { [$0] } ?? []])
    }
    // A follower may write more characters of the hash, which lead to some of the publishers only.
    let details = all.sorted().map { key -> [String] in
      guard let subject = view.subject(key)?.value else { return [key.description] }
      return [key.description, subject.owner ?? ""] + subject.commits(beginning: reference.value)
        + subject.mergeRevisions.filter { $0.hasPrefix(reference.value) }.sorted().map { "merged \($0)" }
    }
    return Signature(answer: .nobody, details: details)
  }

  /// True if a publisher other than `key` also follows the reference. Such a follower ignores itself among the publishers.
  func followsItself(_ reference: Reference, besides key: SubjectKey, _ view: inout View) -> Bool {
    guard let all = view.publishers(reference), all.count > 1, all.count <= Self.publisherLimit + 1 else { return false }
    return all.contains { $0 != key && view.subject($0)?.value?.follows(reference) ?? false }
  }

  func answer(_ reference: Reference, in written: Reference, _ all: [SubjectKey], _ view: inout View) -> Answer {
    if let known = view.answer(reference, in: written) { return known }
    let missing = view.missing.count
    let answer = answer(reference, in: written, besides: nil, all, &view)
    if view.missing.count == missing { view.newAnswers[reference, in: written] = answer }
    return answer
  }

  /// Computes where a reference leads, without the cache.
  ///
  /// - Parameter follower: a publisher to ignore, because it is the follower itself. Nil to include all.
  func answer(
    _ reference: Reference, in written: Reference, besides follower: SubjectKey?, _ all: [SubjectKey], _ view: inout View
  ) -> Answer {
    guard all.count <= Self.publisherLimit else { return .nobody }
    var publishers = follower == nil ? all : all.filter { $0 != follower }
    if reference.kind == .shortCommit {
      publishers = publishers.filter { view.subject($0)?.value?.publishesCommit(beginning: written.value) ?? false }
    }
    if publishers.count > 1, reference.kind == .commit || reference.kind == .shortCommit {
      let merged = publishers.filter { view.subject($0)?.value?.wasMerged(as: written.value) ?? false }
      if !merged.isEmpty { publishers = merged }
    }
    guard publishers.count > 1 else { return publishers.first.map { .one($0) } ?? .nobody }
    var byOwner: [String: SubjectKey?] = [:]
    var lives: [Answer.Lived] = []
    for publisher in publishers {
      guard let subject = view.subject(publisher)?.value else { continue }
      if let owner = subject.owner { byOwner[owner] = byOwner[owner] == nil ? publisher : .some(nil) }
      if reference.isRepeated, let life = subject.life { lives.append(Answer.Lived(life: life, key: publisher)) }
    }
    lives.sort { ($0.life.begin, $0.key) < ($1.life.begin, $1.key) }
    return .several(byOwner: byOwner.compactMapValues { $0 }, lives: lives)
  }

  /// The references that may lead to a different subject after a change of one of their publishers, sorted.
  ///
  /// - Parameters:
  ///   - before: the publisher before the change. Nil for a new publisher.
  ///   - merge: the commit that merged it, according to a new event.
  ///   - newAliases: the new aliases that events published.
  func touchedNames(
    _ before: Subject?, _ after: Subject, merging merge: String? = nil, newAliases: [Reference], _ changes: Changes
  ) -> [Reference] {
    guard let before else {
      let names = newAliases + after.unsortedAliases + [.key(after.key)]
      return names.filter(\.isFollowed).distinct.sorted()
    }
    var names = newAliases + changes.lost.aliases + changes.removed.map(Reference.key)
    if before.owner != after.owner { names += after.unsortedAliases + [.key(after.key)] }
    if before.decidingLife != after.decidingLife { names += after.unsortedAliases.lazy.filter(\.isRepeated) }
    // A merge changes ties even if its commit was an alias before, as a head, or if followers have only the start of its hash.
    var merges: Set<String> = []
    if let merge, !before.wasMerged(as: merge) { merges.insert(merge) }
    if after.dropped != nil || !changes.removed.isEmpty || changes.released != nil {
      merges.formUnion(before.mergeRevisions.symmetricDifference(after.mergeRevisions))
    }
    names += merges.lazy.map { Reference(.commit, $0) }
    // Followers of an abbreviated hash may mean any of the commits that start with it.
    names += names.compactMap(\.shortCommit)
    return names.filter(\.isFollowed).distinct.sorted()
  }
}
