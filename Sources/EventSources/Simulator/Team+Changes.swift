import ValueStreamCore

/// Simulates changes, from the first push of a branch to the end of the pull request.
extension Team {
  /// Plans a change: the author pushes a branch after some work, or soon if the change is urgent.
  ///
  /// - Parameter isUrgent: True for the fix of an incident, which does not wait for working hours.
  func beginChange(
    in repository: Repository, by author: Person, for issue: Issue?, title: String, isUrgent: Bool = false
  ) {
    let step: Step = { team in
      if issue?.isOpen == false { return }
      team.pushBranch(in: repository, by: author, for: issue, title: title, isUrgent: isUrgent)
    }
    if isUrgent { after(random.between(900, 2400), step) } else { whenDone(author, median: 5400, spread: 0.8, step) }
  }

  private func pushBranch(in repository: Repository, by author: Person, for issue: Issue?, title: String, isUrgent: Bool) {
    let isNamed = isUrgent || random.chance(author.habits.namesBranches)
    let tie: HistoryExpectations.Tie = issue == nil ? .none : isNamed ? .branch : .closingWords
    let slug = Self.slug(title)
    let mark = issue.map { String($0.number) } ?? String(random.below(90) + 10)
    let branch =
      tie == .branch
      ? "vstrace-github-issue-\(repository.name)-\(mark)-\(slug)" : "\(author.habits.login)/\(slug)-\(mark)"
    var commits: [Commit] = []
    if !isUrgent, random.chance(0.4) {
      commits.append(
        makeCommit(in: repository, by: author.account, "Begin: \(title)", time: now.after(-random.between(400, 2000))))
    }
    commits.append(makeCommit(in: repository, by: author.account, title, time: now.after(-random.between(5, 90))))
    guard let head = commits.last else { return }
    let base = repository.main.sha
    createBranch(branch, of: repository, at: head, commits: commits, by: author.account)
    after(random.between(40, isUrgent ? 90 : 400)) { team in
      let isDraft = !isUrgent && team.random.chance(author.habits.drafts)
      let change = team.openChange(
        in: repository, author: author.account, owner: author, title: title, branch: branch, issue: issue, tie: tie, base: base,
        isDraft: isDraft, commits: commits)
      change.isUrgent = isUrgent
      change.isBroken = !isUrgent && team.random.chance(0.22)
      team.startChecks(of: change, before: nil)
      team.decorate(change)
      if isDraft { team.finishDraft(change) } else { team.askForReview(of: change) }
    }
  }

  /// Opens the bot's pull request for an update of a dependency.
  func openUpdate(in repository: Repository) {
    guard let owner = member(of: repository), let package = random.pick(repository.plan.wording.packages) else { return }
    let version = "\(1 + random.below(8)).\(random.below(20)).\(random.below(9))"
    let title = "Update \(package) to \(version)"
    let branch = "harbour-updates/\(package.replacing("/", with: "-"))-\(version)-\(random.below(900) + 100)"
    let commit = makeCommit(in: repository, by: organization.updater, title, time: now.after(-8))
    createBranch(branch, of: repository, at: commit, commits: [commit], by: organization.updater)
    let change = openChange(
      in: repository, author: organization.updater, owner: owner, title: title, branch: branch, issue: nil, tie: .none,
      base: repository.main.sha, isDraft: false, commits: [commit])
    change.isBroken = random.chance(0.12)
    startChecks(of: change, before: nil)
    label(change, "dependencies", by: organization.updater)
    whenDone(owner, median: 2 * 3600) { team in
      if change.isBroken { return team.abandon(change) }
      team.review(change, by: owner, "approved")
    }
  }

  private func openChange(
    in repository: Repository, author: Account, owner: Person, title: String, branch: String, issue: Issue?,
    tie: HistoryExpectations.Tie, base: String, isDraft: Bool, commits: [Commit]
  ) -> PullRequest {
    let body =
      switch tie {
      case .closingWords:
        "\(random.pick("Fixes", "Closes", "Resolves")) #\(issue?.number ?? 0)\n\nTried on staging and with a slow connection."
      case .branch: "Tried by hand; the tests cover it now.\n\nScreenshots are in the design file."
      case .none: author.kind == .bot ? "Release notes are in the package's repository." : "No issue for this one, it is small."
      }
    let change = PullRequest(
      id: newID(.pullRequest), number: repository.takeNumber(), repository: repository, author: author, owner: owner,
      title: title,
      body: body, branch: branch, issue: issue, tie: tie, createdAt: now, baseSHA: base, mergeSHA: random.sha(), isDraft: isDraft,
      commits: commits)
    change.lines = (5 + Int(random.logNormal(median: 40, spread: 1)), 1 + Int(random.logNormal(median: 15, spread: 1)))
    repository.openIssues += 1
    items?.changes.append(change)
    send(change, "opened", by: author)
    return change
  }

  /// Adds a label, and sometimes an assignee and a comment.
  private func decorate(_ change: PullRequest) {
    let owner = change.owner
    let size = change.lines.added < 30 ? "size/S" : change.lines.added < 120 ? "size/M" : "size/L"
    after(random.between(3, 9)) { $0.label(change, size, by: $0.organization.actions) }
    if random.chance(0.4) {
      after(random.between(20, 200)) { team in
        guard change.isOpen else { return }
        change.assignee = owner
        team.send(change, "assigned", by: owner.account) { $0.account("assignee", owner.account) }
      }
    }
    if random.chance(0.3), !change.isUrgent, let talker = member(of: change.repository, besides: owner) {
      whenDone(talker, median: 3600) { $0.comment(on: change, by: talker) }
    }
  }

  private func label(_ change: PullRequest, _ name: String, by account: Account) {
    guard change.isOpen else { return }
    let label = change.repository.label(name)
    change.labels.append(label)
    send(change, "labeled", by: account) { json in
      json.name("label")
      json.label(label, of: change.repository)
    }
  }

  private func finishDraft(_ change: PullRequest) {
    let owner = change.owner
    if random.chance(0.6) {
      whenDone(owner, median: 3600) { team in
        if change.isDraft { team.pushMore(to: change, "Go on: \(change.title)") }
      }
    }
    whenDone(owner, median: 2.5 * 3600) { team in
      guard change.isOpen else { return }
      change.isDraft = false
      team.send(change, "ready_for_review", by: owner.account)
      team.askForReview(of: change)
    }
  }

  /// Pushes to the branch: usually another commit, sometimes the rewritten branch.
  func pushMore(to change: PullRequest, _ message: String) {
    guard change.isOpen, !change.isQueued else { return }
    let repository = change.repository
    let old = change.headSHA
    let isForced = random.chance(change.owner.habits.forces)
    let last = change.commits.last?.time ?? change.createdAt
    let time = max(last.after(1), now.after(-random.between(5, 60)))
    let new: [Commit]
    if isForced {
      new = change.commits.map { commit in
        var commit = commit
        commit.sha = random.sha()
        commit.tree = random.sha()
        return commit
      }
      change.commits = new
    } else {
      new = [makeCommit(in: repository, by: change.owner.account, message, time: time)]
      change.commits += new
    }
    change.lines.added += 1 + random.below(20)
    change.lines.deleted += random.below(8)
    change.isBroken = !change.isUrgent && random.chance(0.1)
    change.mergeSHA = random.sha()
    push(
      "refs/heads/\(change.branch)", of: repository, from: old, to: change.commits.last, commits: new, isForced: isForced,
      by: change.owner.account)
    send(change, "synchronize", by: change.owner.account) { json in
      json.member("before", old)
      json.member("after", change.headSHA)
    }
    startChecks(of: change, before: old)
    // Sometimes the author notices after the push that something is missing.
    if !change.isUrgent, random.chance(0.16) {
      after(random.between(40, 260)) { $0.pushMore(to: change, "Add what was forgotten") }
    }
  }

  /// Starts the CI run and the external checks for a new head, and cancels the run for the old one.
  private func startChecks(of change: PullRequest, before: String?) {
    guard let head = change.commits.last else { return }
    if let run = change.run.flatMap({ activeRuns[$0] }) { cancel(run) }
    change.checks = .running
    let repository = change.repository
    let run = makeRun(
      repository.plan.ci, in: repository, for: .change(change), event: "pull_request", head: head, branch: change.branch,
      by: before == nil ? change.author : change.owner.account, changes: [ChangeInRun(change)])
    if change.isBroken { run.brokenJob = random.pick(run.jobPlans.map(\.name)) }
    change.run = run.id
    startAttempt(of: run, by: run.actor)
    checkElsewhere(head, of: repository, branch: change.branch, before: before ?? noCommit, changes: run.changes)
  }

  /// Continues after the run for a pull request: merges if it is green, otherwise plans a fix or a rerun.
  func checksEnded(of change: PullRequest, _ run: WorkflowRun) {
    guard change.run == run.id, change.isOpen else { return }
    guard run.conclusion == .failure else {
      change.checks = .green
      return mergeIfReady(change)
    }
    change.checks = .red
    let isBroken = change.isBroken
    let step: Step = { team in
      guard change.isOpen, change.run == run.id, change.checks == .red else { return }
      if isBroken {
        team.pushMore(to: change, team.random.pick("Fix the tests", "Fix types", "Repair the build", "Format"))
      } else {
        change.checks = .running
        team.rerun(run, onlyFailed: true, by: change.owner.account)
      }
    }
    // The bot does not fix anything.
    if change.author.kind == .bot, isBroken { return }
    if change.isUrgent {
      after(random.between(90, 240), step)
    } else {
      whenDone(change.owner, median: isBroken ? 1500 : 700, step)
    }
  }

  func abandon(_ change: PullRequest) {
    guard change.isOpen, !change.isQueued else { return }
    if let run = change.run.flatMap({ activeRuns[$0] }) { cancel(run) }
    change.closedAt = now
    change.repository.openIssues -= 1
    send(change, "closed", by: change.owner.account)
    removeBranch(of: change)
  }

  func removeBranch(of change: PullRequest) {
    let head = change.headSHA
    after(random.between(1, 4)) { team in
      team.deleteBranch(change.branch, of: change.repository, at: head, by: change.owner.account)
    }
  }

  /// Sends a pull request event with the current state, updated now.
  func send(_ change: PullRequest, _ action: String, by account: Account, _ more: (inout JSONWriter) -> Void = { _ in }) {
    change.updatedAt = now
    send("pull_request", action, of: change.repository, by: account) { json in
      json.member("number", change.number)
      json.name("pull_request")
      json.pullRequest(change)
      more(&json)
    }
  }
}
