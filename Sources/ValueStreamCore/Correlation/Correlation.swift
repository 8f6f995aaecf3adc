/// Correlates a batch of events in memory, so that the caller can write all resulting changes to the store at once.
///
/// Use one correlation at a time per store. Discard it after ``finish()`` and create another for the next batch.
public struct Correlation: Sendable {
  private let store: any SpanReading
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
  /// The references that a guest took along when it left a subject, which the store may still have.
  private var lost: [SubjectKey: (aliases: Set<Reference>, follows: Set<Reference>)] = [:]
  private var branchUpdates: [BranchUpdate] = []
  /// How often the events taken so far exceeded each limit.
  package private(set) var exceeded: [CorrelationLimit: Int] = [:]
  /// The references whose followers must be checked again.
  package private(set) var pending: PendingTies
  /// True if the caller calls ``reexamineFollowers(atMost:until:)``. If false, ``take(_:)`` checks all followers at once.
  private let isReexaminedByCaller: Bool

  public init(store: any SpanReading) {
    self.store = store
    pending = PendingTies()
    isReexaminedByCaller = false
  }

  /// Creates a correlation whose caller checks followers in bounded steps with ``reexamineFollowers(atMost:until:)``.
  ///
  /// The caller must store ``pending`` with the batch and pass it to the next one.
  ///
  /// - Parameter pending: the references that the previous batch left.
  package init(store: any SpanReading, pending: PendingTies) {
    self.store = store
    self.pending = pending
    isReexaminedByCaller = true
  }

  /// Correlates one event with the store and with all events taken so far. Values beyond the ``Event/Limit``s are cut off.
  ///
  /// - Returns: the key of the event's subject, and whether the event was new.
  /// - Throws: ``StoreError`` if the store cannot be read. Discard the correlation then.
  public mutating func take(_ event: Event) throws -> (key: SubjectKey, isNews: Bool) {
    try take(limited: Self.limited(event), isPreloaded: false)
  }

  /// Cuts values beyond the ``Event/Limit``s off and adds derived names.
  package static func limited(_ event: Event) -> Event {
    let event = event.limited()
    return event.namesDerived.map { $0.limited() } ?? event
  }

  /// Correlates one event that ``limited(_:)`` returned.
  ///
  /// - Parameter isPreloaded: true if ``preload(_:)`` read what the event needs. If false, this does.
  /// - Returns: the key of the event's subject, and whether the event was new.
  /// - Throws: ``StoreError`` if the store cannot be read. Discard the correlation then.
  package mutating func take(limited event: Event, isPreloaded: Bool) throws -> (key: SubjectKey, isNews: Bool) {
    if !isPreloaded { try preload([event]) }
    if event.key.isFallback { try relocate(event.key, adding: event) }
    while true {
      switch correlator.step(event, knowing: knowledge) {
      case .need(let queries): try load(queries)
      case .changes(let changes):
        noteLimits(event, changes)
        apply(changes)
        for fallback in changes.mayBelongElsewhere { try relocate(fallback, adding: nil) }
        if !isReexaminedByCaller, !pending.isEmpty { try reexamineFollowers() }
        return (changes.key, changes.isNews)
      }
    }
  }

  /// Moves a subject with a fallback key to where it belongs, before an event with that key is added.
  private mutating func relocate(_ fallback: SubjectKey, adding event: Event?) throws {
    while true {
      switch correlator.relocate(fallback, adding: event, knowing: knowledge) {
      case .need(let queries): try load(queries)
      case .inPlace: return
      case .changes(let changes):
        apply(changes)
        if let released = changes.released { try place(released) }
      }
    }
  }

  /// Adds a subject that left another as its guest.
  private mutating func place(_ subject: Subject) throws {
    absorbed[subject.key] = nil
    knowledge.subjects[subject.key] = .some(nil)
    while true {
      switch correlator.place(subject, knowing: knowledge) {
      case .need(let queries): try load(queries)
      case .changes(let changes): return apply(changes)
      }
    }
  }

  /// Counts the limits that an event exceeds. Call it before the changes are applied.
  private mutating func noteLimits(_ event: Event, _ changes: Correlator.Changes) {
    guard changes.isNews else { return }
    if event.isCut { exceeded[.event, default: 0] += 1 }
    if changes.ambiguousNames > 0 { exceeded[.name, default: 0] += changes.ambiguousNames }
    guard let subject = changes.subjects[changes.key], subject.droppedFactCount > 0 else { return }
    let before = [changes.key] + changes.removed
    let dropped = before.reduce(subject.droppedFactCount) { $0 - ((knowledge.subjects[$1] ?? nil)?.droppedFactCount ?? 0) }
    if dropped > 0 { exceeded[.facts, default: 0] += dropped }
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
    var visited: Set<Reference> = []
    var work = 0
    while let next = pending.next {
      // With a limit of 1, the caller looks for a follower that cannot be read or written.
      if limit > 1, next.after == 0, !visited.contains(next.reference) {
        let front = pending.first(Self.referencesAtOnce).filter { $0.after == 0 && !visited.contains($0.reference) }
        visited.formUnion(front.map(\.reference))
        work += try reexamineFew(front.map(\.reference), atMost: limit - work)
        if work >= limit || isLate() { return }
        continue
      }
      if visited.insert(next.reference).inserted { work += try reexamineNew(next.reference) }
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
  /// The most references whose followers are read together, and the most followers of each.
  private static let referencesAtOnce = 64
  private static let fewFollowers = 4
  /// The most events or followers whose subjects are read together. Each may be as large as ``Subject/byteLimit``.
  package static let subjectsAtOnce = 16

  /// Checks the followers of references that have few. They are the most frequent ones, and reading them together takes
  /// few reads of the store. References with more followers stay in the queue.
  ///
  /// - Parameter limit: leaves further references in the queue, too, once the work reaches this amount.
  /// - Returns: the amount of work. At least 1.
  private mutating func reexamineFew(_ references: [Reference], atMost limit: Int) throws -> Int {
    let stored = try store.followers(of: references, limit: Self.fewFollowers + 1)
    var few = stored.filter { $0.value.count <= Self.fewFollowers }
    for reference in references where stored[reference] == nil { few[reference] = [] }
    let publishers = few.keys.filter { knowledge.publishers[$0] == nil }.map(Correlator.Query.publishers)
    if !publishers.isEmpty { try load(Set(publishers)) }
    var work = 1
    var rest = references[...]
    while let first = rest.first, work < limit {
      var unread: Set<SubjectKey> = []
      let part = rest.prefix { reference in
        unread.formUnion((few[reference] ?? []).filter { knowledge.subjects[$0] == nil })
        return unread.count <= Self.subjectsAtOnce || reference == first
      }
      if !unread.isEmpty { try load(Set(unread.map(Correlator.Query.subject))) }
      for reference in part where work < limit {
        work += try reexamineNew(reference)
        guard let followers = few[reference] else { continue }
        for key in followers { work += try reexamine(key) }
        pending.pass(reference, upTo: nil)
      }
      // Forget subjects that were read only for this.
      for key in unread where !changed.contains(key) { knowledge.subjects[key] = nil }
      rest = rest.dropFirst(part.count)
    }
    return work
  }

  /// Checks the followers of a reference that are new in this batch and not stored yet, so that pages of the store miss them.
  private mutating func reexamineNew(_ reference: Reference) throws -> Int {
    try (newFollowers[reference] ?? []).reduce(0) { try $0 + reexamine($1) }
  }

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

  /// Adds an update of a branch to the batch. Values beyond the ``BranchUpdate/Limit``s are left out.
  public mutating func take(_ update: BranchUpdate) {
    let limited = update.limited()
    if limited != update { exceeded[.branchUpdate, default: 0] += 1 }
    branchUpdates.append(limited)
  }

  /// Returns a subject as of the events taken so far. Nil if it is unknown.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  public mutating func subject(_ key: SubjectKey) throws -> Subject? {
    if let known = knowledge.subjects[key] { return known }
    try load([.subject(key)])
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
      var change = SubjectChange(
        subject: subject, summary: summary(subject), newAliases: newAliases[key] ?? [], newFollows: newFollows[key] ?? [])
      if let lost = lost[key] {
        change.lostAliases = lost.aliases.sorted()
        change.lostFollows = lost.follows.sorted()
      }
      changes.subjects.append(change)
    }
    changes.abandoned = Set(lost.keys.filter { changed.contains($0) })
    changes.absorbed = absorbed
    changes.branchUpdates = branchUpdates
    return changes
  }

  private mutating func apply(_ changes: Correlator.Changes) {
    guard changes.isNews else { return }
    if changes.subjects.count > 1, changes.subjects[changes.key] != nil { noteChange(of: changes.key) }
    for key in changes.subjects.keys.sorted() {
      knowledge.subjects[key] = changes.subjects[key]
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
      lost[key] = nil
    }
    if changes.released != nil { lose(changes.lost, of: changes.key) }
    for (key, references) in changes.newAliases {
      newAliases[key, default: []] += references
      if !lost.isEmpty { lost[key]?.aliases.subtract(references) }
      for reference in references {
        newPublishers[reference, default: []].append(key)
        // A subject that absorbed another may have published the same alias already.
        if knowledge.publishers[reference]?.contains(key) == false { knowledge.publishers[reference]?.append(key) }
      }
    }
    for (key, references) in changes.newFollows {
      newFollows[key, default: []] += references
      if !lost.isEmpty { lost[key]?.follows.subtract(references) }
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

  private mutating func lose(_ references: Correlator.LostReferences, of key: SubjectKey) {
    newAliases[key]?.removeAll(where: Set(references.aliases).contains)
    newFollows[key]?.removeAll(where: Set(references.follows).contains)
    for reference in references.aliases {
      newPublishers[reference]?.removeAll { $0 == key }
      // Publishers are loaded up to a limit. If the list may be incomplete, forget it, so that it is loaded again.
      guard let known = knowledge.publishers[reference], known.contains(key) else { continue }
      knowledge.publishers[reference] = known.count > Correlator.publisherLimit ? nil : known.filter { $0 != key }
    }
    for reference in references.follows { newFollowers[reference]?.removeAll { $0 == key } }
    lost[key, default: ([], [])].aliases.formUnion(references.aliases)
    lost[key, default: ([], [])].follows.formUnion(references.follows)
  }

  /// Loads in one go the data that the first steps of some events will need. This saves reads of the store.
  ///
  /// - Parameter events: events that ``limited(_:)`` returned.
  package mutating func preload(_ events: [Event]) throws {
    let unread = Set(events.map(\.key).filter { knowledge.subjects[$0] == nil })
    if unread.count > Self.subjectsAtOnce {
      let some = try store.subjects(Array(unread), atMost: Self.subjectsAtOnce * Subject.byteLimit)
      for (key, subject) in some { knowledge.subjects[key] = .some(absorbed[key] == nil ? subject : nil) }
    } else if !unread.isEmpty {
      try loadSubjects(Array(unread))
    }
    var (publishers, followed): ([Reference], [Reference]) = ([], [])
    for event in events where knowledge.subjects[event.key] == .some(nil) {
      let own = Reference.key(event.key)
      if knowledge.followed[own] == nil { followed.append(own) }
      for alias in event.publishes {
        if alias.isFollowed, knowledge.followed[alias] == nil { followed.append(alias) }
        if alias.identifies, knowledge.publishers[alias] == nil { publishers.append(alias) }
      }
      for statement in event.follows {
        for reference in statement.references {
          for candidate in reference.candidates where knowledge.publishers[candidate] == nil { publishers.append(candidate) }
        }
      }
    }
    if !publishers.isEmpty { try loadPublishers(publishers) }
    if !followed.isEmpty { try loadFollowed(followed) }
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
    if !keys.isEmpty { try loadSubjects(keys) }
    if !publishers.isEmpty { try loadPublishers(publishers) }
    if !followed.isEmpty { try loadFollowed(followed) }
  }

  private mutating func loadSubjects(_ keys: [SubjectKey]) throws {
    let found = try store.subjects(keys)
    for key in keys { knowledge.subjects[key] = .some(absorbed.isEmpty || absorbed[key] == nil ? found[key] : nil) }
  }

  /// - Parameter references: May contain a reference several times.
  private mutating func loadPublishers(_ references: [Reference]) throws {
    let found = try store.publishers(of: references, limit: Correlator.publisherLimit + 2 + absorbed.count + lost.count)
    for reference in references {
      var known = found.isEmpty ? [] : found[reference] ?? []
      if !newPublishers.isEmpty { known += newPublishers[reference] ?? [] }
      if reference.kind == .key, let key = SubjectKey(reference.value), changed.contains(key) { known.append(key) }
      if !lost.isEmpty { known.removeAll { lost[$0]?.aliases.contains(reference) ?? false } }
      knowledge.publishers[reference] = known.isEmpty ? [] : Set(known).subtracting(absorbed.keys).sorted()
    }
  }

  /// - Parameter references: May contain a reference several times.
  private mutating func loadFollowed(_ references: [Reference]) throws {
    let found = try store.followers(of: references, limit: 1)
    for reference in references {
      let isNewlyFollowed = !newFollowers.isEmpty && !(newFollowers[reference] ?? []).isEmpty
      knowledge.followed[reference] = isNewlyFollowed || !found.isEmpty && !(found[reference] ?? []).isEmpty
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

/// A limit of what one sender can make the projection do.
package enum CorrelationLimit: String, Sendable, Hashable, CaseIterable {
  /// An event was cut to the ``Event/Limit``s.
  case event
  /// Facts of a subject were dropped. See ``Subject/factLimit`` and ``Subject/byteLimit``.
  case facts
  /// A followed name leads nowhere. See ``Correlator/publisherLimit``.
  case name
  /// An update of a branch was cut to the ``BranchUpdate/Limit``s.
  case branchUpdate = "branch_update"
}
