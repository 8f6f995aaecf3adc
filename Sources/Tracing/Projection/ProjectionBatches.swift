package import DeliveryCounters
package import PoisonGuard
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
  private let onUnmeasurable: @Sendable (OutboxEntry, any Error) -> Void
  private let damage: DamageReport
  private let poisonGuard: PoisonGuard
  private let setAside: SetAsideDeliveries
  private let setAsideCounts: MetricFamily
  private let onSetAside: @Sendable (LogPosition, _ source: String, _ reason: String) -> Void
  private var picture: ClassicPicture
  package private(set) var position: LogPosition?
  /// A batch that was understood and counted, and could not be written: written before anything else.
  private var unwritten: ProjectionChanges?
  /// Where the store could not be read, counting waits until then: each question may take long to fail.
  private var countsAgainAt: Timestamp?
  /// What the unwritten batch holds was counted, and is not counted again when its deliveries are projected one by one.
  private var countedThrough: LogPosition?
  /// Values of a batch that was given up, to be written with the next one.
  private var leftValues: [String: [UInt8]] = [:]
  /// How many deliveries the next step takes at most: half as many after a batch that cannot be written.
  private var width = ProjectionBatches.widthLimit
  /// The newest time that a vendor gave, and what is stored of it: it is written again when it has moved on by an hour.
  private var newestVendorTime: Timestamp?
  /// Names whose followers are to be looked at again, and the same as they are stored.
  private var pending: PendingTies
  private var storedPending: PendingTies
  /// Steps in a row that failed.
  private var failures = 0
  /// What ``logBeginning`` becomes with the next batch; nil where it stays.
  private var newBeginning: [UInt8]?

  private static let vendorTimeStep = Duration.seconds(3600)
  private static let widthLimit = 512
  /// A step ends with the delivery at which it has taken so long, or so many events: others wait for it.
  private static let stepDuration = Duration.milliseconds(50)
  private static let stepEvents = 2_000
  /// How many followers a step looks at again at most; fewer where they are large, or after a step that cannot be written.
  private let followersPerStep: Int
  private var followerWidth: Int
  /// True while followers are looked at in steps without deliveries: nothing of the one is to be set aside for the other.
  private var reexaminesApart = false
  /// After so many failures of reading or writing in a row it is tried with fewer deliveries.
  private static let patience = 3

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
  ///   - damage: the report of the store: events about a damaged subject are left out, or the subject would begin anew without what was
  ///     known of it.
  ///   - poisonGuard: marks each step.
  ///   - setAside: filled with the deliveries that cannot be projected.
  ///   - followersPerStep: how much work a step does, beside its deliveries, for followers of names that lead elsewhere than before.
  ///   - onSetAside: called for each of those when it is set aside.
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    store: any SpanStore, logEnd: LogPosition?, sources: [any EventSource], recent: RecentDeliveries, registry: MetricRegistry,
    metrics: ProjectionMetrics, clock: any WallClock, grace: Duration?,
    damage: DamageReport = DamageReport(), poisonGuard: PoisonGuard = PoisonGuard(),
    setAside: SetAsideDeliveries = SetAsideDeliveries(), followersPerStep: Int = 256,
    onClassicSpan: @escaping @Sendable (ClassicPicture.FinishedSpan) -> Void = { _ in },
    onUnmeasurable: @escaping @Sendable (OutboxEntry, any Error) -> Void = { _, _ in },
    onSetAside: @escaping @Sendable (LogPosition, _ source: String, _ reason: String) -> Void = { _, _, _ in }
  ) throws {
    setAsideCounts = registry.family(
      .counter, "valuestream_projection_set_aside_total",
      help: "Deliveries, and events about a damaged subject, that could not be projected, by reason.", labels: ["reason"],
      isDurable: true)
    for reason in SetAsideReason.allCases { setAsideCounts.touch(labels: [reason.rawValue]) }
    self.damage = damage
    self.poisonGuard = poisonGuard
    self.setAside = setAside
    self.onSetAside = onSetAside
    let values = try store.values()
    let stored = try store.position()
    let position = stored.flatMap { stored in logEnd.map { min($0, stored) } }
    let window = clock.now().advanced(byNanoseconds: -Self.redeliveryWindow.nanoseconds)
    recent.preload(try store.fingerprints(since: window).sorted { $0.received < $1.received })
    registry.restore(values)
    setAside.restore(values[SetAsideDeliveries.valueName] ?? [])
    newestVendorTime = Retention.newestVendorTime(in: values)
    self.followersPerStep = max(1, followersPerStep)
    followerWidth = self.followersPerStep
    pending = PendingTies(encoded: values[PendingTies.valueName] ?? [])
    storedPending = pending
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
      do {
        try store.write(try FormerWaitingList(former).changes(in: store))
      } catch let error as StoreError where error.isRetryable || error.code == .unusable {
        // Where nothing can be written now: the list stays, and is taken over at a later start.
      }
    }
    guard values[Self.gaugeLimit] != encodedSeriesLimit else { return }
    do {
      try recountGauges()
    } catch is StoreError {
      // Gauges that may be a little wrong keep nobody from starting, nor does a full disk; they are counted anew at a later start.
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
    metrics.forgetSubjects()
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

  /// A delivery to be projected: as intake handed it on, or as the log holds it.
  package enum Item: Sendable {
    case recorded(RecordedDelivery)
    case logged(LoggedDelivery, LogPosition)

    package var position: LogPosition {
      switch self {
      case .recorded(let delivery): delivery.position
      case .logged(_, let position): position
      }
    }

    fileprivate var logged: LoggedDelivery {
      switch self {
      case .recorded(let delivery): delivery.logged
      case .logged(let logged, _): logged
      }
    }
  }

  private enum SetAsideReason: String, CaseIterable {
    /// Crashes the process.
    case crash
    /// Cannot be written, or correlated with what is stored.
    case store
    /// An event about a subject that is damaged.
    case damagedSubject = "damaged_subject"
    /// A follower of a name, whose new parent cannot be stored.
    case follower
  }

  /// Projects a batch and writes it, in as many steps as it takes.
  ///
  /// - Parameter instant: when ends count as announced; nil for now.
  /// - Returns: how far the log is projected now, and whether spans finished.
  package mutating func project(
    _ deliveries: [RecordedDelivery], at instant: Timestamp? = nil
  ) throws -> (position: LogPosition?, hasOutboxEntries: Bool) {
    try project(items: deliveries.map { .recorded($0) }, at: instant)
  }

  package mutating func project(
    items: [Item], at instant: Timestamp? = nil
  ) throws -> (position: LogPosition?, hasOutboxEntries: Bool) {
    var rest = items[...]
    var hasOutboxEntries = false
    repeat {
      let step = try step(rest, at: instant)
      hasOutboxEntries = hasOutboxEntries || step.hasOutboxEntries
      rest = rest.drop { item in step.position.map { item.position <= $0 } ?? false }
    } while !rest.isEmpty || hasPendingWork
    return (position, hasOutboxEntries)
  }

  /// True where followers of names are still to be looked at again: a step without deliveries does so, too.
  package var hasPendingWork: Bool { !pending.isEmpty }

  /// Projects the first of these deliveries, at least one, and writes what follows from them.
  ///
  /// Deliveries that were projected before are passed over. After an error nothing of the step counts, or all of it does
  /// and is written by the next call; either way the caller reads the log again from ``position``. A delivery that the store can never
  /// take, or that has crashed the process again and again, is set aside, and counts as projected.
  package mutating func step(
    _ items: ArraySlice<Item>, at instant: Timestamp? = nil
  ) throws -> (position: LogPosition?, hasOutboxEntries: Bool) {
    try writeLeft()
    try countAwaiting()
    let fresh = items.drop { item in position.map { item.position <= $0 } ?? false }
    guard let first = fresh.first, pending.count < PendingTies.limit, !reexaminesApart || !hasPendingWork else {
      return (position, try hasPendingWork && workOffPending(at: instant))
    }
    if position == nil, newBeginning == nil { newBeginning = Self.encoded(beginning: first.logged.delivery.received) }
    let taken = fresh.prefix(stepWidth(fresh))
    guard let last = taken.last else { return (position, false) }
    if taken.count == 1, poisonGuard.isPoison(PoisonGuard.projection, first.position.rawValue) {
      try setAside(first, .crash, "\(SetAsideDeliveries.crashReason) \(PoisonGuard.deathLimit) times")
      poisonGuard.pass(PoisonGuard.projection, upTo: first.position.rawValue)
      return (position, false)
    }
    let hasOutboxEntries: Bool
    do {
      let poisonGuard = poisonGuard
      let marked = first.position.rawValue...max(first.position, last.position).rawValue
      let followers = reexaminesApart ? 0 : followerWidth
      hasOutboxEntries = try poisonGuard.run(PoisonGuard.projection, marked) {
        try project(taken, lookingAt: followers, at: instant)
      }
      failures = 0
      reexaminesApart = reexaminesApart && hasPendingWork
      width = min(width * 2, Self.widthLimit)
      if let position { poisonGuard.pass(PoisonGuard.projection, upTo: position.rawValue) }
    } catch let error as StoreError {
      failures += 1
      guard isLasting(error) else { throw error }
      giveUpUnwritten()
      if !reexaminesApart {
        // It may be for the followers.
        reexaminesApart = true
        return try step(items, at: instant)
      }
      if taken.count == 1 {
        try setAside(first, .store, "what follows from it cannot be stored: \(error.message)")
        return (position, false)
      }
      width = max(1, taken.count / 2)
      return try step(items, at: instant)
    }
    // What does not wait is counted with what was told of it.
    if grace == .zero { try countAwaiting() }
    return (position, hasOutboxEntries)
  }

  /// A step without deliveries.
  ///
  /// - Returns: whether spans finished.
  private mutating func workOffPending(at instant: Timestamp?) throws -> Bool {
    do {
      let none: ArraySlice<Item> = []
      let hasOutboxEntries = try project(none, lookingAt: followerWidth, at: instant)
      failures = 0
      followerWidth = min(followerWidth * 2, followersPerStep)
      reexaminesApart = reexaminesApart && hasPendingWork
      return hasOutboxEntries
    } catch let error as StoreError {
      failures += 1
      guard isLasting(error) else { throw error }
      giveUpUnwritten()
      reexaminesApart = true
      if followerWidth > 1 { followerWidth /= 2 } else { try passOverFollower() }
      return false
    }
  }

  /// Passes over the follower that is next: what can never be written must not hold up the others.
  private mutating func passOverFollower() throws {
    guard let next = pending.next else { return }
    do {
      pending.pass(next.reference, upTo: try store.followers(of: next.reference, after: next.after, limit: 1).last?.place)
    } catch let error as StoreError where isLasting(error) {
      pending.dropNext()
    }
    setAsideCounts.add(labels: [SetAsideReason.follower.rawValue])
    var changes = ProjectionChanges()
    changes.values[PendingTies.valueName] = pending.encoded
    changes.position = position
    unwritten = changes
    try writePending()
    failures = 0
  }

  /// How many of these deliveries the next step takes.
  private func stepWidth(_ fresh: ArraySlice<Item>) -> Int {
    var count = min(width, fresh.count)
    if let countedThrough {
      let counted = fresh.prefix(count).prefix { $0.position <= countedThrough }.count
      if counted > 0 { count = counted }
    }
    // Each suspect stands alone.
    let suspect = fresh.prefix(count).firstIndex { poisonGuard.isSuspect(PoisonGuard.projection, $0.position.rawValue) }
    return suspect.map { max(1, $0 - fresh.startIndex) } ?? count
  }

  /// True when trying again with the same deliveries will not help. A full disk is no reason: what cannot be written now may be
  /// later. Where only some deliveries cannot be written, the others show that the store can.
  private func isLasting(_ error: StoreError) -> Bool {
    switch error.code {
    case .corrupt, .rejected, .newerVersion: true
    case .inputOutput: failures >= Self.patience
    case .noSpace, .busy, .unusable: false
    }
  }

  /// - Parameter followers: how many followers of names that lead elsewhere are looked at; none where it is 0.
  /// - Returns: whether spans finished.
  private mutating func project(_ taken: ArraySlice<Item>, lookingAt followers: Int, at instant: Timestamp?) throws -> Bool {
    var batch = ProjectionBatch(
      store: store, picture: picture, pending: pending, now: instant ?? clock.now(), isCounting: grace != nil, damage: damage)
    let start = ContinuousClock.now
    var reached: LogPosition?
    for item in taken {
      switch item {
      case .recorded(let delivery): try batch.take(delivery, recent: recent)
      case .logged(let logged, let position): try batch.take(reread(logged, at: position), recent: recent)
      }
      reached = item.position
      if batch.eventCount >= Self.stepEvents || batch.pending.count >= PendingTies.limit { break }
      if start.duration(to: .now) >= Self.stepDuration { break }
    }
    let followersStart = ContinuousClock.now
    if followers > 0 {
      try batch.reexamineFollowers(atMost: followers) { followersStart.duration(to: .now) >= Self.stepDuration }
    }
    try batch.concludeSpans()

    var changes = batch.finish()
    changes.outboxEntries += try Self.exportedProvisionally(changes.absorbed, in: store, at: instant ?? clock.now())
    if reached.map({ reached in countedThrough.map { reached > $0 } ?? true }) ?? true {
      if reached != nil { countedThrough = nil }
      for count in batch.counts { metrics.apply(count) }
      for case .finished(let span) in batch.classic { onClassicSpan(span) }
      if batch.leftOutCount > 0 {
        setAsideCounts.add(Double(batch.leftOutCount), labels: [SetAsideReason.damagedSubject.rawValue])
      }
    }
    if batch.picture.nextID != picture.nextID { changes.values[Self.nextClassicID] = Array("\(batch.picture.nextID)".utf8) }
    picture = batch.picture
    if let newest = batch.newestVendorTime,
      newestVendorTime.map({ newest >= $0.advanced(byNanoseconds: Self.vendorTimeStep.nanoseconds) }) ?? true
    {
      newestVendorTime = newest
      changes.values[Retention.newestVendorTimeName] = Array("\(newest.nanoseconds)".utf8)
    }
    pending = batch.pending
    if pending != storedPending { changes.values[PendingTies.valueName] = pending.encoded }
    changes.position = reached ?? position
    unwritten = changes
    try writePending()
    return !changes.outboxEntries.isEmpty
  }

  /// Writes what could not be written before, or gives it up so that its deliveries are projected again, fewer at a time.
  private mutating func writeLeft() throws {
    guard unwritten != nil else { return }
    do {
      try writePending()
      failures = 0
    } catch let error as StoreError {
      failures += 1
      guard isLasting(error) else { throw error }
      giveUpUnwritten()
      width = max(1, width / 2)
    }
  }

  private mutating func giveUpUnwritten() {
    guard let changes = unwritten else { return }
    // Parts of a batch that was given up are given up in turn, and all of it was counted.
    countedThrough = [countedThrough, changes.position].compactMap(\.self).max()
    leftValues.merge(changes.values) { _, new in new }
    leftValues[PendingTies.valueName] = nil
    pending = storedPending
    unwritten = nil
  }

  /// Passes over a delivery that stays in the log, and remembers why.
  private mutating func setAside(_ item: Item, _ kind: SetAsideReason, _ reason: String) throws {
    let source = item.logged.delivery.source
    setAside.add(item.position, reason)
    if countedThrough.map({ item.position > $0 }) ?? true { metrics.apply(.delivery(source: source, .unreadable)) }
    setAsideCounts.add(labels: [kind.rawValue])
    var changes = ProjectionChanges()
    changes.values[SetAsideDeliveries.valueName] = setAside.encoded
    if case .recorded(let delivery) = item, let fingerprint = delivery.fingerprint { changes.fingerprints = [fingerprint] }
    changes.position = item.position
    unwritten = changes
    onSetAside(item.position, source, reason)
    try writePending()
    failures = 0
  }

  /// Passes over a delivery that another projection has set aside because it crashes whoever projects it.
  package mutating func leaveOut(_ logged: LoggedDelivery, at place: LogPosition, reason: String) throws {
    try writeLeft()
    try setAside(.logged(logged, place), .crash, reason)
  }

  /// Passes over the deliveries up to a place, because none of them can be read.
  package mutating func pass(upTo place: LogPosition) throws {
    try writeLeft()
    guard position.map({ $0 < place }) ?? true else { return }
    var changes = ProjectionChanges()
    changes.position = place
    unwritten = changes
    try writePending()
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
    try writeLeft()
    return try countAwaiting()
  }

  /// Writes what was counted apart from deliveries that are projected: those that were duplicate or refused.
  package mutating func keepCounts() throws {
    try writeLeft()
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
      for (key, measurement) in awaiting {
        let number = Self.number(of: key)
        if poisonGuard.isPoison(PoisonGuard.measurement, number) {
          let outboxEntry = OutboxEntry(key: key, attempt: 1, time: measurement.awaitsSince ?? now)
          onUnmeasurable(outboxEntry, StoreError(.rejected, "it has crashed vsd \(PoisonGuard.deathLimit) times"))
          changes.measurements[key] = .counted(measurement.counted)
        } else {
          changes.measurements[key] = try poisonGuard.run(PoisonGuard.measurement, number...number) {
            try self.count(key, measurement, &reader)
          }
        }
        poisonGuard.pass(PoisonGuard.measurement, number)
      }
    } catch {
      countsAgainAt = now.advanced(byNanoseconds: Self.pauseOfCounting.nanoseconds)
    }
    guard !changes.measurements.isEmpty else { return true }
    changes.position = position
    unwritten = changes
    try writePending()
    return count < Self.countedAtOnce
  }

  /// A number for a subject that stays the same from start to start (FNV-1a).
  private static func number(of key: SubjectKey) -> UInt64 {
    key.description.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// - Throws: what may be otherwise later.
  private func count(_ key: SubjectKey, _ measurement: Measurement, _ reader: inout TraceReader) throws -> MeasurementChange {
    let since = measurement.awaitsSince ?? clock.now()
    do {
      guard let subject = try reader.subject(for: key) else { return .counted(measurement.counted) }
      let counted = CountedEnd.decode(measurement.counted, of: key.source)
      let ends = try metrics.count(subject, counted: counted, at: since, &reader, onUnmeasurable: onUnmeasurable)
      return .counted(CountedEnd.encode(ends))
    } catch let error as StoreError where !error.isRetryable {
      onUnmeasurable(OutboxEntry(key: key, attempt: 1, time: since), error)
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
    changes.values.merge(leftValues) { new, _ in new }
    changes.values.merge(registry.changedValues()) { _, new in new }
    // Until a position in the log is known the store stands where another log ended.
    let tellsBeginning = changes.position != nil
    if tellsBeginning, let newBeginning { changes.values[Self.logBeginning] = newBeginning }
    unwritten = changes
    try store.write(changes)
    if tellsBeginning { newBeginning = nil }
    position = changes.position
    storedPending = pending
    unwritten = nil
    leftValues = [:]
    if let counted = countedThrough, let position, position >= counted { countedThrough = nil }
  }

  package mutating func reset() {
    position = nil
    reexaminesApart = false
    followerWidth = followersPerStep
    pending = PendingTies()
    storedPending = pending
    unwritten = nil
    countedThrough = nil
    leftValues = [:]
    setAside.removeAll()
    newBeginning = nil
    recent.removeAll()
  }
}
