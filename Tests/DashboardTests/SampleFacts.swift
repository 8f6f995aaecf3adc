import ValueStreamCore
import ValueStreamTesting

/// Facts of half a year: a deploy every other day that brings a change, and some that fail; issues, reviews and runs of CI.
struct SampleFacts: FactSource {
  private var changes: [ChangeFact] = []
  private var deploys: [DeployFact] = []
  private var delivered: [DeliveredChange] = []
  private var incidents: [IncidentFact] = []
  private var issues: [IssueFact] = []
  private var runs: [RunFact] = []
  private var names: [FactName: String] = [:]
  private var ids = FactID(rawValue: 0)
  private let text: @Sendable (String) -> String
  /// What a store says that is filled again.
  var remainingSubjects = 0

  private static let day: Int64 = 86_400

  /// - Parameter text: What each text of a payload becomes.
  init(_ text: @escaping @Sendable (String) -> String = { $0 }) {
    self.text = text
    let now = DashboardSamples.now
    let target = DeployFactTarget(service: name(1, "site"), environment: name(2, "production"), repository: name(3, "acme/site"))
    let labels = ChangeLabels(repository: name(3, "acme/site"), workType: name(4, "story"), traits: [])
    for number in 0..<75 {
      let end = now.advanced(bySeconds: -Double(Int64(number) * 2 * Self.day + Self.day))
      // Work was slower in the older half.
      let leadTime = Double(Self.day) * (number < 45 ? 1.2 : 2.5) + Double(number % 7) * 7200
      let times = ChangeMilestones(
        firstCommit: end.advanced(bySeconds: -leadTime), opened: end.advanced(bySeconds: -leadTime / 2),
        ready: end.advanced(bySeconds: -leadTime / 2),
        // Every fifth change is merged without a review.
        firstResponse: number % 5 == 4 ? nil : end.advanced(bySeconds: -leadTime / 3),
        lastApproval: number % 5 == 4 ? nil : end.advanced(bySeconds: -leadTime / 4), merged: end.advanced(bySeconds: -1800))
      let change = next()
      let deploy = next()
      let isLate = number == 20
      changes.append(ChangeFact(id: change, times: times, labels: labels, state: .merged))
      deploys.append(
        DeployFact(
          id: deploy, target: target, commit: CommitPrefix(rawValue: UInt64(number + 1)), created: end.advanced(bySeconds: -600),
          started: end.advanced(bySeconds: -600), ended: end, outcome: .success, step: .forward, changeCount: 1))
      var brought = times
      // The clock of one committer was wrong.
      if isLate { brought.firstCommit = end.advanced(bySeconds: 3600) }
      delivered.append(
        DeliveredChange(
          deploy: deploy, target: target, commit: CommitPrefix(rawValue: UInt64(number + 1)),
          deployStarted: end.advanced(bySeconds: -600),
          deployEnded: end, change: change, times: brought, labels: labels))
      guard number % 9 == 3 else { continue }
      incidents.append(
        IncidentFact(
          id: next(), service: name(1, "site"), environment: name(2, "production"), began: end.advanced(bySeconds: 1200),
          detected: end.advanced(bySeconds: 1200), resolved: number == 3 ? nil : end.advanced(bySeconds: 9000), cause: deploy,
          causeAttempt: 1, basis: .stated))
    }
    let waiting = ChangeMilestones(
      firstCommit: now.advanced(bySeconds: -900_000), opened: now.advanced(bySeconds: -800_000),
      ready: now.advanced(bySeconds: -800_000),
      firstResponse: nil, lastApproval: nil, merged: nil)
    changes.append(ChangeFact(id: next(), times: waiting, labels: labels, state: .open))
    addIssues(until: now)
    addRuns(until: now)
  }

  /// Successful deploys to production, one a day up to the day before now.
  ///
  /// - Parameter hasWrongClock: true if the last deploy brings a change whose first commit is later than the deploy.
  init(deploys steps: [DeployFactStep], hasWrongClock: Bool = false) {
    text = { $0 }
    let target = DeployFactTarget(service: name(1, "site"), environment: name(2, "production"), repository: name(3, "acme/site"))
    for (index, step) in steps.enumerated() {
      let end = DashboardSamples.now.advanced(bySeconds: -Double(steps.count - index) * 86_400)
      let commit = CommitPrefix(rawValue: UInt64(index + 1))
      let deploy = next()
      deploys.append(
        DeployFact(
          id: deploy, target: target, commit: commit, created: end.advanced(bySeconds: -600),
          started: end.advanced(bySeconds: -600),
          ended: end, outcome: .success, step: step, changeCount: 0))
      guard hasWrongClock, index == steps.count - 1 else { continue }
      let late = end.advanced(bySeconds: 3600)
      let times = ChangeMilestones(
        firstCommit: late, opened: late, ready: late, firstResponse: nil, lastApproval: nil, merged: late)
      let labels = ChangeLabels(repository: name(3, "acme/site"), workType: name(4, "story"), traits: [])
      let change = next()
      changes.append(ChangeFact(id: change, times: times, labels: labels, state: .merged))
      delivered.append(
        DeliveredChange(
          deploy: deploy, target: target, commit: commit, deployStarted: end.advanced(bySeconds: -600), deployEnded: end,
          change: change, times: times, labels: labels))
    }
  }

  /// Issues that are done, of two types, and ten that are not.
  private mutating func addIssues(until now: Timestamp) {
    let statuses = [name(5, "To Do"), name(6, "In Progress"), name(7, "In Review")]
    let (story, bug, project) = (name(4, "story"), name(8, "bug"), name(9, "SITE"))
    func issue(_ id: FactID, _ number: Int, _ began: Timestamp, _ hours: [Double], _ closed: Timestamp?) -> IssueFact {
      var stays: [IssueFact.StatusStay] = []
      var time = began.advanced(bySeconds: -3600)
      for (index, length) in ([1] + hours).enumerated() {
        let end = time.advanced(bySeconds: length * 3600)
        let isLast = closed == nil && index == hours.count
        stays.append(IssueFact.StatusStay(status: statuses[index], start: time, end: isLast ? nil : end))
        time = end
      }
      return IssueFact(
        id: id, project: project, type: number % 3 == 0 ? bug : story, created: began.advanced(bySeconds: -3600), closed: closed,
        traits: number == 3 && closed == nil ? .isBlocked : [], statuses: stays)
    }
    for number in 0..<80 {
      let (work, review) = (Double(10 + number * 7 % 90), Double(2 + number * 5 % 30))
      let closed = now.advanced(bySeconds: -Double(number) * 2 * 86_400 - 40_000)
      issues.append(issue(next(), number, closed.advanced(bySeconds: -(work + review) * 3600), [work, review], closed))
    }
    for number in 0..<10 {
      let began = now.advanced(bySeconds: -Double(number * number) * 30_000 - 20_000)
      issues.append(issue(next(), number, began, number % 2 == 0 ? [1] : [4, 1], nil))
    }
  }

  /// Runs of two workflows. Every sixth fails, and half of those pass when they are run again.
  private mutating func addRuns(until now: Timestamp) {
    let (repository, runner) = (name(3, "acme/site"), name(10, "linux"))
    let workflows = [(name(11, "CI"), name(12, "test")), (name(13, "nightly/build"), name(14, "build <all>"))]
    for number in 0..<60 {
      let created = now.advanced(bySeconds: -Double(number) * 86_400 - 5000)
      let (workflow, job) = workflows[number % 4 == 3 ? 1 : 0]
      let length = Double(300 + number * 17 % 240)
      let (runID, jobID) = (next(), next())
      for attempt in 1...(number % 12 == 5 ? 2 : 1) {
        let start = created.advanced(bySeconds: Double(attempt - 1) * 3000 + 30)
        let outcome: RunOutcome = number % 6 == 5 && attempt == 1 ? .failure : .success
        for (id, job) in [(runID, FactName.none), (jobID, job)] {
          runs.append(
            RunFact(
              id: id, attempt: UInt16(attempt), repository: repository, workflow: workflow, job: job, runner: runner,
              commit: CommitPrefix(rawValue: UInt64(number + 1000)), created: start.advanced(bySeconds: -20), started: start,
              ended: start.advanced(bySeconds: length), outcome: outcome, change: changes[number % changes.count].id))
        }
      }
    }
  }

  private mutating func name(_ number: UInt32, _ text: String) -> FactName {
    names[FactName(rawValue: number)] = self.text(text)
    return FactName(rawValue: number)
  }

  private mutating func next() -> FactID {
    ids = FactID(rawValue: ids.rawValue + 1)
    return ids
  }

  private func all<Row: Fact>(_ type: Row.Type) -> [Row] {
    let kinds: [any Sendable] = [changes, deploys, delivered, incidents, issues, runs]
    let rows = kinds.lazy.compactMap { $0 as? [Row] }.first { !$0.isEmpty }
    return rows ?? []
  }

  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    let facts = all(type)
    try facts.filter { fact in fact.day.map { days?.contains($0) ?? false } ?? false }
      .sorted { ($0.day ?? FactDay(.epoch)) < ($1.day ?? FactDay(.epoch)) }.forEach(visit)
    if includesOpen { try facts.filter { $0.day == nil }.forEach(visit) }
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    Dictionary(grouping: all(type).filter { ids.contains($0.id) }, by: \.id)
  }

  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] {
    Dictionary(grouping: delivered.filter { changes.contains($0.change) }, by: \.change)
  }

  /// What the runs add to roll-ups.
  private var allTallies: [(id: FactID, tally: RunTally)] {
    runs.compactMap { run in
      run.ended.flatMap { RunTally(run, day: FactDay($0), runner: run.runner) }.map { (run.id, $0) }
    }
  }

  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    for (key, rollUp) in RollUpSums.of(allTallies.map(\.tally), level, days: days) { try visit(key, rollUp) }
  }

  func tallies(of ids: Set<FactID>) -> [FactID: [RunTally]] {
    Dictionary(grouping: allTallies.filter { ids.contains($0.id) }, by: \.id).mapValues { $0.map(\.tally) }
  }

  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] { self.names.filter { names.contains($0.key) } }

  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] {
    Dictionary(
      uniqueKeysWithValues: ids.map { id in
        let key = DashboardSamples.key("pull_request", Int(id.rawValue))
        return (id, FactSubject(id: id, key: key, name: text("acme/site#\(id.rawValue)"), traceID: TraceID(root: key)))
      })
  }

  func factValues() throws(StoreError) -> [String: [UInt8]] { [:] }
  func factProgress() throws(StoreError) -> FactProgress {
    FactProgress(remainingSubjects: remainingSubjects, firstDay: deploys.compactMap(\.day).min())
  }
}
