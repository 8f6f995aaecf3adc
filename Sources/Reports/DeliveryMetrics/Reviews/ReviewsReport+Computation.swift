package import ValueStreamCore

extension ReviewsReport {
  /// Computes how changes are reviewed.
  package init(_ query: ReviewsQuery, from source: any FactSource) throws {
    self = try ReviewsComputation(query, source).report()
  }

  /// Computes a report without groups, and the groups of its window, from one reading of the facts.
  ///
  /// - Returns: the groups of each grouping, which have neither a comparison nor a trend.
  package static func divided(
    _ query: ReviewsQuery, by groupings: [Grouping], from source: any FactSource
  ) throws -> (report: ReviewsReport, groups: [[Group]]) {
    let whole = try ReviewsComputation(query, source)
    return (try whole.report(), try groupings.map { try ReviewsComputation(whole, dividedBy: $0).report().groups })
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: ReviewsEvidence, _ query: ReviewsQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    var query = query
    query.frame = query.frame.forEvidence(of: evidence.period)
    return try ReviewsComputation(query, source).page(evidence, page)
  }
}

struct ReviewsComputation {
  let query: ReviewsQuery
  private let source: any FactSource
  private let names: NameTable
  private let scope: ScopeRule
  private let groups: [Int32: [Review]]
  private let historyBegan: Timestamp?

  /// What the report keeps of a merged change. Small, because there are hundreds of thousands.
  private struct Review: Sendable {
    var id: FactID
    var merged: Timestamp
    /// In nanoseconds; -1 if unknown.
    private var readyNanoseconds: Int64
    /// The first response before the merge.
    private var responseNanoseconds: Int64
    private var secondsForReviewer: Float
    private var secondsForAuthor: Float
    /// The greatest number if the vendor does not say.
    private var lines: UInt32
    private var roundCount: UInt16
    private var isApproved: Bool
    /// True if ``merged`` is only the latest time known.
    private var isMergeUnknown: Bool
    /// The number of its name.
    var repository: Int32 = 0
    /// Why the change is in no figure.
    var leftOut: LeftOutReason?

    init(_ change: ChangeColumns, _ merged: Timestamp) {
      id = change.id
      self.merged = merged
      readyNanoseconds = change.ready
      responseNanoseconds = change.firstResponse <= merged.nanoseconds ? change.firstResponse : -1
      isApproved = change.lastApproval >= 0 && change.lastApproval <= merged.nanoseconds
      isMergeUnknown = change.traits.contains(.isClosingUnknown)
      roundCount = change.reviewRounds
      secondsForReviewer = change.secondsWaitingForReviewer
      secondsForAuthor = change.secondsWaitingForAuthor
      lines = change.size
      leftOut = change.traits.contains(.isByBot) ? .byBot : nil
    }

    var rounds: Int { Int(roundCount) }
    var waitingForReviewer: Double { Double(secondsForReviewer) }
    var waitingForAuthor: Double { Double(secondsForAuthor) }
    var size: UInt32? { lines == .max ? nil : lines }
    var ready: Timestamp? { readyNanoseconds < 0 ? nil : Timestamp(nanoseconds: readyNanoseconds) }
    var firstResponse: Timestamp? { responseNanoseconds < 0 ? nil : Timestamp(nanoseconds: responseNanoseconds) }
    var isReviewed: Bool { isApproved || responseNanoseconds >= 0 }
    var sizeClass: SizeClass? { size.map { SizeClass(lines: $0) } }

    func responseTime() -> (seconds: Double?, leftOut: LeftOutReason?) {
      guard let ready else { return (nil, .readyUnknown) }
      guard let firstResponse else { return (nil, .noResponse) }
      let seconds = firstResponse.seconds(since: ready)
      return (seconds, seconds < 0 ? .clock : nil)
    }

    func mergeTime() -> (seconds: Double?, leftOut: LeftOutReason?) {
      if isMergeUnknown { return (nil, .mergeUnknown) }
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
    typealias Kept = (repository: FactName, workType: FactName, review: Review)
    let parts = try ParallelReading.parts(of: windows.days) { days in
      var part: [Kept] = []
      try source.visitFactBytes(.change, days: days, includesOpen: false) { bytes in
        let change = try ChangeColumns(bytes)
        guard change.state == .merged, change.merged >= 0, !change.traits.contains(.isDirect) else { return }
        let merged = Timestamp(nanoseconds: change.merged)
        guard windows.contains(where: { $0.contains(merged) }) else { return }
        part.appendSparingly((change.repository, change.workType, Review(change, merged)))
      }
      return part
    }
    var names = NameTable()
    for part in parts {
      for entry in part {
        names.note(entry.repository)
        names.note(entry.workType)
      }
    }
    try names.resolve(in: source)
    let scope = try ScopeRule(query.settings, query.scope, query.grouping, names)
    let exclusions = query.settings.exclusions
    var groups = Groups()
    for part in parts {
      for entry in part {
        let repository = names.number(of: entry.repository)
        guard scope.includes(service: nil, repository: repository),
          scope.includes(workType: names.number(of: entry.workType))
        else { continue }
        var review = entry.review
        review.repository = repository
        if !exclusions.isEmpty, exclusions[review.id] != nil { review.leftOut = .excluded }
        groups.add(review, scope)
      }
    }
    self.groups = groups.byNumber(scope)
    self.names = names
    self.scope = scope
    historyBegan = try source.firstDay(of: ChangeFact.self)?.start
  }

  /// The current window of another computation, which has no groups, by groups.
  init(_ whole: ReviewsComputation, dividedBy grouping: Grouping) throws {
    var query = whole.query
    query.grouping = grouping
    query.frame.comparison = .none
    query.buckets = nil
    self.query = query
    (source, names, historyBegan) = (whole.source, whole.names, whole.historyBegan)
    scope = try ScopeRule(query.settings, query.scope, grouping, names)
    var groups = Groups()
    for review in whole.groups.values.joined() where query.frame.window.contains(review.merged) { groups.add(review, scope) }
    self.groups = groups.byNumber(scope)
  }

  /// The reviews of each group, by number, because a dictionary takes too long.
  private struct Groups {
    private var lists: [[Review]] = []

    mutating func add(_ review: Review, _ scope: ScopeRule) {
      scope.forEachGroup(service: 0, repository: review.repository, environment: 0) { group in
        while lists.count <= Int(group) { lists.append([]) }
        lists[Int(group)].appendSparingly(review)
      }
    }

    func byNumber(_ scope: ScopeRule) -> [Int32: [Review]] {
      if scope.grouping == nil, lists.isEmpty { return [0: []] }
      let numbered = lists.enumerated().filter { !$0.element.isEmpty || scope.grouping == nil }
      return Dictionary(uniqueKeysWithValues: numbered.map { (Int32($0.offset), $0.element) })
    }
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
    let sorted = byKey.sorted { ($0.key.name ?? "") < ($1.key.name ?? "") }
    let (fitting, leftOutCount) = ReportSize.fitting(sorted, buckets: buckets?.buckets.count ?? 0) { _, value in
      value.reviews.count + value.waiting.count
    }
    let result = fitting.map { key, value in
      let current = value.reviews.filter { frame.window.contains($0.merged) }
      return ReviewsReport.Group(
        key: key, current: self.value(current),
        previous: frame.comparedWindow.map { window in self.value(value.reviews.filter { window.contains($0.merged) }) },
        sizes: sizes(current), trend: buckets.map { trend(current, $0) } ?? [], waitingNow: value.waiting)
    }
    return ReviewsReport(
      window: frame.window, comparedWindow: frame.comparedWindow, timeZone: frame.zone.name, groups: result,
      leftOutGroupCount: leftOutCount)
  }

  /// The groups with a name.
  var groupNames: [(number: Int32, name: String)] {
    groups.keys.compactMap { number in scope.key(ofGroup: number, query.settings, names).name.map { (number, $0) } }
  }

  /// The changes of a group that were merged in the window, without those that are left out.
  func mergedCount(inGroup number: Int32) -> Int {
    (groups[number] ?? []).count { $0.leftOut == nil && query.frame.window.contains($0.merged) }
  }

  /// The value of a group in the window.
  func value(ofGroup number: Int32) -> ReviewsReport.Value {
    value((groups[number] ?? []).filter { query.frame.window.contains($0.merged) })
  }

  private func value(_ all: [Review]) -> ReviewsReport.Value {
    let counted = all.filter { $0.leftOut == nil }
    var (forReviewer, forAuthor): ([Double], [Double]) = ([], [])
    forReviewer.reserveCapacity(counted.count)
    forAuthor.reserveCapacity(counted.count)
    var leftOut: [LeftOutReason: Int] = [:]
    for review in all { if let reason = review.leftOut { leftOut[reason, default: 0] += 1 } }
    var (rounds, allRounds) = ([0, 0, 0, 0], 0)
    for review in counted where review.isReviewed {
      rounds[min(review.rounds, 3)] += 1
      allRounds += review.rounds
      forReviewer.append(review.waitingForReviewer)
      forAuthor.append(review.waitingForAuthor)
    }
    let unreviewed = counted.count - forReviewer.count
    return ReviewsReport.Value(
      merged: counted.count, population: Population(n: counted.count, leftOut: leftOut),
      firstResponse: summary(counted) { $0.responseTime() }, readyToMerge: summary(counted) { $0.mergeTime() },
      waitingForReviewer: DurationSummary(of: forReviewer),
      waitingForAuthor: DurationSummary(of: forAuthor),
      averageRounds: forReviewer.isEmpty ? nil : Double(allRounds) / Double(forReviewer.count), rounds: rounds,
      unreviewed: unreviewed,
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
    return DurationSummary(of: seconds, leftOut: leftOut)
  }

  private func sizes(_ all: [Review]) -> [ReviewsReport.Size] {
    let classes = SizeClass.allCases.map { $0 as SizeClass? } + [nil]
    var bySize = [[Review]](repeating: [], count: classes.count)
    for review in all where review.leftOut == nil {
      if let place = classes.firstIndex(of: review.sizeClass) { bySize[place].append(review) }
    }
    return zip(classes, bySize).map { sizeClass, reviews in
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

  func page(_ evidence: ReviewsEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let number = scope.group(of: evidence.group, query.settings, names), let all = groups[number],
      let window = query.frame.window(of: evidence.period)
    else { return EvidencePage(rows: [], total: 0) }
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
    func page(_ reviews: [Review], _ part: EvidencePart? = nil, _ row: (Review) -> EvidenceRow) throws -> EvidencePage {
      try EvidencePage(
        of: reviews, request, where: { head in part.map { head.belongs(to: $0) } ?? true }, head: row, row: row)
    }
    let counted = reviews.filter { $0.leftOut == nil }
    switch evidence.part {
    case .merged(let part):
      return try page(reviews, part) { row($0, nil, $0.leftOut) }
    case .firstResponse(let part):
      return try page(counted, part) { review in
        let time = review.responseTime()
        return row(review, time.seconds, time.leftOut)
      }
    case .readyToMerge(let part):
      return try page(counted, part) { review in
        let time = review.mergeTime()
        return row(review, time.seconds, time.leftOut)
      }
    case .waitingForReviewer:
      return try page(counted.filter(\.isReviewed)) { row($0, $0.waitingForReviewer, nil) }
    case .waitingForAuthor:
      return try page(counted.filter(\.isReviewed)) { row($0, $0.waitingForAuthor, nil) }
    case .unreviewed:
      return try page(counted.filter { !$0.isReviewed }) { row($0, nil, nil) }
    case .size(let sizeClass):
      return try page(counted.filter { $0.sizeClass == sizeClass }) { row($0, $0.size.map { Double($0) }, nil) }
    }
  }

  private func row(_ review: Review, _ value: Double?, _ leftOut: LeftOutReason?) -> EvidenceRow {
    EvidenceRow(
      kind: .change, id: review.id, time: review.merged, value: value, leftOut: leftOut,
      exclusion: query.settings.exclusions.isEmpty ? nil : query.settings.exclusions[review.id])
  }
}
