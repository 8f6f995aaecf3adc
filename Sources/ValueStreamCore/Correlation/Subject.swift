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

    init(_ event: Event) {
      self.event = event
      contentHash = event.contentHash
    }

    /// For facts read back with the hash they were stored with.
    init(_ event: Event, contentHash: UInt64) {
      self.event = event
      self.contentHash = contentHash
    }

    static func == (left: Fact, right: Fact) -> Bool {
      left === right || left.contentHash == right.contentHash && left.event == right.event
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(contentHash)
    }
  }

  public private(set) var key: SpanKey
  /// In order of arrival; nothing may depend on that order.
  private(set) var facts: [Fact] = []
  /// Facts left out because there were too many; shown as an attribute.
  private(set) var droppedFactCount = 0
  /// Counted attempts that were left out whole, oldest first: the numbers of the others stay what they were.
  private(set) var droppedAttemptCount = 0
  /// The edge to the parent; nil for a root, as far as is known.
  public var parent: ParentTie?
  /// Attempts whose end was announced (counted, put up for export): an end is announced once, however it changes.
  public var announcedAttempts: [Int] = []
  /// What it adds to gauges at present.
  public var gaugeShares: [GaugeShare] = []
  /// Where the classic picture stands.
  public var classic = ClassicState()

  /// More facts than this are not kept of one thing: the oldest go first that mark neither an end nor a beginning no other
  /// fact tells, then whole attempts, oldest first.
  public static let factLimit = 1000

  public init(key: SpanKey) {
    self.key = key
  }

  init(
    key: SpanKey, facts: [Fact], droppedFactCount: Int, droppedAttemptCount: Int, parent: ParentTie?, announcedAttempts: [Int],
    gaugeShares: [GaugeShare], classic: ClassicState
  ) {
    self.key = key
    self.facts = facts
    self.droppedFactCount = droppedFactCount
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
    droppedFactCount += other.droppedFactCount
    announcedAttempts = Set(announcedAttempts + other.announcedAttempts).sorted()
    gaugeShares += other.gaugeShares
    if classic == ClassicState() { classic = other.classic }
  }

  private mutating func insert(_ fact: Fact) -> Bool {
    if facts.contains(fact) { return false }
    facts.append(fact)
    if facts.count > Self.factLimit { dropOldest() }
    return true
  }

  private mutating func dropOldest() {
    if let index = oldest(among: passingFacts()) {
      facts.remove(at: index)
      droppedFactCount += 1
      return
    }
    let attempts = attempts()
    if attempts.count > 1, let first = attempts.first, first.supersededAt != nil {
      facts.removeAll { fact in first.facts.contains { $0 === fact } }
      droppedFactCount += first.facts.count
      droppedAttemptCount += 1
      // That number is never given again.
      announcedAttempts.removeAll { $0 <= droppedAttemptCount }
    } else if let index = oldest(among: Array(facts.indices)) {
      facts.remove(at: index)
      droppedFactCount += 1
    }
  }

  private func oldest(among indices: [Int]) -> Int? {
    indices.min { (facts[$0].event.time, facts[$0].contentHash) < (facts[$1].event.time, facts[$1].contentHash) }
  }

  /// Facts that mark no end, and no beginning that is not told by another fact as well.
  private func passingFacts() -> [Int] {
    var lastTeller: [LifeMark: Int] = [:]
    var toldByOthers: Set<LifeMark> = []
    for (index, fact) in facts.enumerated() {
      for mark in fact.event.marks where mark.kind == .begin {
        if let teller = lastTeller.updateValue(index, forKey: mark), teller != index { toldByOthers.insert(mark) }
      }
    }
    return facts.indices.filter { facts[$0].event.marks.allSatisfy(toldByOthers.contains) }
  }

  /// Numbers its counted attempts as another projection of the same thing has them, which has left more of them out.
  package mutating func takeNumbers(of other: Subject) {
    guard other.droppedAttemptCount > droppedAttemptCount else { return }
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
    Set(facts.lazy.flatMap(\.event.publishes)).union(deployNames).sorted()
  }

  /// True when a fact publishes this alias.
  func publishes(_ alias: Reference) -> Bool {
    facts.contains { $0.event.publishes.contains(alias) }
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
    return newest.values.map(\.statement).sorted { $0.rule < $1.rule }
  }

  /// Who owns the thing.
  public var owner: String? { register(\.owner) }

  /// What people call it; its key where nobody said. A name that says no more than the key gives way to any other.
  public var name: String {
    guard let name = register(\.name) else { return key.description }
    let plain = key.plainName
    return name == plain ? register { $0.name == plain ? nil : $0.name } ?? name : name
  }

  public var operation: Operation? { statedOperation ?? register(\.usualOperation) }

  /// What it was said to be, apart from what such things usually are.
  package var statedOperation: Operation? { register(\.operation) }

  public var project: String? { register(\.project) }

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
