extension Event {
  /// Upper bounds on the parts of one event.
  ///
  /// Vendors stay far below them. If a script sends more, the excess is cut off and the event gets the attribute
  /// `valuestream.event.cut`.
  public enum Limit {
    /// Bytes of one text, such as a name or the value of an attribute.
    public static let textBytes = 16_384
    /// Bytes of the name of an attribute, phase, phase track, span event or link rule.
    public static let nameBytes = 256
    public static let attributes = 320
    /// Starts and ends in ``Event/marks``.
    public static let marks = 16
    public static let phases = 256
    /// Span events.
    public static let spanEvents = 256
    /// Aliases that the event publishes.
    public static let aliases = 128
    /// References that the event follows to a parent. A reference found in text counts once for each of its candidates.
    public static let followed = 128
    public static let links = 512
    /// Bytes of a key or reference.
    ///
    /// The tail of a longer one is replaced by a hash of the whole, so that equal texts stay equal and different ones
    /// different.
    public static let referenceBytes = 1024
  }

  /// Upper bound on the ``weight`` of one event.
  public static let byteLimit = 64 << 10

  /// The approximate size in bytes: the bytes of all texts, plus a fixed amount for each part.
  package var weight: Int {
    var sum = 64 + key.description.utf8.count
    for text in [name, owner, project] { sum += text?.utf8.count ?? 0 }
    sum += marks.count * 16
    sum += attributes.reduce(0) { $0 + $1.weight }
    sum += phases.reduce(0) { $0 + $1.weight }
    sum += spanEvents.reduce(0) { $0 + $1.weight }
    sum += publishes.reduce(0) { $0 + $1.weight }
    for statement in follows { sum += statement.references.reduce(16) { $0 + $1.weight } }
    sum += links.reduce(0) { $0 + $1.reference.weight + $1.rule.utf8.count }
    return sum
  }

  /// Returns the event with everything beyond the limits cut off.
  ///
  /// The result depends on this event alone. An event within the limits is returned unchanged.
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
    cut.list(&event.spanEvents, Limit.spanEvents) { cut, spanEvent in
      cut.name(&spanEvent.name)
      cut.attributes(&spanEvent.attributes, Limit.attributes)
    }
    cut.list(&event.publishes, Limit.aliases) { $0.reference(&$1) }
    var room = Limit.followed
    cut.list(&event.follows, Limit.followed) { cut, statement in
      cut.list(&statement.references, Limit.followed) { $0.reference(&$1) }
      let count = statement.references.prefix { reference in
        room -= reference.candidateCount
        return room >= 0
      }.count
      cut.list(&statement.references, count) { _, _ in }
    }
    cut.list(&event.links, Limit.links) { cut, link in
      cut.reference(&link.reference)
      cut.name(&link.rule)
    }
    event.keepByteLimit(&cut)
    if cut.isDone, event.attributes.value(of: AttributeName.valuestreamEventCut) == nil {
      event.attributes.append(Attribute(AttributeName.valuestreamEventCut, .bool(true)))
    }
    return event
  }

  /// True if ``limited()`` cut the event.
  var isCut: Bool { attributes.value(of: AttributeName.valuestreamEventCut) != nil }

  /// Removes parts until the event is within ``byteLimit``, the least important first.
  ///
  /// Removes span events, phases, the longest attributes, links, aliases and followed references, in this order. Lists lose
  /// their last elements first.
  private mutating func keepByteLimit(_ cut: inout Cut) {
    guard weight > Self.byteLimit else { return }
    cut.isDone = true
    // Leave room for the attribute that marks the event as cut.
    var excess = weight - Self.byteLimit + 64
    func shorten<Element>(_ elements: inout [Element], _ weight: (Element) -> Int) {
      while excess > 0, let last = elements.popLast() { excess -= weight(last) }
    }
    shorten(&spanEvents, \.weight)
    shorten(&phases, \.weight)
    // Short attributes identify something; long ones are descriptions.
    while excess > 0, let longest = attributes.indices.max(by: { attributes[$0].weight < attributes[$1].weight }) {
      excess -= attributes.remove(at: longest).weight
    }
    shorten(&links) { $0.reference.weight + $0.rule.utf8.count }
    shorten(&publishes, \.weight)
    for index in follows.indices.reversed() { shorten(&follows[index].references, \.weight) }
  }

  /// Cuts parts to their limits and records whether it cut any.
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
        // Fast path: nearly all attributes are short.
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

    func key(_ key: SubjectKey) -> SubjectKey { key.limited }

    func reference(_ reference: inout Reference) {
      let value = reference.value
      let shortened = reference.kind == .key ? value.shortenedKey : value.shortened(to: Limit.referenceBytes)
      if let shortened { reference.value = shortened }
    }
  }
}

extension SubjectKey {
  /// The key, or one of ``Event/Limit/referenceBytes`` for it if it is longer. See there.
  var limited: SubjectKey { description.shortenedKey.map { SubjectKey(encoded: $0) } ?? self }
}

extension String {
  /// Nil if the text is short enough.
  fileprivate func shortened(to bytes: Int) -> String? {
    guard utf8.count > bytes else { return nil }
    return prefix(bytes: bytes - 33) + "~" + Hex.text(of: SHA256.hash(of: self).bytes.prefix(16))
  }

  /// The key with each long part shortened by itself, so that it still has five parts. Nil if the key is short enough.
  fileprivate var shortenedKey: String? {
    guard utf8.count > Event.Limit.referenceBytes else { return nil }
    let parts = split(separator: ":", omittingEmptySubsequences: false).map { part in
      // Replace `%`, because the cut may fall within a percent-encoded byte.
      String(part).shortened(to: Event.Limit.referenceBytes / 6)?.replacing("%", with: "~") ?? String(part)
    }
    return parts.count == 5 ? parts.joined(separator: ":") : shortened(to: Event.Limit.referenceBytes)
  }

  /// The longest prefix of whole Unicode scalars that fits into this many bytes of UTF-8.
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
