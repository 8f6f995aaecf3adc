import ValueStreamCore

/// A team at work. A queue holds its planned steps in the order of their times.
///
/// The extensions in `Team+<Topic>.swift` implement the steps. Memory holds only the work in progress.
final class Team {
  typealias Step = (Team) -> Void

  private struct Planned: Comparable {
    var time: Timestamp
    /// The order of planning, which orders steps at the same time.
    var order: Int
    var step: Step

    static func < (left: Planned, right: Planned) -> Bool {
      left.time != right.time ? left.time < right.time : left.order < right.order
    }

    static func == (left: Planned, right: Planned) -> Bool { left.order == right.order }
  }

  let number: Int
  let configuration: HistoryConfiguration
  let organization: Organization
  let people: [Person]
  let repositories: [Repository]
  var random: SeededRandom
  private(set) var now: Timestamp
  private var planned = Heap<Planned>()
  private var plannedCount = 0
  private var ids: IDSequences

  /// The number of jobs that are queued or running.
  var activeJobs = 0
  /// The unfinished runs, by id.
  var activeRuns: [Int64: WorkflowRun] = [:]
  /// The number of deploys so far. Every 13th is chosen to fail at first.
  var deployCount = 0
  /// The next daily production deploy of the shop after this time breaks production.
  var nextTrouble: Timestamp

  private var outbox: [HistoryDelivery] = []
  private var outboxStart = 0
  private var lastSent = Timestamp.epoch
  private var expected = HistoryExpectations()
  /// The items for the expectations; nil if they are not recorded.
  var items: Items?

  struct Items {
    var issues: [Issue] = []
    var changes: [PullRequest] = []
    var runs: [WorkflowRun] = []
    var deployments: [HistoryExpectations.Deployment] = []
    var releaseTags: [String] = []
  }

  init(number: Int, configuration: HistoryConfiguration, organization: Organization, records: Bool) {
    self.number = number
    self.configuration = configuration
    self.organization = organization
    var random = SeededRandom(seed: configuration.seed &* 0x2545_f491_4f6c_dd1d &+ UInt64(number))
    ids = IDSequences(team: number, offset: organization.offset)
    let suffix = number == 0 ? "" : String(number + 1)
    people = Person.Habits.all.enumerated().map { index, habits in
      let id = 150_000_000 + organization.offset + Int64(number * 16 + index)
      // The login format of managed users of an enterprise.
      let account = Account(
        id: id, login: "\(habits.login)\(suffix)_harbour", kind: .user, name: habits.name,
        email: "\(habits.login)\(suffix)@harbour.example")
      return Person(account: account, habits: habits, seed: random.next())
    }
    let webFlow = organization.webFlow
    repositories = RepositoryPlan.all.enumerated().map { index, plan in
      let age = random.between(0.9, 1.1) * plan.age * 365 * 86_400
      let head = Commit(
        sha: random.sha(), tree: random.sha(), message: "Merge what was before", author: webFlow, committer: webFlow,
        time: configuration.start.after(-random.between(3600, 40_000)))
      return Repository(
        plan: plan, id: 610_000_000 + organization.offset + Int64(number * 16 + index * 4),
        name: number == 0 ? plan.name : "pier\(suffix)-\(plan.name)", owner: organization.account,
        createdAt: configuration.start.after(-age), main: head)
    }
    for repository in repositories {
      let name = repository.plan.name
      repository.people = people.filter { $0.habits.repositories.contains(name) }
    }
    self.random = random
    now = configuration.start
    nextTrouble = .epoch
    if records { items = Items() }
    begin()
  }

  // MARK: Time

  /// The last time for steps, a little before the end of the history, so that their deliveries lie within it.
  private var horizon: Timestamp { configuration.until.after(-5) }

  func at(_ time: Timestamp, _ step: @escaping Step) {
    guard time <= horizon else { return }
    plannedCount += 1
    planned.insert(Planned(time: max(time, now), order: plannedCount, step: step))
  }

  func after(_ seconds: Double, _ step: @escaping Step) {
    at(now.after(seconds), step)
  }

  /// Plans a step for the time at which a person has done an amount of work that starts now.
  ///
  /// - Parameter seconds: The median amount of work, in seconds of working time.
  func whenDone(_ person: Person, median seconds: Double, spread: Double = 0.7, _ step: @escaping Step) {
    at(person.spanEvent(after: now, work: random.logNormal(median: seconds, spread: spread)), step)
  }

  // MARK: Deliveries

  /// Returns the next delivery; nil after the last one.
  func nextDelivery() -> HistoryDelivery? {
    while outboxStart == outbox.count {
      outbox.removeAll(keepingCapacity: true)
      outboxStart = 0
      guard let next = planned.removeLeast() else {
        // Breaks the reference cycles between repositories and their items.
        for repository in repositories { repository.letGo() }
        return nil
      }
      now = next.time
      next.step(self)
    }
    defer { outboxStart += 1 }
    return outbox[outboxStart]
  }

  /// Sends a delivery.
  ///
  /// - Parameters:
  ///   - action: The action; nil for event types that have none.
  ///   - members: Writes the members other than action, repository, organization and sender.
  func send(
    _ event: String, _ action: String? = nil, of repository: Repository, by sender: Account,
    _ members: (inout JSONWriter) -> Void
  ) {
    var json = JSONWriter(capacity: 8000)
    json.object { json in
      if let action { json.member("action", action) }
      members(&json)
      json.member("repository", json: event == "push" ? repository.pushJSON : repository.json)
      json.member("organization", json: organization.json)
      json.account("sender", sender)
    }
    let sent = now.after(random.between(0.2, 1.2)).milliseconds
    lastSent = min(max(sent, lastSent.advanced(byNanoseconds: 1_000_000)), configuration.until)
    let headers: HTTPHeaders = [
      "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/7f2c9e1", "X-GitHub-Event": event,
      "X-GitHub-Delivery": random.uuid(), "X-GitHub-Hook-ID": String(480_000_000 + organization.offset),
    ]
    outbox.append(HistoryDelivery(path: "/github", headers: headers, body: json.bytes, time: lastSent))
    expected.deliveries[event, default: 0] += 1
  }

  func newID(_ kind: IDKind) -> Int64 { ids.next(kind, &random) }

  /// The expectations so far. They list items only if these are recorded.
  var expectations: HistoryExpectations {
    var result = expected
    result.repositories = repositories.map { HistoryExpectations.Repository(id: $0.id, fullName: $0.fullName) }
    if let items { result.add(items) }
    return result
  }

  func countJob() { expected.jobCount += 1 }

  // MARK: People

  func person(_ login: String) -> Person? { people.first { $0.habits.login == login } }

  /// The person who is called when something has to be done.
  var caretaker: Person? { person("hugo") }

  /// Returns a random person who works on the repository, more often one whose main repository it is.
  func member(of repository: Repository, besides other: Person? = nil) -> Person? {
    let candidates = repository.people.filter { $0 !== other }
    let own = candidates.filter { $0.habits.repositories.first == repository.plan.name }
    return random.chance(0.65) ? random.pick(own) ?? random.pick(candidates) : random.pick(candidates)
  }
}
