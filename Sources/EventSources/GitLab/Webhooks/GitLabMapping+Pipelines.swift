import PayloadReading
import ValueStreamCore

/// Maps pipelines and their jobs.
extension GitLabMapping {
  // MARK: Pipelines

  /// Returns the pipeline as it is. If it runs again, also returns the end of its previous run.
  func pipelineEvents() throws(PayloadError) -> [Event] {
    let pipeline = try payload.attributes()
    let project = try payload.requireProject()
    let id = try pipeline.requireInt("id")
    let status = pipeline.string("status") ?? ""
    let state = GitLabStatus.state(status)
    let created = pipeline.time("created_at")
    let builds = payload.root.objects("builds")
    let activity = GitLabActivity(builds, created: created)
    // A pipeline that runs again still has the end of its previous run.
    let endedBefore = state == .ended ? nil : pipeline.time("finished_at")
    let finished = state == .ended ? pipeline.time("finished_at") : nil
    // A pipeline has no time of its last change. The latest time in the payload comes closest.
    let latest = [created, activity.latest].compactMap { $0 }.max()
    let isNewer = latest.map { latest in endedBefore.map { latest > $0 } ?? true } ?? false
    let time = EventTime.vendor(finished ?? (isNewer ? latest : nil), orReceipt: received)
    let started = start(of: pipeline, created: created, activity)
    var event = Event(key: key(GitLabKey.pipeline, id, of: project), time: time, attempt: .counted)
    event.operation = .build
    event.name = "\(project.path) pipeline \(pipeline.text("name").map { "\($0) " } ?? "")\(id)"
    event.state = state
    event.marks = begin(created, isOver: finished != nil) + activity.bursts.map { .begin(.vendor($0.begin)) }
    if state == .ended { event.marks.append(.end(finished.map(EventTime.vendor) ?? standIn(latest))) }
    let reason = Self.commonReason(ofFailed: builds)
    event.outcome = GitLabStatus.outcome(status, reason: reason)
    event.phases =
      pipelinePhases(
        pipeline, state, activity, created: created, started: started, finished: finished, at: time.timestamp, event.outcome)
      + Self.openings(activity)
    event.publishes = [classicID("build", of: project.name, id)]
    event.follows = parents(of: pipeline, in: project)
    describe(project, in: &event)
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, pipeline.text("name") ?? project.path)
    event.attributes.add(AttributeName.cicdPipelineRunID, String(id))
    event.attributes.add(AttributeName.cicdPipelineRunURLFull, pipeline.text("url"))
    if event.outcome?.isError == true { event.attributes.add(AttributeName.errorType, reason ?? status) }
    event.attributes.add(AttributeName.valuestreamBuildNumber, pipeline.int("iid"))
    event.attributes.add(AttributeName.valuestreamBuildTrigger, pipeline.text("source"))
    event.attributes.add(AttributeName.valuestreamBuildActor, payload.root.object("user")?.text("username"))
    describeHead(
      pipeline.text("sha"), ref: pipeline.text("ref"), isTag: pipeline.bool("tag") ?? false, in: &event)
    event.attributes += GitLabClassicTags.pipeline(pipeline, payload, id: id, project: project)
    event.classic = classicMark(
      type: "pipeline", status, created: created, started: started, at: time, canBeCreated: false)
    return [event] + (endedBefore.map { [pastEnd(of: event, at: $0)] } ?? [])
  }

  /// Returns the end of the previous run, in case its payload was missed. The outcome stays unknown, because only
  /// that payload has it.
  private func pastEnd(of event: Event, at end: Timestamp) -> Event {
    var past = Event(key: event.key, time: .vendor(end), attempt: .counted)
    past.operation = event.operation
    past.name = event.name
    past.owner = event.owner
    past.project = event.project
    past.state = .ended
    past.marks = event.marks.filter { $0.kind == .begin && $0.time.timestamp <= end } + [.end(.vendor(end))]
    return past
  }

  /// Returns the start of a pipeline or job. The time of receipt stands in for a missing one, but not if the end is
  /// known: it would be later than the end.
  private func begin(_ time: Timestamp?, isOver: Bool) -> [LifeMark] {
    if let time { return [.begin(.vendor(time))] }
    return isOver ? [] : [.begin(.receipt(received))]
  }

  /// Returns the common failure reason of the jobs that made the pipeline fail. Nil if they have different reasons.
  private static func commonReason(ofFailed builds: [PayloadObject]) -> String? {
    let failed = builds.filter { $0.string("status") == "failed" && $0.bool("allow_failure") != true }
    let reasons = Set(failed.map { $0.text("failure_reason") })
    return reasons.count == 1 ? reasons.first ?? nil : nil
  }

  /// Returns when the pipeline started to run: the start of its first job, else its creation plus its time in the
  /// queue.
  private func start(of pipeline: PayloadObject, created: Timestamp?, _ activity: GitLabActivity) -> Timestamp? {
    if let first = activity.firstStart { return first }
    guard let created, let queued = pipeline.duration("queued_duration") else { return nil }
    return created.moved(byStated: queued)
  }

  private func pipelinePhases(
    _ pipeline: PayloadObject, _ state: LifecycleState, _ activity: GitLabActivity, created: Timestamp?, started: Timestamp?,
    finished: Timestamp?, at time: Timestamp, _ outcome: Outcome?
  ) -> [PhaseStatement] {
    let isManual = pipeline.string("status") == "manual"
    let created = created ?? received
    let queue = PhaseStatement(track: "run", name: isManual ? "wait" : "queue", start: created)
    // A pipeline that stopped at a manual job after other jobs ran has left the queue.
    guard state >= .running || isManual && started != nil else { return [queue] }
    guard outcome != .skip else { return [] }
    // The pipeline was cancelled in the queue. None of its jobs ran.
    let isCancelled = outcome == .cancellation || pipeline.string("status") == "canceling" && activity.latest != nil
    if isCancelled, started == nil, pipeline.duration("duration") ?? 0 == 0 { return [queue] }
    var phases: [PhaseStatement] = []
    if let started {
      if created < started { phases.append(PhaseStatement(track: "run", name: "queue", start: created)) }
      phases.append(PhaseStatement(track: "run", name: "run", start: started))
    } else if finished == nil {
      phases.append(.seen(track: "run", name: "run", at: time))
    }
    if let finished { phases.append(PhaseStatement(track: "run", name: "run", end: finished, outcome: outcome)) }
    return phases
  }

  /// Returns the phases that open a run, for each burst of jobs. They count only for bursts with which an attempt
  /// begins.
  private static func openings(_ activity: GitLabActivity) -> [PhaseStatement] {
    activity.bursts.flatMap { burst -> [PhaseStatement] in
      let run = burst.run.map { PhaseStatement.opening(track: "run", name: "run", start: $0, ofAttemptAt: burst.begin) }
      let queue = PhaseStatement.opening(track: "run", name: "queue", start: burst.begin, ofAttemptAt: burst.begin)
      guard let run else { return [queue] }
      if burst.begin != burst.run { return [queue, run] }
      // `pipelinePhases` already states the start of the first job.
      return burst.run == activity.firstStart ? [] : [run]
    }
  }

  /// Returns the parents. A child pipeline belongs to the job or pipeline that started it, any other to its merge
  /// request or its commit's change.
  private func parents(of pipeline: PayloadObject, in project: GitLabProject) -> [FollowStatement] {
    let source = payload.root.object("source_pipeline")
    let starter = source?.int("job_id").map { id in
      Reference.key(key(GitLabKey.job, id, ofProject: source?.object("project")?.int("id"), else: project))
    }
    let upstream = source?.int("pipeline_id").map { id in
      Reference.key(key(GitLabKey.pipeline, id, ofProject: source?.object("project")?.int("id"), else: project))
    }
    let request = payload.root.object("merge_request")
    let change = request?.int("iid").map { iid in
      Reference.key(key("pull_request", iid, ofProject: request?.int("target_project_id"), else: project))
    }
    var statements = followLink([starter, upstream, change].compactMap { $0 })
    // A scheduled pipeline runs on the latest commit, but does not belong to the change that made it.
    if pipeline.string("source") != "schedule" {
      statements.append(followCommit(pipeline.text("sha")))
      let isFork = request.map { $0.int("source_project_id") != $0.int("target_project_id") } ?? false
      if let message = payload.root.object("commit")?.longText("message") {
        statements += written(in: project, reach: isFork ? .sameOwner : .anywhere).statements(message: message)
      }
    }
    return statements
  }

  // MARK: Jobs

  /// Maps a job, and its deploy if the job has an environment.
  func jobEvents() throws(PayloadError) -> [Event] {
    let job = payload.root
    let project = try payload.requireProject()
    let id = try job.requireInt("build_id")
    let status = job.string("build_status") ?? ""
    let state = GitLabStatus.state(status)
    let created = job.time("build_created_at")
    let started = job.time("build_started_at")
    let finished = job.time("build_finished_at") ?? Self.end(of: job, started: started)
    // The last time in the payload stands in for missing ones.
    let known = [created, started].compactMap { $0 }.max()
    let pipeline = job.int("pipeline_id") ?? job.object("commit")?.int("id")
    var event = Event(
      key: key(GitLabKey.job, id, of: project),
      time: .vendor((state == .ended ? finished : nil) ?? known, orReceipt: received))
    event.operation = .job
    event.state = state
    event.marks = begin(created ?? started, isOver: finished != nil)
    let reason = job.text("build_failure_reason")
    let isAllowed = job.bool("build_allow_failure") == true && status == "failed"
    if state == .ended {
      event.marks.append(.end(finished.map(EventTime.vendor) ?? standIn(known)))
      event.outcome = isAllowed ? .success : GitLabStatus.outcome(status, reason: reason)
    }
    event.phases = jobPhases(job, state, created: created, started: started, finished: finished, event.outcome)
    event.publishes = [classicID("build", of: job.text("project_name") ?? project.name, id)]
    if let pipeline { event.follows = followLink([.key(key(GitLabKey.pipeline, pipeline, of: project))]) }
    let name = job.text("build_name")
    event.name = "\(project.path) \(name ?? "job \(id)")"
    describe(project, in: &event)
    event.attributes.add(AttributeName.cicdPipelineRunID, pipeline.map(String.init))
    event.attributes.add(AttributeName.cicdPipelineTaskName, name)
    event.attributes.add(AttributeName.cicdPipelineTaskRunID, String(id))
    event.attributes.add(AttributeName.cicdPipelineTaskRunURLFull, project.url.map { "\($0)/-/jobs/\(id)" })
    event.attributes.add(AttributeName.cicdWorkerID, job.object("runner")?.int("id").map(String.init))
    event.attributes.add(AttributeName.valuestreamBuildStage, job.text("build_stage"))
    event.attributes.add(AttributeName.valuestreamBuildRetries, job.int("retries_count"))
    event.attributes.add(AttributeName.valuestreamAllowedFailure, isAllowed ? true : nil)
    if event.outcome?.isError == true { event.attributes.add(AttributeName.errorType, reason ?? status) }
    let environment = job.object("environment")
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment?.text("name"))
    describeHead(job.text("sha"), ref: job.text("ref"), isTag: job.bool("tag") ?? false, in: &event)
    event.attributes += GitLabClassicTags.job(job, id: id, project: project)
    event.classic = classicMark(
      type: "build", status, created: created, started: started, at: event.time, canBeCreated: true)
    guard let environment, environment.text("action") ?? "start" == "start",
      let deploy = deployEvent(ofJob: id, event, to: environment, in: project)
    else { return [event] }
    return [event, deploy]
  }

  /// Returns the phases of a job.
  ///
  /// A job is created with its pipeline, waits for earlier stages, and then waits in the queue. GitLab sends the
  /// seconds in the queue only from the start of the job, so until then all of the wait counts as the queue.
  private func jobPhases(
    _ job: PayloadObject, _ state: LifecycleState, created: Timestamp?, started: Timestamp?, finished: Timestamp?,
    _ outcome: Outcome?
  ) -> [PhaseStatement] {
    let created = created ?? received
    let isManual = ["manual", "scheduled"].contains(job.string("build_status") ?? "")
    guard state >= .running else { return [PhaseStatement(track: "run", name: isManual ? "wait" : "queue", start: created)] }
    guard let started else {
      // A job that was cancelled or failed before it ran was in the queue until then.
      let isUnrun = ["canceled", "failed"].contains(job.string("build_status") ?? "")
      return isUnrun ? [PhaseStatement(track: "run", name: "queue", start: created)] : []
    }
    var run = PhaseStatement(track: "run", name: "run", start: started)
    if state == .ended { (run.end, run.outcome) = (finished, outcome) }
    guard created < started else { return [run] }
    let wait = job.duration("build_queued_duration").map { started.seconds(since: created) - $0 } ?? 0
    guard wait > 1 else { return [PhaseStatement(track: "run", name: "queue", start: created), run] }
    return [
      PhaseStatement(track: "run", name: "wait", start: created),
      PhaseStatement(track: "run", name: "queue", start: min(created.moved(byStated: wait) ?? started, started)), run,
    ]
  }

  /// Returns the start plus the duration in seconds, for payloads that have no end. Nil if either is missing.
  private static func end(of job: PayloadObject, started: Timestamp?) -> Timestamp? {
    guard let started, let duration = job.duration("build_duration") else { return nil }
    return started.advanced(bySeconds: duration)
  }

  // MARK: Classic spans

  /// Returns how a status changes the classic spans: one span while the pipeline or job waits, one while it runs. Nil
  /// if it changes nothing.
  private func classicMark(
    type: String, _ status: String, created: Timestamp?, started: Timestamp?, at time: EventTime, canBeCreated: Bool
  ) -> ClassicMark? {
    let transition: ClassicMark.Transition
    var mark = ClassicMark(eventSource: "gitlab", type: type, .start, state: status, time: time)
    switch status {
    case "pending": (transition, mark.time) = (.start, .vendor(created, orReceipt: received))
    case "created" where canBeCreated: (transition, mark.time) = (.start, .vendor(created, orReceipt: received))
    case "running": (transition, mark.time) = (.transition, .vendor(started, orReceipt: received))
    case "success", "failed", "canceled", "skipped":
      transition = .end
      mark.begin = (started ?? created).map(EventTime.vendor)
      mark.isError = status == "failed"
    default: return nil
    }
    mark.transition = transition
    if status == "pending" { mark.refines = "created" }
    return mark
  }
}
