extension Event {
  /// A hash of everything a fact says, the same in every process: settles which of two equally old facts counts.
  var contentHash: UInt64 {
    var hasher = ContentHasher()
    hasher.add(operation?.rawValue)
    hasher.add(name)
    hasher.add(owner)
    hasher.add(project)
    hasher.add(time)
    switch attempt {
    case .single: hasher.add(0)
    case .counted: hasher.add(-1)
    case .numbered(let number): hasher.add(Int64(number))
    }
    hasher.add(Int64(state?.rawValue ?? 0))
    hasher.add(outcome?.rawValue)
    hasher.add(marks) { hasher, mark in
      hasher.add(Int64(mark.kind.rawValue))
      hasher.add(mark.time)
    }
    hasher.add(attributes) { $0.add($1) }
    hasher.add(phases) { hasher, phase in
      hasher.add(phase.track)
      hasher.add(phase.name)
      hasher.add(phase.start?.nanoseconds ?? .min)
      hasher.add(phase.end?.nanoseconds ?? .min)
      hasher.add(phase.outcome?.rawValue)
    }
    hasher.add(moments) { $0.add($1) }
    hasher.add(publishes) { $0.add($1.description) }
    hasher.add(follows) { hasher, statement in
      hasher.add(Int64(statement.rule.rawValue) << 8 | Int64(statement.reach.rawValue))
      hasher.add(statement.references) { $0.add($1.description) }
    }
    hasher.add(links) { hasher, link in
      hasher.add(link.reference.description)
      hasher.add(link.rule)
    }
    return hasher.value
  }
}

extension SpanEvent {
  var contentHash: UInt64 {
    var hasher = ContentHasher()
    hasher.add(self)
    return hasher.value
  }
}

/// A quick multiplicative hash without a seed. Not for anything an adversary gains by colliding.
private struct ContentHasher {
  private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

  var value: UInt64 { state ^ state >> 29 }

  mutating func add(_ word: Int64) {
    let (high, low) = (state ^ UInt64(bitPattern: word)).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
    state = high ^ low ^ 0xe703_7ed1_a0b4_28db
  }

  mutating func add(_ text: String?) {
    guard var text else {
      add(-1)
      return
    }
    text.withUTF8 { bytes in
      add(Int64(bytes.count))
      var index = 0
      while index < bytes.count {
        var word: UInt64 = 0
        for byte in bytes[index..<min(index + 8, bytes.count)] { word = word << 8 | UInt64(byte) }
        add(Int64(bitPattern: word))
        index += 8
      }
    }
  }

  mutating func add(_ time: EventTime) {
    add(time.isVendor ? 1 : 0)
    add(time.timestamp.nanoseconds)
  }

  mutating func add<Element>(_ elements: [Element], _ addElement: (inout ContentHasher, Element) -> Void) {
    add(Int64(elements.count))
    for element in elements { addElement(&self, element) }
  }

  mutating func add(_ attribute: Attribute) {
    add(attribute.name)
    add(Int64(attribute.vocabulary.rawValue))
    switch attribute.value {
    case .string(let value):
      add(1)
      add(value)
    case .int(let value):
      add(2)
      add(value)
    case .double(let value):
      add(3)
      add(Int64(bitPattern: value.bitPattern))
    case .bool(let value):
      add(4)
      add(value ? 1 : 0)
    case .strings(let values):
      add(5)
      add(values) { $0.add($1) }
    case .null: add(6)
    }
  }

  mutating func add(_ event: SpanEvent) {
    add(event.name)
    add(event.time.nanoseconds)
    add(event.attributes) { $0.add($1) }
  }
}
