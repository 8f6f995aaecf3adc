/// A subject over its whole life: its facts, and what was concluded from them.
///
/// Facts form a set: adding a fact twice or in another order gives the same ``spans()``. The ``Correlator`` derives the
/// tie to the parent. The remaining members record what exporters and metrics already received.
public struct Subject: Sendable, Hashable {
  /// One event about the subject, with a hash that breaks ties and identifies repetitions.
  ///
  /// A class rather than a struct, because facts are sorted and passed on much more often than created, and copying an
  /// event is expensive.
  final class Fact: Sendable, Hashable {
    let event: Event
    let contentHash: UInt64
    /// The size of the event, see ``Event/weight``.
    let weight: Int

    init(_ event: Event) {
      self.event = event
      contentHash = event.contentHash
      weight = event.weight
    }

    /// Creates a fact from storage, with the hash that it was stored with.
    init(_ event: Event, contentHash: UInt64) {
      self.event = event
      self.contentHash = contentHash
      weight = event.weight
    }

    static func == (left: Fact, right: Fact) -> Bool {
      left === right || left.contentHash == right.contentHash && left.event == right.event
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(contentHash)
    }
  }

  public private(set) var key: SubjectKey
  /// The kept facts, sorted by ``FactRank``. Includes those of guests.
  private(set) var facts: [Fact] = []
  /// A summary of the facts that exceeded the limits. Nil if there are none.
  private(set) var dropped: DroppedFacts?
  /// The number of facts that older versions dropped without a summary.
  private(set) var formerlyDroppedFactCount = 0
  /// The number of earliest attempts of which nothing is kept. Later attempts keep their numbers.
  private(set) var droppedAttemptCount = 0
  /// The subject's own facts, then those of each guest, sorted by key. Empty if there are no guests.
  ///
  /// A guest is a subject with a fallback key that is the same as this one as long as its names lead nowhere else. Its facts
  /// count here, and are also kept apart, so that it can leave.
  private var parts: [Subject] = []
  /// The tie to the parent. Nil if no parent is known.
  public var parent: ParentTie?
  /// The numbers of attempts whose end was already put into the outbox and counted. This happens once, even if the end changes.
  public var outboxAttempts: [Int] = []
  /// The ends of attempts that only imported deliveries told. Metrics do not count them until a live delivery tells them, too.
  package var importedEnds: [Timestamp] = []
  /// The amounts that the subject currently adds to gauges.
  public var gaugeShares: [GaugeShare] = []
  /// The state of the subject in the classic format.
  public var classic = ClassicState()

  /// The maximum number of facts of one subject.
  ///
  /// Beyond it, the oldest facts are dropped. Their starts, ends, outcomes and names stay in the summary.
  public static let factLimit = 1000

  /// The maximum total ``Event/weight`` of the facts of one subject, in bytes. Beyond it, the oldest facts are dropped.
  public static let byteLimit = 2 << 20

  public init(key: SubjectKey) {
    self.key = key
  }

  init(
    key: SubjectKey, facts: [Fact], dropped: DroppedFacts?, formerlyDroppedFactCount: Int, droppedAttemptCount: Int,
    parent: ParentTie?, outboxAttempts: [Int], gaugeShares: [GaugeShare], classic: ClassicState, importedEnds: [Timestamp] = [],
    guests: [Subject] = []
  ) {
    self.key = key
    self.facts = facts
    // Older versions stored facts in order of arrival.
    if zip(facts, facts.dropFirst()).contains(where: { $0.rank > $1.rank }) { self.facts.sort { $0.rank < $1.rank } }
    self.dropped = dropped
    self.formerlyDroppedFactCount = formerlyDroppedFactCount
    self.droppedAttemptCount = droppedAttemptCount
    self.parent = parent
    self.outboxAttempts = outboxAttempts
    self.importedEnds = importedEnds
    self.gaugeShares = gaugeShares
    self.classic = classic
    if !guests.isEmpty {
      parts = [ownFacts] + guests
      merge()
    }
  }

  /// Adds an event as a fact. An event with a fallback key other than the subject's becomes a fact of that guest.
  ///
  /// - Returns: false if the fact was already known.
  public mutating func add(_ event: Event) -> Bool {
    var stored = event
    stored.classic = nil
    let isGuest = event.key != key && event.key.isFallback
    guard isGuest || !parts.isEmpty else {
      stored.key = key
      return insert(Fact(stored))
    }
    stored.key = isGuest ? event.key : key
    guard addApart(Fact(stored)) else { return false }
    stored.key = key
    _ = insert(Fact(stored))
    return true
  }

  // MARK: Guests

  /// The maximum number of guests whose facts are kept apart. Further ones become one with the subject for good.
  static let guestLimit = 4

  /// The subjects with fallback keys that are the same as this one, with their facts only, sorted by key.
  var guests: ArraySlice<Subject> { parts.dropFirst() }

  var hasGuests: Bool { !parts.isEmpty }

  func hasGuest(_ key: SubjectKey) -> Bool { guests.contains { $0.key == key } }

  /// The owner according to the subject's own facts.
  var ownOwner: String? { parts.isEmpty ? owner : parts[0].owner }

  /// The subject without its guests, with its facts only.
  var ownFacts: Subject {
    if let own = parts.first { return own }
    var own = Subject(key: key)
    own.takeFacts(of: self)
    return own
  }

  /// Takes in the same subject under a fallback key.
  mutating func absorb(_ guest: Subject) {
    if parts.isEmpty { parts = [ownFacts] }
    if parts.count <= Self.guestLimit {
      let place = parts.dropFirst().firstIndex { $0.key > guest.key } ?? parts.endIndex
      parts.insert(guest.ownFacts, at: place)
    } else {
      parts[0].merge(guest)
    }
    merge(guest)
    outboxAttempts = Set(outboxAttempts + guest.outboxAttempts).sorted()
    importedEnds = Set(importedEnds + guest.importedEnds).sorted()
    gaugeShares += guest.gaugeShares
    if classic == ClassicState() { classic = guest.classic }
    if parts.count == 1 { parts = [] }
  }

  /// Lets a guest go, because its names lead to another subject, too.
  ///
  /// Attempts that end no more, or are gone, may enter the outbox again.
  ///
  /// - Returns: the guest as a subject of its own. Nil if there is no such guest.
  mutating func release(_ guest: SubjectKey) -> Subject? {
    guard let place = parts.dropFirst().firstIndex(where: { $0.key == guest }) else { return nil }
    var released = parts.remove(at: place)
    let ends = Set(released.outlines().compactMap(\.end))
    released.importedEnds = importedEnds.filter(ends.contains)
    merge()
    let ended = Set(outlines().filter { $0.end != nil }.map(\.number))
    outboxAttempts.removeAll { !ended.contains($0) }
    return released
  }

  /// - Returns: false if the part that the fact belongs to has it already.
  private mutating func addApart(_ fact: Fact) -> Bool {
    if parts.isEmpty { parts = [ownFacts] }
    let place = parts.firstIndex { $0.key == fact.event.key }
    if let place { return parts[place].insert(fact) }
    if parts.count <= Self.guestLimit {
      var guest = Subject(key: fact.event.key)
      _ = guest.insert(fact)
      parts.insert(guest, at: parts.dropFirst().firstIndex { $0.key > guest.key } ?? parts.endIndex)
      return true
    }
    return parts[0].add(facts: [fact])
  }

  private mutating func takeFacts(of other: Subject) {
    facts = other.facts
    dropped = other.dropped
    formerlyDroppedFactCount = other.formerlyDroppedFactCount
    droppedAttemptCount = other.droppedAttemptCount
  }

  /// Computes the facts anew from the parts.
  private mutating func merge() {
    guard let own = parts.first else { return }
    let count = droppedAttemptCount
    takeFacts(of: own)
    droppedAttemptCount = count
    for guest in parts.dropFirst() { merge(guest) }
    if parts.count == 1 { parts = [] }
  }

  /// Adds the facts of another subject.
  private mutating func merge(_ other: Subject) {
    _ = add(facts: other.facts)
    if let others = other.dropped {
      if dropped?.merge(others) == nil { dropped = others }
      if let last = dropped?.last { dropFirst(facts.prefix { $0.rank <= last }.count) }
    }
    formerlyDroppedFactCount += other.formerlyDroppedFactCount
  }

  /// - Returns: false if all were already known.
  private mutating func add(facts: [Fact]) -> Bool {
    var isNews = false
    for fact in facts {
      var event = fact.event
      event.key = key
      if insert(Fact(event)) { isNews = true }
    }
    return isNews
  }

  // MARK: Limits

  private mutating func insert(_ fact: Fact) -> Bool {
    let rank = fact.rank
    // The fact was dropped before, or is older than one that was.
    if let dropped, rank <= dropped.last { return drop(fact) }
    var place = facts.count
    while place > 0, rank < facts[place - 1].rank { place -= 1 }
    var before = place
    while before > 0, facts[before - 1].rank == rank {
      before -= 1
      if facts[before] == fact { return false }
    }
    facts.insert(fact, at: place)
    keepLimits()
    return true
  }

  private mutating func keepLimits() {
    var excess = max(0, facts.count - Self.factLimit)
    // A smaller number of facts can never exceed the byte limit.
    if facts.count > Self.byteLimit / Event.byteLimit {
      var (bytes, kept) = (0, 0)
      for fact in facts.reversed() {
        bytes += fact.weight
        if bytes > Self.byteLimit { break }
        kept += 1
      }
      excess = max(excess, facts.count - max(1, kept))
    }
    dropFirst(excess)
  }

  private mutating func dropFirst(_ count: Int) {
    guard count > 0 else { return }
    let first = facts.prefix(count)
    facts.removeFirst(count)
    for fact in first { _ = drop(fact) }
    // Remove the numbers of attempts that have no kept facts any more.
    if outboxAttempts.count > Self.factLimit / 2, let first = attempts().first?.number {
      outboxAttempts.removeAll { $0 < first }
    }
  }

  private mutating func drop(_ fact: Fact) -> Bool {
    var kept = dropped ?? DroppedFacts(last: fact.rank)
    dropped = nil
    let isNews = kept.take(fact, key: key)
    dropped = kept
    if kept.marks.count > DroppedFacts.markLimit { cutMarks() }
    return isNews
  }

  /// Removes the earlier half of the starts and ends of dropped facts, in whole attempts if possible.
  private mutating func cutMarks() {
    guard var kept = dropped else { return }
    let times = kept.marks.keys.map(\.time.timestamp).sorted()
    let middle = times[times.count / 2]
    let attempts = kept.isCounted ? allAttempts() : []
    let cut = attempts.firstIndex { $0.start >= middle && !$0.isStartUnknown } ?? attempts.count - 1
    if cut > 0 {
      kept.forget(before: attempts[cut].start)
      droppedAttemptCount += cut
    }
    // A single attempt may have very many marks.
    if kept.marks.count > DroppedFacts.markLimit * 3 / 4 { kept.forget(before: middle) }
    dropped = kept
  }

  /// The number of dropped facts, shown as an attribute of the spans.
  var droppedFactCount: Int { formerlyDroppedFactCount + (dropped?.count ?? 0) }

  /// Renumbers counted attempts to match another projection of the same subject that has dropped more of them.
  package mutating func takeNumbers(of other: Subject) {
    guard other.dropped != nil || other.droppedAttemptCount > droppedAttemptCount else { return }
    let numbers = Dictionary(other.outlines().map { ($0.start, $0.number) }) { first, _ in first }
    guard let shared = outlines().last(where: { numbers[$0.start] != nil }), let number = numbers[shared.start] else { return }
    let distance = number - shared.number
    guard distance > 0 else { return }
    droppedAttemptCount += distance
    outboxAttempts = outboxAttempts.map { $0 + distance }
  }

  /// The facts as events. Adding them to an empty subject with the same key gives the same spans.
  package var events: [Event] { parts.isEmpty ? facts.map(\.event) : parts.flatMap { $0.facts.map(\.event) } }

  /// All aliases that the subject ever had, except its key, sorted.
  public var aliases: [Reference] { unsortedAliases.sorted() }

  /// The ``aliases`` in any order.
  var unsortedAliases: [Reference] {
    var aliases = facts.flatMap(\.event.publishes) + deployNames
    if let dropped { aliases += dropped.aliases.keys }
    aliases += guests.lazy.map { .fallbackKey($0.key) }
    return aliases.distinct
  }

  /// True if a fact publishes this alias.
  func publishes(_ alias: Reference) -> Bool {
    facts.contains { $0.event.publishes.contains(alias) } || dropped?.aliases[alias] != nil
  }

  /// Returns the names that the subject does not publish yet, in the same order.
  func newNames(among names: [Reference]) -> [Reference] {
    // For small numbers, searching the facts for each name is faster than building a set.
    if names.count * facts.count < 1000 { return names.filter { !publishes($0) } }
    var new = Set(names)
    for fact in facts where !new.isEmpty { new.subtract(fact.event.publishes) }
    return names.filter { new.contains($0) && dropped?.aliases[$0] == nil }
  }

  /// The statements about the parent: the newest of each rule, the most trusted rule first.
  public var follows: [FollowStatement] {
    var newest: [CorrelationRule: (fact: Fact, statement: FollowStatement)] = [:]
    for fact in facts {
      for statement in fact.event.follows {
        if let known = newest[statement.rule], !known.fact.yields(to: fact) { continue }
        newest[statement.rule] = (fact, statement)
      }
    }
    var statements = newest.mapValues(\.statement)
    for (rule, kept) in dropped?.follows ?? [:] {
      if let known = newest[rule], !DroppedFacts.Statement(known.fact, known.statement).yields(to: kept) { continue }
      statements[rule] = kept.value
    }
    return statements.values.sorted { $0.rule < $1.rule }
  }

  /// The owner of the subject.
  public var owner: String? { register(\.owner, dropped?.owner) }

  /// The display name. The key if no event states a name.
  ///
  /// A name that only repeats the key gives way to any other.
  public var name: String {
    guard let name = register(\.name, dropped?.name) else { return key.description }
    guard key.hasPlainName(name) else { return name }
    return register({ event in event.name.flatMap { key.hasPlainName($0) ? nil : $0 } }, dropped?.properName) ?? name
  }

  public var operation: Operation? { statedOperation ?? register(\.usualOperation, dropped?.usualOperation) }

  /// The operation that events state explicitly, without the usual operation of such subjects.
  package var statedOperation: Operation? { register(\.operation, dropped?.operation) }

  public var project: String? { register(\.project, dropped?.project) }

  /// The latest known lifecycle state.
  package var lifecycleState: LifecycleState? { register(\.state) }

  /// Returns a text attribute of the semantic vocabulary, with the value of the greatest fact that has it.
  package func text(_ name: String) -> String? {
    register { $0.attributes.text(of: name) }
  }

  /// Returns the value of the greatest fact that has one.
  func register<Value>(_ value: (Event) -> Value?) -> Value? {
    var best: (fact: Fact, value: Value)?
    for fact in facts {
      guard let candidate = value(fact.event) else { continue }
      if let best, !best.fact.yields(to: fact) { continue }
      best = (fact, candidate)
    }
    return best?.value
  }

  /// Returns the value of the greatest fact that has one, including dropped facts.
  private func register<Value>(_ value: (Event) -> Value?, _ kept: DroppedFacts.Statement<Value>?) -> Value? {
    guard let kept else { return register(value) }
    var best = kept
    for fact in facts {
      guard let candidate = value(fact.event) else { continue }
      let statement = DroppedFacts.Statement(fact, candidate)
      if best.yields(to: statement) { best = statement }
    }
    return best.value
  }
}

extension DroppedFacts.Statement {
  init(_ fact: Subject.Fact, _ value: Value) {
    self.init(rank: fact.rank, stateRank: fact.event.state?.rawValue ?? 0, value: value)
  }
}

extension Subject.Fact {
  /// The order of facts over a whole life: vendor times after times of receipt, then time, lifecycle state and content hash.
  func yields(to other: Subject.Fact) -> Bool {
    (event.time, stateRank, contentHash) < (other.event.time, other.stateRank, other.contentHash)
  }

  /// The order of facts within an attempt: by lifecycle state first, then time and content hash.
  func yieldsWithinAttempt(to other: Subject.Fact) -> Bool {
    (stateRank, event.time, contentHash) < (other.stateRank, other.event.time, other.contentHash)
  }

  private var stateRank: UInt8 { event.state?.rawValue ?? 0 }
}
