/// One thing over its whole life: the facts known of it, and what was concluded from them.
///
/// Facts are a set: adding one twice, or in another order, gives the same spans (``spans()``). The tie to the parent is a
/// conclusion the ``Correlator`` draws; the rest is bookkeeping of what was already told to others.
public struct Subject: Sendable, Hashable {
  /// One event about the thing, with the hash that settles ties and finds repetitions.
  ///
  /// A class, because facts are sorted and handed around much more often than made, and an event is large to copy.
  final class Fact: Sendable, Hashable {
    let event: Event
    let contentHash: UInt64
    /// The ``Event/weight``.
    let weight: Int

    init(_ event: Event) {
      self.event = event
      contentHash = event.contentHash
      weight = event.weight
    }

    /// For facts read back with the hash they were stored with.
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

  public private(set) var key: SpanKey
  /// Sorted by ``FactRank``.
  private(set) var facts: [Fact] = []
  /// What is kept of facts that were left out because there were too many; nil as long as there are none.
  private(set) var dropped: DroppedFacts?
  /// Facts that were left out by versions that kept nothing of them.
  private(set) var formerlyDroppedFactCount = 0
  /// Counted attempts of which nothing is kept, oldest first: the numbers of the others stay what they were.
  private(set) var droppedAttemptCount = 0
  /// The edge to the parent; nil for a root, as far as is known.
  public var parent: ParentTie?
  /// Attempts whose end was announced (counted, put up for export): an end is announced once, however it changes.
  public var announcedAttempts: [Int] = []
  /// What it adds to gauges at present.
  public var gaugeShares: [GaugeShare] = []
  /// Where the classic picture stands.
  public var classic = ClassicState()

  /// More facts than this are not kept of one thing: the oldest go first. Of those that go, beginnings, ends, outcomes and names stay.
  public static let factLimit = 1000

  /// The facts of one thing have this many bytes at most, as ``Event/weight`` counts them; beyond it the oldest go first.
  public static let byteLimit = 2 << 20

  public init(key: SpanKey) {
    self.key = key
  }

  init(
    key: SpanKey, facts: [Fact], dropped: DroppedFacts?, formerlyDroppedFactCount: Int, droppedAttemptCount: Int,
    parent: ParentTie?, announcedAttempts: [Int], gaugeShares: [GaugeShare], classic: ClassicState
  ) {
    self.key = key
    self.facts = facts
    // Older versions kept them in order of arrival.
    if zip(facts, facts.dropFirst()).contains(where: { $0.rank > $1.rank }) { self.facts.sort { $0.rank < $1.rank } }
    self.dropped = dropped
    self.formerlyDroppedFactCount = formerlyDroppedFactCount
    self.droppedAttemptCount = droppedAttemptCount
    self.parent = parent
    self.announcedAttempts = announcedAttempts
    self.gaugeShares = gaugeShares
    self.classic = classic
  }

  /// Adds what an event says.
  ///
  /// - Returns: false when exactly this was known already.
  public mutating func add(_ event: Event) -> Bool {
    var stored = event
    stored.key = key
    stored.classic = nil
    return insert(Fact(stored))
  }

  /// Takes over the facts of the same thing known under a fallback key.
  mutating func absorb(_ other: Subject) {
    for fact in other.facts {
      var event = fact.event
      event.key = key
      _ = insert(Fact(event))
    }
    if let others = other.dropped {
      if dropped?.merge(others) == nil { dropped = others }
      if let last = dropped?.last { dropFirst(facts.prefix { $0.rank <= last }.count) }
    }
    formerlyDroppedFactCount += other.formerlyDroppedFactCount
    announcedAttempts = Set(announcedAttempts + other.announcedAttempts).sorted()
    gaugeShares += other.gaugeShares
    if classic == ClassicState() { classic = other.classic }
  }

  // MARK: Limits

  private mutating func insert(_ fact: Fact) -> Bool {
    let rank = fact.rank
    // It was left out before, or is older than one that was.
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
    // Fewer are never too long together.
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
    // Numbers of attempts that are not shown any more.
    if announcedAttempts.count > Self.factLimit / 2, let first = attempts().first?.number {
      announcedAttempts.removeAll { $0 < first }
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

  /// Forgets the earlier half of the beginnings and ends of dropped facts, by whole attempts where there are any.
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
    // Very many of one attempt.
    if kept.marks.count > DroppedFacts.markLimit * 3 / 4 { kept.forget(before: middle) }
    dropped = kept
  }

  /// How many facts were left out because there were too many; shown as an attribute.
  var droppedFactCount: Int { formerlyDroppedFactCount + (dropped?.count ?? 0) }

  /// Numbers its counted attempts as another projection of the same thing has them, which has left more of them out.
  package mutating func takeNumbers(of other: Subject) {
    guard other.dropped != nil || other.droppedAttemptCount > droppedAttemptCount else { return }
    let numbers = Dictionary(other.outlines().map { ($0.start, $0.number) }) { first, _ in first }
    guard let shared = outlines().last(where: { numbers[$0.start] != nil }), let number = numbers[shared.start] else { return }
    let distance = number - shared.number
    guard distance > 0 else { return }
    droppedAttemptCount += distance
    announcedAttempts = announcedAttempts.map { $0 + distance }
  }

  /// What is known of it, as events of its own: added to an empty thing of the same key they give the same spans.
  package var events: [Event] { facts.map(\.event) }

  /// Every alias the thing ever had, apart from its key, sorted.
  public var aliases: [Reference] {
    var aliases = Set(facts.lazy.flatMap(\.event.publishes)).union(deployNames)
    if let dropped { aliases.formUnion(dropped.aliases.keys) }
    return aliases.sorted()
  }

  /// True when a fact publishes this alias.
  func publishes(_ alias: Reference) -> Bool {
    facts.contains { $0.event.publishes.contains(alias) } || dropped?.aliases[alias] != nil
  }

  /// Those of these names that it does not publish yet, in their order.
  func newNames(among names: [Reference]) -> [Reference] {
    // Few, as a rule, so that a look at each is quicker than a set of all.
    if names.count * facts.count < 1000 { return names.filter { !publishes($0) } }
    var new = Set(names)
    for fact in facts where !new.isEmpty { new.subtract(fact.event.publishes) }
    return names.filter { new.contains($0) && dropped?.aliases[$0] == nil }
  }

  /// What it follows to its parent: of each rule the newest statement, most trusted rule first.
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

  /// Who owns the thing.
  public var owner: String? { register(\.owner, dropped?.owner) }

  /// What people call it; its key where nobody said. A name that says no more than the key gives way to any other.
  public var name: String {
    guard let name = register(\.name, dropped?.name) else { return key.description }
    let plain = key.plainName
    return name == plain ? register({ $0.name == plain ? nil : $0.name }, dropped?.properName) ?? name : name
  }

  public var operation: Operation? { statedOperation ?? register(\.usualOperation, dropped?.usualOperation) }

  /// What it was said to be, apart from what such things usually are.
  package var statedOperation: Operation? { register(\.operation, dropped?.operation) }

  public var project: String? { register(\.project, dropped?.project) }

  /// Where in its life it was when it was last heard of.
  package var lifecycleState: LifecycleState? { register(\.state) }

  /// A text of the semantic vocabulary, as the greatest fact has it.
  package func text(_ name: String) -> String? {
    register { $0.attributes.text(of: name) }
  }

  /// The value of the greatest fact that has one.
  func register<Value>(_ value: (Event) -> Value?) -> Value? {
    var best: (fact: Fact, value: Value)?
    for fact in facts {
      guard let candidate = value(fact.event) else { continue }
      if let best, !best.fact.yields(to: fact) { continue }
      best = (fact, candidate)
    }
    return best?.value
  }

  /// The same, of dropped facts as well.
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
  /// The order of registers over a whole life: vendor's time before receipt, time, rank in the life cycle, content.
  func yields(to other: Subject.Fact) -> Bool {
    (event.time, stateRank, contentHash) < (other.event.time, other.stateRank, other.contentHash)
  }

  /// The order of registers within an attempt: the rank in the life cycle beats the time.
  func yieldsWithinAttempt(to other: Subject.Fact) -> Bool {
    (stateRank, event.time, contentHash) < (other.stateRank, other.event.time, other.contentHash)
  }

  private var stateRank: UInt8 { event.state?.rawValue ?? 0 }
}

/// Where the classic picture of one thing stands; moved on by events in order of arrival.
public struct ClassicState: Sendable, Hashable {
  /// A classic span that was started and not ended.
  public struct OpenSpan: Sendable, Hashable {
    public var traceID: Int64
    public var spanID: Int64
    /// 0 for none.
    public var parentID: Int64
    public var eventSource: String
    public var type: String
    public var state: String
    public var start: EventTime
    /// When the event that started it was received.
    public var received: Timestamp
    public var tags: [Attribute]

    public init(
      traceID: Int64, spanID: Int64, parentID: Int64, eventSource: String, type: String, state: String, start: EventTime,
      received: Timestamp, tags: [Attribute]
    ) {
      self.traceID = traceID
      self.spanID = spanID
      self.parentID = parentID
      self.eventSource = eventSource
      self.type = type
      self.state = state
      self.start = start
      self.received = received
      self.tags = tags
    }
  }

  public var open: OpenSpan?
  /// Ids of the newest classic span, open or ended; 0 where there was none.
  public var latestTraceID: Int64 = 0
  public var latestSpanID: Int64 = 0

  public init() {}
}
