/// The types of GitHub's events that the source reads. It ignores all others.
///
/// This is the only list: the mapping switches over it, and webhooks are set up and checked by it.
enum GitHubReadEvent: String, CaseIterable {
  case issues
  case issueComment = "issue_comment"
  case subIssues = "sub_issues"
  case pullRequest = "pull_request"
  case pullRequestReview = "pull_request_review"
  case pullRequestReviewComment = "pull_request_review_comment"
  case mergeGroup = "merge_group"
  case push
  case create
  case delete
  case repository
  case workflowRun = "workflow_run"
  case workflowJob = "workflow_job"
  case checkRun = "check_run"
  case checkSuite = "check_suite"
  case status
  case deployment
  case deploymentStatus = "deployment_status"
  case release
}

extension GitHubSource {
  /// The types of events that a webhook for this source must send, in GitHub's words.
  package static let hookEvents = GitHubReadEvent.allCases.map(\.rawValue).sorted()
}
