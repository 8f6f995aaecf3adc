import ValueStreamCore

/// The words in which GitHub says how a run, a job or a check ended.
///
/// Source: GitHub Docs, REST API for check runs and workflow runs.
enum GitHubConclusion {
  /// Nil while it is not over, and for a word that GitHub did not have when this was written.
  static func outcome(_ conclusion: String?) -> Outcome? {
    switch conclusion {
    // Neutral is how a check says that it found nothing to object to.
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
  /// Says how it ended, in our words and, for what failed, in GitHub's.
  mutating func conclude(_ conclusion: String?) {
    outcome = GitHubConclusion.outcome(conclusion)
    if outcome?.isError == true { attributes.add("error.type", conclusion) }
  }
}
