/// Where subjects, and with them spans, are kept: a projection of the delivery log that may lag behind it.
///
/// Calls block; make them from a thread of your own. ``write(_:)`` has one caller at a time, everything else any number,
/// and sees all writes that returned before.
///
/// A row that cannot be read stops nothing: it is left out, and told to a ``DamageReport``.
public protocol SpanStore: Sendable {
  /// The things with these keys, as far as they are known.
  func subjects(_ keys: [SpanKey]) throws -> [SpanKey: Subject]

  /// Keys of the things that publish each of these references, sorted. A `key` reference is published by its own thing.
  func publishers(of references: [Reference]) throws -> [Reference: [SpanKey]]

  /// The same, of each reference at most so many keys, whichever.
  func publishers(of references: [Reference], limit: Int) throws -> [Reference: [SpanKey]]

  /// Keys of the things that follow each of these references, sorted.
  func followers(of references: [Reference]) throws -> [Reference: [SpanKey]]

  /// The same, of each reference at most so many keys, whichever.
  func followers(of references: [Reference], limit: Int) throws -> [Reference: [SpanKey]]

  /// A page of the things that follow a reference, each with its place, in the order of their places (see ``places(of:)``).
  ///
  /// - Parameter place: only those after it.
  func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [(place: UInt64, key: SpanKey)]

  /// Writes all of this, or nothing, together with how far the log was read.
  ///
  /// - Throws: ``StoreError``. Nothing is then changed, and a later call may succeed without opening the store again.
  func write(_ changes: ProjectionChanges) throws

  /// Opens for writing what could only be opened to be read, because the disk was full or read-only, and looks whether there is room. Cheap.
  ///
  /// - Throws: ``StoreError``: why nothing can be written still. What can be read is read meanwhile.
  func prepareToWrite() throws

  /// How far the log was read by what is stored; nil at the beginning.
  func position() throws -> LogPosition?

  /// The values kept under each name by ``ProjectionChanges/values``.
  func values() throws -> [String: [UInt8]]

  /// What was counted of the ends of these subjects. Absent for a subject of which nothing was counted and nothing awaits it.
  func measurements(of keys: [SpanKey]) throws -> [SpanKey: Measurement]

  /// Subjects that await being counted, those that have waited longest first: since `latest` or before, or, where the clock was set back, since
  /// after `now`.
  func awaitingMeasurement(since latest: Timestamp, orAfter now: Timestamp, limit: Int) throws -> [(
    key: SpanKey, measurement: Measurement
  )]

  /// Fingerprints of deliveries received at or after a moment, in no particular order.
  func fingerprints(since cutoff: Timestamp) throws -> [DeliveryFingerprint]

  /// A page of subjects, newest first (by first appearance in the store).
  ///
  /// - Parameter cursor: what the page before gave as ``SubjectPage/next``; nil for the first.
  func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws -> SubjectPage

  /// A page of all things, also those without spans, oldest first (by first appearance in the store).
  ///
  /// - Parameter cursor: what the page before gave as ``SubjectPage/next``; nil for the first.
  func things(after cursor: UInt64?, limit: Int) throws -> SubjectPage

  /// The places of these things in the order of ``subjects(matching:after:limit:)``, the newest with the greatest.
  func places(of keys: [SpanKey]) throws -> [SpanKey: UInt64]

  /// The kinds of work that were ever seen, sorted; at most ``ThingKind/limit`` of them.
  func kinds() throws -> [ThingKind]

  /// Keys from which a trace can be read: of the thing whose own trace this is (it is the root, or was, or would be), and of
  /// everything that stands in the export ledger under it. Sorted.
  ///
  /// - Parameter limit: how many are enough; which are left out beyond it is not said.
  func keys(ofTrace traceID: TraceID, limit: Int) throws -> [SpanKey]

  /// Finished attempts in the order in which they were announced, after a place in that order.
  func announcements(after sequence: UInt64, limit: Int) throws -> [(sequence: UInt64, announcement: Announcement)]

  /// How many announcements follow a place in their order.
  func announcementCount(after sequence: UInt64) throws -> Int

  /// How far each exporter has come in the announcements.
  func exportProgress() throws -> [String: ExportProgress]

  /// Remembers how far an exporter has come, and what was refused on the way. May be called while ``write(_:)`` runs.
  ///
  /// - Parameter refusal: added to the newest ``ExportRefusal/keptCount``, together with the progress or not at all.
  func setExportProgress(_ progress: ExportProgress, for exporter: String, refusal: ExportRefusal?) throws

  /// Refusals, the newest first.
  ///
  /// - Parameters:
  ///   - exporter: nil for all.
  ///   - sequence: only those before this one; nil from the newest on.
  func exportRefusals(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws -> [(sequence: UInt64, refusal: ExportRefusal)]

  /// The ids under which these things were exported, as far as they were.
  func exportRecords(of keys: [SpanKey]) throws -> [SpanKey: ExportRecord]

  /// Adds to the export ledger; what stands there already stays as it is. May be called while ``write(_:)`` runs.
  func addExportRecords(_ records: [ExportRecord]) throws

  /// The newest `limit` updates of a branch, oldest first.
  func branchUpdates(of branch: SpanKey, limit: Int) throws -> [BranchUpdate]

  /// The updates after which a branch stood at a commit, of any branch, in the order of ``BranchUpdate/precedes(_:)``.
  func branchUpdates(to commit: String) throws -> [BranchUpdate]

  /// What is going on, by operation, source and project, in no particular order.
  func openThings() throws -> [OpenThings]

  /// Removes things whose every span ended before `cutoff`, and what only they used; also branch updates before it.
  ///
  /// Before by the vendor's clock and by ours: an imported history is kept as long after its announcement as any other.
  ///
  /// - Parameter exporters: what one of these has not passed yet in the announcements stays until it has.
  /// - Returns: how many were removed; call again while it is `limit`.
  func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws -> Int

  /// Bytes the store takes on disk; 0 in memory.
  func size() throws -> Int64

  /// Releases everything. No call may follow.
  func close()
}

extension SpanStore {
  public func prepareToWrite() throws {}

  public func publishers(of references: [Reference], limit: Int) throws -> [Reference: [SpanKey]] {
    try publishers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func followers(of references: [Reference], limit: Int) throws -> [Reference: [SpanKey]] {
    try followers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [(place: UInt64, key: SpanKey)] {
    let keys = try followers(of: [reference])[reference] ?? []
    let places = try places(of: keys)
    let following = keys.compactMap { key in places[key].map { (place: $0, key: key) } }.filter { $0.place > place }
    return Array(following.sorted { $0.place < $1.place }.prefix(max(0, limit)))
  }

  /// Remembers how far an exporter has come, with nothing refused.
  public func setExportProgress(_ progress: ExportProgress, for exporter: String) throws {
    try setExportProgress(progress, for: exporter, refusal: nil)
  }
}

/// What a batch of deliveries changes.
public struct ProjectionChanges: Sendable {
  /// Things that are new or changed.
  public var subjects: [SubjectChange] = []
  /// Fallback keys that turned out to be another key's thing. Their announcements and export records become the other's.
  public var absorbed: [SpanKey: SpanKey] = [:]
  public var branchUpdates: [BranchUpdate] = []
  public var announcements: [Announcement] = []
  public var fingerprints: [DeliveryFingerprint] = []
  /// Named values that replace the ones before: counters that survive a restart.
  public var values: [String: [UInt8]] = [:]
  /// What was counted of subjects, or is to be counted of them; of those that are stored, or are among the changed ones.
  public var measurements: [SpanKey: MeasurementChange] = [:]
  /// How far the log was read.
  public var position: LogPosition?

  public init() {}
}

/// What was counted of the ends of a subject.
public struct Measurement: Sendable, Hashable {
  /// Since when it awaits being counted, or being compared with what was counted; nil where it does not.
  public var awaitsSince: Timestamp?
  /// What was counted, as lines of text in the form of whoever counts: lines of two subjects that turn out to be one stand one after the other.
  public var counted: [UInt8]

  public init(awaitsSince: Timestamp?, counted: [UInt8]) {
    self.awaitsSince = awaitsSince
    self.counted = counted
  }
}

/// How the ``Measurement`` of a subject changes.
public enum MeasurementChange: Sendable, Hashable {
  /// It awaits being counted since a moment, unless it does already. What was counted is kept; `counted` is for a subject that has no measurement.
  case awaits(since: Timestamp, counted: [UInt8])
  /// This is what was counted, and it awaits nothing.
  case counted([UInt8])
}

/// A thing to be written, with what must be found again.
public struct SubjectChange: Sendable {
  public var subject: Subject
  public var summary: SubjectSummary
  /// References it publishes that are not stored yet.
  public var newAliases: [Reference]
  /// References it follows that are not stored yet.
  public var newFollows: [Reference]

  public init(subject: Subject, summary: SubjectSummary, newAliases: [Reference], newFollows: [Reference]) {
    self.subject = subject
    self.summary = summary
    self.newAliases = newAliases
    self.newFollows = newFollows
  }
}

/// What lists are filtered by: of the newest attempt, except the times, which span all attempts.
public struct SubjectSummary: Sendable, Hashable {
  /// Nil for a thing without spans.
  public var operation: Operation?
  public var source: String
  public var project: String?
  public var outcome: Outcome?
  public var start: Timestamp
  /// Nil while an attempt runs. Of a thing without spans, when it was last heard of: it is kept no longer than others. Nil where
  /// nobody said when: what holds others together for as long as they come.
  public var end: Timestamp?

  /// The summary of a thing as its facts tell it.
  public init(_ subject: Subject) {
    self.init(subject, outlines: subject.outlines())
  }

  package init(_ subject: Subject, outlines: [AttemptOutline]) {
    operation = outlines.isEmpty ? nil : subject.operation
    source = subject.key.source
    project = subject.project
    outcome = outlines.last?.outcome
    guard let first = outlines.first else {
      start = .epoch
      end = subject.facts.map(\.event.time.timestamp).filter { $0 > .epoch }.max()
      return
    }
    start = first.start
    end = outlines.contains { $0.end == nil } ? nil : outlines.compactMap(\.end).max()
  }

  public init(
    operation: Operation?, source: String, project: String?, outcome: Outcome?, start: Timestamp, end: Timestamp?
  ) {
    self.operation = operation
    self.source = source
    self.project = project
    self.outcome = outcome
    self.start = start
    self.end = end
  }
}

/// Which things a list holds; nil matches everything. Things without spans match nothing.
public struct SubjectFilter: Sendable, Hashable {
  public var operation: Operation?
  public var source: String?
  public var project: String?
  public var outcome: Outcome?
  /// True for things with a running attempt, false for those without.
  public var isOpen: Bool?
  /// Only things that ended at or after this moment, or run.
  public var endedAfter: Timestamp?
  /// Only things that began before this moment.
  public var startedBefore: Timestamp?
  /// Only things that took so long.
  public var duration: DurationBounds?

  public init() {}

  /// True when a thing with this summary belongs to the list.
  public func matches(_ summary: SubjectSummary) -> Bool {
    guard summary.operation != nil else { return false }
    return (operation == nil || operation == summary.operation)
      && (source == nil || source == summary.source)
      && (project == nil || project == summary.project)
      && (outcome == nil || outcome == summary.outcome)
      && (isOpen == nil || isOpen == (summary.end == nil))
      && (endedAfter.map { cutoff in summary.end.map { $0 >= cutoff } ?? true } ?? true)
      && (startedBefore.map { summary.start < $0 } ?? true)
      && (duration.map { $0.contains(summary) } ?? true)
  }
}

/// How long a thing took: from its first beginning to its last end, or until now while it runs.
public struct DurationBounds: Sendable, Hashable {
  /// Nanoseconds.
  public var minimum: Int64
  /// Nanoseconds, itself included.
  public var maximum: Int64
  public var now: Timestamp

  public init(minimum: Int64 = .min, maximum: Int64 = .max, now: Timestamp) {
    self.minimum = minimum
    self.maximum = maximum
    self.now = now
  }

  func contains(_ summary: SubjectSummary) -> Bool {
    let end = (summary.end ?? now).nanoseconds
    let (length, overflow) = end.subtractingReportingOverflow(summary.start.nanoseconds)
    return overflow ? (end < 0 ? minimum == .min : maximum == .max) : minimum <= length && length <= maximum
  }
}

/// A kind of work of one source: what a list of services and operations is made of.
public struct ThingKind: Sendable, Hashable, Comparable {
  public var source: String
  /// As in keys, decoded: `github.com`; empty where the source has none.
  public var host: String
  public var operation: Operation

  /// More kinds than this are not remembered: names of operations may be anybody's.
  public static let limit = 1000

  public init(source: String, host: String, operation: Operation) {
    self.source = source
    self.host = host
    self.operation = operation
  }

  /// The kind of a thing that is such work.
  public init(_ key: SpanKey, _ operation: Operation) {
    self.init(source: key.source, host: key.host, operation: operation)
  }

  public static func < (left: ThingKind, right: ThingKind) -> Bool {
    (left.source, left.host, left.operation.rawValue) < (right.source, right.host, right.operation.rawValue)
  }
}

public struct SubjectPage: Sendable {
  public var subjects: [Subject]
  /// Cursor of the next page; nil on the last.
  public var next: UInt64?
  /// How many subjects belong here and cannot be read.
  public var damagedCount = 0

  public init(subjects: [Subject], next: UInt64?) {
    self.subjects = subjects
    self.next = next
  }
}

/// Things of one operation, source and project with a running attempt.
public struct OpenThings: Sendable, Hashable {
  public var operation: Operation
  public var source: String
  public var project: String?
  public var count: Int
  /// When they began, on average, and the first of them.
  public var meanStart: Timestamp
  public var firstStart: Timestamp

  public init(
    operation: Operation, source: String, project: String?, count: Int, meanStart: Timestamp, firstStart: Timestamp
  ) {
    self.operation = operation
    self.source = source
    self.project = project
    self.count = count
    self.meanStart = meanStart
    self.firstStart = firstStart
  }
}

/// An attempt whose end became known.
public struct Announcement: Sendable, Hashable {
  public var key: SpanKey
  public var attempt: Int
  /// When it was announced, by our clock; exporters wait for a settle time after it.
  public var time: Timestamp

  public init(key: SpanKey, attempt: Int, time: Timestamp) {
    self.key = key
    self.attempt = attempt
    self.time = time
  }
}

/// How far an exporter has come, and with what success over the life of the store.
public struct ExportProgress: Sendable, Hashable {
  /// The last announcement that was dealt with.
  public var sequence: UInt64
  /// Spans that arrived.
  public var sent: Int64
  /// Spans the receiver refused for good.
  public var refused: Int64
  /// Spans that waited too long for a receiver that did not take them.
  public var dropped: Int64
  /// Since when the receiver has taken nothing; nil while it does.
  public var failingSince: Timestamp?

  public init(
    sequence: UInt64 = 0, sent: Int64 = 0, refused: Int64 = 0, dropped: Int64 = 0, failingSince: Timestamp? = nil
  ) {
    self.sequence = sequence
    self.sent = sent
    self.refused = refused
    self.dropped = dropped
    self.failingSince = failingSince
  }
}

/// Spans that a receiver refused for good: set aside, to be looked at.
public struct ExportRefusal: Sendable, Hashable {
  public struct Attempt: Sendable, Hashable {
    public var key: SpanKey
    public var number: Int

    public init(key: SpanKey, number: Int) {
      self.key = key
      self.number = number
    }
  }

  /// How many a store keeps, of all exporters together.
  public static let keptCount = 1000
  /// How many attempts one names at most.
  public static let attemptLimit = 100

  public var exporter: String
  public var time: Timestamp
  /// How many spans were refused.
  public var count: Int
  /// What the receiver said.
  public var reason: String
  /// What was sent, in order: more than ``count`` where the receiver does not say which it refused.
  public var attempts: [Attempt]

  public init(exporter: String, time: Timestamp, count: Int, reason: String, attempts: [Attempt]) {
    self.exporter = exporter
    self.time = time
    self.count = count
    self.reason = reason
    self.attempts = Array(attempts.prefix(Self.attemptLimit))
  }
}

/// Identity of a delivery: 128 bits of a hash over source, id and body.
public struct DeliveryFingerprint: Sendable, Hashable {
  public var high: UInt64
  public var low: UInt64
  /// When the delivery was received.
  public var received: Timestamp

  public init(high: UInt64, low: UInt64, received: Timestamp) {
    self.high = high
    self.low = low
    self.received = received
  }

  /// The fingerprint of a delivery with an id. The same id with other content is another delivery.
  public init(of delivery: Delivery, id: String) {
    var hasher = ContentHasher()
    hasher.add(delivery.source)
    hasher.add(id)
    delivery.body.withUnsafeBytes { hasher.add($0) }
    let hash = hasher.wide
    self.init(high: hash.high, low: hash.low, received: delivery.received)
  }

  public static func == (left: DeliveryFingerprint, right: DeliveryFingerprint) -> Bool {
    left.high == right.high && left.low == right.low
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(high)
    hasher.combine(low)
  }
}
