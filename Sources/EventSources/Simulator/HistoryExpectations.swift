/// What a history tells, for those who compare it with what was understood.
///
/// Things are named as GitHub names them; keys of spans follow from these.
package struct HistoryExpectations: Sendable, Hashable {
  /// How a pull request names its issue.
  package enum Tie: String, Sendable, Hashable {
    /// By a classic id in the branch: `vstrace-github-issue-shop-36-blank-page`.
    case branch
    /// By `Fixes #36` in the body.
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
    /// 1 plus how often it was reopened.
    package var attempts: Int
    package var isOpen: Bool
    /// Of the last closing: `completed`, `not_planned`; nil when it was never closed.
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
    /// The commit on main; of merged ones only.
    package var mergeSHA: String?
  }

  package struct Run: Sendable, Hashable {
    package var repositoryID: Int64
    package var id: Int64
    package var attempts: Int
    package var workflow: String
    package var headSHA: String
    /// The pull request it is for, from its list or by its merge commit.
    package var pullRequestNumber: Int?
    /// Of the last attempt; nil while it runs.
    package var conclusion: String?
  }

  package struct Deployment: Sendable, Hashable {
    package var repositoryID: Int64
    package var id: Int64
    package var sha: String
    package var environment: String
    package var runID: Int64
    package var runAttempt: Int
    /// `success` or `failure`; nil while it runs.
    package var outcome: String?
    package var isRollback: Bool
    /// Merged pull requests that came to the environment with it, the one of its own commit included; of successes only.
    package var pullRequestNumbers: [Int]
  }

  package internal(set) var repositories: [Repository] = []
  package internal(set) var issues: [Issue] = []
  package internal(set) var pullRequests: [PullRequest] = []
  package internal(set) var runs: [Run] = []
  /// How many jobs were queued or skipped, each attempt's for itself.
  package internal(set) var jobCount = 0
  package internal(set) var deployments: [Deployment] = []
  package internal(set) var releaseTags: [String] = []
  /// Deliveries by event type.
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
