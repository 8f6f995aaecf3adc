import ValueStreamCore

/// A commit with its time.
struct YearCommit {
  var sha: String
  var time: Timestamp
  var title: String
}

/// A change of a year-long history, as planned: everything that happens to it, with its time.
final class YearChange {
  enum Kind {
    case ordinary, update, direct, hotfix
    case revert(of: YearChange)
  }

  let kind: Kind
  /// The number of the request; 0 for a direct push.
  let number: Int
  let title: String
  let branch: String
  let author: String
  var issue: YearIssue?
  /// The commits of the first push, then one for each later push.
  var first: [YearCommit] = []
  var later: [YearCommit] = []
  var opened: Timestamp
  /// When it was ready for review; later than ``opened`` for a draft.
  var ready: Timestamp
  var reviews: [YearReview] = []
  var merged: Timestamp?
  /// When it was closed without a merge.
  var abandoned: Timestamp?
  var lines = 0
  /// The commits on main, the last of which is the head after the merge.
  var landed: [YearCommit] = []
  /// The head of main before the merge.
  var before = ""
  var runs: [YearRun] = []

  init(kind: Kind, number: Int, title: String, branch: String, author: String, opened: Timestamp) {
    self.kind = kind
    self.number = number
    self.title = title
    self.branch = branch
    self.author = author
    self.opened = opened
    ready = opened
  }

  var isDirect: Bool { if case .direct = kind { true } else { false } }
  var isUpdate: Bool { if case .update = kind { true } else { false } }
  var isHotfix: Bool { if case .hotfix = kind { true } else { false } }
  var reverted: YearChange? { if case .revert(let change) = kind { change } else { nil } }
  var firstCommit: Timestamp { first.map(\.time).min() ?? opened }
  var firstResponse: Timestamp? { reviews.map(\.time).min() }

  /// Returns the head of the branch at a time.
  func head(at time: Timestamp) -> YearCommit? { later.last { $0.time <= time } ?? first.last }
}

struct YearReview {
  var time: Timestamp
  var reviewer: String
  /// `approved`, `changes_requested` or `commented`.
  var state: String
}

/// A run of a pipeline with its jobs. A flaky one fails once and passes when it is run again.
struct YearRun {
  var id: Int64
  var number: Int
  var commit: YearCommit
  var branch: String
  var isOfChange: Bool
  var created: Timestamp
  /// The start and end of each attempt.
  var attempts: [(started: Timestamp, ended: Timestamp, isSuccess: Bool)]
}

/// An issue of a year-long history.
final class YearIssue {
  let number: Int
  let title: String
  /// `Bug`, `Story` or `Task`.
  let type: String
  let author: String
  let created: Timestamp
  var started: Timestamp?
  var reviewed: Timestamp?
  /// A stretch in which work was blocked.
  var blocked: (from: Timestamp, to: Timestamp)?
  var done: Timestamp?
  var isNotPlanned = false
  var assignee: String?
  let isIncident: Bool

  init(number: Int, title: String, type: String, author: String, created: Timestamp, isIncident: Bool = false) {
    self.number = number
    self.title = title
    self.type = type
    self.author = author
    self.created = created
    self.isIncident = isIncident
  }
}

/// A deploy of a year-long history.
struct YearDeploy {
  var id: Int64
  var environment: String
  var created: Timestamp
  var started: Timestamp
  var ended: Timestamp
  var isSuccess = true
}

/// A release: the deploys of one commit of a service to its production environments.
final class YearRelease {
  enum Remedy {
    case rollback, hotfix, revert
  }

  let service: Int
  /// The time whose head of main is released.
  let headTime: Timestamp
  /// What the release takes back; nil for one that goes forward.
  var takesBack: [YearRelease] = []
  /// How the release remedies an earlier one; nil if it does not.
  var remedy: Remedy?
  /// The deploys to production, failed attempts included, and to staging.
  var deploys: [YearDeploy] = []
  var staging: YearDeploy?
  /// True if it broke production, as the plan has it.
  var isBad = false
  /// The release that repaired what this one broke.
  var remediedBy: YearRelease?
  var incident: YearIncident?
  /// The head of main that was released, once all changes are planned.
  var commit: YearCommit?

  init(service: Int, headTime: Timestamp) {
    self.service = service
    self.headTime = headTime
  }

  /// The end of the first success.
  var end: Timestamp { deploys.filter(\.isSuccess).map(\.ended).min() ?? headTime }
  var lastEnd: Timestamp { deploys.map(\.ended).max() ?? headTime }
}

final class YearIncident {
  /// The service that is affected; nil if the cause is elsewhere.
  let service: String?
  let number: Int
  let title: String
  let began: Timestamp
  var resolved: Timestamp?
  /// The incident as an issue of the forge; nil if the on-call tool reports it.
  var issue: YearIssue?

  init(service: String?, number: Int, title: String, began: Timestamp) {
    self.service = service
    self.number = number
    self.title = title
    self.began = began
  }
}
