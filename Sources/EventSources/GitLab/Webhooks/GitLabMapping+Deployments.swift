import PayloadReading
import ValueStreamCore

/// Maps deploys, from deployments and from the jobs that make them, and releases.
extension GitLabMapping {
  func deploymentEvent() throws(PayloadError) -> Event {
    let project = try payload.requireProject()
    let deployment = payload.root
    let id = try deployment.requireInt("deployment_id")
    let status = deployment.string("status") ?? ""
    let state = GitLabStatus.state(status)
    let changed = deployment.time("status_changed_at")
    let job = deployment.int("deployable_id")
    let environment = deployment.text("environment")
    var event = Event(key: key("deployment", id, of: project), time: .vendor(changed, orReceipt: received))
    event.operation = .deploy
    event.name = "\(project.path)\(environment.map { " to \($0)" } ?? " deployment \(id)")"
    event.state = state
    event.outcome = GitLabStatus.outcome(status)
    event.marks = [state == .ended ? .end(event.time) : .begin(event.time)]
    event.phases = deploymentPhases(status, state, at: event.time.timestamp, event.outcome)
    if let job {
      event.publishes = [deployOfJob(job)]
      event.follows = followLink([.key(key(GitLabKey.job, job, of: project))])
    }
    // `short_sha` is shortened, but the commit's address has the full hash.
    let sha = deployment.text("commit_url")?.split(separator: "/").last.map(String.init) ?? deployment.text("short_sha")
    event.follows.append(followCommit(sha))
    describe(project, in: &event)
    event.attributes.add(AttributeName.deploymentID, String(id))
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment)
    event.attributes.add(AttributeName.valuestreamService, rules.services.service(ofDeploy: [environment], in: project.path))
    event.attributes.add(AttributeName.valuestreamDeploymentTier, deployment.text("environment_tier"))
    event.attributes.add(AttributeName.valuestreamDeploymentURL, deployment.text("environment_external_url"))
    event.attributes.add(AttributeName.valuestreamDeploymentActor, deployment.object("user")?.text("username"))
    if event.outcome?.isError == true { event.attributes.add(AttributeName.errorType, status) }
    event.attributes.add(AttributeName.vcsRefHeadName, deployment.text("ref"))
    event.attributes.add(AttributeName.vcsRefHeadRevision, sha)
    event.attributes += GitLabClassicTags.deployment(deployment, id: id)
    event.classic = ClassicMark(
      eventSource: "gitlab", type: "deploy", state == .ended ? .end : state == .running ? .transition : .start, state: status,
      time: event.time, isError: status == "failed")
    return event
  }

  private func deploymentPhases(
    _ status: String, _ state: LifecycleState, at time: Timestamp, _ outcome: Outcome?
  ) -> [PhaseStatement] {
    switch state {
    // A deployment that was cancelled, rejected or skipped may never have run. Its end also ends the phase that it
    // was in.
    case .ended where outcome == .cancellation || outcome == .skip: []
    case .ended: [PhaseStatement(track: "run", name: "run", end: time, outcome: outcome)]
    case .running: [PhaseStatement(track: "run", name: "run", start: time)]
    // A blocked deployment waits for an approval.
    default: [PhaseStatement(track: "run", name: status == "blocked" ? "wait" : "queue", start: time)]
    }
  }

  /// Returns the deploy that a job makes. Nil for a job that has not run: one that waits for a manual start, or was
  /// skipped.
  ///
  /// The payload of the job does not name the deployment. The deploy is therefore known by its job until the payload
  /// of the deployment arrives. From then on the two are one subject.
  func deployEvent(ofJob id: Int64, _ job: Event, to environment: PayloadObject, in project: GitLabProject) -> Event? {
    let status = payload.root.string("build_status") ?? ""
    let started = payload.root.time("build_started_at")
    guard status == "running" || started != nil, status != "skipped" else { return nil }
    let name = environment.text("name")
    var event = job
    event.marks =
      [.begin(started.map(EventTime.vendor) ?? standIn(payload.root.time("build_created_at")))]
      + job.marks.filter { $0.kind == .end }
    // A failed job with `allow_failure` counts as a success, but its deploy failed.
    event.outcome = GitLabStatus.outcome(status, reason: payload.root.text("build_failure_reason"))
    event.phases = job.phases.filter { $0.name == "run" }.map { phase in
      var phase = phase
      if phase.end != nil { phase.outcome = event.outcome }
      return phase
    }
    event.key = key("deployment", SubjectKey.fallbackPart("job-\(id)"), container: project.keyPart)
    event.operation = .deploy
    event.name = "\(project.path)\(name.map { " to \($0)" } ?? " by job \(id)")"
    event.classic = nil
    event.publishes = [deployOfJob(id)]
    event.follows = followLink([.key(job.key)])
    let kept = ["vcs.", "deployment.", AttributeName.errorType]
    event.attributes = job.attributes.filter { attribute in
      attribute.vocabulary == .semantic && kept.contains(where: attribute.name.hasPrefix)
    }
    if event.outcome?.isError == true, event.attributes.value(of: AttributeName.errorType) == nil {
      event.attributes.add(AttributeName.errorType, payload.root.text("build_failure_reason") ?? status)
    }
    event.attributes.add(AttributeName.valuestreamDeploymentTier, environment.text("deployment_tier"))
    event.attributes.add(
      AttributeName.valuestreamService,
      rules.services.service(ofDeploy: [name, payload.root.text("build_name")], in: project.path))
    return event
  }

  private func deployOfJob(_ id: Int64) -> Reference {
    Reference(.deployOfJob, "\(payload.host)/\(id)")
  }

  // MARK: Releases

  func releaseEvent() throws(PayloadError) -> Event {
    let project = try payload.requireProject()
    let release = payload.root
    let tag = release.text("tag")
    guard let id = release.int("id").map(String.init) ?? tag.map(SubjectKey.fallbackPart) else {
      throw release.missing("id", expected: "a whole number")
    }
    let released = release.time("released_at") ?? release.time("created_at")
    let time = EventTime.vendor(released, orReceipt: received)
    var event = Event(key: key("release", id, container: project.keyPart), time: time)
    event.operation = .release
    event.name = "\(project.path) \(tag ?? id)"
    event.state = .ended
    event.marks = [.begin(time), .end(time)]
    event.outcome = .success
    if release.text("action") == "delete" { event.spanEvents = [SpanEvent(name: "deleted", time: time.timestamp)] }
    event.follows = [followCommit(release.object("commit")?.text("id"))]
    describe(project, in: &event)
    event.attributes.add(AttributeName.artifactVersion, tag)
    event.attributes.add(AttributeName.valuestreamReleaseID, release.int("id").map(String.init))
    event.attributes.add(AttributeName.valuestreamReleaseTitle, release.text("name"))
    event.attributes.add(AttributeName.valuestreamReleaseURL, release.text("url"))
    event.attributes += ClassicTags(service: "gitlab").attributes
    if release.text("action") == "create" {
      event.classic = ClassicMark(eventSource: "gitlab", type: "release", .end, state: "create", time: time, begin: time)
    }
    return event
  }
}
