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
  private var rollUps: [ReadRollUp] = []

  private struct ReadRollUp {
    var key: RollUpKey
    var rollUp: RollUp
    /// False if only the parts were read that decide which ones are listed.
    var isWhole: Bool
  }

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
        try Self.rollUps(levels.filter { $0 == .job }, days, query, source)
      },
      {
        (try Self.rollUps(levels.filter { $0 != .job }, days, query, source), try Self.runs(query, frame, source))
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
      var part: (runs: [Run], names: NameTable) = ([], NameTable())
      try source.visitFactBytes(.run, days: days, includesOpen: false) { bytes in
        let row = try RunColumns(bytes)
        part.names.note(row.repository)
        part.names.note(row.workflow)
        part.names.note(row.job)
        part.runs.appendSparingly(Run(row))
      }
      return part
    }
    var names = NameTable()
    func name(_ number: Int32) -> FactName { FactName(rawValue: UInt32(bitPattern: number)) }
    for part in parts { names.note(part.names) }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    if !scope.includesEverything {
      for index in parts.indices {
        parts[index].runs.removeAll {
          !scope.includes(service: nil, repository: names.number(of: name($0.key.repository)))
        }
      }
    }
    var runs = parts.takeAll(\.runs)
    runs.withUnsafeMutableBufferPointer { markFlaky($0, names, query.settings.exclusions) }
    return (runs, names)
  }

  /// Replaces the names of the store by those of the table, and marks runs that are excluded or flaky.
  private static func markFlaky(
    _ runs: UnsafeMutableBufferPointer<Run>, _ names: NameTable, _ exclusions: [FactID: String]
  ) {
    func number(_ name: Int32) -> Int32 { names.number(of: FactName(rawValue: UInt32(bitPattern: name))) }
    var withJobs = IDMap(minimumCapacity: 4096)
    var lastWithJobs = UInt64.max
    var (failures, successes): ([Int32], [Int32]) = ([], [])
    for index in runs.indices {
      let key = runs[index].key
      runs[index].key = Key(repository: number(key.repository), workflow: number(key.workflow), job: number(key.job))
      if !exclusions.isEmpty { runs[index].isExcluded = exclusions[runs[index].id] != nil }
      if runs[index].isJob, runs[index].key.workflowID != lastWithJobs {
        lastWithJobs = runs[index].key.workflowID
        withJobs.set(1, for: lastWithJobs)
      }
      switch runs[index].outcome {
      case .failure: failures.append(Int32(truncatingIfNeeded: index))
      case .success: successes.append(Int32(truncatingIfNeeded: index))
      case .other, .running: break
      }
    }
    guard !failures.isEmpty else { return }
    // Most jobs never failed with a commit. Their passes are not looked at.
    var failed = RepeatFilter(capacity: failures.count)
    for index in failures { failed.add(runs[Int(index)].triedHash) }
    func isTried(_ run: Run) -> Bool {
      run.commit.isKnown && !run.isExcluded && (run.isJob || withJobs[run.key.workflowID] == nil)
    }
    let candidates = successes.filter { failed.mayHave(runs[Int($0)].triedHash) && isTried(runs[Int($0)]) }
    // The last passing attempt of each other job and commit.
    var passes = PlaceTable(minimumCapacity: candidates.count)
    var lastPass: [Int32] = []
    func isSame(_ left: Run, _ right: Run) -> Bool { left.commit == right.commit && left.key == right.key }
    for index in candidates {
      let run = runs[Int(index)]
      let new = Int32(lastPass.count)
      let place = passes.place(hash: run.triedHash, orInsert: new) { isSame(runs[Int(lastPass[Int($0)])], run) }
      if place == new {
        lastPass.append(index)
      } else if runs[Int(lastPass[Int(place)])].time < run.time {
        lastPass[Int(place)] = index
      }
    }
    for index in failures {
      let run = runs[Int(index)]
      guard isTried(run),
        let place = passes.place(hash: run.triedHash, isEqual: { isSame(runs[Int(lastPass[Int($0)])], run) })
      else { continue }
      if runs[Int(lastPass[Int(place)])].time > run.time { runs[Int(index)].isFlaky = true }
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

  private struct AllRunCounts {
    var current = RunCounts()
    var previous = RunCounts()
    /// Those of the current window. Those of a repository are of all its runs and jobs.
    var ofKeys: [Key: RunCounts] = [:]
  }

  /// Counts runs in the windows, and for each of these keys.
  private func counts(of keys: Set<Key>) -> AllRunCounts {
    var counts = AllRunCounts()
    var isWanted = [Bool](repeating: false, count: names.count)
    for key in keys { isWanted[Int(key.repository)] = true }
    for run in runs where !run.isExcluded {
      if frame.comparedWindow?.contains(run.time) ?? false { counts.previous.add(run) }
      guard frame.window.contains(run.time) else { continue }
      counts.current.add(run)
      guard isWanted[Int(run.key.repository)] else { continue }
      if keys.contains(run.key) { counts.ofKeys[run.key, default: RunCounts()].add(run) }
      let whole = Key(repository: run.key.repository)
      if whole != run.key, keys.contains(whole) { counts.ofKeys[whole, default: RunCounts()].add(run) }
    }
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
    of found: [ReadRollUp], in window: TimeWindow, for lists: PipelinesQuery.Lists
  ) throws -> Sums {
    let excluded = try excludedTallies(in: frame.factDays(of: window))
    let (isNarrow, levels) = (Self.isNarrow(query), Self.levels(query, lists))
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
    guard query.lists == .all, !isNarrow(query) else { return .all }
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
    _ levels: [RollUpLevel], _ days: ClosedRange<FactDay>, _ query: PipelinesQuery, _ source: any FactSource
  ) throws -> [ReadRollUp] {
    var found: [ReadRollUp] = []
    for level in levels {
      let parts = listedParts(level, query)
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
    let sums = try sums(of: rollUps, in: frame.window, for: query.lists)
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
      var query = self.query
      query.lists = .none
      let rollUps = try Self.rollUps(Self.levels(query, .none), frame.factDays(of: window), query, source)
      report.previous = value(try self.sums(of: rollUps, in: window, for: .none).whole, ofRuns.previous)
    }
    return report
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

/// Tells which values are among the greatest so far.
private struct GreatestValues {
  private let limit: Int
  /// In ascending order.
  private var kept: [Double] = []

  init(_ limit: Int) {
    self.limit = limit
  }

  /// True if no more than a limited number of earlier values are greater.
  mutating func admit(_ value: Double) -> Bool {
    if kept.count >= limit {
      guard let least = kept.first, value > least else { return kept.first == value }
      kept.removeFirst()
    }
    let place = kept.firstIndex { $0 > value } ?? kept.count
    kept.insert(value, at: place)
    return true
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
