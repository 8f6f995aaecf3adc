extension Subject {
  /// The packed form in which stores keep a subject: a version, a table of strings, then numbers that refer to it.
  ///
  /// Every string stands once, however many facts repeat it. The form is this program's own; a store that holds it
  /// records ``encodingVersion`` in its schema version.
  public func encoded() -> [UInt8] {
    var body = PackedWriter()
    body.put(facts.count)
    for fact in facts { body.put(fact) }
    body.put(droppedFactCount)
    body.put(droppedAttemptCount)
    body.put(optional: parent) { writer, tie in
      writer.put(tie.parent.description)
      writer.put(Int(tie.rule.rawValue))
      writer.put(tie.reference)
      writer.put(optional: tie.attempt) { $0.put($1) }
    }
    body.put(announcedAttempts) { $0.put($1) }
    body.put(active) { writer, active in
      writer.put(active.operation)
      writer.put(active.source)
      writer.put(active.project)
      writer.put(active.count)
    }
    body.put(classic)
    return body.finished(version: Self.encodingVersion)
  }

  /// Reads the packed form.
  ///
  /// - Throws: ``StoreError`` with code `corrupt`, or `newerVersion` when a newer program wrote it.
  public init(key: SpanKey, encoded bytes: [UInt8]) throws {
    do throws(PackedError) {
      var reader = try PackedReader(bytes, version: Self.encodingVersion)
      self.init(
        key: key,
        facts: try reader.array { reader throws(PackedError) in try reader.fact(key: key) },
        droppedFactCount: try reader.int(),
        droppedAttemptCount: try reader.int(),
        parent: try reader.optional { reader throws(PackedError) in
          ParentTie(
            parent: SpanKey(encoded: try reader.string()), rule: try reader.value(), reference: try reader.reference(),
            attempt: try reader.parentAttempt())
        },
        announcedAttempts: try reader.array { reader throws(PackedError) in try reader.int() },
        active: try reader.array { reader throws(PackedError) in
          ActiveSpans(
            operation: try reader.string(), source: try reader.string(), project: try reader.string(), count: try reader.int())
        },
        classic: try reader.classicState())
    } catch .newerVersion(let version) {
      throw StoreError(.newerVersion, "\(key): written in form \(version); this program reads up to \(Self.encodingVersion)")
    } catch .corrupt {
      throw StoreError(.corrupt, "\(key): the stored facts cannot be read")
    }
  }

  /// Grows when the packed form changes. 2: the attempt of a parent that is meant, usual operations.
  static let encodingVersion: UInt8 = 2
}

// MARK: Writing

/// Numbers as variable-length integers, strings as numbers into a table.
private struct PackedWriter {
  private var bytes: [UInt8] = []
  private var strings = StringTable()

  init() {
    bytes.reserveCapacity(1024)
  }

  func finished(version: UInt8) -> [UInt8] {
    var result = PackedWriter()
    result.bytes.reserveCapacity(bytes.count + strings.byteCount + 16)
    result.bytes.append(version)
    result.put(strings.all.count)
    for string in strings.all {
      result.put(string.utf8.count)
      result.bytes.append(contentsOf: string.utf8)
    }
    result.bytes.append(contentsOf: bytes)
    return result.bytes
  }

  mutating func put(_ value: Int) {
    put(Int64(value))
  }

  /// Zigzag, seven bits a byte, least significant first.
  mutating func put(_ value: Int64) {
    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func put(_ string: String) {
    put(strings.index(of: string))
  }

  mutating func put<Value>(optional value: Value?, _ put: (inout PackedWriter, Value) -> Void) {
    self.put(value == nil ? 0 : 1)
    if let value { put(&self, value) }
  }

  mutating func put<Element>(_ elements: [Element], _ put: (inout PackedWriter, Element) -> Void) {
    self.put(elements.count)
    for element in elements { put(&self, element) }
  }

  mutating func put(optional string: String?) {
    put(optional: string) { $0.put($1) }
  }

  mutating func put(_ time: Timestamp) {
    // Most times are whole seconds: a factor of 1e9 costs four bytes.
    if time.nanoseconds % 1_000_000_000 == 0 {
      put((time.nanoseconds / 1_000_000_000) << 1)
    } else {
      put(1)
      put(time.nanoseconds)
    }
  }

  mutating func put(_ time: EventTime) {
    put(time.isVendor ? 1 : 0)
    put(time.timestamp)
  }

  mutating func put(_ reference: Reference) {
    put(reference.kind.rawValue)
    put(reference.value)
  }

  mutating func put(_ attribute: Attribute) {
    put(attribute.name)
    put(Int(attribute.vocabulary.rawValue))
    switch attribute.value {
    case .string(let value):
      put(0)
      put(value)
    case .int(let value):
      put(1)
      put(value)
    case .double(let value):
      put(2)
      put(Int64(bitPattern: value.bitPattern))
    case .bool(let value): put(value ? 4 : 3)
    case .strings(let values):
      put(5)
      put(values) { $0.put($1) }
    case .null: put(6)
    }
  }

  mutating func put(_ fact: Subject.Fact) {
    let event = fact.event
    put(Int64(bitPattern: fact.contentHash))
    put(optional: event.operation?.rawValue)
    put(optional: event.name)
    put(optional: event.owner)
    put(optional: event.project)
    put(event.time)
    switch event.attempt {
    case .single: put(0)
    case .counted: put(1)
    case .numbered(let number):
      put(2)
      put(number)
    }
    put(Int(event.state?.rawValue ?? 0))
    put(optional: event.outcome?.rawValue)
    put(event.marks) { writer, mark in
      writer.put(Int(mark.kind.rawValue))
      writer.put(mark.time)
    }
    put(event.attributes) { $0.put($1) }
    put(event.phases) { writer, phase in
      writer.put(phase.track)
      writer.put(phase.name)
      writer.put(optional: phase.start) { $0.put($1) }
      writer.put(optional: phase.end) { $0.put($1) }
      writer.put(optional: phase.outcome?.rawValue)
    }
    put(event.moments) { writer, moment in
      writer.put(moment.name)
      writer.put(moment.time)
      writer.put(moment.attributes) { $0.put($1) }
    }
    put(event.publishes) { $0.put($1) }
    put(event.follows) { writer, statement in
      writer.put(Int(statement.rule.rawValue))
      writer.put(Int(statement.reach.rawValue))
      writer.put(statement.references) { $0.put($1) }
      writer.put(optional: statement.attempt) { $0.put($1) }
    }
    put(event.links) { writer, link in
      writer.put(link.reference)
      writer.put(link.rule)
    }
    put(optional: event.usualOperation?.rawValue)
  }

  mutating func put(_ classic: ClassicState) {
    put(classic.latestTraceID)
    put(classic.latestSpanID)
    put(optional: classic.open) { writer, span in
      writer.put(span.traceID)
      writer.put(span.spanID)
      writer.put(span.parentID)
      writer.put(span.eventSource)
      writer.put(span.type)
      writer.put(span.state)
      writer.put(span.start)
      writer.put(span.received)
      writer.put(span.tags) { $0.put($1) }
    }
  }
}

/// Gives each different string a number, in order of first appearance.
///
/// A dictionary would spend most of the time of encoding on its hash, which defends against chosen keys; nothing is lost
/// here when keys collide but a comparison.
private struct StringTable {
  private(set) var all: [String] = []
  private(set) var byteCount = 0
  /// Open addressing: number + 1, and 0 where free. At most half full.
  private var slots = [UInt32](repeating: 0, count: 256)

  mutating func index(of string: String) -> Int {
    var hasher = ContentHasher()
    hasher.add(string)
    var slot = Int(truncatingIfNeeded: hasher.value) & (slots.count - 1)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if Self.haveSameBytes(all[index], string) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    all.append(string)
    byteCount += string.utf8.count + 2
    if all.count * 2 > slots.count { grow() } else { slots[slot] = UInt32(all.count) }
    return all.count - 1
  }

  /// Stricter than `==`, which takes different spellings of an accent for the same text.
  private static func haveSameBytes(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    let result = left.utf8.withContiguousStorageIfAvailable { left in
      right.utf8.withContiguousStorageIfAvailable { left.elementsEqual($0) }
    }
    return (result ?? nil) ?? left.utf8.elementsEqual(right.utf8)
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for (index, string) in all.enumerated() {
      var hasher = ContentHasher()
      hasher.add(string)
      var slot = Int(truncatingIfNeeded: hasher.value) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(index + 1)
    }
  }
}

// MARK: Reading

private enum PackedError: Error {
  case corrupt
  case newerVersion(UInt8)
}

private struct PackedReader {
  private let bytes: [UInt8]
  /// Of the form that was written.
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

  /// A count of things that take at least a byte each, so never more than the bytes that are left.
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

  mutating func array<Element>(_ element: (inout PackedReader) throws(PackedError) -> Element) throws(PackedError) -> [Element] {
    let count = try count()
    var result: [Element] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try element(&self)) }
    return result
  }

  mutating func optional<Value>(_ value: (inout PackedReader) throws(PackedError) -> Value) throws(PackedError) -> Value? {
    try int() == 0 ? nil : try value(&self)
  }

  mutating func optionalString() throws(PackedError) -> String? {
    try optional { reader throws(PackedError) in try reader.string() }
  }

  mutating func value<Value: RawRepresentable>() throws(PackedError) -> Value where Value.RawValue == UInt8 {
    guard let raw = UInt8(exactly: try int64()), let value = Value(rawValue: raw) else { throw .corrupt }
    return value
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

  mutating func fact(key: SpanKey) throws(PackedError) -> Subject.Fact {
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
    event.phases = try array { reader throws(PackedError) in
      PhaseStatement(
        track: try reader.string(), name: try reader.string(),
        start: try reader.optional { reader throws(PackedError) in try reader.timestamp() },
        end: try reader.optional { reader throws(PackedError) in try reader.timestamp() }, outcome: try reader.outcome())
    }
    event.moments = try array { reader throws(PackedError) in
      SpanEvent(name: try reader.string(), time: try reader.timestamp(), attributes: try reader.attributes())
    }
    event.publishes = try array { reader throws(PackedError) in try reader.reference() }
    event.follows = try array { reader throws(PackedError) in
      let rule: CorrelationRule = try reader.value()
      let reach: ReferenceReach = try reader.value()
      return FollowStatement(
        rule, try reader.array { reader throws(PackedError) in try reader.reference() }, reach: reach,
        attempt: try reader.parentAttempt())
    }
    event.links = try array { reader throws(PackedError) in
      LinkStatement(try reader.reference(), rule: try reader.string())
    }
    if version >= 2 { event.usualOperation = try optionalString().map(Operation.init(rawValue:)) }
    return Subject.Fact(event, contentHash: hash)
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
