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

  /// What the store has projected of the log. Nil if nothing is projected yet.
  func position() throws -> LogCoverage?

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

  /// Returns a page of subjects that have spans, in the order of their times.
  ///
  /// The work for one page is bounded: if few subjects match, a page may be shorter than `limit` and have a cursor. Subjects
  /// that change between two pages move in the list, and may be seen twice or not at all. All others are seen once.
  ///
  /// - Parameter cursor: ``OrderedSubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws -> OrderedSubjectPage

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

  /// False if nothing was ever exported, so that traces can be told without looking for exported subjects.
  func hasExportRecords() throws -> Bool

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

  public func hasExportRecords() throws -> Bool { true }

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

  /// Reads all matching subjects and sorts them. Stores with an index do better.
  public func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws -> OrderedSubjectPage {
    guard limit > 0 else { return OrderedSubjectPage(next: cursor) }
    var found: [(place: SubjectPlace, subject: Subject)] = []
    var next: UInt64?
    repeat {
      let page = try subjects(matching: filter, after: next, limit: 1000)
      let places = try places(of: page.subjects.map(\.key))
      for subject in page.subjects {
        guard let sequence = places[subject.key], let place = order.place(of: SubjectSummary(subject), sequence: sequence),
          cursor.map({ place < $0 }) ?? true
        else { continue }
        found.append((place, subject))
      }
      next = page.next
    } while next != nil
    found.sort { $0.place > $1.place }
    let page = Array(found.prefix(limit))
    return OrderedSubjectPage(subjects: page, next: page.count < found.count ? page.last?.place : nil)
  }

  /// Stores the progress of an exporter without a rejection.
  public func setExportProgress(_ progress: ExportProgress, for exporter: String) throws {
    try setExportProgress(progress, for: exporter, rejection: nil)
  }
}
