import APIClient
import PayloadReading
import ValueStreamCore

/// Deliveries of pull requests and issues.
extension GitHubImportBody {
  /// Adds the deliveries of a pull request: its start, each turn that its timeline knows, its reviews and comments, and its state now.
  ///
  /// - Parameters:
  ///   - details: nil if GitHub cannot read them.
  ///   - branches: the branches whose pushes are imported by themselves.
  mutating func addChange(_ request: PayloadObject, _ details: GitHubDetails?, branches: [String]) {
    guard let id = request.int("id").map(String.init), let created = request.time("created_at") else { return }
    let life = GitHubLife(
      details?.items ?? [], closedAt: request.time("closed_at"), isMerged: request.time("merged_at") != nil,
      isDraft: request.bool("draft") ?? false)
    let counts = details?.counts ?? []
    func pullRequest(_ json: inout JSONWriter, at time: Timestamp) {
      json.member("pull_request", request, setting: counts + life.members(at: time, isChange: true))
    }
    var last = created
    func addTurn(_ action: String, _ time: Timestamp, _ members: [JSONPair] = []) {
      last = max(last, time)
      add("pull_request", action, id: ("pull_request", id, "\(action).\(time.seconds)"), at: time) { json in
        pullRequest(&json, at: time)
        json.members(members)
      }
    }
    addTurn("opened", created)
    for item in items(of: details, life, closedAt: request.time("closed_at")) { addTurn(item.action, item.time, item.members) }
    let dismissals = (details?.items ?? []).filter { $0.action == "review_dismissed" }
    for review in details?.reviews ?? [] {
      let dismissal = dismissals.last { $0.review?.id == "\(review.id)" }
      // A dismissal hides the verdict. The timeline has it.
      let verdict = dismissals.first { $0.review?.id == "\(review.id)" }?.review?.state ?? review.state
      for (action, state, time) in [("submitted", verdict, review.time)]
        + (dismissal.map { [("dismissed", "dismissed", $0.time)] } ?? [])
      {
        last = max(last, time)
        add("pull_request_review", action, id: ("review", "\(review.id)", "\(action).\(time.seconds)"), at: time) { json in
          json.name("review")
          json.value(review.json(state: state))
          pullRequest(&json, at: time)
        }
      }
      for comment in review.comments {
        last = max(last, comment.time)
        add("pull_request_review_comment", "created", id: ("review_comment", "\(comment.id)", "1"), at: comment.time) { json in
          json.name("comment")
          json.value(comment.json)
          pullRequest(&json, at: comment.time)
        }
      }
    }
    for comment in details?.comments ?? [] {
      last = max(last, comment.time)
      add("issue_comment", "created", id: ("comment", "\(comment.id)", "1"), at: comment.time) { json in
        json.name("issue")
        json.value(Self.issue(of: request, life, at: comment.time))
        json.name("comment")
        json.value(comment.json)
      }
    }
    if let updated = request.time("updated_at"), updated > last { addTurn("edited", updated) }
    if let details { addBranch(of: request, id, details.commits, branches: branches) }
  }

  /// Adds the deliveries of an issue.
  mutating func addIssue(_ issue: PayloadObject, _ details: GitHubDetails?) {
    guard let id = issue.int("id").map(String.init), let created = issue.time("created_at") else { return }
    let closed = issue.text("state") == "closed" ? issue.time("closed_at") : nil
    let life = GitHubLife(details?.items ?? [], closedAt: closed, isMerged: false, isDraft: false)
    var last = created
    func body(_ json: inout JSONWriter, at time: Timestamp) {
      json.member("issue", issue, setting: life.members(at: time, isChange: false))
    }
    func addTurn(_ action: String, _ time: Timestamp, _ members: [JSONPair] = []) {
      last = max(last, time)
      add("issues", action, id: ("issue", id, "\(action).\(time.seconds)"), at: time) { json in
        body(&json, at: time)
        json.members(members)
      }
    }
    addTurn("opened", created)
    for item in items(of: details, life, closedAt: closed) { addTurn(item.action, item.time, item.members) }
    for comment in details?.comments ?? [] {
      last = max(last, comment.time)
      add("issue_comment", "created", id: ("comment", "\(comment.id)", "1"), at: comment.time) { json in
        body(&json, at: comment.time)
        json.name("comment")
        json.value(comment.json)
      }
    }
    if let updated = issue.time("updated_at"), updated > last { addTurn("edited", updated) }
  }

  /// Returns the turns of a timeline. Adds the close that the record shows if the timeline does not have it.
  private func items(of details: GitHubDetails?, _ life: GitHubLife, closedAt: Timestamp?) -> [GitHubTimelineItem] {
    let items = (details?.items ?? []).filter { $0.action != "review_dismissed" }
    guard let closedAt, life.lastClose.map({ $0 < closedAt.advanced(bySeconds: -Self.closeTolerance) }) ?? true else {
      return items
    }
    return items + [GitHubTimelineItem(action: "closed", time: closedAt)]
  }

  /// The seconds by which the close in a timeline and in its record may differ.
  private static let closeTolerance = 5.0

  /// Returns a pull request as comments on it show it.
  private static func issue(of request: PayloadObject, _ life: GitHubLife, at time: Timestamp) -> JSONMember {
    let state = life.members(at: time, isChange: true)
    func member(_ name: String) -> JSONPair { state.first { $0.name == name } ?? JSONPair(name, .text(nil)) }
    let user = request.object("user")?.text("login").map { JSONMember.object([JSONPair("login", .text($0))]) } ?? .text(nil)
    return .object([
      JSONPair("id", .number(request.int("id") ?? 0)), JSONPair("number", .number(request.int("number") ?? 0)),
      JSONPair("title", .text(request.string("title"))), JSONPair("html_url", .text(request.text("html_url"))),
      JSONPair("user", user), member("state"), JSONPair("created_at", .time(request.time("created_at"))), member("updated_at"),
      member("closed_at"), JSONPair("pull_request", .object([member("merged_at")])),
    ])
  }

  /// Adds a push of the branch with all commits of the pull request.
  ///
  /// GitHub does not keep the pushes of other branches for long, and not those of forks. The commits tell when the work began.
  private mutating func addBranch(
    of request: PayloadObject, _ id: String, _ commits: [GitHubDetails.Commit], branches: [String]
  ) {
    guard let head = request.object("head"), let ref = head.text("ref"), let last = commits.last,
      head.object("repo")?.int("id") == repository.id, !branches.contains(ref)
    else { return }
    let time = last.time ?? request.time("created_at") ?? .epoch
    let pushed = commits.map { commit in
      JSONMember.object([
        JSONPair("id", .text(commit.id)), JSONPair("distinct", .flag(true)), JSONPair("message", .text(commit.message)),
        JSONPair("timestamp", .time(commit.time)),
      ])
    }
    addPush(
      "refs/heads/\(ref)", from: nil, to: last.id, pushed, headTime: last.time, isForced: false, id: ("branch", id, last.id),
      at: time)
  }

  /// Adds a push.
  ///
  /// - Parameters:
  ///   - commits: oldest first.
  ///   - headTime: when the last commit was made; nil if it is unknown.
  mutating func addPush(
    _ ref: String, from before: String?, to after: String?, _ commits: [JSONMember], headTime: Timestamp?, isForced: Bool,
    id: (kind: String, id: String, version: String), at time: Timestamp
  ) {
    let none = String(repeating: "0", count: 40)
    add("push", nil, id: id, at: time) { json in
      json.members([
        JSONPair("ref", .text(ref)), JSONPair("before", .text(before ?? none)), JSONPair("after", .text(after ?? none)),
        JSONPair("created", .flag(before == nil)), JSONPair("deleted", .flag(after == nil)), JSONPair("forced", .flag(isForced)),
      ])
      json.name("commits")
      json.array(commits) { $0.value($1) }
      json.name("head_commit")
      if let after, headTime != nil {
        json.value(.object([JSONPair("id", .text(after)), JSONPair("timestamp", .time(headTime))]))
      } else {
        json.value(nil as String?)
      }
    }
  }
}

extension GitHubDetails.Comment {
  var json: JSONMember {
    .object([
      JSONPair("id", .number(id)), JSONPair("created_at", .time(time)), JSONPair("user", author?.json ?? .text(nil)),
    ])
  }
}

extension GitHubDetails.Review {
  func json(state: String) -> JSONMember {
    .object([
      JSONPair("id", .number(id)), JSONPair("user", author?.json ?? .text(nil)), JSONPair("commit_id", .text(commit)),
      JSONPair("submitted_at", .time(time)), JSONPair("state", .text(state)), JSONPair("html_url", .text(url)),
    ])
  }
}
