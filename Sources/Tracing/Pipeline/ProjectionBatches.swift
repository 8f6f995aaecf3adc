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
  private let settle: Duration?
  private let onClassicSpan: @Sendable (ClassicPicture.FinishedSpan) -> Void
  private let onUnmeasurable: @Sendable (Announcement, any Error) -> Void
  private var picture: ClassicPicture
  package private(set) var position: LogPosition?
  /// A batch that was understood and counted, and could not be written: written before anything else.
  private var unwritten: ProjectionChanges?
  private var settling: SettlingAttempts
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
  ///   - settle: how long changes and deploys that are over wait to be measured; nil to measure none.
  ///   - onClassicSpan: called for each classic span that ended.
  ///   - onUnmeasurable: called for each end that is never measured, because what is stored of it, or around it, cannot be read.
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    store: any SpanStore, logEnd: LogPosition?, sources: [any EventSource], recent: RecentDeliveries, registry: MetricRegistry,
    metrics: ProjectionMetrics, clock: any WallClock, settle: Duration?,
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
    self.settle = settle
    settling = SettlingAttempts(encoded: values[SettlingAttempts.valueName] ?? [])
    self.onClassicSpan = onClassicSpan
    self.onUnmeasurable = onUnmeasurable
    self.position = position
    newBeginning = position == stored ? nil : []
    picture = ClassicPicture(
      nextID: values[Self.nextClassicID].flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 1)
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
    takeSettled()
    let fresh = deliveries.filter { delivery in position.map { delivery.position > $0 } ?? true }
    guard let first = fresh.first, let last = fresh.last else {
      if settling.isChanged { try writeCounts() }
      return (position, false)
    }
    if position == nil, newBeginning == nil { newBeginning = Self.encoded(beginning: first.logged.delivery.received) }
    var batch = Batch(store: store, picture: picture, now: moment ?? clock.now())
    for delivery in fresh { try batch.take(delivery, recent: recent) }
    try batch.concludeSpans()

    var changes = batch.finish()
    changes.announcements += try Self.exportedProvisionally(changes.absorbed, in: store, at: moment ?? clock.now())
    for count in batch.counts { metrics.apply(count) }
    for case .finished(let span) in batch.classic { onClassicSpan(span) }
    if batch.picture.nextID != picture.nextID { changes.values[Self.nextClassicID] = Array("\(batch.picture.nextID)".utf8) }
    picture = batch.picture
    settling.rename(changes.absorbed)
    if settle != nil { settling.add(batch.settling) }
    changes.position = last.position
    unwritten = changes
    let hasAnnouncements = !changes.announcements.isEmpty
    try writePending()
    return (position, hasAnnouncements)
  }

  /// Projects what is known from elsewhere, before anything of the log is.
  package mutating func projectBeforeLog(_ delivery: RecordedDelivery) throws {
    position = nil
    newBeginning = []
    _ = try project([delivery], at: delivery.logged.delivery.received)
  }

  /// Counts what has settled since the last batch.
  package mutating func countSettled() throws {
    if unwritten != nil { try writePending() }
    takeSettled()
    if settling.isChanged { try writeCounts() }
  }

  /// Writes what was counted apart from deliveries that are projected: those that were duplicate or refused.
  package mutating func keepCounts() throws {
    if unwritten != nil { try writePending() }
    try writeCounts()
  }

  /// Measures what has settled; it is written with the next changes. What cannot be measured never stops deliveries: what is damaged is
  /// passed over, and where the store cannot be read at present it waits again.
  private mutating func takeSettled() {
    guard let settle else { return }
    let now = clock.now()
    let settled = settling.settled(at: now, after: settle)
    guard !settled.isEmpty else { return }
    // Traces are not asked for, so any strategy will do.
    var reader = TraceReader(store: store, strategy: .nested)
    var askedCount = 0
    var postponed: [Announcement] = []
    for announcement in settled {
      askedCount += 1
      do {
        if let count = try ProjectionMetrics.count(ofSettled: announcement, &reader) { metrics.apply(count) }
      } catch let error as StoreError where !error.isRetryable {
        onUnmeasurable(announcement, error)
      } catch {
        // Each question may take long to fail, so the others are left for the next time.
        postponed = [Announcement(key: announcement.key, attempt: announcement.attempt, time: now)]
        break
      }
    }
    settling.removeFirst(askedCount)
    settling.add(postponed)
  }

  /// Counters go with the list of what is still to be counted, and with the position.
  private mutating func writeCounts() throws {
    var changes = ProjectionChanges()
    changes.values = registry.changedValues()
    guard !changes.values.isEmpty || settling.isChanged else { return }
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
    if settling.isChanged { changes.values[SettlingAttempts.valueName] = settling.encoded }
    unwritten = changes
    try store.write(changes)
    settling.markWritten()
    if tellsBeginning { newBeginning = nil }
    position = changes.position
    unwritten = nil
  }

  package mutating func reset() {
    position = nil
    unwritten = nil
    newBeginning = nil
    settling = SettlingAttempts()
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
  /// Of the announcements those that are measured once they have settled.
  private(set) var settling: [Announcement] = []
  private let now: Timestamp

  init(store: any SpanStore, picture: ClassicPicture, now: Timestamp) {
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
      let news = outlines.filter { $0.end != nil && !subject.announcedAttempts.contains($0.number) }
      if !news.isEmpty {
        subject.announcedAttempts += news.map(\.number)
        let announced = news.map { Announcement(key: key, attempt: $0.number, time: now) }
        announcements += announced
        let (unmeasured, uncounted) = try uncounted(among: news, of: subject, outlines)
        if ProjectionMetrics.settles(subject) {
          settling += announced.filter { announcement in unmeasured.contains { $0.number == announcement.attempt } }
        }
        counts += FinishedAttempt.all(uncounted, of: subject, at: now).map { .finished($0) }
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

  /// Attempts before others that are told late move their numbers: ends that were counted come under new numbers, and are known by their times.
  ///
  /// - Parameter news: attempts whose numbers were not announced yet.
  /// - Returns: those that are to be measured, and the ones to be counted: also those under numbers that had other ends.
  private func uncounted(
    among news: [AttemptOutline], of subject: Subject, _ outlines: [AttemptOutline]
  ) throws -> (unmeasured: [AttemptOutline], uncounted: [AttemptOutline]) {
    let numbers = Set(news.map(\.number))
    // Few are opened again.
    let announced = subject.announcedAttempts.filter { !numbers.contains($0) }
    guard !announced.isEmpty, let before = try store.subjects([subject.key])[subject.key]?.outlines() else { return (news, news) }
    let counted = Set(before.filter { announced.contains($0.number) }.compactMap(\.end))
    let unmeasured = news.filter { outline in outline.end.map { !counted.contains($0) } ?? true }
    guard unmeasured.count < news.count else { return (news, news) }
    let uncounted = outlines.filter { outline in
      (numbers.contains(outline.number) || announced.contains(outline.number))
        && outline.end.map { !counted.contains($0) } ?? false
    }
    return (unmeasured, uncounted)
  }

  func finish() -> ProjectionChanges {
    var changes = projection.finish { subject in
      summaries[subject.key] ?? SubjectSummary(subject)
    }
    changes.announcements = announcements
    changes.fingerprints = fingerprints
    return changes
  }
}
