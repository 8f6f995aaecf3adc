package import ValueStreamCore

extension FlowReport {
  /// Computes the flow of issues.
  package init(_ query: FlowQuery, from source: any FactSource) throws {
    self = try FlowComputation(query, source).report()
  }

  /// Computes a report and the rows behind one of its numbers from one reading of the facts.
  package static func withEvidence(
    _ evidence: FlowEvidence, _ query: FlowQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> (report: FlowReport, rows: EvidencePage) {
    let computation = try FlowComputation(query, source)
    return (try computation.report(), try computation.page(evidence, page))
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: FlowEvidence, _ query: FlowQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    var query = query
    query.frame = query.frame.forEvidence(of: evidence.period)
    return try FlowComputation(query, source).page(evidence, page)
  }
}

struct FlowComputation {
  let query: FlowQuery
  let population: IssuePopulation
  let groups: [Int32: [Int]]

  init(_ query: FlowQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    population = try IssuePopulation(
      source, windows: [query.frame.window, query.frame.comparedWindow].compactMap { $0 }, now: query.frame.now,
      scope: query.scope, grouping: query.grouping, settings: query.settings)
    groups = population.groups()
  }

  private typealias Item = IssuePopulation.Item

  private var frame: ReportFrame { query.frame }

  private func items(_ numbers: [Int]) -> [Item] {
    numbers.count == population.items.count ? population.items : numbers.map { population.items[$0] }
  }

  private func buckets(_ width: BucketWidth) throws -> TimeBuckets {
    try TimeBuckets(width, of: frame.window, zone: frame.zone, historyBegan: population.historyBegan, now: frame.now)
  }

  // MARK: Report

  func report() throws -> FlowReport {
    let buckets = try self.buckets(query.buckets)
    let days = try self.buckets(.day)
    let keyed = groups.map { ($0.key, population.key(ofGroup: $0.key), $0.value) }
    let sorted = keyed.sorted { ($0.1.name ?? "", $0.0) < ($1.1.name ?? "", $1.0) }
    // A day of the cumulative flow is three numbers, and a bucket of other reports several times as large.
    let (fitting, leftOutCount) = ReportSize.fitting(sorted, buckets: buckets.buckets.count + days.buckets.count / 8) {
      $0.2.count
    }
    var statuses = StatusTimes(count: population.names.count)
    let groups = fitting.map { _, key, numbers in group(key, items(numbers), buckets, days, &statuses) }
    return FlowReport(
      window: frame.window, comparedWindow: frame.comparedWindow, timeZone: frame.zone.name,
      historyBegan: population.historyBegan, groups: groups, leftOutGroupCount: leftOutCount)
  }

  /// The items of a group that were done in the window, and those in progress at its end.
  func finishedAndOpen(inGroup number: Int32) -> Int {
    let last = min(frame.window.end, frame.now)
    return (groups[number] ?? []).reduce(0) { count, index in
      let item = population.items[index]
      guard !item.isExcluded else { return count }
      let isDone = item.isDone && item.ended.map { frame.window.contains($0) } ?? false
      return count + (isDone ? 1 : 0) + (item.isInProgress(at: last) ? 1 : 0)
    }
  }

  /// The value of a group in the window.
  func value(ofGroup number: Int32) -> FlowReport.Value { value(items(groups[number] ?? []), in: frame.window) }

  private func group(
    _ key: GroupKey, _ items: [Item], _ buckets: TimeBuckets, _ days: TimeBuckets, _ statuses: inout StatusTimes
  ) -> FlowReport.Group {
    let done = done(items, in: frame.window)
    var counts = [Int](repeating: 0, count: buckets.buckets.count)
    for item in done { if let index = buckets.index(of: item.ended ?? .epoch) { counts[index] += 1 } }
    let whole = zip(buckets.buckets, counts).filter { !$0.0.isPartial }.map { Double($0.1) }
    let limits = XmRLimits(whole)
    return FlowReport.Group(
      key: key, current: value(items, in: frame.window), previous: frame.comparedWindow.map { value(items, in: $0) },
      percentiles: percentiles(done), distribution: distribution(done), timeInStatus: timeInStatus(done, &statuses),
      cumulativeFlow: cumulativeFlow(items, days),
      throughput: zip(buckets.buckets, counts).map { bucket, count in
        FlowReport.ThroughputBucket(
          bucket: bucket, count: count, isOutside: bucket.isPartial ? nil : limits.map { !$0.contains(Double(count)) })
      },
      throughputLimits: limits, flowTimeLimits: flowTimeLimits(done))
  }

  private func flowTimeLimits(_ done: [Item]) -> XmRLimits? {
    var times: [(ended: Timestamp, id: FactID, seconds: Double)] = []
    times.reserveCapacity(done.count)
    for item in done where item.leftOut == nil {
      if let ended = item.ended, let seconds = item.flowSeconds { times.append((ended, item.id, seconds)) }
    }
    times.sort { $0.ended != $1.ended ? $0.ended < $1.ended : $0.id < $1.id }
    return XmRLimits(times.map(\.seconds))
  }

  /// The items done in a window, without excluded ones.
  private func done(_ items: [Item], in window: TimeWindow) -> [Item] {
    var done: [Item] = []
    for item in items where item.isDone && !item.isExcluded {
      if let ended = item.ended, window.contains(ended) { done.appendSparingly(item) }
    }
    return done
  }

  /// The items that were done or closed in a window, counted or not.
  private func ended(_ items: [Item], in window: TimeWindow) -> [Item] {
    var found: [Item] = []
    for item in items { if let ended = item.ended, window.contains(ended) { found.appendSparingly(item) } }
    return found
  }

  private func value(_ items: [Item], in window: TimeWindow) -> FlowReport.Value {
    let ended = ended(items, in: window)
    var (seconds, open): ([Double], [Double]) = ([], [])
    seconds.reserveCapacity(ended.count)
    open.reserveCapacity(ended.count)
    var (leftOut, openLeftOut, openSum) = (ReasonCounts(), ReasonCounts(), DurationSum())
    for item in ended {
      if let reason = item.leftOut { leftOut.add(reason) } else { seconds.append(item.flowSeconds ?? 0) }
      if let reason = item.openLeftOut {
        openLeftOut.add(reason)
      } else {
        open.append(item.openSeconds ?? 0)
        openSum.add(nanoseconds: item.openNanoseconds ?? 0)
      }
    }
    let last = min(window.end, frame.now)
    let length = last.seconds(since: window.start)
    let throughput = ended.count { $0.isDone && !$0.isExcluded }
    let efficiency = efficiency(ended)
    return FlowReport.Value(
      flowTime: DurationSummary(of: seconds, leftOut: leftOut.all), throughput: throughput,
      throughputPerDay: length > 0 ? Double(throughput) * 86_400 / length : nil,
      load: items.count { !$0.isExcluded && $0.isInProgress(at: last) },
      averageLoad: averageLoad(items, from: window.start, to: last), efficiency: efficiency.ratio,
      efficiencyPopulation: efficiency.population, openTime: DurationSummary(of: open, leftOut: openLeftOut.all),
      meanOpenSeconds: open.isEmpty ? nil : openSum.seconds / Double(open.count))
  }

  private func load(_ items: [Item], at time: Timestamp) -> [Item] {
    items.filter { !$0.isExcluded && $0.isInProgress(at: time) }
  }

  private func averageLoad(_ items: [Item], from start: Timestamp, to end: Timestamp) -> Double? {
    guard start < end else { return nil }
    var sum = DurationSum()
    for item in items where !item.isExcluded {
      guard let started = item.started else { continue }
      sum.add(nanoseconds: max(0, min(item.ended ?? end, end).nanoseconds(since: max(started, start))))
    }
    return sum.seconds / end.seconds(since: start)
  }

  private func percentiles(_ done: [Item]) -> [FlowReport.Percentile] {
    let percents = [50, 70, 85, 95]
    let seconds = done.filter { $0.leftOut == nil }.compactMap(\.flowSeconds)
    return zip(percents, Statistics.nearestRanks(percents, of: seconds) ?? []).map {
      FlowReport.Percentile(percent: $0, seconds: $1)
    }
  }

  private func distribution(_ done: [Item]) -> [FlowReport.TypeShare] {
    let byType = Dictionary(grouping: done, by: \.type)
    return byType.map { type, items in
      let counted = items.filter { $0.leftOut == nil }
      let leftOut = items.compactMap(\.leftOut).reduce(into: [:]) { $0[$1, default: 0] += 1 }
      return FlowReport.TypeShare(
        type: population.names.text(of: type), count: items.count, share: Double(items.count) / Double(done.count),
        flowTime: DurationSummary(of: counted.compactMap(\.flowSeconds), leftOut: leftOut))
    }.sorted { ($1.count, $0.type ?? "") < ($0.count, $1.type ?? "") }
  }

  // MARK: Statuses

  /// Calls `visit` with the nanoseconds that an item spent in each stay in a status until it ended, from `start` on.
  private func forEachStay(of item: Item, since start: Timestamp = .epoch, _ visit: (Int32, Int64) -> Void) {
    let end = item.ended ?? frame.now
    for stay in population.stays(of: item) {
      let nanoseconds = min(stay.end ?? end, end).nanoseconds(since: max(stay.start, start))
      if nanoseconds > 0 { visit(stay.status, nanoseconds) }
    }
  }

  /// The nanoseconds that an item spent in a status until it ended. Nil if it never was in it.
  private func time(of item: Item, in status: Int32) -> Int64? {
    var sum: Int64?
    forEachStay(of: item) { if $0 == status { sum = (sum ?? 0).addingSaturated($1) } }
    return sum
  }

  private func timeInStatus(_ done: [Item], _ statuses: inout StatusTimes) -> [FlowReport.StatusTime] {
    defer { statuses.clear() }
    var times: [(status: Int32, nanoseconds: Int64)] = []
    for item in done {
      times.removeAll(keepingCapacity: true)
      forEachStay(of: item) { status, nanoseconds in
        if let known = times.firstIndex(where: { $0.status == status }) {
          times[known].nanoseconds = times[known].nanoseconds.addingSaturated(nanoseconds)
        } else {
          times.append((status, nanoseconds))
        }
      }
      for (status, nanoseconds) in times { statuses.add(nanoseconds, to: status) }
    }
    return statuses.seen.map { status in
      FlowReport.StatusTime(
        status: population.names.text(of: status), summary: DurationSummary(of: statuses.seconds[Int(status)]),
        totalSeconds: statuses.sums[Int(status)].seconds, isActive: population.statuses.isActive[Int(status)])
    }.sorted { ($1.totalSeconds, $0.status ?? "") < ($0.totalSeconds, $1.status ?? "") }
  }

  /// Why a done item has no efficiency.
  private func efficiencyLeftOut(_ item: Item) -> LeftOutReason? {
    item.leftOut ?? (population.statuses.knowsActivity && item.hasStatuses ? nil : .statusesUnknown)
  }

  private func activeNanoseconds(_ item: Item) -> Int64 {
    var sum: Int64 = 0
    forEachStay(of: item, since: item.started ?? .epoch) { status, nanoseconds in
      if population.statuses.isActive[Int(status)] ?? false { sum = sum.addingSaturated(nanoseconds) }
    }
    return sum
  }

  private func efficiency(_ ended: [Item]) -> (ratio: Double?, population: Population) {
    var leftOut = ReasonCounts()
    var (active, total, count) = (DurationSum(), DurationSum(), 0)
    for item in ended {
      if let reason = efficiencyLeftOut(item) {
        leftOut.add(reason)
        continue
      }
      count += 1
      active.add(nanoseconds: activeNanoseconds(item))
      total.add(nanoseconds: item.flowNanoseconds ?? 0)
    }
    return (total.seconds > 0 ? active.seconds / total.seconds : nil, Population(n: count, leftOut: leftOut.all))
  }

  // MARK: Cumulative flow

  /// Counts the items that were not done when the window began.
  private func cumulativeFlow(_ items: [Item], _ days: TimeBuckets) -> [FlowReport.CumulativeFlowDay] {
    let days = days.buckets.filter { $0.window.start < frame.now }
    let ends = days.map(\.window.end)
    /// The number of the first day that ends after a time.
    func day(of time: Timestamp) -> Int {
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if ends[middle] <= time { low = middle + 1 } else { high = middle }
      }
      return low
    }
    var counts = [(created: Int, started: Int, done: Int)](repeating: (0, 0, 0), count: ends.count + 1)
    for item in items where !item.isExcluded && (item.ended.map { $0 >= frame.window.start } ?? true) {
      counts[day(of: item.created)].created += 1
      guard let started = item.started else { continue }
      counts[day(of: started)].started += 1
      if let ended = item.ended { counts[day(of: ended)].done += 1 }
    }
    var sum = (created: 0, started: 0, done: 0)
    return zip(days, counts).map { day, count in
      sum = (sum.created + count.created, sum.started + count.started, sum.done + count.done)
      return FlowReport.CumulativeFlowDay(day: day, created: sum.created, started: sum.started, done: sum.done)
    }
  }

  // MARK: Evidence

  func page(_ evidence: FlowEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let number = population.scope.group(of: evidence.group, query.settings, population.names),
      let numbers = groups[number], var window = frame.window(of: evidence.period)
    else { return EvidencePage(rows: [], total: 0) }
    if let bucket = evidence.bucket {
      let buckets = try self.buckets(query.buckets)
      guard evidence.period == .current, let index = buckets.index(startingAt: bucket) else {
        throw ReportError(.badQuestion, "no bucket of the throughput begins at \(bucket.rfc3339)")
      }
      let part = buckets.buckets[index].window
      window = TimeWindow(start: max(part.start, window.start), end: min(part.end, window.end))
    }
    let items = items(numbers)
    func page(_ items: [Item], _ part: EvidencePart? = nil, _ row: (Item) -> EvidenceRow) throws -> EvidencePage {
      try EvidencePage(
        of: items, request, where: { head in part.map { head.belongs(to: $0) } ?? true }, head: row, row: row)
    }
    switch evidence.part {
    case .flowTime(let part):
      return try page(ended(items, in: window), part) {
        row($0, value: $0.flowSeconds, leftOut: $0.leftOut)
      }
    case .throughput:
      return try page(done(items, in: window)) { row($0, value: $0.flowSeconds) }
    case .load:
      let last = min(window.end, frame.now)
      return try page(load(items, at: last)) { item in
        var row = row(item, value: item.started.map { last.seconds(since: $0) })
        row.time = item.started ?? row.time
        return row
      }
    case .efficiency(let part):
      return try page(ended(items, in: window), part) { item in
        let leftOut = efficiencyLeftOut(item)
        return row(item, value: leftOut == nil ? Double(activeNanoseconds(item)) / 1e9 : nil, leftOut: leftOut)
      }
    case .openTime(let part):
      return try page(ended(items, in: window), part) {
        row($0, value: $0.openSeconds, leftOut: $0.openLeftOut)
      }
    case .type(let type):
      let wanted = type?.lowercased()
      return try page(done(items, in: window).filter { population.names.text(of: $0.type)?.lowercased() == wanted }) {
        row($0, value: $0.flowSeconds)
      }
    case .status(let status):
      guard let number = population.names.number(of: status) else { return EvidencePage(rows: [], total: 0) }
      func seconds(_ item: Item) -> Double? {
        time(of: item, in: number).map { Double($0) / 1e9 }
      }
      return try page(done(items, in: window).filter { seconds($0) != nil }) { row($0, value: seconds($0)) }
    }
  }

  private func row(_ item: Item, value: Double?, leftOut: LeftOutReason? = nil) -> EvidenceRow {
    EvidenceRow(
      kind: .issue, id: item.id, time: item.ended ?? frame.now, value: value, leftOut: leftOut,
      exclusion: query.settings.exclusions[item.id])
  }
}

/// The times that items spent in each status, by number of its name.
///
/// Serves one group after the other: with a list for each name in each group, the work would grow with groups times names.
private struct StatusTimes {
  private(set) var seconds: [[Double]]
  private(set) var sums: [DurationSum]
  /// The statuses with a time.
  private(set) var seen: [Int32] = []

  init(count: Int) {
    seconds = [[Double]](repeating: [], count: count)
    sums = [DurationSum](repeating: DurationSum(), count: count)
  }

  mutating func add(_ nanoseconds: Int64, to status: Int32) {
    if seconds[Int(status)].isEmpty { seen.append(status) }
    seconds[Int(status)].appendSparingly(Double(nanoseconds) / 1e9)
    sums[Int(status)].add(nanoseconds: nanoseconds)
  }

  mutating func clear() {
    for status in seen {
      seconds[Int(status)] = []
      sums[Int(status)] = DurationSum()
    }
    seen = []
  }
}
