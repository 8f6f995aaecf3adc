import ValueStreamCore

/// A commit as in payloads.
struct Commit {
  var sha: String
  var tree: String
  var message: String
  var author: Account
  /// The committer; GitHub itself for commits made on its web pages.
  var committer: Account
  var time: Timestamp
  var added: [String] = []
  var modified: [String] = []
  /// The position among the heads of main, counted from 1; 0 for other commits.
  var ordinal = 0

  /// The first line of the message.
  var title: String { message.split(separator: "\n").first.map(String.init) ?? message }
}

struct Label {
  var id: Int64
  var name: String
  var color: String
  var description: String

  static let known: [(name: String, color: String, description: String)] = [
    ("bug", "d73a4a", "Something is not working"), ("feature", "a2eeef", "Something new"), ("chore", "cfd3d7", "Keeps us going"),
    ("incident", "b60205", "Customers are affected"), ("epic", "5319e7", "Has sub-issues"),
    ("priority", "e99695", "Before others"),
    ("needs-design", "fbca04", "Talk about it first"), ("dependencies", "0366d6", "Updates a dependency"),
    ("size/S", "c2e0c6", "Read in minutes"), ("size/M", "bfd4f2", "Read in half an hour"), ("size/L", "f9d0c4", "Take your time"),
  ]
}

/// A repository and the work in progress in it.
final class Repository {
  let plan: RepositoryPlan
  let id: Int64
  let name: String
  let owner: Account
  let createdAt: Timestamp
  /// The people who work on this repository.
  var people: [Person] = []
  /// The head of main.
  var main: Commit
  var nextNumber: Int
  var openIssues = 0 { didSet { cached = nil } }
  var pushedAt: Timestamp { didSet { cached = nil } }
  var runNumbers: [String: Int] = [:]
  /// The deploy targets by the name of the environment.
  private var targets: [String: DeployTarget] = [:]
  /// The commit deployed to staging last, the candidate for production.
  var staged: Commit?
  var incident: Incident?
  /// The pull requests in the merge queue, in order. The first is being checked.
  var mergeQueue: [PullRequest] = []
  var release = (major: 5, minor: 3)
  /// The changes merged into main that are not in both environments yet.
  var landed: [(ordinal: Int, number: Int)] = []
  private var cached: [UInt8]?

  init(plan: RepositoryPlan, id: Int64, name: String, owner: Account, createdAt: Timestamp, main: Commit) {
    self.plan = plan
    self.id = id
    self.name = name
    self.owner = owner
    self.createdAt = createdAt
    self.main = main
    nextNumber = plan.usedNumbers + 1
    pushedAt = main.time
  }

  var fullName: String { "\(owner.login)/\(name)" }
  var api: String { "https://api.github.com/repos/\(fullName)" }
  var web: String { "https://github.com/\(fullName)" }

  subscript(target environment: String) -> DeployTarget {
    get { targets[environment] ?? DeployTarget() }
    set { targets[environment] = newValue }
  }

  /// Releases the work in progress, to break reference cycles.
  func letGo() {
    targets = [:]
    mergeQueue = []
    incident = nil
  }

  /// Returns the next number. Issues and pull requests share their numbers.
  func takeNumber() -> Int {
    defer { nextNumber += 1 }
    return nextNumber
  }

  func takeRunNumber(of workflow: WorkflowPlan) -> Int {
    let number = runNumbers[workflow.name, default: plan.usedNumbers * 3] + 1
    runNumbers[workflow.name] = number
    return number
  }

  func label(_ name: String) -> Label {
    let index = Label.known.firstIndex { $0.name == name } ?? 0
    let known = Label.known[index]
    return Label(id: id * 16 + Int64(index), name: known.name, color: known.color, description: known.description)
  }

  func workflowID(of workflow: WorkflowPlan) -> Int64 {
    id / 4 + Int64(["ci.yml", "deploy.yml", "release.yml", "site.yml"].firstIndex(of: workflow.file) ?? 4)
  }

  /// The repository as the top-level member of a payload.
  var json: [UInt8] {
    if let cached { return cached }
    var json = JSONWriter(capacity: 3000)
    json.object { json in
      describe(in: &json)
      json.member("created_at", createdAt.wholeSeconds)
      json.member("updated_at", pushedAt.wholeSeconds)
      json.member("pushed_at", pushedAt.wholeSeconds)
      describeState(in: &json)
    }
    cached = json.bytes
    return json.bytes
  }

  /// The repository in a push payload, where two times are numbers.
  var pushJSON: [UInt8] {
    var json = JSONWriter(capacity: 3000)
    json.object { json in
      describe(in: &json)
      json.member("created_at", createdAt.seconds)
      json.member("updated_at", pushedAt.wholeSeconds)
      json.member("pushed_at", pushedAt.seconds)
      describeState(in: &json)
      json.member("stargazers", 12)
      json.member("master_branch", "main")
      json.member("organization", owner.login)
    }
    return json.bytes
  }

  /// The repository as part of another object in a payload.
  private(set) lazy var shortJSON: [UInt8] = {
    var json = JSONWriter(capacity: 1000)
    json.object { json in
      describeBriefly(in: &json)
      json.member("default_branch", "main")
    }
    return json.bytes
  }()

  private func describeBriefly(in json: inout JSONWriter) {
    json.member("id", id)
    json.member("node_id", "R_kgDO\(String(id, radix: 36))")
    json.member("name", name)
    json.member("full_name", fullName)
    json.member("private", true)
    json.account("owner", owner)
    json.member("html_url", web)
    json.member("description", plan.description)
    json.member("fork", false)
    json.member("url", api)
  }

  private func describe(in json: inout JSONWriter) {
    describeBriefly(in: &json)
    json.member("branches_url", "\(api)/branches{/branch}")
    json.member("commits_url", "\(api)/commits{/sha}")
    json.member("issues_url", "\(api)/issues{/number}")
    json.member("pulls_url", "\(api)/pulls{/number}")
    json.member("deployments_url", "\(api)/deployments")
    json.member("statuses_url", "\(api)/statuses/{sha}")
    json.member("git_url", "git://github.com/\(fullName).git")
    json.member("ssh_url", "git@github.com:\(fullName).git")
    json.member("clone_url", "\(web).git")
  }

  private func describeState(in json: inout JSONWriter) {
    json.member("homepage", nil)
    json.member("size", 20_480)
    json.member("stargazers_count", 12)
    json.member("watchers_count", 12)
    json.member("language", plan.language)
    json.member("has_issues", true)
    json.member("has_projects", true)
    json.member("has_wiki", false)
    json.member("forks_count", 0)
    json.member("archived", false)
    json.member("disabled", false)
    json.member("open_issues_count", openIssues)
    json.member("license", nil)
    json.member("allow_forking", false)
    json.member("is_template", false)
    json.array("topics", plan.topics) { $0.value($1) }
    json.member("visibility", "private")
    json.member("open_issues", openIssues)
    json.member("default_branch", "main")
  }
}
