import Synchronization
package import ValueStreamCore

/// Wraps a store and counts its work, which measures the cost of correlation independently of the speed of the machine.
package final class CountingStore: SpanStore {
  package struct Work: Sendable, Hashable {
    /// The number of subjects loaded.
    package var subjects = 0
    /// The number of references looked up.
    package var references = 0
    /// The number of keys returned for these references.
    package var keys = 0
    /// Bytes written: encoded subjects, and the texts of new aliases and follows.
    package var bytesWritten = 0
    /// The number of branch updates returned.
    package var branchUpdates = 0
    /// How often subjects were loaded or references looked up.
    package var reads = 0

    package static func - (now: Work, before: Work) -> Work {
      Work(
        subjects: now.subjects - before.subjects, references: now.references - before.references, keys: now.keys - before.keys,
        bytesWritten: now.bytesWritten - before.bytesWritten, branchUpdates: now.branchUpdates - before.branchUpdates,
        reads: now.reads - before.reads)
    }
  }

  private let inner: any SpanStore
  /// The number of damaged subjects that each page of a list claims to leave out.
  private let damagedCount: Int
  private let counted = Mutex(Work())

  package init(_ inner: any SpanStore = MemorySpanStore(), damagedCount: Int = 0) {
    self.inner = inner
    self.damagedCount = damagedCount
  }

  /// Creates a store with the spans of these events and the updates of these branches, batch by batch.
  package convenience init(projecting events: [Event], _ updates: [BranchUpdate] = []) throws {
    self.init()
    let batch = 200
    for first in stride(from: 0, to: max(events.count, updates.count), by: batch) {
      var correlation = Correlation(store: self)
      for update in updates.dropFirst(first).prefix(batch) { correlation.take(update) }
      for event in events.dropFirst(first).prefix(batch) { _ = try correlation.take(event) }
      try write(correlation.finish())
    }
  }

  package var work: Work { counted.withLock { $0 } }

  package func subjects(_ keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Subject] {
    let found = try inner.subjects(keys)
    counted.withLock { work in
      work.subjects += found.count
      work.reads += 1
    }
    return found
  }

  package func publishers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    try count(references, inner.publishers(of: references))
  }

  package func publishers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try count(references, inner.publishers(of: references, limit: limit))
  }

  package func publishers(of reference: Reference, around place: UInt64, limit: Int) throws(StoreError) -> [SubjectKey] {
    let found = try inner.publishers(of: reference, around: place, limit: limit)
    return count([reference], [reference: found])[reference] ?? []
  }

  package func followers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    try count(references, inner.followers(of: references))
  }

  package func followers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try count(references, inner.followers(of: references, limit: limit))
  }

  package func followers(of reference: Reference, after place: UInt64, limit: Int) throws(StoreError) -> [Follower] {
    let found = try inner.followers(of: reference, after: place, limit: limit)
    counted.withLock { work in
      work.references += 1
      work.keys += found.count
    }
    return found
  }

  private func count(_ references: [Reference], _ found: [Reference: [SubjectKey]]) -> [Reference: [SubjectKey]] {
    counted.withLock { work in
      work.references += references.count
      work.reads += 1
      work.keys += found.values.reduce(0) { $0 + $1.count }
    }
    return found
  }

  package func write(_ changes: ProjectionChanges) throws(StoreError) {
    try inner.write(changes)
    let bytes = changes.subjects.reduce(0) { sum, change in
      (change.newAliases + change.newFollows).reduce(sum + change.subject.encoded().count) { $0 + $1.value.utf8.count }
    }
    counted.withLock { $0.bytesWritten += bytes }
  }

  package func position() throws(StoreError) -> LogCoverage? { try inner.position() }
  package func values() throws(StoreError) -> [String: [UInt8]] { try inner.values() }
  package func measurements(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Measurement] {
    try inner.measurements(of: keys)
  }
  package func awaitingMeasurement(since latest: Timestamp, orAfter now: Timestamp, limit: Int) throws(StoreError)
    -> [AwaitingSubject]
  {
    try inner.awaitingMeasurement(since: latest, orAfter: now, limit: limit)
  }
  package func fingerprints(since cutoff: Timestamp) throws(StoreError) -> [DeliveryFingerprint] {
    try inner.fingerprints(since: cutoff)
  }
  package func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws(StoreError) -> OrderedSubjectPage {
    try inner.subjects(matching: filter, in: order, after: cursor, limit: limit)
  }
  package func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    var page = try inner.subjects(matching: filter, after: cursor, limit: limit)
    page.damagedCount += damagedCount
    return page
  }
  package func subjects(after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    try inner.subjects(after: cursor, limit: limit)
  }
  package func places(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: UInt64] { try inner.places(of: keys) }
  package func kinds() throws(StoreError) -> [SubjectKind] { try inner.kinds() }
  package func keys(ofTrace traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    try inner.keys(ofTrace: traceID, limit: limit)
  }
  package func outboxEntries(
    after sequence: UInt64, limit: Int
  ) throws(StoreError) -> [NumberedOutboxEntry] {
    try inner.outboxEntries(after: sequence, limit: limit)
  }
  package func outboxEntryCount(after sequence: UInt64) throws(StoreError) -> Int { try inner.outboxEntryCount(after: sequence) }
  package func exportProgress() throws(StoreError) -> [String: ExportProgress] { try inner.exportProgress() }
  package func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws(StoreError)
  {
    try inner.setExportProgress(progress, for: exporter, rejection: rejection)
  }
  package func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws(StoreError) -> [NumberedRejection] {
    try inner.exportRejections(of: exporter, before: sequence, limit: limit)
  }
  package func exportRecords(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: ExportRecord] {
    try inner.exportRecords(of: keys)
  }
  package func addExportRecords(_ records: [ExportRecord]) throws(StoreError) { try inner.addExportRecords(records) }
  package func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    count(try inner.branchUpdates(of: branch, limit: limit, bytes: bytes))
  }
  package func branchUpdates(to commit: String, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    count(try inner.branchUpdates(to: commit, limit: limit, bytes: bytes))
  }

  private func count(_ updates: [BranchUpdate]) -> [BranchUpdate] {
    counted.withLock { $0.branchUpdates += updates.count }
    return updates
  }

  package func openSubjects() throws(StoreError) -> [OpenSubjects] { try inner.openSubjects() }
  package func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws(StoreError) -> Int {
    try inner.removeFinished(before: cutoff, awaitedBy: exporters, limit: limit)
  }
  package func size() throws(StoreError) -> Int64 { try inner.size() }
  package func close() { inner.close() }
}
