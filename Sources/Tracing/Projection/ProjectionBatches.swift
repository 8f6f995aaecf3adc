package import DeliveryCounters
package import PoisonGuard
package import ValueStreamCore

/// Projects deliveries in batches into spans, classic spans, outbox entries and counters. Writes each batch as one change.
///
/// Each delivery counts once. Counters change only after the whole batch is processed, and are written in the same
/// transaction as its position in the log.
///
/// A batch may change where a reference leads, for example when a second subject publishes an alias. The subjects that
/// follow the reference then need a new parent. Each step reexamines a bounded number of them.
package struct ProjectionBatches: Sendable {
  let store: any ProjectionStore
  let sources: [String: any EventSource]
  let recent: RecentDeliveries
  let registry: MetricRegistry
  let metrics: ProjectionMetrics
  let clock: any WallClock
  let grace: Duration?
  let exportsImported: Bool
  let onClassicSpan: @Sendable (ClassicPicture.FinishedSpan) -> Void
  let onUnmeasurable: @Sendable (OutboxEntry, any Error) -> Void
  let damage: DamageReport
  let poisonGuard: PoisonGuard
  let setAside: SetAsideDeliveries
  let setAsideCounts: MetricFamily
  let pendingCount: MetricFamily
  let onSetAside: @Sendable (LogPosition, _ source: String, _ reason: String) -> Void
  var picture: ClassicPicture
  package internal(set) var position: LogCoverage?
  /// A batch that is counted but could not be written. The next call writes it before it does anything else.
  var unwritten: ProjectionChanges?
  /// How long a step counts ends before it projects deliveries. It counts those of at least one subject.
  package var measuringDuration = ProjectionBatches.stepDuration / 2
  /// How long a step projects deliveries. It projects at least one.
  package var projectingDuration = ProjectionBatches.stepDuration
  /// When to count ends again after the store could not be read; nil if it could. Each failing read may take long.
  var countsAgainAt: Timestamp?
  /// The deliveries in batches that were counted but never written; nil if there are none. They are projected again in smaller
  /// batches and must not count again.
  var countedThrough: LogCoverage?
  /// Named values of a batch that was counted but never written. The next batch writes them.
  var leftValues: [String: [UInt8]] = [:]
  /// The most deliveries that the next step takes. Halved after a batch that cannot be written, doubled after success.
  var width = ProjectionBatches.widthLimit
  /// The newest vendor time, as stored. Updated only when it advances by an hour or more, to save writes.
  var newestVendorTime: Timestamp?
  /// References whose followers must be reexamined. `storedPending` is their last stored state.
  var pending: PendingTies
  var storedPending: PendingTies
  /// What is projected beyond `position`. `storedProgress` is its last stored state.
  var progress: ProjectionProgress
  var storedProgress: ProjectionProgress
  /// The deliveries of which `unwritten` contains something; nil if its own position tells.
  private var unwrittenThrough: LogCoverage?
  /// The number of consecutive failed steps.
  var failures = 0
  /// The value of ``logBeginning`` to write with the next batch; nil to keep the stored one.
  var newBeginning: [UInt8]?

  static let vendorTimeStep = Duration.seconds(3600)
  static let widthLimit = 512
  /// Limits of time and events for one step. A step ends after the delivery that reaches one of them, because others wait
  /// for the lock.
  static let stepDuration = Duration.milliseconds(50)
  static let stepEvents = 2_000
  /// A delivery with more events is large: it may take several steps, in each of which at least this many are projected.
  static let largeDelivery = 64
  /// The most followers that a step reexamines. `followerWidth` is the current limit, lower after a step that cannot be
  /// written. Large followers count as several.
  let followersPerStep: Int
  var followerWidth: Int
  /// True while followers and deliveries get separate steps, so that a failure or crash of one does not set aside the other.
  var reexaminesApart: Bool

  static let nextClassicID = "classic.nextID"

  /// Name of the stored value that identifies the log behind this projection by the time of its first delivery.
  ///
  /// The time is in nanoseconds since 1970, in decimal. The value is empty if the log was replaced by another one since, or if
  /// the projection contains facts from before the log.
  package static let logBeginning = "log.beginning"

  package static func encoded(beginning: Timestamp) -> [UInt8] { Array("\(beginning.nanoseconds)".utf8) }

  /// Restores position, counters, recent deliveries and pending work from the store.
  ///
  /// - Parameters:
  ///   - logEnd: How far the log goes before new deliveries are recorded. If the store's position is beyond it, the
  ///     log was removed or replaced by an older copy. Projection then continues from `logEnd`. Otherwise it would skip new
  ///     deliveries as already projected.
  ///   - grace: The grace period before ends are counted; nil to count no ends.
  ///   - exportsImported: True to export also what only imported deliveries told.
  ///   - damage: The damage report of the store. Events about a damaged subject are left out. Otherwise the subject would
  ///     start over without its earlier facts.
  ///   - poisonGuard: Marks each step.
  ///   - setAside: Receives the deliveries that cannot be projected.
  ///   - followersPerStep: The most work that a step does, besides its deliveries, to reexamine followers. At least 1.
  ///   - onClassicSpan: Called for each classic span that ended.
  ///   - onUnmeasurable: Called for each end that is never measured, because its subject or a related one cannot be read.
  ///   - onSetAside: Called for each delivery when it is set aside.
  /// - Throws: ``StoreError`` if the store cannot be read.
  package init(
    store: any ProjectionStore, logEnd: LogCoverage?, sources: [any EventSource], recent: RecentDeliveries,
    registry: MetricRegistry,
    metrics: ProjectionMetrics, clock: any WallClock, grace: Duration?, exportsImported: Bool = false,
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
    pendingCount = registry.family(
      .gauge, "valuestream_projection_pending_references",
      help: "References that lead to another subject now and whose followers wait to be checked again.")
    for reason in SetAsideReason.allCases { setAsideCounts.touch(labels: [reason.rawValue]) }
    self.damage = damage
    self.poisonGuard = poisonGuard
    self.setAside = setAside
    self.onSetAside = onSetAside
    let values = try store.values()
    let stored = try store.position()
    let position = stored.flatMap { stored in logEnd.map { stored.intersection($0) } }
    let window = clock.now().advanced(byNanoseconds: -Self.redeliveryWindow.nanoseconds)
    recent.preload(try store.fingerprints(since: window).sorted { $0.received < $1.received })
    registry.restore(values)
    setAside.restore(values[SetAsideDeliveries.valueName] ?? [])
    newestVendorTime = Retention.newestVendorTime(in: values)
    self.followersPerStep = max(1, followersPerStep)
    followerWidth = self.followersPerStep
    pending = PendingTies(encoded: values[PendingTies.valueName] ?? [])
    storedPending = pending
    storedProgress = ProjectionProgress(encoded: values[ProjectionProgress.valueName] ?? [])
    progress = position == stored ? storedProgress : ProjectionProgress()
    pendingCount.set(Double(pending.count))
    // A crash may have been due to a follower that was reexamined beside deliveries.
    reexaminesApart = poisonGuard.hasSuspects(PoisonGuard.projection) || poisonGuard.hasSuspects(PoisonGuard.followers)
    self.store = store
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    self.recent = recent
    self.registry = registry
    self.metrics = metrics
    self.clock = clock
    self.grace = grace
    self.exportsImported = exportsImported
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
        // The store cannot be read or written at present. The old list stays, and a later start migrates it.
      }
    }
    guard values[Self.gaugeLimit] != encodedSeriesLimit else { return }
    do {
      try recountGauges()
    } catch is StoreError {
      // Slightly wrong gauges or a full disk must not prevent the start. A later start recounts them.
    }
  }

  /// Name of the stored value with the series limit under which the gauges were counted. The prefix of gauges makes a
  /// replacement of the store handle it like the gauges.
  static let gaugeLimit = MetricRegistry.gaugePrefix + "series.limit"

  var encodedSeriesLimit: [UInt8] { Array("\(metrics.seriesLimit)".utf8) }

  /// How long to recognize redeliveries. Longer than vendors allow them (GitHub: three days).
  private static let redeliveryWindow = Duration.seconds(8 * 86_400)

  /// Interprets a delivery read from the log, as intake does with a new one.
  package func reread(_ logged: LoggedDelivery, at position: LogPosition) -> RecordedDelivery {
    let delivery = logged.delivery
    let source = sources[delivery.source]
    let interpretation = logged.unreadable == nil ? try? source?.events(in: delivery.asMapped) : nil
    let id = delivery.isImported ? delivery.importMark?.id : source?.deliveryID(of: delivery)
    let fingerprint = id.map { DeliveryFingerprint(of: delivery, id: $0) }
    return RecordedDelivery(
      position: position, logged: logged, interpretation: interpretation, fingerprint: fingerprint)
  }

  /// Projects deliveries and writes the result, in as many steps as it takes, including all pending work.
  ///
  /// - Parameter instant: The time of new outbox entries; nil for the current time.
  /// - Returns: The position up to which the log is projected, and whether the outbox has new entries.
  /// - Throws: The errors of ``step(_:at:)``.
  package mutating func project(
    _ deliveries: [RecordedDelivery], at instant: Timestamp? = nil
  ) throws -> (position: LogCoverage?, hasOutboxEntries: Bool) {
    try project(items: deliveries.map { .recorded($0) }, at: instant)
  }

  /// Projects deliveries from intake or from the log. See ``project(_:at:)``.
  package mutating func project(
    items: [Item], at instant: Timestamp? = nil
  ) throws -> (position: LogCoverage?, hasOutboxEntries: Bool) {
    var rest = items[...]
    var hasOutboxEntries = false
    repeat {
      let step = try step(rest, at: instant)
      hasOutboxEntries = hasOutboxEntries || step.hasOutboxEntries
      rest = rest.drop { step.position.covers($0.position) }
    } while !rest.isEmpty || hasPendingWork
    return (position, hasOutboxEntries)
  }

  /// True if followers remain to be reexamined. Call ``step(_:at:)`` for it even if there are no deliveries.
  package var hasPendingWork: Bool { !pending.isEmpty }

  /// Projects the first of these deliveries, as many as fit into one step, and writes the result.
  ///
  /// Skips deliveries that are already projected. The step only works off pending followers if there are no deliveries, if too
  /// many references are pending, or if a failure has separated the two. A delivery that the store can never accept, or that
  /// has repeatedly crashed the process, is set aside and counts as projected.
  ///
  /// - Parameters:
  ///   - items: Deliveries in the order of the log, without gaps.
  ///   - instant: The time of new outbox entries; nil for the current time.
  ///   - isInterleaving: True to project small deliveries before large ones, and of a large one as much as a step allows, so
  ///     that it does not hold up the others. Pass what ``remaining(of:)`` returns to the next step.
  /// - Returns: The position up to which the log is projected, and whether the outbox has new entries.
  /// - Throws: ``StoreError`` if the store cannot be read or written at present. Either the step has no effect, or it is
  ///   counted and the next call writes it. In both cases, read the log again from ``position``.
  package mutating func step(
    _ items: ArraySlice<Item>, at instant: Timestamp? = nil, isInterleaving: Bool = false
  ) throws -> (position: LogCoverage?, hasOutboxEntries: Bool) {
    try writeLeft()
    try countAwaiting()
    let open = items.drop { position.covers($0.position) }
    let fresh = progress.aheadCount == 0 ? open : open.filter { !progress.isDone($0.position) }[...]
    if fresh.isEmpty, !open.isEmpty { try pass(upTo: LogCoverage(open.lazy.map(\.position))) }
    // After a failure or crash, deliveries are projected one after the other.
    let isInterleaving =
      isInterleaving && countedThrough == nil && width == Self.widthLimit && progress.aheadCount < ProjectionProgress.limit
      && !poisonGuard.hasSuspects(PoisonGuard.projection)
    // Small deliveries need not wait for the followers of what large ones have moved.
    let pendingLimit = isInterleaving && fresh.contains { !$0.isLarge } ? 2 * PendingTies.limit : PendingTies.limit
    guard let first = fresh.first, let logged = first.logged, pending.count < pendingLimit, !reexaminesApart || !hasPendingWork
    else {
      return (position, try hasPendingWork && workOffPending(at: instant))
    }
    if position == nil, newBeginning == nil { newBeginning = Self.encoded(beginning: logged.delivery.received) }
    let taken = fresh.prefix(stepWidth(fresh))
    guard let last = taken.last else { return (position, false) }
    if taken.count == 1, poisonGuard.isPoison(PoisonGuard.projection, first.position.rawValue) {
      try setAside(first, .crash, "\(SetAsideDeliveries.crashReason) \(PoisonGuard.deathLimit) times")
      poisonGuard.pass(PoisonGuard.projection, in: LogCoverage(first.position))
      return (position, false)
    }
    let hasOutboxEntries: Bool
    do {
      let poisonGuard = poisonGuard
      let marked = first.position.rawValue...max(first.position, last.position).rawValue
      let followers = reexaminesApart ? 0 : followerWidth
      hasOutboxEntries = try poisonGuard.run(PoisonGuard.projection, marked) {
        try project(taken, of: open, isInterleaving: isInterleaving, lookingAt: followers, at: instant)
      }
      failures = 0
      reexaminesApart = reexaminesApart && (hasPendingWork || poisonGuard.hasSuspects(PoisonGuard.projection))
      width = min(width * 2, Self.widthLimit)
      if let position { poisonGuard.pass(PoisonGuard.projection, in: position) }
    } catch let error as StoreError {
      failures += 1
      guard isLasting(error) else { throw error }
      giveUpUnwritten()
      if !reexaminesApart {
        // The followers may have caused the error. Retry without them.
        reexaminesApart = true
        return try step(items, at: instant, isInterleaving: isInterleaving)
      }
      if taken.count == 1 {
        try setAside(first, .store, "what follows from it cannot be stored: \(error.message)")
        return (position, false)
      }
      width = max(1, taken.count / 2)
      return try step(items, at: instant, isInterleaving: isInterleaving)
    }
    // Without a grace period, ends are counted right after the step that reported them.
    if grace == .zero { try countAwaiting() }
    return (position, hasOutboxEntries)
  }

  /// Returns the deliveries that are still to be projected, after a step. Those ahead of the position are marked as done.
  package func remaining(of items: [Item]) -> [Item] {
    let rest = items.drop { position.covers($0.position) }
    return rest.map { progress.isDone($0.position) ? .done($0.position) : $0 }
  }

  /// True if a retry with the same deliveries will not help. Retries with fewer of them then show whether the store accepts others.
  func isLasting(_ error: StoreError) -> Bool { error.isLasting(after: failures) }

  /// Projects and writes one step.
  ///
  /// Stops before the end of `taken` at the limits of a step. Applies counters before it writes. If the write fails, the
  /// changes stay in `unwritten`.
  ///
  /// - Parameters:
  ///   - open: Deliveries that contain `taken`. The position passes over those at their beginning that are done.
  ///   - isInterleaving: True to project small deliveries first, and then events of the first large one.
  ///   - followers: The most work for reexamining followers; 0 to skip them.
  /// - Returns: True if the outbox has new entries.
  mutating func project(
    _ taken: ArraySlice<Item>, of open: ArraySlice<Item>, isInterleaving: Bool, lookingAt followers: Int, at instant: Timestamp?
  ) throws -> Bool {
    var batch = ProjectionBatch(
      store: store, picture: picture, pending: pending, now: instant ?? clock.now(), isCounting: grace != nil,
      isImported: taken.first?.logged?.delivery.isImported ?? false, exportsImported: exportsImported, damage: damage)
    let start = ContinuousClock.now
    var progress = progress
    var through: LogCoverage?
    func isLate(_ eventCount: Int, after duration: Duration) -> Bool {
      eventCount >= Self.stepEvents || start.duration(to: .now) >= duration
    }
    func take(_ delivery: RecordedDelivery, until isLate: (ProjectionBatch, Int) -> Bool = { _, _ in false }) throws {
      let count = delivery.eventCount
      let first = progress.doneCount(of: delivery.position, eventCount: count)
      let done = try batch.take(
        delivery, recent: recent, isBegun: progress.part?.position == delivery.position, from: first, until: isLate)
      progress.take(delivery.position, doneCount: done, eventCount: count)
      through = through.union(LogCoverage(delivery.position))
    }
    var preloadedCount = 0
    var items = Array(taken)
    for index in items.indices where !isInterleaving || !items[index].isLarge {
      if preloadedCount == 0 {
        if !isInterleaving { interpret(&items, from: index) }
        preloadedCount = try batch.preload(items[index...])
      }
      preloadedCount = max(0, preloadedCount - 1)
      switch items[index] {
      case .recorded(let delivery): try take(delivery)
      case .logged(let logged, let position): try take(reread(logged, at: position))
      case .done: continue
      }
      // Go on for a while with deliveries that are preloaded.
      if isLate(batch.eventCount, after: preloadedCount > 0 ? projectingDuration * 2 : projectingDuration) { break }
      if !isInterleaving && batch.pending.count >= PendingTies.limit { break }
    }
    if isInterleaving, batch.pending.count < PendingTies.limit, case .recorded(let large)? = taken.first(where: \.isLarge) {
      try take(large) { batch, count in
        batch.pending.count >= PendingTies.limit
          || count >= Self.largeDelivery && isLate(batch.eventCount, after: projectingDuration)
      }
    }
    let reached = open.prefix { progress.isDone($0.position) }.map(\.position).coverage
    let followersStart = ContinuousClock.now
    if followers > 0 {
      try batch.reexamineFollowers(atMost: followers) { followersStart.duration(to: .now) >= Self.stepDuration }
    }
    try batch.concludeSpans()

    var changes = batch.finish()
    changes.outboxEntries += try Self.exportedProvisionally(changes.absorbed, in: store, at: instant ?? clock.now())
    // All deliveries of a step are counted, or none is. See ``stepWidth(_:)``.
    if through.map({ !countedThrough.covers($0) }) ?? true {
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
    self.progress = progress
    unwrittenThrough = through
    if pending != storedPending { changes.values[PendingTies.valueName] = pending.encoded }
    changes.position = position.union(reached)
    unwritten = changes
    try writePending()
    return !changes.outboxEntries.isEmpty
  }

  /// Interprets deliveries that were read from the log, as many as are preloaded together.
  ///
  /// What others have recorded comes from the log. Reading what each needs by itself would take most of the time.
  private func interpret(_ items: inout [Item], from start: Int) {
    var bytes = 0
    for index in start..<min(items.endIndex, start + store.readAheadCount) {
      guard case .logged(let logged, let position) = items[index] else { continue }
      bytes += logged.delivery.body.count
      if index > start, bytes > Self.interpretedBytes { return }
      items[index] = .recorded(reread(logged, at: position))
    }
  }

  /// The bytes of bodies that are interpreted ahead. A step that ends early does so in vain.
  private static let interpretedBytes = 1 << 20

  /// Writes the batch that could not be written before. After a lasting error, drops it, so that its deliveries are projected
  /// again in smaller batches.
  mutating func writeLeft() throws {
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

  mutating func giveUpUnwritten() {
    guard let changes = unwritten else { return }
    // This may be a part of a larger batch that was dropped before. All of that batch is counted.
    countedThrough = countedThrough.union(changes.position).union(unwrittenThrough)
    leftValues.merge(changes.values) { _, new in new }
    leftValues[PendingTies.valueName] = nil
    leftValues[ProjectionProgress.valueName] = nil
    pending = storedPending
    progress = storedProgress
    unwrittenThrough = nil
    unwritten = nil
  }

  /// Skips deliveries, because none of them can be read from the log.
  ///
  /// - Throws: ``StoreError`` if the position cannot be written.
  package mutating func pass(upTo place: LogCoverage) throws {
    try writeLeft()
    guard !position.covers(place) else { return }
    var changes = ProjectionChanges()
    changes.position = position.union(place)
    unwritten = changes
    try writePending()
  }

  /// Projects facts from another source than the log. Call it before the first delivery of the log.
  package mutating func projectBeforeLog(_ delivery: RecordedDelivery) throws {
    position = nil
    newBeginning = []
    _ = try project([delivery], at: delivery.logged.delivery.received)
  }

  /// Counts ends whose grace period is over.
  ///
  /// - Returns: False if more of them wait. Call again, and release the lock in between so that deliveries can proceed.
  /// - Throws: ``StoreError`` if the counts cannot be written. The next call writes them.
  package mutating func countEnds() throws -> Bool {
    try writeLeft()
    return try countAwaiting()
  }

  /// Writes counters that changed outside of a batch, such as those of duplicate or refused deliveries.
  package mutating func keepCounts() throws {
    try writeLeft()
    try writeCounts()
  }

  /// Writes the changed counters together with the current position.
  private mutating func writeCounts() throws {
    var changes = ProjectionChanges()
    changes.values = registry.changedValues()
    guard !changes.values.isEmpty else { return }
    changes.position = position
    unwritten = changes
    try writePending()
  }

  mutating func writePending() throws {
    guard var changes = unwritten else { return }
    changes.values.merge(leftValues) { new, _ in new }
    changes.values.merge(registry.changedValues()) { _, new in new }
    if let position = changes.position { progress.pass(upTo: position) }
    if progress != storedProgress { changes.values[ProjectionProgress.valueName] = progress.encoded }
    // Without a position in this log, the store still reflects another log.
    let tellsBeginning = changes.position != nil
    if tellsBeginning, let newBeginning { changes.values[Self.logBeginning] = newBeginning }
    unwritten = changes
    try store.write(changes)
    if tellsBeginning { newBeginning = nil }
    position = changes.position
    storedPending = pending
    storedProgress = progress
    unwrittenThrough = nil
    pendingCount.set(Double(pending.count))
    unwritten = nil
    leftValues = [:]
    if let counted = countedThrough, position.covers(counted) { countedThrough = nil }
  }

  /// Discards position, pending work, set-aside deliveries and recent deliveries. Keeps counters, which must only grow.
  package mutating func reset() {
    position = nil
    reexaminesApart = false
    followerWidth = followersPerStep
    pending = PendingTies()
    storedPending = pending
    progress = ProjectionProgress()
    storedProgress = progress
    unwrittenThrough = nil
    unwritten = nil
    countedThrough = nil
    leftValues = [:]
    setAside.removeAll()
    newBeginning = nil
    recent.removeAll()
  }
}
