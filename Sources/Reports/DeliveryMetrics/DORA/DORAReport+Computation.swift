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
  private let history: ReleaseHistory

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

  private var frame: ReportFrame { query.frame }
  private var historyBegan: Timestamp? { population.history.historyBegan }

  // MARK: Report

  func report() throws -> DORAReport {
    let buckets = try query.buckets.map {
      try TimeBuckets($0, of: frame.window, zone: frame.zone, historyBegan: historyBegan, now: frame.now)
    }
    let calendars = Dictionary(
      uniqueKeysWithValues: population.periods.map { ($0, ReleaseCalendar($1.window, frame, historyBegan)) })
    let keyed = population.groups().map { ($0, population.scope.key(ofGroup: $0, query.settings, history.names)) }
    let groups = keyed.sorted { ($0.1.name ?? "", $0.0) < ($1.1.name ?? "", $1.0) }.map { number, key in
      group(number, key, buckets, calendars)
    }
    return DORAReport(
      window: frame.window, comparedWindow: frame.comparedWindow, timeZone: frame.zone.name, historyBegan: historyBegan,
      groups: groups)
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
  private func divide(
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

  private func time(ofLeftOut index: Int32) -> Timestamp {
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
    for index in rows.recovered {
      let failure = population.failures[Int(index)]
      guard let end = failure.end, let duration = failure.seconds else { continue }
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
      summary: DurationSummary(of: seconds, leftOut: [.clock: clock, .stillBroken: open.count]),
      fromDetection: DurationSummary(of: detected, leftOut: [.clock: detectedClock]),
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

  // MARK: Evidence

  /// What a row of evidence is about.
  private enum Item {
    case change(DeliveryPopulation.ChangeEntry)
    case release(Int32)
    case leftOutDeploy(Int32)
    case incident(Int32)
    case recovered(Int32)
    case open(Int32)
  }

  func page(_ evidence: DORAEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let rows = try groupRows(evidence) else { return EvidencePage(rows: [], total: 0) }
    let part = evidence.part
    return try EvidencePage(of: items(rows, evidence.metric, part), request) { head in
      switch (evidence.metric, part) {
      case (.changeFailRate, .verdict(let verdict)): head.verdict == verdict
      case (.changeFailRate, .rule): head.verdict == .failed
      case (.recoveryTime, .detected): head.value != nil && head.leftOut == nil
      case (.recoveryTime, .open), (.reworkRate, .rework): true
      default: head.belongs(to: part)
      }
    } head: {
      head(of: $0, evidence)
    } row: {
      row(of: $0, evidence)
    }
  }

  /// The rows of the group, or of one bucket of its trend. Nil for an unknown group.
  private func groupRows(_ evidence: DORAEvidence) throws -> DeliveryPopulation.GroupRows? {
    guard let number = population.scope.group(of: evidence.group, query.settings, history.names),
      let rows = population.rows(evidence.period, number)
    else { return nil }
    guard let bucket = evidence.bucket else { return rows }
    guard evidence.period == .current, let width = query.buckets else {
      throw ReportError(.badQuestion, "only a trend of the current window has buckets")
    }
    let buckets = try TimeBuckets(width, of: frame.window, zone: frame.zone, historyBegan: historyBegan, now: frame.now)
    guard let index = buckets.index(startingAt: bucket) else {
      throw ReportError(.badQuestion, "no bucket of the trend begins at \(bucket.rfc3339)")
    }
    return divide(rows, buckets)[index]
  }

  private func items(_ rows: DeliveryPopulation.GroupRows, _ metric: DORAMetric, _ part: DORAEvidence.Part) -> [Item] {
    let releases = rows.releases.filter { Int($0) < history.successCount }
    let leftOut = rows.leftOutDeploys.map(Item.leftOutDeploy)
    switch (metric, part) {
    case (.leadTime, _): return rows.changes.map(Item.change)
    case (.deploymentFrequency, _): return releases.map(Item.release) + leftOut
    case (.changeFailRate, .verdict): return rows.releases.map(Item.release)
    case (.changeFailRate, .rule(let rule)):
      return rows.releases.filter { history.releases[Int($0)].rules.contains(ReleaseHistory.Rules(rule)) }.map(Item.release)
    case (.changeFailRate, _):
      return rows.releases.map(Item.release) + leftOut + rows.incidents.map(Item.incident)
    case (.recoveryTime, .detected): return rows.recovered.map(Item.recovered)
    case (.recoveryTime, .open): return rows.open.map(Item.open)
    case (.recoveryTime, _): return rows.recovered.map(Item.recovered) + rows.open.map(Item.open)
    case (.reworkRate, .rework(let reason)):
      return releases.filter {
        let rework = history.releases[Int($0)].rework
        return reason.map { rework.contains(ReleaseHistory.Rework($0)) } ?? !rework.isEmpty
      }.map(Item.release)
    case (.reworkRate, _): return releases.map(Item.release) + leftOut
    }
  }

  /// What orders a row, and what tells whether it counts.
  private func head(of item: Item, _ evidence: DORAEvidence) -> EvidenceRow {
    switch item {
    case .change(let entry): return EvidenceRow(headOf: entry, history)
    case .release(let index):
      let release = history.releases[Int(index)]
      let ending = history.deploys[Int(release.ending)]
      var head = EvidenceRow(kind: .deploy, id: ending.id, attempt: ending.attempt, time: release.end)
      if evidence.metric == .changeFailRate {
        head.verdict = history.verdict(on: release)
        if head.verdict == .pending { head.leftOut = .pending }
      }
      return head
    case .leftOutDeploy, .incident, .recovered, .open: return row(of: item, evidence)
    }
  }

  private func row(of item: Item, _ evidence: DORAEvidence) -> EvidenceRow {
    switch item {
    case .change(let entry): EvidenceRow(entry, history, query.settings)
    case .release(let index):
      switch evidence.metric {
      case .changeFailRate: verdictRow(index)
      case .reworkRate: reworkRow(index)
      case .leadTime, .deploymentFrequency, .recoveryTime: releaseRow(index)
      }
    case .leftOutDeploy(let index): leftOutRow(index)
    case .incident(let index): incidentRow(index)
    case .recovered(let index): failureRow(index, fromDetection: evidence.part == .detected)
    case .open(let index): failureRow(index, isOpen: true)
    }
  }

  private func releaseRow(_ index: Int32) -> EvidenceRow {
    let release = history.releases[Int(index)]
    let ending = history.deploys[Int(release.ending)]
    return EvidenceRow(
      kind: .deploy, id: ending.id, attempt: ending.attempt, time: release.end,
      related: history.members(of: release).filter { $0 != release.ending }.map { .init(.deploy, history.deploys[Int($0)].id) })
  }

  private func verdictRow(_ index: Int32) -> EvidenceRow {
    let release = history.releases[Int(index)]
    var row = releaseRow(index)
    row.verdict = history.verdict(on: release)
    if row.verdict == .pending { row.leftOut = .pending }
    row.reasons = release.rules.list.map(\.rawValue)
    if release.isTakenBack, release.rules.isEmpty { row.reasons.append(FailureRule.rollback.rawValue) }
    if release.remedy >= 0 {
      row.related.append(.init(.remediedBy, history.deploys[Int(history.releases[Int(release.remedy)].ending)].id))
    }
    row.related += history.incidents(of: Int(index)).map { .init(.incident, history.incidents[Int($0)].fact.id) }
    return row
  }

  private func reworkRow(_ index: Int32) -> EvidenceRow {
    var row = releaseRow(index)
    row.reasons = history.releases[Int(index)].rework.list.map(\.rawValue)
    return row
  }

  private func leftOutRow(_ index: Int32) -> EvidenceRow {
    let left = history.leftOut[Int(index)]
    let deploy = history.deploys[Int(left.deploy)]
    return EvidenceRow(
      kind: .deploy, id: deploy.id, attempt: deploy.attempt, time: time(ofLeftOut: index), leftOut: left.reason,
      exclusion: query.settings.exclusions[deploy.id])
  }

  private func incidentRow(_ index: Int32) -> EvidenceRow {
    let incident = history.incidents[Int(index)]
    return EvidenceRow(
      kind: .incident, id: incident.fact.id, time: incident.fact.began,
      leftOut: incident.isExcluded ? .excluded : .incidentWithoutRelease, exclusion: query.settings.exclusions[incident.fact.id])
  }

  /// - Parameter isOpen: true for a failure that lasted at the end of the period, whatever came later.
  private func failureRow(_ index: Int32, isOpen: Bool = false, fromDetection: Bool = false) -> EvidenceRow {
    let failure = population.failures[Int(index)]
    let releases = failure.releases.map { history.releases[Int($0)] }
    var row = verdictRow(failure.releases[0])
    row.verdict = .failed
    row.leftOut = nil
    if isOpen {
      row.time = failure.start
      row.leftOut = .stillBroken
    } else if let end = failure.end {
      row.time = end
      let start = fromDetection ? failure.detected : failure.start
      row.value = start.map { end.seconds(since: $0) }
      if let value = row.value, value < 0 { row.leftOut = .clock }
    }
    row.reasons = releases.reduce(into: ReleaseHistory.Rules()) { $0.formUnion($1.rules) }.list.map(\.rawValue)
    for (index, release) in zip(failure.releases, releases).dropFirst() {
      row.related.append(.init(.deploy, history.deploys[Int(release.ending)].id))
      row.related += history.incidents(of: Int(index)).map { .init(.incident, history.incidents[Int($0)].fact.id) }
    }
    return row
  }
}

extension EvidenceRow {
  /// True if the row belongs to a part that only depends on whether it counts.
  fileprivate func belongs(to part: DORAEvidence.Part) -> Bool {
    switch part {
    case .counted: leftOut == nil
    case .leftOut(let reason): leftOut != nil && (reason == nil || reason == leftOut)
    case .verdict, .rule, .rework, .open, .detected: false
    }
  }

  /// What orders the row of a change at its first release, and what tells whether it counts.
  init(headOf entry: DeliveryPopulation.ChangeEntry, _ history: ReleaseHistory) {
    let delivery = history.deliveries[Int(entry.delivery)]
    let isTimed = entry.leftOut == nil || entry.leftOut == .clock
    self.init(
      kind: .change, id: delivery.change, time: delivery.released, value: isTimed ? entry.seconds : nil, leftOut: entry.leftOut)
  }

  /// The row of a change at its first release.
  init(_ entry: DeliveryPopulation.ChangeEntry, _ history: ReleaseHistory, _ settings: ReportSettings) {
    let delivery = history.deliveries[Int(entry.delivery)]
    self.init(headOf: entry, history)
    reasons = delivery.traits.words
    exclusion = settings.exclusions[delivery.change]
    related = [.init(.deployedBy, history.deploys[Int(history.releases[Int(delivery.release)].ending)].id)]
  }
}

extension ChangeLabels.Traits {
  /// The traits that evidence names.
  package var words: [String] {
    let all: [(ChangeLabels.Traits, String)] = [
      (.isByBot, "by_bot"), (.isDraft, "draft"), (.isDirect, "direct"), (.isRevert, "revert"), (.isCherryPick, "cherry_pick"),
      (.isBackMerge, "back_merge"), (.isHotfix, "hotfix"), (.isForIncident, "for_incident"), (.isImported, "imported"),
    ]
    return all.filter { contains($0.0) }.map(\.1)
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

/// The days, whole weeks and months of a window since history began.
struct ReleaseCalendar {
  /// The length of the window up to the present, in days.
  let days: Double
  private let zone: TimeZoneRules
  /// The local day of each number below.
  private let firstDay: Int64
  private let dayCount: Int
  /// The first local day of each whole ISO week.
  private let weeks: [Int64]
  /// The local days of each whole month, or of each part of a month if none is whole.
  private let months: [Range<Int64>]

  init(_ window: TimeWindow, _ frame: ReportFrame, _ historyBegan: Timestamp?) {
    zone = frame.zone
    let end = min(window.end, frame.now)
    days = max(0, end.seconds(since: window.start) / 86_400)
    let start = max(window.start, historyBegan ?? end)
    firstDay = zone.localDay(of: window.start)
    guard start < end else {
      (dayCount, weeks, months) = (0, [], [])
      return
    }
    dayCount = Int(zone.localDay(of: end) - firstDay) + 1
    // Whole days from the first midnight up to the last one.
    let day = zone.localDay(of: start)
    let from = zone.start(ofLocalDay: day) == start ? day : day + 1
    let to = zone.localDay(of: end)
    var monday = zone.firstDay(of: .week, containing: from + 6)
    var weeks: [Int64] = []
    while monday + 7 <= to {
      weeks.append(monday)
      monday += 7
    }
    self.weeks = weeks
    var whole: [Range<Int64>] = []
    var parts: [Range<Int64>] = []
    var month = zone.firstDay(of: .month, containing: day)
    while month < max(to, day + 1) {
      let next = zone.day(after: month, .month)
      if month >= from, next <= to { whole.append(month..<next) }
      parts.append(month..<next)
      month = next
    }
    months = whole.isEmpty ? parts : whole
  }

  func rhythm(of releases: [Timestamp]) -> (wholeWeeks: Int, median: Double?, rhythm: DeploymentFrequency.Rhythm?) {
    guard weeks.count >= 4 else { return (weeks.count, nil, nil) }
    var isReleased = [Bool](repeating: false, count: dayCount)
    for time in releases {
      let day = Int(zone.localDay(of: time) - firstDay)
      if isReleased.indices.contains(day) { isReleased[day] = true }
    }
    func count(_ range: Range<Int64>) -> Int {
      range.count { day in
        let index = Int(day - firstDay)
        return isReleased.indices.contains(index) && isReleased[index]
      }
    }
    guard let median = Statistics.median(of: weeks.map { Double(count($0..<$0 + 7)) }) else { return (weeks.count, nil, nil) }
    if median >= 3 { return (weeks.count, median, .onDemand) }
    if median >= 1 { return (weeks.count, median, .weekly) }
    let isMonthly = months.count { count($0) > 0 } * 2 >= months.count
    return (weeks.count, median, isMonthly ? .monthly : .rarer)
  }
}
