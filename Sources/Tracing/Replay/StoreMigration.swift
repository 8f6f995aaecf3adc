import DeliveryFacts
import Projection
package import ValueStreamCore

/// Copies a log and its projection to another kind of store.
///
/// The projection is copied rather than made again from the log, because it has what the log no longer holds, and because nothing
/// may be exported or counted a second time. Facts of stored subjects follow from these and are computed; others are copied.
///
/// Each step can be repeated, and a later run continues where an earlier one stopped. Nobody else may use either store meanwhile.
package struct StoreMigration {
  package typealias Store = SpanStore & FactStore & BranchListing

  package struct Place {
    package var log: any DeliveryLog
    package var store: any Store

    package init(log: any DeliveryLog, store: any Store) {
      self.log = log
      self.store = store
    }
  }

  package enum Step: String, CaseIterable {
    case deliveries, comparison, subjects, facts
  }

  private let from: Place
  private let to: Place
  private let onProgress: (Step, _ count: Int) -> Void
  private var positions = PositionMap()

  /// Names of values in the store that is filled. Empty once everything is there.
  private static let mark = "migration"
  private static let subjectsMark = "migration.subjects"
  private static let outboxMark = "migration.outbox"
  private static let begun = Array("begun".utf8)
  private static let done = Array("done".utf8)
  private static let batchLimit = 512
  private static let batchBytes = 8 << 20

  /// - Parameter onProgress: Called now and then with the number of items of a step so far.
  package init(from: Place, to: Place, onProgress: @escaping (Step, Int) -> Void = { _, _ in }) {
    self.from = from
    self.to = to
    self.onProgress = onProgress
  }

  /// True if a migration to a store has begun and not ended. Nothing may be projected into it.
  package static func isUnfinished(_ store: any SpanStore) throws -> Bool { try store.values()[mark] == begun }

  /// Copies everything.
  ///
  /// - Parameters:
  ///   - settings: Those of the daemon that made the projection.
  /// - Returns: The number of deliveries and of subjects.
  /// - Throws: ``StoreError``. What was copied stays; call again to continue.
  package mutating func run(
    sources: [any EventSource], seriesLimit: Int, strategy: TraceStrategy, rules: FactRules, clock: any WallClock
  ) throws -> (deliveries: Int, subjects: Int) {
    let end = try from.log.coverage() ?? LogCoverage()
    guard try from.store.position().covers(end) else {
      throw StoreError(.rejected, "deliveries are not projected yet: start vsd on the old store, and stop it with SIGTERM")
    }
    try begin()
    let deliveries = try copyLog()
    try compareLogs()
    let subjects = try copySubjects()
    try copyBranches()
    try copyOutbox()
    try copyValues()
    let replay = try Replay(
      of: to.log, first: from.store, second: to.store, sources: sources, seriesLimit: seriesLimit, spanRetention: .zero,
      exporters: [], clock: clock)
    try replay.computeFacts(strategy: strategy, rules: rules) { onProgress(.facts, $0) }
    try replay.carryOverFacts()
    try replay.carryOverExclusions()
    guard try from.log.coverage() ?? LogCoverage() == end else {
      throw StoreError(.busy, "deliveries have arrived meanwhile: stop every vsd on the old store, and run this again")
    }
    var changes = ProjectionChanges()
    changes.position = try to.log.coverage()
    for name in [Self.mark, Self.subjectsMark, Self.outboxMark] { changes.values[name] = [] }
    try to.store.write(changes)
    return (deliveries, subjects)
  }

  private func begin() throws {
    let values = try to.store.values()
    if values[Self.mark] == Self.begun { return }
    let isEmpty =
      try to.log.coverage() == nil && to.store.position() == nil && to.store.subjects(after: nil, limit: 1).subjects.isEmpty
    guard isEmpty else { throw StoreError(.rejected, "the new store is not empty") }
    var changes = ProjectionChanges()
    changes.values[Self.mark] = Self.begun
    try to.store.write(changes)
  }

  // MARK: Deliveries

  private mutating func copyLog() throws -> Int {
    var count = 0
    var there = LogReader(to.log)
    var here: LogCoverage?
    while true {
      let read = try from.log.read(after: here, limit: Self.batchLimit, byteLimit: Self.batchBytes)
      guard !read.isEmpty else { return count }
      here = here.union(read.map(\.position).coverage)
      var rest = read[...]
      // What an earlier run has copied.
      while let entry = rest.first, let other = try there.next() {
        guard other.logged == entry.logged else { throw Self.differs(entry.position) }
        positions.add(entry.position, other.position)
        rest = rest.dropFirst()
      }
      while let first = rest.first {
        // A store may keep the deliveries of a day together.
        let part = rest.prefix { FactDay($0.logged.delivery.received) == FactDay(first.logged.delivery.received) }
        let copied = try to.log.append(part.map(\.logged))
        for (entry, position) in zip(part, copied) { positions.add(entry.position, position) }
        rest = rest.dropFirst(part.count)
      }
      count += read.count
      onProgress(.deliveries, count)
    }
  }

  /// Reads both logs from their beginning.
  private func compareLogs() throws {
    var (here, there) = (LogReader(from.log), LogReader(to.log))
    var count = 0
    while let entry = try here.next() {
      guard let other = try there.next(), other.logged == entry.logged else { throw Self.differs(entry.position) }
      count += 1
      if count.isMultiple(of: Self.batchLimit) { onProgress(.comparison, count) }
    }
    if let other = try there.next() { throw Self.differs(other.position) }
  }

  private static func differs(_ position: LogPosition) -> StoreError {
    StoreError(.rejected, "the new store has other deliveries than the old one, from delivery \(position.rawValue) on")
  }

  private struct LogReader {
    private let log: any DeliveryLog
    private var rest: ArraySlice<LogEntry> = []
    private var coverage: LogCoverage?
    private var isAtEnd = false

    init(_ log: any DeliveryLog) { self.log = log }

    mutating func next() throws -> LogEntry? {
      if rest.isEmpty, !isAtEnd {
        rest = try log.read(after: coverage, limit: batchLimit, byteLimit: batchBytes)[...]
        coverage = coverage.union(rest.map(\.position).coverage)
        isAtEnd = rest.isEmpty
      }
      return rest.popFirst()
    }
  }

  // MARK: Subjects

  /// Copies the subjects in their order, with their references, measurements, and what was exported of them.
  private func copySubjects() throws -> Int {
    let mark = try to.store.values()[Self.subjectsMark]
    var count = 0
    var cursor: UInt64?
    if let mark, let number = UInt64(String(decoding: mark, as: UTF8.self)) { cursor = number }
    while mark != Self.done {
      let page = try from.store.subjects(after: cursor, limit: Self.batchLimit)
      let keys = page.subjects.map(\.key)
      try to.store.addExportRecords(try from.store.exportRecords(of: keys).values.sorted { $0.key < $1.key })
      var changes = ProjectionChanges()
      changes.subjects = page.subjects.map { subject in
        SubjectChange(
          subject: subject, summary: SubjectSummary(subject), newAliases: subject.aliases, newFollows: subject.followedReferences)
      }
      changes.measurements = try from.store.measurements(of: keys).mapValues { measurement in
        measurement.awaitsSince.map { .awaits(since: $0, counted: measurement.counted) } ?? .counted(measurement.counted)
      }
      changes.values[Self.subjectsMark] = page.next.map { Array(String($0).utf8) } ?? Self.done
      try to.store.write(changes)
      count += keys.count
      onProgress(.subjects, count)
      cursor = page.next
      if cursor == nil { break }
    }
    return count
  }

  private func copyBranches() throws {
    for branch in try from.store.branches() {
      let updates = try from.store.branchUpdates(of: branch, limit: .max, bytes: .max)
      for start in stride(from: 0, to: updates.count, by: Self.batchLimit) {
        var changes = ProjectionChanges()
        changes.branchUpdates = Array(updates[start..<min(start + Self.batchLimit, updates.count)])
        try to.store.write(changes)
      }
    }
  }

  // MARK: Exports

  private func copyOutbox() throws {
    let mark = try to.store.values()[Self.outboxMark].map { String(decoding: $0, as: UTF8.self) }
    var sequence = mark.flatMap { UInt64($0) } ?? 0
    while true {
      let entries = try from.store.outboxEntries(after: sequence, limit: Self.batchLimit)
      guard let last = entries.last else { break }
      var changes = ProjectionChanges()
      changes.outboxEntries = entries.map(\.outboxEntry)
      changes.values[Self.outboxMark] = Array(String(last.sequence).utf8)
      try to.store.write(changes)
      sequence = last.sequence
    }
    let total = try from.store.outboxEntryCount(after: 0)
    var progress = try from.store.exportProgress()
    for exporter in progress.keys {
      guard let passed = progress[exporter]?.sequence else { continue }
      progress[exporter]?.sequence = try self.sequence(ofEntry: total - from.store.outboxEntryCount(after: passed))
    }
    var rejections: [ExportRejection] = []
    var before: UInt64?
    while let page = try Optional(from.store.exportRejections(of: nil, before: before, limit: Self.batchLimit)),
      let last = page.last
    {
      rejections += page.map(\.rejection)
      before = last.sequence
    }
    let known = try to.store.exportRejections(of: nil, before: nil, limit: .max).count
    for rejection in rejections.reversed().dropFirst(known) {
      try to.store.setExportProgress(
        progress[rejection.exporter] ?? ExportProgress(), for: rejection.exporter, rejection: rejection)
    }
    for (exporter, reached) in progress { try to.store.setExportProgress(reached, for: exporter) }
  }

  /// The sequence of an entry in the outbox of the new store, by its number; 0 for none.
  private func sequence(ofEntry number: Int) throws -> UInt64 {
    var (sequence, count) = (UInt64(0), 0)
    while count < number {
      let page = try to.store.outboxEntries(after: sequence, limit: min(Self.batchLimit, number - count))
      guard let last = page.last else { break }
      sequence = last.sequence
      count += page.count
    }
    return sequence
  }

  // MARK: Values

  /// Copies counters and other named values, and what is remembered to recognize duplicates.
  private func copyValues() throws {
    var changes = ProjectionChanges()
    changes.values = try from.store.values()
    for name in [Self.mark, Self.subjectsMark, Self.outboxMark] { changes.values[name] = nil }
    for (name, value) in ProjectionBatches.placedValues(in: changes.values, at: { positions[$0] }) {
      changes.values[name] = value
    }
    try to.store.write(changes)
    let fingerprints = try from.store.fingerprints(since: Timestamp(nanoseconds: .min))
    guard try to.store.fingerprints(since: Timestamp(nanoseconds: .min)).isEmpty else { return }
    var all = ProjectionChanges()
    all.fingerprints = fingerprints
    if !fingerprints.isEmpty { try to.store.write(all) }
  }
}

/// Where each delivery of a log is in its copy.
///
/// Deliveries that follow each other in both logs share an entry.
private struct PositionMap {
  private struct Run {
    var old: LogPosition
    var new: LogPosition
    var count: UInt64
  }

  private var runs: [Run] = []

  mutating func add(_ old: LogPosition, _ new: LogPosition) {
    if let last = runs.last, old.rawValue == last.old.rawValue + last.count, new.rawValue == last.new.rawValue + last.count {
      runs[runs.count - 1].count += 1
    } else {
      runs.append(Run(old: old, new: new, count: 1))
    }
  }

  subscript(old: LogPosition) -> LogPosition? {
    guard let run = runs.first(where: { $0.old <= old && old.rawValue - $0.old.rawValue < $0.count }) else { return nil }
    return LogPosition(rawValue: run.new.rawValue + (old.rawValue - run.old.rawValue))
  }
}
