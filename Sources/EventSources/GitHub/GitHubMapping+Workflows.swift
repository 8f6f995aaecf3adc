import Payloads
import ValueStreamCore

/// Runs of workflows, and their jobs.
///
/// Before a run runs it is queued, or waits for somebody's approval: phases of the track `run` tell these apart.
extension GitHubMapping {
  // MARK: Runs

  func runEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let run = try payload.root.requireObject("workflow_run")
    let id = String(try run.requireInt("id"))
    let attempt = Self.attempt(of: run)
    let updated = run.time("updated_at")
    // A run that waits for somebody's approval to run at all is shown as completed; approved, it goes on in the same attempt.
    let needsApproval = run.string("conclusion") == "action_required"
    let state = needsApproval ? .pending : Self.state(ofStatus: run.string("status"), action: payload.action)
    // The first attempt began when the run was made; later ones tell only their own beginning.
    let start = run.time("run_started_at") ?? (attempt == 1 ? run.time("created_at") : nil)
    // The last time that the payload tells, for those that it does not.
    let known = updated ?? start ?? run.time("created_at")
    var event = Event(
      key: key(GitHubKey.run, id, of: repository), time: .vendor(known, orReceipt: received), attempt: .numbered(attempt))
    event.state = state
    if let start {
      event.marks.append(.begin(.vendor(start)))
    } else if state < .ended {
      event.marks.append(.begin(standIn(known)))
    }
    if state == .ended {
      event.marks.append(.end(updated.map(EventTime.vendor) ?? standIn(known)))
      event.conclude(run.string("conclusion"))
    }
    event.phases =
      needsApproval
      ? [PhaseStatement(track: "run", name: "wait", start: start ?? known ?? received)]
      : runPhases(
        status: run.string("status"), state, start: start ?? known ?? received,
        updated: updated ?? (known == nil ? received : nil), event.outcome)
    let workflow = payload.root.object("workflow")
    let path = run.text("path") ?? workflow?.text("path")
    let name = run.text("name") ?? workflow?.text("name") ?? path
    let deploys = rules.deployWorkflow(name: name, path: path)
    event.publishes = [suite(run.int("check_suite_id"))].compactMap { $0 }
    event.follows = followLink(pullRequests(of: run, in: repository))
    if Self.runsOnItsCommit(run.text("event"), isDeploy: deploys != nil) {
      event.follows.append(followCommit(commit("head_sha", of: run)))
      event.follows += followMessage(
        run.object("head_commit")?.longText("message"), head: run.object("head_repository"), in: repository)
    }
    event.operation = deploys == nil ? .build : .deploy
    event.name = [repository.fullName, name, run.int("run_number").map { "#\($0)" } ?? id].compactMap { $0 }.joined(
      separator: " ")
    describe(repository, in: &event)
    event.attributes.append(Attribute("cicd.pipeline.action.name", "RUN"))
    event.attributes.add("cicd.pipeline.name", name)
    event.attributes.add("cicd.pipeline.run.id", id)
    event.attributes.add("cicd.pipeline.run.url.full", run.text("html_url"))
    if let deploys {
      event.attributes.add("deployment.environment.name", deploys.environment)
      event.attributes.add(
        "valuestream.service",
        rules.services.service(ofDeploy: [name, path, deploys.environment], in: repository.fullName))
    }
    event.attributes.add("valuestream.build.number", run.int("run_number"))
    event.attributes.add("valuestream.build.title", run.text("display_title"))
    event.attributes.add("valuestream.build.trigger", run.text("event"))
    event.attributes.add("valuestream.build.actor", (run.object("triggering_actor") ?? run.object("actor"))?.text("login"))
    event.attributes.add("valuestream.build.definition", path)
    describeHead(run.text("head_sha"), branch: run.text("head_branch"), in: &event)
    event.attributes += GitHubClassicTags.build(
      id: id, name: name, url: run.text("html_url"), attempt: attempt, head: run, repository: repository)
    event.classic = classicMark(
      type: deploys == nil ? "build" : "deploy", state, conclusion: run.string("conclusion"), start: start, at: event.time)
    return event
  }

  /// True where a run is about the commit that it runs on. Everything else runs on the last commit of the default branch, whose change
  /// has nothing to do with it: the clock, an issue, a comment.
  ///
  /// Source: GitHub Docs, "Events that trigger workflows", `GITHUB_SHA` of each.
  ///
  /// - Parameter isDeploy: what follows another workflow, or is asked for from elsewhere, deploys that commit all the same.
  static func runsOnItsCommit(_ trigger: String?, isDeploy: Bool) -> Bool {
    switch trigger {
    case nil, "push", "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment", "merge_group",
      "workflow_dispatch", "workflow_call", "release", "create", "deployment", "deployment_status", "registry_package", "dynamic":
      true
    case "workflow_run", "repository_dispatch": isDeploy
    default: false
    }
  }

  /// How often a run was run; from 1.
  static func attempt(of object: PayloadObject) -> Int {
    Int(clamping: max(1, object.int("run_attempt") ?? 1))
  }

  /// The state of a run, a job, a check or a suite.
  static func state(ofStatus status: String?, action: String) -> LifecycleState {
    switch status ?? action {
    case "completed": .ended
    case "in_progress": .running
    default: .pending
    }
  }

  /// The payload tells when the attempt began and when it changed last; what lies between is put together from several.
  private func runPhases(
    status: String?, _ state: LifecycleState, start: Timestamp, updated: Timestamp?, _ outcome: Outcome?
  ) -> [PhaseStatement] {
    let queue = PhaseStatement(track: "run", name: "queue", start: start)
    switch state {
    case .ended: return updated.map { [PhaseStatement(track: "run", name: "run", end: $0, outcome: outcome)] } ?? []
    case .running: return [queue] + (updated.map { [PhaseStatement(track: "run", name: "run", start: $0)] } ?? [])
    default: return [status == "waiting" ? PhaseStatement(track: "run", name: "wait", start: updated ?? start) : queue]
    }
  }

  /// The group of checks that a run of Actions is at the same time.
  func suite(_ id: Int64?) -> Reference? {
    id.map { Reference(.checkSuite, "\(payload.host)/\($0)") }
  }

  // MARK: Jobs

  /// The job, and the deployment it makes if it has an environment.
  func jobEvents() throws(PayloadError) -> [Event] {
    let repository = try requireRepository()
    let job = try payload.root.requireObject("workflow_job")
    let id = String(try job.requireInt("id"))
    let run = job.int("run_id").map(String.init)
    let attempt = Self.attempt(of: job)
    let created = job.time("created_at")
    let started = job.time("started_at")
    let completed = job.time("completed_at")
    let state = Self.state(ofStatus: job.string("status"), action: payload.action)
    // The last time that the payload tells, for those that it does not.
    let known = [created, started].compactMap { $0 }.max()
    let time = state == .ended ? completed : state == .running ? started : created
    var event = Event(key: key(GitHubKey.job, id, of: repository), time: .vendor(time ?? known, orReceipt: received))
    event.operation = .job
    event.state = state
    // A skipped job may carry a start before its creation.
    if let begin = [created, state > .pending ? started : nil].compactMap({ $0 }).min() {
      event.marks.append(.begin(.vendor(begin)))
    } else if state < .ended {
      event.marks.append(.begin(standIn(known)))
    }
    if state == .ended {
      event.marks.append(.end(completed.map(EventTime.vendor) ?? standIn(known)))
      event.conclude(job.string("conclusion"))
    }
    event.phases = jobPhases(job, state, created: created, started: started, completed: completed, event.outcome)
    if let run {
      event.follows = [FollowStatement(.vendorLink, [.key(key(GitHubKey.run, run, of: repository))], attempt: attempt)]
    }
    let name = job.text("name")
    let title = [job.text("workflow_name"), name ?? id].compactMap { $0 }.joined(separator: " / ")
    event.name = "\(repository.fullName) \(title)"
    describe(repository, in: &event)
    event.attributes.add("cicd.pipeline.name", job.text("workflow_name"))
    event.attributes.add("cicd.pipeline.run.id", run)
    event.attributes.add("cicd.pipeline.task.name", name)
    event.attributes.add("cicd.pipeline.task.run.id", id)
    event.attributes.add("cicd.pipeline.task.run.url.full", job.text("html_url"))
    event.attributes.add("cicd.worker.id", job.int("runner_id").map(String.init))
    event.attributes.add("cicd.worker.name", job.text("runner_name"))
    event.attributes.add("valuestream.build.attempt", Int64(attempt))
    event.attributes.add("valuestream.worker.group", job.text("runner_group_name"))
    let deployment = payload.root.object("deployment")
    event.attributes.add("deployment.environment.name", deployment?.text("environment"))
    describeHead(job.text("head_sha"), branch: job.text("head_branch"), in: &event)
    event.attributes += GitHubClassicTags.build(
      id: id, name: name, url: job.text("html_url"), attempt: attempt, head: job, repository: repository)
    event.classic = classicMark(
      type: "build", state, conclusion: job.string("conclusion"), start: created, at: event.time)
    guard let deployment else { return [event] }
    return [event, try deploymentEvent(deployment, ofJob: event, in: repository)]
  }

  private func jobPhases(
    _ job: PayloadObject, _ state: LifecycleState, created: Timestamp?, started: Timestamp?, completed: Timestamp?,
    _ outcome: Outcome?
  ) -> [PhaseStatement] {
    guard state > .pending else {
      let isWaiting = job.string("status") == "waiting" || payload.action == "waiting"
      // After an approval `started_at` is when the job was queued.
      let start = isWaiting ? created : [created, started].compactMap { $0 }.max()
      return [PhaseStatement(track: "run", name: isWaiting ? "wait" : "queue", start: start ?? received)]
    }
    guard let started, outcome != .skip else { return [] }
    // What was cancelled before a runner took it carries a start all the same.
    if let completed, completed < started {
      return created.map { [PhaseStatement(track: "run", name: "queue", start: min($0, completed), end: completed)] } ?? []
    }
    var phases = [PhaseStatement(track: "run", name: "run", start: started, end: completed, outcome: outcome)]
    if let created, created < started { phases.append(PhaseStatement(track: "run", name: "queue", start: created)) }
    if state == .ended { phases += steps(of: job) }
    return phases
  }

  private func steps(of job: PayloadObject) -> [PhaseStatement] {
    job.objects("steps").prefix(200).compactMap { step in
      let outcome = GitHubConclusion.outcome(step.string("conclusion"))
      guard let name = step.text("name"), let start = step.time("started_at"), let end = step.time("completed_at"),
        outcome != .skip
      else { return nil }
      return PhaseStatement(track: "step", name: name, start: start, end: end, outcome: outcome)
    }
  }

  // MARK: Classic picture

  /// In the manner of the other vendors' pipelines: queued, then running, each a span.
  func classicMark(
    type: String, _ state: LifecycleState, conclusion: String?, start: Timestamp?, at time: EventTime
  ) -> ClassicMark {
    switch state {
    case .ended:
      ClassicMark(
        eventSource: "github", type: type, .end, state: conclusion ?? "completed", time: time,
        begin: start.map(EventTime.vendor), isError: GitHubConclusion.outcome(conclusion)?.isError ?? false)
    case .running: ClassicMark(eventSource: "github", type: type, .transition, state: "running", time: time)
    default:
      ClassicMark(
        eventSource: "github", type: type, .start, state: "pending", time: start.map(EventTime.vendor) ?? time)
    }
  }
}
