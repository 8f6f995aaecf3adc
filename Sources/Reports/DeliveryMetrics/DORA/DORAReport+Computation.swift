package import ValueStreamCore

extension DORAReport {
  /// Computes the five metrics.
  ///
  /// - Throws: ``ReportError`` for a question without an answer, and what the source throws.
  package init(_ query: DORAQuery, from source: any FactSource) throws {
    self = try DORAComputation(query, source).report()
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: DORAEvidence, _ query: DORAQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    var query = query
    switch evidence.metric {
    case .leadTime, .deploymentFrequency: query.frame = query.frame.forEvidence(of: evidence.period)
    // A release can be blamed for what an earlier one did, so the days that are read must be those of the report.
    case .changeFailRate, .recoveryTime, .reworkRate: break
    }
    return try DORAComputation(query, source).page(evidence, page)
  }
}

/// The numbers of the five metrics, and the rows behind each.
struct DORAComputation {
  let query: DORAQuery
  let population: DeliveryPopulation
  let history: ReleaseHistory

  /// - Parameter countsChanges: false if no lead time is asked for.
  init(_ query: DORAQuery, _ source: any FactSource, countsChanges: Bool = true) throws {
    let query = try query.excluding(source)
    self.query = query
    population = try DeliveryPopulation(
      source,
      DeliveryPopulation.Question(
        frame: query.frame, scope: query.scope, grouping: query.grouping, basis: query.leadTimeFrom, settings: query.settings,
        countsChanges: countsChanges))
    history = population.history
  }

  /// - Parameter population: the rows for the same question.
  init(_ query: DORAQuery, _ population: DeliveryPopulation) {
    self.query = query
    self.population = population
    history = population.history
  }

  var frame: ReportFrame { query.frame }
  var historyBegan: Timestamp? { population.history.historyBegan }

  // MARK: Report

  func report() throws -> DORAReport {
    let buckets = try query.buckets.map {
      try TimeBuckets($0, of: frame.window, zone: frame.zone, historyBegan: historyBegan, now: frame.now)
    }
    let calendars = Dictionary(
      uniqueKeysWithValues: population.periods.map { ($0, ReleaseCalendar($1.window, frame, historyBegan)) })
    let keyed = population.groups().map { ($0, population.scope.key(ofGroup: $0, query.settings, history.names)) }
    let sorted = keyed.sorted { ($0.1.name ?? "", $0.0) < ($1.1.name ?? "", $1.0) }
    let (fitting, leftOutCount) = ReportSize.fitting(sorted, buckets: buckets?.buckets.count ?? 0) { number, _ in
      population.rows(.current, number)?.count ?? 0
    }
    return DORAReport(
      window: frame.window, comparedWindow: frame.comparedWindow, timeZone: frame.zone.name, historyBegan: historyBegan,
      groups: fitting.map { group($0, $1, buckets, calendars) }, leftOutGroupCount: leftOutCount)
  }

  private func group(
    _ number: Int32, _ key: GroupKey, _ buckets: TimeBuckets?, _ calendars: [Period: ReleaseCalendar]
  ) -> DORAReport.Group {
    let none = DeliveryPopulation.GroupRows()
    let current = population.rows(.current, number) ?? none
    let previous = population.rows(.previous, number)
    let now = calendars[.current] ?? ReleaseCalendar(frame.window, frame, historyBegan)
    let leadTime = LeadTimeForChanges(
      current: leadTime(current.changes), previous: previous.map { self.leadTime($0.changes) }, basis: query.leadTimeFrom)
    let frequency = DeploymentFrequency(
      current: frequency(current, now),
      previous: previous.flatMap { rows in calendars[.previous].map { self.frequency(rows, $0) } })
    let failRate = ChangeFailRate(current: failRate(current), previous: previous.map { self.failRate($0) })
    let recovery = recoveryTime(current, previous)
    let rework = DeploymentReworkRate(current: rework(current), previous: previous.map { self.rework($0) })
    return DORAReport.Group(
      key: key, leadTime: leadTime, deploymentFrequency: frequency, changeFailRate: failRate, recoveryTime: recovery,
      reworkRate: rework,
      quickCheck: QuickCheck(
        leadTimeSeconds: leadTime.current.summary.median,
        releasesPerDay: frequency.current.releases > 0 ? frequency.current.perDay : nil,
        recoverySeconds: recovery.current.summary.median, changeFailRatio: failRate.current.ratio,
        reworkRatio: rework.current.ratio),
      trend: buckets.map { trend(current, $0) } ?? [])
  }

  /// The recovery time of all services in the scope.
  func recoveryTime() -> FailedDeploymentRecoveryTime {
    recoveryTime(population.rows(.current, 0) ?? DeliveryPopulation.GroupRows(), population.rows(.previous, 0))
  }

  private func recoveryTime(
    _ current: DeliveryPopulation.GroupRows, _ previous: DeliveryPopulation.GroupRows?
  ) -> FailedDeploymentRecoveryTime {
    FailedDeploymentRecoveryTime(
      current: recovery(current, until: frame.window.end),
      previous: previous.map { recovery($0, until: frame.comparedWindow?.end ?? frame.window.end) })
  }

  private func trend(_ rows: DeliveryPopulation.GroupRows, _ buckets: TimeBuckets) -> [DORAReport.Bucket] {
    let divided = divide(rows, buckets)
    return zip(buckets.buckets, divided).map { bucket, rows in
      // A bucket shows how the window goes, so it ends where the window ends.
      let window = TimeWindow(
        start: max(bucket.window.start, frame.window.start), end: min(bucket.window.end, frame.window.end))
      return DORAReport.Bucket(
        bucket: bucket, leadTime: leadTime(rows.changes),
        deploymentFrequency: frequency(rows, ReleaseCalendar(window, frame, historyBegan)), changeFailRate: failRate(rows),
        recoveryTime: recovery(rows, until: window.end), reworkRate: rework(rows))
    }
  }

  /// Divides the rows of the current window by bucket. Failures that last are in the buckets at whose end they last.
  func divide(
    _ rows: DeliveryPopulation.GroupRows, _ buckets: TimeBuckets
  ) -> [DeliveryPopulation.GroupRows] {
    var result = [DeliveryPopulation.GroupRows](repeating: DeliveryPopulation.GroupRows(), count: buckets.buckets.count)
    for release in rows.releases {
      if let index = buckets.index(of: history.releases[Int(release)].end) { result[index].releases.append(release) }
    }
    for left in rows.leftOutDeploys {
      if let index = buckets.index(of: time(ofLeftOut: left)) { result[index].leftOutDeploys.append(left) }
    }
    for incident in rows.incidents {
      let began = history.incidents[Int(incident)].fact.began
      if let index = buckets.index(of: began) { result[index].incidents.append(incident) }
    }
    for change in rows.changes {
      if let index = buckets.index(of: released(change)) { result[index].changes.append(change) }
    }
    for failure in rows.recovered {
      if let end = population.failures[Int(failure)].end, let index = buckets.index(of: end) {
        result[index].recovered.append(failure)
      }
    }
    for failure in rows.recovered + rows.open {
      let (start, end) = (population.failures[Int(failure)].start, population.failures[Int(failure)].end)
      for (index, bucket) in buckets.buckets.enumerated() {
        let last = min(bucket.window.end, frame.window.end)
        if start < min(last, frame.now), end.map({ $0 >= last }) ?? true { result[index].open.append(failure) }
      }
    }
    return result
  }

  private func released(_ entry: DeliveryPopulation.ChangeEntry) -> Timestamp {
    history.deliveries[Int(entry.delivery)].released
  }

  func time(ofLeftOut index: Int32) -> Timestamp {
    let deploy = history.deploys[Int(history.leftOut[Int(index)].deploy)]
    return deploy.ended ?? deploy.started ?? deploy.created
  }

  /// The releases of a group in the current window, and in each bucket of its trend.
  func releases(
    ofGroup number: Int32
  ) throws -> (value: DeploymentFrequency.Value, buckets: [(bucket: TimeBucket, releases: Int)]) {
    let rows = population.rows(.current, number) ?? DeliveryPopulation.GroupRows()
    let value = frequency(rows, ReleaseCalendar(frame.window, frame, historyBegan))
    guard let width = query.buckets else { return (value, []) }
    let buckets = try TimeBuckets(width, of: frame.window, zone: frame.zone, historyBegan: historyBegan, now: frame.now)
    var counts = [Int](repeating: 0, count: buckets.buckets.count)
    for release in rows.releases where Int(release) < history.successCount {
      if let index = buckets.index(of: history.releases[Int(release)].end) { counts[index] += 1 }
    }
    return (value, Array(zip(buckets.buckets, counts)))
  }

  // MARK: Values

  private func leadTime(_ entries: [DeliveryPopulation.ChangeEntry]) -> LeadTimeForChanges.Value {
    LeadTimeForChanges.Value(entries)
  }

  private func frequency(_ rows: DeliveryPopulation.GroupRows, _ calendar: ReleaseCalendar) -> DeploymentFrequency.Value {
    var value = DeploymentFrequency.Value()
    let releases = rows.releases.filter { Int($0) < history.successCount }
    value.releases = releases.count
    for release in releases { value.deploys += history.deployCount(of: history.releases[Int(release)]) }
    value.population = Population(n: releases.count, leftOut: leftOutDeploys(rows))
    if calendar.days > 0 {
      value.perDay = Double(releases.count) / calendar.days
      value.perWeek = Double(releases.count) * 7 / calendar.days
    }
    let ends = releases.map { history.releases[Int($0)].end }
    value.lastRelease = ends.max()
    let rhythm = calendar.rhythm(of: ends)
    value.wholeWeeks = rhythm.wholeWeeks
    value.medianDaysPerWeek = rhythm.median
    value.rhythm = rhythm.rhythm
    return value
  }

  private func leftOutDeploys(_ rows: DeliveryPopulation.GroupRows) -> [LeftOutReason: Int] {
    rows.leftOutDeploys.reduce(into: [:]) { $0[history.leftOut[Int($1)].reason, default: 0] += 1 }
  }

  private func failRate(_ rows: DeliveryPopulation.GroupRows) -> ChangeFailRate.Value {
    var value = ChangeFailRate.Value()
    var counts = [Int](repeating: 0, count: FailureRule.allCases.count)
    for index in rows.releases {
      let release = history.releases[Int(index)]
      switch history.verdict(on: release) {
      case .pending: value.pending += 1
      case .ok: value.total += 1
      case .takenBack:
        value.total += 1
        value.takenBack += 1
      case .failed:
        value.total += 1
        value.failed += 1
        for (place, rule) in FailureRule.allCases.enumerated() where release.rules.contains(ReleaseHistory.Rules(rule)) {
          counts[place] += 1
        }
      }
    }
    value.ratio = value.total == 0 ? nil : Double(value.failed) / Double(value.total)
    value.rules = zip(FailureRule.allCases, counts).filter { query.settings.failureRules.contains($0.0) }
      .map { ChangeFailRate.RuleCount(rule: $0, count: $1) }
    var leftOut = leftOutDeploys(rows)
    leftOut[.pending] = value.pending
    for index in rows.incidents {
      let reason: LeftOutReason = history.incidents[Int(index)].isExcluded ? .excluded : .incidentWithoutRelease
      leftOut[reason, default: 0] += 1
    }
    value.population = Population(n: value.total, leftOut: leftOut)
    return value
  }

  private func recovery(_ rows: DeliveryPopulation.GroupRows, until end: Timestamp) -> FailedDeploymentRecoveryTime.Value {
    var seconds: [Double] = []
    var detected: [Double] = []
    var (clock, detectedClock) = (0, 0)
    var (unknown, detectedUnknown) = (0, 0)
    for index in rows.recovered {
      let failure = population.failures[Int(index)]
      guard let end = failure.end, let duration = failure.seconds else { continue }
      if failure.isEndUnknown {
        unknown += 1
        if failure.detected != nil { detectedUnknown += 1 }
        continue
      }
      if duration < 0 { clock += 1 } else { seconds.append(duration) }
      if let detection = failure.detected {
        let duration = end.seconds(since: detection)
        if duration < 0 { detectedClock += 1 } else { detected.append(duration) }
      }
    }
    let last = min(end, frame.now)
    let open = rows.open.map { index in
      let failure = population.failures[Int(index)]
      let deploy = history.deploys[Int(history.releases[Int(failure.releases[0])].ending)]
      return FailedDeploymentRecoveryTime.OpenFailure(
        deploy: deploy.id, attempt: deploy.attempt, since: failure.start, ageSeconds: last.seconds(since: failure.start))
    }
    return FailedDeploymentRecoveryTime.Value(
      summary: DurationSummary(of: seconds, leftOut: [.clock: clock, .endUnknown: unknown, .stillBroken: open.count]),
      fromDetection: DurationSummary(of: detected, leftOut: [.clock: detectedClock, .endUnknown: detectedUnknown]),
      open: open.sorted { ($0.since, $0.deploy) < ($1.since, $1.deploy) })
  }

  private func rework(_ rows: DeliveryPopulation.GroupRows) -> DeploymentReworkRate.Value {
    var value = DeploymentReworkRate.Value()
    var counts = [Int](repeating: 0, count: ReworkReason.allCases.count)
    for index in rows.releases where Int(index) < history.successCount {
      let release = history.releases[Int(index)]
      value.total += 1
      if release.rework.isEmpty { continue }
      value.rework += 1
      for (place, reason) in ReworkReason.allCases.enumerated()
      where release.rework.contains(ReleaseHistory.Rework(reason)) {
        counts[place] += 1
      }
    }
    value.ratio = value.total == 0 ? nil : Double(value.rework) / Double(value.total)
    value.reasons = zip(ReworkReason.allCases, counts).map { DeploymentReworkRate.ReasonCount(reason: $0, count: $1) }
    value.population = Population(n: value.total, leftOut: leftOutDeploys(rows))
    return value
  }
}

extension LeadTimeForChanges.Value {
  init(_ entries: [DeliveryPopulation.ChangeEntry]) {
    var seconds: [Double] = []
    seconds.reserveCapacity(entries.count)
    var leftOut: [LeftOutReason: Int] = [:]
    var counts = (byBots: 0, direct: 0, reverts: 0, cherryPicks: 0, backMerges: 0)
    for entry in entries {
      if let reason = entry.leftOut {
        leftOut[reason, default: 0] += 1
        continue
      }
      seconds.append(entry.seconds)
      let traits = entry.traits
      if traits.isEmpty { continue }
      counts.byBots += traits.contains(.isByBot) ? 1 : 0
      counts.direct += traits.contains(.isDirect) ? 1 : 0
      counts.reverts += traits.contains(.isRevert) ? 1 : 0
      counts.cherryPicks += traits.contains(.isCherryPick) ? 1 : 0
      counts.backMerges += traits.contains(.isBackMerge) ? 1 : 0
    }
    self.init(
      summary: DurationSummary(of: seconds, leftOut: leftOut), byBots: counts.byBots, direct: counts.direct,
      reverts: counts.reverts, cherryPicks: counts.cherryPicks, backMerges: counts.backMerges)
  }
}
