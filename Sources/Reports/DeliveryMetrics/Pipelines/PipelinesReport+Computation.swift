package import ValueStreamCore

extension PipelinesReport {
  /// Counts runs of CI that failed, were run again, or belong to a change.
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
  private var names = NameTable()
  private var runs: [Run] = []

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

  private struct Key: Hashable {
    var repository: Int32
    var workflow: Int32
    /// 0 for whole runs.
    var job: Int32
  }

  /// A job passes long after it failed only with another commit.
  private static let passesWithinSeconds = 7 * 86_400.0

  init(_ query: PipelinesQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    let windows = [query.frame.window, query.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    var facts: [RunFact] = []
    var names = NameTable()
    let wider = windows.map { TimeWindow(start: $0.start, end: $0.end.advanced(bySeconds: Self.passesWithinSeconds)) }
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
    markFlaky()
  }

  private mutating func markFlaky() {
    struct Tried: Hashable {
      var key: Key
      var commit: CommitPrefix
    }
    var withJobs: Set<Key> = []
    for run in runs where run.isJob {
      withJobs.insert(Key(repository: run.key.repository, workflow: run.key.workflow, job: 0))
    }
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

  // MARK: Report

  func report() throws -> PipelinesReport {
    let frame = query.frame
    let current = runs(in: frame.window)
    let byKey = Dictionary(grouping: current, by: \.key)
    let rows = byKey.map { key, runs in
      PipelinesReport.Row(
        repository: names.text(of: key.repository), workflow: names.text(of: key.workflow), job: names.text(of: key.job),
        value: value(runs, isWhole: false))
    }.sorted { left, right in
      if left.value.failureMinutes != right.value.failureMinutes {
        return left.value.failureMinutes > right.value.failureMinutes
      }
      let (a, b) = (left, right)
      return (a.repository ?? "", a.workflow ?? "", a.job ?? "") < (b.repository ?? "", b.workflow ?? "", b.job ?? "")
    }
    let limit = max(0, query.limit)
    return PipelinesReport(
      window: frame.window, comparedWindow: frame.comparedWindow, current: value(current, isWhole: true),
      previous: frame.comparedWindow.map { value(runs(in: $0), isWhole: true) },
      workflows: Array(rows.filter { $0.job == nil }.prefix(limit)), jobs: Array(rows.filter { $0.job != nil }.prefix(limit)))
  }

  /// - Parameter isWhole: true to count whole runs only, apart from flaky jobs.
  private func value(_ all: [Run], isWhole: Bool) -> PipelinesReport.Value {
    let counted = isWhole ? all.filter { !$0.isJob } : all
    let flaky = all.filter(\.isFlaky)
    let failed = counted.filter { $0.fact.outcome == .failure }
    let ofChanges = counted.filter { $0.fact.change != nil }
    return PipelinesReport.Value(
      runs: counted.count, failed: failed.count, rerun: counted.count { $0.fact.attempt > 1 }, ofChanges: ofChanges.count,
      flaky: flaky.count, failureMinutes: failed.reduce(0) { $0 + $1.minutes },
      flakyMinutes: flaky.reduce(0) { $0 + $1.minutes }, runTime: summary(ofChanges, runTime),
      queueTime: summary(ofChanges, queueTime))
  }

  private func runTime(_ run: Run) -> (seconds: Double?, leftOut: LeftOutReason?) {
    guard let start = run.fact.started else { return (nil, .startUnknown) }
    guard let end = run.fact.ended else { return (nil, .endUnknown) }
    let seconds = end.seconds(since: start)
    return (seconds, seconds < 0 ? .clock : nil)
  }

  private func queueTime(_ run: Run) -> (seconds: Double?, leftOut: LeftOutReason?) {
    guard let start = run.fact.started else { return (nil, .startUnknown) }
    let seconds = start.seconds(since: run.fact.created)
    return (seconds, seconds < 0 ? .clock : nil)
  }

  private func summary(
    _ runs: [Run], _ duration: (Run) -> (seconds: Double?, leftOut: LeftOutReason?)
  ) -> DurationSummary {
    var seconds: [Double] = []
    var leftOut: [LeftOutReason: Int] = [:]
    for run in runs {
      let (value, reason) = duration(run)
      if let reason { leftOut[reason, default: 0] += 1 } else if let value { seconds.append(value) }
    }
    return DurationSummary(&seconds, leftOut: leftOut)
  }

  // MARK: Evidence

  func rows(_ evidence: PipelinesEvidence) throws -> [EvidenceRow] {
    guard let window = query.frame.window(of: evidence.period) else { return [] }
    let all = runs(in: window)
    let counted = all.filter { !$0.isJob }
    func row(_ run: Run, _ value: Double? = nil, _ leftOut: LeftOutReason? = nil) -> EvidenceRow {
      EvidenceRow(
        kind: .run, id: run.fact.id, attempt: run.fact.attempt, time: run.time, value: value, leftOut: leftOut,
        related: run.fact.change.map { [.init(.change, $0)] } ?? [])
    }
    switch evidence.part {
    case .runs: return counted.map { row($0) }
    case .failed: return counted.filter { $0.fact.outcome == .failure }.map { row($0, $0.minutes * 60) }
    case .rerun: return counted.filter { $0.fact.attempt > 1 }.map { row($0) }
    case .ofChanges: return counted.filter { $0.fact.change != nil }.map { row($0) }
    case .flaky: return all.filter(\.isFlaky).map { row($0, $0.minutes * 60) }
    case .runTime(let part):
      return counted.filter { $0.fact.change != nil }.map { row($0, runTime($0).seconds, runTime($0).leftOut) }
        .filter { $0.belongs(to: part) }
    case .queueTime(let part):
      return counted.filter { $0.fact.change != nil }.map { row($0, queueTime($0).seconds, queueTime($0).leftOut) }
        .filter { $0.belongs(to: part) }
    }
  }
}
