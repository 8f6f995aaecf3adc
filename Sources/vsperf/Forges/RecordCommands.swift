extension Command {
  /// The commands that write a vendor's records as CSV, in the order of help texts.
  static let records: [Command] = [
    .gitHubPullRequests, .gitHubIssues, .gitHubWorkflowRuns, .gitHubDeployments, .gitLabMergeRequests, .jiraIssues,
    .jenkinsBuilds,
  ]
}
