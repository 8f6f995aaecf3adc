/// One service in one environment: where deploys follow each other.
struct DeployLane: Sendable, Hashable {
  /// A service that has a name, or what deploys without one have in common: the repository, project or job they are of.
  var service: String
  /// Nil where nobody says.
  var environment: String?

  /// - Returns: nil for a thing of which the service is not known.
  init?(of key: SpanKey, attributes: [Attribute]) {
    if let name = attributes.text(of: Self.serviceAttribute) {
      service = "service:\(name.lowercased())"
    } else if let container = key.containerSpace {
      service = String(container)
    } else {
      return nil
    }
    environment = attributes.text(of: Self.environmentAttribute)
  }

  static let serviceAttribute = "valuestream.service"
  static let environmentAttribute = "deployment.environment.name"
}

extension SpanKey {
  /// Source, host and container, encoded, as things of one repository have them in common; nil without a container on a host that
  /// stays the same: the namespace of a script may hold anything.
  var containerSpace: Substring? {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[1].isEmpty, let first = parts[2].first, first != UInt8(ascii: "=") else { return nil }
    return description[..<parts[2].endIndex]
  }

  /// The encoded kind.
  var encodedKind: Substring {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return parts.count == 5 ? Substring(parts[3]) : ""
  }

  /// A branch of the repository that this thing is of.
  func branch(named name: String) -> SpanKey? {
    containerSpace.map { SpanKey(encoded: "\($0):branch:\(PercentEncoding.encode(name))") }
  }

  /// The name of a branch.
  var branchName: String? {
    encodedKind == "branch" ? PercentEncoding.decode(encodedID) : nil
  }
}
