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
struct View {
  private let knowledge: Knowledge
  private var learned: Subject?
  private var learnedAliases = SmallSet<Reference>()
  private var removed: [SubjectKey] = []
  private var lostAliases = SmallSet<Reference>()
  private(set) var missing: Set<Correlator.Query> = []
  /// The answers that this step computed. They take precedence over those of earlier steps.
  var newAnswers = Correlator.Answers()
  private var touched = SmallSet<Reference>()
  /// The number of followed names that lead nowhere, because too many subjects publish them.
  var ambiguousNames = 0

  init(_ knowledge: Knowledge) {
    self.knowledge = knowledge
  }

  func answer(_ reference: Reference, in written: Reference) -> Correlator.Answer? {
    if let new = newAnswers[reference, in: written] { return new }
    return removed.isEmpty && !touched.contains(reference) ? knowledge.answers[reference, in: written] : nil
  }

  mutating func learn(_ subject: Subject, _ changes: Correlator.Changes, touched: [Reference]) {
    learned = subject
    learnedAliases = SmallSet(changes.newAliases[subject.key, default: []] + [.key(subject.key)])
    removed = changes.removed
    lostAliases = SmallSet(changes.lost.aliases)
    self.touched = SmallSet(touched)
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
    if let learned, lostAliases.contains(reference) { known.removeAll { $0 == learned.key } }
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
