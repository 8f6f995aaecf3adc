import DeliveryMetrics
import QueryAPI
import ValueStreamCore
import ValueStreamTesting

/// Facts by hand: six releases of a service, of which an incident follows the third, and issues, reviews and runs beside them.
///
/// Change n has its first commit on 10 January plus 7·n days at 08:00, is merged at 12:00, and is in production at 18:00.
struct ReportSamples: FactSource {
  /// 2026-01-01T00:00:00Z, the beginning of the window.
  static let begin = Timestamp(seconds: 1_767_225_600)
  /// 2026-04-01T00:00:00Z.
  static let end = Timestamp(seconds: 1_775_001_600)
  static let window: [(name: String, value: String)] = [("from", begin.rfc3339), ("to", end.rfc3339)]

  var changes: [ChangeFact] = []
  var deploys: [DeployFact] = []
  var delivered: [DeliveredChange] = []
  var incidents: [IncidentFact] = []
  var issues: [IssueFact] = []
  var runs: [RunFact] = []
  var progress = FactProgress(firstDay: FactDay(begin))
  private var names: [String] = [""]

  init() {}

  mutating func name(_ text: String) -> FactName {
    if let index = names.firstIndex(of: text) { return FactName(rawValue: UInt32(index)) }
    names.append(text)
    return FactName(rawValue: UInt32(names.count - 1))
  }

  static func time(day: Int, hour: Int) -> Timestamp {
    Timestamp(seconds: begin.seconds + Int64(day) * 86_400 + Int64(hour) * 3600)
  }

  /// The kinds of items that ids stand for.
  enum Item: UInt64 {
    case change = 1000
    case deploy = 2000
    case incident = 3000
    case issue = 4000
    case run = 5000
  }

  static func id(_ item: Item, _ number: Int) -> FactID { FactID(rawValue: item.rawValue + UInt64(number)) }

  /// The history of the tests.
  static func history() -> ReportSamples {
    var facts = ReportSamples()
    facts.addDelivery()
    facts.addIncident()
    facts.addIssues()
    facts.addRuns()
    return facts
  }

  private mutating func addDelivery() {
    let (shop, production, staging) = (name("acme/shop"), name("production"), name("staging"))
    let services = [name("cart"), name("till")]
    for number in 0..<6 {
      let day = 9 + 7 * number
      let times = ChangeMilestones(
        firstCommit: Self.time(day: day, hour: 8), opened: Self.time(day: day, hour: 9), ready: Self.time(day: day, hour: 9),
        firstResponse: Self.time(day: day, hour: 10), lastApproval: Self.time(day: day, hour: 11),
        merged: Self.time(day: day, hour: 12))
      let labels = ChangeLabels(repository: shop, author: name("=cmd|' /C calc'!A0"), workType: name("Bug"))
      changes.append(
        ChangeFact(
          id: Self.id(.change, number), times: times, labels: labels, state: .merged, reviewRounds: UInt16(number % 2),
          reviewCount: 1, secondsWaitingForReviewer: 3600, secondsWaitingForAuthor: 1800, size: UInt32(10 * number + 1)))
      for (place, environment) in [staging, production].enumerated() {
        let target = DeployFactTarget(service: services[number % 2], environment: environment, repository: shop)
        let commit = CommitPrefix(rawValue: UInt64(number + 1))
        let (start, end) = (Self.time(day: day, hour: 14 + 3 * place), Self.time(day: day, hour: 15 + 3 * place))
        let deploy = Self.id(.deploy, 2 * number + place)
        deploys.append(
          DeployFact(
            id: deploy, target: target, commit: commit, created: start, started: start, ended: end, outcome: .success,
            step: number < 2 ? .first : .forward, basis: .pushes,
            previous: number < 2 ? nil : Self.id(.deploy, 2 * number + place - 4), previousAttempt: number < 2 ? 0 : 1,
            changeCount: number < 2 ? 0 : 1))
        // The first deploy of a service brings nothing.
        guard number >= 2 else { continue }
        delivered.append(
          DeliveredChange(
            deploy: deploy, target: target, commit: commit, deployStarted: start, deployEnded: end,
            change: Self.id(.change, number), times: times, labels: labels))
      }
    }
    let ready = Self.time(day: 85, hour: 0)
    changes.append(
      ChangeFact(
        id: Self.id(.change, 90), times: ChangeMilestones(opened: ready, ready: ready), labels: ChangeLabels(repository: shop),
        state: .open))
  }

  private mutating func addIncident() {
    incidents.append(
      IncidentFact(
        id: Self.id(.incident, 1), service: name("cart"), environment: name("production"), repository: name("acme/shop"),
        severity: name("high"), began: Self.time(day: 23, hour: 20), detected: Self.time(day: 23, hour: 21),
        resolved: Self.time(day: 23, hour: 22), cause: Self.id(.deploy, 5), causeAttempt: 1, basis: .stated))
  }

  private mutating func addIssues() {
    let (open, doing, done) = (name("To Do"), name("In Progress"), name("Done"))
    for number in 0..<20 {
      let start = Self.time(day: 2 + 4 * number, hour: 9)
      let end = number < 18 ? start.advanced(bySeconds: Double(number + 1) * 3600) : nil
      let created = start.advanced(bySeconds: -3600)
      issues.append(
        IssueFact(
          id: Self.id(.issue, number), project: name("TP"), type: name(number % 3 == 0 ? "Bug" : "Story"), created: created,
          closed: end,
          statuses: [
            .init(status: open, start: created, end: start), .init(status: doing, start: start, end: end),
          ] + (end.map { [.init(status: done, start: $0, end: nil)] } ?? [])))
    }
  }

  private mutating func addRuns() {
    for number in 0..<4 {
      let start = Self.time(day: 9 + 7 * number, hour: 9)
      runs.append(
        RunFact(
          id: Self.id(.run, number), repository: name("acme/shop"), workflow: name("CI"), commit: CommitPrefix(rawValue: 1),
          created: start, started: start.advanced(bySeconds: 30), ended: start.advanced(bySeconds: 630),
          outcome: number == 0 ? .failure : .success, change: Self.id(.change, number)))
    }
  }

  // MARK: Reading

  private func rows<Row: Fact>(_ type: Row.Type) -> [Row] {
    let all: [any Fact] = changes + deploys + delivered + incidents + issues + runs
    return all.compactMap { $0 as? Row }
  }

  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    for row in rows(type).filter({ $0.day != nil }).sorted(by: { ($0.day?.rawValue ?? 0) < ($1.day?.rawValue ?? 0) }) {
      if let day = row.day, let days, days.contains(day) { try visit(row) }
    }
    if includesOpen { for row in rows(type) where row.day == nil { try visit(row) } }
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) -> [FactID: [Row]] {
    Dictionary(grouping: rows(type).filter { ids.contains($0.id) }, by: \.id)
  }

  func deliveries(of changes: Set<FactID>) -> [FactID: [DeliveredChange]] {
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

  func texts(of names: Set<FactName>) -> [FactName: String] {
    var texts: [FactName: String] = [:]
    for name in names where name.isKnown && Int(name.rawValue) < self.names.count { texts[name] = self.names[Int(name.rawValue)] }
    return texts
  }

  static func key(of id: FactID) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: "item", id: String(id.rawValue))
  }

  func factSubjects(_ ids: Set<FactID>) -> [FactID: FactSubject] {
    var subjects: [FactID: FactSubject] = [:]
    for id in ids {
      let key = Self.key(of: id)
      // The name of the first change would be a formula in a spreadsheet.
      let name = id == Self.id(.change, 0) ? "=HYPERLINK(\"https://evil.example\")" : "item \(id.rawValue)"
      subjects[id] = FactSubject(
        id: id, key: key, name: name, address: "https://example.com/\(id.rawValue)", traceID: TraceID(root: key))
    }
    return subjects
  }

  func factValues() -> [String: [UInt8]] { [:] }

  func factProgress() -> FactProgress { progress }

  // MARK: Asking

  static func handler(
    _ facts: any FactSource = history(), _ settings: [String] = [], wait: @escaping @Sendable () -> Void = {}
  ) throws -> ReportHandler {
    let defaults = try ReportDefaults(
      try Settings(declared: ReportDefaults.declarations, arguments: settings, environment: [:]))
    return ReportHandler(
      ReportQueries(
        facts: facts, store: MemorySpanStore(), clock: FakeClock(Self.end), logger: Logger { _ in }, defaults: defaults,
        waitForFacts: wait))
  }
}
