package import ValueStreamCore

extension ReviewsReport {
  /// Computes how changes are reviewed.
  package init(_ query: ReviewsQuery, from source: any FactSource) throws {
    self = try ReviewsComputation(query, source).report()
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: ReviewsEvidence, _ query: ReviewsQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    try EvidencePage(ReviewsComputation(query, source).rows(evidence), page)
  }
}

struct ReviewsComputation {
  let query: ReviewsQuery
  private let source: any FactSource
  private let names: NameTable
  private let scope: ScopeRule
  private let groups: [Int32: [Review]]
  private let historyBegan: Timestamp?

  /// What the report keeps of a merged change.
  private struct Review: Sendable {
    var id: FactID
    var merged: Timestamp
    var ready: Timestamp?
    /// Before the merge.
    var firstResponse: Timestamp?
    var isApproved: Bool
    var rounds: Int
    var waitingForReviewer: Double
    var waitingForAuthor: Double
    var size: UInt32?
    /// Why the change is in no figure.
    var leftOut: LeftOutReason?

    init(_ fact: ChangeFact, _ merged: Timestamp, _ settings: ReportSettings) {
      id = fact.id
      self.merged = merged
      ready = fact.times.ready
      firstResponse = fact.times.firstResponse.flatMap { $0 <= merged ? $0 : nil }
      isApproved = fact.times.lastApproval.map { $0 <= merged } ?? false
      rounds = Int(fact.reviewRounds)
      waitingForReviewer = Double(fact.secondsWaitingForReviewer)
      waitingForAuthor = Double(fact.secondsWaitingForAuthor)
      size = fact.size
      leftOut =
        settings.exclusions[fact.id] != nil ? .excluded : fact.labels.traits.contains(.isByBot) ? .byBot : nil
    }

    var isReviewed: Bool { isApproved || firstResponse != nil }
    var sizeClass: SizeClass? { size.map { SizeClass(lines: $0) } }

    func responseTime() -> (seconds: Double?, leftOut: LeftOutReason?) {
      guard let ready else { return (nil, .readyUnknown) }
      guard let firstResponse else { return (nil, .noResponse) }
      let seconds = firstResponse.seconds(since: ready)
      return (seconds, seconds < 0 ? .clock : nil)
    }

    func mergeTime() -> (seconds: Double?, leftOut: LeftOutReason?) {
      guard let ready else { return (nil, .readyUnknown) }
      let seconds = merged.seconds(since: ready)
      return (seconds, seconds < 0 ? .clock : nil)
    }
  }

  init(_ query: ReviewsQuery, _ source: any FactSource) throws {
    guard query.grouping != .service, query.grouping != .environment else {
      throw ReportError(.badQuestion, "reviews belong to no service or environment: group them by repository or team")
    }
    let query = try query.excluding(source)
    self.query = query
    self.source = source
    let windows = [query.frame.window, query.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    var names = NameTable()
    var kept: [(repository: FactName, workType: FactName, review: Review)] = []
    for days in windows.days {
      try source.visitFacts(ChangeFact.self, days: days, includesOpen: false) { fact in
        guard fact.state == .merged, let merged = fact.times.merged, windows.contains(where: { $0.contains(merged) }),
          !fact.labels.traits.contains(.isDirect)
        else { return }
        names.note(fact.labels.repository)
        names.note(fact.labels.workType)
        kept.append((fact.labels.repository, fact.labels.workType, Review(fact, merged, query.settings)))
      }
    }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, query.grouping, names)
    var groups: [Int32: [Review]] = query.grouping == nil ? [0: []] : [:]
    for entry in kept {
      let repository = names.number(of: entry.repository)
      guard scope.includes(service: nil, repository: repository),
        scope.includes(workType: names.number(of: entry.workType))
      else { continue }
      scope.forEachGroup(service: 0, repository: repository, environment: 0) {
        groups[$0, default: []].append(entry.review)
      }
    }
    self.names = names
    self.scope = scope
    self.groups = groups
    historyBegan = try source.firstDay(of: ChangeFact.self)?.start
  }

  private func buckets(_ width: BucketWidth) throws -> TimeBuckets {
    try TimeBuckets(width, of: query.frame.window, zone: query.frame.zone, historyBegan: historyBegan, now: query.frame.now)
  }

  // MARK: Report

  func report() throws -> ReviewsReport {
    let frame = query.frame
    let buckets = try query.buckets.map { try self.buckets($0) }
    let waiting = try AgeingReport.OpenReview.all(
      source, query.scope, query.settings, grouping: query.grouping, now: frame.now)
    let keys = Dictionary(uniqueKeysWithValues: groups.keys.map { ($0, scope.key(ofGroup: $0, query.settings, names)) })
    var byKey: [GroupKey: (reviews: [Review], waiting: [AgeingReport.OpenReview])] = [:]
    for (number, reviews) in groups { byKey[keys[number] ?? .all, default: ([], [])].reviews = reviews }
    for entry in waiting { byKey[entry.key, default: ([], [])].waiting = entry.value }
    let result = byKey.sorted { ($0.key.name ?? "") < ($1.key.name ?? "") }.map { key, value in
      let current = value.reviews.filter { frame.window.contains($0.merged) }
      return ReviewsReport.Group(
        key: key, current: self.value(current),
        previous: frame.comparedWindow.map { window in self.value(value.reviews.filter { window.contains($0.merged) }) },
        sizes: sizes(current), trend: buckets.map { trend(current, $0) } ?? [], waitingNow: value.waiting)
    }
    return ReviewsReport(
      window: frame.window, comparedWindow: frame.comparedWindow, timeZone: frame.zone.name, groups: result)
  }

  private func value(_ all: [Review]) -> ReviewsReport.Value {
    let counted = all.filter { $0.leftOut == nil }
    let reviewed = counted.filter(\.isReviewed)
    let leftOut = all.compactMap(\.leftOut).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    let unreviewed = counted.count - reviewed.count
    var rounds = [0, 0, 0, 0]
    for review in reviewed { rounds[min(review.rounds, 3)] += 1 }
    return ReviewsReport.Value(
      merged: counted.count, population: Population(n: counted.count, leftOut: leftOut),
      firstResponse: summary(counted) { $0.responseTime() }, readyToMerge: summary(counted) { $0.mergeTime() },
      waitingForReviewer: DurationSummary(of: reviewed.map(\.waitingForReviewer)),
      waitingForAuthor: DurationSummary(of: reviewed.map(\.waitingForAuthor)),
      averageRounds: Statistics.mean(of: reviewed.map { Double($0.rounds) }), rounds: rounds, unreviewed: unreviewed,
      unreviewedShare: counted.isEmpty ? nil : Double(unreviewed) / Double(counted.count))
  }

  private func summary(
    _ reviews: [Review], _ duration: (Review) -> (seconds: Double?, leftOut: LeftOutReason?)
  ) -> DurationSummary {
    var seconds: [Double] = []
    var leftOut: [LeftOutReason: Int] = [:]
    for review in reviews {
      let (value, reason) = duration(review)
      if let reason { leftOut[reason, default: 0] += 1 } else if let value { seconds.append(value) }
    }
    return DurationSummary(&seconds, leftOut: leftOut)
  }

  private func sizes(_ all: [Review]) -> [ReviewsReport.Size] {
    let bySize = Dictionary(grouping: all.filter { $0.leftOut == nil }, by: \.sizeClass)
    return (SizeClass.allCases.map { $0 as SizeClass? } + [nil]).map { sizeClass in
      let reviews = bySize[sizeClass] ?? []
      return ReviewsReport.Size(
        sizeClass: sizeClass, count: reviews.count, unreviewed: reviews.count { !$0.isReviewed },
        readyToMerge: summary(reviews) { $0.mergeTime() }, firstResponse: summary(reviews) { $0.responseTime() })
    }
  }

  private func trend(_ all: [Review], _ buckets: TimeBuckets) -> [ReviewsReport.Bucket] {
    var divided = [[Review]](repeating: [], count: buckets.buckets.count)
    for review in all where review.leftOut == nil {
      if let index = buckets.index(of: review.merged) { divided[index].append(review) }
    }
    return zip(buckets.buckets, divided).map { bucket, reviews in
      ReviewsReport.Bucket(
        bucket: bucket, merged: reviews.count, firstResponse: summary(reviews) { $0.responseTime() },
        unreviewed: reviews.count { !$0.isReviewed })
    }
  }

  // MARK: Evidence

  func rows(_ evidence: ReviewsEvidence) throws -> [EvidenceRow] {
    guard let number = scope.group(of: evidence.group, query.settings, names), let all = groups[number],
      let window = query.frame.window(of: evidence.period)
    else { return [] }
    var reviews = all.filter { window.contains($0.merged) }
    if let bucket = evidence.bucket {
      guard evidence.period == .current, let width = query.buckets else {
        throw ReportError(.badQuestion, "only a trend of the current window has buckets")
      }
      let buckets = try self.buckets(width)
      guard let index = buckets.index(startingAt: bucket) else {
        throw ReportError(.badQuestion, "no bucket of the trend begins at \(bucket.rfc3339)")
      }
      reviews = reviews.filter { buckets.index(of: $0.merged) == index }
    }
    let counted = reviews.filter { $0.leftOut == nil }
    switch evidence.part {
    case .merged(let part):
      return reviews.map { row($0, nil, $0.leftOut) }.filter { $0.belongs(to: part) }
    case .firstResponse(let part):
      return counted.map { row($0, $0.responseTime().seconds, $0.responseTime().leftOut) }.filter { $0.belongs(to: part) }
    case .readyToMerge(let part):
      return counted.map { row($0, $0.mergeTime().seconds, $0.mergeTime().leftOut) }.filter { $0.belongs(to: part) }
    case .waitingForReviewer:
      return counted.filter(\.isReviewed).map { row($0, $0.waitingForReviewer, nil) }
    case .waitingForAuthor:
      return counted.filter(\.isReviewed).map { row($0, $0.waitingForAuthor, nil) }
    case .unreviewed:
      return counted.filter { !$0.isReviewed }.map { row($0, nil, nil) }
    case .size(let sizeClass):
      return counted.filter { $0.sizeClass == sizeClass }.map { row($0, $0.size.map { Double($0) }, nil) }
    }
  }

  private func row(_ review: Review, _ value: Double?, _ leftOut: LeftOutReason?) -> EvidenceRow {
    EvidenceRow(
      kind: .change, id: review.id, time: review.merged, value: value, leftOut: leftOut,
      exclusion: query.settings.exclusions[review.id])
  }
}
