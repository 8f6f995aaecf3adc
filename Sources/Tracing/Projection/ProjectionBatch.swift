import DeliveryCounters
import ValueStreamCore

/// The changes of one batch of deliveries, collected before ``ProjectionBatches`` counts and writes them.
struct ProjectionBatch {
  private let store: any ProjectionStore
  private var correlation: Correlation
  private var summaries: [SubjectKey: SubjectSummary] = [:]
  private var outboxEntries: [OutboxEntry] = []
  private var exclusions: [ExclusionDecision] = []
  private(set) var picture: ClassicPicture
  private(set) var counts: [ProjectionMetrics.Count] = []
  private(set) var classic: [ClassicPicture.Change] = []
  private(set) var fingerprints: [DeliveryFingerprint] = []
  /// Subjects whose ends await measurement.
  private var measurements: [SubjectKey: MeasurementChange] = [:]
  private let now: Timestamp
  private let isCounting: Bool
  /// True if all deliveries of the batch were imported, false if none was.
  private let isImported: Bool
  /// True to export also what only imported deliveries told.
  private let exportsImported: Bool
  /// Live events that tell ends of subjects with ends that only imported deliveries told so far.
  private var liveEnds: [SubjectKey: [Event]] = [:]
  private let damage: DamageReport
  /// The events of preloaded deliveries, within their limits.
  private var limitedEvents: [LogPosition: [Event]] = [:]
  /// The number of events and branch updates in the batch.
  private(set) var eventCount = 0
  /// The number of events left out because their subject is damaged.
  private(set) var leftOutCount = 0
  /// How often the deliveries taken so far exceeded each limit.
  private var exceeded: [CorrelationLimit: Int] = [:]
  private(set) var newestVendorTime: Timestamp?

  /// - Parameters:
  ///   - pending: References whose followers must be reexamined, as the previous batch left them.
  ///   - now: The time of outbox entries and the start of the grace period.
  ///   - isCounting: True to count ends.
  ///   - isImported: True if all deliveries of the batch were imported, false if none was.
  ///   - exportsImported: True to export also what only imported deliveries told.
  init(
    store: any ProjectionStore, picture: ClassicPicture, pending: PendingTies, now: Timestamp, isCounting: Bool,
    isImported: Bool = false, exportsImported: Bool = false, damage: DamageReport
  ) {
    self.isCounting = isCounting
    self.isImported = isImported
    self.exportsImported = exportsImported
    self.store = store
    self.damage = damage
    correlation = Correlation(store: store, pending: pending)
    self.picture = picture
    self.now = now
  }

  /// Loads in one go what the first deliveries need, to save reads of the store. Call it before ``take(_:recent:)``.
  ///
  /// - Returns: The number of deliveries that it covers; 0 if the first one has many events, or is not interpreted.
  mutating func preload(_ items: ArraySlice<ProjectionBatches.Item>) throws -> Int {
    limitedEvents = [:]
    var (events, count): ([Event], Int) = ([], 0)
    for item in items.prefix(store.readAheadCount) {
      if case .logged = item { break }
      count += 1
      guard case .recorded(let delivery) = item else { continue }
      if case .events(let more, _) = delivery.interpretation {
        guard events.count + more.count <= store.readAheadCount else {
          count -= 1
          break
        }
        let limited = more.map(Correlation.limited)
        limitedEvents[delivery.position] = limited
        events += limited
      }
    }
    if !events.isEmpty { try correlation.preload(events) }
    return count
  }

  /// Takes a delivery, or further events of one.
  ///
  /// - Parameters:
  ///   - isBegun: True if an earlier step has taken some of its events, so that it is no duplicate of itself.
  ///   - first: The number of events that earlier steps have projected.
  ///   - isLate: Called after each few events, with the batch and the number of events that this call has taken. Return true to leave the others to a later step.
  /// - Returns: The number of its events that are projected now. All of them if the delivery is complete.
  @discardableResult
  mutating func take(
    _ delivery: RecordedDelivery, recent: RecentDeliveries, isBegun: Bool = false, from first: Int = 0,
    until isLate: (ProjectionBatch, Int) -> Bool = { _, _ in false }
  ) throws -> Int {
    let source = delivery.logged.delivery.source
    if !isBegun, let fingerprint = delivery.fingerprint {
      guard recent.accept(fingerprint, at: delivery.position) else {
        counts.append(.delivery(source: source, .duplicate))
        return delivery.eventCount
      }
      fingerprints.append(fingerprint)
    }
    switch delivery.interpretation {
    case .events(let events, let branchUpdates):
      if !isBegun { counts.append(.delivery(source: source, .recorded)) }
      let preloaded = limitedEvents.removeValue(forKey: delivery.position)
      var rest = events.dropFirst(first)
      while !rest.isEmpty {
        let some = preloaded == nil ? rest.prefix(Correlation.subjectsAtOnce) : rest
        let limited = preloaded.map { Array($0.dropFirst(first)) } ?? some.map(Correlation.limited)
        if preloaded == nil { try correlation.preload(limited) }
        for (event, limited) in zip(some, limited) {
          if let time = Retention.vendorTime(of: event, received: delivery.logged.delivery.received) {
            newestVendorTime = max(newestVendorTime ?? time, time)
          }
          if try isDamaged(limited.key) {
            leftOutCount += 1
          } else {
            try take(event, limited, received: delivery.logged.delivery.received)
          }
        }
        eventCount += some.count
        rest = rest.dropFirst(some.count)
        if !rest.isEmpty, isLate(self, events.count - first - rest.count) { return events.count - rest.count }
      }
      eventCount += branchUpdates.count
      for update in branchUpdates { correlation.take(update) }
      if correlation.exceeded != exceeded {
        for limit in CorrelationLimit.allCases {
          let count = correlation.exceeded[limit, default: 0] - exceeded[limit, default: 0]
          if count > 0 { counts.append(.cut(source: source, limit, count: count)) }
        }
        exceeded = correlation.exceeded
      }
    case .exclusion(let change):
      counts.append(.delivery(source: source, .recorded))
      exclusions.append(ExclusionDecision(change, at: delivery.logged.delivery.received))
    case .ignored: counts.append(.delivery(source: source, .ignored))
    case nil: counts.append(.delivery(source: source, .unreadable))
    }
    return delivery.eventCount
  }

  /// Loads a subject. True if it is stored but cannot be read.
  private mutating func isDamaged(_ key: SubjectKey) throws -> Bool {
    // What is damaged was found when the subject was preloaded.
    if damage.isEmpty { return false }
    return try correlation.subject(key) == nil && damage.contains(.subject, key.description)
  }

  private mutating func take(_ event: Event, _ limited: Event, received: Timestamp) throws {
    let (key, isNews) = try correlation.take(limited: limited, isPreloaded: true)
    // The classic picture shows what webhooks told.
    if isImported { return }
    let tellsEnd = event.tellsEnd
    let known = tellsEnd || event.classic != nil ? try correlation.subject(key) : nil
    if tellsEnd, let subject = known, !subject.importedEnds.isEmpty {
      liveEnds[key, default: []].append(event)
      // The end counts from now on, also if the event says nothing new.
      correlation.update(subject)
    }
    guard let mark = event.classic, var subject = known else { return }
    // A second webhook reports the same end. The first report ended the open span, so this one must not create another. An import
    // that reported the end has created none.
    if mark.transition == .end, subject.classic.open == nil, !isNews || subject.isToldTwice(event),
      !isFirstLiveEnd(of: subject, at: mark.time)
    {
      return
    }
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

  /// True if only imported deliveries told this end before, and no earlier delivery of this batch did.
  private func isFirstLiveEnd(of subject: Subject, at time: EventTime) -> Bool {
    guard subject.importedEnds.contains(time.timestamp) else { return false }
    let told = liveEnds[subject.key, default: []].filter { event in
      event.marks.contains { $0.kind == .end && $0.time.timestamp == time.timestamp }
    }
    return told.count <= 1
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
      let importedBefore = subject.importedEnds
      let isChanged = try isImported ? noteImported(&subject, outlines) : noteLive(&subject, outlines)
      let known = subject.outboxAttempts
      let news = outlines.filter { outline in
        guard let end = outline.end, !known.contains(outline.number) else { return false }
        return exportsImported || subject.importedEnds.isEmpty || !subject.importedEnds.contains(end)
      }
      if !news.isEmpty {
        subject.outboxAttempts += news.map(\.number)
        outboxEntries += news.map { OutboxEntry(key: key, attempt: $0.number, time: now) }
      }
      if isCounting, !isImported, !news.isEmpty || !known.isEmpty {
        // What was exported when an import told it is new to the metrics.
        let toldNow = isChanged ? Set(importedBefore).subtracting(subject.importedEnds) : []
        let exportedBefore = outlines.count { known.contains($0.number) && ($0.end.map(toldNow.contains) ?? false) }
        try awaitCounting(
          subject, outlines, newCount: news.count + exportedBefore, hadOutboxEntries: known.count > exportedBefore)
      }
      if isImported, isChanged, importedBefore.isEmpty, !subject.importedEnds.isEmpty, !exportsImported {
        outboxEntries.append(OutboxEntry(key: key, attempt: Self.unexportedAttempt, time: now))
      }
      let shares = GaugeShare.all(of: subject, outlines)
      if shares != subject.gaugeShares {
        counts += subject.gaugeShares.map { .gauge($0, times: -1) } + shares.map { .gauge($0, times: 1) }
        if !shares.isEmpty, let labels = FinishedLabels(of: subject) { counts.append(.begun(labels)) }
        subject.gaugeShares = shares
      } else if news.isEmpty, !isChanged {
        continue
      }
      correlation.update(subject)
    }
  }

  // MARK: Imported ends

  /// The number in the outbox entry of a subject whose ends are not exported. No attempt has it, so exporters pass it over. It
  /// records when the subject was imported, because retention counts from then.
  private static let unexportedAttempt = 0

  /// Notes the ends that were not known before. In this batch, only imported deliveries told them.
  ///
  /// - Returns: True if that changes the subject.
  private func noteImported(_ subject: inout Subject, _ outlines: [AttemptOutline]) throws -> Bool {
    let before = try subject.outboxAttempts.isEmpty ? [] : store.subjects([subject.key])[subject.key]?.outlines() ?? []
    // An earlier attempt that is imported renumbers the later ones.
    let numbers = subject.outboxAttempts.map { number -> Int in
      guard let former = before.first(where: { $0.number == number }) else { return number }
      let now = outlines.first { $0.start == former.start } ?? outlines.first { $0.end == former.end }
      return now?.number ?? number
    }
    let live = Set(numbers)
    let ends = outlines.compactMap { live.contains($0.number) ? nil : $0.end }.filter { !subject.importedEnds.contains($0) }
    guard !ends.isEmpty || numbers != subject.outboxAttempts else { return false }
    subject.outboxAttempts = live.sorted()
    subject.importedEnds = Array((subject.importedEnds + ends).suffix(Subject.factLimit))
    return true
  }

  /// Takes out the ends that a live delivery of this batch tells.
  ///
  /// - Returns: True if that changes the subject.
  private func noteLive(_ subject: inout Subject, _ outlines: [AttemptOutline]) -> Bool {
    guard !subject.importedEnds.isEmpty, let events = liveEnds[subject.key] else { return false }
    let last = outlines.last { $0.end != nil }?.number
    let told = outlines.filter { outline in events.contains { $0.tells(outline, isLast: outline.number == last) } }
    let ends = Set(told.compactMap(\.end))
    guard subject.importedEnds.contains(where: ends.contains) else { return false }
    subject.importedEnds.removeAll(where: ends.contains)
    return true
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
    changes.exclusions = exclusions
    changes.measurements = measurements
    // Two subjects that turn out to be one may both have been counted, and ends that a guest told leave with it. Measure the
    // remaining one again to correct that.
    for key in isCounting ? changes.abandoned.union(changes.absorbed.values) : [] where measurements[key] == nil {
      changes.measurements[key] = .awaits(since: now, counted: [])
    }
    return changes
  }
}

extension RecordedDelivery {
  /// The number of events that the delivery states.
  var eventCount: Int {
    if case .events(let events, _) = interpretation { events.count } else { 0 }
  }
}

extension Subject {
  /// True if a fact beside this event tells the same end. The webhooks of a board and of one of its cards tell it in different words.
  fileprivate func isToldTwice(_ event: Event) -> Bool {
    let ends = event.marks.filter { $0.kind == .end && $0.time.isVendor }
    return !ends.isEmpty
      && events.count { fact in fact.outcome == event.outcome && ends.allSatisfy { fact.marks.contains($0) } } > 1
  }
}

extension Event {
  /// True if the event says that an attempt is over.
  fileprivate var tellsEnd: Bool {
    state == .ended || outcome != nil || marks.contains { $0.kind != .begin }
  }

  /// True if the event tells the end of this attempt.
  fileprivate func tells(_ outline: AttemptOutline, isLast: Bool) -> Bool {
    if case .numbered(let number) = attempt { return number == outline.number }
    let ends = marks.filter { $0.kind == .end }
    if ends.contains(where: { $0.time.timestamp == outline.end }) { return true }
    return isLast && ends.allSatisfy { !$0.time.isVendor }
  }
}
