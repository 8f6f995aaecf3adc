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
    try PipelinesComputation(query, source, readsRollUps: false).page(evidence, page)
  }
}

struct PipelinesComputation {
  let query: PipelinesQuery
  let frame: ReportFrame
  private let source: any FactSource
  private var names = NameTable()
  private var runs: [Run] = []

  /// A run or job that failed, was run again, or belongs to a change. Has no memory of its own, because there are many.
  private struct Run: Sendable {
    var id: FactID
    var attempt: UInt16
    var outcome: RunOutcome
    var isExcluded = false
    /// A failed attempt of a job that passed later with the same commit, or of a run whose workflow has no known jobs.
    var isFlaky = false
    /// While parts are read, the names of the store.
    var key: Key
    var commit: CommitPrefix
    /// The end, or the creation if the end is unknown.
    var time: Timestamp
    /// The run time. 0 if unknown or negative.
    var nanoseconds: Int64
    /// 0 if it belongs to no change.
    var change: UInt64

    var isJob: Bool { key.job != 0 }

    /// A hash of the job and the commit that it tried.
    var triedHash: UInt64 {
      let job = UInt64(UInt32(bitPattern: key.job)) &* 0xc2b2_ae3d_27d4_eb4f
      return commit.rawValue ^ (key.workflowID &* 0x9e37_79b9_7f4a_7c15) ^ job
    }

    init(_ row: RunColumns) {
      (id, attempt, outcome, commit, change) = (row.id, row.attempt, row.outcome, row.commit, row.change)
      key = Key(
        repository: Int32(bitPattern: row.repository.rawValue), workflow: Int32(bitPattern: row.workflow.rawValue),
        job: Int32(bitPattern: row.job.rawValue))
      time = Timestamp(nanoseconds: row.ended < 0 ? row.created : row.ended)
      nanoseconds = row.started < 0 || row.ended < 0 ? 0 : max(0, row.ended - row.started)
    }
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

  /// The roll-ups of the window.
  private var rollUps: [(key: RollUpKey, rollUp: RollUp)] = []

  /// - Parameter readsRollUps: false for evidence, which needs rows only.
  init(_ query: PipelinesQuery, _ source: any FactSource, readsRollUps: Bool = true) throws {
    let query = try query.excluding(source)
    self.query = query
    self.source = source
    let windows = [query.frame.window, query.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    let frame = query.frame.wholeDays
    self.frame = frame
    guard readsRollUps else {
      (runs, names) = try Self.runs(query, frame, source)
      return
    }
    let (levels, days) = (Self.levels(query, query.lists), frame.factDays(of: frame.window))
    // Reading the roll-ups of jobs takes about as long as all else.
    let (jobs, others) = try ParallelReading.both(
      throwing: {
        try Self.rollUps(levels.filter { $0 == .job }, days, source)
      },
      {
        (try Self.rollUps(levels.filter { $0 != .job }, days, source), try Self.runs(query, frame, source))
      })
    (runs, names) = others.1
    rollUps = others.0 + jobs
  }

  // MARK: Rows

  /// Reads runs and jobs, and marks those that are flaky.
  private static func runs(
    _ query: PipelinesQuery, _ frame: ReportFrame, _ source: any FactSource
  ) throws -> (runs: [Run], names: NameTable) {
    let wider = [frame.window, frame.comparedWindow].compactMap { $0 }
      .map { TimeWindow(start: $0.start, end: $0.end.advanced(bySeconds: passesWithinSeconds)) }
    var parts = try ParallelReading.parts(of: wider.days) { days in
      var part: [Run] = []
      try source.visitFactBytes(.run, days: days, includesOpen: false) { part.appendSparingly(Run(try RunColumns($0))) }
      return part
    }
    var names = NameTable()
    func name(_ number: Int32) -> FactName { FactName(rawValue: UInt32(bitPattern: number)) }
    for part in parts {
      for run in part {
        names.note(name(run.key.repository))
        names.note(name(run.key.workflow))
        names.note(name(run.key.job))
      }
    }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    let exclusions = query.settings.exclusions
    if !scope.includesEverything {
      for index in parts.indices {
        parts[index].removeAll {
          !scope.includes(service: nil, repository: names.number(of: name($0.key.repository)))
        }
      }
    }
    var runs = parts.takeAll(\.self)
    runs.withUnsafeMutableBufferPointer { runs in
      for index in runs.indices {
        let key = runs[index].key
        runs[index].key = Key(
          repository: names.number(of: name(key.repository)), workflow: names.number(of: name(key.workflow)),
          job: names.number(of: name(key.job)))
        runs[index].isExcluded = !exclusions.isEmpty && exclusions[runs[index].id] != nil
      }
    }
    markFlaky(&runs)
    return (runs, names)
  }

  private static func markFlaky(_ runs: inout [Run]) {
    var withJobs = IDMap(minimumCapacity: 4096)
    for run in runs where run.isJob { withJobs.set(1, for: run.key.workflowID) }
    let failureCount = runs.count { $0.outcome == .failure }
    guard failureCount > 0 else { return }
    // Most jobs never failed with a commit. Their passes are not looked at.
    var failed = RepeatFilter(capacity: failureCount)
    for run in runs where run.outcome == .failure { failed.add(run.triedHash) }
    // The last passing attempt of each other job and commit.
    var passes = PlaceTable(minimumCapacity: runs.count { $0.outcome == .success && failed.mayHave($0.triedHash) })
    var lastPass: [Int32] = []
    func isSame(_ left: Run, _ right: Run) -> Bool { left.commit == right.commit && left.key == right.key }
    func isTried(_ run: Run) -> Bool {
      run.commit.isKnown && !run.isExcluded && (run.isJob || withJobs[run.key.workflowID] == nil)
    }
    for (index, run) in runs.enumerated() where run.outcome == .success && failed.mayHave(run.triedHash) && isTried(run) {
      let new = Int32(lastPass.count)
      let place = passes.place(hash: run.triedHash, orInsert: new) { isSame(runs[Int(lastPass[Int($0)])], run) }
      if place == new {
        lastPass.append(Int32(index))
      } else if runs[Int(lastPass[Int(place)])].time < run.time {
        lastPass[Int(place)] = Int32(index)
      }
    }
    for index in runs.indices where runs[index].outcome == .failure && isTried(runs[index]) {
      let run = runs[index]
      guard let place = passes.place(hash: run.triedHash, isEqual: { isSame(runs[Int(lastPass[Int($0)])], run) }) else {
        continue
      }
      if runs[Int(lastPass[Int(place)])].time > run.time { runs[index].isFlaky = true }
    }
  }

  // MARK: Roll-ups

  /// What the rows of runs and jobs add to a value that roll-ups do not tell.
  private struct RunCounts {
    var ofChanges = 0
    var flaky = 0
    var flakyTime = DurationSum()

    mutating func add(_ run: Run) {
      if !run.isJob, run.change != 0 { ofChanges += 1 }
      guard run.isFlaky else { return }
      flaky += 1
      flakyTime.add(nanoseconds: run.nanoseconds)
    }
  }

  private func counts(in window: TimeWindow) -> RunCounts {
    var counts = RunCounts()
    for run in runs where window.contains(run.time) && !run.isExcluded { counts.add(run) }
    return counts
  }

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

  private static func levels(_ query: PipelinesQuery, _ lists: PipelinesQuery.Lists) -> [RollUpLevel] {
    switch (lists, isNarrow(query)) {
    case (.none, false): [.whole]
    case (.none, true), (.repositories, true): [.repository]
    case (.repositories, false): [.whole, .repository]
    case (.all, false): [.whole, .repository, .workflow, .job, .runner]
    case (.all, true): [.repository, .workflow, .job]
    }
  }

  /// - Parameter found: the roll-ups of the window.
  private mutating func sums(
    of found: [(key: RollUpKey, rollUp: RollUp)], in window: TimeWindow, for lists: PipelinesQuery.Lists
  ) throws -> Sums {
    let excluded = try excludedTallies(in: frame.factDays(of: window))
    let (isNarrow, levels) = (Self.isNarrow(query), Self.levels(query, lists))
    for (key, _) in found {
      names.note(key.repository)
      names.note(key.workflow)
      names.note(key.job)
      names.note(key.runner)
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

  private static func rollUps(
    _ levels: [RollUpLevel], _ days: ClosedRange<FactDay>, _ source: any FactSource
  ) throws -> [(key: RollUpKey, rollUp: RollUp)] {
    var found: [(key: RollUpKey, rollUp: RollUp)] = []
    for level in levels { try source.visitRollUps(level, days: days) { found.appendSparingly(($0, $1)) } }
    return found
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
    let sums = try sums(of: rollUps, in: frame.window, for: query.lists)
    var lists: [[Key]] = [dearest(sums.repositories), dearest(sums.workflows), dearest(sums.jobs), slowest(sums.jobs)]
    for index in lists.indices { lists[index] = Array(lists[index].prefix(max(0, query.limit))) }
    let counts = counts(of: Set(lists.joined()))
    func rows(_ list: Int, _ rollUps: [Key: RollUp]) -> [PipelinesReport.Row] {
      lists[list].map { key in
        PipelinesReport.Row(
          repository: names.text(of: key.repository), workflow: names.text(of: key.workflow), job: names.text(of: key.job),
          value: value(rollUps[key] ?? RollUp(), counts[key] ?? RunCounts()))
      }
    }
    var report = PipelinesReport(
      window: frame.window, comparedWindow: frame.comparedWindow, current: value(sums.whole, self.counts(in: frame.window)),
      repositories: rows(0, sums.repositories), workflows: rows(1, sums.workflows), jobs: rows(2, sums.jobs),
      slowestJobs: rows(3, sums.jobs), runners: runners(sums.runners, limit: max(0, query.limit)))
    if let window = frame.comparedWindow {
      let rollUps = try Self.rollUps(Self.levels(query, .none), frame.factDays(of: window), source)
      report.previous = value(try self.sums(of: rollUps, in: window, for: .none).whole, self.counts(in: window))
    }
    return report
  }

  /// Returns the counts of runs in the window for these keys. Those of a repository are of all its runs and jobs.
  private func counts(of keys: Set<Key>) -> [Key: RunCounts] {
    guard !keys.isEmpty else { return [:] }
    var counts: [Key: RunCounts] = [:]
    var isWanted = [Bool](repeating: false, count: names.count)
    for key in keys { isWanted[Int(key.repository)] = true }
    for run in runs where isWanted[Int(run.key.repository)] && frame.window.contains(run.time) && !run.isExcluded {
      if keys.contains(run.key) { counts[run.key, default: RunCounts()].add(run) }
      let whole = Key(repository: run.key.repository)
      if whole != run.key, keys.contains(whole) { counts[whole, default: RunCounts()].add(run) }
    }
    return counts
  }

  /// The keys whose failures cost most, the most expensive first.
  private func dearest(_ rollUps: [Key: RollUp]) -> [Key] {
    first(rollUps) { Double($0.counts.failureMilliseconds) / 60_000 }
  }

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

extension PipelinesComputation.Key {
  /// The repository and the workflow as one number.
  fileprivate var workflowID: UInt64 {
    UInt64(UInt32(bitPattern: repository)) << 32 | UInt64(UInt32(bitPattern: workflow))
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
