import ValueStreamCore

/// Tells the issues of a plan as the webhooks of Jira.
struct YearJira {
  let plan: YearPlan
  let project: String

  private enum Status: String {
    case toDo = "To Do"
    case inProgress = "In Progress"
    case blocked = "Blocked"
    case inReview = "In Review"
    case done = "Done"

    var id: String {
      switch self {
      case .toDo: "10000"
      case .inProgress: "3"
      case .blocked: "10005"
      case .inReview: "10007"
      case .done: "10002"
      }
    }

    var category: String {
      switch self {
      case .toDo: "new"
      case .inProgress, .blocked, .inReview: "indeterminate"
      case .done: "done"
      }
    }
  }

  func steps() -> [YearStep] {
    plan.issues.filter { !$0.isIncident }.flatMap(steps)
  }

  private func steps(of issue: YearIssue) -> [YearStep] {
    let blocked = issue.blocked.map { [(Status.blocked, $0.from), (.inProgress, $0.to)] } ?? []
    let stated = [(Status.inProgress, issue.started), (.inReview, issue.reviewed), (.done, issue.done)]
    let moves = (stated.compactMap { status, time in time.map { (status, $0) } } + blocked).sorted { $0.1 < $1.1 }
    var steps = [step(of: issue, in: .toDo, since: issue.created, from: nil, at: issue.created)]
    var (status, since) = (Status.toDo, issue.created)
    for (next, time) in moves where next != status && status != .done {
      if next.category != status.category { since = time }
      steps.append(step(of: issue, in: next, since: since, from: status, at: time))
      status = next
    }
    return steps
  }

  private static func text(_ time: Timestamp) -> String { "\(time.wholeSeconds.dropLast()).000+0000" }

  private func step(of issue: YearIssue, in status: Status, since: Timestamp, from: Status?, at time: Timestamp) -> YearStep {
    let project = project
    let id = 100_000 + Int64(plan.number % 1000) * 100_000 + Int64(issue.number)
    return YearStep(
      time: time, path: "/jira", headers: ["Content-Type": "application/json"], idHeader: "X-Atlassian-Webhook-Identifier"
    ) { json in
      json.object { json in
        json.member("timestamp", time.seconds * 1000)
        json.member("webhookEvent", from == nil ? "jira:issue_created" : "jira:issue_updated")
        if from != nil { json.member("issue_event_type_name", "issue_generic") }
        json.object("user") { $0.member("displayName", issue.assignee ?? issue.author) }
        json.object("issue") { json in
          json.member("id", String(id))
          json.member("self", "https://harbour.atlassian.net/rest/api/2/issue/\(id)")
          json.member("key", "\(project)-\(issue.number)")
          json.object("fields") { json in
            json.member("summary", issue.title)
            json.object("issuetype") { json in
              json.member("name", issue.type)
              json.member("subtask", false)
            }
            json.object("project") { json in
              json.member("key", project)
              json.member("name", project)
            }
            json.object("status") { json in
              json.member("id", status.id)
              json.member("name", status.rawValue)
              json.object("statusCategory") { $0.member("key", status.category) }
            }
            json.member("statuscategorychangedate", Self.text(since))
            json.member("created", Self.text(issue.created))
            json.member("updated", Self.text(time))
            json.member("resolutiondate", status == .done ? Self.text(time) : nil)
            json.name("resolution")
            if status == .done {
              json.object { $0.member("name", issue.isNotPlanned ? "Won't Do" : "Done") }
            } else {
              json.value(nil as String?)
            }
            json.array("labels", [String]()) { $0.value($1) }
          }
        }
        guard let from else { return }
        json.object("changelog") { json in
          json.member("id", String(id * 10 + time.seconds % 10))
          json.array("items", [from]) { json, from in
            json.object { json in
              json.member("field", "status")
              json.member("fieldtype", "jira")
              json.member("fieldId", "status")
              json.member("from", from.id)
              json.member("fromString", from.rawValue)
              json.member("to", status.id)
              json.member("toString", status.rawValue)
            }
          }
        }
      }
    }
  }
}

/// Tells the builds and deploys of a plan as Jenkins does with the plugin Notification.
struct YearJenkins {
  let plan: YearPlan

  private static let server = "https://ci.harbour.example/"

  func steps() -> [YearStep] {
    var steps: [YearStep] = []
    var numbers: [String: Int] = [:]
    func number(of job: String) -> Int {
      numbers[job, default: 0] += 1
      return numbers[job] ?? 1
    }
    let folder = String(plan.fullName.drop { $0 != "/" }.dropFirst())
    for change in plan.changes {
      for run in change.runs {
        let job = run.isOfChange ? "PR-\(change.number)" : "main"
        for attempt in run.attempts {
          add(
            [folder, "ci", job], number: number(of: job), commit: run.commit.sha, branch: job,
            times: [("QUEUED", min(run.created, attempt.started)), ("STARTED", attempt.started), ("COMPLETED", attempt.ended)],
            isSuccess: attempt.isSuccess, parameters: [], to: &steps)
        }
      }
    }
    for release in plan.releases {
      let service = plan.serviceNames[release.service]
      for deploy in release.deploys {
        add(
          [folder, "deploy-\(service)"], number: number(of: "deploy-\(service)"), commit: release.commit?.sha ?? "",
          branch: "origin/main",
          times: [("QUEUED", deploy.created), ("STARTED", deploy.started), ("COMPLETED", deploy.ended)],
          isSuccess: deploy.isSuccess,
          parameters: [("type", "deploy"), ("service", service), ("environment", deploy.environment)], to: &steps)
      }
    }
    return steps
  }

  private func add(
    _ path: [String], number: Int, commit: String, branch: String, times: [(phase: String, time: Timestamp)], isSuccess: Bool,
    parameters: [(String, String)], to steps: inout [YearStep]
  ) {
    let address = path.map { "job/\($0)/" }.joined()
    let repository = "https://github.com/\(plan.fullName).git"
    let started = times.first { $0.phase == "STARTED" }?.time
    for (phase, time) in times {
      steps.append(
        YearStep(time: time, path: "/jenkins", headers: ["Content-Type": "application/json"], idHeader: nil) { json in
          json.object { json in
            json.member("name", path.last)
            json.member("display_name", path.last)
            json.member("url", address)
            json.object("build") { json in
              json.member("full_url", "\(Self.server)\(address)\(number)/")
              json.member("number", number)
              json.member("phase", phase)
              json.member("timestamp", time.seconds * 1000)
              if phase == "COMPLETED" {
                json.member("status", isSuccess ? "SUCCESS" : "FAILURE")
                json.member("duration", Int((started.map { time.seconds(since: $0) } ?? 0) * 1000))
              }
              json.member("url", "\(address)\(number)/")
              json.object("scm") { json in
                json.member("url", repository)
                json.member("branch", branch)
                json.member("commit", commit)
              }
              guard !parameters.isEmpty else { return }
              json.object("parameters") { json in for (name, value) in parameters { json.member(name, value) } }
            }
          }
        })
    }
  }
}

/// Tells what scripts and the on-call tool of a plan post as custom events.
struct YearScripts {
  let plan: YearPlan

  func steps() -> [YearStep] {
    var steps: [YearStep] = []
    if case .script = plan.repository.deployer {
      for release in plan.releases {
        for deploy in release.deploys { add(deploy, release, to: &steps) }
      }
    }
    for incident in plan.incidents where incident.issue == nil { add(incident, to: &steps) }
    return steps
  }

  private func step(at time: Timestamp, _ members: @escaping (inout JSONWriter) -> Void) -> YearStep {
    YearStep(time: time, path: "/customhttp", headers: ["Content-Type": "application/json"], idHeader: "Idempotency-Key") {
      json in
      json.object(members)
    }
  }

  private func add(_ deploy: YearDeploy, _ release: YearRelease, to steps: inout [YearStep]) {
    let (service, sha, namespace) = (plan.serviceNames[release.service], release.commit?.sha ?? "", plan.fullName)
    for (action, time) in [("start", deploy.started), ("end", deploy.ended)] {
      steps.append(
        step(at: time) { json in
          json.member("id", String(deploy.id))
          json.member("type", "deploy")
          json.member("namespace", namespace)
          json.member("action", action)
          json.member("name", "\(service) to \(deploy.environment)")
          json.member("service", service)
          json.member("environment", deploy.environment)
          json.whole("startedAt", deploy.started)
          if action == "end" {
            json.whole("endedAt", deploy.ended)
            json.member("outcome", deploy.isSuccess ? "success" : "failure")
          }
          json.array("references", [sha]) { $0.value($1) }
        })
    }
  }

  private func add(_ incident: YearIncident, to steps: inout [YearStep]) {
    let namespace = "\(plan.repository.owner)/oncall"
    let id = "\(plan.number)-\(incident.number)"
    for (action, time) in [("start", incident.began), ("end", incident.resolved)] {
      guard let time else { continue }
      steps.append(
        step(at: time) { json in
          json.member("id", id)
          json.member("type", "incident")
          json.member("namespace", namespace)
          json.member("action", action)
          json.member("name", incident.title)
          if let service = incident.service { json.member("service", service) }
          json.whole("startedAt", incident.began)
          if action == "end" {
            json.whole("endedAt", time)
            json.member("outcome", "completed")
          }
        })
    }
  }
}
