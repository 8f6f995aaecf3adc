import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// Workflow runs with all their attempts and jobs.
extension GitHubImporter {
  /// The greatest number of runs that GitHub lists with a filter.
  static let runLimit: Int64 = 1000

  /// A run can be started again for 30 days, so that its record changes long after it was created.
  private static let overlapSeconds = 35.0 * 86_400

  func workflowRuns(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    var windows = cursor.flatMap { RunWindows($0) } ?? windows(of: repository)
    guard let query = windows.query else { return Page(rows: [], next: nil) }
    var notes: [String] = []
    let path = "/repos/\(repository.fullName)/actions/runs?\(query)&per_page=\(Self.pageSize)"
    let (total, runs, hasMore) = try await api.get(path) { document, links throws(APIError) in
      let answer = try document.object()
      // GitHub gives no number above some size.
      return (answer.int("total_count") ?? .max, answer.listing("workflow_runs"), links.next != nil)
    }
    if windows.page == 1, total >= Self.runLimit {
      if windows.halve() { return Page(rows: [], next: windows.cursor) }
      notes.append("more than \(Self.runLimit) runs began in one second; GitHub lists only the first")
    }
    var body = GitHubImportBody(of: repository)
    var page = Page(rows: [], next: nil)
    page.missing = runs.missing
    for run in runs.items {
      do throws(APIError) {
        let attempts = try await attempts(of: run, in: repository)
        let jobs = try await jobs(ofRun: run.int("id") ?? 0, in: repository)
        page.missing += jobs.missing
        for attempt in attempts.runs { body.addRun(attempt, jobs: jobs.items) }
        notes += attempts.notes
      } catch {
        guard error.concern == .unclear else { throw error }
        page.missing += 1
        notes.append("the jobs of run \(run.int("id") ?? 0) are missing: \(error)")
        body.addRun(run, jobs: [])
      }
    }
    windows.advance(hasMore: hasMore)
    page.rows = body.deliveries
    page.next = windows.cursor
    page.reached = windows.reached ?? runs.items.last?.time("created_at")
    page.notes = runs.notes + notes
    return page
  }

  func windows(of repository: GitHubImportRepository) -> RunWindows {
    let since = selection.period.since?.advanced(bySeconds: -Self.overlapSeconds) ?? repository.createdAt
    let until = selection.period.until?.advanced(bySeconds: -1) ?? began
    return RunWindows(from: max(since, repository.createdAt), to: min(until, began))
  }

  /// Returns all attempts of a run. Lists have only the last one.
  private func attempts(
    of run: PayloadObject, in repository: GitHubImportRepository
  ) async throws(APIError) -> (runs: [PayloadObject], notes: [String]) {
    let last = run.int("run_attempt") ?? 1
    guard last > 1, let id = run.int("id") else { return ([run], []) }
    var runs: [PayloadObject] = []
    for number in 1..<min(last, Self.attemptLimit) {
      do throws(APIError) {
        let path = "/repos/\(repository.fullName)/actions/runs/\(id)/attempts/\(number)"
        runs.append(try await api.get(path) { document, _ throws(APIError) in try document.object() })
      } catch {
        guard error.code == .notFound else { throw error }
        return (runs + [run], ["attempt \(number) of run \(id) is not there any more"])
      }
    }
    return (runs + [run], [])
  }

  private static let attemptLimit: Int64 = 100

  /// Returns the jobs of all attempts of a run.
  ///
  /// GitHub often fails at 100 jobs. A failed page is asked for again in smaller pieces, and the next runs begin with the size that worked.
  private func jobs(
    ofRun id: Int64, in repository: GitHubImportRepository
  ) async throws(APIError) -> (items: [PayloadObject], missing: Int) {
    var jobs: [PayloadObject] = []
    var missing = 0
    var offset = 0
    while true {
      var asked = PageSizing.Asked(size: 80, failures: 0)
      var size = 80
      let (listing, total) = try await api.get { failures in
        asked = jobSizing.next(atMost: 80, failures: failures)
        // The pages of any size begin at its multiples.
        size = Self.divisor(of: offset, atMost: asked.size)
        return "/repos/\(repository.fullName)/actions/runs/\(id)/jobs?filter=all&per_page=\(size)&page=\(offset / size + 1)"
      } read: { document, _ throws(APIError) in
        let answer = try document.object()
        return (answer.listing("jobs"), answer.int("total_count").map { Int(clamping: $0) })
      }
      jobSizing.note(asked)
      jobs += listing.items
      missing += listing.missing
      offset += listing.count
      if listing.count < size || total.map({ offset >= $0 }) == true { return (jobs, missing) }
    }
  }

  /// Returns the greatest number up to a bound that divides an offset.
  static func divisor(of offset: Int, atMost bound: Int) -> Int {
    (1...max(1, bound)).last { offset % $0 == 0 } ?? 1
  }
}

extension GitHubImportBody {
  /// Adds the deliveries of an attempt of a run and of its jobs.
  ///
  /// GitHub does not say when a run began to run. It is when the first of its jobs did.
  ///
  /// - Parameter jobs: the jobs of all attempts.
  mutating func addRun(_ run: PayloadObject, jobs: [PayloadObject]) {
    guard let id = run.int("id") else { return }
    let attempt = run.int("run_attempt") ?? 1
    let own = jobs.filter { ($0.int("run_attempt") ?? 1) == attempt }
    let status = run.text("status") ?? "completed"
    let began = run.time("run_started_at") ?? run.time("created_at")
    let updated = run.time("updated_at") ?? began ?? .epoch
    let starts = own.filter(Self.isStarted).compactMap { $0.time("started_at") }
    // A job that an earlier attempt ran began before this one.
    let started = starts.filter { start in began.map { start >= $0 } ?? true }.min()
    if status != "queued", let started {
      addRun(run, id, attempt, "in_progress", status: "in_progress", at: min(started, updated))
    } else if let began, status != "in_progress" {
      addRun(run, id, attempt, "requested", status: "queued", at: min(began, updated))
    } else {
      addRun(run, id, attempt, "in_progress", status: "in_progress", at: updated)
    }
    if status == "completed" { addRun(run, id, attempt, "completed", status: status, at: end(of: run, own) ?? updated) }
    if attempt == 1 { addMergeGroup(of: run, id) }
    for job in own { addJob(job) }
  }

  /// Adds the group of the merge queue that a run checks, which ties the run to its pull request.
  ///
  /// The group is gone, but the branch of its run names the pull request.
  private mutating func addMergeGroup(of run: PayloadObject, _ id: Int64) {
    guard run.text("event") == "merge_group", let branch = run.text("head_branch"), branch.hasPrefix("gh-readonly-queue/") else {
      return
    }
    let commit = run.object("head_commit")
    guard let time = commit?.time("timestamp") ?? run.time("created_at") else { return }
    add("merge_group", "checks_requested", id: ("merge_group", "\(id)", "1"), at: time) { json in
      let head = JSONMember.object([JSONPair("id", .text(commit?.text("id"))), JSONPair("timestamp", .time(time))])
      let group = JSONMember.object([
        JSONPair("head_sha", .text(run.text("head_sha"))), JSONPair("head_ref", .text("refs/heads/\(branch)")),
        JSONPair("head_commit", head),
      ])
      json.members([JSONPair("merge_group", group)])
    }
  }

  private mutating func addRun(
    _ run: PayloadObject, _ id: Int64, _ attempt: Int64, _ action: String, status: String, at time: Timestamp
  ) {
    add("workflow_run", action, id: ("workflow_run", "\(id)", "\(attempt).\(action)"), at: time) { json in
      let conclusion = status == "completed" ? run.text("conclusion") : nil
      json.member(
        "workflow_run", run,
        setting: [
          JSONPair("status", .text(status)), JSONPair("conclusion", .text(conclusion)), JSONPair("updated_at", .time(time)),
        ])
      json.name("workflow")
      json.value(
        .object([
          JSONPair("id", .number(run.int("workflow_id") ?? 0)), JSONPair("name", .text(run.text("name"))),
          JSONPair("path", .text(run.text("path"))),
        ]))
    }
  }

  /// Returns the end of a run: its last change, unless that lies long after its last job, as when its logs were deleted.
  private func end(of run: PayloadObject, _ jobs: [PayloadObject]) -> Timestamp? {
    let updated = run.time("updated_at")
    guard let last = jobs.compactMap({ $0.time("completed_at") }).max(), let updated else { return updated }
    return updated.seconds(since: last) > Self.lateChangeSeconds ? last : updated
  }

  private static let lateChangeSeconds = 3600.0

  /// True if a runner took the job. A job that waits, or was skipped, has a start as well.
  private static func isStarted(_ job: PayloadObject) -> Bool {
    guard job.has("runner_id") else { return ["success", "failure"].contains(job.text("conclusion")) }
    return job.text("status") != "queued" && job.text("conclusion") != "skipped" && (job.int("runner_id") ?? 0) > 0
  }

  private mutating func addJob(_ job: PayloadObject) {
    guard let id = job.int("id") else { return }
    let status = job.text("status") ?? "completed"
    let time = job.time("completed_at") ?? job.time("started_at") ?? job.time("created_at") ?? .epoch
    // Webhooks say `waiting` of a job that waits for an approval, and `queued` of one that waits for a runner.
    let action = ["completed", "in_progress", "waiting"].contains(status) ? status : "queued"
    add("workflow_job", action, id: ("workflow_job", "\(id)", action), at: time) { $0.member("workflow_job", job) }
  }
}
