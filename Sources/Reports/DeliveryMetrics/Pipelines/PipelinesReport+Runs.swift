import ValueStreamCore

/// The runs and jobs of the windows, and what they tell beside roll-ups.
extension PipelinesComputation {
  /// A run or job that failed, was run again, or belongs to a change. Has no memory of its own, because there are many.
  struct Run: Sendable {
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

  /// Reads runs and jobs, and marks those that are flaky.
  static func runs(
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

  /// What the rows of runs and jobs add to a value that roll-ups do not tell.
  struct RunCounts {
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

  struct AllRunCounts {
    var current = RunCounts()
    var previous = RunCounts()
    /// Those of the current window. Those of a repository are of all its runs and jobs.
    var ofKeys: [Key: RunCounts] = [:]
  }

  /// Counts runs in the windows, and for each of these keys.
  func counts(of keys: Set<Key>) -> AllRunCounts {
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
}

extension PipelinesComputation.Key {
  /// The repository and the workflow as one number.
  var workflowID: UInt64 {
    UInt64(UInt32(bitPattern: repository)) << 32 | UInt64(UInt32(bitPattern: workflow))
  }
}
