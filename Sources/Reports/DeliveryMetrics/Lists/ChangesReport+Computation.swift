package import ValueStreamCore

extension ChangesReport {
  /// Lists changes, and counts them.
  package init(_ query: ChangesQuery, from source: any FactSource) throws {
    let query = try query.excluding(source)
    let frame = query.frame
    window = frame.window
    let windows = [frame.window, frame.comparedWindow].compactMap { $0 }
    var names = NameTable()
    var parts = try ParallelReading.parts(of: windows.days) { days in
      var part: [KeptChange] = []
      try source.visitFactBytes(.change, days: days, includesOpen: false) { bytes in
        let change = try ChangeColumns(bytes)
        guard let time = change.closedTime, windows.contains(where: { $0.contains(time) }) else { return }
        part.appendSparingly(KeptChange(change, time))
      }
      return part
    }
    var kept = parts.takeAll(\.self)
    for change in kept {
      names.note(change.repository)
      names.note(change.workType)
    }
    try source.visitFacts(ChangeFact.self, days: nil, includesOpen: true) { fact in
      let time = fact.times.opened ?? fact.times.ready ?? fact.times.firstCommit ?? .epoch
      guard fact.state == .open, time < frame.window.end else { return }
      names.note(fact.labels.repository)
      names.note(fact.labels.workType)
      kept.append(KeptChange(fact, time))
    }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, nil, names)
    let isWhole = scope.includesEverything && query.settings.includesBots
    var (counts, previous) = (Counts(), Counts())
    var first = FirstElements<Position>(max(1, query.limit), by: <)
    let start = try Position.start(after: query.cursor)
    var total = 0
    // The newest come first, so that most of the others are seen to be too many at once.
    for change in kept.reversed() {
      guard isWhole || Self.isInScope(change, scope, names, query.settings) else { continue }
      let isExcluded = !query.settings.exclusions.isEmpty && query.settings.exclusions[change.id] != nil
      let isCurrent = change.state == .open || frame.window.contains(change.time)
      if isCurrent, !isExcluded { counts.add(change) }
      if change.state != .open, !isExcluded, frame.comparedWindow?.contains(change.time) ?? false { previous.add(change) }
      guard isCurrent, query.state == nil || query.state == change.state else { continue }
      total += 1
      let position = Position(time: change.time, id: change.id, attempt: 0)
      if start.map({ $0 < position }) ?? true { first.add(position) }
    }
    let (page, hasMore) = first.result
    self.counts = counts
    self.previous = frame.comparedWindow == nil ? nil : previous
    self.total = total
    next = hasMore ? page.last?.text : nil
    rows = try Self.rows(page, query, names, source)
  }

  private static func isInScope(
    _ change: KeptChange, _ scope: ScopeRule, _ names: NameTable, _ settings: ReportSettings
  ) -> Bool {
    scope.includes(service: nil, repository: names.number(of: change.repository))
      && scope.includes(workType: names.number(of: change.workType))
      && (settings.includesBots || !change.traits.contains(.isByBot))
  }

  private static func rows(
    _ positions: [Position], _ query: ChangesQuery, _ names: NameTable, _ source: any FactSource
  ) throws -> [ChangeRow] {
    let ids = Set(positions.map { FactID(rawValue: $0.id) })
    let facts = try source.facts(ChangeFact.self, of: ids)
    let deliveries = try source.deliveries(of: ids)
    var names = names
    for row in deliveries.values.joined() { names.note(row.target.environment) }
    try names.resolve(in: source)
    let environments = EnvironmentRule(query.settings, query.scope, names)
    return positions.compactMap { position in
      let id = FactID(rawValue: position.id)
      let known = facts[id] ?? []
      let time = Timestamp(nanoseconds: Int64(position.primary))
      guard let fact = known.first(where: { $0.closedTime == time }) ?? known.first else { return nil }
      let first = (deliveries[id] ?? []).filter {
        environments.includes($0.target, names) && query.settings.exclusions[$0.id] == nil
      }.min { ($0.deployEnded, $0.id) < ($1.deployEnded, $1.id) }
      return ChangeRow(fact, first, exclusion: query.settings.exclusions[id], names)
    }
  }
}

/// What the report keeps of each change until it knows which ones to list.
private struct KeptChange {
  var id: FactID
  var time: Timestamp
  var state: ChangeState
  var repository: FactName
  var workType: FactName
  var traits: ChangeLabels.Traits

  init(_ fact: ChangeFact, _ time: Timestamp) {
    (id, self.time, state) = (fact.id, time, fact.state)
    (repository, workType, traits) = (fact.labels.repository, fact.labels.workType, fact.labels.traits)
  }

  init(_ change: ChangeColumns, _ time: Timestamp) {
    (id, self.time, state) = (change.id, time, change.state)
    (repository, workType, traits) = (change.repository, change.workType, change.traits)
  }
}

extension ChangesReport.Counts {
  fileprivate mutating func add(_ change: KeptChange) {
    switch change.state {
    case .open: open += 1
    case .abandoned: abandoned += 1
    case .merged:
      merged += 1
      byBots += change.traits.contains(.isByBot) ? 1 : 0
      direct += change.traits.contains(.isDirect) ? 1 : 0
      reverts += change.traits.contains(.isRevert) ? 1 : 0
      cherryPicks += change.traits.contains(.isCherryPick) ? 1 : 0
      backMerges += change.traits.contains(.isBackMerge) ? 1 : 0
      hotfixes += change.traits.contains(.isHotfix) ? 1 : 0
      forIncidents += change.traits.contains(.isForIncident) ? 1 : 0
    }
  }
}

extension ChangeRow {
  fileprivate init(_ fact: ChangeFact, _ delivery: DeliveredChange?, exclusion: String?, _ names: NameTable) {
    let lead = delivery.flatMap { delivery in fact.times.firstCommit.map { delivery.deployEnded.seconds(since: $0) } }
    self.init(
      change: fact.id, state: fact.state, repository: names.text(of: fact.labels.repository),
      workType: names.text(of: fact.labels.workType), times: fact.times, abandoned: fact.abandoned, traits: fact.labels.traits,
      reverts: fact.reverts, size: fact.size, sizeClass: fact.size.map { SizeClass(lines: $0) },
      reviewRounds: Int(fact.reviewRounds), exclusion: exclusion, released: delivery?.deployEnded, releasedBy: delivery?.id,
      leadTimeSeconds: lead.flatMap { $0 < 0 ? nil : $0 })
  }
}

extension ChangeFact {
  /// When the change was merged or closed. Nil while it is open.
  var closedTime: Timestamp? {
    switch state {
    case .open: nil
    case .merged: times.merged
    case .abandoned: abandoned
    }
  }
}

extension [TimeWindow] {
  /// The UTC days of the windows, as ranges that are apart.
  var days: [ClosedRange<FactDay>] {
    map { FactDay($0.start)...Swift.max(FactDay($0.start), FactDay($0.end)) }.merged()
  }
}
