/// What an import reads of a repository.
package enum GitHubImportKind: String, CaseIterable, Sendable {
  case pullRequests = "pull-requests"
  case issues
  case pushes
  case deployments
  case releases
  case workflowRuns = "workflow-runs"

  /// The permission that a fine-grained token or an App needs.
  var permission: String {
    switch self {
    case .pullRequests: "Pull requests, Issues and Contents"
    case .issues: "Issues"
    case .pushes, .releases: "Contents"
    case .deployments: "Deployments and Actions"
    case .workflowRuns: "Actions"
    }
  }
}
