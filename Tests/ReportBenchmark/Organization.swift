import SQLiteStore
import ValueStreamCore

/// Writes the facts and roll-ups of an organization, day by day.
struct Organization {
  private let store: SQLiteSpanStore
  private let days: Int
  private let repositoryCount: Int
  private let changesOfDay: Int
  private let deploysOfDay: Int
  private let runsOfWorkflow: Int
  private let now: Timestamp
  private var random: SeededRandom

  private let repositories: [FactName]
  private let production: FactName
  private let staging: FactName
  private let workflows: [FactName]
  private let jobs: [FactName]
  private let runners: [FactName]
  private let authors: [FactName]
  private let workTypes: [FactName]
  private let statuses: [FactName]

  private var nextID: UInt64 = 0
  /// For each repository, the merged changes that no deploy has brought yet, and the last deploy.
  private var waiting: [[ChangeFact]]
  private var latest: [FactID?]
  private var counts: [(name: String, count: Int)] = []

  private static let workflowsOfRepository = 3
  private static let jobsOfWorkflow = 5

  init(store: SQLiteSpanStore, days: Int, percent: Int, seed: UInt64, now: Timestamp) throws {
    self.store = store
    self.days = max(1, days)
    self.now = now
    random = SeededRandom(seed: seed)
    let count = max(1, percent * 10)
    repositoryCount = count
    changesOfDay = max(1, percent * 2000 / 90)
    deploysOfDay = max(1, percent * 1000 / 100)
    // 1.8 million runs in 90 days are 20,000 a day.
    runsOfWorkflow = 20_000 / (1000 * Self.workflowsOfRepository)
    func names(_ texts: [String]) throws -> [FactName] {
      try store.factNames(for: texts)
    }
    repositories = try names((0..<count).map { "acme/service-\($0)" })
    workflows = try names(["CI", "Nightly", "Release"])
    jobs = try names(["build", "test", "lint", "integration", "package"])
    runners = try names(["ubuntu-small", "ubuntu-large", "macos", "gpu"])
    authors = try names((0..<5000).map { "developer-\($0)" })
    workTypes = try names(["Story", "Bug", "Task"])
    statuses = try names(["To Do", "In Progress", "In Review", "Done"])
    let environments = try names(["production", "staging"])
    (production, staging) = (environments[0], environments[1])
    waiting = Array(repeating: [], count: count)
    latest = Array(repeating: nil, count: count)
  }

  var summary: String { counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ") }

  mutating func fill() throws {
    for day in 0..<days {
      let start = now.advanced(bySeconds: -Double(days - day) * 86_400)
      var facts: [SubjectFacts] = []
      addChanges(on: start, to: &facts)
      addDeploys(on: start, to: &facts)
      addIssues(on: start, to: &facts)
      addRuns(on: start, to: &facts)
      for first in stride(from: 0, to: facts.count, by: 2000) {
        var changes = FactChanges()
        changes.facts = Array(facts[first..<min(first + 2000, facts.count)])
        try store.write(changes)
      }
      var changes = FactChanges()
      changes.rollUps = rollUps(of: FactDay(start))
      try store.write(changes)
    }
  }

  // MARK: Drawing

  private mutating func next() -> FactID {
    nextID += 1
    return FactID(rawValue: nextID)
  }

  private mutating func unit() -> Double { Double(random.next() >> 11) / Double(UInt64(1) << 53) }

  /// A time after another one, in whole seconds, as most vendors tell it.
  private func time(_ start: Timestamp, after seconds: Double) -> Timestamp {
    Timestamp(seconds: start.advanced(bySeconds: seconds).seconds)
  }

  private mutating func one<Value>(of values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }

  /// Mostly near a median, sometimes much longer.
  private mutating func seconds(around median: Double) -> Double {
    let unit = unit()
    return median * (0.6 + 0.8 * unit + 0.4 * unit * unit * unit * unit / max(1.02 - unit, 0.02))
  }

  private mutating func count(_ name: String, _ more: Int = 1) {
    if let place = counts.firstIndex(where: { $0.name == name }) {
      counts[place].count += more
    } else {
      counts.append((name, more))
    }
  }

  private func facts(_ id: FactID, _ kind: String, _ rows: [EncodedFact]) -> SubjectFacts {
    let key = SubjectKey(
      source: "github", host: "github.com", container: "\(id.rawValue % 1000)", kind: kind, id: "\(id.rawValue)")
    return SubjectFacts(
      subject: FactSubject(
        id: id, key: key, name: "\(kind) \(id.rawValue)", address: "https://github.com/acme/site/\(kind)/\(id.rawValue)",
        traceID: TraceID(high: id.rawValue, low: 1)),
      rows: rows)
  }

  // MARK: Rows

  private mutating func addChanges(on start: Timestamp, to facts: inout [SubjectFacts]) {
    for _ in 0..<changesOfDay {
      let repository = Int(random.next() % UInt64(repositoryCount))
      let merged = time(start, after: unit() * 80_000)
      let opened = time(merged, after: -seconds(around: 86_400))
      let ready = time(opened, after: 600)
      var change = ChangeFact(
        id: next(),
        times: ChangeMilestones(
          firstCommit: time(opened, after: -seconds(around: 40_000)), opened: opened, ready: ready,
          firstResponse: time(ready, after: seconds(around: 7200)), lastApproval: time(merged, after: -1200),
          merged: merged),
        labels: ChangeLabels(
          repository: repositories[repository], author: one(of: authors), workType: one(of: workTypes),
          traits: random.next() % 12 == 0 ? .isByBot : random.next() % 50 == 0 ? .isHotfix : []),
        state: .merged, reviewRounds: UInt16(random.next() % 3), reviewCount: 2, size: UInt32(random.next() % 900))
      change.placement = random.next()
      facts.append(self.facts(change.id, "pull_request", [EncodedFact(change)]))
      waiting[repository].append(change)
      count("changes")
    }
  }

  private mutating func addDeploys(on start: Timestamp, to facts: inout [SubjectFacts]) {
    for number in 0..<deploysOfDay {
      let repository = number % repositoryCount
      let created = time(start, after: 80_000 + unit() * 5000)
      let ended = time(created, after: seconds(around: 400))
      let id = next()
      let hasFailed = random.next() % 40 == 0
      let brought = hasFailed ? [] : waiting[repository]
      let target = DeployFactTarget(
        service: repositories[repository], environment: random.next() % 20 == 0 ? staging : production,
        repository: repositories[repository])
      let deploy = DeployFact(
        id: id, target: target, commit: CommitPrefix(rawValue: id.rawValue), created: created,
        started: time(created, after: 5), ended: ended, outcome: hasFailed ? .failure : .success,
        step: random.next() % 60 == 0 ? .rollback : .forward, basis: .pushes, previous: latest[repository], previousAttempt: 1,
        changeCount: UInt32(brought.count))
      let rows = brought.map { change in
        EncodedFact(
          DeliveredChange(
            deploy: id, target: target, commit: deploy.commit, deployStarted: deploy.started, deployEnded: ended,
            change: change.id, times: change.times, labels: change.labels, reverts: change.reverts))
      }
      facts.append(self.facts(id, "deployment", [EncodedFact(deploy)] + rows))
      count("deploys")
      count("delivered changes", rows.count)
      if !hasFailed { (waiting[repository], latest[repository]) = ([], id) }
      guard random.next() % 90 == 0 else { continue }
      let began = time(ended, after: 900)
      let incident = IncidentFact(
        id: next(), service: target.service, environment: target.environment, began: began, detected: began,
        resolved: time(began, after: seconds(around: 5000)), cause: id, causeAttempt: 1, basis: .stated)
      facts.append(self.facts(incident.id, "incident", [EncodedFact(incident)]))
      count("incidents")
    }
  }

  private mutating func addIssues(on start: Timestamp, to facts: inout [SubjectFacts]) {
    for _ in 0..<max(1, changesOfDay / 3) {
      let closed = time(start, after: unit() * 80_000)
      let length = seconds(around: 400_000)
      let times = [1.0, 0.7, 0.2, 0].map { time(closed, after: -length * $0) }
      let stays = statuses.indices.map { index in
        IssueFact.StatusStay(
          status: statuses[index], start: times[index], end: index + 1 < times.count ? times[index + 1] : nil)
      }
      let issue = IssueFact(
        id: next(), project: one(of: repositories), type: one(of: workTypes), created: times[0], closed: closed, statuses: stays)
      facts.append(self.facts(issue.id, "issue", [EncodedFact(issue)]))
      count("issues")
    }
  }

  /// Runs and jobs that failed, and the attempts after them. Every third of these passes, with the same commit.
  private mutating func addRuns(on start: Timestamp, to facts: inout [SubjectFacts]) {
    let failures = repositoryCount * Self.workflowsOfRepository * runsOfWorkflow / 25
    for _ in 0..<failures {
      let (repository, workflow) = (one(of: repositories), one(of: workflows))
      let commit = CommitPrefix(rawValue: random.next() | 1)
      let created = time(start, after: unit() * 80_000)
      let (runner, job) = (one(of: runners), one(of: jobs))
      let passes = random.next() % 3 == 0
      for attempt in 1...(passes ? 2 : 1) {
        for job in [FactName.none, job] {
          let started = time(created, after: Double(attempt) * 1000)
          let run = RunFact(
            id: next(), attempt: UInt16(attempt), repository: repository, workflow: workflow, job: job,
            runner: job.isKnown ? runner : .none, commit: commit, created: created, started: started,
            ended: time(started, after: seconds(around: 300)), outcome: attempt == 2 ? .success : .failure)
          facts.append(self.facts(run.id, job.isKnown ? "job" : "run", [EncodedFact(run)]))
          count("runs and jobs that failed or were run again")
        }
      }
    }
  }

  // MARK: Roll-ups

  private mutating func rollUps(of day: FactDay) -> [DailyRollUp] {
    var sums: [RollUpKey: RollUp] = [:]
    for (index, repository) in repositories.enumerated() {
      for (number, workflow) in workflows.enumerated() {
        // Every job has its own usual time.
        let usual = Double((index * 7 + number * 13) % 50 + 2) * 20
        for _ in 0..<runsOfWorkflow {
          add(
            RunTally(day: day, repository: repository, workflow: workflow), usual: 3 * usual, waits: 10, to: &sums)
          count("runs in roll-ups")
          for (place, job) in jobs.prefix(Self.jobsOfWorkflow).enumerated() {
            let runner = runners[(index + place) % runners.count]
            add(
              RunTally(day: day, repository: repository, workflow: workflow, job: job, runner: runner),
              usual: usual * Double(place + 1) / 3, waits: 20, to: &sums)
            count("jobs in roll-ups")
          }
        }
      }
    }
    return sums.sorted { $0.key < $1.key }.map { DailyRollUp(day: day, key: $0.key, rollUp: $0.value) }
  }

  private mutating func add(_ tally: RunTally, usual: Double, waits: Double, to sums: inout [RollUpKey: RollUp]) {
    var tally = tally
    let seconds = seconds(around: usual)
    tally.queue = DurationSketch.bucket(of: self.seconds(around: waits))
    tally.run = DurationSketch.bucket(of: seconds)
    tally.runMilliseconds = Int64(seconds * 1000)
    if random.next() % 25 == 0 { tally.traits.insert(.hasFailed) }
    for key in tally.keys { sums[key, default: RollUp()].add(tally) }
  }
}
