import DeliveryMetrics
import ValueStreamCore
import ValueStreamTesting

/// Facts in memory, encoded as a store keeps them.
struct TestFacts: FactSource {
  private var rows: [FactKind: [EncodedFact]] = [:]
  private var names: [String: FactName] = [:]
  private var nextID: UInt64 = 1
  /// What the store says that persons left out.
  var excluded: [FactID: String] = [:]

  init() {}

  func excludedFacts() -> [FactID: String] { excluded }

  mutating func newID() -> FactID {
    nextID += 1
    return FactID(rawValue: nextID)
  }

  mutating func name(_ text: String?) -> FactName {
    guard let text else { return .none }
    if let known = names[text] { return known }
    let name = FactName(rawValue: UInt32(names.count + 1))
    names[text] = name
    return name
  }

  mutating func add(_ fact: some Fact) {
    rows[type(of: fact).kind, default: []].append(EncodedFact(fact))
  }

  /// The same facts in another order.
  func shuffled(seed: UInt64) -> TestFacts {
    var random = SeededRandom(seed: seed)
    var copy = self
    copy.rows = rows.mapValues { $0.shuffled(using: &random) }
    return copy
  }

  /// All facts of a kind, in no particular order.
  func all<Row: Fact>(_ type: Row.Type) -> [Row] {
    (rows[type.kind] ?? []).compactMap { row in
      row.bytes.withUnsafeBytes { bytes in
        var reader = FactReader(bytes)
        return try? Row(from: &reader)
      }
    }
  }

  // MARK: FactSource

  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    let facts = all(type)
    let dated = facts.filter { fact in fact.day.map { days?.contains($0) ?? false } ?? false }
    var byDay: [FactDay: [Row]] = [:]
    for fact in dated { if let day = fact.day { byDay[day, default: []].append(fact) } }
    for day in byDay.keys.sorted() { try byDay[day]?.forEach(visit) }
    if includesOpen { try facts.filter { $0.day == nil }.forEach(visit) }
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    Dictionary(grouping: all(type).filter { ids.contains($0.id) }, by: \.id)
  }

  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] {
    Dictionary(grouping: all(DeliveredChange.self).filter { changes.contains($0.change) }, by: \.change)
  }

  /// What the runs add to roll-ups.
  private var allTallies: [(id: FactID, tally: RunTally)] {
    all(RunFact.self).compactMap { run in
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

  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] {
    Dictionary(uniqueKeysWithValues: self.names.filter { names.contains($0.value) }.map { ($0.value, $0.key) })
  }

  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] { [:] }

  func factValues() throws(StoreError) -> [String: [UInt8]] { [:] }

  func factProgress() throws(StoreError) -> FactProgress {
    let days = rows.values.joined().compactMap(\.day)
    return FactProgress(firstDay: days.min())
  }
}

// MARK: Building facts

extension TestFacts {
  /// Adds a successful deploy of a service to production, unless told otherwise.
  @discardableResult
  mutating func deploy(
    _ service: String = "shop", _ commit: UInt64, to environment: String? = "production", created: Timestamp? = nil,
    began: Timestamp, ended: Timestamp?, outcome: DeployOutcome = .success, step: DeployFactStep = .forward,
    repository: String? = nil, traits: DeployFactTarget.Traits = [], previous: FactID? = nil,
    brings changes: [TestChange] = []
  ) -> FactID {
    let id = newID()
    let target = DeployFactTarget(
      service: name(service), environment: name(environment), repository: name(repository ?? "acme/\(service)"), traits: traits)
    add(
      DeployFact(
        id: id, target: target, commit: CommitPrefix(rawValue: commit), created: created ?? began, started: began, ended: ended,
        outcome: outcome, step: step, basis: .pushes, previous: previous, previousAttempt: previous == nil ? 0 : 1,
        changeCount: UInt32(changes.count)))
    guard let ended, outcome == .success else { return id }
    for change in changes {
      add(
        DeliveredChange(
          deploy: id, target: target, commit: CommitPrefix(rawValue: commit), deployStarted: began, deployEnded: ended,
          change: change.id, times: change.times, labels: change.labels, reverts: change.reverts,
          isRepeated: change.isRepeated))
    }
    return id
  }

  /// Adds a merged change.
  mutating func change(
    _ repository: String = "acme/shop", firstCommit: Timestamp? = nil, opened: Timestamp? = nil, ready: Timestamp? = nil,
    firstResponse: Timestamp? = nil, lastApproval: Timestamp? = nil, merged: Timestamp? = nil, workType: String? = nil,
    traits: ChangeLabels.Traits = [], reverts: FactID? = nil, rounds: UInt16 = 0, reviewCount: UInt16 = 0,
    waitingForReviewer: Float = 0, waitingForAuthor: Float = 0, size: UInt32? = nil, state: ChangeState = .merged,
    abandoned: Timestamp? = nil
  ) -> TestChange {
    let id = newID()
    let times = ChangeMilestones(
      firstCommit: firstCommit, opened: opened, ready: ready ?? opened, firstResponse: firstResponse, lastApproval: lastApproval,
      merged: merged)
    let labels = ChangeLabels(repository: name(repository), workType: name(workType), traits: traits)
    add(
      ChangeFact(
        id: id, times: times, labels: labels, state: state, abandoned: abandoned, reverts: reverts, reviewRounds: rounds,
        reviewCount: reviewCount, secondsWaitingForReviewer: waitingForReviewer, secondsWaitingForAuthor: waitingForAuthor,
        size: size))
    return TestChange(id: id, times: times, labels: labels, reverts: reverts)
  }

  @discardableResult
  mutating func incident(
    _ service: String? = "shop", environment: String? = nil, began: Timestamp, detected: Timestamp? = nil,
    resolved: Timestamp?, isResolutionUnknown: Bool = false, cause: FactID? = nil
  ) -> FactID {
    let id = newID()
    add(
      IncidentFact(
        id: id, service: name(service), environment: name(environment), began: began, detected: detected ?? began,
        resolved: resolved, isResolutionUnknown: isResolutionUnknown, cause: cause, causeAttempt: cause == nil ? 0 : 1,
        basis: cause == nil ? .unknown : .stated))
    return id
  }

  /// Adds an issue that passes through statuses, each from its time to the next one.
  @discardableResult
  mutating func issue(
    _ project: String = "TP", type: String? = "Story", created: Timestamp, statuses: [(String, Timestamp)] = [],
    closed: Timestamp? = nil, traits: IssueFact.Traits = [], firstChange: Timestamp? = nil, firstAssignment: Timestamp? = nil
  ) -> FactID {
    let id = newID()
    let stays = statuses.enumerated().map { index, stay in
      IssueFact.StatusStay(
        status: name(stay.0), start: stay.1, end: index + 1 < statuses.count ? statuses[index + 1].1 : nil)
    }
    add(
      IssueFact(
        id: id, project: name(project), type: name(type), created: created, firstChange: firstChange,
        firstAssignment: firstAssignment, closed: closed, traits: traits, statuses: stays))
    return id
  }
}

struct TestChange {
  var id: FactID
  var times: ChangeMilestones
  var labels: ChangeLabels
  var reverts: FactID?
  var isRepeated = false

  var repeated: TestChange {
    var copy = self
    copy.isRepeated = true
    return copy
  }
}

/// A time in 2026, in UTC.
func at(_ month: Int, _ day: Int, _ hour: Int = 12, _ minute: Int = 0) -> Timestamp {
  let days = CivilDate(year: 2026, month: month, day: day).daysSinceEpoch
  return Timestamp(seconds: days * 86_400 + Int64(hour * 3600 + minute * 60))
}

/// January 2026, seen from 1 March, when all verdicts are known.
let january = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(2, 1, 0)), now: at(3, 1, 0))

let hour = 3600.0
let day = 86_400.0
