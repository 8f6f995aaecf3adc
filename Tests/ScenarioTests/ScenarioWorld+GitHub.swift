import ValueStreamCore

/// GitHub: issues, pull requests, pushes, runs, deploys, merge queues, statuses and names.
extension ScenarioWorld {
  mutating func gitHub(_ step: ScenarioStep) throws -> [Delivery] {
    switch try step.word(0) {
    case "issue": try [gitHubIssue(step)]
    case "pull": try [gitHubPull(step)]
    case "push": try [gitHubPush(step)]
    case "run": try gitHubRun(step)
    case "deploy": try gitHubDeploy(step)
    case "queue": try [gitHubQueue(step)]
    case "status": try [gitHubStatus(step)]
    case "renamed": try [gitHubRename(step)]
    default: throw ScenarioError("GitHub tells nothing of the kind")
    }
  }

  private mutating func repository(_ name: String) -> Object {
    let parts = name.split(separator: "/").map(String.init)
    return [
      "id": id(of: name), "name": parts[parts.count - 1], "full_name": name, "owner": ["login": parts[0]],
      "html_url": "https://github.com/\(name)", "default_branch": "main",
    ]
  }

  private mutating func gitHub(_ type: String, _ step: ScenarioStep, at time: Timestamp? = nil, _ body: Object) throws -> Delivery
  {
    var body = body
    body["repository"] = repository(step.place)
    return try Self.delivery("github", at: time ?? step.time, headers: ["X-GitHub-Event": type], body)
  }

  private mutating func gitHubIssue(_ step: ScenarioStep) throws -> Delivery {
    let (number, action) = (try step.number(1), try step.word(2))
    let issue = subject("\(id(of: step.place)) issue \(number)") { issue in
      issue["number"] = number
      issue["title"] = step["title"] ?? issue["title"] ?? "Issue \(number)"
      issue["created_at"] = issue["created_at"] ?? step.time.rfc3339
      issue["updated_at"] = step.time.rfc3339
      issue["state"] = action == "closed" ? "closed" : "open"
      issue["closed_at"] = action == "closed" ? step.time.rfc3339 : nil
      issue["state_reason"] = action == "closed" ? "completed" : nil
      issue["labels"] =
        step["labels"].map { $0.split(separator: ",").map { ["name": String($0)] } } ?? issue["labels"] ?? [Object]()
    }
    return try gitHub("issues", step, ["action": action, "issue": issue])
  }

  private mutating func gitHubPull(_ step: ScenarioStep) throws -> Delivery {
    let (number, action) = (try step.number(1), try step.word(2))
    let base = repository(step.place)
    let fork = step["fork"].map { repository($0) }
    let pull = subject("\(id(of: step.place)) pull \(number)") { pull in
      pull["id"] = 990_000 + number
      pull["number"] = number
      pull["title"] = step["title"] ?? pull["title"] ?? "Pull \(number)"
      pull["body"] = step["body"] ?? pull["body"] ?? ""
      pull["created_at"] = pull["created_at"] ?? step.time.rfc3339
      pull["updated_at"] = step.time.rfc3339
      let isOver = action == "merged" || action == "closed"
      pull["state"] = isOver ? "closed" : "open"
      pull["closed_at"] = isOver ? step.time.rfc3339 : nil
      pull["merged"] = action == "merged"
      pull["merged_at"] = action == "merged" ? step.time.rfc3339 : nil
      pull["merge_commit_sha"] = step["as"].map(Self.commit)
      let old = pull["head"] as? Object
      pull["head"] =
        [
          "ref": step["branch"] ?? old?["ref"] ?? "", "sha": step["head"].map(Self.commit) ?? old?["sha"] ?? "",
          "repo": fork ?? old?["repo"] ?? base,
        ] as Object
      let oldBase = (pull["base"] as? Object)?["ref"]
      pull["base"] = ["ref": step["base"] ?? oldBase ?? "main", "repo": base] as Object
    }
    let actions = ["merged": "closed", "pushed": "synchronize"]
    return try gitHub("pull_request", step, ["action": actions[action] ?? action, "number": number, "pull_request": pull])
  }

  private mutating func gitHubPush(_ step: ScenarioStep) throws -> Delivery {
    let after = Self.commit(try step.word(2))
    let commits = (step["commits"]?.split(separator: ",").map { Self.commit(String($0)) } ?? []) + [after]
    let files = step["files"].map { $0.split(separator: ",").map(String.init) }
    return try gitHub(
      "push", step,
      [
        "ref": "refs/heads/\(try step.word(1))", "before": Self.commit(step["from"] ?? "none"), "after": after,
        "forced": step.words.contains("forced"),
        "commits": commits.map { commit in
          var object: Object = ["id": commit, "timestamp": step.time.rfc3339]
          object["modified"] = files
          return object
        },
        "head_commit": ["id": after, "timestamp": step.time.rfc3339],
      ])
  }

  private mutating func gitHubRun(_ step: ScenarioStep) throws -> [Delivery] {
    let home = repository(step.place)
    var run: Object = [
      "id": try step.number(1), "name": step["name"] ?? "CI", "run_attempt": Int(step["attempt"] ?? "1") ?? 1,
      "event": step["event"] ?? "push", "head_sha": Self.commit(step["on"] ?? ""), "head_branch": step["branch"] ?? "main",
      "created_at": step.time.rfc3339, "run_started_at": step.time.rfc3339, "updated_at": step.time.rfc3339,
      "status": "in_progress", "head_repository": step["fork"].map { repository($0) } ?? home,
      "head_commit": ["id": Self.commit(step["on"] ?? ""), "message": step["message"] ?? ""],
      "pull_requests": (step["pulls"] ?? "").split(separator: ",").map {
        ["number": Int($0) ?? 0, "base": ["repo": ["id": home["id"]]]]
      },
    ]
    var deliveries = [try gitHub("workflow_run", step, ["action": "in_progress", "workflow_run": run])]
    if let end = step.time("until") {
      run.merge(["status": "completed", "conclusion": try step.word(2), "updated_at": end.rfc3339]) { $1 }
      deliveries.append(try gitHub("workflow_run", step, at: end, ["action": "completed", "workflow_run": run]))
    }
    return deliveries
  }

  private mutating func gitHubDeploy(_ step: ScenarioStep) throws -> [Delivery] {
    let deployment: Object = [
      "id": try step.number(1), "sha": Self.commit(step["on"] ?? ""), "ref": step["ref"] ?? "main", "task": "deploy",
      "environment": try step.word(2), "created_at": step.time.rfc3339,
    ]
    let run: Object? = step["run"].map { ["id": Int($0) ?? 0, "run_attempt": 1] }
    var told: Object = ["action": "created", "deployment": deployment]
    told["workflow_run"] = run
    var deliveries = [try gitHub("deployment", step, told)]
    if let start = step.time("started") {
      told["deployment_status"] = ["state": "in_progress", "created_at": start.rfc3339] as Object
      deliveries.append(try gitHub("deployment_status", step, at: start, told))
    }
    if let end = step.time("until") {
      told["deployment_status"] = ["state": try step.word(3), "created_at": end.rfc3339] as Object
      deliveries.append(try gitHub("deployment_status", step, at: end, told))
    }
    return deliveries
  }

  /// The merge queue builds its own commit for a pull request.
  private mutating func gitHubQueue(_ step: ScenarioStep) throws -> Delivery {
    let number = try step.number(1)
    let name = "refs/heads/gh-readonly-queue/main/pr-\(number)-\(Self.commit("base"))"
    return try gitHub(
      "merge_group", step,
      [
        "action": "checks_requested",
        "merge_group": ["head_sha": Self.commit(step["head"] ?? ""), "head_ref": name, "base_ref": "refs/heads/main"],
      ])
  }

  private mutating func gitHubStatus(_ step: ScenarioStep) throws -> Delivery {
    let commit = Self.commit(step["on"] ?? "")
    return try gitHub(
      "status", step,
      [
        "id": 5000, "sha": commit, "state": try step.word(2), "context": try step.word(1), "created_at": step.time.rfc3339,
        "updated_at": step.time.rfc3339, "commit": ["sha": commit, "commit": ["message": step["message"] ?? ""]],
      ])
  }

  private mutating func gitHubRename(_ step: ScenarioStep) throws -> Delivery {
    let new = try step.word(1)
    rename(step.place, to: new)
    let old = step.place.split(separator: "/").last.map(String.init) ?? ""
    var repository = repository(new)
    repository["updated_at"] = step.time.rfc3339
    return try Self.delivery(
      "github", at: step.time, headers: ["X-GitHub-Event": "repository"],
      ["action": "renamed", "changes": ["repository": ["name": ["from": old]]], "repository": repository])
  }
}
