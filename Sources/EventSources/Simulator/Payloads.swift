import ValueStreamCore

/// Writes parts of GitHub's payloads.
///
/// Source: GitHub Docs, "Webhook events and payloads". Addresses that no reader uses are left out.
extension JSONWriter {
  mutating func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
    self.name(name)
    object(members)
  }

  mutating func array<Element>(_ name: String, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) {
    self.name(name)
    array(elements, write)
  }

  mutating func member(_ name: String, json: [UInt8]) {
    self.name(name)
    value(json: json)
  }

  mutating func time(_ name: String, _ time: Timestamp?) {
    member(name, time?.wholeSeconds)
  }

  mutating func account(_ name: String, _ account: Account?) {
    guard let account else { return member(name, nil) }
    member(name, json: account.json)
  }

  mutating func nodeID(_ prefix: String, _ id: Int64) {
    member("node_id", "\(prefix)_kwDO\(String(id, radix: 36))")
  }

  mutating func label(_ label: Label, of repository: Repository) {
    object { json in
      json.member("id", label.id)
      json.nodeID("LA", label.id)
      json.member("url", "\(repository.api)/labels/\(label.name)")
      json.member("name", label.name)
      json.member("color", label.color)
      json.member("default", label.name == "bug")
      json.member("description", label.description)
    }
  }

  // MARK: Issues

  mutating func issue(_ issue: Issue) {
    object { json in
      json.member("url", issue.api)
      json.member("repository_url", issue.repository.api)
      json.member("html_url", issue.web)
      json.member("id", issue.id)
      json.nodeID("I", issue.id)
      json.member("number", issue.number)
      json.member("title", issue.title)
      json.account("user", issue.author.account)
      json.array("labels", issue.labels) { $0.label($1, of: issue.repository) }
      json.member("state", issue.isOpen ? "open" : "closed")
      json.member("locked", false)
      json.account("assignee", issue.assignee?.account)
      json.array("assignees", issue.assignee.map { [$0.account] } ?? []) { $0.value(json: $1.json) }
      json.member("milestone", nil)
      json.member("comments", issue.comments)
      json.time("created_at", issue.createdAt)
      json.time("updated_at", issue.updatedAt)
      json.time("closed_at", issue.closedAt)
      json.member("author_association", "MEMBER")
      json.object("type") { json in
        json.member("id", issue.repository.owner.id * 4 + Int64(issue.kind.rawValue.count))
        json.member("name", issue.kind.rawValue)
        json.member("is_enabled", true)
      }
      json.member("active_lock_reason", nil)
      if let parent = issue.parent { json.member("parent_issue_url", parent.api) }
      json.object("sub_issues_summary") { json in
        json.member("total", issue.subIssues.total)
        json.member("completed", issue.subIssues.completed)
        json.member("percent_completed", issue.subIssues.completed * 100 / max(issue.subIssues.total, 1))
      }
      json.object("issue_dependencies_summary") { json in
        for name in ["blocked_by", "total_blocked_by", "blocking", "total_blocking"] { json.member(name, 0) }
      }
      json.member("body", issue.body)
      json.object("reactions") { $0.member("total_count", 0) }
      json.member("state_reason", issue.stateReason)
    }
  }

  /// Writes a pull request in its form as an issue.
  mutating func issue(_ change: PullRequest) {
    object { json in
      json.member("url", change.issueAPI)
      json.member("repository_url", change.repository.api)
      json.member("html_url", change.web)
      json.member("id", change.id)
      json.nodeID("PR", change.id)
      json.member("number", change.number)
      json.member("title", change.title)
      json.account("user", change.author)
      json.array("labels", change.labels) { $0.label($1, of: change.repository) }
      json.member("state", change.isOpen ? "open" : "closed")
      json.member("comments", change.comments)
      json.time("created_at", change.createdAt)
      json.time("updated_at", change.updatedAt)
      json.time("closed_at", change.closedAt)
      json.member("draft", change.isDraft)
      json.object("pull_request") { json in
        json.member("url", change.api)
        json.member("html_url", change.web)
        json.time("merged_at", change.mergedBy == nil ? nil : change.closedAt)
      }
      json.member("body", change.body)
      json.member("state_reason", nil)
    }
  }

  // MARK: Commits

  /// Writes a commit as in push payloads.
  mutating func pushedCommit(_ commit: Commit, of repository: Repository) {
    object { json in
      json.member("id", commit.sha)
      json.member("tree_id", commit.tree)
      json.member("distinct", true)
      json.member("message", commit.message)
      json.time("timestamp", commit.time)
      json.member("url", "\(repository.web)/commit/\(commit.sha)")
      for (role, account) in [("author", commit.author), ("committer", commit.committer)] {
        json.object(role) { json in
          json.member("name", account.name)
          json.member("email", account.email)
          json.member("username", account.login)
        }
      }
      json.array("added", commit.added) { $0.value($1) }
      json.array("removed", [String]()) { $0.value($1) }
      json.array("modified", commit.modified) { $0.value($1) }
    }
  }

  /// Writes a commit as in runs, check suites and merge groups.
  mutating func headCommit(_ commit: Commit) {
    object("head_commit") { json in
      json.member("id", commit.sha)
      json.member("tree_id", commit.tree)
      json.member("message", commit.message)
      json.time("timestamp", commit.time)
      for (role, account) in [("author", commit.author), ("committer", commit.committer)] {
        json.object(role) { json in
          json.member("name", account.name)
          json.member("email", account.email)
        }
      }
    }
  }
}
