import ValueStreamCore

/// The SHA of forty zeros, which means that there is no commit.
let noCommit = String(repeating: "0", count: 40)

extension Team {
  /// Creates a commit on a branch, without pushing it.
  func makeCommit(in repository: Repository, by author: Account, _ message: String, time: Timestamp) -> Commit {
    let (added, modified) = touchedFiles(in: repository)
    return Commit(
      sha: random.sha(), tree: random.sha(), message: message, author: author, committer: author, time: time, added: added,
      modified: modified)
  }

  /// Sends a push of a branch or tag.
  ///
  /// - Parameter commits: The commits that are new on the ref, with the head last; empty for a deletion.
  func push(
    _ ref: String, of repository: Repository, from before: String?, to after: Commit?, commits: [Commit], isForced: Bool = false,
    by account: Account
  ) {
    repository.pushedAt = now
    let (old, new) = (before ?? noCommit, after?.sha ?? noCommit)
    send("push", of: repository, by: account) { json in
      json.member("ref", ref)
      json.member("before", old)
      json.member("after", new)
      json.object("pusher") { json in
        json.member("name", account.login)
        json.member("email", account.email)
      }
      json.member("created", before == nil)
      json.member("deleted", after == nil)
      json.member("forced", isForced)
      json.member("base_ref", nil)
      json.member("compare", "\(repository.web)/compare/\(old.prefix(12))...\(new.prefix(12))")
      json.array("commits", commits) { $0.pushedCommit($1, of: repository) }
      json.name("head_commit")
      if let after { json.pushedCommit(after, of: repository) } else { json.value(nil as String?) }
    }
  }

  func createBranch(_ branch: String, of repository: Repository, at head: Commit, commits: [Commit], by account: Account) {
    sendRef("create", branch, "branch", of: repository, by: account)
    push("refs/heads/\(branch)", of: repository, from: nil, to: head, commits: commits, by: account)
  }

  func deleteBranch(_ branch: String, of repository: Repository, at head: String, by account: Account) {
    push("refs/heads/\(branch)", of: repository, from: head, to: nil, commits: [], by: account)
    sendRef("delete", branch, "branch", of: repository, by: account)
  }

  func createTag(_ tag: String, of repository: Repository, at head: Commit, by account: Account) {
    sendRef("create", tag, "tag", of: repository, by: account)
    push("refs/tags/\(tag)", of: repository, from: nil, to: head, commits: [], by: account)
  }

  private func sendRef(_ event: String, _ ref: String, _ type: String, of repository: Repository, by account: Account) {
    send(event, of: repository, by: account) { json in
      json.member("ref", ref)
      json.member("ref_type", type)
      if event == "create" {
        json.member("master_branch", "main")
        json.member("description", repository.plan.description)
      }
      json.member("pusher_type", "user")
    }
  }
}
