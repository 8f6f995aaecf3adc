import ValueStreamCore

/// A workflow run with its attempts.
final class WorkflowRun {
  /// The purpose of the run, which decides what follows when it ends.
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
  /// The event that started the run, such as `push` or `pull_request`.
  let event: String
  let head: Commit
  let headBranch: String
  let actor: Account
  let createdAt: Timestamp
  /// The pull requests as they were when the run started.
  let changes: [ChangeInRun]
  var attempt = 0
  var triggeringActor: Account
  var startedAt: Timestamp
  var updatedAt: Timestamp
  var status = Status.queued
  var conclusion: Conclusion?
  /// The latest run of each job, by name.
  var jobs: [String: JobRun] = [:]
  /// The name of a job that fails in every attempt; nil if there is none.
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

  /// The deploy that the run performs; nil for other purposes.
  var deploy: Deploy? { if case .deploy(let deploy) = purpose { deploy } else { nil } }
}

/// A pull request as listed in runs and checks.
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

/// A run of a job.
final class JobRun {
  /// The id of the job, and of its check run.
  let id: Int64
  let plan: JobPlan
  let attempt: Int
  let createdAt: Timestamp
  var startedAt: Timestamp?
  var completedAt: Timestamp?
  var conclusion: WorkflowRun.Conclusion?
  var runner: Int?
  /// The index of the step that fails; nil if none does.
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
  /// The id of the job that deploys.
  var jobID: Int64
}

/// A deploy of a commit to an environment. Each attempt creates its own deployment object.
final class Deploy {
  enum Reason {
    case merge, daily, demand, hotfix
  }

  let commit: Commit
  let environment: String
  let reason: Reason
  /// True if this run deploys an older commit again.
  var isRollback = false
  /// True if the deploy breaks production, which is noticed soon after.
  var isBad = false
  /// True if the first attempt fails. Deploys fail for no other reason.
  var failsFirst = false
  var deployment: Deployment?

  init(commit: Commit, environment: String, reason: Reason) {
    self.commit = commit
    self.environment = environment
    self.reason = reason
  }
}

/// An environment of a repository as a deploy target. Only one run deploys to it at a time.
struct DeployTarget {
  /// The run that is deploying, and the run that waits for it.
  var busy: WorkflowRun?
  var waiting: WorkflowRun?
  /// The deployment in service, the run that deployed it, and the run that deployed its predecessor.
  var active: Deployment?
  var activeRun: WorkflowRun?
  var previousRun: WorkflowRun?
  /// The position on main of the newest commit that was ever deployed here.
  var ordinal = 0
}

struct Release {
  var tag: String
  var isPrerelease: Bool
  var commit: Commit
}
