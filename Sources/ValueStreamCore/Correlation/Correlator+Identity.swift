/// Decides which subject an event with a fallback key is about.
///
/// A fallback key holds a name, which may lead to a subject with a full key. Then the subject with the fallback key is a
/// guest of that one, and leaves it when its names lead to a second one. So where it belongs depends only on what is known, not on
/// the order in which it became known.
extension Correlator {
  /// The result of ``relocate(_:adding:knowing:)``.
  public enum RelocationStep: Sendable {
    case need(Set<Query>)
    case changes(Changes)
    /// The subject is where it belongs.
    case inPlace
  }

  /// Moves a subject with a fallback key to where it belongs. While the result is `need`, add the answers and call again. After
  /// `changes`, apply them and call again.
  ///
  /// - Parameter event: an event with this key that is about to be added. Nil for none.
  public func relocate(_ fallback: SubjectKey, adding event: Event?, knowing knowledge: Knowledge) -> RelocationStep {
    var view = View(knowledge)
    guard let holder = holder(of: fallback, &view) else { return .need(view.missing) }
    guard let key = holder.key else { return .inPlace }
    guard let known = view.subject(key)?.value else { return view.missing.isEmpty ? .inPlace : .need(view.missing) }
    let isGuest = key != fallback
    guard var moving = isGuest ? known.guests.first(where: { $0.key == fallback }) : known else { return .inPlace }
    if let event, !moving.add(event) { return .inPlace }
    guard let home = home(of: moving, &view) else { return .need(view.missing) }
    if home == key { return .inPlace }
    if isGuest { return release(fallback, from: known, &view) }
    guard let subject = view.subject(home)?.value else { return view.missing.isEmpty ? .inPlace : .need(view.missing) }
    return absorb(known, into: subject, &view)
  }

  /// Adds a subject that is new as a whole. While the result is `need`, add the answers and call again.
  public func place(_ subject: Subject, knowing knowledge: Knowledge) -> Step {
    var view = View(knowledge)
    var changes = Changes(key: subject.key, isNews: true)
    changes.newAliases[subject.key] = subject.aliases
    changes.newFollows[subject.key] = subject.followedReferences
    let touched = touchedNames(nil, subject, newAliases: [], changes)
    return conclude(changes, subject, touched, &view)
  }

  private func absorb(_ guest: Subject, into subject: Subject, _ view: inout View) -> RelocationStep {
    var after = subject
    after.absorb(guest)
    var changes = Changes(key: subject.key, isNews: true)
    changes.removed = [guest.key]
    let (aliases, follows) = (Set(subject.unsortedAliases), Set(subject.followedReferences))
    let newAliases = after.aliases.filter { !aliases.contains($0) }
    changes.newAliases[subject.key] = newAliases
    changes.newFollows[subject.key] = after.followedReferences.filter { !follows.contains($0) }
    return conclude(changes, after, from: subject, newAliases: newAliases, &view)
  }

  private func release(_ guest: SubjectKey, from subject: Subject, _ view: inout View) -> RelocationStep {
    var after = subject
    guard let released = after.release(guest) else { return .inPlace }
    var changes = Changes(key: subject.key, isNews: true)
    changes.released = released
    let (aliases, follows) = (Set(after.unsortedAliases), Set(after.followedReferences))
    changes.lost.aliases = subject.aliases.filter { !aliases.contains($0) }
    changes.lost.follows = subject.followedReferences.filter { !follows.contains($0) }
    return conclude(changes, after, from: subject, newAliases: [], &view)
  }

  private func conclude(
    _ changes: Changes, _ after: Subject, from before: Subject, newAliases: [Reference], _ view: inout View
  ) -> RelocationStep {
    let touched = touchedNames(before, after, newAliases: newAliases, changes)
    switch conclude(changes, after, touched, &view) {
    case .need(let queries): return .need(queries)
    case .changes(let changes): return .changes(changes)
    }
  }

  // MARK: Where a subject with a fallback key belongs

  /// The key of the subject that an event is about. Nil if queries must be answered first.
  func identify(_ event: Event, _ view: inout View) -> SubjectKey? {
    guard event.key.isFallback else { return event.key }
    guard let holder = holder(of: event.key, &view) else { return nil }
    if let key = holder.key { return key }
    var subject = Subject(key: event.key)
    _ = subject.add(event)
    return home(of: subject, &view)
  }

  private struct Holder {
    /// Nil if there is no subject with the fallback key yet.
    var key: SubjectKey?
  }

  /// Finds the subject that has the facts of a fallback key: the one with that key, or the one whose guest it is.
  ///
  /// Nil if queries must be answered first.
  private func holder(of fallback: SubjectKey, _ view: inout View) -> Holder? {
    guard let hosts = view.publishers(.fallbackKey(fallback)) else { return nil }
    if let host = hosts.first { return Holder(key: host) }
    guard let known = view.subject(fallback) else { return nil }
    return Holder(key: known.value == nil ? nil : fallback)
  }

  /// The subject to which the names of a subject with a fallback key lead, or the fallback key if they lead nowhere or to
  /// several. Nil if queries must be answered first.
  private func home(of subject: Subject, _ view: inout View) -> SubjectKey? {
    var owners: [SubjectKey: String?] = [:]
    for alias in subject.aliases where alias.identifies {
      guard let publishers = view.publishers(alias) else { return nil }
      guard publishers.count <= Self.publisherLimit else { continue }
      for publisher in publishers where isFull(publisher, like: subject.key) && owners[publisher] == nil {
        guard let known = view.subject(publisher) else { return nil }
        // What only a guest says of the publisher may leave with it.
        guard let own = known.value?.ownFacts, own.publishes(alias) else { continue }
        owners[publisher] = .some(own.owner)
      }
    }
    if owners.count > 1, let owner = subject.owner { owners = owners.filter { $0.value == owner } }
    return owners.count == 1 ? owners.keys.first : subject.key
  }

  /// Finds the subjects with fallback keys that may belong elsewhere after a change of a subject with a full key, sorted.
  ///
  /// - Parameter newOwnNames: aliases that no earlier event with the full key published.
  func mayBelongElsewhere(after subject: Subject, before: Subject?, newOwnNames: [Reference], _ view: inout View) -> [SubjectKey]
  {
    guard !subject.key.isFallback else { return [] }
    var names = newOwnNames.filter(\.identifies)
    // The owner decides between several subjects of one name.
    if let before, before.ownOwner != subject.ownOwner { names = subject.ownFacts.aliases.filter(\.identifies) }
    var keys: Set<SubjectKey> = []
    for alias in names {
      let publishers = view.publishers(alias) ?? []
      guard publishers.count <= Self.publisherLimit else { continue }
      for publisher in publishers where publisher.source == subject.key.source {
        if publisher.isFallback {
          keys.insert(publisher)
        } else if publisher != subject.key {
          keys.formUnion(view.subject(publisher)?.value?.guests.filter { $0.publishes(alias) }.map(\.key) ?? [])
        }
      }
      keys.formUnion(subject.guests.filter { $0.publishes(alias) }.map(\.key))
    }
    return keys.sorted()
  }

  private func isFull(_ key: SubjectKey, like fallback: SubjectKey) -> Bool {
    !key.isFallback && key.source == fallback.source
  }
}
