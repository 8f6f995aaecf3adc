import Synchronization
package import ValueStreamCore

/// The span store in one SQLite file.
///
/// The file is in WAL mode with `synchronous=NORMAL`. After a crash of the machine, the newest transactions may be missing,
/// but none is there in part. The projector repeats them from the log.
///
/// One connection writes. Short queries use it while it is idle, because its cache is warm. All other queries use a small
/// pool of connections, so that they never wait for a write.
package final class SQLiteSpanStore: SpanStore {
  package struct Options: Sendable {
    /// Name of the file, without its directory. Only one process at a time can open it for writing.
    package var fileName = "spans.sqlite"
    /// Limit of the page cache of the writing connection, in KiB.
    package var writerCacheKilobytes = 16_384
    /// Limit of the page cache of each reading connection, in KiB.
    package var readerCacheKilobytes = 2_048
    /// The number of pages in the write-ahead log after which SQLite copies them into the database file.
    package var checkpointPages = 1000
    /// Name of the SQLite VFS; nil for the default one.
    package var vfs: String?
    /// Receives reports of rows that cannot be read. Results leave out such rows.
    package var damage = DamageReport()

    package init() {}
  }

  let directory: StoreDirectory
  let options: Options
  private let isOnlyRead: Bool
  let caches = StoreCaches()
  /// The number of the last part of branches that was handed out for the computation of facts.
  let nextBranchPart = Atomic<Int64>(0)
  /// Whether facts of removed subjects are kept, for which the computation of facts asks all the time.
  let keptFacts = Atomic(KeptFacts.unknown)
  private let writing: Mutex<Writing>
  private let idleReaders = Mutex<[SpanStoreReader]>([])
  private let waiting: WriteWait

  private struct Writing {
    var writer: SpanStoreWriter?
    var lock: DirectoryLock?
    /// Serves all queries while nothing can be written. It may rely on an unchanging file, so close it before any write.
    var onlyReader: SpanStoreReader?
  }

  private static let idleReaderLimit = 4

  /// Opens the store for writing. Creates the directory and file if necessary, and migrates an older file.
  ///
  /// If the disk is full or read-only, opens the store for reading. Later writes then try to open it for writing.
  ///
  /// - Throws: ``StoreError``: `busy` if another process has the store open, `newerVersion`, `unusable`, `corrupt`, or the error
  ///   that prevents the migration of an older file.
  package init(directory path: String, options: Options = Options()) throws {
    directory = try StoreDirectory(path)
    self.options = options
    isOnlyRead = false
    var lock: DirectoryLock?
    do {
      lock = try Self.lock(directory, options)
      let writer = try Self.openToWrite(directory, options, caches)
      writing = Mutex(Writing(writer: writer, lock: lock))
      waiting = WriteWait(nil)
    } catch {
      guard let obstacle = directory.passingObstacle(error, toWriting: Self.writtenNames(options)) else { throw error }
      guard let reader = try Self.openToReadAlone(directory, options, caches) else { throw obstacle }
      writing = Mutex(Writing(lock: lock, onlyReader: reader))
      waiting = WriteWait(obstacle)
    }
  }

  private static func writtenNames(_ options: Options) -> [String] { [lockName(options), options.fileName] }

  private static func lockName(_ options: Options) -> String { options.fileName + ".lock" }

  private static func lock(_ directory: StoreDirectory, _ options: Options) throws -> DirectoryLock {
    try DirectoryLock(directory, name: lockName(options))
  }

  private static func openToWrite(
    _ directory: StoreDirectory, _ options: Options, _ caches: StoreCaches
  ) throws -> SpanStoreWriter {
    try directory.createFile(options.fileName)
    let connection = try SQLiteConnection(path: directory.file(options.fileName), vfs: options.vfs)
    try StoreSchema.spanStore.check(connection)
    try connection.execute("PRAGMA page_size = 4096")
    try connection.useWriteAheadLog()
    try connection.execute(
      """
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = \(options.checkpointPages);
      PRAGMA journal_size_limit = \(SQLiteConnection.keptLogBytes);
      PRAGMA cache_size = -\(options.writerCacheKilobytes);
      """)
    try StoreSchema.spanStore.prepare(connection)
    // Copies pages that a crash left in the write-ahead log. This detects a full disk before anyone relies on writing.
    try connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return try SpanStoreWriter(connection, caches, damage: options.damage)
  }

  /// Opens the file for reading while nobody writes it. If there is no file yet, returns a reader of an empty store.
  ///
  /// - Returns: Nil if the store must be migrated before it can be read.
  private static func openToReadAlone(
    _ directory: StoreDirectory, _ options: Options, _ caches: StoreCaches
  ) throws -> SpanStoreReader? {
    let path = directory.file(options.fileName)
    var connection =
      directory.size(of: options.fileName) > 0
      ? try SQLiteConnection.reading(path: path, vfs: options.vfs) : try SQLiteConnection.inMemory(standingFor: path)
    try StoreSchema.spanStore.check(connection)
    let version = try connection.number("PRAGMA user_version")
    guard version == 0 || version == StoreSchema.spanStore.version else { return nil }
    if version == 0 {
      connection = try SQLiteConnection.inMemory(standingFor: path)
      try StoreSchema.spanStore.prepare(connection)
    }
    try connection.execute("PRAGMA cache_size = -\(options.readerCacheKilobytes); PRAGMA query_only = 1")
    return SpanStoreReader(connection, caches, damage: options.damage)
  }

  package func prepareToWrite() throws(StoreError) {
    try StoreError.catching {
      if waiting.isWaiting { try writing.withLock { try open(&$0) } }
      if !isOnlyRead { try directory.checkRoom() }
    }
  }

  /// Opens the store for writing if it is open only for reading so far.
  ///
  /// - Throws: ``StoreError``: the obstacle if writing is still impossible, or `busy` if another process has written the store
  ///   since it was opened without a lock.
  private func open(_ writing: inout Writing) throws {
    try waiting.end {
      let isNew = writing.lock == nil
      writing.lock = try writing.lock ?? Self.lock(directory, options)
      let known = try writing.onlyReader?.position()
      // The reader may rely on an unchanging file.
      writing.onlyReader = nil
      do {
        let writer = try Self.openToWrite(directory, options, caches)
        guard try !isNew || writer.reader.position() == known else {
          throw StoreError(.busy, "\(directory.path): another process has written the store meanwhile; start vsd again")
        }
        writing.writer = writer
      } catch {
        writing.onlyReader = try Self.openToReadAlone(directory, options, caches)
        throw error
      }
    } obstacle: {
      directory.passingObstacle($0, toWriting: Self.writtenNames(options))
    }
  }

  /// Opens a store for reading, while another process may write it.
  ///
  /// - Throws: ``StoreError``: `unusable` if there is no store, or if it must be migrated first.
  package init(reading path: String, options: Options = Options()) throws {
    let directory = try StoreDirectory(existing: path)
    let connection = try SQLiteConnection.reading(path: directory.file(options.fileName), vfs: options.vfs)
    try StoreSchema.spanStore.check(connection)
    guard try connection.number("PRAGMA user_version") == StoreSchema.spanStore.version else {
      throw StoreError(.unusable, "\(connection.path): written by an older version; start vsd once to bring it up to date")
    }
    self.directory = directory
    self.options = options
    isOnlyRead = true
    waiting = WriteWait(nil)
    writing = Mutex(Writing())
  }

  /// Removes the files of a store. No process may have it open.
  package static func remove(_ fileName: String, in path: String) throws {
    try StoreDirectory(existing: path).removeDatabase(fileName)
  }

  package func close() {
    idleReaders.withLock { $0 = [] }
    writing.withLock { $0 = Writing() }
  }

  /// Closes all connections, runs `body` while the lock keeps other processes away, and leaves the store closed.
  func closeKeepingLock(_ body: () throws -> Void) throws {
    try writing.withLock { writing in
      guard writing.writer != nil else { throw StoreError(.unusable, "\(directory.path): the span store is closed") }
      idleReaders.withLock { $0 = [] }
      writing.writer = nil
      defer { writing.lock = nil }
      try body()
    }
  }

  // MARK: Writing

  package func write(_ changes: ProjectionChanges) throws(StoreError) {
    try withWriter { try $0.write(changes) }
  }

  package func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws(StoreError)
  {
    try withWriter { try $0.setExportProgress(progress, for: exporter, rejection: rejection) }
  }

  package func addExportRecords(_ records: [ExportRecord]) throws(StoreError) {
    try withWriter { try $0.add(records) }
  }

  package func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws(StoreError) -> Int {
    // The search reads every row. Only the removal needs the writer.
    let (passed, found) = try withReader { reader in
      let passed = try reader.passed(by: exporters)
      return (passed, try reader.finished(before: cutoff, passed: passed, limit: limit))
    }
    if found.count < limit { try withWriter { try $0.removeBranchUpdates(before: cutoff) } }
    guard !found.isEmpty else { return 0 }
    defer { keptFacts.store(.some, ordering: .releasing) }
    return try withWriter { try $0.removeFinished(found, before: cutoff, passed: passed) }
  }

  func withWriter<Result: Sendable>(_ body: (SpanStoreWriter) throws -> Result) throws(StoreError) -> Result {
    try StoreError.catching {
      try writing.withLock { writing in
        try open(&writing)
        guard let writer = writing.writer else { throw StoreError(.unusable, "\(directory.path): the span store is closed") }
        return try body(writer)
      }
    }
  }

  // MARK: Reading

  package func subjects(_ keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Subject] {
    let recent = caches.recentSubjects.subjects(keys)
    if recent.isEmpty { return try withWarmestReader { try $0.subjects(keys) } }
    let others = keys.filter { recent[$0] == nil }
    if others.isEmpty { return recent }
    return try withWarmestReader { try $0.subjects(others) }.merging(recent) { _, recent in recent }
  }

  package func publishers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    Self.complete(try publishers(of: references, limit: .max), references)
  }

  package func publishers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try look(up: references, in: caches.filters.publishers) { try $0.publishers(of: $1, limit: limit) }
  }

  package func publishers(of reference: Reference, around place: UInt64, limit: Int) throws(StoreError) -> [SubjectKey] {
    guard !caches.filters.publishers.possible([reference]).isEmpty else { return [] }
    return try withWarmestReader { try $0.publishers(of: reference, around: place, limit: limit) }
  }

  package func followers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    Self.complete(try followers(of: references, limit: .max), references)
  }

  package func followers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try look(up: references, in: caches.filters.followers) { try $0.followers(of: $1, limit: limit) }
  }

  /// Reads the keys for names. Names that are certainly not in the index need no query, and are absent from the result.
  private func look(
    up references: [Reference], in filter: NameFilter,
    _ read: (SpanStoreReader, [Reference]) throws -> [Reference: [SubjectKey]]
  ) throws(StoreError) -> [Reference: [SubjectKey]] {
    let possible = filter.possible(references)
    return possible.isEmpty ? [:] : try withWarmestReader { try read($0, possible) }
  }

  /// Adds an empty list for each absent reference.
  private static func complete(
    _ found: [Reference: [SubjectKey]], _ references: [Reference]
  ) -> [Reference: [SubjectKey]] {
    var result = found
    for reference in references where result[reference] == nil { result[reference] = [] }
    return result
  }

  package func followers(of reference: Reference, after place: UInt64, limit: Int) throws(StoreError) -> [Follower] {
    try withWarmestReader { try $0.followers(of: reference, after: place, limit: limit) }
  }

  /// Returns what is projected of the log, after it syncs the projection to disk.
  ///
  /// Everything up to this position may be removed from the log. This does not hold for a store opened with
  /// ``init(reading:options:)``, which cannot sync what the other process writes.
  package func position() throws(StoreError) -> LogCoverage? {
    // A store that is open only for reading has written nothing that needs a sync.
    if isOnlyRead || waiting.isWaiting { return try withReader { try $0.position() } }
    return try withWriter { writer in
      // A checkpoint syncs the write-ahead log. With `synchronous=NORMAL`, a commit does not.
      try writer.reader.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
      return try writer.reader.position()
    }
  }

  package func values() throws(StoreError) -> [String: [UInt8]] {
    try withReader { try $0.values() }
  }

  package func measurements(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Measurement] {
    try withWarmestReader { try $0.measurements(of: keys) }
  }

  package func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) throws(StoreError) -> [AwaitingSubject] {
    try withWarmestReader { try $0.awaitingMeasurement(since: latest, orAfter: now, limit: limit) }
  }

  package func fingerprints(since cutoff: Timestamp) throws(StoreError) -> [DeliveryFingerprint] {
    try withReader { try $0.fingerprints(since: cutoff) }
  }

  package func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    try withReader { try $0.subjects(matching: filter, after: cursor, limit: limit) }
  }

  package func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws(StoreError) -> OrderedSubjectPage {
    try withReader { try $0.subjects(matching: filter, in: order, after: cursor, limit: limit) }
  }

  package func places(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: UInt64] {
    try withReader { try $0.places(of: keys) }
  }

  package func kinds() throws(StoreError) -> [SubjectKind] {
    try withReader { try $0.kinds().sorted() }
  }

  package func keys(ofTrace traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    try withReader { try $0.keys(ofTrace: traceID, limit: limit) }
  }

  package func keys(exportedIn traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    try withReader { try $0.keys(exportedIn: traceID, limit: limit) }
  }

  package func outboxEntries(after sequence: UInt64, limit: Int) throws(StoreError) -> [NumberedOutboxEntry] {
    try withReader { try $0.outboxEntries(after: sequence, limit: limit) }
  }

  package func openSubjects() throws(StoreError) -> [OpenSubjects] {
    try withReader { try $0.openSubjects() }
  }

  package func subjects(after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    try withReader { try $0.subjects(after: cursor, limit: limit) }
  }

  package func outboxEntryCount(after sequence: UInt64) throws(StoreError) -> Int {
    try withReader { try $0.outboxEntryCount(after: sequence) }
  }

  package func exportProgress() throws(StoreError) -> [String: ExportProgress] {
    try withReader { try $0.exportProgress() }
  }

  package func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws(StoreError) -> [NumberedRejection] {
    try withReader { try $0.exportRejections(of: exporter, before: sequence, limit: limit) }
  }

  package func exportRecords(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: ExportRecord] {
    try withReader { try $0.exportRecords(of: keys) }
  }

  package func hasExportRecords() throws(StoreError) -> Bool {
    try withReader { try $0.hasExportRecords() }
  }

  package func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    try withReader { try $0.branchUpdates(of: branch, limit: limit, bytes: bytes) }
  }

  package func branchUpdates(to commit: String, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    try withReader { try $0.branchUpdates(to: commit, limit: limit, bytes: bytes) }
  }

  package func size() throws(StoreError) -> Int64 {
    StoreDirectory.files(ofDatabase: options.fileName).reduce(0) { $0 + directory.size(of: $1) }
  }

  /// Runs a short query on the writing connection if that is idle, otherwise on a reading one.
  private func withWarmestReader<Result: Sendable>(_ body: (SpanStoreReader) throws -> Result) throws(StoreError) -> Result {
    let answer = try StoreError.catching {
      try writing.withLockIfAvailable { writing -> Result? in
        guard let reader = writing.writer?.reader else { return nil }
        return try reader.connection.read { try body(reader) }
      }
    }
    if let answer = answer ?? nil { return answer }
    return try withReader(body)
  }

  func withReader<Result: Sendable>(_ body: (SpanStoreReader) throws -> Result) throws(StoreError) -> Result {
    try StoreError.catching { try visiting(body) }
  }

  /// The same as ``withReader(_:)``, but passes on what `body` throws.
  func visiting<Result: Sendable>(_ body: (SpanStoreReader) throws -> Result) throws -> Result {
    guard waiting.isWaiting else { return try withPooledReader(body) }
    return try writing.withLock { writing in
      guard let reader = writing.onlyReader ?? writing.writer?.reader else {
        throw StoreError(.unusable, "\(directory.path): the span store is closed")
      }
      return try reader.connection.read { try body(reader) }
    }
  }

  private func withPooledReader<Result>(_ body: (SpanStoreReader) throws -> Result) throws -> Result {
    let reader = try idleReaders.withLock { $0.popLast() } ?? openReader()
    // After an error, the connection does not return to the pool.
    let result = try reader.connection.read { try body(reader) }
    idleReaders.withLock { if $0.count < Self.idleReaderLimit { $0.append(reader) } }
    return result
  }

  private func openReader() throws -> SpanStoreReader {
    let path = directory.file(options.fileName)
    let connection = isOnlyRead ? try .reading(path: path, vfs: options.vfs) : try SQLiteConnection(path: path, vfs: options.vfs)
    try connection.execute("PRAGMA cache_size = -\(options.readerCacheKilobytes); PRAGMA query_only = 1")
    return SpanStoreReader(connection, caches, damage: options.damage)
  }
}
