import ValueStreamCore

extension JSONWriter {
  /// Writes the `workflow_run` object of a run.
  ///
  /// - Parameter isShort: True for the short form in deployment payloads.
  mutating func workflowRun(_ run: WorkflowRun, isShort: Bool = false) {
    object("workflow_run") { json in
      let repository = run.repository
      json.member("id", run.id)
      json.member("name", run.workflow.name)
      json.nodeID("WFR", run.id)
      json.member("check_suite_id", run.suiteID)
      json.member("head_branch", run.headBranch)
      json.member("head_sha", run.head.sha)
      json.member("path", run.workflow.path)
      json.member("display_title", run.changes.isEmpty && run.event == "workflow_dispatch" ? run.workflow.name : run.head.title)
      json.member("run_number", run.number)
      json.member("event", run.event)
      json.member("status", run.status.rawValue)
      json.member("conclusion", run.conclusion?.rawValue)
      json.member("workflow_id", repository.workflowID(of: run.workflow))
      json.member("url", run.api)
      json.member("html_url", run.web)
      json.changes(run.changes, of: repository)
      json.time("created_at", run.createdAt)
      json.time("updated_at", run.updatedAt)
      json.account("actor", run.actor)
      json.member("run_attempt", run.attempt)
      json.time("run_started_at", run.startedAt)
      json.account("triggering_actor", run.triggeringActor)
      if isShort { return }
      json.member("jobs_url", "\(run.api)/jobs")
      json.member("logs_url", "\(run.api)/logs")
      json.member("check_suite_url", "\(repository.api)/check-suites/\(run.suiteID)")
      json.member("previous_attempt_url", run.attempt > 1 ? "\(run.api)/attempts/\(run.attempt - 1)" : nil)
      json.member("workflow_url", "\(repository.api)/actions/workflows/\(repository.workflowID(of: run.workflow))")
      json.headCommit(run.head)
      json.member("repository", json: repository.shortJSON)
      json.member("head_repository", json: repository.shortJSON)
    }
  }

  mutating func workflow(_ workflow: WorkflowPlan, of repository: Repository) {
    object("workflow") { json in
      let id = repository.workflowID(of: workflow)
      json.member("id", id)
      json.nodeID("W", id)
      json.member("name", workflow.name)
      json.member("path", workflow.path)
      json.member("state", "active")
      json.member("created_at", "\(repository.createdAt.wholeSeconds.dropLast()).000Z")
      json.member("updated_at", "\(repository.createdAt.wholeSeconds.dropLast()).000Z")
      json.member("url", "\(repository.api)/actions/workflows/\(id)")
      json.member("html_url", "\(repository.web)/blob/main/\(workflow.path)")
    }
  }

  mutating func workflowJob(_ job: JobRun, of run: WorkflowRun) {
    object("workflow_job") { json in
      let repository = run.repository
      json.member("id", job.id)
      json.member("run_id", run.id)
      json.member("workflow_name", run.workflow.name)
      json.member("head_branch", run.headBranch)
      json.member("run_url", run.api)
      json.member("run_attempt", job.attempt)
      json.nodeID("CR", job.id)
      json.member("head_sha", run.head.sha)
      json.member("url", "\(repository.api)/actions/jobs/\(job.id)")
      json.member("html_url", "\(run.web)/job/\(job.id)")
      json.member("status", job.isOver ? "completed" : job.startedAt == nil ? "queued" : "in_progress")
      json.member("conclusion", job.conclusion?.rawValue)
      json.time("created_at", job.createdAt)
      // GitHub gives a queued job the time of its creation here.
      json.time("started_at", job.startedAt ?? job.completedAt ?? job.createdAt)
      json.time("completed_at", job.completedAt)
      json.member("name", job.plan.name)
      json.array("steps", JobStep.steps(of: job)) { $0.step($1) }
      json.member("check_run_url", "\(repository.api)/check-runs/\(job.id)")
      json.array("labels", job.plan.runner.labels) { $0.value($1) }
      json.name("runner_id")
      if let runner = job.runner { json.value(Int64(runner)) } else { json.value(nil as String?) }
      json.member("runner_name", job.runner.map { job.plan.runner == .own ? "quay-\($0)" : "GitHub Actions \($0)" })
      json.name("runner_group_id")
      if job.runner == nil { json.value(nil as String?) } else { json.value(Int64(job.plan.runner == .own ? 3 : 2)) }
      json.member("runner_group_name", job.runner == nil ? nil : job.plan.runner == .own ? "quay" : "GitHub Actions")
    }
  }

  private mutating func step(_ step: JobStep) {
    object { json in
      json.member("name", step.name)
      json.member("status", step.completedAt == nil ? "in_progress" : "completed")
      json.member("conclusion", step.conclusion?.rawValue)
      json.member("number", step.number)
      json.time("started_at", step.startedAt)
      json.time("completed_at", step.completedAt)
    }
  }
}

/// A step of a job. Its state follows from the state of the job.
struct JobStep {
  var name: String
  var number: Int
  var startedAt: Timestamp
  var completedAt: Timestamp?
  var conclusion: WorkflowRun.Conclusion?

  static func steps(of job: JobRun) -> [JobStep] {
    guard let started = job.startedAt else { return [] }
    guard let completed = job.completedAt else {
      return [JobStep(name: "Set up job", number: 1, startedAt: started)]
    }
    let work = ["Run actions/checkout@v5"] + job.plan.steps
    let names = ["Set up job"] + work + ["Post Run actions/checkout@v5", "Complete job"]
    // The first and the last step take at most 3 seconds each; the other steps share the rest.
    let whole = completed.seconds(since: started)
    let edge = min(3, whole / 8)
    let share = (whole - 2 * edge) / Double(job.failingStep.map { $0 + 1 } ?? work.count)
    var time = started
    return names.enumerated().map { index, name in
      let isWork = index > 0 && index <= work.count
      let isAfterFailure = isWork && job.failingStep.map { index - 1 > $0 } == true
      let isFailure = isWork && job.failingStep == index - 1
      let takes = index == 0 || index == names.count - 1 ? edge : isWork && !isAfterFailure ? share : 0
      var step = JobStep(name: name, number: index + 1, startedAt: time)
      time = index == names.count - 1 ? completed : time.after(takes)
      step.completedAt = time
      step.conclusion =
        isFailure ? (job.conclusion == .cancelled ? .cancelled : .failure) : isAfterFailure ? .skipped : .success
      return step
    }
  }
}
