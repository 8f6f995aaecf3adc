extension Event {
  /// The parts of one event that are kept, at most. What a vendor sends is far below; a script that sends more has the rest cut off, and
  /// the attribute `valuestream.event.cut` tells of it.
  public enum Limit {
    /// One text: a name, the value of an attribute.
    public static let textBytes = 16_384
    /// Names of attributes, of phases and of span events.
    public static let nameBytes = 256
    public static let attributes = 320
    /// Beginnings and ends.
    public static let marks = 16
    public static let phases = 256
    /// Span events.
    public static let moments = 256
    /// Names that the event publishes.
    public static let aliases = 128
    /// Names that the event follows to a parent. One found in text counts as each name that it may stand for.
    public static let followed = 128
    public static let links = 512
    /// A key or a reference. The rest of a longer one is replaced by a hash, so that it stays what it is.
    public static let referenceBytes = 1024
  }

  /// All parts of an event together have this ``weight`` at most.
  public static let byteLimit = 64 << 10

  /// How much room an event takes: the bytes of its texts, and 16 for each thing it states.
  package var weight: Int {
    var sum = 64 + key.description.utf8.count
    for text in [name, owner, project] { sum += text?.utf8.count ?? 0 }
    sum += marks.count * 16
    sum += attributes.reduce(0) { $0 + $1.weight }
    sum += phases.reduce(0) { $0 + $1.weight }
    sum += moments.reduce(0) { $0 + $1.weight }
    sum += publishes.reduce(0) { $0 + $1.weight }
    for statement in follows { sum += statement.references.reduce(16) { $0 + $1.weight } }
    sum += links.reduce(0) { $0 + $1.reference.weight + $1.rule.utf8.count }
    return sum
  }

  /// With what is beyond the limits cut off: a function of the event alone. The same again where nothing is.
  package func limited() -> Event {
    var event = self
    var cut = Cut()
    event.key = cut.key(key)
    event.name = cut.text(name)
    event.owner = cut.text(owner)
    event.project = cut.text(project)
    cut.list(&event.marks, Limit.marks) { _, _ in }
    cut.attributes(&event.attributes, Limit.attributes)
    cut.list(&event.phases, Limit.phases) { cut, phase in
      cut.name(&phase.track)
      cut.name(&phase.name)
    }
    cut.list(&event.moments, Limit.moments) { cut, moment in
      cut.name(&moment.name)
      cut.attributes(&moment.attributes, Limit.attributes)
    }
    cut.list(&event.publishes, Limit.aliases) { $0.reference(&$1) }
    var room = Limit.followed
    cut.list(&event.follows, Limit.followed) { cut, statement in
      cut.list(&statement.references, Limit.followed) { $0.reference(&$1) }
      let count = statement.references.prefix { reference in
        room -= reference.candidates.count
        return room >= 0
      }.count
      cut.list(&statement.references, count) { _, _ in }
    }
    cut.list(&event.links, Limit.links) { cut, link in
      cut.reference(&link.reference)
      cut.name(&link.rule)
    }
    event.keepByteLimit(&cut)
    if cut.isDone, event.attributes.value(of: Self.cutAttribute) == nil {
      event.attributes.append(Attribute(Self.cutAttribute, .bool(true)))
    }
    return event
  }

  private static let cutAttribute = "valuestream.event.cut"

  /// Leaves out what matters least until the rest is light enough: of each list the last.
  private mutating func keepByteLimit(_ cut: inout Cut) {
    guard weight > Self.byteLimit else { return }
    cut.isDone = true
    // With room for the attribute that tells of it.
    var excess = weight - Self.byteLimit + 64
    func shorten<Element>(_ elements: inout [Element], _ weight: (Element) -> Int) {
      while excess > 0, let last = elements.popLast() { excess -= weight(last) }
    }
    shorten(&moments, \.weight)
    shorten(&phases, \.weight)
    // Short ones say what something is; long ones are descriptions.
    while excess > 0, let longest = attributes.indices.max(by: { attributes[$0].weight < attributes[$1].weight }) {
      excess -= attributes.remove(at: longest).weight
    }
    shorten(&links) { $0.reference.weight + $0.rule.utf8.count }
    shorten(&publishes, \.weight)
    for index in follows.indices.reversed() { shorten(&follows[index].references, \.weight) }
  }

  /// Cuts, and notes whether there was anything to cut.
  private struct Cut {
    var isDone = false

    mutating func list<Element>(_ elements: inout [Element], _ limit: Int, _ cutEach: (inout Cut, inout Element) -> Void) {
      if elements.count > limit {
        elements.removeSubrange(limit...)
        isDone = true
      }
      for index in elements.indices { cutEach(&self, &elements[index]) }
    }

    mutating func attributes(_ attributes: inout [Attribute], _ limit: Int) {
      if attributes.count > limit {
        attributes.removeSubrange(limit...)
        isDone = true
      }
      for (index, attribute) in attributes.enumerated() {
        // Nearly all are short.
        if attribute.weight <= Limit.nameBytes { continue }
        name(&attributes[index].name)
        switch attribute.value {
        case .string(let value): attributes[index].value = .string(text(value))
        case .strings(var values):
          var room = Limit.textBytes
          let count = values.prefix { value in
            room -= value.utf8.count + 8
            return room >= 0
          }.count
          guard count < values.count else { continue }
          values.removeSubrange(count...)
          attributes[index].value = .strings(values)
          isDone = true
        case .int, .double, .bool, .null: break
        }
      }
    }

    mutating func text(_ text: String?) -> String? { text.map { self.text($0) } }

    mutating func text(_ text: String) -> String { prefix(of: text, Limit.textBytes) }

    mutating func name(_ name: inout String) { name = prefix(of: name, Limit.nameBytes) }

    private mutating func prefix(of text: String, _ bytes: Int) -> String {
      guard text.utf8.count > bytes else { return text }
      isDone = true
      return text.prefix(bytes: bytes)
    }

    func key(_ key: SpanKey) -> SpanKey { Self.shortened(key: key.description).map { SpanKey(encoded: $0) } ?? key }

    func reference(_ reference: inout Reference) {
      let shortened = reference.kind == .key ? Self.shortened(key: reference.value) : Self.shortened(reference.value)
      if let shortened { reference.value = shortened }
    }

    /// Nil where it is short enough.
    private static func shortened(_ text: String, to bytes: Int = Limit.referenceBytes) -> String? {
      text.utf8.count > bytes ? text.prefix(bytes: bytes - 33) + "~" + Hex.text(of: SHA256.hash(of: text).bytes.prefix(16)) : nil
    }

    /// Long parts of a key are shortened, each by itself: it stays a key of five parts.
    private static func shortened(key: String) -> String? {
      guard key.utf8.count > Limit.referenceBytes else { return nil }
      let parts = key.split(separator: ":", omittingEmptySubsequences: false).map { part in
        // Of percent-encoding nothing is left that could be cut in the middle.
        shortened(String(part), to: Limit.referenceBytes / 6)?.replacing("%", with: "~") ?? String(part)
      }
      return parts.count == 5 ? parts.joined(separator: ":") : shortened(key)
    }
  }
}

extension String {
  /// As many whole scalars from its beginning as fit in so many bytes of UTF-8.
  fileprivate func prefix(bytes: Int) -> String {
    guard utf8.count > bytes else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: bytes)
    while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}

extension Attribute {
  fileprivate var weight: Int {
    switch value {
    case .string(let text): 16 + name.utf8.count + text.utf8.count
    case .strings(let texts): texts.reduce(16 + name.utf8.count) { $0 + $1.utf8.count + 8 }
    case .int, .double, .bool, .null: 16 + name.utf8.count
    }
  }
}

extension PhaseStatement {
  fileprivate var weight: Int { 32 + track.utf8.count + name.utf8.count }
}

extension SpanEvent {
  fileprivate var weight: Int { attributes.reduce(16 + name.utf8.count) { $0 + $1.weight } }
}

extension Reference {
  fileprivate var weight: Int { 16 + value.utf8.count }
}
