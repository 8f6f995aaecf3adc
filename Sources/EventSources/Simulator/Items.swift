import ValueStreamCore

/// An issue in its current state.
final class Issue {
  let id: Int64
  let number: Int
  let repository: Repository
  let title: String
  let body: String
  let kind: Kind
  let author: Person
  let createdAt: Timestamp
  var updatedAt: Timestamp
  var closedAt: Timestamp?
  /// The reason of the last change of state: `completed`, `not_planned` or `reopened`; nil if the issue was never
  /// closed.
  var stateReason: String?
  var labels: [Label] = []
  var assignee: Person?
  var comments = 0
  var parent: Issue?
  var subIssues = (total: 0, completed: 0)
  /// The number of times the issue was reopened.
  var reopenings = 0

  enum Kind: String {
    case bug = "Bug"
    case feature = "Feature"
    case task = "Task"
  }

  init(
    id: Int64, number: Int, repository: Repository, title: String, body: String, kind: Kind, author: Person, createdAt: Timestamp
  ) {
    self.id = id
    self.number = number
    self.repository = repository
    self.title = title
    self.body = body
    self.kind = kind
    self.author = author
    self.createdAt = createdAt
    updatedAt = createdAt
  }

  var isOpen: Bool { closedAt == nil }
  var web: String { "\(repository.web)/issues/\(number)" }
  var api: String { "\(repository.api)/issues/\(number)" }
}

/// A pull request in its current state.
final class PullRequest {
  let id: Int64
  let number: Int
  let repository: Repository
  let author: Account
  /// The responsible person: the author, or the person in charge of a bot's pull request.
  let owner: Person
  let title: String
  let body: String
  let branch: String
  let issue: Issue?
  let tie: HistoryExpectations.Tie
  let createdAt: Timestamp
  /// The head of main when the branch was created.
  let baseSHA: String
  var updatedAt: Timestamp
  var closedAt: Timestamp?
  var mergedBy: Account?
  /// The commit on main; the commit of GitHub's test merge while the pull request is open.
  var mergeSHA: String
  var isDraft: Bool
  var labels: [Label] = []
  var assignee: Person?
  var requested: [Person] = []
  /// The commits on the branch since it left main.
  var commits: [Commit]
  var lines = (added: 0, deleted: 0)
  var comments = 0
  var reviewComments = 0

  // State of the simulation that payloads do not show.
  var isUrgent = false
  /// True if the head is broken, so that reruns fail too.
  var isBroken = false
  var isApproved = false
  var checks = Checks.running
  /// True if somebody is about to merge the pull request.
  var isBeingMerged = false
  var isQueued = false
  /// The account that added the pull request to the merge queue.
  var enqueuer: Account?
  /// The group that the merge queue is checking; nil if there is none.
  var group: MergeGroup?
  /// The id of the newest run for this pull request; nil if there is none yet.
  var run: Int64?

  enum Checks {
    case running, green, red
  }

  init(
    id: Int64, number: Int, repository: Repository, author: Account, owner: Person, title: String, body: String, branch: String,
    issue: Issue?, tie: HistoryExpectations.Tie, createdAt: Timestamp, baseSHA: String, mergeSHA: String, isDraft: Bool,
    commits: [Commit]
  ) {
    self.id = id
    self.number = number
    self.repository = repository
    self.author = author
    self.owner = owner
    self.title = title
    self.body = body
    self.branch = branch
    self.issue = issue
    self.tie = tie
    self.createdAt = createdAt
    self.baseSHA = baseSHA
    updatedAt = createdAt
    self.mergeSHA = mergeSHA
    self.isDraft = isDraft
    self.commits = commits
  }

  var isOpen: Bool { closedAt == nil }
  var headSHA: String { commits.last?.sha ?? baseSHA }
  var web: String { "\(repository.web)/pull/\(number)" }
  var api: String { "\(repository.api)/pulls/\(number)" }
  /// The address of the pull request as an issue in the API.
  var issueAPI: String { "\(repository.api)/issues/\(number)" }
}

/// The group of commits that the merge queue checks before main moves to it.
struct MergeGroup {
  var head: Commit
  /// The name of the branch without `refs/heads/`.
  var branch: String
  var baseSHA: String
}

/// An incident that affects customers, and the state of its repair.
final class Incident {
  let issue: Issue
  /// The position on main of the change that fixes the incident; nil until it is merged.
  var fixOrdinal: Int?
  /// True if the deploy of the fix to production was requested.
  var isFixRequested = false

  init(issue: Issue) {
    self.issue = issue
  }
}
