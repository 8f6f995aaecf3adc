/// The facts that a generated history contains, to compare with what vsd made of it.
///
/// Items have GitHub's ids and numbers, from which their keys follow.
package struct HistoryExpectations: Sendable, Hashable {
  /// How a pull request refers to its issue.
  package enum Tie: String, Sendable, Hashable {
    /// By a classic id in the name of the branch, such as `vstrace-github-issue-shop-36-blank-page`.
    case branch
    /// By closing words in the body, such as `Fixes #36`.
    case closingWords
    case none
  }

  package struct Repository: Sendable, Hashable {
    package var id: Int64
    package var fullName: String
  }

  package struct Issue: Sendable, Hashable {
    package var repositoryID: Int64
    package var number: Int
    package var parentNumber: Int?
    /// The number of attempts: 1 plus the number of reopenings.
    package var attempts: Int
    package var isOpen: Bool
    /// The reason of closing, `completed` or `not_planned`; nil if the issue is open.
    package var stateReason: String?
    package var isIncident: Bool
  }

  package struct PullRequest: Sendable, Hashable {
    package var repositoryID: Int64
    package var number: Int
    package var issueNumber: Int?
    package var tie: Tie
    package var isOpen: Bool
    package var isMerged: Bool
    /// The commit on main; nil if the pull request is not merged.
    package var mergeSHA: String?
  }

  package struct Run: Sendable, Hashable {
    package var repositoryID: Int64
    package var id: Int64
    package var attempts: Int
    package var workflow: String
    package var headSHA: String
    /// The pull request of the run, from its list of pull requests or by its merge commit; nil if there is none.
    package var pullRequestNumber: Int?
    /// The conclusion of the last attempt; nil if it is still running.
    package var conclusion: String?
  }

  package struct Deployment: Sendable, Hashable {
    package var repositoryID: Int64
    package var id: Int64
    package var sha: String
    package var environment: String
    package var runID: Int64
    package var runAttempt: Int
    /// The outcome, `success` or `failure`; nil if it is still running.
    package var outcome: String?
    package var isRollback: Bool
    /// The merged pull requests that first reach the environment with this deployment, including that of its own
    /// commit. Empty unless successful.
    package var pullRequestNumbers: [Int]
  }

  package internal(set) var repositories: [Repository] = []
  package internal(set) var issues: [Issue] = []
  package internal(set) var pullRequests: [PullRequest] = []
  package internal(set) var runs: [Run] = []
  /// The number of jobs queued or skipped, counted in each attempt.
  package internal(set) var jobCount = 0
  package internal(set) var deployments: [Deployment] = []
  package internal(set) var releaseTags: [String] = []
  /// The number of deliveries by event type.
  package internal(set) var deliveries: [String: Int] = [:]

  package var deliveryCount: Int { deliveries.values.reduce(0, +) }

  init() {}

  mutating func add(_ other: HistoryExpectations) {
    repositories += other.repositories
    issues += other.issues
    pullRequests += other.pullRequests
    runs += other.runs
    jobCount += other.jobCount
    deployments += other.deployments
    releaseTags += other.releaseTags
    deliveries.merge(other.deliveries, uniquingKeysWith: +)
  }
}
