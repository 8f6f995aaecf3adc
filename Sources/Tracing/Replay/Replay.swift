import DeliveryCounters
import Projection
package import ValueStreamCore

/// Projects the kept deliveries again with the current mapping, into a second store beside the first projection.
///
/// The log lacks deliveries that retention has removed. Facts from before its oldest delivery are carried over from the
/// first projection, as the mapping of that time understood them. Subjects that the first projection no longer has are
/// not restored.
///
/// What other systems have already received does not depend on the mapping, so its records are kept.
/// ``keepBookkeeping()`` copies those that are stored with each subject. The store takes over the others when the
/// second projection replaces the first.
package struct Replay {
  private let log: any DeliveryLog
  let first: any SpanStore & FactStore
  let second: any SpanStore & FactStore
  private let spanRetention: Duration
  private let exporters: [String]
  let clock: any WallClock
  private var batches: ProjectionBatches
  /// Deliveries that crash the process when they are projected. The replay leaves them out.
  private let crashing: [LogPosition: String]

  /// Name of the value that the second store has once everything was carried over.
  private static let carriedOver = "replay.carried_over"
  private static let batchLimit = 512
  private static let batchBytes = 32 << 20
  /// The largest number of rounds in which the replay catches up with deliveries that the first projection has
  /// processed meanwhile.
  private static let roundLimit = 20
  /// How far a vendor's clock may be ahead of this machine's clock.
  private static let clockDifference = Duration.seconds(600)

  /// - Parameters:
  ///   - second: An empty store, or one that an earlier replay with the same mapping has begun to fill. The replay
  ///     continues there.
  ///   - seriesLimit: The same value as for the first projection.
  ///   - spanRetention: The same value as for the first projection.
  ///   - exporters: Names of the running exporters, as for the first projection.
  ///   - exportsImported: The same value as for the first projection.
  /// - Throws: ``StoreError`` if the log or one of the stores cannot be read.
  package init(
    of log: any DeliveryLog, first: any SpanStore & FactStore, second: any SpanStore & FactStore, sources: [any EventSource],
    seriesLimit: Int,
    spanRetention: Duration, exporters: [String], exportsImported: Bool = false, clock: any WallClock
  ) throws {
    self.log = log
    self.first = first
    self.second = second
    self.spanRetention = spanRetention
    self.exporters = exporters
    self.clock = clock
    crashing = SetAsideDeliveries(encoded: try first.values()[SetAsideDeliveries.valueName] ?? []).crashing
    let registry = MetricRegistry()
    batches = try ProjectionBatches(
      store: second, logEnd: try log.coverage(), sources: sources, recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: seriesLimit), clock: clock, grace: nil,
      exportsImported: exportsImported)
  }

  /// Projects all deliveries up to the position of the first projection.
  ///
  /// - Parameter onProgress: Called after each batch with the number of deliveries read so far and an upper bound of
  ///   their total number.
  /// - Returns: The number of deliveries that were read.
  /// - Throws: ``StoreError``. Call again to continue where it stopped.
  @discardableResult
  package mutating func run(onProgress: (_ read: Int, _ total: Int) -> Void = { _, _ in }) throws -> Int {
    if try second.values()[Self.carriedOver] == nil { try carryOver() }
    let start = batches.position
    var count = 0
    for _ in 0..<Self.roundLimit {
      guard let end = try first.position(), !batches.position.covers(end) else { break }
      let read = try project(upTo: end) { onProgress(count + $0, Int(clamping: end.count(beyond: start))) }
      if read == 0 { break }
      count += read
    }
    try removeOld()
    return count
  }

  private mutating func project(upTo end: LogCoverage, onProgress: (_ read: Int) -> Void) throws -> Int {
    var count = 0
    while !batches.position.covers(end) {
      let read = try log.read(after: batches.position, limit: Self.batchLimit, byteLimit: Self.batchBytes)
        .filter { end.contains($0.position) }
      guard let last = read.last else {
        try batches.pass(upTo: end)
        break
      }
      // Retention uses the time of the outbox entry, which is about when its delivery was received.
      let instant = last.logged.delivery.received
      for part in read.split(maxSplits: .max, omittingEmptySubsequences: true, whereSeparator: { crashing[$0.position] != nil }) {
        try leaveOutCrashing(in: read, before: part.first?.position)
        _ = try batches.project(items: part.map { ProjectionBatches.Item.logged($0.logged, $0.position) }, at: instant)
      }
      try leaveOutCrashing(in: read, before: nil)
      count += read.count
      onProgress(count)
    }
    return count
  }

  /// Passes over deliveries that crash the process, up to a position in the log.
  ///
  /// - Parameter place: The position to stop before; nil to go through all of them.
  private mutating func leaveOutCrashing(
    in read: [LogEntry], before place: LogPosition?
  ) throws {
    guard !crashing.isEmpty else { return }
    for entry in read.prefix(while: { $0.position != place }) {
      guard let reason = crashing[entry.position], !batches.position.covers(entry.position) else { continue }
      try batches.leaveOut(entry.logged, at: entry.position, reason: reason)
    }
  }

  /// Removes subjects that retention has removed from the first projection, or would remove now.
  private func removeOld() throws {
    var cutoff = clock.now().advanced(byNanoseconds: -spanRetention.nanoseconds)
    let progress = try first.exportProgress()
    if let passed = exporters.map({ progress[$0]?.sequence ?? 0 }).min(),
      let waiting = try first.outboxEntries(after: passed, limit: 1).first
    {
      cutoff = min(cutoff, waiting.outboxEntry.time)
    }
    while try second.removeFinished(before: cutoff, awaitedBy: [], limit: Self.batchLimit) == Self.batchLimit {}
  }

  /// Carries over the facts from before the oldest kept delivery, once per second store.
  private mutating func carryOver() throws {
    var done = ProjectionChanges()
    done.values[Self.carriedOver] = [1]
    if let beginning = try Self.beginning(of: log, seenBy: first) { try carryOver(before: beginning) }
    try second.write(done)
  }

  /// Returns the time from which on the log contains everything that a projection holds.
  ///
  /// Facts from before that time have to be carried over when the log is projected again.
  ///
  /// - Returns: Nil if the log contains everything from the beginning: the projection was made from this log, and no
  ///   delivery was removed or is damaged. The greatest time if the log is empty.
  /// - Throws: ``StoreError`` if the log or the projection cannot be read.
  package static func beginning(of log: any DeliveryLog, seenBy projection: any SpanStore) throws -> Timestamp? {
    guard let oldest = try log.read(after: nil, limit: 1, byteLimit: 0).first?.logged.delivery.received else {
      return Timestamp(nanoseconds: .max)
    }
    if let end = log.endOfDamage() {
      // Only the first projection has the facts of damaged deliveries. Duplicate facts do no harm.
      let last = LogPosition(rawValue: max(end.rawValue, 1) - 1)
      let others = (try log.coverage()?.ends ?? []).filter { $0.writer != last.writer }
      let before = LogCoverage(others + [last])
      let next = try log.read(after: before, limit: 1, byteLimit: 0).first?.logged.delivery.received
      return next.map { max($0, oldest).advanced(byNanoseconds: clockDifference.nanoseconds) } ?? Timestamp(nanoseconds: .max)
    }
    let known = try projection.values()[ProjectionBatches.logBeginning]
    if try log.isComplete(), known == ProjectionBatches.encoded(beginning: oldest) { return nil }
    return oldest.advanced(byNanoseconds: clockDifference.nanoseconds)
  }

  private mutating func carryOver(before beginning: Timestamp) throws {
    try first.forEachPage { subjects in
      for isImported in [false, true] {
        let some = subjects.filter { $0.importedEnds.isEmpty != isImported }
        let events = some.flatMap(\.events).filter { $0.time.timestamp < beginning }
        if events.isEmpty, isImported { continue }
        let received = min(beginning, clock.now())
        // Ends of these subjects do not go into the outbox again. ``keepBookkeeping()`` tells apart what was.
        let headers: HTTPHeaders = isImported ? [ImportMark.header: "import:replay:carried:1 \(received.rfc3339)"] : [:]
        let delivery = Delivery(source: "replay", received: received, headers: headers, body: [])
        // Position 0 lies before the first position that a log assigns.
        try batches.projectBeforeLog(
          RecordedDelivery(
            position: LogPosition(rawValue: 0), logged: LoggedDelivery(delivery), interpretation: .events(events),
            fingerprint: nil))
      }
    }
  }

  /// Copies from the first projection the records of what other systems have already received of each subject.
  ///
  /// This covers the numbers of attempts, the attempts that are or were in the outbox, and the classic state, which has
  /// to match the classic counters.
  ///
  /// - Throws: ``StoreError`` if one of the stores cannot be read or written. Call again to repeat it.
  package func keepBookkeeping() throws {
    try second.forEachPage { subjects in
      let known = try first.subjects(subjects.map(\.key))
      var changes = ProjectionChanges()
      for subject in subjects {
        guard let before = known[subject.key] else { continue }
        var kept = subject
        kept.takeNumbers(of: before)
        kept.outboxAttempts = Set(kept.outboxAttempts).union(before.outboxAttempts).sorted()
        kept.classic = before.classic
        let live = Set(before.outlines().compactMap(\.end)).subtracting(before.importedEnds)
        kept.importedEnds = Set(kept.importedEnds).union(before.importedEnds).subtracting(live).sorted()
        guard kept != subject else { continue }
        changes.subjects.append(
          SubjectChange(subject: kept, summary: SubjectSummary(kept), newAliases: [], newFollows: []))
      }
      if !changes.subjects.isEmpty { try second.write(changes) }
    }
  }

  /// Compares the second projection with the first, over all subjects.
  ///
  /// - Throws: ``StoreError`` if one of the stores cannot be read.
  package func comparison() throws -> ReplayComparison {
    var comparison = ReplayComparison()
    try second.forEachPage { subjects in
      let known = try first.subjects(subjects.map(\.key))
      for subject in subjects { comparison.compare(known[subject.key], with: subject) }
    }
    try first.forEachPage { subjects in
      let known = try second.subjects(subjects.map(\.key))
      for subject in subjects where known[subject.key] == nil { comparison.compare(subject, with: nil) }
    }
    return comparison
  }
}

extension SpanStore {
  fileprivate func forEachPage(_ body: ([Subject]) throws -> Void) throws {
    var cursor: UInt64?
    repeat {
      let page = try subjects(after: cursor, limit: 500)
      if !page.subjects.isEmpty { try body(page.subjects) }
      cursor = page.next
    } while cursor != nil
  }
}
