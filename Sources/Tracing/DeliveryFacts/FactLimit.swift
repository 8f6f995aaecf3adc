/// A bound on what the computation of facts remembers. Beyond it, late deliveries reach fewer facts.
package enum FactLimit: String, Sendable, Hashable, CaseIterable {
  /// The repositories and services with deploys.
  case repositories
  /// The services with deploys of one repository.
  case services
  /// The branches of one repository into which changes were merged.
  case branches
  /// The changes that are not known yet and that others revert.
  case originals
  /// The changes that revert one change that is not known yet.
  case reverts

  package var value: Int {
    switch self {
    case .repositories: 100_000
    case .services, .branches: 500
    case .originals: 1000
    case .reverts: 100
    }
  }
}
