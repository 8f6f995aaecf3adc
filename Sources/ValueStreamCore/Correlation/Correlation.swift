/// Deliveries on their way to spans: a batch is correlated in memory, then written as one change.
///
/// One projection at a time works on a store; after ``finish()`` it is of no more use.
public struct Correlation: Sendable {
  private let store: any SpanStore
  private let correlator = Correlator()
  private var knowledge = Knowledge()
  /// Aliases and follows of this batch, which the store does not know yet.
  private var newPublishers: [Reference: [SpanKey]] = [:]
  private var newFollowers: [Reference: [SpanKey]] = [:]
  private var newAliases: [SpanKey: [Reference]] = [:]
  private var newFollows: [SpanKey: [Reference]] = [:]
  private var changed: Set<SpanKey> = []
  /// In the order in which they changed first.
  private var changedInOrder: [SpanKey] = []
  private var absorbed: [SpanKey: SpanKey] = [:]
  private var branchUpdates: [BranchUpdate] = []

  public init(store: any SpanStore) {
    self.store = store
  }

  /// Correlates one event with the store and everything taken in so far. What is beyond the ``Event/Limit``s is cut off.
  ///
  /// - Returns: the key of the thing the event is about, and whether the event told anything new.
  /// - Throws: ``StoreError`` when the store cannot be read; the projection is then of no more use.
  public mutating func take(_ event: Event) throws -> (key: SpanKey, isNews: Bool) {
    let event = event.limited().withDerivedNames().limited()
    try loadForeseeable(event)
    while true {
      switch correlator.step(event, knowing: knowledge) {
      case .need(let queries): try load(queries)
      case .changes(let changes):
        apply(changes)
        return (changes.key, changes.isNews)
      }
    }
  }

  /// Takes in the move of a branch.
  public mutating func take(_ update: BranchUpdate) {
    branchUpdates.append(update)
  }

  /// A thing as it is after what was taken in; nil when it is not known.
  public mutating func subject(_ key: SpanKey) throws -> Subject? {
    if knowledge.subjects[key] == nil { try load([.subject(key)]) }
    return knowledge.subjects[key] ?? nil
  }

  /// Replaces the bookkeeping of a thing (what was announced, its classic picture).
  public mutating func update(_ subject: Subject) {
    knowledge.subjects[subject.key] = subject
    noteChange(of: subject.key)
  }

  private mutating func noteChange(of key: SpanKey) {
    if changed.insert(key).inserted { changedInOrder.append(key) }
  }

  /// Keys of the things that changed, in a fixed order.
  public var changedKeys: [SpanKey] { changed.sorted() }

  /// Everything to be written, except what only the caller knows: announcements, fingerprints, values, position.
  public func finish() -> ProjectionChanges {
    finish { SubjectSummary($0) }
  }

  /// The same, with summaries that the caller may have at hand. Subjects stand in the order in which they were heard of, which is that of
  /// lists.
  package func finish(summary: (Subject) -> SubjectSummary) -> ProjectionChanges {
    var changes = ProjectionChanges()
    var written: Set<SpanKey> = []
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
      for reference in knowledge.followers.keys { knowledge.followers[reference]?.removeAll { $0 == key } }
      for reference in newPublishers.keys { newPublishers[reference]?.removeAll { $0 == key } }
      for reference in newFollowers.keys { newFollowers[reference]?.removeAll { $0 == key } }
    }
    for (key, references) in changes.newAliases {
      newAliases[key, default: []] += references
      for reference in references { Self.note(key, for: reference, in: &newPublishers, &knowledge.publishers) }
    }
    for (key, references) in changes.newFollows {
      newFollows[key, default: []] += references
      for reference in references { Self.note(key, for: reference, in: &newFollowers, &knowledge.followers) }
    }
    // A thing publishes its own key from the moment it is known.
    let own = Reference.key(changes.key)
    if let known = knowledge.publishers[own], !known.contains(changes.key) { knowledge.publishers[own] = [changes.key] + known }
  }

  private static func note(
    _ key: SpanKey, for reference: Reference, in new: inout [Reference: [SpanKey]], _ known: inout [Reference: [SpanKey]]
  ) {
    new[reference, default: []].append(key)
    known[reference]?.append(key)
  }

  /// Asks at once for what the first steps of an event will need, instead of step by step.
  private mutating func loadForeseeable(_ event: Event) throws {
    if knowledge.subjects[event.key] == nil { try load([.subject(event.key)]) }
    guard knowledge.subjects[event.key] == .some(nil) else { return }
    var queries: Set<Correlator.Query> = [.followers(.key(event.key))]
    for alias in event.publishes {
      if alias.isFollowed { queries.insert(.followers(alias)) }
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
    case .followers(let reference): knowledge.followers[reference] != nil
    }
  }

  private mutating func load(_ queries: Set<Correlator.Query>) throws {
    var keys: [SpanKey] = []
    var publishers: [Reference] = []
    var followers: [Reference] = []
    for query in queries {
      switch query {
      case .subject(let key): keys.append(key)
      case .publishers(let reference): publishers.append(reference)
      case .followers(let reference): followers.append(reference)
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
        if reference.kind == .key, let key = SpanKey(reference.value), changed.contains(key) { known.append(key) }
        knowledge.publishers[reference] = Set(known).subtracting(absorbed.keys).sorted()
      }
    }
    if !followers.isEmpty {
      let found = try store.followers(of: followers)
      for reference in followers {
        let known = (found[reference] ?? []) + (newFollowers[reference] ?? [])
        knowledge.followers[reference] = Set(known).subtracting(absorbed.keys).sorted()
      }
    }
  }
}
