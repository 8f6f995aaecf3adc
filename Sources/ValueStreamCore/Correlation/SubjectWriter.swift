/// Encodes numbers as variable-length integers, and strings as indices into a table.
struct SubjectWriter {
  private var bytes: [UInt8] = []
  private var strings = StringTable()

  init() {
    bytes.reserveCapacity(1024)
  }

  func finished(version: UInt8) -> [UInt8] {
    var result = SubjectWriter()
    result.bytes.reserveCapacity(bytes.count + strings.byteCount + 16)
    result.bytes.append(version)
    result.put(strings.all.count)
    for index in strings.all.indices {
      result.put(strings.all[index].utf8.count)
      let isAppended = strings.all[index].utf8.withContiguousStorageIfAvailable { result.bytes.append(contentsOf: $0) } != nil
      if !isAppended { result.bytes.append(contentsOf: strings.all[index].utf8) }
    }
    result.bytes.append(contentsOf: bytes)
    return result.bytes
  }

  mutating func put(_ value: Int) {
    put(Int64(value))
  }

  /// Writes a zigzag varint: seven bits in each byte, least significant first.
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

  mutating func put<Value>(optional value: Value?, _ put: (inout SubjectWriter, Value) -> Void) {
    self.put(value == nil ? 0 : 1)
    if let value { put(&self, value) }
  }

  mutating func put<Element>(_ elements: [Element], _ put: (inout SubjectWriter, Element) -> Void) {
    self.put(elements.count)
    for element in elements { put(&self, element) }
  }

  mutating func put(optional string: String?) {
    put(optional: string) { $0.put($1) }
  }

  mutating func put(_ time: Timestamp) {
    // Most times are whole seconds, and writing them as such saves four bytes.
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

  mutating func put(_ statement: FollowStatement) {
    put(Int(statement.rule.rawValue))
    put(Int(statement.reach.rawValue))
    put(statement.references) { $0.put($1) }
    put(optional: statement.attempt) { $0.put($1) }
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
      writer.put(optional: phase.seen) { $0.put($1) }
      writer.put(optional: phase.earliestStart) { $0.put($1) }
    }
    put(event.spanEvents) { writer, instant in
      writer.put(instant.name)
      writer.put(instant.time)
      writer.put(instant.attributes) { $0.put($1) }
    }
    put(event.publishes) { $0.put($1) }
    put(event.follows) { $0.put($1) }
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

// MARK: Dropped facts

extension SubjectWriter {
  mutating func put(_ dropped: DroppedFacts) {
    put(dropped.last)
    put(dropped.hashes) { $0.put(Int64(bitPattern: $1)) }
    let marks = dropped.marks.sorted { ($0.key.time, $0.key.kind.rawValue) < ($1.key.time, $1.key.kind.rawValue) }
    put(marks) { writer, entry in
      writer.put(Int(entry.key.kind.rawValue))
      writer.put(entry.key.time)
      writer.put(outcome: entry.value)
    }
    put(dropped.seen.sorted()) { $0.put($1) }
    put(dropped.whole)
    put(dropped.numbered.sorted { $0.key < $1.key }) { writer, entry in
      writer.put(entry.key)
      writer.put(entry.value)
    }
    put(optional: dropped.horizon) { $0.put($1) }
    put((dropped.hasVendorBegin ? 1 : 0) | (dropped.isCounted ? 2 : 0))
    for text in [dropped.operation?.map(\.rawValue), dropped.usualOperation?.map(\.rawValue)] + [
      dropped.name, dropped.properName, dropped.owner, dropped.project,
    ] {
      put(optional: text) { writer, statement in writer.put(statement) { $0.put($1) } }
    }
    put(dropped.follows.sorted { $0.key < $1.key }) { writer, entry in
      writer.put(entry.value) { $0.put($1) }
    }
    put(dropped.aliases.sorted { $0.key < $1.key }) { writer, entry in
      writer.put(entry.key)
      writer.put(entry.value)
    }
  }

  private mutating func put(_ rank: FactRank) {
    put(rank.time)
    put(Int64(bitPattern: rank.contentHash))
  }

  private mutating func put<Value>(
    _ statement: DroppedFacts.Statement<Value>, _ putValue: (inout SubjectWriter, Value) -> Void
  ) {
    put(statement.rank)
    put(Int(statement.stateRank))
    putValue(&self, statement.value)
  }

  private mutating func put(outcome: DroppedFacts.Statement<Outcome>?) {
    put(optional: outcome) { writer, statement in writer.put(statement) { $0.put($1.rawValue) } }
  }

  private mutating func put(_ bounds: DroppedFacts.Bounds) {
    put(optional: bounds.vendorBegin) { $0.put($1) }
    put(optional: bounds.receiptBegin) { $0.put($1) }
    put(optional: bounds.end) { $0.put($1) }
    put(outcome: bounds.outcome)
  }
}

extension DroppedFacts.Statement {
  func map<Other>(_ transform: (Value) -> Other) -> DroppedFacts.Statement<Other> {
    DroppedFacts.Statement<Other>(rank: rank, stateRank: stateRank, value: transform(value))
  }
}

/// Assigns each distinct string an index, in order of first appearance.
///
/// The facts of a subject mostly tell the same names and values in the same order. So the string that followed the previous one
/// when it was last written is tried first, and most strings are not hashed.
private struct StringTable {
  private(set) var all: [String] = []
  private(set) var byteCount = 0
  /// A hash table with open addressing. Holds index + 1, or 0 if free. At most half full.
  private var slots = [UInt32](repeating: 0, count: 256)
  /// For each string, the index + 1 of the one that was written after it last, or 0.
  private var followers: [UInt32] = []
  private var last = 0

  init() {
    all.reserveCapacity(64)
    followers.reserveCapacity(64)
  }

  mutating func index(of string: String) -> Int {
    if last < followers.count, followers[last] != 0 {
      let expected = Int(followers[last]) - 1
      if all[expected].hasSameBytes(as: string) {
        last = expected
        return expected
      }
    }
    let index = search(string)
    if last < followers.count { followers[last] = UInt32(index + 1) }
    last = index
    return index
  }

  private mutating func search(_ string: String) -> Int {
    var slot = TextHash.hash(of: string) & (slots.count - 1)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if all[index].hasSameBytes(as: string) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    all.append(string)
    followers.append(0)
    byteCount += string.utf8.count + 2
    if all.count * 2 > slots.count { grow() } else { slots[slot] = UInt32(all.count) }
    return all.count - 1
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for (index, string) in all.enumerated() {
      var slot = TextHash.hash(of: string) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(index + 1)
    }
  }
}
