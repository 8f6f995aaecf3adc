import ValueStreamCore

/// Simulates workflow runs and their jobs, with waits for busy runners.
extension Team {
  func makeRun(
    _ workflow: WorkflowPlan, jobs: [JobPlan]? = nil, in repository: Repository, for purpose: WorkflowRun.Purpose, event: String,
    head: Commit, branch: String, by account: Account, changes: [ChangeInRun] = []
  ) -> WorkflowRun {
    let run = WorkflowRun(
      id: newID(.run), number: repository.takeRunNumber(of: workflow), suiteID: newID(.suite), workflow: workflow,
      jobs: jobs ?? workflow.jobs, repository: repository, purpose: purpose, event: event, head: head, headBranch: branch,
      actor: account, createdAt: now, changes: changes)
    activeRuns[run.id] = run
    items?.runs.append(run)
    return run
  }

  /// Sends the request of the next attempt and queues its first jobs.
  func startAttempt(of run: WorkflowRun, by account: Account) {
    announceAttempt(of: run, by: account)
    queueJobs(of: run)
  }

  func announceAttempt(of run: WorkflowRun, by account: Account, status: WorkflowRun.Status = .queued) {
    run.attempt += 1
    run.triggeringActor = account
    run.startedAt = now
    run.status = status
    run.conclusion = nil
    activeRuns[run.id] = run
    send(run, "requested")
  }

  /// Reruns a finished run as its next attempt, with the failed jobs or all jobs.
  func rerun(_ run: WorkflowRun, onlyFailed: Bool, by account: Account) {
    guard run.isOver else { return }
    run.jobs = onlyFailed ? run.jobs.filter { $0.value.conclusion == .success } : [:]
    startAttempt(of: run, by: account)
  }

  func queueJobs(of run: WorkflowRun) {
    let attempt = run.attempt
    after(random.between(1, 3)) { team in
      if run.attempt == attempt, !run.isOver { team.advance(run) }
    }
  }

  /// Queues the jobs whose needs succeeded, skips those whose needs failed, and ends the run when all jobs are over.
  private func advance(_ run: WorkflowRun) {
    for plan in run.jobPlans where run.jobs[plan.name] == nil {
      let needs = plan.needs.map { run.jobs[$0] }
      if needs.contains(where: { $0?.isOver != true }) { continue }
      if needs.allSatisfy({ $0?.conclusion == .success }) { queue(plan, of: run) } else { skip(plan, of: run) }
    }
    if run.jobPlans.allSatisfy({ run.jobs[$0.name]?.isOver == true }) { complete(run) }
  }

  private func queue(_ plan: JobPlan, of run: WorkflowRun) {
    let job = JobRun(id: newID(.job), plan: plan, attempt: run.attempt, createdAt: now)
    run.jobs[plan.name] = job
    activeJobs += 1
    countJob()
    send(job, of: run, "queued")
    if plan.environment != nil { deployQueued(by: job, run) }
    // The wait for a runner grows with the load, from this team and from others.
    let load = busyness + max(0, Double(activeJobs) - 3) * 0.7
    let base = plan.runner == .mac ? 28.0 : plan.runner == .own ? 3.0 : 6.0
    after(random.logNormal(median: base * load, spread: 0.6)) { $0.start(job, of: run) }
  }

  /// The background load of the runners: 1 at night and on weekends, up to 6 on working days at 13:00 UTC.
  private var busyness: Double {
    let weekday = Timestamp.weekday(of: now.day)
    if weekday == 0 || weekday == 6 { return 1 }
    let hours = now.seconds(since: Timestamp.midnight(of: now.day)) / 3600
    let distance = min(abs(hours - 13) / 6, 1)
    return 1 + 5 * (1 - distance * distance)
  }

  private func start(_ job: JobRun, of run: WorkflowRun) {
    guard !job.isOver else { return }
    job.startedAt = now
    job.runner = job.plan.runner == .own ? 1 + random.below(3) : 100 + random.below(900)
    if run.status != .inProgress {
      run.status = .inProgress
      send(run, "in_progress")
    }
    send(job, of: run, "in_progress")
    if job.plan.environment != nil { deployStarted(by: job, run) }
    let fails = isToFail(job, of: run)
    var minutes = random.logNormal(median: job.plan.minutes, spread: 0.2)
    if fails {
      job.failingStep = 1 + random.below(job.plan.steps.count)
      minutes *= random.between(0.3, 0.95)
    }
    after(max(minutes * 60, 8)) { $0.end(job, of: run, fails ? .failure : .success) }
  }

  private func isToFail(_ job: JobRun, of run: WorkflowRun) -> Bool {
    if run.brokenJob == job.plan.name { return true }
    if let deploy = run.deploy { return deploy.failsFirst && job.plan.environment != nil && run.attempt == 1 }
    // Tests with browsers, devices and databases are flaky.
    let chance = ["e2e", "ios", "integration"].contains(job.plan.name) ? 0.06 : 0.012
    return run.attempt == 1 && random.chance(chance)
  }

  private func skip(_ plan: JobPlan, of run: WorkflowRun) {
    let job = JobRun(id: newID(.job), plan: plan, attempt: run.attempt, createdAt: now)
    job.completedAt = now
    job.conclusion = .skipped
    run.jobs[plan.name] = job
    countJob()
    send(job, of: run, "completed")
  }

  private func end(_ job: JobRun, of run: WorkflowRun, _ conclusion: WorkflowRun.Conclusion) {
    guard !job.isOver else { return }
    job.completedAt = now
    job.conclusion = conclusion
    activeJobs -= 1
    send(job, of: run, "completed")
    if job.plan.environment != nil { deployEnded(by: job, run) }
    if conclusion != .cancelled { advance(run) }
  }

  private func complete(_ run: WorkflowRun) {
    let conclusions = run.jobs.values.map(\.conclusion)
    finish(run, conclusions.contains(.failure) ? .failure : .success)
    switch run.purpose {
    case .change(let change): checksEnded(of: change, run)
    case .main(let commit): mainEnded(run, commit)
    case .group(let change): groupEnded(of: change, run)
    case .deploy(let deploy): deployRunEnded(run, deploy)
    case .release(let release): releaseEnded(run, release)
    case .site: siteEnded(run)
    }
  }

  private func finish(_ run: WorkflowRun, _ conclusion: WorkflowRun.Conclusion) {
    run.status = .completed
    run.conclusion = conclusion
    activeRuns[run.id] = nil
    send(run, "completed")
  }

  /// Cancels a run that is no longer needed.
  func cancel(_ run: WorkflowRun) {
    guard !run.isOver else { return }
    for plan in run.jobPlans {
      guard let job = run.jobs[plan.name], !job.isOver else { continue }
      if job.startedAt != nil { job.failingStep = 1 + random.below(job.plan.steps.count) }
      end(job, of: run, .cancelled)
    }
    finish(run, .cancelled)
  }

  private func mainEnded(_ run: WorkflowRun, _ commit: Commit) {
    let repository = run.repository
    if run.conclusion == .failure {
      again(run)
    } else if repository.plan.hasEnvironments, commit.ordinal > repository[target: "staging"].ordinal {
      requestDeploy(of: commit, in: repository, to: "staging", by: run.actor, for: .merge)
    }
  }

  private func siteEnded(_ run: WorkflowRun) {
    if run.conclusion == .failure { again(run) }
  }

  /// Lets somebody rerun the failed jobs, at most twice; sooner during an incident.
  private func again(_ run: WorkflowRun) {
    guard run.attempt < 3, let caretaker else { return }
    let step: Step = { $0.rerun(run, onlyFailed: true, by: caretaker.account) }
    if run.repository.incident == nil { whenDone(caretaker, median: 600, step) } else { after(random.between(60, 180), step) }
  }

  private func send(_ run: WorkflowRun, _ action: String) {
    run.updatedAt = now
    send("workflow_run", action, of: run.repository, by: run.triggeringActor) { json in
      json.workflowRun(run)
      json.workflow(run.workflow, of: run.repository)
    }
  }

  private func send(_ job: JobRun, of run: WorkflowRun, _ action: String) {
    send("workflow_job", action, of: run.repository, by: run.triggeringActor) { $0.workflowJob(job, of: run) }
  }
}
