package import ValueStreamCore

/// The tags of the Go ValueStream, name by name and type by type: an absent member is "", 0 or false.
package struct ClassicTags {
  package private(set) var attributes: [Attribute]

  /// - Parameter service: the tag `service`; nil for a source whose spans had none.
  package init(service: String?) {
    attributes = service.map { [Attribute("service", .string($0), vocabulary: .classic)] } ?? []
  }

  package mutating func add(_ name: String, _ value: String?) {
    attributes.append(Attribute(name, .string(value ?? ""), vocabulary: .classic))
  }

  package mutating func add(_ name: String, _ value: Int64?) {
    attributes.append(Attribute(name, .int(value ?? 0), vocabulary: .classic))
  }

  package mutating func add(_ name: String, _ value: Bool?) {
    attributes.append(Attribute(name, .bool(value ?? false), vocabulary: .classic))
  }
}
