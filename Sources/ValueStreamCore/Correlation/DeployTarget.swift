/// A deploy target: one service in one environment, in which deploys follow each other.
struct DeployTarget: Sendable, Hashable {
  /// The service: its name with a prefix, or the repository, project or job of deploys that name no service.
  var service: String
  /// The environment. Nil if the events do not state it.
  var environment: String?

  /// Creates the deploy target of a subject. Nil if its service is unknown.
  init?(of key: SubjectKey, attributes: [Attribute]) {
    if let name = attributes.text(of: AttributeName.valuestreamService) {
      service = "service:\(name.lowercased())"
    } else if let container = key.containerSpace {
      service = String(container)
    } else {
      return nil
    }
    environment = attributes.text(of: AttributeName.deploymentEnvironmentName)
  }

  /// Compares byte by byte, as stores compare the names under which deploys are found.
  static func == (left: DeployTarget, right: DeployTarget) -> Bool {
    ExactText(left.service) == ExactText(right.service)
      && left.environment.map(ExactText.init) == right.environment.map(ExactText.init)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(ExactText(service))
    hasher.combine(environment.map(ExactText.init))
  }
}

extension Subject {
  /// The service that the events state. Nil if they state none.
  package var service: String? { text(AttributeName.valuestreamService) }

  /// The environment that the events state. Nil if they state none.
  package var environment: String? { text(AttributeName.deploymentEnvironmentName) }
}

extension SubjectKey {
  /// Source, host and container, encoded: what all subjects of one repository share.
  ///
  /// Nil without a container or host, or if the container is a name rather than an id. A script's namespace may hold anything.
  var containerSpace: Substring? {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[1].isEmpty, let first = parts[2].first, first != UInt8(ascii: "=") else { return nil }
    return description[..<parts[2].endIndex]
  }

  /// The kind, encoded.
  var encodedKind: Substring {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return parts.count == 5 ? Substring(parts[3]) : ""
  }

  /// Returns the key of a branch in this subject's repository.
  func branch(named name: String) -> SubjectKey? {
    containerSpace.map { SubjectKey(encoded: "\($0):branch:\(PercentEncoding.encode(name))") }
  }

  /// The name of the branch if this is the key of a branch.
  var branchName: String? {
    encodedKind == "branch" ? PercentEncoding.decode(encodedID) : nil
  }
}
