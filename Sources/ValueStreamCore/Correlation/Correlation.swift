/// Correlates a batch of events in memory, so that the caller can write all resulting changes to the store at once.
///
/// Use one correlation at a time per store. Discard it after ``finish()`` and create another for the next batch.
public struct Correlation: Sendable {
  private let store: any SpanStore
  private let correlator = Correlator()
  private var knowledge = Knowledge()
  /// The aliases and followed references of this batch that are not in the store yet.
  private var newPublishers: [Reference: [SubjectKey]] = [:]
  private var newFollowers: [Reference: [SubjectKey]] = [:]
  private var newAliases: [SubjectKey: [Reference]] = [:]
  private var newFollows: [SubjectKey: [Reference]] = [:]
  private var changed: Set<SubjectKey> = []
  /// The changed keys in the order of their first changes. May contain keys that were absorbed later.
  private var changedInOrder: [SubjectKey] = []
  private var absorbed: [SubjectKey: SubjectKey] = [:]
  private var branchUpdates: [BranchUpdate] = []
  /// The references whose followers must be checked again.
  package private(set) var pending: PendingTies
  /// True if the caller calls ``reexamineFollowers(atMost:until:)``. If false, ``take(_:)`` checks all followers at once.
  private let isReexaminedByCaller: Bool

  public init(store: any SpanStore) {
    self.store = store
    pending = PendingTies()
    isReexaminedByCaller = false
  }

  /// Creates a correlation whose caller checks followers in bounded steps with ``reexamineFollowers(atMost:until:)``.
  ///
  /// The caller must store ``pending`` with the batch and pass it to the next one.
  ///
  /// - Parameter pending: the references that the previous batch left.
  package init(store: any SpanStore, pending: PendingTies) {
    self.store = store
    self.pending = pending
    isReexaminedByCaller = true
  }

  /// Correlates one event with the store and with all events taken so far. Values beyond the ``Event/Limit``s are cut off.
  ///
  /// - Returns: the key of the event's subject, and whether the event was new.
  /// - Throws: ``StoreError`` if the store cannot be read. Discard the correlation then.
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

  /// Checks the parents of followers of the ``pending`` references again, one page per reference in turn.
  ///
  /// - Parameters:
  ///   - limit: stops once the work reaches this amount, in units of ``Subject/lookWork``. At least one follower is checked.
  ///     Followers that are new in this batch count too, but all those of a reference are always checked together.
  ///   - isLate: called after each page. Stops if it returns true.
  /// - Throws: ``StoreError`` if the store cannot be read. Discard the correlation then.
  package mutating func reexamineFollowers(atMost limit: Int = .max, until isLate: () -> Bool = { false }) throws {
    // Followers of this batch are not stored yet, so the pages miss them. Check all of them once per reference.
    var visited: Set<Reference> = []
    var work = 0
    while let next = pending.next {
      if visited.insert(next.reference).inserted {
        for key in newFollowers[next.reference] ?? [] { work += try reexamine(key) }
      }
      let size = min(Self.followersAtOnce, max(1, limit - work))
      let page = try store.followers(of: next.reference, after: next.after, limit: size)
      // An empty page costs a read, too.
      if page.isEmpty { work += 1 }
      for follower in page where next.end.map({ follower.place <= $0 }) ?? true { work += try reexamine(follower.key) }
      let last = page.last?.place
      let isAtEnd = page.count < size || next.end.map { end in last.map { $0 >= end } ?? true } ?? false
      pending.pass(next.reference, upTo: isAtEnd ? nil : last)
      if work >= limit || isLate() { return }
    }
  }

  private static let followersAtOnce = 32

  /// Computes the tie of one subject again, and notes the change if it differs.
  ///
  /// - Returns: the amount of work. See ``Subject/lookWork``.
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
          // Forget subjects that were read only for this check: a reference can have very many followers.
          knowledge.subjects[key] = nil
        }
        return work
      }
    }
  }

  /// Adds an update of a branch to the batch.
  public mutating func take(_ update: BranchUpdate) {
    branchUpdates.append(update)
  }

  /// Returns a subject as of the events taken so far. Nil if it is unknown.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  public mutating func subject(_ key: SubjectKey) throws -> Subject? {
    if knowledge.subjects[key] == nil { try load([.subject(key)]) }
    return knowledge.subjects[key] ?? nil
  }

  /// Replaces a subject after a change to its bookkeeping, such as its attempts in the outbox or its classic state.
  public mutating func update(_ subject: Subject) {
    knowledge.subjects[subject.key] = subject
    noteChange(of: subject.key)
  }

  private mutating func noteChange(of key: SubjectKey) {
    if changed.insert(key).inserted { changedInOrder.append(key) }
  }

  /// The keys of the changed subjects, sorted.
  public var changedKeys: [SubjectKey] { changed.sorted() }

  /// Returns the changes to write. The caller adds outbox entries, measurements, fingerprints, values and the log position.
  public func finish() -> ProjectionChanges {
    finish { SubjectSummary($0) }
  }

  /// Returns the changes to write, with summaries that the caller may have cached.
  ///
  /// Subjects are in the order of their first changes, so that the store lists new subjects in this order.
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
      // Publishers are loaded up to a limit. If the list may be incomplete, forget it, so that it is loaded again.
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
        // A subject that absorbed another may have published the same alias already.
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
    // Every known subject publishes its own key.
    let own = Reference.key(changes.key)
    if let known = knowledge.publishers[own], !known.contains(changes.key) { knowledge.publishers[own] = [changes.key] + known }
    for reference in changes.touched { knowledge.answers.forget(reference) }
    knowledge.answers.merge(changes.answers)
    for reference in changes.moved { pending.add(reference) }
  }

  /// Loads in one go the data that the first steps of an event will need. This saves reads of the store.
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
  /// An estimate of the work to check the subject's parent again: 1 for a small subject, more for a large one.
  package var lookWork: Int {
    let weight = facts.reduce(0) { $0 + $1.weight }
    return 1 + facts.count / 16 + weight / 4096
  }
}
