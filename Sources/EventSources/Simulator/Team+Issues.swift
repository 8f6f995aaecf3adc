import ValueStreamCore

extension Team {
  func openIssue(in repository: Repository, by author: Person, under parent: Issue? = nil) {
    let draw = random.unit()
    let kind: Issue.Kind = draw < 0.5 ? .bug : draw < 0.82 ? .feature : .task
    let issue = open(kind, title: issueTitle(of: kind, in: repository), in: repository, by: author)
    if let parent { add(issue, to: parent) }
    after(random.between(15, 200)) { team in
      team.label(issue, kind == .bug ? "bug" : kind == .feature ? "feature" : "chore", by: author.account)
      if team.random.chance(0.25) { team.label(issue, team.random.pick("priority", "needs-design"), by: author.account) }
    }
    for _ in 0..<random.below(3) {
      guard let talker = member(of: repository) else { continue }
      whenDone(talker, median: 2 * 3600, spread: 1) { $0.comment(on: issue, by: talker) }
    }
    let fate = random.unit()
    if fate < 0.1 {
      whenDone(author, median: 10 * 3600) { $0.close(issue, "not_planned", by: author.account) }
    } else if fate < 0.88 {
      takeUp(issue)
    }
  }

  @discardableResult
  func open(_ kind: Issue.Kind, title: String, labels: [String] = [], in repository: Repository, by author: Person) -> Issue {
    let issue = Issue(
      id: newID(.issue), number: repository.takeNumber(), repository: repository, title: title, body: issueBody(of: kind),
      kind: kind, author: author, createdAt: now)
    issue.labels = labels.map(repository.label)
    repository.openIssues += 1
    items?.issues.append(issue)
    send("issues", "opened", of: repository, by: author.account) { $0.member(issue) }
    for label in issue.labels { sendLabeled(issue, label, by: author.account) }
    return issue
  }

  /// Opens a larger issue, and plans its sub-issues.
  func openEpic(in repository: Repository, by author: Person) {
    let part = random.pick(repository.plan.wording.parts) ?? "page"
    let epic = open(.feature, title: "A better \(part)", labels: ["epic"], in: repository, by: author)
    for _ in 0..<(2 + random.below(3)) {
      whenDone(author, median: 1200, spread: 0.9) { team in
        if epic.isOpen { team.openIssue(in: repository, by: author, under: epic) }
      }
    }
  }

  private func add(_ issue: Issue, to parent: Issue) {
    issue.parent = parent
    parent.subIssues.total += 1
    parent.updatedAt = now
    issue.updatedAt = now
    let repository = issue.repository
    for (action, other) in [("sub_issue_added", "sub_issue_repo"), ("parent_issue_added", "parent_issue_repo")] {
      send("sub_issues", action, of: repository, by: parent.author.account) { json in
        json.member("sub_issue_id", issue.id)
        json.name("sub_issue")
        json.issue(issue)
        json.member("parent_issue_id", parent.id)
        json.name("parent_issue")
        json.issue(parent)
        json.member(other, json: repository.shortJSON)
      }
    }
  }

  /// Assigns the issue to somebody and plans a change for it.
  private func takeUp(_ issue: Issue) {
    guard let assignee = member(of: issue.repository) else { return }
    whenDone(assignee, median: 3 * 3600, spread: 0.9) { team in
      guard issue.isOpen else { return }
      team.assign(issue, to: assignee)
      team.whenDone(assignee, median: 2 * 3600, spread: 0.9) { team in
        if issue.isOpen { team.beginChange(in: issue.repository, by: assignee, for: issue, title: issue.title) }
      }
    }
  }

  func assign(_ issue: Issue, to person: Person) {
    issue.assignee = person
    issue.updatedAt = now
    send("issues", "assigned", of: issue.repository, by: person.account) { json in
      json.member(issue)
      json.account("assignee", person.account)
    }
  }

  func label(_ issue: Issue, _ name: String, by account: Account) {
    guard issue.isOpen, !issue.labels.contains(where: { $0.name == name }) else { return }
    let label = issue.repository.label(name)
    issue.labels.append(label)
    issue.updatedAt = now
    sendLabeled(issue, label, by: account)
  }

  private func sendLabeled(_ issue: Issue, _ label: Label, by account: Account) {
    send("issues", "labeled", of: issue.repository, by: account) { json in
      json.member(issue)
      json.name("label")
      json.label(label, of: issue.repository)
    }
  }

  func comment(on issue: Issue, by person: Person) {
    issue.comments += 1
    issue.updatedAt = now
    sendComment(in: issue.repository, at: issue.web, by: person.account) { json in json.issue(issue) }
  }

  func comment(on change: PullRequest, by person: Person) {
    guard change.isOpen else { return }
    change.comments += 1
    change.updatedAt = now
    sendComment(in: change.repository, at: change.web, by: person.account) { json in json.issue(change) }
  }

  private func sendComment(
    in repository: Repository, at page: String, by account: Account, _ issue: (inout JSONWriter) -> Void
  ) {
    let id = newID(.comment)
    let text = commentText()
    send("issue_comment", "created", of: repository, by: account) { json in
      json.name("issue")
      issue(&json)
      json.object("comment") { json in
        json.member("url", "\(repository.api)/issues/comments/\(id)")
        json.member("html_url", "\(page)#issuecomment-\(id)")
        json.member("id", id)
        json.nodeID("IC", id)
        json.account("user", account)
        json.time("created_at", now)
        json.time("updated_at", now)
        json.member("author_association", "MEMBER")
        json.member("body", text)
      }
    }
  }

  func close(_ issue: Issue, _ reason: String, by account: Account) {
    guard issue.isOpen else { return }
    issue.closedAt = now
    issue.updatedAt = now
    issue.stateReason = reason
    issue.repository.openIssues -= 1
    issue.parent?.subIssues.completed += 1
    send("issues", "closed", of: issue.repository, by: account) { $0.member(issue) }
    if let epic = issue.parent, epic.subIssues.completed == epic.subIssues.total {
      whenDone(epic.author, median: 3600) { team in
        if epic.subIssues.completed == epic.subIssues.total { team.close(epic, "completed", by: epic.author.account) }
      }
    }
    if reason == "completed", issue.subIssues.total == 0, issue.reopenings == 0,
      !issue.labels.contains(where: { $0.name == "incident" }), random.chance(0.1)
    {
      whenDone(issue.author, median: 5 * 3600) { $0.reopen(issue) }
    }
  }

  private func reopen(_ issue: Issue) {
    guard !issue.isOpen else { return }
    issue.closedAt = nil
    issue.updatedAt = now
    issue.stateReason = "reopened"
    issue.reopenings += 1
    issue.repository.openIssues += 1
    issue.parent?.subIssues.completed -= 1
    send("issues", "reopened", of: issue.repository, by: issue.author.account) { $0.member(issue) }
    guard let assignee = issue.assignee else { return takeUp(issue) }
    whenDone(assignee, median: 3600) { team in
      if issue.isOpen { team.beginChange(in: issue.repository, by: assignee, for: issue, title: "Once more: \(issue.title)") }
    }
  }
}

extension JSONWriter {
  fileprivate mutating func member(_ issue: Issue) {
    name("issue")
    self.issue(issue)
  }
}
