package import ValueStreamCore

extension LeadTimeReport {
  /// Computes lead time for changes with its stages.
  ///
  /// The lead time is the same as in ``DORAReport``.
  package init(_ query: LeadTimeQuery, from source: any FactSource) throws {
    self = try LeadTimeComputation(query, source).report()
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: LeadTimeEvidence, _ query: LeadTimeQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    try EvidencePage(LeadTimeComputation(query, source).rows(evidence), page)
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

  private func buckets(_ width: BucketWidth) throws -> TimeBuckets {
    try TimeBuckets(
      width, of: query.frame.window, zone: query.frame.zone, historyBegan: history.historyBegan, now: query.frame.now)
  }

  func report() throws -> LeadTimeReport {
    let buckets = try query.buckets.map { try self.buckets($0) }
    let keyed = population.groups { !$0.changes.isEmpty }.map {
      ($0, population.scope.key(ofGroup: $0, query.settings, history.names))
    }
    let groups = keyed.sorted { ($0.1.name ?? "", $0.0) < ($1.1.name ?? "", $1.0) }.map { number, key in
      let current = population.rows(.current, number)?.changes ?? []
      let previous = population.rows(.previous, number).map(\.changes)
      return LeadTimeReport.Group(
        key: key,
        leadTime: LeadTimeForChanges(
          current: LeadTimeForChanges.Value(current),
          previous: previous.map { LeadTimeForChanges.Value($0) }, basis: query.from),
        meanSeconds: Statistics.mean(of: current.filter { $0.leftOut == nil }.map(\.seconds).sorted()),
        stages: stages(current, previous), distribution: distribution(current),
        trend: buckets.map { trend(current, $0) } ?? [], slowest: slowest(current))
    }
    return LeadTimeReport(
      window: query.frame.window, comparedWindow: query.frame.comparedWindow, timeZone: query.frame.zone.name,
      basis: query.from, groups: groups)
  }

  private func stages(
    _ current: [DeliveryPopulation.ChangeEntry], _ previous: [DeliveryPopulation.ChangeEntry]?
  ) -> [LeadTimeReport.Stage] {
    let now = summaries(current)
    let then = previous.map { summaries($0) }
    return LeadTimeStage.allCases.enumerated().map { index, stage in
      LeadTimeReport.Stage(
        stage: stage, current: now[index].summary, previous: then.map { $0[index].summary }, totalSeconds: now[index].total,
        previousTotalSeconds: then.map { $0[index].total })
    }
  }

  private func summaries(_ entries: [DeliveryPopulation.ChangeEntry]) -> [(summary: DurationSummary, total: Double)] {
    var seconds = [[Double]](repeating: [], count: LeadTimeStage.allCases.count)
    var leftOut = [[LeftOutReason: Int]](repeating: [:], count: LeadTimeStage.allCases.count)
    for entry in entries where entry.leftOut == nil {
      let stages = stages(of: entry)
      for (index, value) in stages.seconds.enumerated() {
        guard let value else { continue }
        if value < 0 { leftOut[index][.clock, default: 0] += 1 } else { seconds[index].append(value) }
      }
      for (index, reason) in stages.unknown.enumerated() {
        if let reason { leftOut[index][reason, default: 0] += 1 }
      }
    }
    return seconds.indices.map { index in
      // In a fixed order, because the order of facts must not change the last digit of a sum.
      let total = seconds[index].sorted().reduce(0, +)
      return (DurationSummary(&seconds[index], leftOut: leftOut[index]), total)
    }
  }

  private func stages(of entry: DeliveryPopulation.ChangeEntry) -> ChangeStages {
    let delivery = history.deliveries[Int(entry.delivery)]
    let release = history.releases[Int(delivery.release)]
    return ChangeStages(
      history.milestones[Int(entry.delivery)], delivery.traits, basis: query.from,
      deployStarted: history.deploys[Int(release.ending)].started,
      released: release.end)
  }

  /// The lower bounds of the bins of a distribution, in seconds: from an hour to a quarter.
  private static let bounds = [0, 1, 2, 4, 8, 24, 48, 96, 168, 336, 720, 2160].map { Double($0) * 3600 }

  private func distribution(_ entries: [DeliveryPopulation.ChangeEntry]) -> [DistributionBin] {
    var counts = [Int](repeating: 0, count: Self.bounds.count)
    for entry in entries where entry.leftOut == nil {
      counts[(Self.bounds.firstIndex { entry.seconds < $0 } ?? Self.bounds.count) - 1] += 1
    }
    return Self.bounds.indices.map { index in
      let upper = index + 1 < Self.bounds.count ? Self.bounds[index + 1] : nil
      return DistributionBin(lower: Self.bounds[index], upper: upper, count: counts[index])
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
    history.releases[Int(history.deliveries[Int(entry.delivery)].release)].end
  }

  private func trend(_ entries: [DeliveryPopulation.ChangeEntry], _ buckets: TimeBuckets) -> [LeadTimeReport.Bucket] {
    zip(buckets.buckets, divide(entries, buckets)).map {
      LeadTimeReport.Bucket(bucket: $0, summary: LeadTimeForChanges.Value($1).summary)
    }
  }

  private func slowest(_ entries: [DeliveryPopulation.ChangeEntry]) -> [DeliveredChangeRow] {
    let counted = entries.filter { $0.leftOut == nil }.sorted { left, right in
      left.seconds != right.seconds
        ? left.seconds > right.seconds
        : history.deliveries[Int(left.delivery)].change < history.deliveries[Int(right.delivery)].change
    }
    return counted.prefix(max(0, query.slowest)).map { row(of: $0) }
  }

  private func row(of entry: DeliveryPopulation.ChangeEntry) -> DeliveredChangeRow {
    let delivery = history.deliveries[Int(entry.delivery)]
    let release = history.releases[Int(delivery.release)]
    let deploy = history.deploys[Int(release.ending)]
    let stages = stages(of: entry)
    return DeliveredChangeRow(
      change: delivery.change, deploy: deploy.id, attempt: deploy.attempt, seconds: entry.leftOut == nil ? entry.seconds : nil,
      leftOut: entry.leftOut, released: release.end, times: history.milestones[Int(entry.delivery)], traits: delivery.traits,
      service: history.names.text(of: release.service), repository: history.names.text(of: delivery.repository),
      stages: stages.byStage)
  }

  // MARK: Evidence

  func rows(_ evidence: LeadTimeEvidence) throws -> [EvidenceRow] {
    guard let number = population.scope.group(of: evidence.group, query.settings, history.names),
      var entries = population.rows(evidence.period, number)?.changes
    else { return [] }
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
    guard let stage = evidence.stage, let place = LeadTimeStage.allCases.firstIndex(of: stage) else {
      return entries.map { EvidenceRow($0, history, query.settings) }.filter { $0.belongs(to: evidence.part) }
    }
    return entries.filter { $0.leftOut == nil }.compactMap { entry in
      let stages = stages(of: entry)
      var row = EvidenceRow(entry, history, query.settings)
      row.value = stages.seconds[place]
      row.leftOut = stages.unknown[place] ?? row.value.flatMap { $0 < 0 ? .clock : nil }
      return row.value == nil && row.leftOut == nil ? nil : row
    }.filter { $0.belongs(to: evidence.part) }
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

/// The stages of one change.
struct ChangeStages {
  /// By the order of the stages. Nil for stages that the change does not have, or that are unknown.
  private(set) var seconds = [Double?](repeating: nil, count: LeadTimeStage.allCases.count)
  /// Why a stage is unknown.
  private(set) var unknown = [LeftOutReason?](repeating: nil, count: LeadTimeStage.allCases.count)

  init(
    _ times: ChangeMilestones, _ traits: ChangeLabels.Traits, basis: LeadTimeBasis, deployStarted: Timestamp?,
    released: Timestamp
  ) {
    let isDirect = traits.contains(.isDirect)
    var last: Timestamp?
    switch basis {
    case .commit: last = times.firstCommit
    case .opened: last = times.opened
    case .merged: last = times.merged
    }
    /// Why the end of the stage before is unknown, which makes the next stage unknown, too.
    var gap: LeftOutReason?
    func end(_ stage: Int, at time: Timestamp?) {
      guard let time else { return }
      if let gap {
        unknown[stage] = gap
      } else if let last {
        seconds[stage] = time.seconds(since: last)
      }
      gap = nil
      last = time
    }
    if basis != .merged {
      let merged = times.merged
      func beforeMerge(_ time: Timestamp?) -> Timestamp? {
        time.flatMap { time in merged.map { time <= $0 } ?? true ? time : nil }
      }
      // A push is ready when it is there, and nobody merges it.
      let ready = isDirect ? merged : times.ready ?? (traits.contains(.isOpeningUnknown) ? nil : times.opened)
      if ready == nil {
        gap = .readyUnknown
        unknown[0] = .readyUnknown
      }
      end(0, at: ready)
      if !isDirect {
        end(1, at: beforeMerge(times.firstResponse))
        end(2, at: beforeMerge(times.lastApproval))
        end(3, at: merged)
      }
      if merged == nil {
        gap = .mergeUnknown
        unknown[3] = .mergeUnknown
      }
    }
    if deployStarted == nil {
      gap = gap ?? .startUnknown
      unknown[4] = gap
    }
    end(4, at: deployStarted)
    end(5, at: released)
  }

  var byStage: [LeadTimeStage: Double] {
    var result: [LeadTimeStage: Double] = [:]
    for (index, stage) in LeadTimeStage.allCases.enumerated() { result[stage] = seconds[index] }
    return result
  }
}
