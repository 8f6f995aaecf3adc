package import ValueStreamCore

extension PipelinesReport {
  /// Counts runs of CI and their jobs.
  package init(_ query: PipelinesQuery, from source: any FactSource) throws {
    self = try PipelinesComputation(query, source).report()
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: PipelinesEvidence, _ query: PipelinesQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    try EvidencePage(PipelinesComputation(query, source).rows(evidence), page)
  }
}

struct PipelinesComputation {
  let query: PipelinesQuery
  let frame: ReportFrame
  private let source: any FactSource
  private var names = NameTable()
  private var runs: [Run] = []

  /// A run or job that failed, was run again, or belongs to a change.
  private struct Run: Sendable {
    var fact: RunFact
    var key: Key
    var isExcluded: Bool
    /// A failed attempt of a job that passed later with the same commit, or of a run whose workflow has no known jobs.
    var isFlaky = false

    var time: Timestamp { fact.ended ?? fact.created }
    var isJob: Bool { key.job != 0 }
    var minutes: Double { fact.started.flatMap { start in fact.ended.map { max(0, $0.seconds(since: start)) / 60 } } ?? 0 }
  }

  /// Numbers of names. 0 for those that the level does not have.
  struct Key: Hashable {
    var repository: Int32
    var workflow: Int32 = 0
    /// 0 for whole runs.
    var job: Int32 = 0
  }

  /// A job passes long after it failed only with another commit.
  private static let passesWithinSeconds = 7 * 86_400.0

  init(_ query: PipelinesQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    self.source = source
    let windows = [query.frame.window, query.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    frame = query.frame.wholeDays
    try readRuns()
    markFlaky()
  }

  // MARK: Rows

  private mutating func readRuns() throws {
    var facts: [RunFact] = []
    var names = NameTable()
    let wider = [frame.window, frame.comparedWindow].compactMap { $0 }
      .map { TimeWindow(start: $0.start, end: $0.end.advanced(bySeconds: Self.passesWithinSeconds)) }
    for days in wider.days {
      try source.visitFacts(RunFact.self, days: days, includesOpen: false) { fact in
        for name in [fact.repository, fact.workflow, fact.job] { names.note(name) }
        facts.append(fact)
      }
    }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    for fact in facts {
      let key = Key(
        repository: names.number(of: fact.repository), workflow: names.number(of: fact.workflow),
        job: names.number(of: fact.job))
      guard scope.includes(service: nil, repository: key.repository) else { continue }
      runs.append(Run(fact: fact, key: key, isExcluded: query.settings.exclusions[fact.id] != nil))
    }
    runs.sort { ($0.time, $0.fact.id, $0.fact.attempt) < ($1.time, $1.fact.id, $1.fact.attempt) }
    self.names = names
  }

  private mutating func markFlaky() {
    struct Tried: Hashable {
      var key: Key
      var commit: CommitPrefix
    }
    var withJobs: Set<Key> = []
    for run in runs where run.isJob { withJobs.insert(Key(repository: run.key.repository, workflow: run.key.workflow)) }
    var lastPass: [Tried: Timestamp] = [:]
    for index in runs.indices.reversed() where runs[index].fact.commit.isKnown && !runs[index].isExcluded {
      let run = runs[index]
      guard run.isJob || !withJobs.contains(run.key) else { continue }
      let tried = Tried(key: run.key, commit: run.fact.commit)
      if run.fact.outcome == .success {
        lastPass[tried] = max(lastPass[tried] ?? run.time, run.time)
      } else if run.fact.outcome == .failure, let pass = lastPass[tried], pass > run.time {
        runs[index].isFlaky = true
      }
    }
  }

  private func runs(in window: TimeWindow) -> [Run] {
    runs.filter { window.contains($0.time) && !$0.isExcluded }
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

  private mutating func sums(in window: TimeWindow, for lists: PipelinesQuery.Lists) throws -> Sums {
    let days = frame.days(of: window)
    let range = FactDay(rawValue: Int32(clamping: days.lowerBound))...FactDay(rawValue: Int32(clamping: days.upperBound))
    let excluded = try excludedTallies(in: range)
    let isNarrow = !query.scope.repositories.isEmpty || query.scope.team != nil
    let levels: [RollUpLevel] =
      switch (lists, isNarrow) {
      case (.none, false): [.whole]
      case (.none, true), (.repositories, true): [.repository]
      case (.repositories, false): [.whole, .repository]
      case (.all, false): [.whole, .repository, .workflow, .job, .runner]
      case (.all, true): [.repository, .workflow, .job]
      }
    var found: [(key: RollUpKey, rollUp: RollUp)] = []
    for level in levels {
      try source.visitRollUps(level, days: range) { key, rollUp in
        for name in [key.repository, key.workflow, key.job, key.runner] { names.note(name) }
        found.append((key, rollUp))
      }
    }
    for (key, _) in excluded { for name in [key.repository, key.workflow, key.job, key.runner] { names.note(name) } }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    var sums = Sums()
    for (key, rollUp) in found { add(rollUp, of: key, isNarrow: isNarrow, scope, to: &sums) { $0.merge($1) } }
    for (key, rollUp) in excluded where levels.contains(key.level) {
      add(rollUp, of: key, isNarrow: isNarrow, scope, to: &sums) { $0.subtract($1) }
    }
    return sums
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
    let sums = try sums(in: frame.window, for: query.lists)
    let current = runs(in: frame.window)
    var byKey: [Key: [Run]] = [:]
    for run in current {
      byKey[run.key, default: []].append(run)
      byKey[Key(repository: run.key.repository), default: []].append(run)
    }
    let jobs = rows(sums.jobs, byKey)
    let limit = max(0, query.limit)
    var report = PipelinesReport(
      window: frame.window, comparedWindow: frame.comparedWindow, current: value(sums.whole, current),
      repositories: Array(rows(sums.repositories, byKey).sorted(by: Self.isDearer).prefix(limit)),
      workflows: Array(rows(sums.workflows, byKey).sorted(by: Self.isDearer).prefix(limit)),
      jobs: Array(jobs.sorted(by: Self.isDearer).prefix(limit)),
      slowestJobs: Array(jobs.filter { $0.value.runTime.p95 != nil }.sorted(by: Self.isSlower).prefix(limit)),
      runners: runners(sums.runners, limit: limit))
    if let window = frame.comparedWindow {
      report.previous = value(try self.sums(in: window, for: .none).whole, runs(in: window))
    }
    return report
  }

  private func rows(_ rollUps: [Key: RollUp], _ runs: [Key: [Run]]) -> [PipelinesReport.Row] {
    rollUps.filter { !$0.value.isEmpty }.map { key, rollUp in
      PipelinesReport.Row(
        repository: names.text(of: key.repository), workflow: names.text(of: key.workflow), job: names.text(of: key.job),
        value: value(rollUp, runs[key] ?? []))
    }
  }

  private static func isDearer(_ left: PipelinesReport.Row, _ right: PipelinesReport.Row) -> Bool {
    if left.value.failureMinutes != right.value.failureMinutes {
      return left.value.failureMinutes > right.value.failureMinutes
    }
    return isBefore(left, right)
  }

  private static func isSlower(_ left: PipelinesReport.Row, _ right: PipelinesReport.Row) -> Bool {
    if left.value.runTime.p95 != right.value.runTime.p95 {
      return left.value.runTime.p95 ?? 0 > right.value.runTime.p95 ?? 0
    }
    return isBefore(left, right)
  }

  private static func isBefore(_ a: PipelinesReport.Row, _ b: PipelinesReport.Row) -> Bool {
    (a.repository ?? "", a.workflow ?? "", a.job ?? "") < (b.repository ?? "", b.workflow ?? "", b.job ?? "")
  }

  private func runners(_ rollUps: [Int32: RollUp], limit: Int) -> [PipelinesReport.RunnerRow] {
    let rows = rollUps.filter { !$0.value.isEmpty }.map { number, rollUp in
      PipelinesReport.RunnerRow(runner: names.text(of: number), value: value(rollUp, []))
    }
    return Array(
      rows.sorted {
        ($1.value.queueTime.p95 ?? -1, $0.runner ?? "") < ($0.value.queueTime.p95 ?? -1, $1.runner ?? "")
      }.prefix(limit))
  }

  /// - Parameter rows: those of the roll-up that failed, were run again, or belong to a change.
  private func value(_ rollUp: RollUp, _ rows: [Run]) -> PipelinesReport.Value {
    let counts = rollUp.counts
    let flaky = rows.filter(\.isFlaky)
    let decided = Int(clamping: counts.runs &- counts.undecided)
    return PipelinesReport.Value(
      runs: Int(clamping: counts.runs), failed: Int(clamping: counts.failures), undecided: Int(clamping: counts.undecided),
      rerun: Int(clamping: counts.reruns), ofChanges: rows.count { !$0.isJob && $0.fact.change != nil }, flaky: flaky.count,
      minutes: Double(counts.runMilliseconds) / 60_000, failureMinutes: Double(counts.failureMilliseconds) / 60_000,
      flakyMinutes: flaky.reduce(0) { $0 + $1.minutes },
      runTime: DurationSummary(rollUp.run, of: decided, negative: counts.negativeRuns),
      queueTime: DurationSummary(rollUp.queue, of: decided, negative: counts.negativeQueues))
  }

  // MARK: Evidence

  func rows(_ evidence: PipelinesEvidence) throws -> [EvidenceRow] {
    guard let window = frame.window(of: evidence.period) else { return [] }
    let all = runs(in: window)
    let counted = all.filter { !$0.isJob }
    func row(_ run: Run, _ value: Double? = nil) -> EvidenceRow {
      EvidenceRow(
        kind: .run, id: run.fact.id, attempt: run.fact.attempt, time: run.time, value: value,
        related: run.fact.change.map { [.init(.change, $0)] } ?? [])
    }
    switch evidence.part {
    case .failed: return counted.filter { $0.fact.outcome == .failure }.map { row($0, $0.minutes * 60) }
    case .rerun: return counted.filter { $0.fact.attempt > 1 }.map { row($0) }
    case .ofChanges: return counted.filter { $0.fact.change != nil }.map { row($0) }
    case .flaky: return all.filter(\.isFlaky).map { row($0, $0.minutes * 60) }
    }
  }
}

extension DurationSummary {
  /// Summarizes the times of `total` attempts, of which some have none or a negative one.
  fileprivate init(_ sketch: DurationSketch, of total: Int, negative: Int64) {
    let (n, negative) = (Int(clamping: sketch.count), Int(clamping: negative))
    self.init(
      median: sketch.median, p75: sketch.nearestRank(75), p85: sketch.nearestRank(85), p95: sketch.nearestRank(95),
      population: Population(n: n, leftOut: [.clock: negative, .startUnknown: total - n - negative]))
  }
}
