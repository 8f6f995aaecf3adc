import PayloadReading
import ValueStreamCore

/// Maps check runs, check suites and commit statuses, which other programs report for a commit.
///
/// A check run of the app `github-actions` is a workflow job with the same id. Its suite is the workflow run.
extension GitHubMapping {
  private static func isActions(_ app: PayloadObject?) -> Bool {
    app?.string("slug") == "github-actions"
  }

  // MARK: Check runs

  func checkRunEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let check = try payload.root.requireObject("check_run")
    let id = String(try check.requireInt("id"))
    let app = check.object("app")
    let isJob = Self.isActions(app)
    let started = check.time("started_at")
    let completed = check.time("completed_at")
    let state = Self.state(ofStatus: check.string("status"), action: payload.action)
    let isOver = state == .ended
    // `workflow_job` payloads say more about a job. With a time of receipt this event yields to theirs.
    let time = isJob ? .receipt(received) : EventTime.vendor(isOver ? completed ?? started : started, orReceipt: received)
    var event = Event(key: key(isJob ? GitHubKey.job : "check", id, of: repository), time: time)
    event.operation = .job
    event.state = state
    if let started { event.marks.append(.begin(.vendor(started))) }
    if isOver {
      event.marks.append(.end(completed.map(EventTime.vendor) ?? standIn(started)))
      event.conclude(check.string("conclusion"))
    }
    let suite = check.object("check_suite")
    event.follows =
      followLink(parents(of: check, suite: suite, isJob: isJob, in: repository)) + [followCommit(commit("head_sha", of: check))]
    let name = check.text("name")
    event.name = "\(repository.fullName) \(name ?? id)"
    describe(repository, in: &event)
    event.attributes.add(AttributeName.cicdPipelineTaskName, name)
    event.attributes.add(AttributeName.cicdPipelineTaskRunID, id)
    event.attributes.add(AttributeName.cicdPipelineTaskRunURLFull, check.text("details_url") ?? check.text("html_url"))
    event.attributes.add(AttributeName.valuestreamCheckApp, app?.text("name") ?? app?.text("slug"))
    describeHead(check.text("head_sha"), branch: suite?.text("head_branch"), in: &event)
    if isJob { return event }
    event.attributes += GitHubClassicTags.build(
      id: id, name: name, url: check.text("html_url"), attempt: nil, head: check, repository: repository)
    event.classic = classicMark(
      type: "build", isOver ? .ended : .pending, conclusion: check.string("conclusion"), start: started, at: event.time)
    return event
  }

  private func parents(
    of check: PayloadObject, suite: PayloadObject?, isJob: Bool, in repository: GitHubRepository
  ) -> [Reference] {
    if isJob {
      if let run = check.text("details_url").flatMap(GitHubURL.run) { return [.key(key(GitHubKey.run, run, of: repository))] }
      return [self.suite(suite?.int("id"))].compactMap { $0 }
    }
    let parent = suite?.int("id").map { Reference.key(key("suite", String($0), of: repository)) }
    return [parent].compactMap { $0 } + pullRequests(of: check, in: repository)
  }

  // MARK: Check suites

  func checkSuiteInterpretation() throws(PayloadError) -> Interpretation {
    let repository = try requireRepository()
    let suite = try payload.root.requireObject("check_suite")
    let id = String(try suite.requireInt("id"))
    let app = suite.object("app")
    if Self.isActions(app) { return .ignored(reason: "a suite of Actions, of which workflow_run tells all") }
    let created = suite.time("created_at")
    let state = Self.state(ofStatus: suite.string("status"), action: payload.action)
    let isOver = state == .ended
    let updated = suite.time("updated_at")
    var event = Event(key: key("suite", id, of: repository), time: .vendor(updated ?? created, orReceipt: received))
    event.operation = .build
    event.state = state
    event.marks = [.begin(.vendor(created, orReceipt: received))]
    if isOver {
      // After a request to run again, the suite still has its old conclusion, and `updated_at` is the time of the
      // request. Only a `completed` payload has the time of the end.
      let isTold = payload.action == "completed" && updated != nil
      event.marks.append(.end(isTold ? event.time : standIn(updated ?? created)))
      event.conclude(suite.string("conclusion"))
    }
    event.follows =
      followLink(pullRequests(of: suite, in: repository)) + [followCommit(commit("head_sha", of: suite))]
      + followMessage(suite.object("head_commit")?.longText("message"), in: repository)
    let name = app?.text("name") ?? app?.text("slug")
    event.name = "\(repository.fullName) \(name ?? "checks \(id)")"
    describe(repository, in: &event)
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, name)
    event.attributes.add(AttributeName.cicdPipelineRunID, id)
    describeHead(suite.text("head_sha"), branch: suite.text("head_branch"), in: &event)
    event.attributes += GitHubClassicTags.build(
      id: id, name: name, url: suite.text("url"), attempt: nil, head: suite, repository: repository)
    event.classic = classicMark(
      type: "build", isOver ? .ended : .pending, conclusion: suite.string("conclusion"), start: created, at: event.time)
    return .events([event])
  }

  // MARK: Statuses

  /// Maps a commit status, GitHub's older way to report a build. Each report has an id of its own, so commit and
  /// context identify the build.
  func statusEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let status = payload.root
    let sha = try status.requireText("sha").lowercased()
    let context = status.text("context") ?? "default"
    let isPending = status.string("state") == "pending"
    let time = EventTime.vendor(status.time("updated_at") ?? status.time("created_at"), orReceipt: received)
    var event = Event(key: key("check", "\(sha)/\(context)", of: repository), time: time, attempt: .counted)
    event.operation = .build
    event.state = isPending ? .running : .ended
    event.marks = [isPending ? .begin(time) : .end(time)]
    let state = status.string("state")
    switch state {
    case "success": event.outcome = .success
    case "failure": event.outcome = .failure
    case "error": event.outcome = .error
    default: break
    }
    if event.outcome?.isError == true { event.attributes.add(AttributeName.errorType, state) }
    event.follows =
      [followCommit(sha)]
      + followMessage(payload.root.object("commit")?.object("commit")?.longText("message"), in: repository)
    event.name = "\(repository.fullName) \(context)"
    describe(repository, in: &event)
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, context)
    event.attributes.add(AttributeName.cicdPipelineRunURLFull, status.text("target_url"))
    event.attributes.add(AttributeName.vcsRefHeadRevision, sha)
    event.attributes += GitHubClassicTags.build(
      id: sha, name: context, url: status.text("target_url"), attempt: nil, head: status, repository: repository)
    event.classic = ClassicMark(
      eventSource: "github", type: "build", isPending ? .start : .end, state: state ?? "", time: time,
      isError: event.outcome?.isError ?? false)
    return event
  }
}
