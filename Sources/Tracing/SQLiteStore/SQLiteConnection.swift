import CSQLite
import ValueStreamCore

/// A connection to one database file, for one thread at a time: the one that holds its lock or took it from its pool.
final class SQLiteConnection {
  let path: String
  private let handle: OpaquePointer
  private let begin: OpaquePointer
  private let beginWrite: OpaquePointer
  private let commit: OpaquePointer

  /// Lets SQLite keep no statistics of its memory, which nobody reads: each allocation would take a lock that all threads share.
  ///
  /// Has no effect if SQLite was used before.
  private static let configure: Void = { _ = vs_sqlite_disable_memory_statistics() }()

  /// Opens an existing database file for reading and writing. An empty file is an empty database.
  ///
  /// - Parameter vfs: the name of the SQLite file layer (VFS); nil for that of the system.
  convenience init(path: String, vfs: String? = nil) throws(StoreError) {
    try self.init(path: path, name: path, flags: SQLITE_OPEN_READWRITE, vfs: vfs)
  }

  /// - Parameters:
  ///   - path: the path shown in errors.
  ///   - name: the file name or URI that SQLite opens.
  private init(path: String, name: String, flags: Int32, vfs: String?) throws(StoreError) {
    _ = Self.configure
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs)
    guard code == SQLITE_OK, let handle else {
      let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
      let systemError = handle.map { sqlite3_system_errno($0) } ?? 0
      sqlite3_close_v2(handle)
      throw StoreError(sqlite: code, systemError: systemError, doing: "opening \(path)", message: message)
    }
    let transactions = ["BEGIN", "BEGIN IMMEDIATE", "COMMIT"].map { Self.compile($0, handle) }
    guard let begin = transactions[0], let beginWrite = transactions[1], let commit = transactions[2] else {
      for statement in transactions { sqlite3_finalize(statement) }
      sqlite3_close_v2(handle)
      throw StoreError(.busy, "opening \(path): out of memory")
    }
    self.path = path
    self.handle = handle
    (self.begin, self.beginWrite, self.commit) = (begin, beginWrite, commit)
    sqlite3_busy_timeout(handle, Self.busyTimeoutMilliseconds)
  }

  /// Opens a database for reading, even if the disk is full or read-only.
  ///
  /// SQLite keeps an index of the write-ahead log in a file. A full disk has no room for it, and a read-only disk does
  /// not allow it. Then the index stays in memory or, if there is no write-ahead log, is not used at all. Both require
  /// that no other process writes the file. None can if there is no room for the index.
  static func reading(path: String, vfs: String?) throws(StoreError) -> SQLiteConnection {
    let obstacle: StoreError
    do throws(StoreError) {
      return try probed(SQLiteConnection(path: path, vfs: vfs))
    } catch {
      guard [.noSpace, .unusable, .inputOutput].contains(error.code) else { throw error }
      obstacle = error
    }
    do throws(StoreError) {
      if StoreDirectory.size(ofFile: path + "-wal") > 0 {
        return try probed(SQLiteConnection(path: path, vfs: "unix-excl"))
      }
      let name = "file:\(PercentEncoding.encode(path))?immutable=1"
      return try probed(SQLiteConnection(path: path, name: name, flags: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs: nil))
    } catch {
      throw error.code == .corrupt ? error : obstacle
    }
  }

  /// Opens an empty database in memory.
  ///
  /// - Parameter path: the path shown in errors.
  static func inMemory(standingFor path: String) throws(StoreError) -> SQLiteConnection {
    try SQLiteConnection(path: path, name: ":memory:", flags: SQLITE_OPEN_READWRITE, vfs: nil)
  }

  /// Runs a first query, because SQLite opens the file only then.
  private static func probed(_ connection: SQLiteConnection) throws(StoreError) -> SQLiteConnection {
    _ = try connection.number("SELECT count(*) FROM sqlite_master")
    return connection
  }

  deinit {
    for statement in [begin, beginWrite, commit] { sqlite3_finalize(statement) }
    // `sqlite3_close_v2` defers closing until the last statement is released.
    sqlite3_close_v2(handle)
  }

  /// The size in bytes to which SQLite cuts a write-ahead log back after it grew for a large commit.
  static let keptLogBytes = 16 << 20

  /// How long a call waits for another connection before it fails with ``StoreError/Code/busy``.
  private static let busyTimeoutMilliseconds: Int32 = 10_000

  /// Runs statements and ignores the rows that they return.
  func execute(_ sql: String) throws(StoreError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// Copies all pages of this database, as they are when the call begins, into another one. Others may write meanwhile.
  func copyAll(to other: SQLiteConnection) throws(StoreError) {
    guard let backup = sqlite3_backup_init(other.handle, "main", handle, "main") else {
      throw other.failure(sqlite3_extended_errcode(other.handle))
    }
    // One step, so that a writer cannot make it begin anew.
    let code = sqlite3_backup_step(backup, -1)
    let end = sqlite3_backup_finish(backup)
    guard code == SQLITE_DONE, end == SQLITE_OK else { throw other.failure(end == SQLITE_OK ? code : end) }
  }

  /// Compiles a statement that runs many times. The caller keeps it.
  func prepare(_ sql: String) throws(StoreError) -> SQLiteStatement {
    guard let statement = Self.compile(sql, handle) else { throw failure(sqlite3_extended_errcode(handle)) }
    return SQLiteStatement(statement, connection: self)
  }

  /// Prepares a statement on tables of our own making. If they are not as we made them, the file is damaged.
  func prepare(onOwnTables sql: String) throws(StoreError) -> SQLiteStatement {
    if let statement = Self.compile(sql, handle) { return SQLiteStatement(statement, connection: self) }
    let code = sqlite3_extended_errcode(handle)
    let error = failure(code)
    throw code & 0xff == SQLITE_ERROR ? StoreError(.corrupt, error.message) : error
  }

  private static func compile(_ sql: String, _ handle: OpaquePointer) -> OpaquePointer? {
    var statement: OpaquePointer?
    sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    return statement
  }

  /// Returns the first column of the first row as a number; 0 if there is no row.
  func number(_ sql: String) throws(StoreError) -> Int64 {
    let statement = try prepare(sql)
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : 0
  }

  /// Switches the database to a write-ahead log unless it has one already.
  ///
  /// - Throws: `unusable` if the file cannot be written or the file system does not support a write-ahead log.
  func useWriteAheadLog() throws(StoreError) {
    // SQLite opens a file that it may not write as read-only, and the connection stays so even if the file becomes
    // writable.
    guard sqlite3_db_readonly(handle, "main") == 0 else { throw StoreError(.unusable, "\(path): it cannot be written") }
    let statement = try prepare("PRAGMA journal_mode = WAL")
    defer { statement.reset() }
    guard try statement.step(), statement.text(0) == "wal" else {
      throw StoreError(.unusable, "\(path): this file system cannot hold a write-ahead log")
    }
  }

  /// Runs `body` in a write transaction, which is rolled back if `body` throws.
  func write<Result>(_ body: () throws -> Result) throws -> Result {
    try transaction(beginWrite, body)
  }

  /// Runs `body` in a read transaction, in which the database does not change.
  func read<Result>(_ body: () throws -> Result) throws -> Result {
    try run(begin)
    // Nothing was written, so a failed commit does no harm. It fails after a damaged page, and an error here would
    // discard what `body` read.
    defer { endReading() }
    return try body()
  }

  private func endReading() {
    if (try? run(commit)) == nil, sqlite3_get_autocommit(handle) == 0 { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  private func transaction<Result>(_ begin: OpaquePointer, _ body: () throws -> Result) throws -> Result {
    try run(begin)
    do {
      let result = try body()
      try run(commit)
      return result
    } catch {
      // Some failures, such as a full disk, have already rolled back. If the rollback fails, the next BEGIN reports it.
      if sqlite3_get_autocommit(handle) == 0 { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
      throw error
    }
  }

  private func run(_ statement: OpaquePointer) throws(StoreError) {
    let code = sqlite3_step(statement)
    // Read the message first, because the reset clears it.
    let failure = code == SQLITE_DONE ? nil : failure(code)
    sqlite3_reset(statement)
    if let failure { throw failure }
  }

  func failure(_ code: Int32) -> StoreError {
    StoreError(
      sqlite: code, systemError: code & 0xff == SQLITE_IOERR || code & 0xff == SQLITE_CANTOPEN ? sqlite3_system_errno(handle) : 0,
      doing: path, message: String(cString: sqlite3_errmsg(handle)))
  }
}
