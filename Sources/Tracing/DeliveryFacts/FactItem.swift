package import ValueStreamCore

/// A unit of the computation of facts, small enough to be passed over if it fails for good.
package enum FactItem: Sendable, Hashable, CustomStringConvertible {
  /// A subject that changed, or whose facts are to be computed again.
  case subject(SubjectKey)
  /// A subject that turned out to be another one.
  case absorbed(FactID)
  /// The new updates of a branch.
  case branch(SubjectKey)
  /// The search for the deploys of a service, or of a service to an environment, that are to be computed again.
  case deploys(DeployScope)
  /// The search for incidents that are to be computed again.
  case incidents

  /// Names the item in logs and in the store.
  package var description: String {
    switch self {
    case .subject(let key): "subject \(key)"
    case .absorbed(let id): "absorbed \(id.rawValue)"
    case .branch(let key): "branch \(key)"
    case .deploys(let scope): "deploys \(scope)"
    case .incidents: "incidents"
    }
  }

  /// Reads a ``description``. Nil for items that are never kept.
  init?(_ description: Substring) {
    let parts = description.split(separator: " ", maxSplits: 1)
    switch (parts.first, parts.dropFirst().first) {
    case ("subject", let key?):
      guard let key = SubjectKey(String(key)) else { return nil }
      self = .subject(key)
    case ("branch", let key?):
      guard let key = SubjectKey(String(key)) else { return nil }
      self = .branch(key)
    case ("deploys", let scope?):
      guard let scope = DeployScope(scope) else { return nil }
      self = .deploys(scope)
    case ("incidents", nil): self = .incidents
    default: return nil
    }
  }

  /// A hash that is the same in every process, for the poison guard. Never 0.
  package var number: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return max(1, hash)
  }
}

/// A service, or a service in an environment, whose deploys follow each other.
package struct DeployScope: Sendable, Hashable, CustomStringConvertible {
  let service: ExactText
  /// Nil for all environments.
  let target: ExactText?

  init(service: String, target: String? = nil) {
    self.service = ExactText(service)
    self.target = target.map(ExactText.init)
  }

  /// Reads a ``description``.
  init?(_ description: Substring) {
    let parts = description.split(separator: " ").map { PercentEncoding.decode($0) }
    guard parts.count == 1 || parts.count == 2, let service = parts[0] else { return nil }
    guard parts.count == 2 else {
      self.init(service: service)
      return
    }
    guard let target = parts[1] else { return nil }
    self.init(service: service, target: target)
  }

  /// The name by which the deploys are found.
  var name: String { (target ?? service).text }

  /// The names, encoded.
  package var description: String {
    ([service] + (target.map { [$0] } ?? [])).map { PercentEncoding.encode($0.text) }.joined(separator: " ")
  }
}
