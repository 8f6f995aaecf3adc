import ValueStreamCore

/// The statuses of pipelines, jobs and deployments.
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

  /// - Parameter reason: why it failed: what the runner is to blame for is an error, no failure.
  static func outcome(_ status: String, reason: String? = nil) -> Outcome? {
    switch status {
    case "success": .success
    case "failed":
      switch reason {
      case "runner_system_failure": .error
      case "deployment_rejected": .cancellation
      default: .failure
      }
    // Rejected: somebody who had to approve the deployment did not.
    case "canceled", "rejected": .cancellation
    case "skipped": .skip
    default: nil
    }
  }
}
