/// The name of a container of an import: what is read of a project or the like, such as `acme/site merge-requests`.
package struct ImportContainer<Kind>: Sendable
where Kind: RawRepresentable & CaseIterable & Sendable, Kind.RawValue == String {
  /// The project, which may have spaces in its name.
  package let place: String
  package let kind: Kind

  /// Reads a name.
  ///
  /// - Throws: if no container of this kind has the name, as after a change of the program.
  package init(_ name: String) throws(APIError) {
    guard let space = name.lastIndex(of: " "), let kind = Kind(rawValue: String(name[space...].dropFirst())) else {
      throw APIError(.refused, "\(name) is nothing that this import reads")
    }
    place = String(name[..<space])
    self.kind = kind
  }

  /// Returns the names of the containers, by kind: all places have what is in most reports before the bulk of the first one is read.
  package static func names(_ kinds: [Kind], of places: [String]) -> [String] {
    kinds.flatMap { kind in places.map { "\($0) \(kind.rawValue)" } }
  }
}
