import DeliveryCounters
import ValueStreamCore

/// The changes of one batch of deliveries, collected before ``ProjectionBatches`` counts and writes them.
struct ProjectionBatch {
  private let store: any SpanStore
  private var correlation: Correlation
  private var summaries: [SubjectKey: SubjectSummary] = [:]
  private var outboxEntries: [OutboxEntry] = []
  private(set) var picture: ClassicPicture
  private(set) var counts: [ProjectionMetrics.Count] = []
  private(set) var classic: [ClassicPicture.Change] = []
  private(set) var fingerprints: [DeliveryFingerprint] = []
  /// Subjects whose ends await measurement.
  private var measurements: [SubjectKey: MeasurementChange] = [:]
  private let now: Timestamp
  private let isCounting: Bool
  private let damage: DamageReport
  /// The number of events and branch updates in the batch.
  private(set) var eventCount = 0
  /// The number of events left out because their subject is damaged.
  private(set) var leftOutCount = 0
  private(set) var newestVendorTime: Timestamp?

  /// - Parameters:
  ///   - pending: References whose followers must be reexamined, as the previous batch left them.
  ///   - now: The time of outbox entries and the start of the grace period.
  ///   - isCounting: True to count ends.
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

  /// Loads a subject. True if it is stored but cannot be read.
  private mutating func isDamaged(_ key: SubjectKey) throws -> Bool {
    try correlation.subject(key) == nil && damage.contains(.subject, key.description)
  }

  private mutating func take(_ event: Event, received: Timestamp) throws {
    let (key, isNews) = try correlation.take(event)
    guard let mark = event.classic, var subject = try correlation.subject(key) else { return }
    // A second webhook reports the same end. The first report ended the open span, so this one must not create another.
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

  /// References whose followers remain to be reexamined.
  var pending: PendingTies { correlation.pending }

  /// Recomputes the parents of pending followers, up to a limit of work.
  ///
  /// - Parameters:
  ///   - limit: The most work. At least one follower is reexamined.
  ///   - isLate: Called after each page of followers. Return true to stop.
  mutating func reexamineFollowers(atMost limit: Int, until isLate: () -> Bool) throws {
    try correlation.reexamineFollowers(atMost: limit, until: isLate)
  }

  /// Puts newly finished attempts into the outbox and updates the gauges of running attempts.
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

  /// Marks a subject as awaiting measurement, unless its counted ends still match its attempts.
  ///
  /// - Parameters:
  ///   - newCount: The number of ends that are new in this batch.
  ///   - hadOutboxEntries: True if the subject had finished attempts before this batch.
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
    // Two subjects that turn out to be one may both have been counted. Measure the remaining one again to correct that.
    for key in isCounting ? Set(changes.absorbed.values) : [] where measurements[key] == nil {
      changes.measurements[key] = .awaits(since: now, counted: [])
    }
    return changes
  }
}
