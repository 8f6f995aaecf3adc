package import ValueStreamCore

extension LeadTimeReport {
  /// Computes lead time for changes with its stages.
  ///
  /// The lead time is the same as in ``DORAReport``.
  package init(_ query: LeadTimeQuery, from source: any FactSource) throws {
    self = try LeadTimeComputation(query, source).report()
  }

  /// Computes a report without groups, the groups of its window, and what happened meanwhile, from one reading of the facts.
  ///
  /// - Parameter grouping: not ``Grouping/environment``.
  /// - Returns: the groups have neither a comparison nor a trend nor the slowest changes.
  package static func divided(
    _ query: LeadTimeQuery, by grouping: Grouping, from source: any FactSource
  ) throws -> (report: LeadTimeReport, groups: [Group], events: DeliveryEvents) {
    let whole = try LeadTimeComputation(query, source)
    let ((report, events), groups) = try ParallelReading.both(
      throwing: {
        (try whole.report(), DeliveryEvents(whole.population))
      },
      {
        try LeadTimeComputation(whole, dividedBy: grouping, source).report().groups
      })
    return (report, groups, events)
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: LeadTimeEvidence, _ query: LeadTimeQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    var query = query
    query.frame = query.frame.forEvidence(of: evidence.period)
    return try LeadTimeComputation(query, source).page(evidence, page)
  }
}

struct LeadTimeComputation {
  let query: LeadTimeQuery
  let population: DeliveryPopulation
  private let history: ReleaseHistory

  init(_ query: LeadTimeQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    population = try DeliveryPopulation(
      source,
      DeliveryPopulation.Question(
        frame: query.frame, scope: query.scope, grouping: query.grouping, basis: query.from, settings: query.settings,
        keepsMilestones: true))
    history = population.history
  }

  /// The current window of another computation by groups.
  init(_ whole: LeadTimeComputation, dividedBy grouping: Grouping, _ source: any FactSource) throws {
    var query = whole.query
    query.grouping = grouping
    query.frame.comparison = .none
    (query.buckets, query.slowest) = (nil, 0)
    self.query = query
    population = try DeliveryPopulation(
      dividing: whole.population, frame: query.frame, groupedBy: grouping, changesFrom: source)
    history = population.history
  }

  private func buckets(_ width: BucketWidth) throws -> TimeBuckets {
    try TimeBuckets(
      width, of: query.frame.window, zone: query.frame.zone, historyBegan: history.historyBegan, now: query.frame.now)
  }

  func report() throws -> LeadTimeReport {
    let buckets = try query.buckets.map { try self.buckets($0) }
    let keyed = population.groups { !$0.changes.isEmpty }.map {
      ($0, population.scope.key(ofGroup: $0, query.settings, history.names))
    }
    let sorted = keyed.sorted { ($0.1.name ?? "", $0.0) < ($1.1.name ?? "", $1.0) }
    let (fitting, leftOutCount) = ReportSize.fitting(sorted, buckets: buckets?.buckets.count ?? 0) { number, _ in
      population.rows(.current, number)?.changes.count ?? 0
    }
    let groups = fitting.map { number, key in
      let current = population.rows(.current, number)?.changes ?? []
      let previous = population.rows(.previous, number).map(\.changes)
      return LeadTimeReport.Group(
        key: key,
        leadTime: LeadTimeForChanges(
          current: LeadTimeForChanges.Value(current),
          previous: previous.map { LeadTimeForChanges.Value($0) }, basis: query.from),
        meanSeconds: mean(current),
        stages: stages(current, previous), distribution: distribution(current),
        trend: buckets.map { trend(current, $0) } ?? [], slowest: slowest(current))
    }
    return LeadTimeReport(
      window: query.frame.window, comparedWindow: query.frame.comparedWindow, timeZone: query.frame.zone.name,
      basis: query.from, groups: groups, leftOutGroupCount: leftOutCount)
  }

  private func stages(
    _ current: [DeliveryPopulation.ChangeEntry], _ previous: [DeliveryPopulation.ChangeEntry]?
  ) -> [LeadTimeReport.Stage] {
    let (now, then) = ParallelReading.both {
      summaries(current)
    } _: {
      previous.map { summaries($0) }
    }
    return LeadTimeStage.allCases.enumerated().map { index, stage in
      LeadTimeReport.Stage(
        stage: stage, current: now[index].summary, previous: then.map { $0[index].summary }, totalSeconds: now[index].total,
        previousTotalSeconds: then.map { $0[index].total })
    }
  }

  private func mean(_ entries: [DeliveryPopulation.ChangeEntry]) -> Double? {
    var (sum, count) = (DurationSum(), 0)
    for entry in entries where entry.leftOut == nil {
      let delivery = history.deliveries[Int(entry.delivery)]
      sum.add(nanoseconds: delivery.released.nanoseconds - delivery.startNanoseconds)
      count += 1
    }
    return count == 0 ? nil : sum.seconds / Double(count)
  }

  private func summaries(_ entries: [DeliveryPopulation.ChangeEntry]) -> [(summary: DurationSummary, total: Double)] {
    /// The durations of the first stage, then those of the second one, and so on.
    let durations = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: max(1, entries.count * ChangeStages.count))
    defer { durations.deallocate() }
    var counts = [Int](repeating: 0, count: ChangeStages.count)
    var sums = [DurationSum](repeating: DurationSum(), count: ChangeStages.count)
    var leftOut = [ReasonCounts](repeating: ReasonCounts(), count: ChangeStages.count)
    for entry in entries where entry.leftOut == nil {
      let stages = stages(of: entry)
      for index in 0..<ChangeStages.count {
        if let reason = stages.unknown[index] { leftOut[index].add(reason) }
        let duration = stages.nanoseconds[index]
        if duration == ChangeStages.absent { continue }
        if duration < 0 {
          leftOut[index].add(.clock)
        } else {
          durations.initializeElement(at: index * entries.count + counts[index], to: UInt64(duration))
          counts[index] += 1
          sums[index].add(nanoseconds: duration)
        }
      }
    }
    return counts.indices.map { index in
      let first = index * entries.count
      let stage = UnsafeBufferPointer(rebasing: durations[first..<first + counts[index]])
      return (DurationSummary(ofNanoseconds: stage, leftOut: leftOut[index].all), sums[index].seconds)
    }
  }

  private func stages(of entry: DeliveryPopulation.ChangeEntry) -> ChangeStages {
    let delivery = history.deliveries[Int(entry.delivery)]
    return ChangeStages(
      history.milestones[Int(entry.delivery)], delivery.traits, basis: query.from, released: delivery.released.nanoseconds)
  }

  /// The lower bounds of the bins of a distribution, in seconds: from an hour to a quarter.
  private static let bounds = [0, 1, 2, 4, 8, 24, 48, 96, 168, 336, 720, 2160].map { Double($0) * 3600 }

  private func distribution(_ entries: [DeliveryPopulation.ChangeEntry]) -> [DistributionBin] {
    let bounds = Self.bounds
    var counts = [Int](repeating: 0, count: bounds.count)
    for entry in entries where entry.leftOut == nil {
      counts[(bounds.firstIndex { entry.seconds < $0 } ?? bounds.count) - 1] += 1
    }
    return bounds.indices.map { index in
      let upper = index + 1 < bounds.count ? bounds[index + 1] : nil
      return DistributionBin(lower: bounds[index], upper: upper, count: counts[index])
    }
  }

  private func divide(
    _ entries: [DeliveryPopulation.ChangeEntry], _ buckets: TimeBuckets
  ) -> [[DeliveryPopulation.ChangeEntry]] {
    var divided = [[DeliveryPopulation.ChangeEntry]](repeating: [], count: buckets.buckets.count)
    for entry in entries {
      if let index = buckets.index(of: released(entry)) { divided[index].append(entry) }
    }
    return divided
  }

  private func released(_ entry: DeliveryPopulation.ChangeEntry) -> Timestamp {
    history.deliveries[Int(entry.delivery)].released
  }

  private func trend(_ entries: [DeliveryPopulation.ChangeEntry], _ buckets: TimeBuckets) -> [LeadTimeReport.Bucket] {
    zip(buckets.buckets, divide(entries, buckets)).map {
      LeadTimeReport.Bucket(bucket: $0, summary: LeadTimeForChanges.Value($1).summary)
    }
  }

  private func slowest(_ entries: [DeliveryPopulation.ChangeEntry]) -> [DeliveredChangeRow] {
    guard query.slowest > 0 else { return [] }
    var slowest = FirstElements<SlowChange>(query.slowest, by: <)
    for (index, entry) in entries.enumerated() where entry.leftOut == nil {
      let change = history.deliveries[Int(entry.delivery)].change
      slowest.add(SlowChange(seconds: entry.seconds, change: change, entry: index))
    }
    return slowest.result.page.map { row(of: entries[$0.entry]) }
  }

  /// The slowest change first.
  private struct SlowChange: Comparable {
    var seconds: Double
    var change: FactID
    var entry: Int

    static func < (left: SlowChange, right: SlowChange) -> Bool {
      if left.seconds != right.seconds { return left.seconds > right.seconds }
      return left.change == right.change ? left.entry < right.entry : left.change < right.change
    }
  }

  private func row(of entry: DeliveryPopulation.ChangeEntry) -> DeliveredChangeRow {
    let delivery = history.deliveries[Int(entry.delivery)]
    let release = history.releases[Int(delivery.release)]
    let deploy = history.deploys[Int(release.ending)]
    let stages = stages(of: entry)
    return DeliveredChangeRow(
      change: delivery.change, deploy: deploy.id, attempt: deploy.attempt, seconds: entry.leftOut == nil ? entry.seconds : nil,
      leftOut: entry.leftOut, released: release.end, times: history.milestones[Int(entry.delivery)].times,
      traits: delivery.traits,
      service: history.names.text(of: release.service), repository: history.names.text(of: delivery.repository),
      stages: stages.byStage)
  }

  // MARK: Evidence

  func page(_ evidence: LeadTimeEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let number = population.scope.group(of: evidence.group, query.settings, history.names),
      var entries = population.rows(evidence.period, number)?.changes
    else { return EvidencePage(rows: [], total: 0) }
    if let bucket = evidence.bucket {
      guard evidence.period == .current, let width = query.buckets else {
        throw ReportError(.badQuestion, "only a trend of the current window has buckets")
      }
      let buckets = try self.buckets(width)
      guard let index = buckets.index(startingAt: bucket) else {
        throw ReportError(.badQuestion, "no bucket of the trend begins at \(bucket.rfc3339)")
      }
      entries = divide(entries, buckets)[index]
    }
    let place = evidence.stage.flatMap { LeadTimeStage.allCases.firstIndex(of: $0) }
    if place != nil { entries = entries.filter { $0.leftOut == nil } }
    func atStage(_ row: EvidenceRow, _ entry: DeliveryPopulation.ChangeEntry) -> EvidenceRow {
      guard let place else { return row }
      let stages = stages(of: entry)
      var row = row
      row.value = stages.seconds(place)
      row.leftOut = stages.unknown[place] ?? row.value.flatMap { $0 < 0 ? .clock : nil }
      return row
    }
    return try EvidencePage(of: entries, request) { head in
      (place == nil || head.value != nil || head.leftOut != nil) && head.belongs(to: evidence.part)
    } head: {
      atStage(EvidenceRow(headOf: $0, history), $0)
    } row: {
      atStage(EvidenceRow($0, history, query.settings), $0)
    }
  }
}

extension EvidenceRow {
  func belongs(to part: EvidencePart) -> Bool {
    switch part {
    case .counted: leftOut == nil
    case .leftOut(let reason): leftOut != nil && (reason == nil || reason == leftOut)
    }
  }
}

/// The stages of one change, by the order of ``LeadTimeStage``.
struct ChangeStages {
  static let count = 6
  /// Stands for a stage that the change does not have, or that is unknown.
  static let absent = Int64.min

  private(set) var nanoseconds = InlineArray<6, Int64>(repeating: absent)
  /// Why a stage is unknown.
  private(set) var unknown = InlineArray<6, LeftOutReason?>(repeating: nil)

  func seconds(_ stage: Int) -> Double? {
    nanoseconds[stage] == Self.absent ? nil : Double(nanoseconds[stage]) / 1e9
  }

  /// - Parameter released: in nanoseconds.
  init(_ times: DeliveryMilestones, _ traits: ChangeLabels.Traits, basis: LeadTimeBasis, released: Int64) {
    let isDirect = traits.contains(.isDirect)
    /// Negative if it is unknown.
    var last: Int64
    switch basis {
    case .commit: last = times.firstCommit
    case .opened: last = times.opened
    case .merged: last = times.merged
    }
    /// Why the end of the stage before is unknown, which makes the next stage unknown, too.
    var gap: LeftOutReason?
    func end(_ stage: Int, at time: Int64) {
      guard time >= 0 else { return }
      if let gap {
        unknown[stage] = gap
      } else if last >= 0 {
        nanoseconds[stage] = time - last
      }
      gap = nil
      last = time
    }
    if basis != .merged {
      let merged = times.merged
      func beforeMerge(_ time: Int64) -> Int64 { merged < 0 || time <= merged ? time : -1 }
      // A push is ready when it is there, and nobody merges it.
      let ready =
        isDirect ? merged : times.ready >= 0 ? times.ready : traits.contains(.isOpeningUnknown) ? -1 : times.opened
      if ready < 0 {
        gap = .readyUnknown
        unknown[0] = .readyUnknown
      }
      end(0, at: ready)
      if !isDirect {
        end(1, at: beforeMerge(times.firstResponse))
        end(2, at: beforeMerge(times.lastApproval))
        end(3, at: merged)
      }
      if merged < 0 {
        gap = .mergeUnknown
        unknown[3] = .mergeUnknown
      }
    }
    if times.deployStarted < 0 {
      gap = gap ?? .startUnknown
      unknown[4] = gap
    }
    end(4, at: times.deployStarted)
    end(5, at: released)
  }

  var byStage: [LeadTimeStage: Double] {
    var result: [LeadTimeStage: Double] = [:]
    for (index, stage) in LeadTimeStage.allCases.enumerated() { result[stage] = seconds(index) }
    return result
  }
}

/// The milestones of a delivered change in nanoseconds. -1 if unknown.
struct DeliveryMilestones: Sendable {
  var firstCommit: Int64
  var opened: Int64
  var ready: Int64
  var firstResponse: Int64
  var lastApproval: Int64
  var merged: Int64
  /// The start of the deploy that ended the release.
  var deployStarted: Int64

  init(_ columns: DeliveredChangeColumns, deployStarted: Int64) {
    self.deployStarted = deployStarted
    (firstCommit, opened, ready) = (columns.firstCommit, columns.opened, columns.ready)
    (firstResponse, lastApproval, merged) = (columns.firstResponse, columns.lastApproval, columns.merged)
  }

  var times: ChangeMilestones {
    func time(_ nanoseconds: Int64) -> Timestamp? { nanoseconds < 0 ? nil : Timestamp(nanoseconds: nanoseconds) }
    return ChangeMilestones(
      firstCommit: time(firstCommit), opened: time(opened), ready: time(ready), firstResponse: time(firstResponse),
      lastApproval: time(lastApproval), merged: time(merged))
  }
}
