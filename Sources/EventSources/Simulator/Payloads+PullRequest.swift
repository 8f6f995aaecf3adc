import ValueStreamCore

extension JSONWriter {
  mutating func pullRequest(_ change: PullRequest) {
    object { json in
      let repository = change.repository
      json.member("url", change.api)
      json.member("id", change.id)
      json.nodeID("PR", change.id)
      json.member("html_url", change.web)
      json.member("diff_url", "\(change.web).diff")
      json.member("issue_url", change.issueAPI)
      json.member("number", change.number)
      json.member("state", change.isOpen ? "open" : "closed")
      json.member("locked", false)
      json.member("title", change.title)
      json.account("user", change.author)
      json.member("body", change.body)
      json.time("created_at", change.createdAt)
      json.time("updated_at", change.updatedAt)
      json.time("closed_at", change.closedAt)
      json.time("merged_at", change.mergedBy == nil ? nil : change.closedAt)
      json.member("merge_commit_sha", change.mergeSHA)
      json.account("assignee", change.assignee?.account)
      json.array("assignees", change.assignee.map { [$0.account] } ?? []) { $0.value(json: $1.json) }
      json.array("requested_reviewers", change.requested) { $0.value(json: $1.account.json) }
      json.array("requested_teams", [String]()) { $0.value($1) }
      json.array("labels", change.labels) { $0.label($1, of: repository) }
      json.member("milestone", nil)
      json.member("draft", change.isDraft)
      json.member("commits_url", "\(change.api)/commits")
      json.member("statuses_url", "\(repository.api)/statuses/\(change.headSHA)")
      json.end("head", ref: change.branch, sha: change.headSHA, of: repository)
      json.end("base", ref: "main", sha: change.baseSHA, of: repository)
      json.object("_links") { json in
        json.object("self") { $0.member("href", change.api) }
        json.object("html") { $0.member("href", change.web) }
      }
      json.member("author_association", change.author.kind == .bot ? "CONTRIBUTOR" : "MEMBER")
      json.member("auto_merge", nil)
      json.member("active_lock_reason", nil)
      json.member("merged", change.mergedBy != nil)
      json.name("mergeable")
      if change.isOpen { json.value(true) } else { json.value(nil as String?) }
      json.member("mergeable_state", change.isOpen ? (change.isDraft ? "draft" : "blocked") : "unknown")
      json.account("merged_by", change.mergedBy)
      json.member("comments", change.comments)
      json.member("review_comments", change.reviewComments)
      json.member("maintainer_can_modify", false)
      json.member("commits", change.commits.count)
      json.member("additions", change.lines.added)
      json.member("deletions", change.lines.deleted)
      json.member("changed_files", max(1, Set(change.commits.flatMap { $0.added + $0.modified }).count))
    }
  }

  private mutating func end(_ name: String, ref: String, sha: String, of repository: Repository) {
    object(name) { json in
      json.member("label", "\(repository.owner.login):\(ref)")
      json.member("ref", ref)
      json.member("sha", sha)
      json.account("user", repository.owner)
      json.member("repo", json: repository.shortJSON)
    }
  }

  /// Writes the pull requests of a run, check suite or check run.
  mutating func changes(_ changes: [ChangeInRun], of repository: Repository) {
    array("pull_requests", changes) { json, change in
      json.object { json in
        json.member("url", "\(repository.api)/pulls/\(change.number)")
        json.member("id", change.id)
        json.member("number", change.number)
        for (name, ref, sha) in [("head", change.branch, change.headSHA), ("base", "main", change.baseSHA)] {
          json.object(name) { json in
            json.member("ref", ref)
            json.member("sha", sha)
            json.object("repo") { json in
              json.member("id", repository.id)
              json.member("url", repository.api)
              json.member("name", repository.name)
            }
          }
        }
      }
    }
  }
}
