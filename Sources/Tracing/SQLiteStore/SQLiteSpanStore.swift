import Synchronization
package import ValueStreamCore

/// The span store in one SQLite file, in WAL mode with `synchronous=NORMAL`: after a crash of the machine the newest writes
/// may be missing, all of each, and are made again from the log.
///
/// One connection writes; questions go to it while it is idle, because its cache is warm, and else to one of a few others, so
/// they never wait for a write.
package final class SQLiteSpanStore: SpanStore {
  package struct Options: Sendable {
    /// Name of the file, without its directory. One process at a time has it open.
    package var fileName = "spans.sqlite"
    /// Upper bound of memory for pages of the connection that writes.
    package var writerCacheKilobytes = 16_384
    /// Upper bound of memory for pages of each connection that only reads.
    package var readerCacheKilobytes = 2_048
    /// Pages of the write-ahead log after which they are copied to where they belong.
    package var checkpointPages = 1000
    /// Name of the SQLite file layer; nil for the system's.
    package var vfs: String?
    /// Told of rows that cannot be read. They are left out of every answer.
    package var damage = DamageReport()

    package init() {}
  }

  let directory: StoreDirectory
  let options: Options
  private let isOnlyRead: Bool
  private let names = NameCache()
  private let recentTraces = RecentTraces()
  private let writing: Mutex<Writing>
  private let idleReaders = Mutex<[SpanStoreReader]>([])
  private let waiting: WriteWait

  private struct Writing {
    var writer: SpanStoreWriter?
    var lock: DirectoryLock?
    /// Answers all questions while nothing can be written: it must be closed before anything is.
    var onlyReader: SpanStoreReader?
  }

  private static let idleReaderLimit = 4

  /// Opens the store, creating directory and file where there are none, and migrating an older file.
  ///
  /// On a disk that is full or read-only it is opened to be read, and for writing as soon as that can be.
  ///
  /// - Throws: ``StoreError``: `busy` when another process has it open, `newerVersion`, `unusable`, `corrupt`, or what keeps an older
  ///   file from being migrated.
  package init(directory path: String, options: Options = Options()) throws {
    directory = try StoreDirectory(path)
    self.options = options
    isOnlyRead = false
    var lock: DirectoryLock?
    do {
      lock = try Self.lock(directory, options)
      let writer = try Self.openToWrite(directory, options, names, recentTraces)
      writing = Mutex(Writing(writer: writer, lock: lock))
      waiting = WriteWait(nil)
    } catch {
      guard let obstacle = directory.passingObstacle(error, toWriting: Self.writtenNames(options)) else { throw error }
      guard let reader = try Self.openToReadAlone(directory, options, names, recentTraces) else { throw obstacle }
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
    _ directory: StoreDirectory, _ options: Options, _ names: NameCache, _ recentTraces: RecentTraces
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
    // What a crash left in the write-ahead log: a full disk shows here, before anybody counts on writing.
    try connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return try SpanStoreWriter(connection, names: names, recentTraces: recentTraces, damage: options.damage)
  }

  /// Opens what nobody writes. A store that was never begun is an empty one.
  ///
  /// - Returns: nil for a store that must be migrated before it can be read.
  private static func openToReadAlone(
    _ directory: StoreDirectory, _ options: Options, _ names: NameCache, _ recentTraces: RecentTraces
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
    return SpanStoreReader(connection, names: names, recentTraces: recentTraces, damage: options.damage)
  }

  package func prepareToWrite() throws {
    if waiting.isWaiting { try writing.withLock { try open(&$0) } }
    if !isOnlyRead { try directory.checkRoom() }
  }

  /// Opens for writing what could only be read so far.
  private func open(_ writing: inout Writing) throws {
    try waiting.end {
      let isNew = writing.lock == nil
      writing.lock = try writing.lock ?? Self.lock(directory, options)
      let known = try writing.onlyReader?.position()
      // It expects that nobody writes.
      writing.onlyReader = nil
      do {
        let writer = try Self.openToWrite(directory, options, names, recentTraces)
        guard try !isNew || writer.reader.position() == known else {
          throw StoreError(.busy, "\(directory.path): another process has written the store meanwhile; start vsd again")
        }
        writing.writer = writer
      } catch {
        writing.onlyReader = try Self.openToReadAlone(directory, options, names, recentTraces)
        throw error
      }
    } obstacle: {
      directory.passingObstacle($0, toWriting: Self.writtenNames(options))
    }
  }

  /// Opens a store to be read beside the process that writes it.
  ///
  /// - Throws: ``StoreError``: `unusable` when there is none, or when it has yet to be migrated.
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

  /// Removes a store that nobody has open.
  package static func remove(_ fileName: String, in path: String) throws {
    try StoreDirectory(existing: path).removeDatabase(fileName)
  }

  package func close() {
    idleReaders.withLock { $0 = [] }
    writing.withLock { $0 = Writing() }
  }

  /// Gives up all connections, does something with the file while nobody else may, and is closed.
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

  package func write(_ changes: ProjectionChanges) throws {
    try withWriter { try $0.write(changes) }
  }

  package func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws {
    try withWriter { try $0.setExportProgress(progress, for: exporter, rejection: rejection) }
  }

  package func addExportRecords(_ records: [ExportRecord]) throws {
    try withWriter { try $0.add(records) }
  }

  package func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws -> Int {
    // Looking for them reads every row; only taking them out needs the writer.
    let (passed, found) = try withReader { reader in
      let passed = try reader.passed(by: exporters)
      return (passed, try reader.finished(before: cutoff, passed: passed, limit: limit))
    }
    if found.count < limit { try withWriter { try $0.removeBranchUpdates(before: cutoff) } }
    return found.isEmpty ? 0 : try withWriter { try $0.removeFinished(found, before: cutoff, passed: passed) }
  }

  func withWriter<Result: Sendable>(_ body: (SpanStoreWriter) throws -> Result) throws -> Result {
    try writing.withLock { writing in
      try open(&writing)
      guard let writer = writing.writer else { throw StoreError(.unusable, "\(directory.path): the span store is closed") }
      return try body(writer)
    }
  }

  // MARK: Reading

  package func subjects(_ keys: [SubjectKey]) throws -> [SubjectKey: Subject] {
    try withWarmestReader { try $0.subjects(keys) }
  }

  package func publishers(of references: [Reference]) throws -> [Reference: [SubjectKey]] {
    try withWarmestReader { try $0.publishers(of: references) }
  }

  package func publishers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]] {
    try withWarmestReader { try $0.publishers(of: references, limit: limit) }
  }

  package func followers(of references: [Reference]) throws -> [Reference: [SubjectKey]] {
    try withWarmestReader { try $0.followers(of: references) }
  }

  package func followers(of references: [Reference], limit: Int) throws -> [Reference: [SubjectKey]] {
    try withWarmestReader { try $0.followers(of: references, limit: limit) }
  }

  package func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [(place: UInt64, key: SubjectKey)] {
    try withWarmestReader { try $0.followers(of: reference, after: place, limit: limit) }
  }

  /// What this answers is on disk: what stands before it in the log may be removed. A store that is only read cannot promise that.
  package func position() throws -> LogPosition? {
    // Nothing was written since it was opened where nothing can be.
    if isOnlyRead || waiting.isWaiting { return try withReader { try $0.position() } }
    return try withWriter { writer in
      // Syncs the write-ahead log, which a write does not.
      try writer.reader.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
      return try writer.reader.position()
    }
  }

  package func values() throws -> [String: [UInt8]] {
    try withReader { try $0.values() }
  }

  package func measurements(of keys: [SubjectKey]) throws -> [SubjectKey: Measurement] {
    try withWarmestReader { try $0.measurements(of: keys) }
  }

  package func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) throws -> [(key: SubjectKey, measurement: Measurement)] {
    try withWarmestReader { try $0.awaitingMeasurement(since: latest, orAfter: now, limit: limit) }
  }

  package func fingerprints(since cutoff: Timestamp) throws -> [DeliveryFingerprint] {
    try withReader { try $0.fingerprints(since: cutoff) }
  }

  package func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws -> SubjectPage {
    try withReader { try $0.subjects(matching: filter, after: cursor, limit: limit) }
  }

  package func places(of keys: [SubjectKey]) throws -> [SubjectKey: UInt64] {
    try withReader { try $0.places(of: keys) }
  }

  package func kinds() throws -> [SubjectKind] {
    try withReader { try $0.kinds().sorted() }
  }

  package func keys(ofTrace traceID: TraceID, limit: Int) throws -> [SubjectKey] {
    try withReader { try $0.keys(ofTrace: traceID, limit: limit) }
  }

  package func outboxEntries(after sequence: UInt64, limit: Int) throws -> [(sequence: UInt64, outboxEntry: OutboxEntry)] {
    try withReader { try $0.outboxEntries(after: sequence, limit: limit) }
  }

  package func openSubjects() throws -> [OpenSubjects] {
    try withReader { try $0.openSubjects() }
  }

  package func subjects(after cursor: UInt64?, limit: Int) throws -> SubjectPage {
    try withReader { try $0.subjects(after: cursor, limit: limit) }
  }

  package func outboxEntryCount(after sequence: UInt64) throws -> Int {
    try withReader { try $0.outboxEntryCount(after: sequence) }
  }

  package func exportProgress() throws -> [String: ExportProgress] {
    try withReader { try $0.exportProgress() }
  }

  package func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws -> [(sequence: UInt64, rejection: ExportRejection)] {
    try withReader { try $0.exportRejections(of: exporter, before: sequence, limit: limit) }
  }

  package func exportRecords(of keys: [SubjectKey]) throws -> [SubjectKey: ExportRecord] {
    try withReader { try $0.exportRecords(of: keys) }
  }

  package func branchUpdates(of branch: SubjectKey, limit: Int) throws -> [BranchUpdate] {
    try withReader { try $0.branchUpdates(of: branch, limit: limit) }
  }

  package func branchUpdates(to commit: String) throws -> [BranchUpdate] {
    try withReader { try $0.branchUpdates(to: commit) }
  }

  package func size() throws -> Int64 {
    StoreDirectory.files(ofDatabase: options.fileName).reduce(0) { $0 + directory.size(of: $1) }
  }

  /// A short question, asked over the connection that writes if that is idle.
  private func withWarmestReader<Result: Sendable>(_ body: (SpanStoreReader) throws -> Result) throws -> Result {
    let answer = try writing.withLockIfAvailable { writing -> Result? in
      guard let reader = writing.writer?.reader else { return nil }
      return try reader.connection.read { try body(reader) }
    }
    if let answer = answer ?? nil { return answer }
    return try withReader(body)
  }

  func withReader<Result: Sendable>(_ body: (SpanStoreReader) throws -> Result) throws -> Result {
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
    // Not given back after a failure: the next one begins with a new connection.
    let result = try reader.connection.read { try body(reader) }
    idleReaders.withLock { if $0.count < Self.idleReaderLimit { $0.append(reader) } }
    return result
  }

  private func openReader() throws -> SpanStoreReader {
    let path = directory.file(options.fileName)
    let connection = isOnlyRead ? try .reading(path: path, vfs: options.vfs) : try SQLiteConnection(path: path, vfs: options.vfs)
    try connection.execute("PRAGMA cache_size = -\(options.readerCacheKilobytes); PRAGMA query_only = 1")
    return SpanStoreReader(connection, names: names, recentTraces: recentTraces, damage: options.damage)
  }
}
