import CSQLite
import ValueStreamCore

/// A prepared statement. Parameters count from 1, columns from 0. Bind, step, read the columns, then reset.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let connection: SQLiteConnection
  /// The result code of the first failed bind, which the next step throws.
  private var bindFailure: Int32 = SQLITE_OK

  /// Takes ownership of a prepared statement.
  init(_ handle: OpaquePointer, connection: SQLiteConnection) {
    self.handle = handle
    self.connection = connection
  }

  deinit {
    sqlite3_finalize(handle)
  }

  // MARK: Binding

  func bind(_ index: Int32, _ value: Int64) {
    note(sqlite3_bind_int64(handle, index, value))
  }

  func bind(_ index: Int32, _ value: Int64?) {
    note(value.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
  }

  func bind(_ index: Int32, _ text: String) {
    var text = text
    note(text.withUTF8 { vs_sqlite_bind_text_copy(handle, index, $0.baseAddress, Int32(clamping: $0.count)) })
  }

  func bind(_ index: Int32, _ bytes: [UInt8]) {
    note(bytes.withUnsafeBytes { vs_sqlite_bind_blob_copy(handle, index, $0.baseAddress, UInt64($0.count)) })
  }

  /// Binds bytes without copying them while `body` runs. Resets the statement at the end.
  func binding<Result>(_ index: Int32, _ bytes: [UInt8], _ body: () throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { buffer in
      note(sqlite3_bind_blob64(handle, index, buffer.baseAddress, UInt64(buffer.count), nil))
      defer {
        reset()
        sqlite3_bind_null(handle, index)
      }
      return try body()
    }
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK, bindFailure == SQLITE_OK { bindFailure = code }
  }

  // MARK: Running

  /// Moves to the next row.
  ///
  /// - Returns: false if there is none. The statement is then reset.
  func step() throws(StoreError) -> Bool {
    guard bindFailure == SQLITE_OK else {
      let code = bindFailure
      reset()
      throw connection.failure(code)
    }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      reset()
      return false
    case let code:
      let failure = connection.failure(code)
      reset()
      throw failure
    }
  }

  /// Runs a statement to its end and ignores its rows.
  func run() throws(StoreError) {
    while try step() {}
  }

  /// Ends reading. The next step starts over with the same bindings.
  func reset() {
    sqlite3_reset(handle)
    bindFailure = SQLITE_OK
  }

  // MARK: Columns of the current row

  func int(_ column: Int32) -> Int64 {
    sqlite3_column_int64(handle, column)
  }

  func optionalInt(_ column: Int32) -> Int64? {
    sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
  }

  func text(_ column: Int32) -> String {
    guard let start = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// The size of a blob.
  func byteCount(_ column: Int32) -> Int { Int(sqlite3_column_bytes(handle, column)) }

  func bytes(_ column: Int32) -> [UInt8] {
    guard let start = sqlite3_column_blob(handle, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  /// Calls `body` with the bytes of a column without copying them. `body` must not use this statement.
  func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))))
  }
}
