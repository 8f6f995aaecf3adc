import ValueStreamCore

/// An issue as it stands.
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
  /// `completed`, `not_planned`, `reopened`; nil while it was never closed.
  var stateReason: String?
  var labels: [Label] = []
  var assignee: Person?
  var comments = 0
  var parent: Issue?
  var subIssues = (total: 0, completed: 0)
  /// How often it was reopened.
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

/// A pull request as it stands.
final class PullRequest {
  let id: Int64
  let number: Int
  let repository: Repository
  let author: Account
  /// Who looks after it: its author, or whoever looks after a bot's.
  let owner: Person
  let title: String
  let body: String
  let branch: String
  let issue: Issue?
  let tie: HistoryExpectations.Tie
  let createdAt: Timestamp
  /// The head of main when the branch began.
  let baseSHA: String
  var updatedAt: Timestamp
  var closedAt: Timestamp?
  var mergedBy: Account?
  /// Of a test merge while it is open.
  var mergeSHA: String
  var isDraft: Bool
  var labels: [Label] = []
  var assignee: Person?
  var requested: [Person] = []
  /// Those on its branch since it left main.
  var commits: [Commit]
  var lines = (added: 0, deleted: 0)
  var comments = 0
  var reviewComments = 0

  // What its story goes by.
  var isUrgent = false
  /// Its head does not work, whatever is run again.
  var isBroken = false
  var isApproved = false
  var checks = Checks.running
  /// Somebody has begun to merge it.
  var isBeingMerged = false
  var isQueued = false
  /// Who put it into the merge queue.
  var enqueuer: Account?
  /// The group that is checked in the merge queue.
  var group: MergeGroup?
  /// The id of the run for its head; nil when that is over.
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
  /// It is an issue, too.
  var issueAPI: String { "\(repository.api)/issues/\(number)" }
}

/// What the merge queue checks before main moves to it.
struct MergeGroup {
  var head: Commit
  /// Without `refs/heads/`.
  var branch: String
  var baseSHA: String
}

/// Customers are affected, and what is done about it.
final class Incident {
  let issue: Issue
  /// The change that ends it, once it is on main.
  var fixOrdinal: Int?
  /// The fix is on its way to production.
  var isFixRequested = false

  init(issue: Issue) {
    self.issue = issue
  }
}
