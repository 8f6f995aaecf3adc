import DeliveryCounters
import Projection
package import ValueStreamCore

/// A second projection of the kept deliveries, by the mapping of today, beside the one that vsd made as they came.
///
/// What the log does not hold is carried over: the facts of before its oldest delivery are put in first, as they were
/// understood then. What the first projection no longer keeps is not brought back. What was told to others is no matter of mapping and stays: ``keepBookkeeping()``, and what the store takes over
/// when the second projection takes the place of the first.
package struct Replay {
  private let log: any DeliveryLog
  private let first: any SpanStore
  private let second: any SpanStore
  private let spanRetention: Duration
  private let exporters: [String]
  private let clock: any WallClock
  private var batches: ProjectionBatches
  /// Deliveries that crash whoever projects them.
  private let crashing: [LogPosition: String]

  /// The value that stands in the second store once everything was carried over.
  private static let carriedOver = "replay.carried_over"
  private static let batchLimit = 512
  private static let batchBytes = 32 << 20
  /// How often it goes after a first projection that moves on meanwhile.
  private static let roundLimit = 20
  /// How far the clock of a vendor may be ahead of ours.
  private static let clockDifference = Duration.seconds(600)

  /// - Parameters:
  ///   - second: empty, or what an earlier replay with the same mapping has filled: it goes on from there.
  ///   - seriesLimit: as for the first projection; so are `spanRetention` and `exporters`, the names of those that run.
  package init(
    of log: any DeliveryLog, first: any SpanStore, second: any SpanStore, sources: [any EventSource], seriesLimit: Int,
    spanRetention: Duration, exporters: [String], clock: any WallClock
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
      store: second, logEnd: try log.lastPosition(), sources: sources, recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: seriesLimit), clock: clock, grace: nil)
  }

  /// Projects up to where the first projection stands.
  ///
  /// - Parameter onProgress: told now and then how many deliveries were read, and how many there are.
  /// - Returns: how many deliveries were read.
  /// - Throws: ``StoreError``. Called again it goes on where it stopped.
  @discardableResult
  package mutating func run(onProgress: (_ read: Int, _ total: Int) -> Void = { _, _ in }) throws -> Int {
    if try second.values()[Self.carriedOver] == nil { try carryOver() }
    let start = batches.position?.rawValue ?? 0
    var count = 0
    for _ in 0..<Self.roundLimit {
      guard let end = try first.position(), batches.position.map({ $0 < end }) ?? true else { break }
      let read = try project(upTo: end) { onProgress(count + $0, Int(clamping: end.rawValue - min(end.rawValue, start))) }
      if read == 0 { break }
      count += read
    }
    try removeOld()
    return count
  }

  private mutating func project(upTo end: LogPosition, onProgress: (_ read: Int) -> Void) throws -> Int {
    var count = 0
    while batches.position.map({ $0 < end }) ?? true {
      let read = try log.read(after: batches.position, limit: Self.batchLimit, byteLimit: Self.batchBytes)
        .filter { $0.position <= end }
      guard let last = read.last else {
        try batches.pass(upTo: end)
        break
      }
      // An end was announced about when its delivery came; retention goes by that.
      let moment = last.logged.delivery.received
      for part in read.split(maxSplits: .max, omittingEmptySubsequences: true, whereSeparator: { crashing[$0.position] != nil }) {
        try leaveOutCrashing(in: read, before: part.first?.position)
        _ = try batches.project(items: part.map { ProjectionBatches.Item.logged($0.logged, $0.position) }, at: moment)
      }
      try leaveOutCrashing(in: read, before: nil)
      count += read.count
      onProgress(count)
    }
    return count
  }

  /// Passes over those of these deliveries that crash whoever projects them, up to a place.
  private mutating func leaveOutCrashing(
    in read: [(position: LogPosition, logged: LoggedDelivery)], before place: LogPosition?
  ) throws {
    guard !crashing.isEmpty else { return }
    for entry in read {
      let isDue = place.map { entry.position < $0 } ?? true
      guard isDue, let reason = crashing[entry.position], batches.position.map({ $0 < entry.position }) ?? true else { continue }
      try batches.leaveOut(entry.logged, at: entry.position, reason: reason)
    }
  }

  /// Removes what retention has removed from the first projection, or would.
  private func removeOld() throws {
    var cutoff = clock.now().advanced(byNanoseconds: -spanRetention.nanoseconds)
    let progress = try first.exportProgress()
    if let passed = exporters.map({ progress[$0]?.sequence ?? 0 }).min(),
      let waiting = try first.announcements(after: passed, limit: 1).first
    {
      cutoff = min(cutoff, waiting.announcement.time)
    }
    while try second.removeFinished(before: cutoff, awaitedBy: [], limit: Self.batchLimit) == Self.batchLimit {}
  }

  /// Puts in what was known before the oldest delivery that is kept.
  private mutating func carryOver() throws {
    var done = ProjectionChanges()
    done.values[Self.carriedOver] = [1]
    if let beginning = try Self.beginning(of: log, seenBy: first) { try carryOver(before: beginning) }
    try second.write(done)
  }

  /// From when on a log tells everything that a projection holds; nil where it does from the beginning, because the projection was
  /// made from this log and nothing was removed from it, or is damaged.
  package static func beginning(of log: any DeliveryLog, seenBy projection: any SpanStore) throws -> Timestamp? {
    guard let oldest = try log.read(after: nil, limit: 1, byteLimit: 0).first?.logged.delivery.received else {
      return Timestamp(nanoseconds: .max)
    }
    if let end = log.endOfDamage() {
      // What the lost deliveries told stands in the first projection only. Facts that come twice do no harm.
      let before = LogPosition(rawValue: max(end.rawValue, 1) - 1)
      let next = try log.read(after: before, limit: 1, byteLimit: 0).first?.logged.delivery.received
      return next.map { max($0, oldest).advanced(byNanoseconds: clockDifference.nanoseconds) } ?? Timestamp(nanoseconds: .max)
    }
    let known = try projection.values()[ProjectionBatches.logBeginning]
    if try log.isComplete(), known == ProjectionBatches.encoded(beginning: oldest) { return nil }
    return oldest.advanced(byNanoseconds: clockDifference.nanoseconds)
  }

  private mutating func carryOver(before beginning: Timestamp) throws {
    try first.forEachPage { subjects in
      let events = subjects.flatMap(\.events).filter { $0.time.timestamp < beginning }
      let delivery = Delivery(source: "replay", received: min(beginning, clock.now()), headers: [:], body: [])
      // Before the first place that a log gives.
      try batches.projectBeforeLog(
        RecordedDelivery(
          position: LogPosition(rawValue: 0), logged: LoggedDelivery(delivery), interpretation: .events(events), fingerprint: nil)
      )
    }
  }

  /// Takes over from the first projection what others were told of each thing: which ends were announced, and the classic picture,
  /// which counters go with.
  package func keepBookkeeping() throws {
    try second.forEachPage { subjects in
      let known = try first.subjects(subjects.map(\.key))
      var changes = ProjectionChanges()
      for subject in subjects {
        guard let before = known[subject.key] else { continue }
        var kept = subject
        kept.takeNumbers(of: before)
        kept.announcedAttempts = Set(kept.announcedAttempts).union(before.announcedAttempts).sorted()
        kept.classic = before.classic
        guard kept != subject else { continue }
        changes.subjects.append(
          SubjectChange(subject: kept, summary: SubjectSummary(kept), newAliases: [], newFollows: []))
      }
      if !changes.subjects.isEmpty { try second.write(changes) }
    }
  }

  /// What the second projection has otherwise than the first.
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
      let page = try things(after: cursor, limit: 500)
      if !page.subjects.isEmpty { try body(page.subjects) }
      cursor = page.next
    } while cursor != nil
  }
}
