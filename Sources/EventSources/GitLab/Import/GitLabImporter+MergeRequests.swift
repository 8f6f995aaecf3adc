import APIClient
import GitLabAPI
import PayloadReading
import ValueStreamCore

/// Merge requests and issues, with what led to their present state.
extension GitLabImporter {
  func mergeRequests(of project: GitLabImportProject, page: UpdatedListCursor) async throws(APIError) -> Page {
    let branches = branches(of: project)
    return try await updatedList("merge_requests?scope=all&state=all", of: project, page: page) {
      request, body, _ throws(APIError) in
      let path = "/projects/\(project.id)/merge_requests/\(request.int("iid") ?? 0)"
      var turns = try await turns(at: path)
      turns += GitLabTurn.pushes(try await api.all("\(path)/versions?x=1") { document throws(APIError) in try document.list() })
      let commits = try await api.all("\(path)/commits?x=1") { document throws(APIError) in
        try document.list().compactMap { GitLabCommit($0) }
      }
      body.addMergeRequest(request, turns, commits: commits, branches: branches)
    }
  }

  func issues(of project: GitLabImportProject, page: UpdatedListCursor) async throws(APIError) -> Page {
    try await updatedList("issues?scope=all", of: project, page: page) { issue, body, _ throws(APIError) in
      body.addIssue(issue, try await turns(at: "/projects/\(project.id)/issues/\(issue.int("iid") ?? 0)"))
    }
  }

  /// Reads the changes of state, the labels and the notes of an issue or merge request.
  private func turns(at path: String) async throws(APIError) -> [GitLabTurn] {
    let states = try await api.all("\(path)/resource_state_events?x=1") { document throws(APIError) in
      try document.list().compactMap { GitLabTurn(state: $0) }
    }
    let labels = try await api.all("\(path)/resource_label_events?x=1") { document throws(APIError) in
      try document.list().compactMap { GitLabTurn(label: $0) }
    }
    let notes = try await api.all("\(path)/notes?sort=asc&order_by=created_at") { document throws(APIError) in
      try document.list().compactMap { GitLabTurn(note: $0) }
    }
    return states + labels + notes
  }
}

struct GitLabCommit: Sendable, Hashable {
  var id: String
  var message: String
  var time: Timestamp?
  var parents: [String]

  init?(_ object: PayloadObject) {
    guard let id = object.text("id") else { return nil }
    self.id = id
    message = object.longString("message") ?? object.string("title") ?? ""
    time = object.time("committed_date") ?? object.time("created_at")
    parents = object.texts("parent_ids") ?? []
  }

  var json: JSONMember {
    .object([JSONPair("id", .text(id)), JSONPair("message", .text(message)), JSONPair("timestamp", .time(time))])
  }
}

extension GitLabImportBody {
  mutating func addMergeRequest(_ request: PayloadObject, _ turns: [GitLabTurn], commits: [GitLabCommit], branches: [String]) {
    guard let id = request.int("id").map(String.init), let created = request.time("created_at") else { return }
    let end =
      request.time("merged_at").map { GitLabTurn(.merged, at: $0) }
      ?? (request.text("state") == "closed" ? request.time("closed_at").map { GitLabTurn(.closed, at: $0) } : nil)
    let isDraft = request.bool("draft") ?? request.bool("work_in_progress") ?? false
    let life = GitLabLife(turns, end: end, isDraft: isDraft, head: request.text("sha"))
    let labels = request.texts("labels") ?? []
    let author = learn(request.object("author"))
    var last = created
    func addTurn(_ action: String, at time: Timestamp, by user: String?, old: String? = nil, changes: [JSONPair] = []) {
      last = max(last, time)
      var attributes = Self.attributes(of: request, life, at: time, in: project) + [JSONPair("action", .text(action))]
      if let old { attributes.append(JSONPair("oldrev", .text(old))) }
      add(
        "Merge Request Hook", "merge_request", id: ("merge_request", id, "\(action).\(time.seconds)"), at: time, by: user,
        [
          JSONPair("event_type", .text("merge_request")), JSONPair("object_attributes", .object(attributes)),
          JSONPair("labels", .list(labels.map(gitLabLabel))), JSONPair("changes", .object(changes)),
        ])
    }
    addTurn("open", at: created, by: author)
    for turn in life.turns {
      let time = turn.time
      switch turn.kind {
      case .closed: addTurn("close", at: time, by: turn.user)
      case .reopened: addTurn("reopen", at: time, by: turn.user)
      case .merged: addTurn("merge", at: end?.kind == .merged ? end?.time ?? time : time, by: turn.user)
      case .draft(let isDraft):
        addTurn("update", at: time, by: turn.user, changes: [Self.change("draft", from: .flag(!isDraft), to: .flag(isDraft))])
      case .approved(let isGiven): addTurn(isGiven ? "approved" : "unapproved", at: time, by: turn.user)
      case .label(let name, let isAdded):
        addTurn("update", at: time, by: turn.user, changes: [Self.change(label: name, isAdded: isAdded)])
      case .pushed(let before, _): addTurn("update", at: time, by: author, old: before)
      case .note(let note):
        last = max(last, time)
        addNote(
          note, on: "MergeRequest", turn,
          [JSONPair("merge_request", .object(Self.attributes(of: request, life, at: time, in: project)))])
      }
    }
    if let updated = request.time("updated_at"), updated > last { addTurn("update", at: updated, by: nil) }
    addBranch(of: request, id, commits, branches: branches)
  }

  private static func change(_ name: String, from previous: JSONMember, to current: JSONMember) -> JSONPair {
    JSONPair(name, .object([JSONPair("previous", previous), JSONPair("current", current)]))
  }

  private static func change(label: String, isAdded: Bool) -> JSONPair {
    change("labels", from: .list(isAdded ? [] : [gitLabLabel(label)]), to: .list(isAdded ? [gitLabLabel(label)] : []))
  }

  private mutating func addNote(_ id: Int64, on type: String, _ turn: GitLabTurn, _ item: [JSONPair]) {
    add(
      "Note Hook", "note", id: ("note", "\(id)", "1"), at: turn.time, by: turn.user,
      [
        JSONPair(
          "object_attributes",
          .object([
            JSONPair("id", .number(id)), JSONPair("noteable_type", .text(type)), JSONPair("created_at", .time(turn.time)),
            JSONPair("updated_at", .time(turn.time)), JSONPair("system", .flag(false)),
          ]))
      ] + item)
  }

  /// Returns the merge request as it was at a time.
  private static func attributes(
    of request: PayloadObject, _ life: GitLabLife, at time: Timestamp, in project: GitLabImportProject
  ) -> [JSONPair] {
    let state = life.state(at: time)
    let (source, target) = (request.int("source_project_id"), request.int("target_project_id"))
    func number(_ value: Int64?) -> JSONMember { value.map { .number($0) } ?? .text(nil) }
    var members = [
      JSONPair("id", number(request.int("id"))), JSONPair("iid", number(request.int("iid"))),
      JSONPair("title", .text(request.string("title"))), JSONPair("description", .text(request.longString("description"))),
      JSONPair("state", .text(state)), JSONPair("created_at", .time(request.time("created_at"))),
      JSONPair("updated_at", .time(time)),
      JSONPair("author_id", number(request.object("author")?.int("id"))),
      JSONPair("source_branch", .text(request.text("source_branch"))),
      JSONPair("target_branch", .text(request.text("target_branch"))),
      JSONPair("source_project_id", number(source)), JSONPair("target_project_id", number(target)),
      JSONPair("target", project.json), JSONPair("draft", .flag(life.isDraft(at: time))),
      JSONPair("work_in_progress", .flag(life.isDraft(at: time))), JSONPair("url", .text(request.text("web_url"))),
      JSONPair("labels", .list((request.texts("labels") ?? []).map(gitLabLabel))),
    ]
    if source == target { members.append(JSONPair("source", project.json)) }
    if let head = life.head(at: time) { members.append(JSONPair("last_commit", .object([JSONPair("id", .text(head))]))) }
    if state == "merged" {
      // A fast-forward merge has no commit of its own.
      let squash = request.text("squash_commit_sha")
      members += [
        JSONPair("merge_commit_sha", .text(request.text("merge_commit_sha") ?? squash ?? request.text("sha"))),
        JSONPair("squash_commit_sha", .text(squash)), JSONPair("merged_at", .time(request.time("merged_at"))),
      ]
    }
    return members
  }

  /// Adds a push of the branch with all commits of the merge request.
  private mutating func addBranch(of request: PayloadObject, _ id: String, _ commits: [GitLabCommit], branches: [String]) {
    guard let branch = request.text("source_branch"), request.int("source_project_id") == project.id, !branches.contains(branch),
      let head = commits.first, let time = head.time ?? request.time("created_at")
    else { return }
    // The list has the newest first.
    addPush(
      branch, from: nil, to: head.id, Array(commits.reversed()), total: commits.count, id: ("branch", id, head.id), at: time,
      by: request.object("author")?.text("username"))
  }

  /// - Parameters:
  ///   - commits: oldest first.
  ///   - total: the number of commits of the push, if GitLab does not list all.
  mutating func addPush(
    _ branch: String, from before: String?, to after: String?, _ commits: [GitLabCommit], total: Int,
    id: (kind: String, id: String, version: String), at time: Timestamp, by user: String?
  ) {
    let none = String(repeating: "0", count: 40)
    add(
      "Push Hook", "push", id: id, at: time, by: user,
      [
        JSONPair("event_name", .text("push")), JSONPair("ref", .text("refs/heads/\(branch)")),
        JSONPair("before", .text(before ?? none)),
        JSONPair("after", .text(after ?? none)), JSONPair("checkout_sha", .text(after)), JSONPair("user_username", .text(user)),
        JSONPair("commits", .list(commits.map(\.json))),
        JSONPair("total_commits_count", .number(Int64(max(total, commits.count)))),
      ])
  }

  mutating func addIssue(_ issue: PayloadObject, _ turns: [GitLabTurn]) {
    guard let id = issue.int("id").map(String.init), let created = issue.time("created_at") else { return }
    let end = issue.text("state") == "closed" ? issue.time("closed_at").map { GitLabTurn(.closed, at: $0) } : nil
    let life = GitLabLife(turns, end: end, isDraft: false, head: nil)
    let labels = issue.texts("labels") ?? []
    var last = created
    func attributes(at time: Timestamp) -> [JSONPair] {
      let state = life.state(at: time)
      func number(_ value: Int64?) -> JSONMember { value.map { .number($0) } ?? .text(nil) }
      let type = issue.text("issue_type")
      return [
        JSONPair("id", number(issue.int("id"))), JSONPair("iid", number(issue.int("iid"))),
        JSONPair("title", .text(issue.string("title"))), JSONPair("state", .text(state)), JSONPair("created_at", .time(created)),
        JSONPair("updated_at", .time(time)), JSONPair("closed_at", .time(life.closing(at: time))),
        JSONPair("url", .text(issue.text("web_url"))),
        JSONPair("type", .text(type.map { $0.prefix(1).uppercased() + $0.dropFirst() })),
        JSONPair("severity", .text(issue.text("severity")?.lowercased())),
        JSONPair("moved_to_id", number(issue.int("moved_to_id"))),
        JSONPair("milestone_id", number(issue.object("milestone")?.int("id"))),
        JSONPair("labels", .list(labels.map(gitLabLabel))),
      ]
    }
    func addTurn(_ action: String, at time: Timestamp, by user: String?, changes: [JSONPair] = []) {
      last = max(last, time)
      add(
        "Issue Hook", "issue", id: ("issue", id, "\(action).\(time.seconds)"), at: time, by: user,
        [
          JSONPair("event_type", .text("issue")),
          JSONPair("object_attributes", .object(attributes(at: time) + [JSONPair("action", .text(action))])),
          JSONPair("labels", .list(labels.map(gitLabLabel))), JSONPair("changes", .object(changes)),
        ])
    }
    addTurn("open", at: created, by: learn(issue.object("author")))
    for turn in life.turns {
      switch turn.kind {
      case .closed: addTurn("close", at: turn.time, by: turn.user)
      case .reopened: addTurn("reopen", at: turn.time, by: turn.user)
      case .label(let name, let isAdded):
        addTurn("update", at: turn.time, by: turn.user, changes: [Self.change(label: name, isAdded: isAdded)])
      case .note(let note):
        last = max(last, turn.time)
        addNote(note, on: "Issue", turn, [JSONPair("issue", .object(attributes(at: turn.time)))])
      case .merged, .draft, .approved, .pushed: break
      }
    }
    if let updated = issue.time("updated_at"), updated > last { addTurn("update", at: updated, by: nil) }
  }
}
