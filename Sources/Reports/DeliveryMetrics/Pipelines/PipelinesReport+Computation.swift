package import ValueStreamCore

extension PipelinesReport {
  /// Counts runs of CI and their jobs.
  package init(_ query: PipelinesQuery, from source: any FactSource) throws {
    self = try PipelinesComputation(query, source).report()
  }

  /// Returns how long the runs of each repository or team took.
  ///
  /// - Parameter grouping: ``Grouping/repository`` or ``Grouping/team``.
  package static func runTimes(
    _ query: PipelinesQuery, by grouping: Grouping, from source: any FactSource
  ) throws -> [String: DurationSummary] {
    var computation = try PipelinesComputation(unread: query, source)
    return try computation.runTimes(by: grouping)
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: PipelinesEvidence, _ query: PipelinesQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    try PipelinesComputation(query, source, readsRollUps: false).page(evidence, page)
  }
}

struct PipelinesComputation {
  let query: PipelinesQuery
  let frame: ReportFrame
  private let source: any FactSource
  var names = NameTable()
  var runs: [Run] = []

  /// The roll-ups of the window.
  private var rollUps: [ReadRollUp] = []

  private struct ReadRollUp {
    var key: RollUpKey
    var rollUp: RollUp
    /// False if only the parts were read that decide which ones are listed.
    var isWhole: Bool
  }

  fileprivate init(unread query: PipelinesQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    self.source = source
    let windows = [query.frame.window, query.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    frame = query.frame.wholeDays
  }

  /// - Parameter readsRollUps: false for evidence, which needs rows only.
  init(_ query: PipelinesQuery, _ source: any FactSource, readsRollUps: Bool = true) throws {
    try self.init(unread: query, source)
    let (query, frame) = (self.query, self.frame)
    guard readsRollUps else {
      (runs, names) = try Self.runs(query, frame, source)
      return
    }
    let (levels, days) = (Self.levels(query, isListed: true), frame.factDays(of: frame.window))
    // Reading the roll-ups of jobs takes about as long as all else.
    let (jobs, others) = try ParallelReading.both(
      throwing: {
        try Self.rollUps(levels.filter { $0 == .job }, isListed: true, days, query, source)
      },
      {
        (try Self.rollUps(levels.filter { $0 != .job }, isListed: true, days, query, source), try Self.runs(query, frame, source))
      })
    (runs, names) = others.1
    rollUps = others.0 + jobs
  }

  // MARK: Roll-ups

  /// The sums of a window, without what a person excluded.
  struct Sums {
    var whole = RollUp()
    var repositories: [Key: RollUp] = [:]
    var workflows: [Key: RollUp] = [:]
    var jobs: [Key: RollUp] = [:]
    var runners: [Int32: RollUp] = [:]
  }

  private static func isNarrow(_ query: PipelinesQuery) -> Bool {
    !query.scope.repositories.isEmpty || query.scope.team != nil
  }

  /// - Parameter isListed: false for the value of all runs only.
  private static func levels(_ query: PipelinesQuery, isListed: Bool) -> [RollUpLevel] {
    switch (isListed, isNarrow(query)) {
    case (false, false): [.whole]
    case (false, true): [.repository]
    case (true, false): [.whole, .repository, .workflow, .job, .runner]
    case (true, true): [.repository, .workflow, .job]
    }
  }

  /// - Parameter found: the roll-ups of the window.
  private mutating func sums(
    of found: [ReadRollUp], in window: TimeWindow, isListed: Bool
  ) throws -> Sums {
    let excluded = try excludedTallies(in: frame.factDays(of: window))
    let (isNarrow, levels) = (Self.isNarrow(query), Self.levels(query, isListed: isListed))
    for entry in found {
      names.note(entry.key.repository)
      names.note(entry.key.workflow)
      names.note(entry.key.job)
      names.note(entry.key.runner)
    }
    for (key, _) in excluded { for name in [key.repository, key.workflow, key.job, key.runner] { names.note(name) } }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    var sums = Sums()
    for entry in found { add(entry.rollUp, of: entry.key, isNarrow: isNarrow, scope, to: &sums) { $0.merge($1) } }
    for (key, rollUp) in excluded where levels.contains(key.level) {
      add(rollUp, of: key, isNarrow: isNarrow, scope, to: &sums) { $0.subtract($1) }
    }
    return sums
  }

  /// The parts that decide which roll-ups of a level are listed.
  private static func listedParts(_ level: RollUpLevel, _ query: PipelinesQuery) -> RollUpParts {
    guard !isNarrow(query) else { return .all }
    return switch level {
    case .repository, .workflow: .counts
    case .job: .runTimes
    case .whole, .runner: .all
    }
  }

  /// Reads the roll-ups of some days.
  ///
  /// Of a level that the report lists, only those are read as a whole that may be among the first. Which ones are is known in the
  /// end, after roll-ups of several runners are joined and what a person excluded is subtracted: see ``wholes(of:)``.
  private static func rollUps(
    _ levels: [RollUpLevel], isListed: Bool, _ days: ClosedRange<FactDay>, _ query: PipelinesQuery, _ source: any FactSource
  ) throws -> [ReadRollUp] {
    var found: [ReadRollUp] = []
    for level in levels {
      let parts = isListed ? listedParts(level, query) : .all
      var (dearest, slowest) = (GreatestValues(query.limit), GreatestValues(query.limit))
      try source.visitRollUps(level, days: days, parts: parts) { key, rollUp, whole in
        guard parts != .all else { return found.appendSparingly(ReadRollUp(key: key, rollUp: rollUp, isWhole: true)) }
        let isDear = dearest.admit(dearness(rollUp))
        let isSlow = level == .job && rollUp.run.nearestRank(95).map { slowest.admit($0) } ?? false
        let isWhole = isDear || isSlow
        found.appendSparingly(ReadRollUp(key: key, rollUp: isWhole ? try whole() : rollUp, isWhole: isWhole))
      }
    }
    return found
  }

  /// The key of a roll-up in the lists. Nil for levels that are not listed.
  private func listedKey(_ key: RollUpKey) -> Key? {
    switch key.level {
    case .whole, .runner: nil
    case .repository: Key(repository: names.number(of: key.repository))
    case .workflow: Key(repository: names.number(of: key.repository), workflow: names.number(of: key.workflow))
    case .job:
      Key(
        repository: names.number(of: key.repository), workflow: names.number(of: key.workflow),
        job: names.number(of: key.job))
    }
  }

  /// Returns all parts of the roll-ups of listed keys, by level.
  private func wholes(of listed: [RollUpLevel: Set<Key>]) throws -> [RollUpLevel: [Key: RollUp]] {
    let days = frame.factDays(of: frame.window)
    func key(_ rollUp: RollUpKey) -> Key? {
      listedKey(rollUp).flatMap { listed[rollUp.level]?.contains($0) ?? false ? $0 : nil }
    }
    var isWanted = [Bool](repeating: false, count: names.count)
    for key in listed.values.joined() { isWanted[Int(key.repository)] = true }
    var wholes: [RollUpLevel: [Key: RollUp]] = [:]
    var missing: [RollUpLevel: Set<RollUpKey>] = [:]
    for entry in rollUps where isWanted[Int(names.number(of: entry.key.repository))] {
      guard let key = key(entry.key) else { continue }
      if entry.isWhole {
        wholes[entry.key.level, default: [:]][key, default: RollUp()].merge(entry.rollUp)
      } else {
        missing[entry.key.level, default: []].insert(entry.key)
      }
    }
    for (level, missing) in missing {
      try source.visitRollUps(level, days: days, parts: .counts) { rollUpKey, _, whole in
        guard missing.contains(rollUpKey), let key = key(rollUpKey) else { return }
        wholes[level, default: [:]][key, default: RollUp()].merge(try whole())
      }
    }
    for (rollUpKey, rollUp) in try excludedTallies(in: days) {
      if let key = key(rollUpKey) { wholes[rollUpKey.level, default: [:]][key, default: RollUp()].subtract(rollUp) }
    }
    return wholes
  }

  private func add(
    _ rollUp: RollUp, of key: RollUpKey, isNarrow: Bool, _ scope: ScopeRule, to sums: inout Sums,
    _ combine: (inout RollUp, RollUp) -> Void
  ) {
    let repository = names.number(of: key.repository)
    if isNarrow, !scope.includes(service: nil, repository: repository) { return }
    var number = Key(repository: repository)
    switch key.level {
    case .whole: combine(&sums.whole, rollUp)
    case .repository:
      if isNarrow { combine(&sums.whole, rollUp) }
      combine(&sums.repositories[number, default: RollUp()], rollUp)
    case .workflow:
      number.workflow = names.number(of: key.workflow)
      combine(&sums.workflows[number, default: RollUp()], rollUp)
    case .job:
      number.workflow = names.number(of: key.workflow)
      number.job = names.number(of: key.job)
      combine(&sums.jobs[number, default: RollUp()], rollUp)
    case .runner: combine(&sums.runners[names.number(of: key.runner), default: RollUp()], rollUp)
    }
    if isNarrow, key.level == .workflow || key.level == .job, key.runner.isKnown {
      combine(&sums.runners[names.number(of: key.runner), default: RollUp()], rollUp)
    }
  }

  /// What excluded runs and jobs added. The roll-ups of runs that are gone from the span store are known from their rows.
  private func excludedTallies(in days: ClosedRange<FactDay>) throws -> [(RollUpKey, RollUp)] {
    let ids = Set(query.settings.exclusions.keys)
    guard !ids.isEmpty else { return [] }
    var tallies = try source.tallies(of: ids).values.flatMap { $0 }
    let gone = try source.facts(RunFact.self, of: ids.subtracting(try source.tallies(of: ids).keys))
    for fact in gone.values.joined() {
      let day = FactDay(rawValue: Int32(clamping: frame.zone.localDay(of: fact.ended ?? fact.created)))
      if let tally = RunTally(fact, day: day, runner: .none) { tallies.append(tally) }
    }
    return tallies.filter { days.contains($0.day) }.flatMap { tally in
      var rollUp = RollUp()
      rollUp.add(tally)
      return tally.keys.map { ($0, rollUp) }
    }
  }

  // MARK: Report

  func report() throws -> PipelinesReport {
    var copy = self
    return try copy.makeReport()
  }

  private mutating func makeReport() throws -> PipelinesReport {
    let sums = try sums(of: rollUps, in: frame.window, isListed: true)
    var lists: [[Key]] = [dearest(sums.repositories), dearest(sums.workflows), dearest(sums.jobs), slowest(sums.jobs)]
    for index in lists.indices { lists[index] = Array(lists[index].prefix(max(0, query.limit))) }
    let ofRuns = counts(of: Set(lists.joined()))
    let wholes = try wholes(of: [
      .repository: Set(lists[0]), .workflow: Set(lists[1]), .job: Set(lists[2]).union(lists[3]),
    ])
    func rows(_ list: Int, _ level: RollUpLevel) -> [PipelinesReport.Row] {
      lists[list].map { key in
        PipelinesReport.Row(
          repository: names.text(of: key.repository), workflow: names.text(of: key.workflow), job: names.text(of: key.job),
          value: value(wholes[level]?[key] ?? RollUp(), ofRuns.ofKeys[key] ?? RunCounts()))
      }
    }
    var report = PipelinesReport(
      window: frame.window, comparedWindow: frame.comparedWindow, current: value(sums.whole, ofRuns.current),
      repositories: rows(0, .repository), workflows: rows(1, .workflow), jobs: rows(2, .job), slowestJobs: rows(3, .job),
      runners: runners(sums.runners, limit: max(0, query.limit)))
    if let window = frame.comparedWindow {
      let levels = Self.levels(query, isListed: false)
      let rollUps = try Self.rollUps(levels, isListed: false, frame.factDays(of: window), query, source)
      report.previous = value(try self.sums(of: rollUps, in: window, isListed: false).whole, ofRuns.previous)
    }
    return report
  }

  fileprivate mutating func runTimes(by grouping: Grouping) throws -> [String: DurationSummary] {
    let days = frame.factDays(of: frame.window)
    let found = try Self.rollUps([.repository], isListed: false, days, query, source)
    let excluded = try excludedTallies(in: days).filter { $0.0.level == .repository }
    for entry in found { names.note(entry.key.repository) }
    for (key, _) in excluded { names.note(key.repository) }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, grouping, names)
    var sums: [Int32: RollUp] = [:]
    func add(_ rollUp: RollUp, of key: RollUpKey, _ combine: (inout RollUp, RollUp) -> Void) {
      let repository = names.number(of: key.repository)
      guard scope.includes(service: nil, repository: repository) else { return }
      scope.forEachGroup(service: 0, repository: repository, environment: 0) { combine(&sums[$0, default: RollUp()], rollUp) }
    }
    for entry in found { add(entry.rollUp, of: entry.key) { $0.merge($1) } }
    for (key, rollUp) in excluded { add(rollUp, of: key) { $0.subtract($1) } }
    let named = sums.filter { !$0.value.isEmpty }.compactMap { group, rollUp in
      scope.key(ofGroup: group, query.settings, names).name.map { ($0, value(rollUp, RunCounts()).runTime) }
    }
    return Dictionary(named) { first, _ in first }
  }

  /// The keys whose failures cost most, the most expensive first.
  private func dearest(_ rollUps: [Key: RollUp]) -> [Key] {
    first(rollUps, by: Self.dearness)
  }

  private static func dearness(_ rollUp: RollUp) -> Double { Double(rollUp.counts.failureMilliseconds) / 60_000 }

  /// The keys with the greatest 95th percentile of the run time, the slowest first.
  private func slowest(_ rollUps: [Key: RollUp]) -> [Key] { first(rollUps) { $0.run.nearestRank(95) } }

  /// The first keys by descending value, then by name, without those that have no value.
  private func first(_ rollUps: [Key: RollUp], by value: (RollUp) -> Double?) -> [Key] {
    guard query.limit > 0 else { return [] }
    var first = FirstElements<(key: Key, value: Double)>(query.limit) { left, right in
      left.value != right.value ? left.value > right.value : isBefore(left.key, right.key)
    }
    for (key, rollUp) in rollUps where !rollUp.isEmpty { if let value = value(rollUp) { first.add((key, value)) } }
    return first.result.page.map(\.key)
  }

  private func isBefore(_ a: Key, _ b: Key) -> Bool {
    func text(_ number: Int32) -> String { names.texts[Int(number)] }
    return (text(a.repository), text(a.workflow), text(a.job)) < (text(b.repository), text(b.workflow), text(b.job))
  }

  private func runners(_ rollUps: [Int32: RollUp], limit: Int) -> [PipelinesReport.RunnerRow] {
    let rows = rollUps.filter { !$0.value.isEmpty }.map { number, rollUp in
      PipelinesReport.RunnerRow(runner: names.text(of: number), value: value(rollUp, RunCounts()))
    }
    return Array(
      rows.sorted {
        ($1.value.queueTime.p95 ?? -1, $0.runner ?? "") < ($0.value.queueTime.p95 ?? -1, $1.runner ?? "")
      }.prefix(limit))
  }

  private func value(_ rollUp: RollUp, _ rows: RunCounts) -> PipelinesReport.Value {
    let counts = rollUp.counts
    let decided = Int(clamping: counts.runs &- counts.undecided)
    return PipelinesReport.Value(
      runs: Int(clamping: counts.runs), failed: Int(clamping: counts.failures), undecided: Int(clamping: counts.undecided),
      rerun: Int(clamping: counts.reruns), ofChanges: rows.ofChanges, flaky: rows.flaky,
      minutes: Double(max(0, counts.runMilliseconds)) / 60_000,
      failureMinutes: Double(max(0, counts.failureMilliseconds)) / 60_000,
      flakyMinutes: rows.flakyTime.seconds / 60,
      runTime: DurationSummary(rollUp.run, of: decided, negative: counts.negativeRuns),
      queueTime: DurationSummary(rollUp.queue, of: decided, negative: counts.negativeQueues))
  }

  // MARK: Evidence

  func page(_ evidence: PipelinesEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let window = frame.window(of: evidence.period) else { return EvidencePage(rows: [], total: 0) }
    let isTimed = evidence.part == .failed || evidence.part == .flaky
    let found = runs.filter { run in
      guard window.contains(run.time), !run.isExcluded, evidence.part == .flaky || !run.isJob else { return false }
      return switch evidence.part {
      case .failed: run.outcome == .failure
      case .rerun: run.attempt > 1
      case .ofChanges: run.change != 0
      case .flaky: run.isFlaky
      }
    }
    func head(_ run: Run) -> EvidenceRow {
      EvidenceRow(
        kind: .run, id: run.id, attempt: run.attempt, time: run.time, value: isTimed ? Double(run.nanoseconds) / 1e9 : nil)
    }
    return try EvidencePage(of: found, request, head: head) { run in
      var row = head(run)
      if run.change != 0 { row.related = [.init(.change, FactID(rawValue: run.change))] }
      return row
    }
  }
}

extension DurationSummary {
  /// Summarizes the times of `total` attempts, of which some have none or a negative one.
  fileprivate init(_ sketch: DurationSketch, of total: Int, negative: Int64) {
    let quantiles = sketch.quantiles([75, 85, 95])
    let (n, negative) = (Int(clamping: quantiles?.count ?? sketch.count), Int(clamping: negative))
    self.init(
      median: quantiles?.median, p75: quantiles?.values[0], p85: quantiles?.values[1], p95: quantiles?.values[2],
      population: Population(n: n, leftOut: [.clock: negative, .startUnknown: total - n - negative]))
  }
}
