package import ValueStreamCore

extension AgeingReport {
  /// Lists open issues and open reviews by age.
  package init(_ query: AgeingQuery, from source: any FactSource) throws {
    let query = try query.excluding(source)
    let frame = query.frame
    let population = try IssuePopulation(
      source, windows: [frame.window], now: frame.now, scope: query.scope, grouping: nil, settings: query.settings)
    now = frame.now
    window = frame.window
    let open = population.items.filter { item in
      item.created <= frame.now && item.isInProgress(at: frame.now) && !item.isExcluded
    }
    let unknown = population.items.filter { $0.ended == nil && $0.isStartUnknown && !$0.isExcluded }
    let excluded = population.items.filter { $0.isExcluded && ($0.isInProgress(at: frame.now) || $0.ended == nil) }
    self.population = Population(n: open.count, leftOut: [.noStart: unknown.count, .excluded: excluded.count])
    let ages = Self.agesAtLeaving(population, frame.window)
    let paces = ages.mapValues { PaceBands($0) }
    items = open.map { Item($0, population, paces, frame.now) }
      .sorted { ($0.started, $0.issue) < ($1.started, $1.issue) }
    var openByStatus: [Int: Int] = [:]
    for item in open { if let stay = population.stays(of: item).last { openByStatus[Int(stay.status), default: 0] += 1 } }
    statuses = Set(ages.keys).union(openByStatus.keys).map { status in
      let pace = paces[status] ?? PaceBands([])
      return (
        middle: Statistics.median(of: ages[status] ?? []) ?? .infinity,
        pace: Pace(
          status: population.names.text(of: Int32(status)) ?? "", n: pace.n, p50: pace.bounds?[0], p70: pace.bounds?[1],
          p85: pace.bounds?[2], p95: pace.bounds?[3], open: openByStatus[status] ?? 0)
      )
    }.sorted { ($0.middle, $0.pace.status) < ($1.middle, $1.pace.status) }.map(\.pace)
    reviews = try OpenReview.all(source, query.scope, query.settings, now: frame.now)[.all] ?? []
  }

  /// Returns, for each status, the ages of the items done in the window when they last left it.
  private static func agesAtLeaving(_ population: IssuePopulation, _ window: TimeWindow) -> [Int: [Double]] {
    var byStatus = [[Double]](repeating: [], count: population.names.count)
    for item in population.items where item.leftOut == nil {
      guard let ended = item.ended, let started = item.started, window.contains(ended) else { continue }
      let stays = population.stays(of: item)
      func counts(_ stay: IssuePopulation.Stay) -> Bool {
        (stay.start < ended || stay.end == ended) && stay.start >= started
      }
      for (index, stay) in zip(stays.indices, stays) where counts(stay) && population.statuses.kind[Int(stay.status)] == .work {
        // The last stay in a status is when the item left it.
        if stays[(index + 1)...].contains(where: { $0.status == stay.status && counts($0) }) { continue }
        byStatus[Int(stay.status)].append(min(stay.end ?? ended, ended).seconds(since: started))
      }
    }
    var ages: [Int: [Double]] = [:]
    for (status, values) in byStatus.enumerated() where !values.isEmpty { ages[status] = values }
    return ages
  }

  /// Returns open issues with their ages, and those that are left out.
  package static func evidence(
    _ part: EvidencePart, _ query: AgeingQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    let query = try query.excluding(source)
    let frame = query.frame
    let population = try IssuePopulation(
      source, windows: [frame.window], now: frame.now, scope: query.scope, grouping: nil, settings: query.settings)
    let rows = population.items.compactMap { item -> EvidenceRow? in
      guard item.ended.map({ $0 > frame.now }) ?? true else { return nil }
      let isOpen = item.isInProgress(at: frame.now)
      guard isOpen || item.isStartUnknown || item.isExcluded else { return nil }
      return EvidenceRow(
        kind: .issue, id: item.id, time: item.started ?? item.created,
        value: item.started.map { frame.now.seconds(since: $0) },
        reasons: item.traits.contains(.isBlocked) ? ["blocked"] : [],
        leftOut: item.isExcluded ? .excluded : isOpen ? nil : .noStart, exclusion: query.settings.exclusions[item.id])
    }
    return try EvidencePage(rows.filter { $0.belongs(to: part) }, page)
  }
}

/// The ages by which 50, 70, 85 and 95 % of finished items had left a status.
private struct PaceBands {
  let n: Int
  /// Nil for fewer than ten items.
  let bounds: [Double]?

  init(_ ages: [Double]) {
    n = ages.count
    bounds = ages.count < 10 ? nil : Statistics.nearestRanks([50, 70, 85, 95], of: ages)
  }

  func band(of age: Double) -> AgeingReport.Band? {
    bounds.map { bounds in
      AgeingReport.Band.allCases[bounds.count { $0 <= age }]
    }
  }
}

extension AgeingReport.Item {
  fileprivate init(
    _ item: IssuePopulation.Item, _ population: IssuePopulation, _ paces: [Int: PaceBands], _ now: Timestamp
  ) {
    let stay = population.stays(of: item).last
    let age = now.seconds(since: item.started ?? now)
    self.init(
      issue: item.id, project: population.names.text(of: item.project), type: population.names.text(of: item.type),
      status: stay.flatMap { population.names.text(of: $0.status) }, started: item.started ?? now, statusSince: stay?.start,
      ageSeconds: age, isBlocked: item.traits.contains(.isBlocked),
      band: stay.flatMap { paces[Int($0.status)]?.band(of: age) })
  }
}

extension AgeingReport.OpenReview {
  /// Returns the open changes by people that are ready for review, by group, the oldest first.
  static func all(
    _ source: any FactSource, _ scope: ReportScope, _ settings: ReportSettings, grouping: Grouping? = nil, now: Timestamp
  ) throws -> [GroupKey: [AgeingReport.OpenReview]] {
    var open: [ChangeFact] = []
    var names = NameTable()
    try source.visitFacts(ChangeFact.self, days: nil, includesOpen: true) { fact in
      guard fact.state == .open, fact.labels.traits.isDisjoint(with: [.isDraft, .isByBot, .isDirect]), fact.times.ready != nil,
        settings.exclusions[fact.id] == nil
      else { return }
      names.note(fact.labels.repository)
      names.note(fact.labels.workType)
      open.append(fact)
    }
    try names.resolve(in: source)
    let rule = try ScopeRule(settings, scope, grouping, names)
    var groups: [GroupKey: [AgeingReport.OpenReview]] = [:]
    for fact in open.sorted(by: { ($0.times.ready ?? now, $0.id) < ($1.times.ready ?? now, $1.id) }) {
      guard let ready = fact.times.ready, ready <= now else { continue }
      let repository = names.number(of: fact.labels.repository)
      guard rule.includes(service: nil, repository: repository),
        rule.includes(workType: names.number(of: fact.labels.workType))
      else { continue }
      let review = AgeingReport.OpenReview(
        change: fact.id, repository: names.text(of: repository), ready: ready, ageSeconds: now.seconds(since: ready),
        firstResponse: fact.times.firstResponse, reviewRounds: Int(fact.reviewRounds),
        sizeClass: fact.size.map { SizeClass(lines: $0) })
      rule.forEachGroup(service: 0, repository: repository, environment: 0) {
        groups[rule.key(ofGroup: $0, settings, names), default: []].append(review)
      }
    }
    return groups
  }
}
