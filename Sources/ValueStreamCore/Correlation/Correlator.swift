/// Draws conclusions from an event: which thing it is about, and whose parent is whose.
///
/// Pure: it asks for what it must know instead of looking it up. Every tie is a function of the facts that are known in the
/// end, whatever the order in which they came:
///
/// - a thing's parent is where its most trusted rule leads: the first of that rule's references somebody publishes;
/// - whoever publishes a reference for the first time has its followers looked at again, and so has who turns out to have begun at
///   another time, where that decides;
/// - what is known under a fallback key becomes one with the thing that publishes the same identifying name under its full key;
/// - a reference that more than ``publisherLimit`` things publish leads nowhere and identifies nothing.
///
/// Ties may form a cycle (two issues naming each other); ``TraceRoot`` cuts it, the edges stay.
public struct Correlator: Sendable {
  /// A name that more things have says nothing about which of them is meant.
  ///
  /// So a thing that is tied looks at no more than these, and whoever follows a name is looked at again no more often than this.
  public static let publisherLimit = 100

  public init() {}

  /// Either what must be known first, or what follows.
  public enum Step: Sendable {
    case need(Set<Query>)
    case changes(Changes)
  }

  /// A question to the store.
  public enum Query: Sendable, Hashable {
    case subject(SpanKey)
    case publishers(Reference)
    case followers(Reference)
  }

  /// What follows from one event.
  public struct Changes: Sendable {
    /// The key of the thing the event is about: its own, unless that is a fallback for one known better.
    public var key: SpanKey
    /// False when the event says nothing that was not known.
    public var isNews: Bool
    /// Things as they are now; the one the event is about is among them if there was news.
    public var subjects: [SpanKey: Subject] = [:]
    public var newAliases: [SpanKey: [Reference]] = [:]
    public var newFollows: [SpanKey: [Reference]] = [:]
    /// Fallback keys that were absorbed.
    public var removed: [SpanKey] = []
  }

  /// One step: call it again with the answers until it gives changes.
  public func step(_ event: Event, knowing knowledge: Knowledge) -> Step {
    var view = View(knowledge)
    guard let key = identify(event, &view) else { return .need(view.missing) }
    guard let known = view.subject(key) else { return .need(view.missing) }
    var subject = known.value ?? Subject(key: key)
    let newNames = subject.newNames(among: event.publishes)
    let ownerBefore = subject.owner
    let lifeBefore = subject.decidingLife
    let deployNamesBefore = subject.deployNames
    let newMerge = event.mergeRevision.flatMap { subject.wasMerged(as: $0) ? nil : Reference(.commit, $0) }
    // Who follows a short hash may mean the second commit that begins so.
    let newCommits = (newMerge.map { [$0] } ?? []) + newNames.filter { $0.kind == .commit }
    let namesOfCommits = newCommits + newCommits.compactMap(\.shortCommit)
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
    view.learn(subject, newAliases: newAliases, removed: changes.removed)

    subject.parent = parent(of: subject, &view)
    changes.subjects[key] = subject
    // A thing that is new, or of which became known what decides, may be what others were looking for under any of its names.
    let isRecognizable = known.value == nil || subject.owner != ownerBefore || subject.decidingLife != lifeBefore
    let news = isRecognizable ? subject.aliases + [.key(key)] : newAliases + namesOfCommits
    for follower in followers(of: news, except: key, &view) {
      guard var child = view.subject(follower)?.value else { continue }
      let tie = parent(of: child, &view)
      guard tie != child.parent else { continue }
      child.parent = tie
      changes.subjects[follower] = child
    }
    return view.missing.isEmpty ? .changes(changes) : .need(view.missing)
  }

  // MARK: Identity

  /// The key of the thing an event is about; nil when more must be known.
  private func identify(_ event: Event, _ view: inout View) -> SpanKey? {
    guard event.key.isFallback else { return event.key }
    var known: Set<SpanKey> = []
    for alias in event.publishes where alias.identifies {
      guard let publishers = view.publishers(alias) else { return nil }
      guard publishers.count <= Self.publisherLimit else { continue }
      known.formUnion(publishers.filter { !$0.isFallback && $0.source == event.key.source })
    }
    // Several things under one name are not decided between: the event stays with the name.
    return known.count == 1 ? known.first : event.key
  }

  /// Things known by name only that a thing's new names show to be this one.
  private func fallbacks(among newNames: [Reference], of key: SpanKey, _ view: inout View) -> [Subject] {
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

  private func followers(of references: [Reference], except key: SpanKey, _ view: inout View) -> [SpanKey] {
    var result: Set<SpanKey> = []
    for reference in references where reference.isFollowed {
      guard let followers = view.followers(reference), !followers.isEmpty else { continue }
      // One more, or other facts of one, of a name that leads nowhere change nothing.
      if followers.count > Self.publisherLimit {
        guard let publishers = view.publishers(reference) else { continue }
        if publishers.lazy.filter({ $0 != key }).count > Self.publisherLimit { continue }
      }
      result.formUnion(followers)
    }
    result.remove(key)
    return result.sorted()
  }

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
  ) -> SpanKey? {
    let all = view.publishers(reference) ?? []
    guard all.count <= Self.publisherLimit else { return nil }
    var publishers = all.filter { $0 != subject.key }
    if reference.kind == .shortCommit {
      publishers = publishers.filter { view.subject($0)?.value?.publishesCommit(beginning: written.value) ?? false }
    }
    if publishers.count > 1, reference.kind == .commit || reference.kind == .shortCommit {
      let merged = publishers.filter { view.subject($0)?.value?.wasMerged(as: written.value) ?? false }
      if !merged.isEmpty { publishers = merged }
    }
    if publishers.count < 2, reach == .anywhere { return publishers.first }
    if reference.isRepeated, reach == .anywhere {
      return nearest(of: publishers, at: subject.begin, within: reference.kind == .branchIn ? Self.branchReach : nil, &view)
    }
    let owner = subject.owner
    let sameOwner = publishers.filter { key in
      guard let candidate = view.subject(key)?.value else { return false }
      return owner != nil && candidate.owner == owner
    }
    return sameOwner.count == 1 ? sameOwner.first : nil
  }

  /// How long before a change on its branch, and after it, something may belong to it.
  private static let branchReach = 7 * 86_400.0

  /// The thing that began last among those that went on at a moment; where none did, the one that had ended or was to begin nearest to
  /// it. What ends at once goes on until the next begins.
  ///
  /// - Parameter reach: how many seconds from the moment a thing may be that did not go on; nil for any.
  private func nearest(of keys: [SpanKey], at moment: Timestamp?, within reach: Double?, _ view: inout View) -> SpanKey? {
    let things = keys.compactMap { key in view.subject(key)?.value?.life.map { (life: $0, key: key) } }
      .sorted { ($0.life.begin, $0.key) < ($1.life.begin, $1.key) }
    guard let moment else { return reach == nil ? things.last?.key : nil }
    let before = things.last { $0.life.begin <= moment }
    let next = things.first { $0.life.begin > moment }
    let waited = before.map { thing -> Double in
      guard let end = thing.life.end, end < moment, reach != nil || end > thing.life.begin else { return 0 }
      return moment.seconds(since: end)
    }
    let ahead = next.map { $0.life.begin.seconds(since: moment) }
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

extension Subject {
  /// True of a change that this commit merged, of which the beginning of the hash is enough.
  fileprivate func wasMerged(as commit: String) -> Bool {
    facts.contains { $0.event.mergeRevision?.hasPrefix(commit) ?? false }
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
  fileprivate var life: Life? {
    let outlines = outlines()
    guard let first = outlines.first, let last = outlines.last else { return nil }
    return Life(begin: first.start, end: last.end)
  }

  fileprivate struct Life: Equatable {
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
  public var subjects: [SpanKey: Subject?] = [:]
  public var publishers: [Reference: [SpanKey]] = [:]
  public var followers: [Reference: [SpanKey]] = [:]

  public init() {}
}

/// Knowledge as one step sees it: with what the step itself found out, and a note of what is missing.
private struct View {
  private let knowledge: Knowledge
  private var learned: Subject?
  private var learnedAliases: Set<Reference> = []
  private var removed: [SpanKey] = []
  private(set) var missing: Set<Correlator.Query> = []

  init(_ knowledge: Knowledge) {
    self.knowledge = knowledge
  }

  mutating func learn(_ subject: Subject, newAliases: [Reference], removed: [SpanKey]) {
    learned = subject
    learnedAliases = Set(newAliases).union([.key(subject.key)])
    self.removed = removed
  }

  struct Known {
    var value: Subject?
  }

  mutating func subject(_ key: SpanKey) -> Known? {
    if let learned, learned.key == key { return Known(value: learned) }
    if let known = knowledge.subjects[key] { return Known(value: known) }
    missing.insert(.subject(key))
    return nil
  }

  mutating func publishers(_ reference: Reference) -> [SpanKey]? {
    guard var known = knowledge.publishers[reference] else {
      missing.insert(.publishers(reference))
      return nil
    }
    if !removed.isEmpty { known.removeAll(where: removed.contains) }
    if let learned, learnedAliases.contains(reference), !known.contains(learned.key) { known.append(learned.key) }
    return known
  }

  mutating func followers(_ reference: Reference) -> [SpanKey]? {
    guard let known = knowledge.followers[reference] else {
      missing.insert(.followers(reference))
      return nil
    }
    return known.filter { !removed.contains($0) }
  }
}
