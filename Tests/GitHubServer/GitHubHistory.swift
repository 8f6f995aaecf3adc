import Foundation
package import ValueStreamCore

/// What GitHub keeps of a history of webhook deliveries: the last state of each object, and the timelines.
///
/// ``GitHubHistoryServer`` serves it. It reads the deliveries with `Foundation` and not with the code under test.
package struct GitHubHistory: Sendable {
  /// An object of a list, as JSON of the REST API.
  package struct Record: Sendable {
    package var id: Int
    package var nodeID: String
    package var created: Timestamp
    package var updated: Timestamp
    package var json: String
    /// The members that GraphQL tells beside it, as JSON without braces.
    package var details = ""
    /// The branch of a pull request, and what GraphQL tells in lists of pull requests by branch.
    package var branch = ""
    package var summary = ""
  }

  package struct Run: Sendable {
    /// The attempts, from the first.
    package var attempts: [Record]
    package var jobs: [Record]
  }

  package struct Repository: Sendable {
    package var json = "{}"
    package var changes: [Record] = []
    package var issues: [Record] = []
    package var deployments: [Record] = []
    package var releases: [Record] = []
    package var runs: [Run] = []
    /// The pushes to the default branch, and those to branches of pull requests.
    package var activity: [Record] = []
    /// The answers to `compare`, by `before...after`.
    package var comparisons: [String: String] = [:]
  }

  package var organization = ""
  package private(set) var repositories: [String: Repository] = [:]

  typealias Object = [String: Any]

  /// - Parameter deliveries: the type and the body of each, in order.
  package init(_ deliveries: [(event: String, body: [UInt8])]) {
    var kept = Kept()
    for delivery in deliveries {
      guard let body = try? JSONSerialization.jsonObject(with: Data(delivery.body)) as? Object else { continue }
      kept.take(delivery.event, body)
    }
    for (name, objects) in kept.repositories {
      organization = String(name.prefix { $0 != "/" })
      repositories[name] = objects.repository
    }
  }

  package mutating func change(_ name: String, _ edit: (inout Repository) -> Void) {
    if var repository = repositories[name] {
      edit(&repository)
      repositories[name] = repository
    }
  }

  package static func text(_ value: Any) -> String {
    let data = try? JSONSerialization.data(
      withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }
}

/// The objects while the deliveries are read.
private struct Kept {
  typealias Object = [String: Any]

  /// An issue or pull request with its timeline.
  struct Item {
    var object: Object = [:]
    var timeline: [Object] = []
    var comments: [Object] = []
    var reviews: [Object] = []
    var commits: [Object] = []

    mutating func touch(_ time: Any?) {
      if let new = time as? String, new > object["updated_at"] as? String ?? "" { object["updated_at"] = new }
    }
  }

  struct Objects {
    var object: Object = [:]
    var changes: [Int: Item] = [:]
    var issues: [Int: Item] = [:]
    var deployments: [Int: Object] = [:]
    var statuses: [Int: [Object]] = [:]
    var releases: [Int: Object] = [:]
    /// By id, then attempt.
    var runs: [Int: [Int: Object]] = [:]
    var jobs: [Int: [Int: Object]] = [:]
    var pushes: [Object] = []
    /// The rows of the activity for pushes to pull requests.
    var updates: [Object] = []
    var branches: [String: [Object]] = [:]
  }

  var repositories: [String: Objects] = [:]

  fileprivate mutating func take(_ event: String, _ body: Object) {
    guard let repository = body["repository"] as? Object, let name = repository["full_name"] as? String else { return }
    var objects = repositories[name] ?? Objects()
    if event != "push" { objects.object = repository }
    objects.take(event, body)
    repositories[name] = objects
  }
}

extension Kept.Objects {
  typealias Object = [String: Any]

  fileprivate mutating func take(_ event: String, _ body: Object) {
    let action = body["action"] as? String ?? ""
    switch event {
    case "pull_request", "pull_request_review":
      guard let change = body["pull_request"] as? Object, let number = change["number"] as? Int else { return }
      changes[number, default: Kept.Item()].object = change
      if let head = (change["head"] as? Object)?["ref"] as? String, change["state"] as? String == "open" {
        changes[number]?.commits = branches["refs/heads/\(head)"] ?? []
      }
      if let review = body["review"] as? Object { changes[number]?.reviews.append(review) }
      if action == "synchronize", let ref = (change["head"] as? Object)?["ref"] as? String {
        updates.append([
          "ref": "refs/heads/\(ref)", "before": body["before"] ?? "", "after": body["after"] ?? "",
          "timestamp": change["updated_at"] ?? "", "activity_type": "push",
        ])
      }
      if event == "pull_request", let item = Self.timelineItem(action, body, change) { changes[number]?.timeline.append(item) }
    case "issues":
      guard let issue = body["issue"] as? Object, let number = issue["number"] as? Int else { return }
      issues[number, default: Kept.Item()].object = issue
      if let item = Self.timelineItem(action, body, issue) { issues[number]?.timeline.append(item) }
    case "sub_issues":
      for name in ["sub_issue", "parent_issue"] {
        if let issue = body[name] as? Object, let number = issue["number"] as? Int {
          issues[number, default: Kept.Item()].object = issue
        }
      }
    case "issue_comment":
      guard let issue = body["issue"] as? Object, let number = issue["number"] as? Int, let comment = body["comment"] as? Object
      else {
        return
      }
      if issue["pull_request"] == nil {
        issues[number, default: Kept.Item()].object = issue
        issues[number]?.comments.append(comment)
      } else {
        changes[number]?.touch(issue["updated_at"])
        changes[number]?.comments.append(comment)
      }
    case "workflow_run":
      guard let run = body["workflow_run"] as? Object, let id = run["id"] as? Int else { return }
      runs[id, default: [:]][run["run_attempt"] as? Int ?? 1] = run
    case "workflow_job":
      guard let job = body["workflow_job"] as? Object, let id = job["id"] as? Int, let run = job["run_id"] as? Int else { return }
      jobs[run, default: [:]][id] = job
    case "deployment", "deployment_status":
      guard let deployment = body["deployment"] as? Object, let id = deployment["id"] as? Int else { return }
      deployments[id] = deployment
      if let status = body["deployment_status"] as? Object { statuses[id, default: []].append(status) }
    case "release":
      guard let release = body["release"] as? Object, let id = release["id"] as? Int else { return }
      releases[id] = release
    case "push": takePush(body)
    default: break
    }
  }

  private mutating func takePush(_ body: Object) {
    guard let ref = body["ref"] as? String, let commits = body["commits"] as? [Object] else { return }
    let isNew = body["created"] as? Bool == true || body["forced"] as? Bool == true
    branches[ref] = (isNew ? [] : branches[ref] ?? []) + commits
    if ref == "refs/heads/main" { pushes.append(body) }
  }

  private static func timelineItem(_ action: String, _ body: Object, _ object: Object) -> Object? {
    let types = [
      "closed": "ClosedEvent", "reopened": "ReopenedEvent", "ready_for_review": "ReadyForReviewEvent",
      "converted_to_draft": "ConvertToDraftEvent", "labeled": "LabeledEvent", "unlabeled": "UnlabeledEvent",
      "assigned": "AssignedEvent", "review_requested": "ReviewRequestedEvent", "enqueued": "AddedToMergeQueueEvent",
      "dequeued": "RemovedFromMergeQueueEvent", "auto_merge_enabled": "AutoMergeEnabledEvent",
    ]
    guard let type = types[action], let time = object["updated_at"] else { return nil }
    var item: Object = ["__typename": type, "createdAt": time]
    if let label = body["label"] as? Object { item["label"] = ["name": label["name"]] }
    if let assignee = body["assignee"] as? Object { item["assignee"] = ["login": assignee["login"]] }
    if let reviewer = body["requested_reviewer"] as? Object {
      item["requestedReviewer"] = ["__typename": "User", "login": reviewer["login"]]
    }
    if let reason = body["reason"] as? String { item["reason"] = reason.uppercased() }
    if action == "closed", let reason = object["state_reason"] as? String { item["stateReason"] = reason.uppercased() }
    return item
  }

  // MARK: As the API tells it

  var repository: GitHubHistory.Repository {
    var result = GitHubHistory.Repository()
    result.json = GitHubHistory.text(object)
    result.changes = changes.values.compactMap { Self.record($0, isChange: true) }
    result.issues = issues.values.compactMap { Self.record($0, isChange: false) }
    result.deployments = deployments.values.compactMap { deployment in
      let statuses = (statuses[deployment["id"] as? Int ?? 0] ?? []).reversed().map { status in
        [
          "state": (status["state"] as? String ?? "").uppercased(), "createdAt": status["created_at"] ?? NSNull(),
          "updatedAt": status["updated_at"] ?? NSNull(), "logUrl": status["log_url"] ?? NSNull(),
          "environmentUrl": status["environment_url"] ?? NSNull(), "environment": status["environment"] ?? NSNull(),
        ]
      }
      return Self.record(deployment, details: Self.connection("statuses", Array(statuses)))
    }
    result.releases = releases.values.compactMap { Self.record($0) }
    result.runs = runs.map { id, attempts in
      let attempts = attempts.sorted { $0.key < $1.key }.compactMap { Self.record($0.value) }
      let jobs = (jobs[id] ?? [:]).sorted { $0.key < $1.key }.compactMap { Self.record($0.value) }
      return GitHubHistory.Run(attempts: attempts, jobs: jobs)
    }
    let first = (object["id"] as? Int ?? 0) * 10_000
    for (index, push) in pushes.enumerated() { addPush(push, number: first + index, to: &result) }
    for (index, update) in updates.enumerated() {
      var row = update
      row["id"] = first + 5000 + index
      let time = (row["timestamp"] as? String).flatMap { Timestamp(rfc3339: $0) } ?? .epoch
      result.activity.append(
        GitHubHistory.Record(id: first + 5000 + index, nodeID: "", created: time, updated: time, json: GitHubHistory.text(row)))
    }
    result.activity.sort { ($0.created, $0.id) < ($1.created, $1.id) }
    return result
  }

  fileprivate static func record(_ object: Object, details: String = "") -> GitHubHistory.Record? {
    guard let id = object["id"] as? Int else { return nil }
    func time(_ name: String) -> Timestamp? { (object[name] as? String).flatMap { Timestamp(rfc3339: $0) } }
    let created = time("created_at") ?? .epoch
    // A generated year leaves the ids of nodes out.
    let nodeID = object["node_id"] as? String ?? "N_\(id)"
    return GitHubHistory.Record(
      id: id, nodeID: nodeID, created: created, updated: time("updated_at") ?? created,
      json: GitHubHistory.text(object.merging(["node_id": nodeID]) { known, _ in known }), details: details)
  }

  /// Members that a list of pull requests does not have.
  private static let webhookOnly = [
    "additions", "deletions", "changed_files", "commits", "comments", "review_comments", "merged", "merged_by", "mergeable",
    "mergeable_state", "rebaseable", "maintainer_can_modify",
  ]

  fileprivate static func record(_ item: Kept.Item, isChange: Bool) -> GitHubHistory.Record? {
    var object = item.object
    var details = [connection("timelineItems", item.timeline), connection("comments", item.comments.map(comment))]
    if isChange {
      for (name, key) in [("additions", "additions"), ("deletions", "deletions"), ("changedFiles", "changed_files")] {
        details.append("\"\(name)\":\(object[key] as? Int ?? 0)")
      }
      let commits = item.commits.map { commit -> Object in
        ["commit": ["oid": commit["id"], "message": commit["message"], "committedDate": commit["timestamp"]]]
      }
      details.append(connection("commits", commits, total: object["commits"] as? Int))
      details.append(
        connection(
          "reviews",
          item.reviews.map { review -> Object in
            var node = comment(review)
            node["state"] = (review["state"] as? String ?? "").uppercased()
            node["submittedAt"] = review["submitted_at"]
            node["url"] = review["html_url"]
            node["commit"] = ["oid": review["commit_id"]]
            node["comments"] = ["pageInfo": ["hasNextPage": false], "nodes": [Object]()] as Object
            return node
          }))
      for name in webhookOnly { object[name] = nil }
    }
    var record = record(object, details: details.joined(separator: ","))
    if isChange, let head = object["head"] as? Object {
      record?.branch = head["ref"] as? String ?? ""
      let user = object["user"] as? Object ?? [:]
      let login = (user["login"] as? String ?? "").replacingOccurrences(of: "[bot]", with: "")
      let author: Object = ["__typename": user["type"] ?? "User", "login": login, "databaseId": user["id"] ?? 0]
      record?.summary = GitHubHistory.text(
        [
          "fullDatabaseId": "\(object["id"] as? Int ?? 0)", "number": object["number"] ?? 0, "title": object["title"] ?? "",
          "body": object["body"] ?? NSNull(), "url": object["html_url"] ?? "", "isDraft": object["draft"] ?? false,
          "createdAt": object["created_at"] ?? "", "closedAt": object["closed_at"] ?? NSNull(),
          "baseRefName": (object["base"] as? Object)?["ref"] ?? "", "author": author,
          "baseRefOid": (object["base"] as? Object)?["sha"] ?? "",
          "headRepository": ["databaseId": (head["repo"] as? Object)?["id"]],
        ] as Object)
    }
    return record
  }

  private static func comment(_ object: Object) -> Object {
    let user = object["user"] as? Object
    let login = user?["login"] as? String ?? ""
    let type = user?["type"] as? String ?? "User"
    return [
      "fullDatabaseId": "\(object["id"] as? Int ?? 0)", "createdAt": object["created_at"] ?? NSNull(),
      "author": ["__typename": type, "login": type == "Bot" ? login.replacingOccurrences(of: "[bot]", with: "") : login],
    ]
  }

  private static func connection(_ name: String, _ nodes: [Object], total: Int? = nil) -> String {
    let nodes: Object = [
      "totalCount": total ?? nodes.count, "pageInfo": ["hasNextPage": false, "endCursor": NSNull()] as Object, "nodes": nodes,
    ]
    return "\"\(name)\":\(GitHubHistory.text(nodes))"
  }

  private func addPush(_ push: Object, number: Int, to result: inout GitHubHistory.Repository) {
    let (before, after) = (push["before"] as? String ?? "", push["after"] as? String ?? "")
    let commits = push["commits"] as? [Object] ?? []
    let time = (push["head_commit"] as? Object)?["timestamp"] as? String ?? ""
    let isForced = push["forced"] as? Bool == true
    let row: Object = [
      "id": number, "ref": "refs/heads/main", "before": before, "after": after, "timestamp": time,
      "activity_type": isForced ? "force_push" : "push",
    ]
    result.activity.append(
      GitHubHistory.Record(
        id: number, nodeID: "", created: Timestamp(rfc3339: time) ?? .epoch, updated: .epoch, json: GitHubHistory.text(row)))
    var parent = before
    var files: [Object] = []
    let written = commits.map { commit -> Object in
      defer { parent = commit["id"] as? String ?? "" }
      for name in ["added", "removed", "modified"] {
        files += (commit[name] as? [String] ?? []).map { ["filename": $0, "status": name] }
      }
      return [
        "sha": commit["id"] ?? "", "parents": [["sha": parent]],
        "commit": ["message": commit["message"] ?? "", "committer": ["date": commit["timestamp"] ?? ""]] as Object,
      ]
    }
    result.comparisons["\(before)...\(after)"] = GitHubHistory.text([
      "commits": written, "files": files, "total_commits": commits.count,
    ])
  }
}
