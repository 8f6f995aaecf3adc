import ValueStreamCore

/// Jira: `jira TP issue TP-3 created`, `... status "In Progress" indeterminate`, `... moved OPS-9`.
extension ScenarioWorld {
  mutating func jira(_ step: ScenarioStep) throws -> [Delivery] {
    let (key, action) = (try step.word(1), try step.word(2))
    let name = "jira \(key)"
    let old = subjects[name]?["key"] as? String ?? key
    let parent = step["parent"].map { ["id": subjects["jira \($0)"]?["id"] ?? "", "key": $0] }
    var item: Object?
    let issue = try subject(name) { issue in
      issue["id"] = issue["id"] ?? String(10_000 + (Int(key.split(separator: "-").last ?? "") ?? 0))
      issue["key"] = action == "moved" ? try step.word(3) : old
      issue["self"] = "https://harbour.example/rest/api/2/issue/\(issue["id"] ?? "")"
      var fields = issue["fields"] as? Object ?? ["created": step.time.rfc3339, "statuscategorychangedate": step.time.rfc3339]
      let status = fields["status"] as? Object ?? ["name": "Backlog", "statusCategory": ["key": "new"]]
      fields["status"] = status
      fields["issuetype"] = ["name": step["type"] ?? "Story", "subtask": parent != nil]
      fields["updated"] = step.time.rfc3339
      fields["summary"] = step["title"] ?? fields["summary"] ?? key
      if let parent { fields["parent"] = parent }
      if action == "status" {
        let category = ["key": try step.word(4)]
        item = ["field": "status", "fromString": status["name"] ?? "", "toString": try step.word(3)]
        if (status["statusCategory"] as? Object)?["key"] as? String != category["key"] {
          fields["statuscategorychangedate"] = step.time.rfc3339
        }
        fields["status"] = ["name": try step.word(3), "statusCategory": category] as Object
        fields["resolution"] = category["key"] == "done" ? ["name": "Done"] : nil
      }
      if action == "moved" { item = ["field": "Key", "fromString": old, "toString": try step.word(3)] }
      issue["fields"] = fields
    }
    if action == "moved" { subjects["jira \(try step.word(3))"] = issue }
    let body: Object = [
      "webhookEvent": action == "created" ? "jira:issue_created" : "jira:issue_updated",
      "timestamp": step.time.seconds * 1000, "issue": issue, "changelog": ["items": [item].compactMap { $0 }],
    ]
    return [try Self.delivery("jira", at: step.time, body)]
  }
}

/// Jenkins: `jenkins shop/site build 252 SUCCESS on=a1 branch=discount repository=https://... until=10:09`.
extension ScenarioWorld {
  func jenkins(_ step: ScenarioStep) throws -> [Delivery] {
    guard let end = step.time("until") else { throw ScenarioError("expected until=") }
    var scm: Object = ["url": step["repository"] ?? "https://github.com/acme/site.git"]
    scm["branch"] = step["branch"].map { "origin/\($0)" }
    scm["commit"] = step["on"].map(Self.commit)
    var parameters: Object = [:]
    parameters["type"] = step["environment"].map { _ in "deploy" }
    parameters["environment"] = step["environment"]
    var build: Object = [
      "ciUrl": "https://ci.harbour.example/", "fullJobName": step.place,
      "jobName": step.place.split(separator: "/").last.map(String.init) ?? step.place, "number": try step.number(1),
      "result": "INPROGRESS", "startTime": step.time.seconds * 1000, "scmInfo": scm, "parameters": parameters,
      "buildCause": "Started by an SCM change",
    ]
    if let upstream = step["upstream"]?.split(separator: " "), let number = upstream.last {
      build["buildCause"] = "Started by upstream project \"\(upstream[0])\" build number \(number)"
    }
    let start = try Self.delivery("jenkins", at: step.time, build)
    build["result"] = try step.word(2)
    build["endTime"] = end.seconds * 1000
    build["duration"] = Int(end.seconds(since: step.time)) * 1000
    return [start, try Self.delivery("jenkins", at: end, build)]
  }
}

/// Any sender of CDEvents: `cdevents argo service site deployed environment=production commit=c1`.
extension ScenarioWorld {
  func cdEvents(_ step: ScenarioStep) throws -> [Delivery] {
    let (subject, id, predicate) = (try step.word(0), try step.word(1), try step.word(2))
    var content: Object = [:]
    if let environment = step["environment"] { content["environment"] = ["id": environment] }
    if subject == "service" { content["artifactId"] = step["artifact"] ?? "pkg:oci/site@sha256%3A\(Self.commit("image"))" }
    if let outcome = step["outcome"] { content["outcome"] = outcome }
    if let service = step["service"] { content["service"] = ["id": service] }
    var body: Object = [
      "context": [
        "specversion": "0.5.1", "id": Self.hash(of: step.line), "source": "https://\(step.place).harbour.example",
        "type": "dev.cdevents.\(subject).\(predicate).0.3.0", "timestamp": step.time.rfc3339,
      ], "subject": ["id": id, "content": content],
    ]
    if let commit = step["commit"] { body["customData"] = ["commit": Self.commit(commit)] }
    return [try Self.delivery("cdevents", at: step.time, headers: ["Content-Type": "application/json"], body)]
  }
}

/// A script that sends custom events: `script shop deploy d1 start references=...`.
extension ScenarioWorld {
  func script(_ step: ScenarioStep) throws -> [Delivery] {
    var body: Object = [
      "namespace": step.place, "type": try step.word(0), "id": try step.word(1), "action": try step.word(2),
      "time": step.time.rfc3339,
    ]
    for member in ["environment", "service", "outcome", "name"] { body[member] = step[member] }
    var references = (step["references"] ?? "").split(separator: ",").map(String.init)
    if let commit = step["on"] { references.append(Self.commit(commit)) }
    if let commit = step["short"] { references.append(String(Self.commit(commit).prefix(8))) }
    if !references.isEmpty { body["references"] = references }
    return [try Self.delivery("customhttp", at: step.time, body)]
  }
}
