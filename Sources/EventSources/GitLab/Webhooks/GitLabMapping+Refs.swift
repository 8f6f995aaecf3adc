import PayloadReading
import ValueStreamCore

extension GitLabMapping {
  /// Maps a push, which moves a branch. It has no span; its facts connect other subjects.
  func pushInterpretation() throws(PayloadError) -> Interpretation {
    let project = try payload.requireProject()
    let ref = try payload.root.requireText("ref")
    guard ref.hasPrefix("refs/heads/") else { return .ignored(reason: "a push of \(ref), which is no branch") }
    let branch = String(ref.dropFirst("refs/heads/".count))
    let (before, after) = (commit("before"), commit("after"))
    let commits = payload.root.objects("commits")
    let head = commits.first { $0.text("id") == after } ?? commits.last
    let update = BranchUpdate(
      branch: key("branch", branch, container: project.keyPart),
      kind: before == nil ? .created : after == nil ? .deleted : .moved,
      time: .vendor(head?.time("timestamp"), orReceipt: received), before: before, after: after,
      commits: commits.compactMap { branchCommit($0, in: project) }, isForced: false,
      isDefaultBranch: project.defaultBranch == branch,
      isCutShort: (payload.root.int("total_commits_count") ?? 0) > commits.count)
    return .events([], branchUpdates: [update])
  }

  private func branchCommit(_ commit: PayloadObject, in project: GitLabProject) -> BranchCommit? {
    guard let id = commit.text("id")?.lowercased() else { return nil }
    return BranchCommit(
      id, time: commit.time("timestamp"), services: rules.services.services(ofPaths: commit.changedFiles, in: project.path))
  }

  /// Returns a commit hash in lower case. Nil if the member is missing or all zeros, which GitLab sends for no
  /// commit.
  private func commit(_ name: StaticString) -> String? {
    guard let sha = payload.root.text(name), sha.contains(where: { $0 != "0" }) else { return nil }
    return sha.lowercased()
  }
}
