import ValueStreamCore

/// Maps the statuses of pipelines, jobs and deployments to states and outcomes.
///
/// Source: GitLab Docs, "Pipelines API", "Jobs API" and "Deployment approvals".
enum GitLabStatus {
  static func state(_ status: String) -> LifecycleState {
    switch status {
    case "success", "failed", "canceled", "skipped", "rejected": .ended
    case "running", "canceling": .running
    case "created": .created
    default: .pending
    }
  }

  /// Returns the outcome of a status. Nil if the status is not an end.
  ///
  /// - Parameter reason: GitLab's failure reason. A failure of the runner is an error, and a rejected deployment is a
  ///   cancellation.
  static func outcome(_ status: String, reason: String? = nil) -> Outcome? {
    switch status {
    case "success": .success
    case "failed":
      switch reason {
      case "runner_system_failure": .error
      case "deployment_rejected": .cancellation
      default: .failure
      }
    // `rejected` means that an approver rejected the deployment.
    case "canceled", "rejected": .cancellation
    case "skipped": .skip
    default: nil
    }
  }
}
