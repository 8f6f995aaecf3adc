import ValueStreamCore

/// A run of a workflow with its attempts.
final class WorkflowRun {
  /// What comes after it.
  enum Purpose {
    case change(PullRequest)
    case main(Commit)
    case group(PullRequest)
    case site
    case release(Release)
    case deploy(Deploy)
  }

  enum Status: String {
    case queued, pending
    case inProgress = "in_progress"
    case completed
  }

  enum Conclusion: String {
    case success, failure, cancelled, skipped
  }

  let id: Int64
  let number: Int
  let suiteID: Int64
  let workflow: WorkflowPlan
  let jobPlans: [JobPlan]
  let repository: Repository
  let purpose: Purpose
  /// What started it: `push`, `pull_request`.
  let event: String
  let head: Commit
  let headBranch: String
  let actor: Account
  let createdAt: Timestamp
  /// Pull requests as they were when it began.
  let changes: [ChangeInRun]
  var attempt = 0
  var triggeringActor: Account
  var startedAt: Timestamp
  var updatedAt: Timestamp
  var status = Status.queued
  var conclusion: Conclusion?
  /// The latest run of each job, by its name.
  var jobs: [String: JobRun] = [:]
  /// Name of a job that fails in every attempt.
  var brokenJob: String?

  init(
    id: Int64, number: Int, suiteID: Int64, workflow: WorkflowPlan, jobs: [JobPlan], repository: Repository, purpose: Purpose,
    event: String, head: Commit, headBranch: String, actor: Account, createdAt: Timestamp, changes: [ChangeInRun]
  ) {
    self.id = id
    self.number = number
    self.suiteID = suiteID
    self.workflow = workflow
    jobPlans = jobs
    self.repository = repository
    self.purpose = purpose
    self.event = event
    self.head = head
    self.headBranch = headBranch
    self.actor = actor
    self.createdAt = createdAt
    self.changes = changes
    triggeringActor = actor
    startedAt = createdAt
    updatedAt = createdAt
  }

  var isOver: Bool { status == .completed }
  var api: String { "\(repository.api)/actions/runs/\(id)" }
  var web: String { "\(repository.web)/actions/runs/\(id)" }

  /// The deploy that it is, if it is one.
  var deploy: Deploy? { if case .deploy(let deploy) = purpose { deploy } else { nil } }
}

/// A pull request as runs and checks name it.
struct ChangeInRun {
  var id: Int64
  var number: Int
  var branch: String
  var headSHA: String
  var baseSHA: String

  init(_ change: PullRequest) {
    id = change.id
    number = change.number
    branch = change.branch
    headSHA = change.headSHA
    baseSHA = change.baseSHA
  }
}

/// One run of a job.
final class JobRun {
  /// Also that of its check run.
  let id: Int64
  let plan: JobPlan
  let attempt: Int
  let createdAt: Timestamp
  var startedAt: Timestamp?
  var completedAt: Timestamp?
  var conclusion: WorkflowRun.Conclusion?
  var runner: Int?
  /// Index of the step that fails.
  var failingStep: Int?

  init(id: Int64, plan: JobPlan, attempt: Int, createdAt: Timestamp) {
    self.id = id
    self.plan = plan
    self.attempt = attempt
    self.createdAt = createdAt
  }

  var isOver: Bool { completedAt != nil }
}

/// A deployment object of GitHub.
struct Deployment {
  var id: Int64
  var commit: Commit
  var environment: String
  var createdAt: Timestamp
  var updatedAt: Timestamp
  /// The job that deploys.
  var jobID: Int64
}

/// A commit on its way to an environment; each attempt makes a deployment of its own.
final class Deploy {
  enum Reason {
    case merge, daily, demand, hotfix
  }

  let commit: Commit
  let environment: String
  let reason: Reason
  /// An older commit deployed once more.
  var isRollback = false
  /// Breaks production, which shows soon after.
  var isBad = false
  /// Its attempts so far fail for this reason only.
  var failsFirst = false
  var deployment: Deployment?

  init(commit: Commit, environment: String, reason: Reason) {
    self.commit = commit
    self.environment = environment
    self.reason = reason
  }
}

/// An environment, which is deployed to by one run at a time.
struct DeployLane {
  /// The run that deploys now, and the one that waits for it.
  var busy: WorkflowRun?
  var waiting: WorkflowRun?
  /// What serves, and the runs that deployed it and what served before.
  var active: Deployment?
  var activeRun: WorkflowRun?
  var previousRun: WorkflowRun?
  /// The latest commit of main that was ever there.
  var ordinal = 0
}

struct Release {
  var tag: String
  var isPrerelease: Bool
  var commit: Commit
}
