import ValueStreamCore

/// Tells a plan as the webhooks of GitLab: pushes, merge requests with notes and approvals, pipelines, deployments.
struct YearGitLab {
  let plan: YearPlan
  private let id: Int64
  private let name: String

  init(_ plan: YearPlan) {
    self.plan = plan
    name = plan.fullName
    id = 52_000_000 + YearAccount.id(of: plan.fullName) % 900_000 + Int64(plan.configuration.seed % 1000) * 1_000_000
  }

  private var web: String { "https://gitlab.com/\(name)" }

  func steps() -> [YearStep] {
    var steps: [YearStep] = []
    for change in plan.changes { add(change, to: &steps) }
    for release in plan.releases {
      for deploy in [release.staging].compactMap({ $0 }) + release.deploys { add(deploy, release, to: &steps) }
    }
    return steps
  }

  private func step(
    _ event: String, _ kind: String, at time: Timestamp, by user: String, _ members: @escaping (inout JSONWriter) -> Void
  ) -> YearStep {
    YearStep(
      time: time, path: "/gitlab",
      headers: ["Content-Type": "application/json", "X-Gitlab-Event": event, "X-Gitlab-Instance": "https://gitlab.com"],
      idHeader: "X-Gitlab-Event-UUID"
    ) { json in
      json.object { json in
        json.member("object_kind", kind)
        json.object("user") { json in
          json.member("id", YearAccount.id(of: user))
          json.member("name", user)
          json.member("username", user)
        }
        json.member("project_id", id)
        json.object("project") { project(&$0) }
        members(&json)
      }
    }
  }

  private func project(_ json: inout JSONWriter) {
    json.member("id", id)
    json.member("name", String(name.drop { $0 != "/" }.dropFirst()))
    json.member("web_url", web)
    json.member("namespace", plan.repository.owner)
    json.member("path_with_namespace", name)
    json.member("default_branch", "main")
    json.member("git_http_url", "\(web).git")
  }

  // MARK: Changes

  private func add(_ change: YearChange, to steps: inout [YearStep]) {
    if !change.isDirect {
      steps.append(push(change.first, to: change.branch, from: nil, at: change.opened.after(-20), by: change.author))
      steps.append(request("open", change, at: change.opened, by: change.author))
      if change.ready > change.opened {
        steps.append(request("update", change, at: change.ready, by: change.author, leavesDraft: true))
      }
      var before = change.first.last?.sha
      for commit in change.later {
        steps.append(push([commit], to: change.branch, from: before, at: commit.time.after(5), by: change.author))
        steps.append(request("update", change, at: commit.time.after(6), by: change.author, oldHead: before))
        before = commit.sha
      }
      for review in change.reviews {
        steps.append(
          review.state == "approved"
            ? request("approved", change, at: review.time, by: review.reviewer) : note(review, on: change))
      }
      if let end = change.merged ?? change.abandoned {
        steps.append(request(change.merged == nil ? "close" : "merge", change, at: end, by: change.author))
      }
    }
    if let merged = change.merged {
      steps.append(push(change.landed, to: "main", from: change.before, at: merged.after(1), by: change.author))
    }
    for run in change.runs { add(run, of: change, to: &steps) }
  }

  private func push(
    _ commits: [YearCommit], to branch: String, from before: String?, at time: Timestamp, by author: String
  ) -> YearStep {
    step("Push Hook", "push", at: time, by: author) { json in
      json.member("event_name", "push")
      json.member("ref", "refs/heads/\(branch)")
      json.member("before", before ?? noCommit)
      json.member("after", commits.last?.sha ?? noCommit)
      json.member("checkout_sha", commits.last?.sha)
      json.member("user_username", author)
      json.array("commits", commits) { json, commit in self.commit(commit, by: author, &json) }
      json.member("total_commits_count", commits.count)
    }
  }

  private func commit(_ commit: YearCommit, by author: String, _ json: inout JSONWriter) {
    json.object { json in
      json.member("id", commit.sha)
      json.member("message", commit.title)
      json.member("title", commit.title)
      json.whole("timestamp", commit.time)
      json.member("url", "\(web)/-/commit/\(commit.sha)")
      json.object("author") { json in
        json.member("name", author)
        json.member("email", "\(author)@harbour.example")
      }
    }
  }

  private func request(
    _ action: String, _ change: YearChange, at time: Timestamp, by user: String, leavesDraft: Bool = false, oldHead: String? = nil
  ) -> YearStep {
    step("Merge Request Hook", "merge_request", at: time, by: user) { json in
      json.member("event_type", "merge_request")
      json.object("object_attributes") { json in
        self.attributes(of: change, at: time, &json)
        json.member("action", action)
        if let oldHead { json.member("oldrev", oldHead) }
      }
      let labels = change.isHotfix ? ["hotfix"] : []
      json.array("labels", labels) { json, label in json.object { $0.member("title", label) } }
      json.object("changes") { json in
        guard leavesDraft else { return }
        json.object("draft") { json in
          json.member("previous", true)
          json.member("current", false)
        }
      }
    }
  }

  private func attributes(of change: YearChange, at time: Timestamp, _ json: inout JSONWriter) {
    let merged = change.merged.flatMap { $0 <= time ? $0 : nil }
    let closed = change.abandoned.flatMap { $0 <= time ? $0 : nil }
    json.member("id", id * 10_000 + Int64(change.number))
    json.member("iid", change.number)
    json.member("title", change.title)
    let text = change.reverted.map { "This reverts merge request !\($0.number)" } ?? "See the issue."
    json.member("description", text)
    json.member("state", merged != nil ? "merged" : closed != nil ? "closed" : "opened")
    json.whole("created_at", change.opened)
    json.whole("updated_at", time)
    json.member("author_id", YearAccount.id(of: change.author))
    json.member("source_branch", change.branch)
    json.member("target_branch", "main")
    json.member("source_project_id", id)
    json.member("target_project_id", id)
    json.object("source") { self.project(&$0) }
    json.object("target") { self.project(&$0) }
    json.member("draft", time < change.ready)
    json.member("work_in_progress", time < change.ready)
    json.member("url", "\(web)/-/merge_requests/\(change.number)")
    json.member("merge_commit_sha", merged == nil ? nil : change.landed.last?.sha)
    json.name("last_commit")
    if let head = change.head(at: time) { commit(head, by: change.author, &json) } else { json.value(nil as String?) }
    let labels = change.isHotfix ? ["hotfix"] : []
    json.array("labels", labels) { json, label in json.object { $0.member("title", label) } }
  }

  private func note(_ review: YearReview, on change: YearChange) -> YearStep {
    step("Note Hook", "note", at: review.time, by: review.reviewer) { json in
      let number = YearAccount.id(of: "\(change.number) \(review.time.rfc3339)")
      json.object("object_attributes") { json in
        json.member("id", number)
        json.member("note", "A few remarks.")
        json.member("noteable_type", "MergeRequest")
        json.member("author_id", YearAccount.id(of: review.reviewer))
        json.whole("created_at", review.time)
        json.whole("updated_at", review.time)
        json.member("system", false)
        json.member("url", "\(self.web)/-/merge_requests/\(change.number)#note_\(number)")
      }
      json.object("merge_request") { self.attributes(of: change, at: review.time, &$0) }
    }
  }

  // MARK: Pipelines and deploys

  private func add(_ run: YearRun, of change: YearChange, to steps: inout [YearStep]) {
    for (index, attempt) in run.attempts.enumerated() {
      steps.append(
        step("Pipeline Hook", "pipeline", at: attempt.ended.after(2), by: change.author) { json in
          json.object("object_attributes") { json in
            json.member("id", run.id)
            json.member("iid", run.number)
            json.member("ref", run.branch)
            json.member("tag", false)
            json.member("sha", run.commit.sha)
            json.member("source", run.isOfChange ? "merge_request_event" : "push")
            json.member("status", attempt.isSuccess ? "success" : "failed")
            json.whole("created_at", run.created)
            json.whole("finished_at", attempt.ended)
            json.member("url", "\(self.web)/-/pipelines/\(run.id)")
          }
          if run.isOfChange {
            json.object("merge_request") { json in
              json.member("id", self.id * 10_000 + Int64(change.number))
              json.member("iid", change.number)
              json.member("source_branch", change.branch)
              json.member("target_branch", "main")
              json.member("source_project_id", self.id)
              json.member("target_project_id", self.id)
              json.member("url", "\(self.web)/-/merge_requests/\(change.number)")
            }
          }
          json.object("commit") { json in
            json.member("id", run.commit.sha)
            json.member("message", run.commit.title)
            json.whole("timestamp", run.commit.time)
          }
          json.array("builds", Array(run.attempts.prefix(index + 1).enumerated())) { json, part in
            json.object { json in
              json.member("id", run.id * 10 + Int64(part.offset))
              json.member("stage", "test")
              json.member("name", "test")
              json.member("status", part.element.isSuccess ? "success" : "failed")
              json.whole("created_at", part.offset == 0 ? run.created : part.element.started.after(-15))
              json.whole("started_at", part.element.started)
              json.whole("finished_at", part.element.ended)
              json.member("allow_failure", false)
            }
          }
        })
    }
  }

  private func add(_ deploy: YearDeploy, _ release: YearRelease, to steps: inout [YearStep]) {
    let sha = release.commit?.sha ?? ""
    for (status, time) in [("running", deploy.started), (deploy.isSuccess ? "success" : "failed", deploy.ended)] {
      steps.append(
        step("Deployment Hook", "deployment", at: time, by: plan.repository.people[0]) { json in
          json.member("status", status)
          json.member("status_changed_at", time.wholeSeconds)
          json.member("deployment_id", deploy.id)
          json.member("environment", deploy.environment)
          json.member("environment_slug", deploy.environment)
          json.member("environment_tier", deploy.environment)
          json.member("short_sha", String(sha.prefix(8)))
          json.member("commit_url", "\(self.web)/-/commit/\(sha)")
          json.member("ref", "main")
        })
    }
  }
}
