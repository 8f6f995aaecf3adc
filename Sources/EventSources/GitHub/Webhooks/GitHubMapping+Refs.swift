import PayloadReading
import ValueStreamCore

/// Maps pushes and events about branches and repositories. They have no spans; their facts connect other subjects.
extension GitHubMapping {
  func pushInterpretation() throws(PayloadError) -> Interpretation {
    let ref = try payload.root.requireText("ref")
    let repository = try requireRepository()
    guard ref.hasPrefix("refs/heads/") else { return .ignored(reason: "a push of \(ref), which is no branch") }
    let (before, after) = (commit("before", of: payload.root), commit("after", of: payload.root))
    let update = branchUpdate(
      of: String(ref.dropFirst("refs/heads/".count)), in: repository,
      before == nil ? .created : after == nil ? .deleted : .moved,
      time: .vendor(payload.root.object("head_commit")?.time("timestamp"), orReceipt: received), before: before, after: after)
    return .events([], branchUpdates: [update])
  }

  /// Maps the creation or deletion of a branch.
  ///
  /// The push that GitHub sends with it says more. A hook without push events gets only this.
  func branchInterpretation(isCreation: Bool) throws(PayloadError) -> Interpretation {
    let ref = try payload.root.requireText("ref")
    let repository = try requireRepository()
    guard payload.root.string("ref_type") == "branch" else { return .ignored(reason: "\(ref) is no branch") }
    let update = branchUpdate(
      of: ref, in: repository, isCreation ? .created : .deleted, time: .receipt(received), before: nil, after: nil)
    return .events([], branchUpdates: [update])
  }

  private func branchUpdate(
    of branch: String, in repository: GitHubRepository, _ kind: BranchUpdate.Kind, time: EventTime, before: String?,
    after: String?
  ) -> BranchUpdate {
    let commits = payload.root.objects("commits", limit: Self.commitLimit)
    return BranchUpdate(
      branch: key("branch", branch, of: repository), kind: kind, time: time, before: before, after: after,
      commits: commits.compactMap { branchCommit($0, in: repository) }, isForced: payload.root.bool("forced") ?? false,
      isDefaultBranch: repository.object.text("default_branch") == branch, isCutShort: commits.count >= Self.commitLimit)
  }

  /// The most commits that GitHub lists in a push. Source: GitHub Docs, "Webhook events and payloads", `push`.
  private static let commitLimit = 2048

  private func branchCommit(_ commit: PayloadObject, in repository: GitHubRepository) -> BranchCommit? {
    guard let id = commit.text("id")?.lowercased() else { return nil }
    // A commit that came in with a merge was pushed before. It does not start work on this branch, so it gets no
    // time.
    let isNew = commit.bool("distinct") ?? true
    return BranchCommit(
      id, time: isNew ? commit.time("timestamp") : nil,
      services: rules.services.services(ofPaths: commit.changedFiles, in: repository.fullName))
  }

  /// Maps a created, renamed or transferred repository, so that its old and new names both find it.
  func repositoryInterpretation() throws(PayloadError) -> Interpretation {
    let repository = try requireRepository()
    let id = try repository.object.requireInt("id")
    guard ["created", "renamed", "transferred"].contains(payload.action) else {
      return .ignored(reason: "a repository that was \(payload.action)")
    }
    var event = Event(
      key: GitHubKey.make("repository", String(id), container: "", host: payload.host),
      time: .vendor(repository.object.time("updated_at"), orReceipt: received))
    let changes = payload.root.object("changes")
    let oldName = changes?.object("repository")?.object("name")?.text("from")
    let oldOwner = changes?.object("owner")?.object("from")
    let from = (oldOwner?.object("user") ?? oldOwner?.object("organization"))?.text("login")
    var names = [repository.fullName]
    if let owner = from ?? repository.owner, oldName != nil || from != nil {
      names.append("\(owner)/\(oldName ?? repository.name)")
    }
    event.name = repository.fullName
    event.publishes = names.map { Reference(.repository, "\(payload.host)/\($0)") }
    describe(repository, in: &event)
    return .events([event])
  }
}
