extension Event {
  /// A hash of the complete content, the same in every process. Decides between two facts with equal times.
  var contentHash: UInt64 {
    var hasher = ContentHasher()
    hasher.add(operation?.rawValue)
    hasher.add(name)
    hasher.add(owner)
    hasher.add(project)
    hasher.add(time)
    switch attempt {
    case .single: hasher.add(0 as Int64)
    case .counted: hasher.add(-1 as Int64)
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
      // Hashed only if present, so that events stored by versions without these fields keep their hash.
      if phase.seen != nil || phase.earliestStart != nil {
        hasher.add(phase.seen?.nanoseconds ?? .min)
        hasher.add(phase.earliestStart?.nanoseconds ?? .min)
      }
    }
    hasher.add(spanEvents) { $0.add($1) }
    hasher.add(publishes) { $0.add($1) }
    hasher.add(follows) { hasher, statement in
      hasher.add(Int64(statement.rule.rawValue) << 8 | Int64(statement.reach.rawValue))
      hasher.add(statement.references) { $0.add($1) }
      // Hashed only if present, so that events stored by versions without this field keep their hash.
      if let attempt = statement.attempt { hasher.add(Int64(attempt)) }
    }
    if let usualOperation { hasher.add(usualOperation.rawValue) }
    hasher.add(links) { hasher, link in
      hasher.add(link.reference)
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

extension ContentHasher {
  fileprivate mutating func add(_ reference: Reference) {
    self = reference.withDescriptionBytes { bytes in
      var hasher = self
      hasher.add(bytes)
      return hasher
    }
  }

  fileprivate mutating func add(_ time: EventTime) {
    add((time.isVendor ? 1 : 0) as Int64)
    add(time.timestamp.nanoseconds)
  }

  fileprivate mutating func add(_ attribute: Attribute) {
    add(attribute.name)
    add(Int64(attribute.vocabulary.rawValue))
    switch attribute.value {
    case .string(let value):
      add(1 as Int64)
      add(value)
    case .int(let value):
      add(2 as Int64)
      add(value)
    case .double(let value):
      add(3 as Int64)
      add(Int64(bitPattern: value.bitPattern))
    case .bool(let value):
      add(4 as Int64)
      add((value ? 1 : 0) as Int64)
    case .strings(let values):
      add(5 as Int64)
      add(values) { $0.add($1) }
    case .null: add(6 as Int64)
    }
  }

  fileprivate mutating func add(_ event: SpanEvent) {
    add(event.name)
    add(event.time.nanoseconds)
    add(event.attributes) { $0.add($1) }
  }
}
