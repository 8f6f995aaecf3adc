import ValueStreamCore

extension Team {
  private func isReady(_ change: PullRequest) -> Bool {
    change.isOpen && !change.isDraft && change.isApproved && change.checks == .green && !change.isQueued
  }

  func mergeIfReady(_ change: PullRequest) {
    guard isReady(change), !change.isBeingMerged else { return }
    change.isBeingMerged = true
    let merger = random.chance(0.12) ? caretaker ?? change.owner : change.owner
    let step: Step = { team in
      change.isBeingMerged = false
      // A push may have arrived in the meantime.
      guard team.isReady(change) else { return }
      if change.repository.plan.hasMergeQueue {
        team.enqueue(change, by: merger.account)
      } else {
        team.merge(change, by: merger.account)
      }
    }
    if change.isUrgent { after(random.between(40, 180), step) } else { whenDone(merger, median: 900, spread: 1, step) }
  }

  private func merge(_ change: PullRequest, by account: Account) {
    let repository = change.repository
    let commits: [Commit]
    switch repository.plan.mergeMethod {
    case .squash:
      var commit = makeCommit(in: repository, by: change.author, "\(change.title) (#\(change.number))", time: now)
      commit.committer = organization.webFlow
      commits = [commit]
    case .merge: commits = change.commits + [mergeCommit(of: change, by: account)]
    case .rebase:
      // A rebase makes new commits with the same changes.
      commits = change.commits.map { commit in
        var commit = commit
        commit.sha = random.sha()
        commit.tree = random.sha()
        commit.committer = account
        return commit
      }
    }
    land(change, commits: commits, pushedBy: account, by: account)
  }

  private func mergeCommit(of change: PullRequest, by account: Account) -> Commit {
    Commit(
      sha: random.sha(), tree: random.sha(),
      message: "Merge pull request #\(change.number) from \(change.repository.owner.login)/\(change.branch)\n\n\(change.title)",
      author: account, committer: organization.webFlow, time: now)
  }

  /// Moves main to the last of the commits, closes the pull request and starts the builds of main.
  private func land(_ change: PullRequest, commits: [Commit], pushedBy pusher: Account, by account: Account) {
    guard var head = commits.last else { return }
    let repository = change.repository
    let before = repository.main.sha
    head.ordinal = repository.main.ordinal + 1
    repository.main = head
    if repository.plan.hasEnvironments { repository.landed.append((head.ordinal, change.number)) }
    push("refs/heads/main", of: repository, from: before, to: head, commits: commits, by: pusher)
    change.closedAt = now
    change.mergedBy = account
    change.mergeSHA = head.sha
    repository.openIssues -= 1
    send(change, "closed", by: pusher)
    removeBranch(of: change)
    if change.isUrgent { repository.incident?.fixOrdinal = head.ordinal }
    if let issue = change.issue {
      switch change.tie {
      case .closingWords: close(issue, "completed", by: account)
      // An incident is closed once its fix is in production, other issues some time after the merge.
      case .branch where !change.isUrgent:
        whenDone(change.owner, median: 2400) { $0.close(issue, "completed", by: change.owner.account) }
      case .branch, .none: break
      }
    }
    buildMain(head, of: repository, before: before, by: account)
  }

  private func buildMain(_ head: Commit, of repository: Repository, before: String, by account: Account) {
    let plans = [(repository.plan.ci, WorkflowRun.Purpose.main(head))] + (repository.plan.site.map { [($0, .site)] } ?? [])
    for (workflow, purpose) in plans {
      let run = makeRun(workflow, in: repository, for: purpose, event: "push", head: head, branch: "main", by: account)
      startAttempt(of: run, by: account)
    }
    checkElsewhere(head, of: repository, branch: "main", before: before, changes: [])
  }

  // MARK: Merge queue

  private func enqueue(_ change: PullRequest, by account: Account) {
    change.isQueued = true
    change.repository.mergeQueue.append(change)
    change.enqueuer = account
    send(change, "enqueued", by: account)
    if change.repository.mergeQueue.count == 1 { checkGroup(of: change) }
  }

  /// Checks the commit that main would have after the merge.
  private func checkGroup(of change: PullRequest) {
    let repository = change.repository
    let base = repository.main.sha
    let head = mergeCommit(of: change, by: change.enqueuer ?? change.owner.account)
    let group = MergeGroup(head: head, branch: "gh-readonly-queue/main/pr-\(change.number)-\(base)", baseSHA: base)
    change.group = group
    createBranch(group.branch, of: repository, at: head, commits: change.commits + [head], by: organization.queueBot)
    send(group, "checks_requested", of: repository)
    let run = makeRun(
      repository.plan.ci, in: repository, for: .group(change), event: "merge_group", head: head, branch: group.branch,
      by: organization.queueBot)
    startAttempt(of: run, by: organization.queueBot)
  }

  func groupEnded(of change: PullRequest, _ run: WorkflowRun) {
    guard let group = change.group else { return }
    let repository = change.repository
    let isGood = run.conclusion == .success
    change.group = nil
    change.isQueued = false
    repository.mergeQueue.removeAll { $0 === change }
    send(change, "dequeued", by: organization.queueBot) { $0.member("reason", isGood ? "MERGE" : "CI_FAILURE") }
    if isGood {
      land(
        change, commits: change.commits + [group.head], pushedBy: organization.queueBot,
        by: change.enqueuer ?? change.owner.account)
    } else {
      whenDone(change.owner, median: 1200) { $0.mergeIfReady(change) }
    }
    send(group, "destroyed", of: repository, reason: isGood ? "merged" : "dequeued")
    deleteBranch(group.branch, of: repository, at: group.head.sha, by: organization.queueBot)
    if let next = repository.mergeQueue.first { after(random.between(2, 8)) { $0.checkGroup(of: next) } }
  }

  private func send(_ group: MergeGroup, _ action: String, of repository: Repository, reason: String? = nil) {
    send("merge_group", action, of: repository, by: organization.queueBot) { json in
      if let reason { json.member("reason", reason) }
      json.object("merge_group") { json in
        json.member("head_sha", group.head.sha)
        json.member("head_ref", "refs/heads/\(group.branch)")
        json.member("base_sha", group.baseSHA)
        json.member("base_ref", "refs/heads/main")
        json.headCommit(group.head)
      }
    }
  }
}
