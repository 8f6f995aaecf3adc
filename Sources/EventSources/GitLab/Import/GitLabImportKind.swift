/// What an import reads of a project.
package enum GitLabImportKind: String, CaseIterable, Sendable {
  case mergeRequests = "merge-requests"
  case issues
  case pushes
  case deployments
  case releases
  case pipelines
}
