enum PackedError: Error {
  case corrupt
  case newerVersion(UInt8)
}

/// Decodes what a ``SubjectWriter`` wrote, in the current or an older version of the format.
struct SubjectReader {
  private let bytes: [UInt8]
  /// The version of the encoded data.
  private let version: UInt8
  private var index: Int
  private var strings: [String] = []

  init(_ bytes: [UInt8], version: UInt8) throws(PackedError) {
    guard let written = bytes.first, written > 0 else { throw .corrupt }
    guard written <= version else { throw .newerVersion(written) }
    self.bytes = bytes
    self.version = written
    index = 1
    let count = try count()
    strings.reserveCapacity(count)
    for _ in 0..<count {
      let length = try self.count()
      strings.append(String(decoding: bytes[index..<index + length], as: UTF8.self))
      index += length
    }
  }

  mutating func int64() throws(PackedError) -> Int64 {
    // Fast path: most numbers are small.
    if index < bytes.count, bytes[index] < 0x80 {
      let byte = Int64(bytes[index])
      index += 1
      return byte >> 1 ^ -(byte & 1)
    }
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while index < bytes.count, shift < 64 {
      let byte = bytes[index]
      index += 1
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return Int64(bitPattern: result >> 1) ^ -Int64(bitPattern: result & 1) }
      shift += 7
    }
    throw .corrupt
  }

  mutating func int() throws(PackedError) -> Int {
    Int(try int64())
  }

  /// Reads an element count. Each element takes at least one byte, so the remaining bytes limit a valid count.
  private mutating func count() throws(PackedError) -> Int {
    let value = try int()
    guard value >= 0, value <= bytes.count - index else { throw .corrupt }
    return value
  }

  mutating func string() throws(PackedError) -> String {
    let position = try int()
    guard strings.indices.contains(position) else { throw .corrupt }
    return strings[position]
  }

  mutating func array<Element>(_ element: (inout SubjectReader) throws(PackedError) -> Element) throws(PackedError) -> [Element] {
    let count = try count()
    var result: [Element] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try element(&self)) }
    return result
  }

  mutating func optional<Value>(_ value: (inout SubjectReader) throws(PackedError) -> Value) throws(PackedError) -> Value? {
    try int() == 0 ? nil : try value(&self)
  }

  mutating func optionalString() throws(PackedError) -> String? {
    try optional { reader throws(PackedError) in try reader.string() }
  }

  mutating func value<Value: RawRepresentable>() throws(PackedError) -> Value where Value.RawValue == UInt8 {
    guard let raw = UInt8(exactly: try int64()), let value = Value(rawValue: raw) else { throw .corrupt }
    return value
  }

  mutating func gaugeShare() throws(PackedError) -> GaugeShare {
    // Before version 4 there was only one gauge.
    if version < 4 { return GaugeShare(.activeOperations, labels: [try string(), try string(), try string()], count: try int()) }
    return GaugeShare(
      try value(), labels: try array { reader throws(PackedError) in try reader.string() }, count: try int())
  }

  /// Before version 6 nothing was imported.
  mutating func importedEnds() throws(PackedError) -> [Timestamp] {
    version < 6 ? [] : try array { reader throws(PackedError) in try reader.timestamp() }
  }

  /// Before version 7, facts of guests were not kept apart.
  mutating func guests() throws(PackedError) -> [Subject] {
    version < 7 ? [] : try array { reader throws(PackedError) in try reader.guest() }
  }

  private mutating func guest() throws(PackedError) -> Subject {
    let key = SubjectKey(encoded: try string())
    let facts = try array { reader throws(PackedError) in try reader.fact(key: key) }
    let dropped = try droppedFacts()
    return Subject(
      key: key, facts: facts, dropped: dropped, formerlyDroppedFactCount: try int(), droppedAttemptCount: try int(),
      parent: nil, outboxAttempts: [], gaugeShares: [], classic: ClassicState())
  }

  mutating func outcome() throws(PackedError) -> Outcome? {
    try optionalString().flatMap(Outcome.init)
  }

  mutating func timestamp() throws(PackedError) -> Timestamp {
    let value = try int64()
    return value & 1 == 0 ? Timestamp(seconds: value >> 1) : Timestamp(nanoseconds: try int64())
  }

  mutating func eventTime() throws(PackedError) -> EventTime {
    let isVendor = try int() != 0
    return EventTime(try timestamp(), isVendor: isVendor)
  }

  mutating func reference() throws(PackedError) -> Reference {
    let kind = try string()
    return Reference(Reference.Kind(rawValue: kind), try string())
  }

  mutating func attributes() throws(PackedError) -> [Attribute] {
    try array { reader throws(PackedError) in
      let name = try reader.string()
      let vocabulary: AttributeVocabulary = try reader.value()
      return Attribute(name, try reader.attributeValue(), vocabulary: vocabulary)
    }
  }

  private mutating func attributeValue() throws(PackedError) -> AttributeValue {
    switch try int() {
    case 0: .string(try string())
    case 1: .int(try int64())
    case 2: .double(Double(bitPattern: UInt64(bitPattern: try int64())))
    case 3: .bool(false)
    case 4: .bool(true)
    case 5: .strings(try array { reader throws(PackedError) in try reader.string() })
    case 6: .null
    default: throw .corrupt
    }
  }

  mutating func fact(key: SubjectKey) throws(PackedError) -> Subject.Fact {
    let hash = UInt64(bitPattern: try int64())
    let operation = try optionalString().map(Operation.init(rawValue:))
    let name = try optionalString()
    let owner = try optionalString()
    let project = try optionalString()
    var event = Event(key: key, time: try eventTime(), attempt: try attemptRule())
    event.operation = operation
    event.name = name
    event.owner = owner
    event.project = project
    let state = try int()
    event.state = UInt8(exactly: state).flatMap(LifecycleState.init)
    event.outcome = try outcome()
    event.marks = try array { reader throws(PackedError) in
      let kind: LifeMark.Kind = try reader.value()
      return LifeMark(kind, try reader.eventTime())
    }
    event.attributes = try attributes()
    event.phases = try array { reader throws(PackedError) in try reader.phase() }
    event.spanEvents = try array { reader throws(PackedError) in
      SpanEvent(name: try reader.string(), time: try reader.timestamp(), attributes: try reader.attributes())
    }
    event.publishes = try array { reader throws(PackedError) in try reader.reference() }
    event.follows = try array { reader throws(PackedError) in try reader.follow() }
    event.links = try array { reader throws(PackedError) in
      LinkStatement(try reader.reference(), rule: try reader.string())
    }
    if version >= 2 { event.usualOperation = try optionalString().map(Operation.init(rawValue:)) }
    return Subject.Fact(event, contentHash: hash)
  }

  private mutating func follow() throws(PackedError) -> FollowStatement {
    let rule: CorrelationRule = try value()
    let reach: ReferenceReach = try value()
    return FollowStatement(
      rule, try array { reader throws(PackedError) in try reader.reference() }, reach: reach, attempt: try parentAttempt())
  }

  private mutating func phase() throws(PackedError) -> PhaseStatement {
    var phase = PhaseStatement(
      track: try string(), name: try string(), start: try optionalTimestamp(), end: try optionalTimestamp(),
      outcome: try outcome())
    if version >= 3 {
      phase.seen = try optionalTimestamp()
      phase.earliestStart = try optionalTimestamp()
    }
    return phase
  }

  private mutating func optionalTimestamp() throws(PackedError) -> Timestamp? {
    try optional { reader throws(PackedError) in try reader.timestamp() }
  }

  mutating func parentAttempt() throws(PackedError) -> Int? {
    version < 2 ? nil : try optional { reader throws(PackedError) in try reader.int() }
  }

  private mutating func attemptRule() throws(PackedError) -> AttemptRule {
    switch try int() {
    case 0: .single
    case 1: .counted
    case 2: .numbered(try int())
    default: throw .corrupt
    }
  }

  mutating func classicState() throws(PackedError) -> ClassicState {
    var state = ClassicState()
    state.latestTraceID = try int64()
    state.latestSpanID = try int64()
    state.open = try optional { reader throws(PackedError) in
      ClassicState.OpenSpan(
        traceID: try reader.int64(), spanID: try reader.int64(), parentID: try reader.int64(),
        eventSource: try reader.string(), type: try reader.string(), state: try reader.string(),
        start: try reader.eventTime(), received: try reader.timestamp(), tags: try reader.attributes())
    }
    return state
  }
}

// MARK: Dropped facts

extension SubjectReader {
  /// Reads the summary of dropped facts. Nil if there is none, or before version 5 of the format.
  mutating func droppedFacts() throws(PackedError) -> DroppedFacts? {
    guard version >= 5 else { return nil }
    return try optional { reader throws(PackedError) in try reader.someDroppedFacts() }
  }

  private mutating func someDroppedFacts() throws(PackedError) -> DroppedFacts {
    var dropped = DroppedFacts(last: try rank())
    dropped.hashes = try array { reader throws(PackedError) in UInt64(bitPattern: try reader.int64()) }
    for (mark, outcome) in try array({ reader throws(PackedError) in try reader.markWithOutcome() }) {
      dropped.marks[mark] = .some(outcome)
    }
    dropped.seen = Set(try array { reader throws(PackedError) in try reader.timestamp() })
    dropped.whole = try bounds()
    for (number, bounds) in try array({ reader throws(PackedError) in (try reader.int(), try reader.bounds()) }) {
      dropped.numbered[number] = bounds
    }
    dropped.horizon = try optionalTimestamp()
    let flags = try int()
    (dropped.hasVendorBegin, dropped.isCounted) = (flags & 1 != 0, flags & 2 != 0)
    dropped.operation = try optionalText()?.map(Operation.init(rawValue:))
    dropped.usualOperation = try optionalText()?.map(Operation.init(rawValue:))
    dropped.name = try optionalText()
    dropped.properName = try optionalText()
    dropped.owner = try optionalText()
    dropped.project = try optionalText()
    let follows = try array { reader throws(PackedError) in
      try reader.statement { reader throws(PackedError) in try reader.follow() }
    }
    for follow in follows { dropped.follows[follow.value.rule] = follow }
    for (alias, rank) in try array({ reader throws(PackedError) in (try reader.reference(), try reader.rank()) }) {
      dropped.aliases[alias] = rank
    }
    return dropped
  }

  private mutating func rank() throws(PackedError) -> FactRank {
    FactRank(time: try eventTime(), contentHash: UInt64(bitPattern: try int64()))
  }

  private mutating func statement<Value>(
    _ value: (inout SubjectReader) throws(PackedError) -> Value
  ) throws(PackedError) -> DroppedFacts.Statement<Value> {
    let rank = try rank()
    guard let stateRank = UInt8(exactly: try int64()) else { throw .corrupt }
    return DroppedFacts.Statement(rank: rank, stateRank: stateRank, value: try value(&self))
  }

  private mutating func optionalText() throws(PackedError) -> DroppedFacts.Statement<String>? {
    try optional { reader throws(PackedError) in
      try reader.statement { reader throws(PackedError) in try reader.string() }
    }
  }

  private mutating func optionalOutcome() throws(PackedError) -> DroppedFacts.Statement<Outcome>? {
    try optional { reader throws(PackedError) in
      try reader.statement { reader throws(PackedError) in
        guard let outcome = Outcome(rawValue: try reader.string()) else { throw .corrupt }
        return outcome
      }
    }
  }

  private mutating func markWithOutcome() throws(PackedError) -> (LifeMark, DroppedFacts.Statement<Outcome>?) {
    let kind: LifeMark.Kind = try value()
    return (LifeMark(kind, try eventTime()), try optionalOutcome())
  }

  private mutating func bounds() throws(PackedError) -> DroppedFacts.Bounds {
    DroppedFacts.Bounds(
      vendorBegin: try optionalTimestamp(), receiptBegin: try optionalTimestamp(),
      end: try optional { reader throws(PackedError) in try reader.eventTime() }, outcome: try optionalOutcome())
  }
}
