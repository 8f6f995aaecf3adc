import ValueStreamCore

/// GitLab: issues, merge requests, pipelines and deploys.
extension ScenarioWorld {
  mutating func gitLab(_ step: ScenarioStep) throws -> [Delivery] {
    switch try step.word(0) {
    case "issue": try [gitLabIssue(step)]
    case "merge": try [gitLabMerge(step)]
    case "push": try [gitLabPush(step)]
    case "pipeline": try gitLabPipeline(step)
    case "deploy": try [gitLabDeploy(step)]
    default: throw ScenarioError("GitLab tells nothing of the kind")
    }
  }

  private mutating func gitLab(_ kind: String, _ step: ScenarioStep, at time: Timestamp? = nil, _ body: Object) throws -> Delivery
  {
    var body = body
    let name = step.place.split(separator: "/").last.map(String.init) ?? step.place
    body["object_kind"] = kind
    body["project"] =
      [
        "id": id(of: step.place), "name": name, "path_with_namespace": step.place, "default_branch": "main",
        "web_url": "https://gitlab.example/\(step.place)",
      ] as Object
    return try Self.delivery("gitlab", at: time ?? step.time, body)
  }

  private mutating func gitLabIssue(_ step: ScenarioStep) throws -> Delivery {
    let (number, action) = (try step.number(1), try step.word(2))
    let issue = subject("\(id(of: step.place)) issue \(number)") { issue in
      issue.merge(["id": 9000 + number, "iid": number, "title": step["title"] ?? "Issue \(number)", "type": "Issue"]) { old, _ in
        old
      }
      issue["created_at"] = issue["created_at"] ?? step.time.rfc3339
      issue["updated_at"] = step.time.rfc3339
      issue["action"] = ["opened": "open", "closed": "close", "reopened": "reopen"][action] ?? action
      issue["state"] = action == "closed" ? "closed" : "opened"
      issue["closed_at"] = action == "closed" ? step.time.rfc3339 : nil
    }
    return try gitLab("issue", step, ["object_attributes": issue])
  }

  private mutating func gitLabMerge(_ step: ScenarioStep) throws -> Delivery {
    let (number, action) = (try step.number(1), try step.word(2))
    let project = id(of: step.place)
    let request = subject("\(project) merge \(number)") { request in
      request.merge([
        "id": 7000 + number, "iid": number, "title": "Request \(number)", "description": "", "target_branch": "main",
        "source_branch": "", "target_project_id": project, "source_project_id": project,
      ]) { old, _ in old }
      request["title"] = step["title"] ?? request["title"]
      request["description"] = step["body"] ?? request["description"]
      request["source_branch"] = step["branch"] ?? request["source_branch"]
      request["created_at"] = request["created_at"] ?? step.time.rfc3339
      request["updated_at"] = step.time.rfc3339
      request["action"] = ["opened": "open", "merged": "merge", "pushed": "update"][action] ?? action
      request["state"] = action == "merged" ? "merged" : "opened"
      if let head = step["head"] { request["last_commit"] = ["id": Self.commit(head)] }
      if let merge = step["as"] { request["merge_commit_sha"] = Self.commit(merge) }
      if let squash = step["squash"] { request["squash_commit_sha"] = Self.commit(squash) }
    }
    return try gitLab("merge_request", step, ["object_attributes": request])
  }

  /// A push such as `push main c1 from=c0 total=40`, which brings more commits than its payload lists.
  private mutating func gitLabPush(_ step: ScenarioStep) throws -> Delivery {
    let after = Self.commit(try step.word(2))
    return try gitLab(
      "push", step,
      [
        "ref": "refs/heads/\(try step.word(1))", "before": Self.commit(step["from"] ?? "none"), "after": after,
        "checkout_sha": after, "total_commits_count": Int(step["total"] ?? "1") ?? 1,
        "commits": [["id": after, "timestamp": step.time.rfc3339]],
      ])
  }

  private mutating func gitLabPipeline(_ step: ScenarioStep) throws -> [Delivery] {
    let commit = Self.commit(step["on"] ?? "")
    var pipeline: Object = [
      "id": try step.number(1), "ref": step["branch"] ?? "main", "sha": commit, "source": "push", "status": "running",
      "created_at": step.time.rfc3339, "queued_duration": 0,
    ]
    var body: Object = ["commit": ["id": commit, "message": step["message"] ?? ""]]
    if let upstream = step["of"] {
      body["source_pipeline"] =
        ["pipeline_id": Int(upstream) ?? 0, "project": ["id": id(of: step["in"] ?? step.place)]] as Object
    }
    body["object_attributes"] = pipeline
    var deliveries = [try gitLab("pipeline", step, body)]
    if let end = step.time("until") {
      pipeline.merge(["status": try step.word(2), "finished_at": end.rfc3339, "duration": Int(end.seconds(since: step.time))]) {
        $1
      }
      body["object_attributes"] = pipeline
      deliveries.append(try gitLab("pipeline", step, at: end, body))
    }
    return deliveries
  }

  private mutating func gitLabDeploy(_ step: ScenarioStep) throws -> Delivery {
    let commit = Self.commit(step["on"] ?? "")
    return try gitLab(
      "deployment", step,
      [
        "deployment_id": try step.number(1), "environment": try step.word(2), "status": try step.word(3), "ref": "main",
        "status_changed_at": step.time.rfc3339, "short_sha": String(commit.prefix(8)),
        "commit_url": "https://gitlab.example/\(step.place)/-/commit/\(commit)",
      ])
  }
}
