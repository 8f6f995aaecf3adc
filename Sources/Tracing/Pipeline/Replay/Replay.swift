package import ValueStreamCore

/// A second projection of the kept deliveries, by the mapping of today, beside the one that vsd made as they came.
///
/// What the log no longer holds is carried over: the facts of before its oldest delivery are put in first, as they were
/// understood then. What was told to others is no matter of mapping and stays: ``keepBookkeeping()``, and what the store takes over
/// when the second projection takes the place of the first.
package struct Replay {
  private let log: any DeliveryLog
  private let first: any SpanStore
  private let second: any SpanStore
  private var batches: ProjectionBatches

  /// The value that stands in the second store once everything was carried over.
  private static let carriedOver = "replay.carried_over"
  private static let batchLimit = 512
  private static let batchBytes = 32 << 20

  /// - Parameters:
  ///   - second: empty, or what an earlier replay with the same mapping has filled: it goes on from there.
  ///   - seriesLimit: as for the first projection.
  package init(
    of log: any DeliveryLog, first: any SpanStore, second: any SpanStore, sources: [any EventSource], seriesLimit: Int,
    clock: any WallClock
  ) throws {
    self.log = log
    self.first = first
    self.second = second
    let registry = MetricRegistry()
    batches = try ProjectionBatches(
      store: second, logEnd: try log.lastPosition(), sources: sources, recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: seriesLimit), clock: clock, settle: nil)
  }

  /// Projects up to where the first projection stands.
  ///
  /// - Parameter onProgress: told now and then how many deliveries were read, and how many there are.
  /// - Returns: how many deliveries were read.
  /// - Throws: ``StoreError``. Called again it goes on where it stopped.
  @discardableResult
  package mutating func run(onProgress: (_ read: Int, _ total: Int) -> Void = { _, _ in }) throws -> Int {
    if try second.values()[Self.carriedOver] == nil { try carryOver() }
    guard let end = try first.position() else { return 0 }
    let start = batches.position?.rawValue ?? 0
    var count = 0
    while batches.position.map({ $0 < end }) ?? true {
      let read = try log.read(after: batches.position, limit: Self.batchLimit, byteLimit: Self.batchBytes)
        .filter { $0.position <= end }
      if read.isEmpty { break }
      _ = try batches.project(read.map { batches.reread($0.logged, at: $0.position) })
      count += read.count
      onProgress(count, Int(clamping: end.rawValue - min(end.rawValue, start)))
    }
    return count
  }

  /// Puts in what was known before the oldest delivery that is kept.
  private mutating func carryOver() throws {
    var done = ProjectionChanges()
    done.values[Self.carriedOver] = [1]
    if let oldest = try Self.beginning(of: log) { try carryOver(before: oldest) }
    try second.write(done)
  }

  /// When the oldest delivery of a log was received; nil while nothing was removed from it.
  package static func beginning(of log: any DeliveryLog) throws -> Timestamp? {
    try log.isComplete() ? nil : log.read(after: nil, limit: 1, byteLimit: 0).first?.logged.delivery.received
  }

  private mutating func carryOver(before oldest: Timestamp) throws {
    try first.forEachPage { subjects in
      let events = subjects.flatMap(\.events).filter { $0.time.timestamp < oldest }
      let delivery = Delivery(source: "replay", received: oldest, headers: [:], body: [])
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
      for var subject in subjects {
        guard let before = known[subject.key] else { continue }
        let announced = Set(subject.announcedAttempts).union(before.announcedAttempts).sorted()
        guard announced != subject.announcedAttempts || before.classic != subject.classic else { continue }
        subject.announcedAttempts = announced
        subject.classic = before.classic
        changes.subjects.append(
          SubjectChange(subject: subject, summary: SubjectSummary(subject), newAliases: [], newFollows: []))
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
