package import ValueStreamCore

/// Projects one batch of deliveries after the other: correlates, moves the classic picture on, announces ends, counts, and
/// writes all of it as one change.
///
/// Everything counts once: counters move only after the whole batch was understood, and are written with its position.
package struct ProjectionBatches: Sendable {
  private let store: any SpanStore
  private let sources: [String: any EventSource]
  private let recent: RecentDeliveries
  private let registry: MetricRegistry
  private let metrics: ProjectionMetrics
  private let clock: any WallClock
  private let grace: Duration?
  private let onClassicSpan: @Sendable (ClassicPicture.FinishedSpan) -> Void
  private let onUnmeasurable: @Sendable (Announcement, any Error) -> Void
  private var picture: ClassicPicture
  package private(set) var position: LogPosition?
  /// A batch that was understood and counted, and could not be written: written before anything else.
  private var unwritten: ProjectionChanges?
  /// Where the store could not be read, counting waits until then: each question may take long to fail.
  private var countsAgainAt: Timestamp?
  /// What ``logBeginning`` becomes with the next batch; nil where it stays.
  private var newBeginning: [UInt8]?

  private static let nextClassicID = "classic.nextID"

  /// The value that says from which log all of this was made: when that received its first delivery, as nanoseconds. Empty once
  /// another log was found in its place.
  package static let logBeginning = "log.beginning"

  package static func encoded(beginning: Timestamp) -> [UInt8] { Array("\(beginning.nanoseconds)".utf8) }

  /// Reads where the store stands, and takes over its counters and recent deliveries.
  ///
  /// - Parameters:
  ///   - logEnd: where the log ends before anything more is recorded. A store beyond it was made from another log, one that
  ///     was removed or replaced by an older copy: it goes on from the end, or new deliveries would pass for known ones.
  ///   - grace: how long ends wait to be counted, for what may still be told of them; nil to count none.
  ///   - onClassicSpan: called for each classic span that ended.
  ///   - onUnmeasurable: called for each end that is never measured, because what is stored of it, or around it, cannot be read.
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    store: any SpanStore, logEnd: LogPosition?, sources: [any EventSource], recent: RecentDeliveries, registry: MetricRegistry,
    metrics: ProjectionMetrics, clock: any WallClock, grace: Duration?,
    onClassicSpan: @escaping @Sendable (ClassicPicture.FinishedSpan) -> Void = { _ in },
    onUnmeasurable: @escaping @Sendable (Announcement, any Error) -> Void = { _, _ in }
  ) throws {
    let values = try store.values()
    let stored = try store.position()
    let position = stored.flatMap { stored in logEnd.map { min($0, stored) } }
    let window = clock.now().advanced(byNanoseconds: -Self.redeliveryWindow.nanoseconds)
    recent.preload(try store.fingerprints(since: window).sorted { $0.received < $1.received })
    registry.restore(values)
    self.store = store
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    self.recent = recent
    self.registry = registry
    self.metrics = metrics
    self.clock = clock
    self.grace = grace
    self.onClassicSpan = onClassicSpan
    self.onUnmeasurable = onUnmeasurable
    self.position = position
    newBeginning = position == stored ? nil : []
    picture = ClassicPicture(
      nextID: values[Self.nextClassicID].flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 1)
    metrics.adoptFinishedSpans()
    if grace != nil, let former = values[FormerWaitingList.valueName], !former.isEmpty {
      try store.write(try FormerWaitingList(former).changes(in: store))
    }
    guard values[Self.gaugeLimit] != encodedSeriesLimit else { return }
    do {
      try recountGauges()
    } catch let error as StoreError where error.code == .corrupt {
      // Gauges that may be a little wrong keep nobody from starting; they are counted anew at a later start.
    }
  }

  /// Under how many series the gauges were counted. It goes with them.
  private static let gaugeLimit = MetricRegistry.gaugePrefix + "series.limit"

  private var encodedSeriesLimit: [UInt8] { Array("\(metrics.seriesLimit)".utf8) }

  /// Counts anew what is going on: what was counted as `other` under another limit would be taken away from a series of its own.
  private func recountGauges() throws {
    var counts: [GaugeShare: Int] = [:]
    var filter = SubjectFilter()
    filter.isOpen = true
    var cursor: UInt64?
    repeat {
      let page = try store.subjects(matching: filter, after: cursor, limit: Self.recountedAtOnce)
      var changes = ProjectionChanges()
      for var subject in page.subjects {
        let outlines = subject.outlines()
        let shares = GaugeShare.all(of: subject, outlines)
        for share in shares { counts[share, default: 0] += 1 }
        guard shares != subject.gaugeShares else { continue }
        subject.gaugeShares = shares
        let summary = SubjectSummary(subject, outlines: outlines)
        changes.subjects.append(SubjectChange(subject: subject, summary: summary, newAliases: [], newFollows: []))
      }
      if !changes.subjects.isEmpty { try store.write(changes) }
      cursor = page.next
    } while cursor != nil
    metrics.forgetThings()
    for (share, times) in counts { metrics.apply(.gauge(share, times: times)) }
    var changes = ProjectionChanges()
    changes.values = registry.changedValues()
    changes.values[Self.gaugeLimit] = encodedSeriesLimit
    try store.write(changes)
  }

  private static let recountedAtOnce = 500

  /// How long vendors may send a delivery again (GitHub: three days).
  private static let redeliveryWindow = Duration.seconds(8 * 86_400)

  /// What intake would have known of a delivery read from the log.
  package func reread(_ logged: LoggedDelivery, at position: LogPosition) -> RecordedDelivery {
    let delivery = logged.delivery
    let source = sources[delivery.source]
    let interpretation = logged.unreadable == nil ? try? source?.events(in: delivery) : nil
    let fingerprint = source?.deliveryID(of: delivery).map { DeliveryFingerprint(of: delivery, id: $0) }
    return RecordedDelivery(
      position: position, logged: logged, interpretation: interpretation, fingerprint: fingerprint)
  }

  /// Projects a batch and writes it.
  ///
  /// Deliveries that were projected before are passed over. After an error nothing of the batch counts, or all of it does
  /// and is written by the next call; either way the caller reads the log again from ``position``.
  ///
  /// - Parameter moment: when ends count as announced; nil for now.
  /// - Returns: how far the log is projected now, and whether spans finished.
  package mutating func project(
    _ deliveries: [RecordedDelivery], at moment: Timestamp? = nil
  ) throws -> (position: LogPosition?, hasAnnouncements: Bool) {
    if unwritten != nil { try writePending() }
    try countAwaiting()
    let fresh = deliveries.filter { delivery in position.map { delivery.position > $0 } ?? true }
    guard let first = fresh.first, let last = fresh.last else { return (position, false) }
    if position == nil, newBeginning == nil { newBeginning = Self.encoded(beginning: first.logged.delivery.received) }
    var batch = Batch(store: store, picture: picture, now: moment ?? clock.now(), isCounting: grace != nil)
    for delivery in fresh { try batch.take(delivery, recent: recent) }
    try batch.concludeSpans()

    var changes = batch.finish()
    changes.announcements += try Self.exportedProvisionally(changes.absorbed, in: store, at: moment ?? clock.now())
    for count in batch.counts { metrics.apply(count) }
    for case .finished(let span) in batch.classic { onClassicSpan(span) }
    if batch.picture.nextID != picture.nextID { changes.values[Self.nextClassicID] = Array("\(batch.picture.nextID)".utf8) }
    picture = batch.picture
    changes.position = last.position
    unwritten = changes
    let hasAnnouncements = !changes.announcements.isEmpty
    try writePending()
    // What does not wait is counted with what was told of it.
    if grace == .zero { try countAwaiting() }
    return (position, hasAnnouncements)
  }

  /// Projects what is known from elsewhere, before anything of the log is.
  package mutating func projectBeforeLog(_ delivery: RecordedDelivery) throws {
    position = nil
    newBeginning = []
    _ = try project([delivery], at: delivery.logged.delivery.received)
  }

  /// Counts ends whose grace period is over.
  ///
  /// - Returns: false where more of them wait; call again, with a pause for deliveries.
  package mutating func countEnds() throws -> Bool {
    if unwritten != nil { try writePending() }
    return try countAwaiting()
  }

  /// Writes what was counted apart from deliveries that are projected: those that were duplicate or refused.
  package mutating func keepCounts() throws {
    if unwritten != nil { try writePending() }
    try writeCounts()
  }

  /// Counts ends whose grace period is over, a number of subjects at a time. What cannot be counted never stops deliveries: what is damaged is passed
  /// over, and where the store cannot be read at present it waits.
  ///
  /// - Returns: true when nothing more is to be counted now.
  @discardableResult
  private mutating func countAwaiting() throws -> Bool {
    guard let grace else { return true }
    let now = clock.now()
    if let countsAgainAt, now < countsAgainAt, now >= countsAgainAt.advanced(byNanoseconds: -Self.pauseOfCounting.nanoseconds) {
      return true
    }
    countsAgainAt = nil
    var changes = ProjectionChanges()
    // Traces are not asked for, so any strategy will do.
    var reader = TraceReader(store: store, strategy: .nested)
    var count = 0
    do {
      let awaiting = try store.awaitingMeasurement(
        since: now.advanced(byNanoseconds: -grace.nanoseconds), orAfter: now, limit: Self.countedAtOnce)
      count = awaiting.count
      for (key, measurement) in awaiting { changes.measurements[key] = try self.count(key, measurement, &reader) }
    } catch {
      countsAgainAt = now.advanced(byNanoseconds: Self.pauseOfCounting.nanoseconds)
    }
    guard !changes.measurements.isEmpty else { return true }
    changes.position = position
    unwritten = changes
    try writePending()
    return count < Self.countedAtOnce
  }

  /// - Throws: what may be otherwise later.
  private func count(_ key: SpanKey, _ measurement: Measurement, _ reader: inout TraceReader) throws -> MeasurementChange {
    let since = measurement.awaitsSince ?? clock.now()
    do {
      guard let subject = try reader.subject(for: key) else { return .counted(measurement.counted) }
      let counted = CountedEnd.decode(measurement.counted, of: key.source)
      let ends = try metrics.count(subject, counted: counted, at: since, &reader, onUnmeasurable: onUnmeasurable)
      return .counted(CountedEnd.encode(ends))
    } catch let error as StoreError where !error.isRetryable {
      onUnmeasurable(Announcement(key: key, attempt: 1, time: since), error)
      return .counted(measurement.counted)
    }
  }

  /// Subjects of which ends are counted in one step; others are let through before the next.
  package static let countedAtOnce = 256
  private static let pauseOfCounting = Duration.seconds(5)

  /// Counters go with the position.
  private mutating func writeCounts() throws {
    var changes = ProjectionChanges()
    changes.values = registry.changedValues()
    guard !changes.values.isEmpty else { return }
    changes.position = position
    unwritten = changes
    try writePending()
  }

  private mutating func writePending() throws {
    guard var changes = unwritten else { return }
    changes.values.merge(registry.changedValues()) { _, new in new }
    // Until a position in the log is known the store stands where another log ended.
    let tellsBeginning = changes.position != nil
    if tellsBeginning, let newBeginning { changes.values[Self.logBeginning] = newBeginning }
    unwritten = changes
    try store.write(changes)
    if tellsBeginning { newBeginning = nil }
    position = changes.position
    unwritten = nil
  }

  package mutating func reset() {
    position = nil
    unwritten = nil
    newBeginning = nil
    recent.removeAll()
  }
}

/// A batch on its way.
private struct Batch {
  private let store: any SpanStore
  private var projection: Projection
  private var summaries: [SpanKey: SubjectSummary] = [:]
  private var announcements: [Announcement] = []
  private(set) var picture: ClassicPicture
  private(set) var counts: [ProjectionMetrics.Count] = []
  private(set) var classic: [ClassicPicture.Change] = []
  private(set) var fingerprints: [DeliveryFingerprint] = []
  /// Subjects whose ends await being counted.
  private var measurements: [SpanKey: MeasurementChange] = [:]
  private let now: Timestamp
  private let isCounting: Bool

  init(store: any SpanStore, picture: ClassicPicture, now: Timestamp, isCounting: Bool) {
    self.isCounting = isCounting
    self.store = store
    projection = Projection(store: store)
    self.picture = picture
    self.now = now
  }

  mutating func take(_ delivery: RecordedDelivery, recent: RecentDeliveries) throws {
    let source = delivery.logged.delivery.source
    if let fingerprint = delivery.fingerprint {
      guard recent.insert(fingerprint, at: delivery.position) else {
        counts.append(.delivery(source: source, .duplicate))
        return
      }
      fingerprints.append(fingerprint)
    }
    switch delivery.interpretation {
    case .events(let events, let branchUpdates):
      counts.append(.delivery(source: source, .recorded))
      for event in events { try take(event, received: delivery.logged.delivery.received) }
      for update in branchUpdates { projection.take(update) }
    case .ignored: counts.append(.delivery(source: source, .ignored))
    case nil: counts.append(.delivery(source: source, .unreadable))
    }
  }

  private mutating func take(_ event: Event, received: Timestamp) throws {
    let (key, isNews) = try projection.take(event)
    guard let mark = event.classic, var subject = try projection.subject(key) else { return }
    // The same end through a second hook: it ended the span that was open, and is no span of its own.
    if !isNews, mark.transition == .end, subject.classic.open == nil { return }
    let parent = try subject.parent.flatMap { try projection.subject($0.parent)?.classic }
    let before = subject.classic
    let changes = picture.apply(
      mark, tags: event.attributes.filter { $0.vocabulary == .classic }, received: received, parent: parent,
      to: &subject.classic)
    guard subject.classic != before else { return }
    projection.update(subject)
    classic += changes
    counts += changes.map { .classic($0) }
  }

  /// Announces attempts that finished, and counts what runs.
  mutating func concludeSpans() throws {
    for key in projection.changedKeys {
      guard var subject = try projection.subject(key) else { continue }
      let outlines = subject.outlines()
      summaries[key] = SubjectSummary(subject, outlines: outlines)
      let known = subject.announcedAttempts
      let news = outlines.filter { $0.end != nil && !known.contains($0.number) }
      if !news.isEmpty {
        subject.announcedAttempts += news.map(\.number)
        announcements += news.map { Announcement(key: key, attempt: $0.number, time: now) }
      }
      if isCounting, !news.isEmpty || !known.isEmpty {
        try awaitCounting(subject, outlines, newCount: news.count, hasAnnounced: !known.isEmpty)
      }
      let shares = GaugeShare.all(of: subject, outlines)
      if shares != subject.gaugeShares {
        counts += subject.gaugeShares.map { .gauge($0, times: -1) } + shares.map { .gauge($0, times: 1) }
        if !shares.isEmpty, let labels = FinishedLabels(of: subject) { counts.append(.begun(labels)) }
        subject.gaugeShares = shares
      } else if news.isEmpty {
        continue
      }
      projection.update(subject)
    }
  }

  /// Notes that ends of a subject await being counted, where they are not counted as they are.
  ///
  /// - Parameters:
  ///   - newCount: how many ends are known since this batch.
  ///   - hasAnnounced: true where ends were known before.
  private mutating func awaitCounting(
    _ subject: Subject, _ outlines: [AttemptOutline], newCount: Int, hasAnnounced: Bool
  ) throws {
    let attempts = FinishedAttempt.all(outlines, of: subject, at: now)
    var mayBeCorrected = false
    var former: [UInt8] = []
    if hasAnnounced {
      if let measurement = try store.measurements(of: [subject.key])[subject.key] {
        let counted = CountedEnd.decode(measurement.counted, of: subject.key.source)
        let isSettled = measurement.awaitsSince != nil || EndComparison(counted: counted, attempts: attempts).isSettled
        if isSettled, newCount == 0 { return }
        mayBeCorrected = !counted.isEmpty
      } else {
        former = CountedEnd.encode(try FormerWaitingList.countedBefore(subject.key, in: store))
        mayBeCorrected = !former.isEmpty
      }
    }
    counts.append(.ended(count: newCount, ProjectionMetrics.AwaitedEnds(attempts, of: subject, mayBeCorrected: mayBeCorrected)))
    measurements[subject.key] = .awaits(since: now, counted: former)
  }

  func finish() -> ProjectionChanges {
    var changes = projection.finish { subject in
      summaries[subject.key] ?? SubjectSummary(subject)
    }
    changes.announcements = announcements
    changes.fingerprints = fingerprints
    changes.measurements = measurements
    // What was counted of two that turn out to be one was counted twice.
    for key in isCounting ? Set(changes.absorbed.values) : [] where measurements[key] == nil {
      changes.measurements[key] = .awaits(since: now, counted: [])
    }
    return changes
  }
}
