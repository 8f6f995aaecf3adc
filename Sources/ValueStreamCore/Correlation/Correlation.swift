/// Deliveries on their way to spans: a batch is correlated in memory, then written as one change.
///
/// One projection at a time works on a store; after ``finish()`` it is of no more use.
public struct Correlation: Sendable {
  private let store: any SpanStore
  private let correlator = Correlator()
  private var knowledge = Knowledge()
  /// Aliases and follows of this batch, which the store does not know yet.
  private var newPublishers: [Reference: [SubjectKey]] = [:]
  private var newFollowers: [Reference: [SubjectKey]] = [:]
  private var newAliases: [SubjectKey: [Reference]] = [:]
  private var newFollows: [SubjectKey: [Reference]] = [:]
  private var changed: Set<SubjectKey> = []
  /// In the order in which they changed first.
  private var changedInOrder: [SubjectKey] = []
  private var absorbed: [SubjectKey: SubjectKey] = [:]
  private var branchUpdates: [BranchUpdate] = []
  /// Names whose followers are to be looked at again.
  package private(set) var pending: PendingTies
  /// True where ``reexamineFollowers(atMost:until:)`` is the caller's: else every event is settled at once.
  private let isReexaminedByCaller: Bool

  public init(store: any SpanStore) {
    self.store = store
    pending = PendingTies()
    isReexaminedByCaller = false
  }

  /// A projection whose caller settles what events move, as much at a time as it likes, and keeps what is left.
  ///
  /// - Parameter pending: what the batch before left.
  package init(store: any SpanStore, pending: PendingTies) {
    self.store = store
    self.pending = pending
    isReexaminedByCaller = true
  }

  /// Correlates one event with the store and everything taken in so far. What is beyond the ``Event/Limit``s is cut off.
  ///
  /// - Returns: the key of the thing the event is about, and whether the event told anything new.
  /// - Throws: ``StoreError`` when the store cannot be read; the projection is then of no more use.
  public mutating func take(_ event: Event) throws -> (key: SubjectKey, isNews: Bool) {
    let event = event.limited().withDerivedNames().limited()
    try preload(event)
    while true {
      switch correlator.step(event, knowing: knowledge) {
      case .need(let queries): try load(queries)
      case .changes(let changes):
        apply(changes)
        if !isReexaminedByCaller, !pending.isEmpty { try reexamineFollowers() }
        return (changes.key, changes.isNews)
      }
    }
  }

  // MARK: Followers

  /// Looks again at who follows names that lead elsewhere now, a page of one name after a page of another.
  ///
  /// - Parameters:
  ///   - limit: how much work is enough, as ``Subject/lookWork`` counts it; at least one follower is looked at, and those of this batch
  ///     that are reached count, but are not cut off.
  ///   - isLate: asked after each page; true ends it.
  package mutating func reexamineFollowers(atMost limit: Int = .max, until isLate: () -> Bool = { false }) throws {
    // Those of this batch are not stored yet, and were looked at as their events came.
    var visited: Set<Reference> = []
    var work = 0
    while let next = pending.next {
      if visited.insert(next.reference).inserted {
        for key in newFollowers[next.reference] ?? [] { work += try reexamine(key) }
      }
      let size = min(Self.followersAtOnce, max(1, limit - work))
      let page = try store.followers(of: next.reference, after: next.after, limit: size)
      // To look for followers is work where there are none, too.
      if page.isEmpty { work += 1 }
      for follower in page where next.end.map({ follower.place <= $0 }) ?? true { work += try reexamine(follower.key) }
      let last = page.last?.place
      let isAtEnd = page.count < size || next.end.map { end in last.map { $0 >= end } ?? true } ?? false
      pending.pass(next.reference, upTo: isAtEnd ? nil : last)
      if work >= limit || isLate() { return }
    }
  }

  private static let followersAtOnce = 32

  /// Looks again at where one thing belongs.
  ///
  /// - Returns: how much work that was.
  private mutating func reexamine(_ key: SubjectKey) throws -> Int {
    guard absorbed[key] == nil else { return 0 }
    let isAtHand = knowledge.subjects[key] != nil
    while true {
      var answers = Correlator.Answers()
      switch correlator.tie(of: key, knowing: knowledge, &answers) {
      case .need(let queries): try load(queries)
      case .tie(let tie):
        knowledge.answers.merge(answers)
        guard var child = knowledge.subjects[key] ?? nil else { return 1 }
        let work = child.lookWork
        if tie != child.parent {
          child.parent = tie
          knowledge.subjects[key] = child
          noteChange(of: key)
        } else if !isAtHand {
          // There may be very many.
          knowledge.subjects[key] = nil
        }
        return work
      }
    }
  }

  /// Takes in the move of a branch.
  public mutating func take(_ update: BranchUpdate) {
    branchUpdates.append(update)
  }

  /// A thing as it is after what was taken in; nil when it is not known.
  public mutating func subject(_ key: SubjectKey) throws -> Subject? {
    if knowledge.subjects[key] == nil { try load([.subject(key)]) }
    return knowledge.subjects[key] ?? nil
  }

  /// Replaces the bookkeeping of a thing (what was announced, its classic picture).
  public mutating func update(_ subject: Subject) {
    knowledge.subjects[subject.key] = subject
    noteChange(of: subject.key)
  }

  private mutating func noteChange(of key: SubjectKey) {
    if changed.insert(key).inserted { changedInOrder.append(key) }
  }

  /// Keys of the things that changed, in a fixed order.
  public var changedKeys: [SubjectKey] { changed.sorted() }

  /// Everything to be written, except what only the caller knows: announcements, fingerprints, values, position.
  public func finish() -> ProjectionChanges {
    finish { SubjectSummary($0) }
  }

  /// The same, with summaries that the caller may have at hand. Subjects stand in the order in which they were heard of, which is that of
  /// lists.
  package func finish(summary: (Subject) -> SubjectSummary) -> ProjectionChanges {
    var changes = ProjectionChanges()
    var written: Set<SubjectKey> = []
    for key in changedInOrder where changed.contains(key) && written.insert(key).inserted {
      guard let subject = knowledge.subjects[key] ?? nil else { continue }
      changes.subjects.append(
        SubjectChange(
          subject: subject, summary: summary(subject), newAliases: newAliases[key] ?? [], newFollows: newFollows[key] ?? []))
    }
    changes.absorbed = absorbed
    changes.branchUpdates = branchUpdates
    return changes
  }

  private mutating func apply(_ changes: Correlator.Changes) {
    guard changes.isNews else { return }
    if changes.subjects[changes.key] != nil { noteChange(of: changes.key) }
    for (key, subject) in changes.subjects.sorted(by: { $0.key < $1.key }) {
      knowledge.subjects[key] = subject
      noteChange(of: key)
    }
    for key in changes.removed {
      knowledge.subjects[key] = .some(nil)
      changed.remove(key)
      absorbed[key] = changes.key
      newAliases[key] = nil
      newFollows[key] = nil
      // Of a name that very many publish, not all are known: the next is asked for.
      for (reference, keys) in knowledge.publishers where keys.contains(key) {
        knowledge.publishers[reference] = keys.count > Correlator.publisherLimit ? nil : keys.filter { $0 != key }
      }
      for reference in newPublishers.keys { newPublishers[reference]?.removeAll { $0 == key } }
      for reference in newFollowers.keys { newFollowers[reference]?.removeAll { $0 == key } }
      knowledge.answers = Correlator.Answers()
    }
    for (key, references) in changes.newAliases {
      newAliases[key, default: []] += references
      for reference in references {
        newPublishers[reference, default: []].append(key)
        // What absorbed another may have published a name of that before.
        if knowledge.publishers[reference]?.contains(key) == false { knowledge.publishers[reference]?.append(key) }
      }
    }
    for (key, references) in changes.newFollows {
      newFollows[key, default: []] += references
      for reference in references {
        newFollowers[reference, default: []].append(key)
        knowledge.followed[reference] = true
      }
    }
    // A thing publishes its own key from the moment it is known.
    let own = Reference.key(changes.key)
    if let known = knowledge.publishers[own], !known.contains(changes.key) { knowledge.publishers[own] = [changes.key] + known }
    for reference in changes.touched { knowledge.answers.forget(reference) }
    knowledge.answers.merge(changes.answers)
    for reference in changes.moved { pending.add(reference) }
  }

  /// Asks at once for what the first steps of an event will need, instead of step by step.
  private mutating func preload(_ event: Event) throws {
    if knowledge.subjects[event.key] == nil { try load([.subject(event.key)]) }
    guard knowledge.subjects[event.key] == .some(nil) else { return }
    var queries: Set<Correlator.Query> = [.isFollowed(.key(event.key))]
    for alias in event.publishes {
      if alias.isFollowed { queries.insert(.isFollowed(alias)) }
      if alias.identifies { queries.insert(.publishers(alias)) }
    }
    for statement in event.follows {
      for reference in statement.references.flatMap(\.candidates) { queries.insert(.publishers(reference)) }
    }
    try load(queries.filter { !isKnown($0) })
  }

  private func isKnown(_ query: Correlator.Query) -> Bool {
    switch query {
    case .subject(let key): knowledge.subjects[key] != nil
    case .publishers(let reference): knowledge.publishers[reference] != nil
    case .isFollowed(let reference): knowledge.followed[reference] != nil
    }
  }

  private mutating func load(_ queries: Set<Correlator.Query>) throws {
    var keys: [SubjectKey] = []
    var publishers: [Reference] = []
    var followed: [Reference] = []
    for query in queries {
      switch query {
      case .subject(let key): keys.append(key)
      case .publishers(let reference): publishers.append(reference)
      case .isFollowed(let reference): followed.append(reference)
      }
    }
    if !keys.isEmpty {
      let found = try store.subjects(keys)
      for key in keys { knowledge.subjects[key] = .some(absorbed[key] != nil ? nil : found[key]) }
    }
    if !publishers.isEmpty {
      let found = try store.publishers(of: publishers, limit: Correlator.publisherLimit + 2 + absorbed.count)
      for reference in publishers {
        var known = (found[reference] ?? []) + (newPublishers[reference] ?? [])
        if reference.kind == .key, let key = SubjectKey(reference.value), changed.contains(key) { known.append(key) }
        knowledge.publishers[reference] = Set(known).subtracting(absorbed.keys).sorted()
      }
    }
    if !followed.isEmpty {
      let found = try store.followers(of: followed, limit: 1)
      for reference in followed {
        knowledge.followed[reference] = !(found[reference] ?? []).isEmpty || !(newFollowers[reference] ?? []).isEmpty
      }
    }
  }
}

extension Subject {
  /// How much work a look at the thing is: one for it, and more where it is large.
  package var lookWork: Int {
    let weight = facts.reduce(0) { $0 + $1.weight }
    return 1 + facts.count / 16 + weight / 4096
  }
}
