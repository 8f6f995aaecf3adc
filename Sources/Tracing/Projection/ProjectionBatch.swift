import DeliveryCounters
import ValueStreamCore

/// A batch on its way: what its deliveries change, before ``ProjectionBatches`` counts and writes it.
struct ProjectionBatch {
  private let store: any SpanStore
  private var correlation: Correlation
  private var summaries: [SubjectKey: SubjectSummary] = [:]
  private var outboxEntries: [OutboxEntry] = []
  private(set) var picture: ClassicPicture
  private(set) var counts: [ProjectionMetrics.Count] = []
  private(set) var classic: [ClassicPicture.Change] = []
  private(set) var fingerprints: [DeliveryFingerprint] = []
  /// Subjects whose ends await being counted.
  private var measurements: [SubjectKey: MeasurementChange] = [:]
  private let now: Timestamp
  private let isCounting: Bool
  private let damage: DamageReport
  /// Events and branch updates that were taken.
  private(set) var eventCount = 0
  /// Events about damaged subjects.
  private(set) var leftOutCount = 0
  private(set) var newestVendorTime: Timestamp?

  /// - Parameter pending: names whose followers are to be looked at again, as the batch before left them.
  init(
    store: any SpanStore, picture: ClassicPicture, pending: PendingTies, now: Timestamp, isCounting: Bool, damage: DamageReport
  ) {
    self.isCounting = isCounting
    self.store = store
    self.damage = damage
    correlation = Correlation(store: store, pending: pending)
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
      eventCount += events.count + branchUpdates.count
      for event in events {
        if let time = Retention.vendorTime(of: event, received: delivery.logged.delivery.received) {
          newestVendorTime = max(newestVendorTime ?? time, time)
        }
        if try isDamaged(event.key) { leftOutCount += 1 } else { try take(event, received: delivery.logged.delivery.received) }
      }
      for update in branchUpdates { correlation.take(update) }
    case .ignored: counts.append(.delivery(source: source, .ignored))
    case nil: counts.append(.delivery(source: source, .unreadable))
    }
  }

  /// True of a subject that is stored and cannot be read. Loads it.
  private mutating func isDamaged(_ key: SubjectKey) throws -> Bool {
    try correlation.subject(key) == nil && damage.contains(.subject, key.description)
  }

  private mutating func take(_ event: Event, received: Timestamp) throws {
    let (key, isNews) = try correlation.take(event)
    guard let mark = event.classic, var subject = try correlation.subject(key) else { return }
    // The same end through a second hook: it ended the span that was open, and is no span of its own.
    if !isNews, mark.transition == .end, subject.classic.open == nil { return }
    let parent = try subject.parent.flatMap { try correlation.subject($0.parent)?.classic }
    let before = subject.classic
    let changes = picture.apply(
      mark, tags: event.attributes.filter { $0.vocabulary == .classic }, received: received, parent: parent,
      to: &subject.classic)
    guard subject.classic != before else { return }
    correlation.update(subject)
    classic += changes
    counts += changes.map { .classic($0) }
  }

  /// Names whose followers are still to be looked at again.
  var pending: PendingTies { correlation.pending }

  /// Looks again at who follows what leads elsewhere now, up to an amount of work.
  mutating func reexamineFollowers(atMost limit: Int, until isLate: () -> Bool) throws {
    try correlation.reexamineFollowers(atMost: limit, until: isLate)
  }

  /// Announces attempts that finished, and counts what runs.
  mutating func concludeSpans() throws {
    for key in correlation.changedKeys {
      guard var subject = try correlation.subject(key) else { continue }
      let outlines = subject.outlines()
      summaries[key] = SubjectSummary(subject, outlines: outlines)
      let known = subject.outboxAttempts
      let news = outlines.filter { $0.end != nil && !known.contains($0.number) }
      if !news.isEmpty {
        subject.outboxAttempts += news.map(\.number)
        outboxEntries += news.map { OutboxEntry(key: key, attempt: $0.number, time: now) }
      }
      if isCounting, !news.isEmpty || !known.isEmpty {
        try awaitCounting(subject, outlines, newCount: news.count, hadOutboxEntries: !known.isEmpty)
      }
      let shares = GaugeShare.all(of: subject, outlines)
      if shares != subject.gaugeShares {
        counts += subject.gaugeShares.map { .gauge($0, times: -1) } + shares.map { .gauge($0, times: 1) }
        if !shares.isEmpty, let labels = FinishedLabels(of: subject) { counts.append(.begun(labels)) }
        subject.gaugeShares = shares
      } else if news.isEmpty {
        continue
      }
      correlation.update(subject)
    }
  }

  /// Notes that ends of a subject await being counted, where they are not counted as they are.
  ///
  /// - Parameters:
  ///   - newCount: how many ends are known since this batch.
  ///   - hadOutboxEntries: true where ends were known before.
  private mutating func awaitCounting(
    _ subject: Subject, _ outlines: [AttemptOutline], newCount: Int, hadOutboxEntries: Bool
  ) throws {
    let attempts = FinishedAttempt.all(outlines, of: subject, at: now)
    var mayBeCorrected = false
    var former: [UInt8] = []
    if hadOutboxEntries {
      if let measurement = try store.measurements(of: [subject.key])[subject.key] {
        let counted = CountedEnd.decode(measurement.counted, of: subject.key.source)
        let isConsistent = measurement.awaitsSince != nil || EndComparison(counted: counted, attempts: attempts).isConsistent
        if isConsistent, newCount == 0 { return }
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
    var changes = correlation.finish { subject in
      summaries[subject.key] ?? SubjectSummary(subject)
    }
    changes.outboxEntries = outboxEntries
    changes.fingerprints = fingerprints
    changes.measurements = measurements
    // What was counted of two that turn out to be one was counted twice.
    for key in isCounting ? Set(changes.absorbed.values) : [] where measurements[key] == nil {
      changes.measurements[key] = .awaits(since: now, counted: [])
    }
    return changes
  }
}
