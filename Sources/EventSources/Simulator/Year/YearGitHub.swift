import ValueStreamCore

/// Tells a plan as the webhooks of GitHub: pushes, pull requests with reviews, issues, workflow runs, deployments.
struct YearGitHub {
  let plan: YearPlan
  private let id: Int64
  private let name: String

  init(_ plan: YearPlan) {
    self.plan = plan
    name = plan.fullName
    id = 720_000_000 + YearAccount.id(of: plan.fullName) % 9_000_000 + Int64(plan.configuration.seed % 1000) * 10_000_000
  }

  private var web: String { "https://github.com/\(name)" }

  func steps() -> [YearStep] {
    var steps: [YearStep] = []
    for change in plan.changes { add(change, to: &steps) }
    if case .forge = plan.repository.tracker {
      for issue in plan.issues { add(issue, to: &steps) }
    } else {
      for issue in plan.issues where issue.isIncident { add(issue, to: &steps) }
    }
    if case .forge = plan.repository.deployer {
      for release in plan.releases { add(release, to: &steps) }
    }
    return steps
  }

  private func step(
    _ event: String, _ action: String?, at time: Timestamp, by sender: String, _ members: @escaping (inout JSONWriter) -> Void
  ) -> YearStep {
    YearStep(
      time: time, path: "/github",
      headers: ["Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/7f2c9e1", "X-GitHub-Event": event],
      idHeader: "X-GitHub-Delivery"
    ) { json in
      json.object { json in
        if let action { json.member("action", action) }
        members(&json)
        json.object("repository") { repository(&$0) }
        json.account("sender", sender)
      }
    }
  }

  private func repository(_ json: inout JSONWriter) {
    json.member("id", id)
    json.member("name", String(name.drop { $0 != "/" }.dropFirst()))
    json.member("full_name", name)
    json.member("private", true)
    json.account("owner", plan.repository.owner)
    json.member("html_url", web)
    json.member("default_branch", "main")
  }

  // MARK: Changes

  private func add(_ change: YearChange, to steps: inout [YearStep]) {
    if !change.isDirect {
      let begin = change.opened.after(-20)
      steps.append(push(change.first, to: change.branch, from: nil, at: begin, by: change.author))
      steps.append(request("opened", change, at: change.opened, by: change.author))
      if change.ready > change.opened { steps.append(request("ready_for_review", change, at: change.ready, by: change.author)) }
      var before = change.first.last?.sha
      for commit in change.later {
        steps.append(push([commit], to: change.branch, from: before, at: commit.time.after(5), by: change.author))
        steps.append(request("synchronize", change, at: commit.time.after(6), by: change.author))
        before = commit.sha
      }
      for review in change.reviews { steps.append(self.review(review, of: change)) }
      if let end = change.merged ?? change.abandoned {
        let merger = change.isUpdate ? change.reviews.last?.reviewer ?? change.author : change.author
        steps.append(request("closed", change, at: end, by: merger))
      }
    }
    if let merged = change.merged {
      steps.append(push(change.landed, to: "main", from: change.before, at: merged.after(1), by: change.author))
    }
    if case .jenkins = plan.repository.deployer { return }
    for run in change.runs { add(run, of: change, to: &steps) }
  }

  private func push(
    _ commits: [YearCommit], to branch: String, from before: String?, at time: Timestamp, by author: String
  ) -> YearStep {
    step("push", nil, at: time, by: author) { json in
      json.member("ref", "refs/heads/\(branch)")
      json.member("before", before ?? noCommit)
      json.member("after", commits.last?.sha ?? noCommit)
      json.member("created", before == nil)
      json.member("deleted", false)
      json.member("forced", false)
      json.object("pusher") { $0.member("name", author) }
      json.array("commits", commits) { json, commit in self.commit(commit, by: author, &json) }
      json.name("head_commit")
      if let head = commits.last { self.commit(head, by: author, &json) } else { json.value(nil as String?) }
    }
  }

  private func commit(_ commit: YearCommit, by author: String, _ json: inout JSONWriter) {
    json.object { json in
      json.member("id", commit.sha)
      json.member("message", commit.title)
      json.whole("timestamp", commit.time)
      json.member("url", "\(web)/commit/\(commit.sha)")
      json.object("author") { json in
        json.member("name", author)
        json.member("username", author)
      }
    }
  }

  private func request(_ action: String, _ change: YearChange, at time: Timestamp, by sender: String) -> YearStep {
    step("pull_request", action, at: time, by: sender) { json in
      json.member("number", change.number)
      self.pullRequest(change, at: time, &json)
    }
  }

  private func review(_ review: YearReview, of change: YearChange) -> YearStep {
    step("pull_request_review", "submitted", at: review.time, by: review.reviewer) { json in
      json.object("review") { json in
        json.member("id", YearAccount.id(of: "\(change.number) \(review.time.rfc3339)"))
        json.account("user", review.reviewer)
        json.member("commit_id", change.head(at: review.time)?.sha)
        json.whole("submitted_at", review.time)
        json.member("state", review.state)
      }
      self.pullRequest(change, at: review.time, &json)
    }
  }

  private func text(of change: YearChange) -> String {
    if let reverted = change.reverted { return "Reverts \(name)#\(reverted.number)" }
    guard let issue = change.issue else { return "No issue for this one." }
    if case .jira(let project) = plan.repository.tracker { return "For \(project)-\(issue.number)." }
    return "Fixes #\(issue.number)"
  }

  private func pullRequest(_ change: YearChange, at time: Timestamp, _ json: inout JSONWriter) {
    let merged = change.merged.flatMap { $0 <= time ? $0 : nil }
    let closed = merged ?? change.abandoned.flatMap { $0 <= time ? $0 : nil }
    json.object("pull_request") { json in
      json.member("id", 2_000_000_000 + id % 1_000_000 * 100_000 + Int64(change.number))
      json.member("number", change.number)
      json.member("state", closed == nil ? "open" : "closed")
      json.member("title", change.title)
      json.member("body", text(of: change))
      json.account("user", change.author)
      json.whole("created_at", change.opened)
      json.whole("updated_at", time)
      json.whole("closed_at", closed)
      json.whole("merged_at", merged)
      json.member("merged", merged != nil)
      json.member("merge_commit_sha", merged == nil ? nil : change.landed.last?.sha)
      json.member("draft", time < change.ready)
      let label = change.isHotfix ? "hotfix" : change.isUpdate ? "dependencies" : nil
      json.array("labels", [label].compactMap { $0 }) { json, label in json.object { $0.member("name", label) } }
      json.member("html_url", "\(web)/pull/\(change.number)")
      for (name, ref, sha) in [
        ("head", change.branch, change.head(at: time)?.sha), ("base", "main", change.before.isEmpty ? nil : change.before),
      ] {
        json.object(name) { json in
          json.member("ref", ref)
          json.member("sha", sha)
          json.object("repo") { self.repository(&$0) }
        }
      }
      json.member("commits", change.first.count + change.later.count { $0.time <= time })
      json.member("additions", change.lines * 2 / 3)
      json.member("deletions", change.lines / 3)
      json.member("changed_files", 1 + change.lines / 40)
    }
  }

  // MARK: Issues

  private func add(_ issue: YearIssue, to steps: inout [YearStep]) {
    steps.append(issueStep("opened", issue, at: issue.created, by: issue.author))
    if let started = issue.started, let assignee = issue.assignee {
      steps.append(issueStep("assigned", issue, at: started, by: assignee))
    }
    if let done = issue.done { steps.append(issueStep("closed", issue, at: done, by: issue.assignee ?? issue.author)) }
  }

  private func issueStep(_ action: String, _ issue: YearIssue, at time: Timestamp, by sender: String) -> YearStep {
    step("issues", action, at: time, by: sender) { json in
      let done = issue.done.flatMap { $0 <= time ? $0 : nil }
      json.object("issue") { json in
        json.member("id", 3_000_000_000 + self.id % 1_000_000 * 100_000 + Int64(issue.number))
        json.member("number", issue.number)
        json.member("title", issue.title)
        json.member("state", done == nil ? "open" : "closed")
        json.member("state_reason", done == nil ? nil : issue.isNotPlanned ? "not_planned" : "completed")
        json.account("user", issue.author)
        let labels = issue.isIncident ? ["incident"] : [issue.type == "Bug" ? "bug" : "feature"]
        json.array("labels", labels) { json, label in json.object { $0.member("name", label) } }
        json.name("assignee")
        if let assignee = issue.assignee, let started = issue.started, started <= time {
          json.account(assignee)
        } else {
          json.value(nil as String?)
        }
        json.whole("created_at", issue.created)
        json.whole("updated_at", time)
        json.whole("closed_at", done)
        json.object("type") { $0.member("name", issue.type) }
        json.member("html_url", "\(self.web)/issues/\(issue.number)")
      }
      if action == "assigned" { json.account("assignee", issue.assignee ?? issue.author) }
    }
  }

  // MARK: Runs

  private func add(_ run: YearRun, of change: YearChange, to steps: inout [YearStep]) {
    for (index, attempt) in run.attempts.enumerated() {
      let begin = index == 0 ? run.created : attempt.started.after(-15)
      steps.append(runStep("requested", run, index, begin: begin, at: begin, of: change))
      for (name, minutes, labels) in [("lint", 1.5, "ubuntu-latest"), ("test", 0, "self-hosted")] {
        let ended = minutes > 0 ? min(attempt.started.after(minutes * 60), attempt.ended) : attempt.ended
        steps.append(
          jobStep(name, run, index, begin: begin, ended: ended, isSuccess: name == "lint" || attempt.isSuccess, label: labels))
      }
      steps.append(runStep("completed", run, index, begin: begin, at: attempt.ended.after(2), of: change))
    }
  }

  private func runStep(
    _ action: String, _ run: YearRun, _ attempt: Int, begin: Timestamp, at time: Timestamp, of change: YearChange
  ) -> YearStep {
    step("workflow_run", action, at: time, by: change.author) { json in
      let isOver = action == "completed"
      json.object("workflow_run") { json in
        json.member("id", run.id)
        json.member("name", "CI")
        json.member("path", ".github/workflows/ci.yml")
        json.member("workflow_id", self.id % 1_000_000 + 5_000_000)
        json.member("run_number", run.number)
        json.member("run_attempt", attempt + 1)
        json.member("event", run.isOfChange ? "pull_request" : "push")
        json.member("status", isOver ? "completed" : "queued")
        json.member("conclusion", isOver ? (run.attempts[attempt].isSuccess ? "success" : "failure") : nil)
        json.member("head_branch", run.branch)
        json.member("head_sha", run.commit.sha)
        json.member("display_title", run.commit.title)
        json.whole("created_at", run.created)
        json.whole("run_started_at", begin)
        json.whole("updated_at", time)
        json.member("html_url", "\(self.web)/actions/runs/\(run.id)")
        json.account("actor", change.author)
        json.account("triggering_actor", change.author)
        json.array("pull_requests", run.isOfChange ? [change] : []) { json, change in
          json.object { json in
            json.member("number", change.number)
            for (name, ref, sha) in [("head", change.branch, run.commit.sha), ("base", "main", change.before)] {
              json.object(name) { json in
                json.member("ref", ref)
                json.member("sha", sha)
                json.object("repo") { json in
                  json.member("id", self.id)
                  json.member("name", String(self.name.drop { $0 != "/" }.dropFirst()))
                }
              }
            }
          }
        }
        json.object("head_commit") { json in
          json.member("id", run.commit.sha)
          json.member("message", run.commit.title)
          json.whole("timestamp", run.commit.time)
        }
        json.object("head_repository") { self.repository(&$0) }
      }
    }
  }

  private func jobStep(
    _ name: String, _ run: YearRun, _ attempt: Int, begin: Timestamp, ended: Timestamp, isSuccess: Bool, label: String
  ) -> YearStep {
    step("workflow_job", "completed", at: ended.after(1), by: "github-actions[bot]") { json in
      json.object("workflow_job") { json in
        json.member("id", run.id * 10 + Int64(attempt * 2) + (name == "test" ? 1 : 0))
        json.member("run_id", run.id)
        json.member("run_attempt", attempt + 1)
        json.member("workflow_name", "CI")
        json.member("name", name)
        json.member("head_branch", run.branch)
        json.member("head_sha", run.commit.sha)
        json.member("status", "completed")
        json.member("conclusion", isSuccess ? "success" : "failure")
        json.whole("created_at", begin)
        json.whole("started_at", run.attempts[attempt].started)
        json.whole("completed_at", ended)
        json.array("labels", [label]) { $0.value($1) }
        json.member("html_url", "\(self.web)/actions/runs/\(run.id)/job/\(run.id * 10)")
      }
    }
  }

  // MARK: Deploys

  private func add(_ release: YearRelease, to steps: inout [YearStep]) {
    for deploy in [release.staging].compactMap({ $0 }) + release.deploys {
      let states = [("in_progress", deploy.started), (deploy.isSuccess ? "success" : "failure", deploy.ended)]
      steps.append(deployStep(deploy, release, at: deploy.created, status: nil))
      for (state, time) in states { steps.append(deployStep(deploy, release, at: time, status: state)) }
    }
  }

  private func deployStep(_ deploy: YearDeploy, _ release: YearRelease, at time: Timestamp, status: String?) -> YearStep {
    step(status == nil ? "deployment" : "deployment_status", "created", at: time, by: "github-actions[bot]") { json in
      json.object("deployment") { json in
        json.member("id", deploy.id)
        json.member("sha", release.commit?.sha)
        json.member("ref", "main")
        json.member("task", "deploy")
        json.member("environment", deploy.environment)
        json.member("production_environment", deploy.environment.hasPrefix("production"))
        json.account("creator", "github-actions[bot]")
        json.whole("created_at", deploy.created)
        json.whole("updated_at", time)
      }
      guard let status else { return }
      json.object("deployment_status") { json in
        json.member("id", deploy.id * 4 + (status == "in_progress" ? 1 : 2))
        json.member("state", status)
        json.member("environment", deploy.environment)
        json.account("creator", "github-actions[bot]")
        json.whole("created_at", time)
        json.whole("updated_at", time)
      }
    }
  }
}

extension JSONWriter {
  /// Writes an account of GitHub as a member.
  fileprivate mutating func account(_ name: String, _ login: String) {
    self.name(name)
    account(login)
  }

  fileprivate mutating func account(_ login: String) {
    object { json in
      json.member("login", login)
      json.member("id", YearAccount.id(of: login))
      json.member("type", login.hasSuffix("[bot]") ? "Bot" : login == "harbour" ? "Organization" : "User")
    }
  }
}
