import ValueStreamCore

/// Maps the conclusions of workflow runs, jobs and checks to outcomes.
///
/// Source: GitHub Docs, REST API for check runs and workflow runs.
enum GitHubConclusion {
  /// Returns nil while the run is not over, and for a conclusion that is not known here.
  static func outcome(_ conclusion: String?) -> Outcome? {
    switch conclusion {
    // `neutral` means that the check ran and has no objection.
    case "success", "neutral": .success
    case "failure": .failure
    case "cancelled": .cancellation
    case "timed_out": .timeout
    case "startup_failure": .error
    case "skipped": .skip
    case "action_required": .actionRequired
    case "stale": .stale
    default: nil
    }
  }
}

extension Event {
  /// Sets the outcome. For a run that failed, also adds GitHub's conclusion as `error.type`.
  mutating func conclude(_ conclusion: String?) {
    outcome = GitHubConclusion.outcome(conclusion)
    if outcome?.isError == true { attributes.add(AttributeName.errorType, conclusion) }
  }
}
