package import PayloadReading
package import ValueStreamCore

/// A value of a member that a delivery sets.
package enum JSONMember: Sendable, Hashable {
  case text(String?)
  case number(Int64)
  case decimal(Double)
  case flag(Bool)
  case texts([String])
  case list([JSONMember])
  case object([JSONPair])

  package static func time(_ time: Timestamp?) -> JSONMember { .text(time?.rfc3339) }
}

/// A member that a delivery sets.
package struct JSONPair: Sendable, Hashable {
  package var name: String
  package var value: JSONMember

  package init(_ name: String, _ value: JSONMember) {
    self.name = name
    self.value = value
  }
}

extension JSONWriter {
  package mutating func value(_ value: JSONMember) {
    switch value {
    case .text(let text): self.value(text)
    case .number(let number): self.value(number)
    case .decimal(let number): self.value(number)
    case .flag(let flag): self.value(flag)
    case .texts(let texts): array(texts) { $0.value($1) }
    case .list(let elements): array(elements) { $0.value($1) }
    case .object(let members): object { $0.members(members) }
    }
  }

  package mutating func members(_ members: [JSONPair]) {
    for member in members {
      name(member.name)
      value(member.value)
    }
  }

  /// Writes an object of an answer as a member, some of whose own members have other values.
  ///
  /// - Parameter isOmitted: true for the names of members to leave out, at any depth.
  package mutating func member(
    _ name: String, _ object: PayloadObject, setting changes: [JSONPair], omitting isOmitted: (String) -> Bool
  ) {
    let changed = Set(changes.map(\.name))
    self.name(name)
    self.object { json in
      for (name, value) in object.value.members where !changed.contains(name) && !isOmitted(name) {
        json.name(name)
        json.value(value, omitting: isOmitted)
      }
      json.members(changes)
    }
  }
}
