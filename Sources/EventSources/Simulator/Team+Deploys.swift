import ValueStreamCore

/// Simulates deploys to staging after each merge, and from there to production.
extension Team {
  func requestDeploy(
    of commit: Commit, in repository: Repository, to environment: String, by account: Account, for reason: Deploy.Reason
  ) {
    let isStaging = environment == "staging"
    let deploy = Deploy(commit: commit, environment: environment, reason: reason)
    deployCount += 1
    if environment == "production", reason == .daily, repository.plan.name == "shop", now >= nextTrouble,
      repository[target: environment].activeRun != nil
    {
      deploy.isBad = true
      nextTrouble = now.after(random.between(10, 16) * 86_400)
    }
    deploy.failsFirst = !deploy.isBad && reason != .hotfix && deployCount % 13 == 9
    let run = makeRun(
      .deploy, jobs: isStaging ? WorkflowPlan.toStaging : WorkflowPlan.toProduction, in: repository, for: .deploy(deploy),
      event: isStaging ? "workflow_run" : "workflow_dispatch", head: commit, branch: "main", by: account)
    // Only one run deploys at a time, and only the newest waits; an older waiting run is cancelled.
    guard repository[target: environment].busy != nil else {
      repository[target: environment].busy = run
      return startAttempt(of: run, by: account)
    }
    if let waiting = repository[target: environment].waiting { cancel(waiting) }
    repository[target: environment].waiting = run
    announceAttempt(of: run, by: account, status: .pending)
  }

  private func freeTarget(_ environment: String, of repository: Repository) {
    let next = repository[target: environment].waiting
    repository[target: environment].waiting = nil
    repository[target: environment].busy = next
    guard let next else { return }
    next.status = .queued
    queueJobs(of: next)
  }

  // MARK: Deployments

  func deployQueued(by job: JobRun, _ run: WorkflowRun) {
    guard let deploy = run.deploy else { return }
    let deployment = Deployment(
      id: newID(.deployment), commit: deploy.commit, environment: deploy.environment, createdAt: now, updatedAt: now,
      jobID: job.id)
    deploy.deployment = deployment
    items?.deployments.append(
      HistoryExpectations.Deployment(
        repositoryID: run.repository.id, id: deployment.id, sha: deploy.commit.sha, environment: deploy.environment,
        runID: run.id,
        runAttempt: run.attempt, outcome: nil, isRollback: deploy.isRollback, pullRequestNumbers: []))
    send("deployment", "created", of: run.repository, by: organization.actions) { json in
      write(deployment, of: run.repository, in: &json)
      json.workflow(run.workflow, of: run.repository)
      json.workflowRun(run, isShort: true)
    }
    sendStatus("queued", of: deployment, run)
  }

  func deployStarted(by job: JobRun, _ run: WorkflowRun) {
    guard let deploy = run.deploy, let deployment = touched(deploy) else { return }
    sendStatus("in_progress", of: deployment, run)
  }

  func deployEnded(by job: JobRun, _ run: WorkflowRun) {
    guard let deploy = run.deploy, let deployment = touched(deploy) else { return }
    let repository = run.repository
    let isGood = job.conclusion == .success
    sendStatus(isGood ? "success" : "failure", of: deployment, run)
    var arrived: [Int] = []
    if isGood {
      if let old = repository[target: deploy.environment].active, let oldRun = repository[target: deploy.environment].activeRun {
        sendStatus("inactive", of: old, oldRun)
      }
      arrived = arrivals(of: deploy, in: repository)
      repository[target: deploy.environment].active = deployment
      if repository[target: deploy.environment].activeRun !== run {
        repository[target: deploy.environment].previousRun = repository[target: deploy.environment].activeRun
        repository[target: deploy.environment].activeRun = run
      }
    }
    if let index = items?.deployments.lastIndex(where: { $0.id == deployment.id }) {
      items?.deployments[index].outcome = isGood ? "success" : "failure"
      items?.deployments[index].pullRequestNumbers = arrived
    }
  }

  /// Returns the deployment, updated now.
  private func touched(_ deploy: Deploy) -> Deployment? {
    deploy.deployment?.updatedAt = now
    return deploy.deployment
  }

  /// Returns the numbers of the changes that reach an environment for the first time with this deploy.
  private func arrivals(of deploy: Deploy, in repository: Repository) -> [Int] {
    let last = repository[target: deploy.environment].ordinal
    let new = deploy.commit.ordinal
    guard new > last else { return [] }
    repository[target: deploy.environment].ordinal = new
    let numbers = repository.landed.filter { $0.ordinal > last && $0.ordinal <= new }.map(\.number)
    let everywhere = min(repository[target: "staging"].ordinal, repository[target: "production"].ordinal)
    repository.landed.removeAll { $0.ordinal <= everywhere }
    return numbers
  }

  private func write(_ deployment: Deployment, of repository: Repository, in json: inout JSONWriter) {
    json.object("deployment") { json in
      json.member("url", "\(repository.api)/deployments/\(deployment.id)")
      json.member("id", deployment.id)
      json.nodeID("DE", deployment.id)
      json.member("task", "deploy")
      json.member("original_environment", deployment.environment)
      json.member("environment", deployment.environment)
      json.member("description", nil)
      json.time("created_at", deployment.createdAt)
      json.time("updated_at", deployment.updatedAt)
      json.member("statuses_url", "\(repository.api)/deployments/\(deployment.id)/statuses")
      json.member("repository_url", repository.api)
      json.account("creator", organization.actions)
      json.member("sha", deployment.commit.sha)
      json.member("ref", "main")
      json.object("payload") { _ in }
      json.member("transient_environment", false)
      json.member("production_environment", deployment.environment == "production")
    }
  }

  private func sendStatus(_ state: String, of deployment: Deployment, _ run: WorkflowRun) {
    let repository = run.repository
    let id = newID(.deploymentStatus)
    send("deployment_status", "created", of: repository, by: organization.actions) { json in
      json.object("deployment_status") { json in
        json.member("url", "\(repository.api)/deployments/\(deployment.id)/statuses/\(id)")
        json.member("id", id)
        json.nodeID("DES", id)
        json.member("state", state)
        json.account("creator", organization.actions)
        json.member("description", "")
        json.member("environment", deployment.environment)
        json.member("target_url", "\(run.web)/job/\(deployment.jobID)")
        json.time("created_at", now)
        json.time("updated_at", now)
        json.member("deployment_url", "\(repository.api)/deployments/\(deployment.id)")
        json.member("repository_url", repository.api)
        json.member(
          "environment_url", state == "success" ? "https://\(repository.name).\(deployment.environment).harbour.example" : "")
        json.member("log_url", "\(run.web)/job/\(deployment.jobID)")
      }
      write(deployment, of: repository, in: &json)
      json.workflow(run.workflow, of: repository)
      json.workflowRun(run, isShort: true)
    }
  }

  // MARK: Follow-up

  func deployRunEnded(_ run: WorkflowRun, _ deploy: Deploy) {
    let repository = run.repository
    if run.conclusion == .failure {
      guard run.attempt < 3, let caretaker else { return freeTarget(deploy.environment, of: repository) }
      // The deploy target stays busy until the rerun.
      return after(random.between(150, 600)) { $0.rerun(run, onlyFailed: true, by: caretaker.account) }
    }
    freeTarget(deploy.environment, of: repository)
    if deploy.environment == "staging" { staged(deploy, by: run.actor, in: repository) } else { live(deploy, in: repository) }
  }

  private func staged(_ deploy: Deploy, by account: Account, in repository: Repository) {
    repository.staged = deploy.commit
    if let incident = repository.incident {
      guard let fix = incident.fixOrdinal, deploy.commit.ordinal >= fix, !incident.isFixRequested, let caretaker else { return }
      incident.isFixRequested = true
      return requestDeploy(of: deploy.commit, in: repository, to: "production", by: caretaker.account, for: .hotfix)
    }
    guard random.chance(0.3), let person = people.first(where: { $0.account === account }) else { return }
    whenDone(person, median: 1200) { $0.goLive(in: repository, by: account, for: .demand) }
  }

  private func live(_ deploy: Deploy, in repository: Repository) {
    if deploy.isBad { trouble(in: repository) }
    guard let incident = repository.incident, let fix = incident.fixOrdinal, deploy.commit.ordinal >= fix, !deploy.isRollback
    else { return }
    fixed(incident, in: repository)
  }

  /// Deploys the commit on staging to production if it is newer, unless there is an incident or a deploy in progress.
  private func goLive(in repository: Repository, by account: Account, for reason: Deploy.Reason) {
    guard repository.incident == nil, let commit = repository.staged, repository[target: "production"].busy == nil,
      commit.ordinal > repository[target: "production"].ordinal
    else { return }
    requestDeploy(of: commit, in: repository, to: "production", by: account, for: reason)
  }

  func planDailyDeploy(of repository: Repository) {
    let today = now.day
    var day = Timestamp.midnight(of: today).after(13 * 3600) > now ? today : today + 1
    while [0, 6].contains(Timestamp.weekday(of: day)) { day += 1 }
    at(Timestamp.midnight(of: day).after(random.between(13.1, 14) * 3600)) { team in
      if let caretaker = team.caretaker { team.goLive(in: repository, by: caretaker.account, for: .daily) }
      // Plans the next deploy for another day.
      team.after(12 * 3600) { $0.planDailyDeploy(of: repository) }
    }
  }
}
