/// Stores subjects, from which spans are computed: a projection of the delivery log that may lag behind it.
///
/// Calls block, so make them from a thread of your own. Call ``write(_:)`` from one thread at a time. All other methods
/// are safe to call concurrently and see every write that has returned.
///
/// A row that cannot be read does not fail a call: it is skipped and reported to a ``DamageReport``.
public protocol SpanStore: Sendable {
  /// Returns the subjects with these keys. Unknown keys are absent from the result.
  func subjects(_ keys: [SubjectKey]) throws -> [SubjectKey: Subject]

  /// Returns the keys of the subjects that publish each of these references, sorted.
  ///
  /// A reference of kind `key` is published by the subject with that key.
  func publishers(of references: [Reference]) throws -> [Reference: [SubjectKey]]

  /// Returns at most `limit` keys of publishers for each of these references. Which ones is unspecified.
  func publishers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]]

  /// Returns the keys of the subjects that follow each of these references, sorted.
  func followers(of references: [Reference]) throws -> [Reference: [SubjectKey]]

  /// Returns at most `limit` keys of followers for each of these references. Which ones is unspecified.
  func followers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]]

  /// Returns a page of the subjects that follow a reference, each with its place, in the order of their places.
  ///
  /// - Parameter place: only subjects after this place are returned. See ``places(of:)``.
  func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [(place: UInt64, key: SubjectKey)]

  /// Writes all of these changes, including the log position, or nothing.
  ///
  /// - Throws: ``StoreError``. Nothing was changed then, and a later call may succeed without opening the store again.
  func write(_ changes: ProjectionChanges) throws

  /// Reopens for writing a store that was opened read-only because of a full or read-only disk, and checks for free space.
  ///
  /// The call is cheap.
  ///
  /// - Throws: ``StoreError`` with the reason why writing is still impossible. Reading works in the meantime.
  func prepareToWrite() throws

  /// The log position up to which the store is projected. Nil if nothing is projected yet.
  func position() throws -> LogPosition?

  /// Returns all stored values by name. See ``ProjectionChanges/values``.
  func values() throws -> [String: [UInt8]]

  /// Returns what the metrics have counted of these subjects. Subjects that were not counted and are not waiting are absent.
  func measurements(of keys: [SubjectKey]) throws -> [SubjectKey: Measurement]

  /// Returns subjects that wait to be counted, the longest waiting first.
  ///
  /// These are the subjects that have waited since `latest` or earlier. Subjects that wait since a time after `now` are
  /// included, because the clock must have been set back.
  func awaitingMeasurement(since latest: Timestamp, orAfter now: Timestamp, limit: Int) throws -> [(
    key: SubjectKey, measurement: Measurement
  )]

  /// Returns fingerprints of the deliveries received at or after a time, in no particular order.
  func fingerprints(since cutoff: Timestamp) throws -> [DeliveryFingerprint]

  /// Returns a page of subjects that have spans, newest first, by when the store first saw them.
  ///
  /// - Parameter cursor: ``SubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws -> SubjectPage

  /// Returns a page of all subjects, including those without spans, oldest first, by when the store first saw them.
  ///
  /// - Parameter cursor: ``SubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(after cursor: UInt64?, limit: Int) throws -> SubjectPage

  /// Returns the positions of these subjects in the order of ``subjects(matching:after:limit:)``. The newest has the greatest.
  func places(of keys: [SubjectKey]) throws -> [SubjectKey: UInt64]

  /// Returns the kinds of work that the store ever saw, sorted. At most ``SubjectKind/limit`` kinds.
  func kinds() throws -> [SubjectKind]

  /// Returns the keys from which a reader can assemble a trace, sorted.
  ///
  /// These are the subject from whose key the trace id derives, which may not be the root any more, and all subjects
  /// that were exported in this trace according to the export ledger.
  ///
  /// - Parameter limit: the maximum number of keys. Which keys are left out beyond it is unspecified.
  func keys(ofTrace traceID: TraceID, limit: Int) throws -> [SubjectKey]

  /// Returns outbox entries after a sequence number, in order.
  func outboxEntries(after sequence: UInt64, limit: Int) throws -> [(sequence: UInt64, outboxEntry: OutboxEntry)]

  /// Returns the number of outbox entries after a sequence number.
  func outboxEntryCount(after sequence: UInt64) throws -> Int

  /// The progress of each exporter in the outbox, by name of the exporter.
  func exportProgress() throws -> [String: ExportProgress]

  /// Stores the progress of an exporter and, unless `rejection` is nil, adds a rejection.
  ///
  /// Both are stored together or not at all. The store keeps the newest ``ExportRejection/keptCount`` rejections. You may
  /// call this method while ``write(_:)`` runs.
  func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws

  /// Returns rejections, newest first.
  ///
  /// - Parameters:
  ///   - exporter: nil for all exporters.
  ///   - sequence: returns only rejections before this sequence number. Nil to start with the newest.
  func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws -> [(sequence: UInt64, rejection: ExportRejection)]

  /// Returns the ids under which these subjects were exported. Subjects that were not exported are absent.
  func exportRecords(of keys: [SubjectKey]) throws -> [SubjectKey: ExportRecord]

  /// Adds records to the export ledger. Existing records do not change. You may call it while ``write(_:)`` runs.
  func addExportRecords(_ records: [ExportRecord]) throws

  /// Returns the newest `limit` updates of a branch, oldest first.
  func branchUpdates(of branch: SubjectKey, limit: Int) throws -> [BranchUpdate]

  /// Returns the updates of any branch that moved it to a commit, in the order of ``BranchUpdate/precedes(_:)``.
  func branchUpdates(to commit: String) throws -> [BranchUpdate]

  /// Returns counts of running work by operation, source and project, in no particular order.
  func openSubjects() throws -> [OpenSubjects]

  /// Removes subjects whose spans all ended before `cutoff`, with everything that only they use, and old branch updates.
  ///
  /// A subject is old if both its end by the vendor's clock and its outbox entries by this machine's clock are before
  /// `cutoff`. An imported history is thus kept as long after the import as any other.
  ///
  /// - Parameter exporters: subjects stay as long as one of these exporters has not passed their outbox entries.
  /// - Returns: the number of removed subjects. Call again while it equals `limit`.
  func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws -> Int

  /// The size of the store on disk, in bytes. 0 for a store in memory.
  func size() throws -> Int64

  /// Releases all resources. Do not use the store afterwards.
  func close()
}

extension SpanStore {
  public func prepareToWrite() throws {}

  public func publishers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]] {
    try publishers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func followers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]] {
    try followers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [(place: UInt64, key: SubjectKey)] {
    let keys = try followers(of: [reference])[reference] ?? []
    let places = try places(of: keys)
    let following = keys.compactMap { key in places[key].map { (place: $0, key: key) } }.filter { $0.place > place }
    return Array(following.sorted { $0.place < $1.place }.prefix(max(0, limit)))
  }

  /// Stores the progress of an exporter without a rejection.
  public func setExportProgress(_ progress: ExportProgress, for exporter: String) throws {
    try setExportProgress(progress, for: exporter, rejection: nil)
  }
}

/// The changes that a batch of deliveries makes to the store.
public struct ProjectionChanges: Sendable {
  /// New and changed subjects.
  public var subjects: [SubjectChange] = []
  /// Fallback keys that turned out to belong to a subject with another key.
  ///
  /// Maps the fallback key to the other key, which takes over the outbox entries and export records.
  public var absorbed: [SubjectKey: SubjectKey] = [:]
  public var branchUpdates: [BranchUpdate] = []
  public var outboxEntries: [OutboxEntry] = []
  public var fingerprints: [DeliveryFingerprint] = []
  /// Named values that replace earlier ones, such as counters that survive a restart.
  public var values: [String: [UInt8]] = [:]
  /// What the metrics have counted, or must still count, by subject. The subjects are stored or in ``subjects``.
  public var measurements: [SubjectKey: MeasurementChange] = [:]
  /// The log position up to which the log is projected.
  public var position: LogPosition?

  public init() {}
}

/// What the metrics have counted of the ends of a subject.
public struct Measurement: Sendable, Hashable {
  /// Since when the subject waits to be counted or compared with what was counted. Nil if it does not wait.
  public var awaitsSince: Timestamp?
  /// What was counted, as lines of text in a format of the counting code.
  ///
  /// If two subjects turn out to be one, the lines of both are concatenated.
  public var counted: [UInt8]

  public init(awaitsSince: Timestamp?, counted: [UInt8]) {
    self.awaitsSince = awaitsSince
    self.counted = counted
  }
}

/// A change to the ``Measurement`` of a subject.
public enum MeasurementChange: Sendable, Hashable {
  /// The subject waits to be counted from this time, unless it waits already.
  ///
  /// What was counted stays. `counted` applies only to a subject that has no measurement yet.
  case awaits(since: Timestamp, counted: [UInt8])
  /// These values were counted, and the subject no longer waits.
  case counted([UInt8])
}

/// A subject to write, with the index entries that it needs.
public struct SubjectChange: Sendable {
  public var subject: Subject
  public var summary: SubjectSummary
  /// References that the subject publishes and that are not stored yet.
  public var newAliases: [Reference]
  /// References that the subject follows and that are not stored yet.
  public var newFollows: [Reference]

  public init(subject: Subject, summary: SubjectSummary, newAliases: [Reference], newFollows: [Reference]) {
    self.subject = subject
    self.summary = summary
    self.newAliases = newAliases
    self.newFollows = newFollows
  }
}

/// The values by which lists filter: those of the newest attempt, except for the times, which span all attempts.
public struct SubjectSummary: Sendable, Hashable {
  /// Nil for a subject without spans.
  public var operation: Operation?
  public var source: String
  public var project: String?
  public var outcome: Outcome?
  public var start: Timestamp
  /// The end of the last attempt. Nil while an attempt runs.
  ///
  /// For a subject without spans, the time of its last event, so that retention applies to it like to others. Nil if
  /// its events have no times: such a subject ties others together and stays.
  public var end: Timestamp?

  /// Computes the summary of a subject from its facts.
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

/// Selects the subjects of a list. Nil matches everything. Subjects without spans never match.
public struct SubjectFilter: Sendable, Hashable {
  public var operation: Operation?
  public var source: String?
  public var project: String?
  public var outcome: Outcome?
  /// True for subjects with a running attempt, false for those without.
  public var isOpen: Bool?
  /// Only subjects that ended at or after this time, or still run.
  public var endedAfter: Timestamp?
  /// Only subjects that started before this time.
  public var startedBefore: Timestamp?
  /// Only subjects whose duration is within these bounds.
  public var duration: DurationBounds?

  public init() {}

  /// True if a subject with this summary belongs in the list.
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

/// Bounds for the duration of a subject: from its first start to its last end, or until `now` while it runs.
public struct DurationBounds: Sendable, Hashable {
  /// The inclusive minimum in nanoseconds.
  public var minimum: Int64
  /// The inclusive maximum in nanoseconds.
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

/// An operation of one source and host, for lists of services and operations.
public struct SubjectKind: Sendable, Hashable, Comparable {
  public var source: String
  /// The host as in keys, decoded, such as `github.com`. Empty if the source has none.
  public var host: String
  public var operation: Operation

  /// The maximum number of kinds that a store remembers. Senders can choose names of operations freely.
  public static let limit = 1000

  public init(source: String, host: String, operation: Operation) {
    self.source = source
    self.host = host
    self.operation = operation
  }

  /// Creates the kind for a subject with this key and operation.
  public init(_ key: SubjectKey, _ operation: Operation) {
    self.init(source: key.source, host: key.host, operation: operation)
  }

  public static func < (left: SubjectKind, right: SubjectKind) -> Bool {
    (left.source, left.host, left.operation.rawValue) < (right.source, right.host, right.operation.rawValue)
  }
}

public struct SubjectPage: Sendable {
  public var subjects: [Subject]
  /// The cursor of the next page. Nil on the last page.
  public var next: UInt64?
  /// The number of subjects that belong on this page but cannot be read.
  public var damagedCount = 0

  public init(subjects: [Subject], next: UInt64?) {
    self.subjects = subjects
    self.next = next
  }
}

/// The number of subjects of one operation, source and project that have a running attempt.
public struct OpenSubjects: Sendable, Hashable {
  public var operation: Operation
  public var source: String
  public var project: String?
  public var count: Int
  /// The average start of the subjects, and the earliest.
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

/// An entry of the outbox: an attempt whose end became known.
public struct OutboxEntry: Sendable, Hashable {
  public var key: SubjectKey
  public var attempt: Int
  /// When the entry was added, by this machine's clock. Exporters wait for the grace period after it.
  public var time: Timestamp

  public init(key: SubjectKey, attempt: Int, time: Timestamp) {
    self.key = key
    self.attempt = attempt
    self.time = time
  }
}

/// The progress of an exporter in the outbox, and its totals over the life of the store.
public struct ExportProgress: Sendable, Hashable {
  /// The sequence number of the last outbox entry that is done.
  public var sequence: UInt64
  /// The number of spans that the backend accepted.
  public var sent: Int64
  /// The number of spans that the backend rejected for good.
  public var refused: Int64
  /// The number of spans dropped because the backend accepted nothing for too long.
  public var dropped: Int64
  /// Since when the backend has accepted nothing. Nil while it accepts spans.
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

/// A record of spans that a backend rejected for good, kept so that people can inspect it.
public struct ExportRejection: Sendable, Hashable {
  public struct Attempt: Sendable, Hashable {
    public var key: SubjectKey
    public var number: Int

    public init(key: SubjectKey, number: Int) {
      self.key = key
      self.number = number
    }
  }

  /// The number of rejections that a store keeps, over all exporters.
  public static let keptCount = 1000
  /// The maximum number of attempts in one rejection.
  public static let attemptLimit = 100

  public var exporter: String
  public var time: Timestamp
  /// The number of rejected spans.
  public var count: Int
  /// The message of the backend.
  public var reason: String
  /// The attempts that were sent, in order. More than ``count`` if the backend does not say which ones it rejected.
  public var attempts: [Attempt]

  public init(exporter: String, time: Timestamp, count: Int, reason: String, attempts: [Attempt]) {
    self.exporter = exporter
    self.time = time
    self.count = count
    self.reason = reason
    self.attempts = Array(attempts.prefix(Self.attemptLimit))
  }
}

/// Identifies a delivery by a 128-bit hash over source, id and body.
public struct DeliveryFingerprint: Sendable, Hashable {
  public var high: UInt64
  public var low: UInt64
  /// When the delivery was received. Not part of the identity.
  public var received: Timestamp

  public init(high: UInt64, low: UInt64, received: Timestamp) {
    self.high = high
    self.low = low
    self.received = received
  }

  /// Computes the fingerprint of a delivery with an id. The same id with a different body gives a different fingerprint.
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
