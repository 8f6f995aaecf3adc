/// Reads subjects, from which spans and traces are computed.
///
/// Calls block, so make them from a thread of your own. They are safe to call concurrently and see every write that has
/// returned. A row that cannot be read does not fail a call: it is skipped and reported to a ``DamageReport``.
public protocol SpanReading: Sendable {
  /// Returns the subjects with these keys. Unknown keys are absent from the result.
  func subjects(_ keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Subject]

  /// Returns some of the subjects with these keys, as many as take this number of bytes as stored. Nil for unknown keys. The
  /// others are absent from the result.
  func subjects(_ keys: [SubjectKey], atMost bytes: Int) throws(StoreError) -> [SubjectKey: Subject?]

  /// The number of events whose subjects should be read together. Large for a store whose every answer takes long to arrive.
  var readAheadCount: Int { get }

  /// Returns the keys of the subjects that publish each of these references, sorted.
  ///
  /// A reference of kind `key` is published by the subject with that key.
  func publishers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]]

  /// Returns at most `limit` keys of publishers for each of these references. Which ones is unspecified. A reference without
  /// publishers may be absent.
  func publishers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]]

  /// Returns the keys of the publishers of a reference that are nearest to a place, sorted. The reference is not of kind `key`.
  ///
  /// These are the `limit` publishers with the greatest places before it, and the `limit` with the least places from it on.
  /// See ``places(of:)``.
  func publishers(of reference: Reference, around place: UInt64, limit: Int) throws(StoreError) -> [SubjectKey]

  /// Returns the keys of the subjects that follow each of these references, sorted.
  func followers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]]

  /// Returns at most `limit` keys of followers for each of these references. Which ones is unspecified. A reference without
  /// followers may be absent.
  func followers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]]

  /// Returns a page of the subjects that follow a reference, each with its place, in the order of their places.
  ///
  /// - Parameter place: only subjects after this place are returned. See ``places(of:)``.
  func followers(of reference: Reference, after place: UInt64, limit: Int) throws(StoreError) -> [Follower]

  /// Returns a page of subjects that have spans, newest first, by when the store first saw them.
  ///
  /// - Parameter cursor: ``SubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage

  /// Returns a page of subjects that have spans, in the order of their times.
  ///
  /// The work for one page is bounded: if few subjects match, a page may be shorter than `limit` and have a cursor. Subjects
  /// that change between two pages move in the list, and may be seen twice or not at all. All others are seen once.
  ///
  /// - Parameter cursor: ``OrderedSubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws(StoreError) -> OrderedSubjectPage

  /// Returns a page of all subjects, including those without spans, oldest first, by when the store first saw them.
  ///
  /// - Parameter cursor: ``SubjectPage/next`` of the previous page. Nil for the first page.
  func subjects(after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage

  /// Returns the positions of these subjects in the order of ``subjects(matching:after:limit:)``. The newest has the greatest.
  func places(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: UInt64]

  /// Returns the kinds of work that the store ever saw, sorted. At most ``SubjectKind/limit`` kinds.
  func kinds() throws(StoreError) -> [SubjectKind]

  /// Returns the keys from which a reader can assemble a trace, sorted.
  ///
  /// These are the subject from whose key the trace id derives, which may not be the root any more, and all subjects
  /// that were exported in this trace according to the export ledger.
  ///
  /// - Parameter limit: the maximum number of keys. Which keys are left out beyond it is unspecified.
  func keys(ofTrace traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey]

  /// Returns the subjects that were exported in this trace according to the export ledger, sorted.
  ///
  /// For readers that know the root of the trace, of which ``keys(ofTrace:limit:)`` may cost a search. The result may include it.
  ///
  /// - Parameter limit: the maximum number of keys. Which keys are left out beyond it is unspecified.
  func keys(exportedIn traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey]

  /// Returns the ids under which these subjects were exported. Subjects that were not exported are absent.
  func exportRecords(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: ExportRecord]

  /// False if nothing was ever exported, so that traces can be told without looking for exported subjects.
  func hasExportRecords() throws(StoreError) -> Bool

  /// Returns the newest updates of a branch, oldest first.
  ///
  /// - Parameters:
  ///   - limit: the maximum number of updates.
  ///   - bytes: ends the list early, at the update with which it reaches about this size. Returns at least one update if
  ///     there is any.
  func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate]

  /// Returns the oldest updates of any branch that moved it to a commit, in the order of ``BranchUpdate/precedes(_:)``.
  ///
  /// - Parameters:
  ///   - limit: the maximum number of updates. Which of several at the same time are left out is unspecified.
  ///   - bytes: ends the list early, as in ``branchUpdates(of:limit:bytes:)``.
  func branchUpdates(to commit: String, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate]

  /// Returns counts of running work by operation, source and project, in no particular order.
  func openSubjects() throws(StoreError) -> [OpenSubjects]
}

/// A subject that follows a reference, with its place in the order of ``SpanReading/subjects(matching:after:limit:)``.
public struct Follower: Sendable, Hashable {
  public var place: UInt64
  public var key: SubjectKey

  public init(place: UInt64, key: SubjectKey) {
    self.place = place
    self.key = key
  }
}

extension SpanReading {
  public func hasExportRecords() throws(StoreError) -> Bool { true }

  public func keys(exportedIn traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    try keys(ofTrace: traceID, limit: limit)
  }

  public func publishers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try publishers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func publishers(of reference: Reference, around place: UInt64, limit: Int) throws(StoreError) -> [SubjectKey] {
    let keys = try publishers(of: [reference])[reference] ?? []
    let places = try places(of: keys).sorted { $0.value < $1.value }
    let before = places.prefix { $0.value < place }
    return (before.suffix(max(0, limit)) + places.dropFirst(before.count).prefix(max(0, limit))).map(\.key).sorted()
  }

  public func followers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try followers(of: references).mapValues { Array($0.prefix(limit)) }
  }

  public func followers(of reference: Reference, after place: UInt64, limit: Int) throws(StoreError) -> [Follower] {
    let keys = try followers(of: [reference])[reference] ?? []
    let places = try places(of: keys)
    let following = keys.compactMap { key in places[key].map { Follower(place: $0, key: key) } }.filter { $0.place > place }
    return Array(following.sorted { $0.place < $1.place }.prefix(max(0, limit)))
  }

  /// Reads all matching subjects and sorts them. Stores with an index do better.
  public func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws(StoreError) -> OrderedSubjectPage {
    guard limit > 0 else { return OrderedSubjectPage(next: cursor) }
    var found: [PlacedSubject] = []
    var next: UInt64?
    repeat {
      let page = try subjects(matching: filter, after: next, limit: 1000)
      let places = try places(of: page.subjects.map(\.key))
      for subject in page.subjects {
        guard let sequence = places[subject.key], let place = order.place(of: SubjectSummary(subject), sequence: sequence),
          cursor.map({ place < $0 }) ?? true
        else { continue }
        found.append(PlacedSubject(place, subject))
      }
      next = page.next
    } while next != nil
    found.sort { $0.place > $1.place }
    let page = Array(found.prefix(limit))
    return OrderedSubjectPage(subjects: page, next: page.count < found.count ? page.last?.place : nil)
  }
}

extension SpanReading {
  /// Reads all.
  public func subjects(_ keys: [SubjectKey], atMost bytes: Int) throws(StoreError) -> [SubjectKey: Subject?] {
    let found = try subjects(keys)
    return Dictionary(keys.map { ($0, found[$0]) }) { first, _ in first }
  }

  public var readAheadCount: Int { 16 }
}
