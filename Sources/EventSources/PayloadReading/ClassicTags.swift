package import ValueStreamCore

/// The span tags of the Go version of ValueStream, with the same names and types.
///
/// An absent member becomes "", 0 or false, as it does in Go.
package struct ClassicTags {
  package private(set) var attributes: [Attribute]

  /// Starts a list of tags.
  ///
  /// - Parameter service: the tag `service`; nil for a source whose spans had no such tag.
  package init(service: String?) {
    attributes = []
    attributes.reserveCapacity(16)
    if let service { attributes.append(Attribute("service", .string(service), vocabulary: .classic)) }
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
