import APIClient
import GitLabAPI
import PayloadReading
import ValueStreamCore

/// Pipelines with all their jobs, deployments, and pushes to the deployed branches.
extension GitLabImporter {
  func pipelines(of project: GitLabImportProject, page: UpdatedListCursor) async throws(APIError) -> Page {
    var requests: [Int64: PayloadObject] = [:]
    return try await updatedList("pipelines", of: project, page: page) { listed, body, _ throws(APIError) in
      let path = "/projects/\(project.id)/pipelines/\(listed.int("id") ?? 0)"
      let pipeline = try await api.get(path) { document, _ throws(APIError) in try document.object() }
      let jobs = try await api.all("\(path)/jobs?include_retried=true") { document throws(APIError) in try document.list() }
      var request: PayloadObject?
      if let number = GitLabPipelineRef.request(of: pipeline.text("ref") ?? "") {
        if requests[number] == nil {
          let path = "/projects/\(project.id)/merge_requests/\(number)"
          requests[number] = try await api.get(path) { document, _ throws(APIError) in try document.object() }
        }
        request = requests[number]
      }
      body.addPipeline(pipeline, jobs.sorted { ($0.int("id") ?? 0) < ($1.int("id") ?? 0) }, of: request)
    }
  }

  func deployments(of project: GitLabImportProject, page: UpdatedListCursor) async throws(APIError) -> Page {
    try await updatedList("deployments", of: project, page: page) { deployment, body, _ throws(APIError) in
      body.addDeployment(deployment)
    }
  }

  /// Reads pushes from the events of the project, which are sorted by their time.
  func pushes(of project: GitLabImportProject, page number: Int) async throws(APIError) -> Page {
    let path = "/projects/\(project.id)/events?action=pushed&sort=desc&per_page=100&page=\(number)"
    let (events, hasMore) = try await api.get(path) { document, links throws(APIError) in (try document.list(), links.next != nil)
    }
    let branches = branches(of: project)
    var body = GitLabImportBody(of: project)
    var page = Page(rows: [], next: nil)
    for event in events where selection.period.contains(event.time("created_at")) {
      guard let push = event.object("push_data"), push.text("ref_type") == "branch", let branch = push.text("ref"),
        branches.contains(branch), let id = event.identifier(), let time = event.time("created_at")
      else { continue }
      let (before, after) = (push.text("commit_from"), push.text("commit_to"))
      var commits: [GitLabCommit] = []
      if let before, let after {
        do throws(APIError) {
          let compare = "/projects/\(project.id)/repository/compare?from=\(before)&to=\(after)"
          commits = try await api.get(compare) { document, _ throws(APIError) in
            try document.object().objects("commits").compactMap { GitLabCommit($0) }
          }
        } catch {
          // After a forced push the former commits may be gone.
          guard error.code == .notFound || error.concern == .unclear else { throw error }
          page.missing += error.code == .notFound ? 0 : 1
          page.notes.append("the commits of a push to \(branch) at \(time.rfc3339) are missing: \(error)")
        }
      }
      // The newest commit comes last in a delivery.
      if commits.first?.id == after { commits.reverse() }
      body.addPush(
        branch, from: before, to: after, commits, total: Int(clamping: push.int("commit_count") ?? 0), id: ("push", id, "1"),
        at: time,
        by: event.text("author_username"))
    }
    let last = events.last?.time("created_at")
    page.rows = body.deliveries
    page.reached = last
    page.next = hasMore && !selection.period.isOver(at: last) ? "\(number + 1)" : nil
    return page
  }
}

enum GitLabPipelineRef {
  /// Returns the merge request in a ref such as `refs/merge-requests/12/head`; nil for a branch or tag.
  static func request(of ref: String) -> Int64? {
    let parts = ref.split(separator: "/")
    guard parts.count == 4, parts[0] == "refs", parts[1] == "merge-requests" else { return nil }
    return Int64(parts[2])
  }
}

extension GitLabImportBody {
  /// Adds the deliveries of a pipeline and its jobs.
  ///
  /// A pipeline whose jobs were started again ended before. The pipeline tells only its last end, but its jobs tell when the earlier ones
  /// were.
  ///
  /// - Parameters:
  ///   - jobs: all jobs, also those that were started again, in the order of their ids.
  ///   - request: the merge request that the pipeline is for.
  mutating func addPipeline(_ pipeline: PayloadObject, _ jobs: [PayloadObject], of request: PayloadObject?) {
    guard let id = pipeline.int("id"), let created = pipeline.time("created_at") else { return }
    for end in Self.earlierEnds(of: jobs) {
      let past = jobs.filter { ($0.time("created_at") ?? created) < end.before }
      addPipeline(pipeline, id, past, of: request, status: end.status, finished: end.time, at: end.time)
    }
    let status = pipeline.text("status") ?? ""
    let isOver = ["success", "failed", "canceled", "skipped"].contains(status)
    let finished = isOver ? pipeline.time("finished_at") ?? pipeline.time("updated_at") : nil
    addPipeline(
      pipeline, id, jobs, of: request, status: status, finished: finished, at: finished ?? pipeline.time("updated_at") ?? created)
    for job in jobs { addJob(job, of: id) }
  }

  /// Returns the ends before jobs were started again: when all jobs of before were over.
  private static func earlierEnds(of jobs: [PayloadObject]) -> [(time: Timestamp, before: Timestamp, status: String)] {
    var names: Set<String> = []
    var ends: [(time: Timestamp, before: Timestamp, status: String)] = []
    for (index, job) in jobs.enumerated() {
      guard let name = job.text("name"), !names.insert(name).inserted, let again = job.time("created_at") else { continue }
      let past = jobs[..<index].filter { ($0.time("created_at") ?? again) < again }
      let finished = past.compactMap { $0.time("finished_at") }
      guard finished.count == past.count, let end = finished.max(), end <= again, ends.last?.time != end else { continue }
      let isFailed = past.contains { $0.text("status") == "failed" && $0.bool("allow_failure") != true }
      ends.append((end, again, isFailed ? "failed" : past.contains { $0.text("status") == "canceled" } ? "canceled" : "success"))
    }
    return ends
  }

  private mutating func addPipeline(
    _ pipeline: PayloadObject, _ id: Int64, _ jobs: [PayloadObject], of request: PayloadObject?, status: String,
    finished: Timestamp?,
    at time: Timestamp
  ) {
    var attributes = [
      JSONPair("id", .number(id)), JSONPair("name", .text(pipeline.text("name"))),
      JSONPair("ref", .text(request?.text("source_branch") ?? pipeline.text("ref"))),
      JSONPair("tag", .flag(pipeline.bool("tag") ?? false)),
      JSONPair("sha", .text(pipeline.text("sha"))), JSONPair("before_sha", .text(pipeline.text("before_sha"))),
      JSONPair("source", .text(pipeline.text("source"))), JSONPair("status", .text(status)),
      JSONPair("created_at", .time(pipeline.time("created_at"))), JSONPair("finished_at", .time(finished)),
      JSONPair("url", .text(pipeline.text("web_url"))),
    ]
    if let number = pipeline.int("iid") { attributes.append(JSONPair("iid", .number(number))) }
    for (name, value) in [("duration", pipeline.int("duration")), ("queued_duration", pipeline.int("queued_duration"))] {
      if let value { attributes.append(JSONPair(name, .number(value))) }
    }
    var members = [
      JSONPair("object_attributes", .object(attributes)), JSONPair("builds", .list(jobs.map { .object(Self.members(of: $0)) })),
    ]
    if let request { members.append(JSONPair("merge_request", .object(Self.members(ofRequest: request)))) }
    if let commit = jobs.lazy.compactMap({ $0.object("commit").flatMap { GitLabCommit($0) } }).first {
      members.append(JSONPair("commit", commit.json))
    }
    add(
      "Pipeline Hook", "pipeline", id: ("pipeline", "\(id)", "\(status).\(time.seconds)"), at: time,
      by: pipeline.object("user")?.text("username"), members)
  }

  private static func members(ofRequest request: PayloadObject) -> [JSONPair] {
    var members = [
      JSONPair("source_branch", .text(request.text("source_branch"))),
      JSONPair("target_branch", .text(request.text("target_branch"))),
      JSONPair("url", .text(request.text("web_url"))),
    ]
    for name in ["id", "iid", "source_project_id", "target_project_id"] as [StaticString] {
      if let number = request.int(name) { members.append(JSONPair("\(name)", .number(number))) }
    }
    return members
  }

  /// Returns a job as pipelines list it.
  private static func members(of job: PayloadObject) -> [JSONPair] {
    var members = [
      JSONPair("stage", .text(job.text("stage"))), JSONPair("name", .text(job.text("name"))),
      JSONPair("status", .text(job.text("status"))),
      JSONPair("created_at", .time(job.time("created_at"))), JSONPair("started_at", .time(job.time("started_at"))),
      JSONPair("finished_at", .time(job.time("finished_at"))),
      JSONPair("allow_failure", .flag(job.bool("allow_failure") ?? false)),
      JSONPair("failure_reason", .text(job.text("failure_reason"))),
    ]
    if let id = job.int("id") { members.append(JSONPair("id", .number(id))) }
    for (name, key) in [("duration", "duration"), ("queued_duration", "queued_duration")] as [(String, StaticString)] {
      if let seconds = job.duration(key) { members.append(JSONPair(name, .decimal(seconds))) }
    }
    return members
  }

  private mutating func addJob(_ job: PayloadObject, of pipeline: Int64) {
    guard let id = job.int("id"), let created = job.time("created_at") else { return }
    let status = job.text("status") ?? ""
    let time = job.time("finished_at") ?? job.time("started_at") ?? created
    var members = [
      JSONPair("ref", .text(job.text("ref"))), JSONPair("tag", .flag(job.bool("tag") ?? false)),
      JSONPair("sha", .text(job.object("commit")?.text("id"))), JSONPair("build_id", .number(id)),
      JSONPair("build_name", .text(job.text("name"))), JSONPair("build_stage", .text(job.text("stage"))),
      JSONPair("build_status", .text(status)), JSONPair("build_created_at", .time(created)),
      JSONPair("build_started_at", .time(job.time("started_at"))), JSONPair("build_finished_at", .time(job.time("finished_at"))),
      JSONPair("build_allow_failure", .flag(job.bool("allow_failure") ?? false)),
      JSONPair("build_failure_reason", .text(job.text("failure_reason"))), JSONPair("pipeline_id", .number(pipeline)),
      JSONPair("project_name", .text(project.path)),
    ]
    if let seconds = job.duration("queued_duration") { members.append(JSONPair("build_queued_duration", .decimal(seconds))) }
    if let runner = job.object("runner")?.int("id") {
      members.append(JSONPair("runner", .object([JSONPair("id", .number(runner))])))
    }
    add(
      "Job Hook", "build", id: ("job", "\(id)", "\(status).\(time.seconds)"), at: time, by: job.object("user")?.text("username"),
      members)
  }

  /// Adds the deliveries of a deployment: its start, and its end.
  mutating func addDeployment(_ deployment: PayloadObject) {
    guard let id = deployment.int("id"), let created = deployment.time("created_at") else { return }
    let status = deployment.text("status") ?? deployment.object("deployable")?.text("status") ?? ""
    let job = deployment.object("deployable")
    let isOver = ["success", "failed", "canceled", "skipped", "rejected"].contains(status)
    if isOver, status != "skipped" { addDeployment(deployment, id, "running", at: job?.time("started_at") ?? created) }
    let end = deployment.time("finished_at") ?? job?.time("finished_at") ?? deployment.time("updated_at")
    addDeployment(deployment, id, status, at: isOver ? end ?? created : job?.time("started_at") ?? created)
  }

  private mutating func addDeployment(_ deployment: PayloadObject, _ id: Int64, _ status: String, at time: Timestamp) {
    let environment = deployment.object("environment")
    let sha = deployment.text("sha")
    var members = [
      JSONPair("status", .text(status)), JSONPair("status_changed_at", .time(time)), JSONPair("deployment_id", .number(id)),
      JSONPair("environment", .text(environment?.text("name"))), JSONPair("environment_slug", .text(environment?.text("slug"))),
      JSONPair("environment_tier", .text(environment?.text("tier"))),
      JSONPair("environment_external_url", .text(environment?.text("external_url"))),
      JSONPair("short_sha", .text(sha.map { String($0.prefix(8)) })),
      JSONPair("commit_url", .text(sha.map { "\(project.url)/-/commit/\($0)" })), JSONPair("ref", .text(deployment.text("ref"))),
    ]
    if let job = deployment.object("deployable")?.int("id") { members.append(JSONPair("deployable_id", .number(job))) }
    add(
      "Deployment Hook", "deployment", id: ("deployment", "\(id)", "\(status).\(time.seconds)"), at: time,
      by: deployment.object("user")?.text("username"), members)
  }
}
