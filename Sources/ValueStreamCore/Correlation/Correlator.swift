/// Determines from an event which subject it is about, and which ties to parents follow from it.
///
/// The correlator is pure: it never reads the store, but returns queries that the caller answers. Ties depend only on the
/// final set of facts, not on the order in which they arrive:
///
/// - The parent of a subject comes from its most trusted rule that leads to a known subject. Within a rule, the first
///   reference with a publisher wins.
/// - When a reference starts to lead to a different subject, its followers must be checked again (``Changes/moved``). This
///   depends only on the publishers of the reference, so the correlator detects it without reading any follower.
/// - A subject known under a fallback key is a guest of the subject of the same source that publishes the same identifying
///   alias under its full key, if there is only one. Of several, the one of the owner that the events state wins.
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
    /// The key of the changed subject. For an event, the key in it, or the full key if the event has a fallback key for it.
    public var key: SubjectKey
    /// False if the fact was already known. The other members are then empty.
    public var isNews: Bool
    /// The changed subjects in their new state. Includes the subject of the event if ``isNews`` is true.
    public var subjects: [SubjectKey: Subject] = [:]
    public var newAliases: [SubjectKey: [Reference]] = [:]
    public var newFollows: [SubjectKey: [Reference]] = [:]
    /// Fallback keys whose subjects merged into the subject with ``key``.
    public var removed: [SubjectKey] = []
    /// References that the subject with ``key`` publishes or follows no more, because a guest left it.
    public var lost = LostReferences()
    /// The guest that left the subject with ``key``. The caller must give it a place with ``Correlator/place(_:knowing:)``.
    public var released: Subject?
    /// Fallback keys of subjects that may belong elsewhere now. The caller must relocate each with
    /// ``Correlator/relocate(_:adding:knowing:)``.
    public var mayBelongElsewhere: [SubjectKey] = []
    /// References that now lead some followers to a different subject, sorted.
    ///
    /// The caller must check the followers of each again with ``Correlator/tie(of:knowing:)``.
    public var moved: [Reference] = []
    /// References whose publishers changed, or whose publishers have new facts that decide where the reference leads.
    var touched: [Reference] = []
    /// The answers that this step computed, for reuse in later steps.
    var answers = Answers()
    /// The number of names that the subject follows and that lead nowhere, because too many subjects publish them.
    var ambiguousNames = 0
  }

  /// References that a subject publishes or follows no more.
  public struct LostReferences: Sendable {
    public var aliases: [Reference] = []
    public var follows: [Reference] = []
  }

  /// The result of ``tie(of:knowing:)``: queries to answer before the next call, or the tie, if there is one.
  public enum TieStep: Sendable {
    case need(Set<Query>)
    case tie(ParentTie?)
  }

  /// Correlates one event. While the result is `need`, add the answers to the knowledge and call again.
  ///
  /// If the event has a fallback key, relocate that first.
  public func step(_ event: Event, knowing knowledge: Knowledge) -> Step {
    var view = View(knowledge)
    guard let key = identify(event, &view) else { return .need(view.missing) }
    guard let known = view.subject(key) else { return .need(view.missing) }
    var subject = known.value ?? Subject(key: key)
    let isGuest = key != event.key
    var newNames = subject.newNames(among: event.publishes)
    let newOwnNames = isGuest ? [] : subject.hasGuests ? subject.ownFacts.newNames(among: event.publishes) : newNames
    let isKnownGuest = isGuest && subject.hasGuest(event.key)
    let deployNamesBefore = subject.deployNames
    let newlyFollowed = subject.newlyFollowed(by: event)
    var changes = Changes(key: key, isNews: subject.add(event))
    guard changes.isNews else { return .changes(changes) }
    if isGuest, !isKnownGuest, subject.hasGuest(event.key) { newNames.append(.fallbackKey(event.key)) }

    changes.newAliases[key] = newNames + subject.deployNames.subtracting(deployNamesBefore).subtracting(newNames).sorted()
    changes.newFollows[key] = newlyFollowed
    changes.mayBelongElsewhere = mayBelongElsewhere(after: subject, before: known.value, newOwnNames: newOwnNames, &view)
    let touched = touchedNames(known.value, subject, merging: event.mergeRevision, newAliases: newNames, changes)
    return conclude(changes, subject, touched, &view)
  }

  /// Completes changes with the subject's tie to its parent and the references that lead elsewhere now.
  func conclude(_ initial: Changes, _ changed: Subject, _ touched: [Reference], _ view: inout View) -> Step {
    var (changes, subject) = (initial, changed)
    let key = subject.key
    let followed = touched.filter { view.isFollowed($0) ?? false }
    let answersBefore = followed.map { signature(of: $0, &view) }
    view.learn(subject, changes, touched: touched)

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
    changes.ambiguousNames = view.ambiguousNames
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
    if all.count > Self.publisherLimit { view.ambiguousNames += 1 }
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
