import PayloadReading
import ValueStreamCore

/// Maps workflow runs and their jobs.
///
/// Before a run starts it is queued or waits for an approval. The track `run` has a phase for each: `queue` and
/// `wait`.
extension GitHubMapping {
  // MARK: Runs

  func runEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let run = try payload.root.requireObject("workflow_run")
    let id = String(try run.requireInt("id"))
    let attempt = Self.attempt(of: run)
    let updated = run.time("updated_at")
    // GitHub shows a run that needs an approval to start as completed. After the approval it continues in the same
    // attempt.
    let needsApproval = run.string("conclusion") == "action_required"
    let state = needsApproval ? .pending : Self.state(ofStatus: run.string("status"), action: payload.action)
    // The first attempt starts when the run is created. Later attempts have only `run_started_at`.
    let start = run.time("run_started_at") ?? (attempt == 1 ? run.time("created_at") : nil)
    // The last time in the payload stands in for missing ones.
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
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, name)
    event.attributes.add(AttributeName.cicdPipelineRunID, id)
    event.attributes.add(AttributeName.cicdPipelineRunURLFull, run.text("html_url"))
    if let deploys {
      event.attributes.add(AttributeName.deploymentEnvironmentName, deploys.environment)
      event.attributes.add(
        AttributeName.valuestreamService,
        rules.services.service(ofDeploy: [name, path, deploys.environment], in: repository.fullName))
    }
    event.attributes.add(AttributeName.valuestreamBuildNumber, run.int("run_number"))
    event.attributes.add(AttributeName.valuestreamBuildTitle, run.text("display_title"))
    event.attributes.add(AttributeName.valuestreamBuildTrigger, run.text("event"))
    event.attributes.add(
      AttributeName.valuestreamBuildActor, (run.object("triggering_actor") ?? run.object("actor"))?.text("login"))
    event.attributes.add(AttributeName.valuestreamBuildDefinition, path)
    describeHead(run.text("head_sha"), branch: run.text("head_branch"), in: &event)
    event.attributes += GitHubClassicTags.build(
      id: id, name: name, url: run.text("html_url"), attempt: attempt, head: run, repository: repository)
    event.classic = classicMark(
      type: deploys == nil ? "build" : "deploy", state, conclusion: run.string("conclusion"), start: start, at: event.time)
    return event
  }

  /// True if a run is about the commit that it runs on.
  ///
  /// Runs with other triggers, such as a schedule, an issue or a comment, run on the head of the default branch. They
  /// have nothing to do with the change that made that commit.
  ///
  /// Source: GitHub Docs, "Events that trigger workflows", `GITHUB_SHA` of each.
  ///
  /// - Parameter isDeploy: true for a deploy. A deploy that another workflow or an API call starts still deploys that
  ///   commit.
  static func runsOnItsCommit(_ trigger: String?, isDeploy: Bool) -> Bool {
    switch trigger {
    case nil, "push", "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment", "merge_group",
      "workflow_dispatch", "workflow_call", "release", "create", "deployment", "deployment_status", "registry_package", "dynamic":
      true
    case "workflow_run", "repository_dispatch": isDeploy
    default: false
    }
  }

  /// The number of the attempt, from 1. It is 1 if the payload has none.
  static func attempt(of object: PayloadObject) -> Int {
    Int(clamping: max(1, object.int("run_attempt") ?? 1))
  }

  /// Returns the state of a run, a job, a check or a suite. The action decides if the payload has no status.
  static func state(ofStatus status: String?, action: String) -> LifecycleState {
    switch status ?? action {
    case "completed": .ended
    case "in_progress": .running
    default: .pending
    }
  }

  /// Returns the phases that one payload of a run shows.
  ///
  /// A payload has only the start of the attempt and the time of the last change. The core combines the phases of
  /// several payloads.
  private func runPhases(
    status: String?, _ state: LifecycleState, start: Timestamp, updated: Timestamp?, _ outcome: Outcome?
  ) -> [PhaseStatement] {
    let queue = PhaseStatement(track: "run", name: "queue", start: start)
    switch state {
    case .ended:
      // Such a run may have ended before it began to run. If it did begin, another payload has its start.
      if let outcome, [.cancellation, .skip, .stale, .error].contains(outcome) { return [] }
      return updated.map { [PhaseStatement(track: "run", name: "run", end: $0, outcome: outcome)] } ?? []
    case .running: return [queue] + (updated.map { [PhaseStatement(track: "run", name: "run", start: $0)] } ?? [])
    default: return [status == "waiting" ? PhaseStatement(track: "run", name: "wait", start: updated ?? start) : queue]
    }
  }

  /// The check suite of a GitHub Actions run. Each run has one.
  func suite(_ id: Int64?) -> Reference? {
    id.map { Reference(.checkSuite, "\(payload.host)/\($0)") }
  }

  // MARK: Jobs

  /// Maps a job, and its deployment if the job has an environment.
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
    // The last time in the payload stands in for missing ones.
    let known = [created, started].compactMap { $0 }.max()
    let time = state == .ended ? completed : state == .running ? started : created
    var event = Event(key: key(GitHubKey.job, id, of: repository), time: .vendor(time ?? known, orReceipt: received))
    event.operation = .job
    event.state = state
    // A skipped job may have a start before its creation.
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
    event.attributes.add(AttributeName.cicdPipelineName, job.text("workflow_name"))
    event.attributes.add(AttributeName.cicdPipelineRunID, run)
    event.attributes.add(AttributeName.cicdPipelineTaskName, name)
    event.attributes.add(AttributeName.cicdPipelineTaskRunID, id)
    event.attributes.add(AttributeName.cicdPipelineTaskRunURLFull, job.text("html_url"))
    event.attributes.add(AttributeName.cicdWorkerID, job.int("runner_id").map(String.init))
    event.attributes.add(AttributeName.cicdWorkerName, job.text("runner_name"))
    event.attributes.add(AttributeName.valuestreamBuildAttempt, Int64(attempt))
    event.attributes.add(AttributeName.valuestreamWorkerGroup, job.text("runner_group_name"))
    let deployment = payload.root.object("deployment")
    event.attributes.add(AttributeName.deploymentEnvironmentName, deployment?.text("environment"))
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
      // After an approval, `started_at` is the time at which the job was queued.
      let start = isWaiting ? created : [created, started].compactMap { $0 }.max()
      return [PhaseStatement(track: "run", name: isWaiting ? "wait" : "queue", start: start ?? received)]
    }
    guard let started, outcome != .skip else { return [] }
    // A job that was cancelled before a runner took it has a start later than its end.
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

  // MARK: Classic spans

  /// Returns how a run or job changes the classic spans: one span while it is queued, then one while it runs, as for
  /// other vendors.
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
