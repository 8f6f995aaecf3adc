import PayloadReading
import ValueStreamCore

/// Maps deployments and their statuses.
extension GitHubMapping {
  func deploymentEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let deployment = try payload.root.requireObject("deployment")
    let status = payload.root.object("deployment_status")
    // A status may name another environment than its deployment.
    var event = try deploymentEvent(deployment, to: status?.text("environment"), in: repository)
    event.follows += followLink(runs(in: repository), attempt: runAttempt)
    if let status { apply(status, of: deployment, to: &event) }
    event.classic = classicMark(ofStatus: status, deployment, at: event.time)
    return event
  }

  /// Returns the part of the event that is the same for every payload with a deployment.
  ///
  /// - Parameter newEnvironment: overrides the environment of the deployment; nil keeps it.
  private func deploymentEvent(
    _ deployment: PayloadObject, to newEnvironment: String? = nil, in repository: GitHubRepository
  ) throws(PayloadError) -> Event {
    let id = String(try deployment.requireInt("id"))
    let created = deployment.time("created_at")
    let environment = newEnvironment ?? deployment.text("environment")
    var event = Event(
      key: key("deployment", id, of: repository), time: .vendor(created, orReceipt: received))
    event.operation = .deploy
    event.name = "\(repository.fullName)\(environment.map { " to \($0)" } ?? " deployment \(id)")"
    event.state = .pending
    let begin = created ?? deployment.time("updated_at") ?? received
    event.marks = [.begin(created.map(EventTime.vendor) ?? .receipt(begin))]
    event.phases = [PhaseStatement(track: "run", name: "queue", start: begin)]
    event.follows = [followCommit(commit("sha", of: deployment))]
    describe(repository, in: &event)
    event.attributes.add(AttributeName.deploymentID, id)
    event.attributes.add("deployment.name", deployment.text("task"))
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment)
    let workflow = payload.root.object("workflow_run") ?? payload.root.object("workflow_job")
    event.attributes.add(
      AttributeName.valuestreamService,
      rules.services.service(
        ofDeploy: [environment, deployment.text("task"), workflow?.text("name"), workflow?.text("workflow_name")],
        in: repository.fullName))
    event.attributes.add(AttributeName.valuestreamDeploymentProduction, deployment.bool("production_environment"))
    event.attributes.add(AttributeName.valuestreamDeploymentTransient, deployment.bool("transient_environment"))
    event.attributes.add(AttributeName.valuestreamDeploymentDescription, deployment.text("description"))
    event.attributes.add(AttributeName.valuestreamDeploymentActor, deployment.object("creator")?.text("login"))
    event.attributes.add(AttributeName.vcsRefHeadName, deployment.text("ref"))
    event.attributes.add(AttributeName.vcsRefHeadRevision, deployment.text("sha"))
    event.attributes += GitHubClassicTags.deployment(deployment, repository: repository)
    return event
  }

  /// Maps the deployment of a job that has an environment. The deployment ends when the job ends.
  func deploymentEvent(
    _ deployment: PayloadObject, ofJob job: Event, in repository: GitHubRepository
  ) throws(PayloadError) -> Event {
    var event = try deploymentEvent(deployment, in: repository)
    event.follows += followLink([.key(job.key)])
    event.time = max(event.time, job.time)
    event.state = job.state
    event.outcome = job.outcome
    event.marks += job.marks.filter { $0.kind == .end }
    event.phases += job.phases.filter { $0.track == "run" && $0.name != "queue" }
    event.attributes += job.attributes.filter { $0.name == AttributeName.errorType }
    return event
  }

  private func apply(_ status: PayloadObject, of deployment: PayloadObject, to event: inout Event) {
    let stated = status.time("created_at") ?? status.time("updated_at")
    // If the status has no time, uses the last time in the payload.
    let known = stated ?? deployment.time("updated_at") ?? deployment.time("created_at")
    let time = EventTime.vendor(known, orReceipt: received)
    let state = status.string("state") ?? ""
    event.time = time
    event.attributes.add(AttributeName.valuestreamDeploymentURL, status.text("environment_url"))
    event.attributes.add(AttributeName.valuestreamDeploymentLog, status.text("log_url") ?? status.text("target_url"))
    switch state {
    case "success", "failure", "error":
      event.state = .ended
      event.outcome = state == "success" ? .success : state == "failure" ? .failure : .error
      event.marks.append(.end(stated == nil ? standIn(known) : time))
      event.phases.append(PhaseStatement(track: "run", name: "run", end: time.timestamp, outcome: event.outcome))
      if state != "success" { event.attributes.add(AttributeName.errorType, state) }
    case "in_progress":
      event.state = .running
      event.phases.append(PhaseStatement(track: "run", name: "run", start: time.timestamp))
    case "waiting": event.phases.append(PhaseStatement(track: "run", name: "wait", start: time.timestamp))
    case "inactive":
      // A later deployment replaced this one. An earlier status already reported the success, so this one sets no
      // state. If that status was missed, the deployment ends here at a stand-in time.
      event.state = nil
      event.marks.append(.end(standIn(known)))
      event.spanEvents.append(SpanEvent(name: "inactive", time: time.timestamp))
    default: event.phases.append(PhaseStatement(track: "run", name: "queue", start: time.timestamp))
    }
  }

  /// Returns an event for the run that made the deployment, if only the deployment shows that the run is a deploy.
  ///
  /// A run that another workflow or an API call started belongs to its commit only if it deploys (see
  /// `runsOnItsCommit`). Its own payload may not show that it does.
  func deployingRun() throws(PayloadError) -> [Event] {
    guard let run = payload.root.object("workflow_run"), let id = run.int("id"),
      !Self.runsOnItsCommit(run.text("event"), isDeploy: false), Self.runsOnItsCommit(run.text("event"), isDeploy: true)
    else { return [] }
    let repository = try requireRepository()
    let deployment = try payload.root.requireObject("deployment")
    var event = Event(
      key: key(GitHubKey.run, String(id), of: repository), time: .vendor(deployment.time("created_at"), orReceipt: received),
      attempt: .numbered(Self.attempt(of: run)))
    event.follows = [followCommit(commit("head_sha", of: run))]
    return [event]
  }

  /// The job and the run that made the deployment, if a workflow made it.
  private func runs(in repository: GitHubRepository) -> [Reference] {
    let job = payload.root.object("check_run")?.int("id").map { Reference.key(key(GitHubKey.job, String($0), of: repository)) }
    let run = payload.root.object("workflow_run")?.int("id").map { Reference.key(key(GitHubKey.run, String($0), of: repository)) }
    return [job, run].compactMap { $0 }
  }

  private var runAttempt: Int? {
    payload.root.object("workflow_run").map(Self.attempt)
  }

  private func classicMark(ofStatus status: PayloadObject?, _ deployment: PayloadObject, at time: EventTime) -> ClassicMark? {
    guard let state = status?.string("state") else {
      return ClassicMark(eventSource: "github", type: "deploy", .start, state: "pending", time: time)
    }
    switch state {
    case "success", "failure", "error":
      return ClassicMark(
        eventSource: "github", type: "deploy", .end, state: state, time: time,
        begin: deployment.time("created_at").map(EventTime.vendor), isError: state != "success")
    case "in_progress": return ClassicMark(eventSource: "github", type: "deploy", .transition, state: "running", time: time)
    case "inactive": return nil
    default: return ClassicMark(eventSource: "github", type: "deploy", .start, state: "pending", time: time)
    }
  }
}
