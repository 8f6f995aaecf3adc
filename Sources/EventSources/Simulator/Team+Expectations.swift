extension HistoryExpectations {
  /// Adds the recorded items in their current state.
  mutating func add(_ items: Team.Items) {
    issues += items.issues.map { issue in
      Issue(
        repositoryID: issue.repository.id, number: issue.number, parentNumber: issue.parent?.number,
        attempts: issue.reopenings + 1,
        isOpen: issue.isOpen, stateReason: issue.isOpen ? nil : issue.stateReason,
        isIncident: issue.labels.contains { $0.name == "incident" })
    }
    pullRequests += items.changes.map { change in
      PullRequest(
        repositoryID: change.repository.id, number: change.number, issueNumber: change.issue?.number, tie: change.tie,
        isOpen: change.isOpen, isMerged: change.mergedBy != nil, mergeSHA: change.mergedBy == nil ? nil : change.mergeSHA)
    }
    let merged = Dictionary(items.changes.filter { $0.mergedBy != nil }.map { ($0.mergeSHA, $0.number) }) { first, _ in first }
    runs += items.runs.map { run in
      Run(
        repositoryID: run.repository.id, id: run.id, attempts: run.attempt, workflow: run.workflow.name, headSHA: run.head.sha,
        pullRequestNumber: run.changes.first?.number ?? merged[run.head.sha], conclusion: run.conclusion?.rawValue)
    }
    deployments += items.deployments
    releaseTags += items.releaseTags
  }
}
