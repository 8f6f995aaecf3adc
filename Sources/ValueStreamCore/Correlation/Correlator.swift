/// Draws conclusions from an event: which thing it is about, and whose parent is whose.
///
/// Pure: it asks for what it must know instead of looking it up. Every tie is a function of the facts that are known in the
/// end, whatever the order in which they came:
///
/// - a thing's parent is where its most trusted rule leads: the first of that rule's references somebody publishes;
/// - when a reference leads somewhere else than before, for anybody, its followers are looked at again (``Changes/moved``); where it
///   leads is a function of its publishers, so that is told without looking at a follower;
/// - what is known under a fallback key becomes one with the thing that publishes the same identifying name under its full key;
/// - a reference that more than ``publisherLimit`` things publish leads nowhere and identifies nothing.
///
/// Ties may form a cycle (two issues naming each other); ``TraceRoot`` cuts it, the edges stay.
public struct Correlator: Sendable {
  /// A name that more things have says nothing about which of them is meant.
  ///
  /// So a thing that is tied looks at no more than these.
  public static let publisherLimit = 100

  public init() {}

  /// Either what must be known first, or what follows.
  public enum Step: Sendable {
    case need(Set<Query>)
    case changes(Changes)
  }

  /// A question to the store.
  public enum Query: Sendable, Hashable {
    case subject(SubjectKey)
    case publishers(Reference)
    /// Whether anything follows a reference.
    case isFollowed(Reference)
  }

  /// What follows from one event.
  public struct Changes: Sendable {
    /// The key of the thing the event is about: its own, unless that is a fallback for one known better.
    public var key: SubjectKey
    /// False when the event says nothing that was not known.
    public var isNews: Bool
    /// Items as they are now; the one the event is about is among them if there was news.
    public var subjects: [SubjectKey: Subject] = [:]
    public var newAliases: [SubjectKey: [Reference]] = [:]
    public var newFollows: [SubjectKey: [Reference]] = [:]
    /// Fallback keys that were absorbed.
    public var removed: [SubjectKey] = []
    /// References that lead somewhere else than before for some who may follow them, sorted: their followers are to be looked at again
    /// with ``Correlator/tie(of:knowing:)``.
    public var moved: [Reference] = []
    /// References of which other things became the publishers, or other things of these are known.
    var touched: [Reference] = []
    /// Where references lead now, as far as that was found out.
    var answers = Answers()
  }

  /// Either what must be known first, or where a thing belongs.
  public enum TieStep: Sendable {
    case need(Set<Query>)
    case tie(ParentTie?)
  }

  /// One step: call it again with the answers until it gives changes.
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

  /// One step of finding out where a thing belongs: call it again with the answers until it gives a tie. Nil of a thing that is not known.
  public func tie(of key: SubjectKey, knowing knowledge: Knowledge) -> TieStep {
    var answers = Answers()
    return tie(of: key, knowing: knowledge, &answers)
  }

  /// - Parameter answers: receives what was found out on the way.
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

  /// The key of the thing an event is about; nil when more must be known.
  private func identify(_ event: Event, _ view: inout View) -> SubjectKey? {
    guard event.key.isFallback else { return event.key }
    var known: Set<SubjectKey> = []
    for alias in event.publishes where alias.identifies {
      guard let publishers = view.publishers(alias) else { return nil }
      guard publishers.count <= Self.publisherLimit else { continue }
      known.formUnion(publishers.filter { !$0.isFallback && $0.source == event.key.source })
    }
    // Several things under one name are not decided between: the event stays with the name.
    return known.count == 1 ? known.first : event.key
  }

  /// Items known by name only that a thing's new names show to be this one.
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

  /// The one thing a reference names, seen from a follower. Among several the last that had begun, where these follow each other, or
  /// the change that a commit merged before those it is the head of; else the one of the same owner; else none: a guess would tie
  /// strangers together.
  ///
  /// - Parameter written: what the follower says, of which the reference is one candidate.
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

  /// How long before a change on its branch, and after it, something may belong to it.
  private static let branchReach = 7 * 86_400.0

  /// The thing that began last among those that went on at a moment; where none did, the one that had ended or was to begin nearest to
  /// it. What ends at once goes on until the next begins.
  ///
  /// - Parameter reach: how many seconds from the moment a thing may be that did not go on; nil for any.
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
  /// The commit by which a change was merged.
  fileprivate var mergeRevision: String? {
    attributes.text(of: "valuestream.change.merge_revision")
  }
}

// MARK: Answers

extension Correlator {
  /// Where a reference leads, for everybody who does not publish it: a function of its publishers.
  enum Answer: Sendable, Hashable {
    /// A publisher with its life.
    struct Lived: Sendable, Hashable {
      var life: Subject.Life
      var key: SubjectKey
    }

    /// Nothing publishes it, or too many do.
    case nobody
    case one(SubjectKey)
    /// - Parameters:
    ///   - byOwner: for each owner of just one publisher that.
    ///   - lives: of names that are used again, those who publish it, by their beginnings.
    case several(byOwner: [String: SubjectKey], lives: [Lived])
  }

  /// Where references lead, as far as that was found out.
  struct Answers: Sendable {
    private var answers: [Reference: Answer] = [:]
    /// Of short hashes, by what all names of a commit begin with, then by what was written.
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

  /// Equal where a reference leads everybody who follows it to the same as before.
  fileprivate struct Signature: Hashable {
    var answer: Answer
    /// What decides beside that, of each publisher.
    var details: [[String]] = []
  }

  fileprivate func signature(of reference: Reference, _ view: inout View) -> Signature {
    let all = view.publishers(reference) ?? []
    guard reference.kind == .shortCommit, all.count <= Self.publisherLimit else {
      let answer = answer(reference, in: reference, all, &view)
      guard case .one(let publisher) = answer else { return Signature(answer: answer) }
      return Signature(answer: answer, details: [view.subject(publisher)?.value?.owner.map { [$0] } ?? []])
    }
    // What is written may be longer, and lead to some of them only.
    let details = all.sorted().map { key -> [String] in
      guard let subject = view.subject(key)?.value else { return [key.description] }
      return [key.description, subject.owner ?? ""] + subject.commits(beginning: reference.value)
        + subject.mergeRevisions.filter { $0.hasPrefix(reference.value) }.sorted().map { "merged \($0)" }
    }
    return Signature(answer: .nobody, details: details)
  }

  /// True of a reference that another one of its publishers also follows, which sees all but itself.
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

  /// - Parameter follower: a publisher that is not looked at, because it is the one who asks.
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

  /// The names whose followers may belong elsewhere after an event about a publisher.
  ///
  /// - Parameters:
  ///   - before: the publisher as it was; nil of a new one.
  ///   - removed: fallback keys that it absorbed.
  fileprivate func touchedNames(
    _ before: Subject?, _ after: Subject, _ event: Event, newAliases: [Reference], removed: [SubjectKey]
  ) -> [Reference] {
    guard let before else {
      return Set(newAliases + after.aliases + [.key(after.key)] + removed.map(Reference.key)).filter(\.isFollowed).sorted()
    }
    var names = Set(newAliases + removed.map(Reference.key))
    if before.owner != after.owner { names.formUnion(after.aliases + [.key(after.key)]) }
    if before.decidingLife != after.decidingLife { names.formUnion(after.aliases.lazy.filter(\.isRepeated)) }
    // A change may be merged by a commit that was its head before, or was followed by the beginning of its hash.
    var merges: Set<String> = []
    if let merge = event.mergeRevision, !before.wasMerged(as: merge) { merges.insert(merge) }
    if after.dropped != nil || !removed.isEmpty {
      merges.formUnion(before.mergeRevisions.symmetricDifference(after.mergeRevisions))
    }
    names.formUnion(merges.lazy.map { Reference(.commit, $0) })
    // Who follows a short hash may mean the second commit that begins so.
    names.formUnion(names.compactMap(\.shortCommit))
    return names.filter(\.isFollowed).sorted()
  }
}

extension Subject {
  /// True of a change that this commit merged, of which the beginning of the hash is enough.
  fileprivate func wasMerged(as commit: String) -> Bool {
    facts.contains { $0.event.mergeRevision?.hasPrefix(commit) ?? false }
  }

  /// The commits by which a change was merged.
  fileprivate var mergeRevisions: Set<String> { Set(facts.lazy.compactMap(\.event.mergeRevision)) }

  /// Commits of the thing whose hashes begin so, sorted.
  fileprivate func commits(beginning hash: String) -> [String] {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    var commits = Set(facts.lazy.flatMap(\.event.publishes).filter(isMeant))
    if let dropped { commits.formUnion(dropped.aliases.keys.lazy.filter(isMeant)) }
    return commits.map(\.value).sorted()
  }

  /// True of a thing that may find its parent under a name.
  fileprivate func follows(_ reference: Reference) -> Bool {
    func isMeant(_ statement: FollowStatement) -> Bool {
      statement.references.contains { $0 == reference || $0.candidates.contains(reference) }
    }
    if facts.contains(where: { $0.event.follows.contains(where: isMeant) }) { return true }
    return dropped?.follows.values.contains { isMeant($0.value) } ?? false
  }

  /// True of a thing that has a commit whose hash begins so.
  fileprivate func publishesCommit(beginning hash: String) -> Bool {
    let isMeant = { (alias: Reference) in alias.kind == .commit && alias.value.hasPrefix(hash) }
    if facts.contains(where: { $0.event.publishes.contains(where: isMeant) }) { return true }
    return dropped?.aliases.keys.contains(where: isMeant) ?? false
  }

  /// When its first attempt began; nil of a thing without spans.
  fileprivate var begin: Timestamp? { outlines().first?.start }

  /// From its first beginning to its last end; nil of a thing without spans.
  var life: Life? {
    let outlines = outlines()
    guard let first = outlines.first, let last = outlines.last else { return nil }
    return Life(begin: first.start, end: last.end)
  }

  struct Life: Sendable, Hashable {
    var begin: Timestamp
    /// Nil while it goes on.
    var end: Timestamp?
  }

  /// That of a thing for which it decides whether it is a parent.
  fileprivate var decidingLife: Life? {
    let hasRepeated = facts.contains { $0.event.publishes.contains(where: \.isRepeated) }
    return hasRepeated || dropped?.aliases.keys.contains(where: \.isRepeated) ?? false ? life : nil
  }

  /// Everything under which a parent may become known, longest candidates included.
  package var followedReferences: [Reference] {
    var references = Set(facts.lazy.flatMap(\.event.follows).flatMap(\.references))
    if let dropped { references.formUnion(dropped.follows.values.lazy.flatMap(\.value.references)) }
    return Set(references.lazy.flatMap(\.candidates)).sorted()
  }

  /// What an event follows that the thing did not follow before, sorted.
  fileprivate func newlyFollowed(by event: Event) -> [Reference] {
    if event.follows.isEmpty { return [] }
    var references = Set(event.follows.lazy.flatMap(\.references))
    for fact in facts where !references.isEmpty {
      for statement in fact.event.follows { references.subtract(statement.references) }
    }
    return Set(references.lazy.flatMap(\.candidates)).sorted()
  }
}

/// What is known of the store, for a ``Correlator``.
public struct Knowledge: Sendable {
  /// Nil inside: the store was asked and has no such thing.
  public var subjects: [SubjectKey: Subject?] = [:]
  public var publishers: [Reference: [SubjectKey]] = [:]
  public var followed: [Reference: Bool] = [:]
  /// What was concluded from all this.
  var answers = Correlator.Answers()

  public init() {}
}

/// Knowledge as one step sees it: with what the step itself found out, and a note of what is missing.
private struct View {
  private let knowledge: Knowledge
  private var learned: Subject?
  private var learnedAliases: Set<Reference> = []
  private var removed: [SubjectKey] = []
  private(set) var missing: Set<Correlator.Query> = []
  /// What this step concluded, beside what was concluded before.
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
