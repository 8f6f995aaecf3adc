/// Determines from an event which subject it is about, and which ties to parents follow from it.
///
/// The correlator is pure: it never reads the store, but returns queries that the caller answers. Ties depend only on the
/// final set of facts, not on the order in which they arrive:
///
/// - The parent of a subject comes from its most trusted rule that leads to a known subject. Within a rule, the first
///   reference with a publisher wins.
/// - When a reference starts to lead to a different subject, its followers must be checked again (``Changes/moved``). This
///   depends only on the publishers of the reference, so the correlator detects it without reading any follower.
/// - A subject known under a fallback key merges with the subject of the same source that publishes the same identifying
///   alias under its full key.
/// - A reference with more than ``publisherLimit`` publishers leads nowhere and identifies nothing.
///
/// Ties may form a cycle, such as two issues that name each other. ``TraceRoot`` breaks the cycle. The ties stay.
public struct Correlator: Sendable {
  /// The maximum number of publishers of a reference. Beyond it, the reference is too ambiguous and leads nowhere.
  ///
  /// The limit also bounds how many subjects must be read to tie one subject.
  public static let publisherLimit = 100

  public init() {}

  /// The result of ``step(_:knowing:)``: queries to answer before the next call, or the changes that follow from the event.
  public enum Step: Sendable {
    case need(Set<Query>)
    case changes(Changes)
  }

  /// A question to the store.
  public enum Query: Sendable, Hashable {
    case subject(SubjectKey)
    case publishers(Reference)
    /// Whether any subject follows a reference.
    case isFollowed(Reference)
  }

  /// The changes that follow from one event.
  public struct Changes: Sendable {
    /// The key of the event's subject: the key in the event, or the full key if the event has a fallback key for it.
    public var key: SubjectKey
    /// False if the fact was already known. The other members are then empty.
    public var isNews: Bool
    /// The changed subjects in their new state. Includes the subject of the event if ``isNews`` is true.
    public var subjects: [SubjectKey: Subject] = [:]
    public var newAliases: [SubjectKey: [Reference]] = [:]
    public var newFollows: [SubjectKey: [Reference]] = [:]
    /// Fallback keys whose subjects merged into the subject with ``key``.
    public var removed: [SubjectKey] = []
    /// References that now lead some followers to a different subject, sorted.
    ///
    /// The caller must check the followers of each again with ``Correlator/tie(of:knowing:)``.
    public var moved: [Reference] = []
    /// References whose publishers changed, or whose publishers have new facts that decide where the reference leads.
    var touched: [Reference] = []
    /// The answers that this step computed, for reuse in later steps.
    var answers = Answers()
  }

  /// The result of ``tie(of:knowing:)``: queries to answer before the next call, or the tie, if there is one.
  public enum TieStep: Sendable {
    case need(Set<Query>)
    case tie(ParentTie?)
  }

  /// Correlates one event. While the result is `need`, add the answers to the knowledge and call again.
  public func step(_ event: Event, knowing knowledge: Knowledge) -> Step {
    var view = View(knowledge)
    guard let key = identify(event, &view) else { return .need(view.missing) }
    guard let known = view.subject(key) else { return .need(view.missing) }
    var subject = known.value ?? Subject(key: key)
    let newNames = subject.newNames(among: event.publishes)
    let deployNamesBefore = subject.deployNames
    let newlyFollowed = subject.newlyFollowed(by: event)
    var changes = Changes(key: key, isNews: subject.add(event))
    guard changes.isNews else { return .changes(changes) }

    var newAliases = newNames
    var newFollows = newlyFollowed
    for fallback in fallbacks(among: newNames, of: key, &view) {
      subject.absorb(fallback)
      changes.removed.append(fallback.key)
      newAliases = Set(newAliases).union(fallback.aliases).sorted()
      newFollows = Set(newFollows).union(fallback.followedReferences).sorted()
    }
    changes.newAliases[key] = newAliases + subject.deployNames.subtracting(deployNamesBefore).subtracting(newAliases).sorted()
    changes.newFollows[key] = newFollows

    let touched = touchedNames(known.value, subject, event, newAliases: newAliases, removed: changes.removed)
    let followed = touched.filter { view.isFollowed($0) ?? false }
    let answersBefore = followed.map { signature(of: $0, &view) }
    view.learn(subject, newAliases: newAliases, removed: changes.removed, touched: touched)

    subject.parent = parent(of: subject, &view)
    view.learned(parent: subject.parent)
    changes.subjects[key] = subject
    for (reference, before) in zip(followed, answersBefore) {
      if signature(of: reference, &view) != before || followsItself(reference, besides: key, &view) {
        changes.moved.append(reference)
      }
    }
    guard view.missing.isEmpty else { return .need(view.missing) }
    changes.touched = touched
    changes.answers = view.newAnswers
    return .changes(changes)
  }

  /// Finds the tie of a subject to its parent. While the result is `need`, add the answers and call again.
  ///
  /// The tie is nil if the subject is unknown or has no known parent.
  public func tie(of key: SubjectKey, knowing knowledge: Knowledge) -> TieStep {
    var answers = Answers()
    return tie(of: key, knowing: knowledge, &answers)
  }

  /// - Parameter answers: receives the answers that this call computed, for reuse in later calls.
  func tie(of key: SubjectKey, knowing knowledge: Knowledge, _ answers: inout Answers) -> TieStep {
    var view = View(knowledge)
    guard let known = view.subject(key) else { return .need(view.missing) }
    guard let subject = known.value else { return .tie(nil) }
    let tie = parent(of: subject, &view)
    guard view.missing.isEmpty else { return .need(view.missing) }
    answers = view.newAnswers
    return .tie(tie)
  }

  // MARK: Identity

  /// The key of the subject of an event. Nil if queries must be answered first.
  private func identify(_ event: Event, _ view: inout View) -> SubjectKey? {
    guard event.key.isFallback else { return event.key }
    var known: Set<SubjectKey> = []
    for alias in event.publishes where alias.identifies {
      guard let publishers = view.publishers(alias) else { return nil }
      guard publishers.count <= Self.publisherLimit else { continue }
      known.formUnion(publishers.filter { !$0.isFallback && $0.source == event.key.source })
    }
    // If several subjects have the alias, there is no way to choose one, so the event keeps its fallback key.
    return known.count == 1 ? known.first : event.key
  }

  /// Finds the subjects with fallback keys that the new aliases of a subject identify as the same subject.
  private func fallbacks(among newNames: [Reference], of key: SubjectKey, _ view: inout View) -> [Subject] {
    guard !newNames.isEmpty, !key.isFallback else { return [] }
    var result: [Subject] = []
    for alias in newNames where alias.identifies {
      let publishers = view.publishers(alias) ?? []
      guard publishers.count <= Self.publisherLimit else { continue }
      for publisher in publishers.sorted() where publisher.isFallback && publisher.source == key.source {
        guard let subject = view.subject(publisher)?.value, !result.contains(where: { $0.key == publisher }) else { continue }
        result.append(subject)
      }
    }
    return result
  }

  // MARK: Parents

  private func parent(of subject: Subject, _ view: inout View) -> ParentTie? {
    for statement in subject.follows {
      for reference in statement.references {
        for candidate in reference.candidates {
          guard let parent = publisher(of: candidate, in: reference, for: subject, reach: statement.reach, &view) else {
            continue
          }
          let shown = candidate.kind == .shortCommit ? reference : candidate
          return ParentTie(parent: parent, rule: statement.rule, reference: shown, attempt: statement.attempt)
        }
      }
    }
    return nil
  }

  /// The subject to which a reference leads a follower. Nil if there is none, or no way to choose.
  ///
  /// - A commit leads to the change that it merged rather than to changes that it is only the head of.
  /// - If subjects use the name one after the other, the one in progress when the follower started wins, or the nearest.
  /// - Otherwise, the only one with the same owner wins. Any further guess could tie unrelated subjects.
  /// - A reference that a stranger may have written leads only to a subject of the same owner.
  ///
  /// - Parameter written: the reference as the follower states it. `reference` is one of its candidates.
  private func publisher(
    of reference: Reference, in written: Reference, for subject: Subject, reach: ReferenceReach, _ view: inout View
  ) -> SubjectKey? {
    guard let all = view.publishers(reference), !all.isEmpty else { return nil }
    let answer =
      all.contains(subject.key)
      ? self.answer(reference, in: written, besides: subject.key, all, &view) : self.answer(reference, in: written, all, &view)
    switch answer {
    case .nobody: return nil
    case .one(let publisher):
      if reach == .anywhere { return publisher }
      guard let owner = subject.owner else { return nil }
      return view.subject(publisher)?.value?.owner == owner ? publisher : nil
    case .several(let byOwner, let lives):
      if reference.isRepeated, reach == .anywhere {
        return nearest(of: lives, at: subject.begin, within: reference.kind == .branchIn ? Self.branchReach : nil)
      }
      return subject.owner.flatMap { byOwner[$0] }
    }
  }

  /// The maximum time before the start or after the end of a change at which its branch still leads to it, in seconds.
  private static let branchReach = 7 * 86_400.0

  /// The subject in progress at an instant, or else the nearest one before or after it.
  ///
  /// There are two candidates: the last subject that started at or before the instant, and the first that started after it.
  /// The earlier one wins if it is in progress or if both are equally near. Without `reach`, a subject of zero length counts
  /// as in progress.
  ///
  /// - Parameters:
  ///   - subjects: ordered by their starts.
  ///   - instant: the start of the follower. If it is nil, the result is the last subject, or nil if `reach` is given.
  ///   - reach: the maximum distance in seconds of a subject that is not in progress. Nil for no maximum.
  private func nearest(of subjects: [Answer.Lived], at instant: Timestamp?, within reach: Double?) -> SubjectKey? {
    guard let instant else { return reach == nil ? subjects.last?.key : nil }
    let before = subjects.last { $0.life.begin <= instant }
    let next = subjects.first { $0.life.begin > instant }
    let waited = before.map { subject -> Double in
      guard let end = subject.life.end, end < instant, reach != nil || end > subject.life.begin else { return 0 }
      return instant.seconds(since: end)
    }
    let ahead = next.map { $0.life.begin.seconds(since: instant) }
    if let before, let waited, waited <= ahead ?? .infinity, waited <= reach ?? .infinity { return before.key }
    if let next, let ahead, ahead <= reach ?? .infinity { return next.key }
    return nil
  }
}

extension Event {
  /// The commit that merged a change. Nil for other events.
  fileprivate var mergeRevision: String? {
    attributes.text(of: "valuestream.change.merge_revision")
  }
}

// MARK: Answers

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
      answers[reference] = nil
      shortCommits[reference] = nil
    }

    mutating func merge(_ other: Answers) {
      answers.merge(other.answers) { $1 }
      for (reference, written) in other.shortCommits { shortCommits[reference, default: [:]].merge(written) { $1 } }
    }
  }

  /// A summary of where a reference leads. If it does not change, the reference leads each follower where it did before.
  fileprivate struct Signature: Hashable {
    var answer: Answer
    /// Further values of each publisher that decide for some followers, such as its owner.
    var details: [[String]] = []
  }

  fileprivate func signature(of reference: Reference, _ view: inout View) -> Signature {
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
  fileprivate func followsItself(_ reference: Reference, besides key: SubjectKey, _ view: inout View) -> Bool {
    guard let all = view.publishers(reference), all.count > 1, all.count <= Self.publisherLimit + 1 else { return false }
    return all.contains { $0 != key && view.subject($0)?.value?.follows(reference) ?? false }
  }

  private func answer(_ reference: Reference, in written: Reference, _ all: [SubjectKey], _ view: inout View) -> Answer {
    if let known = view.answer(reference, in: written) { return known }
    let missing = view.missing.count
    let answer = answer(reference, in: written, besides: nil, all, &view)
    if view.missing.count == missing { view.newAnswers[reference, in: written] = answer }
    return answer
  }

  /// Computes where a reference leads, without the cache.
  ///
  /// - Parameter follower: a publisher to ignore, because it is the follower itself. Nil to include all.
  private func answer(
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

  /// The references that may lead to a different subject after an event about one of their publishers, sorted.
  ///
  /// - Parameters:
  ///   - before: the publisher before the event. Nil for a new publisher.
  ///   - removed: the fallback keys of the subjects that it absorbed.
  fileprivate func touchedNames(
    _ before: Subject?, _ after: Subject, _ event: Event, newAliases: [Reference], removed: [SubjectKey]
  ) -> [Reference] {
    guard let before else {
      return Set(newAliases + after.aliases + [.key(after.key)] + removed.map(Reference.key)).filter(\.isFollowed).sorted()
    }
    var names = Set(newAliases + removed.map(Reference.key))
    if before.owner != after.owner { names.formUnion(after.aliases + [.key(after.key)]) }
    if before.decidingLife != after.decidingLife { names.formUnion(after.aliases.lazy.filter(\.isRepeated)) }
    // A merge changes ties even if its commit was an alias before, as a head, or if followers have only the start of its hash.
    var merges: Set<String> = []
    if let merge = event.mergeRevision, !before.wasMerged(as: merge) { merges.insert(merge) }
    if after.dropped != nil || !removed.isEmpty {
      merges.formUnion(before.mergeRevisions.symmetricDifference(after.mergeRevisions))
    }
    names.formUnion(merges.lazy.map { Reference(.commit, $0) })
    // Followers of an abbreviated hash may mean any of the commits that start with it.
    names.formUnion(names.compactMap(\.shortCommit))
    return names.filter(\.isFollowed).sorted()
  }
}

extension Subject {
  /// True if a commit merged the change. The start of the commit's hash is enough.
  fileprivate func wasMerged(as commit: String) -> Bool {
    facts.contains { $0.event.mergeRevision?.hasPrefix(commit) ?? false }
  }

  /// The commits that merged the change.
  fileprivate var mergeRevisions: Set<String> { Set(facts.lazy.compactMap(\.event.mergeRevision)) }

  /// The subject's commits whose hashes start with these characters, sorted.
  fileprivate func commits(beginning hash: String) -> [String] {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    var commits = Set(facts.lazy.flatMap(\.event.publishes).filter(isMeant))
    if let dropped { commits.formUnion(dropped.aliases.keys.lazy.filter(isMeant)) }
    return commits.map(\.value).sorted()
  }

  /// True if the subject follows a reference, directly or as a candidate.
  fileprivate func follows(_ reference: Reference) -> Bool {
    func isMeant(_ statement: FollowStatement) -> Bool {
      statement.references.contains { $0 == reference || $0.candidates.contains(reference) }
    }
    if facts.contains(where: { $0.event.follows.contains(where: isMeant) }) { return true }
    return dropped?.follows.values.contains { isMeant($0.value) } ?? false
  }

  /// True if the subject publishes a commit whose hash starts with these characters.
  fileprivate func publishesCommit(beginning hash: String) -> Bool {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    if facts.contains(where: { $0.event.publishes.contains(where: isMeant) }) { return true }
    return dropped?.aliases.keys.contains(where: isMeant) ?? false
  }

  /// The start of the first attempt. Nil for a subject without spans.
  fileprivate var begin: Timestamp? { outlines().first?.start }

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
  fileprivate var decidingLife: Life? {
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
  fileprivate func newlyFollowed(by event: Event) -> [Reference] {
    if event.follows.isEmpty { return [] }
    var references = Set(event.follows.lazy.flatMap(\.references))
    for fact in facts where !references.isEmpty {
      for statement in fact.event.follows { references.subtract(statement.references) }
    }
    return Set(references.lazy.flatMap(\.candidates)).sorted()
  }
}

/// The contents of the store that a ``Correlator`` has asked for so far, including unwritten changes of the batch.
public struct Knowledge: Sendable {
  /// Subjects by key. A missing key was not asked for yet. A nil value means that the store has no such subject.
  public var subjects: [SubjectKey: Subject?] = [:]
  public var publishers: [Reference: [SubjectKey]] = [:]
  public var followed: [Reference: Bool] = [:]
  /// A cache of where references lead, computed from the members above.
  var answers = Correlator.Answers()

  public init() {}
}

/// The knowledge during one step: adds the changes of the step, and collects queries for everything that is missing.
private struct View {
  private let knowledge: Knowledge
  private var learned: Subject?
  private var learnedAliases: Set<Reference> = []
  private var removed: [SubjectKey] = []
  private(set) var missing: Set<Correlator.Query> = []
  /// The answers that this step computed. They take precedence over those of earlier steps.
  var newAnswers = Correlator.Answers()
  private var touched: Set<Reference> = []

  init(_ knowledge: Knowledge) {
    self.knowledge = knowledge
  }

  func answer(_ reference: Reference, in written: Reference) -> Correlator.Answer? {
    if let new = newAnswers[reference, in: written] { return new }
    return removed.isEmpty && !touched.contains(reference) ? knowledge.answers[reference, in: written] : nil
  }

  mutating func learn(_ subject: Subject, newAliases: [Reference], removed: [SubjectKey], touched: [Reference]) {
    learned = subject
    learnedAliases = Set(newAliases).union([.key(subject.key)])
    self.removed = removed
    self.touched = Set(touched)
    newAnswers = Correlator.Answers()
  }

  mutating func learned(parent: ParentTie?) {
    learned?.parent = parent
  }

  struct Known {
    var value: Subject?
  }

  mutating func subject(_ key: SubjectKey) -> Known? {
    if let learned, learned.key == key { return Known(value: learned) }
    if let known = knowledge.subjects[key] { return Known(value: known) }
    missing.insert(.subject(key))
    return nil
  }

  mutating func publishers(_ reference: Reference) -> [SubjectKey]? {
    guard var known = knowledge.publishers[reference] else {
      missing.insert(.publishers(reference))
      return nil
    }
    if !removed.isEmpty { known.removeAll(where: removed.contains) }
    if let learned, learnedAliases.contains(reference), !known.contains(learned.key) { known.append(learned.key) }
    return known
  }

  mutating func isFollowed(_ reference: Reference) -> Bool? {
    guard let known = knowledge.followed[reference] else {
      missing.insert(.isFollowed(reference))
      return nil
    }
    return known
  }
}
