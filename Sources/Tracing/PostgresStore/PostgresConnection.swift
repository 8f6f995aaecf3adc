internal import CPostgreSQL
import ValueStreamCore

/// One connection to a server. One thread at a time uses it.
///
/// It works through a pooler in transaction mode: no named statements, no settings of the session, no session locks.
final class PostgresConnection: @unchecked Sendable {  // The pool gives it to one thread at a time.
  private let connection: OpaquePointer
  /// False after the connection to the server broke.
  private(set) var isUsable = true

  /// A row of a result, in binary format.
  struct Row {
    fileprivate let result: OpaquePointer
    fileprivate let row: Int32
    /// Keeps the result. Nil for a row of ``stream(_:_:_:)``, which is valid only while it is visited.
    fileprivate let owner: Rows?

    func isNull(_ column: Int32) -> Bool { withExtendedLifetime(owner) { PQgetisnull(result, row, column) != 0 } }

    /// The value of a column of type `int8`; 0 if it is null.
    func int(_ column: Int32) -> Int64 { optionalInt(column) ?? 0 }

    func optionalInt(_ column: Int32) -> Int64? {
      guard !isNull(column), PQgetlength(result, row, column) == 8, let value = PQgetvalue(result, row, column) else {
        return nil
      }
      return withExtendedLifetime(owner) { Int64(bigEndian: UnsafeRawPointer(value).loadUnaligned(as: Int64.self)) }
    }

    func bool(_ column: Int32) -> Bool {
      withExtendedLifetime(owner) { PQgetlength(result, row, column) == 1 && PQgetvalue(result, row, column)?.pointee == 1 }
    }

    /// The value of a column of type `bytea`; empty if it is null.
    func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
      let count = Int(PQgetlength(result, row, column))
      return try withExtendedLifetime(owner) {
        try body(UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: count))
      }
    }

    func bytes(_ column: Int32) -> [UInt8] { withBytes(column) { Array($0) } }

    /// The value of a column of type `bytea` or `text`.
    func text(_ column: Int32) -> String { withBytes(column) { String(decoding: $0, as: UTF8.self) } }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
  }

  /// The rows of a statement.
  final class Rows: Sequence {
    private let result: OpaquePointer
    let count: Int

    fileprivate init(_ result: OpaquePointer) {
      self.result = result
      count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    subscript(index: Int) -> Row { Row(result: result, row: Int32(clamping: index), owner: self) }

    var first: Row? { count > 0 ? self[0] : nil }

    func makeIterator() -> AnyIterator<Row> {
      var index = 0
      return AnyIterator { [self] in
        guard index < count else { return nil }
        defer { index += 1 }
        return self[index]
      }
    }

    /// The number of rows that the statement inserted, changed or removed.
    var changedCount: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }
  }

  init(_ address: PostgresAddress) throws(StoreError) {
    var keywords = address.parameters.map(\.keyword)
    var values = address.parameters.map(\.value)
    keywords += ["fallback_application_name"]
    values += ["valuestream"]
    let connection = Self.withCStrings(keywords) { keywords in
      Self.withCStrings(values) { values in PQconnectdbParams(keywords, values, 1) }
    }
    guard let connection else { throw StoreError(.busy, "no memory for a connection to PostgreSQL") }
    guard PQstatus(connection) == CONNECTION_OK else {
      let message = Self.text(PQerrorMessage(connection))
      PQfinish(connection)
      throw StoreError(address.code(ofConnecting: message), "\(address): \(address.redacted(message))")
    }
    vs_pq_ignore_notices(connection)
    self.connection = connection
  }

  deinit { PQfinish(connection) }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
  ) -> Result {
    let copies = strings.map { $0.utf8CString }
    func descend(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> Result {
      guard index < copies.count else {
        return (pointers + [nil]).withUnsafeBufferPointer { body($0.baseAddress) }
      }
      return copies[index].withUnsafeBufferPointer { descend(index + 1, pointers + [$0.baseAddress]) }
    }
    return descend(0, [])
  }

  fileprivate static func text(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "" }
    var text = String(cString: message)
    while text.hasSuffix("\n") { text.removeLast() }
    return text.replacing("\n", with: " ")
  }

  /// The version of the server, such as 150018.
  var serverVersion: Int { Int(PQserverVersion(connection)) }

  /// True if no transaction is open.
  var isIdle: Bool { PQtransactionStatus(connection) == PQTRANS_IDLE && PQstatus(connection) == CONNECTION_OK }

  // MARK: Statements

  /// Runs a statement and returns its rows.
  @discardableResult
  func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> Rows {
    let result = Self.passing(parameters) { count, types, values, lengths, formats in
      PQexecParams(connection, sql, count, types, values, lengths, formats, 1)
    }
    return try Rows(checked(result))
  }

  /// Runs a statement and calls `visit` with each row as it arrives, so that the rows need not fit into memory.
  func stream(_ sql: String, _ parameters: [PostgresValue], _ visit: (Row) throws -> Void) throws {
    let isSent = Self.passing(parameters) { count, types, values, lengths, formats in
      PQsendQueryParams(connection, sql, count, types, values, lengths, formats, 1) == 1
    }
    guard isSent else { throw failure(nil) }
    _ = PQsetSingleRowMode(connection)
    var stop: (any Error)?
    while let result = PQgetResult(connection) {
      defer { PQclear(result) }
      if stop != nil { continue }
      switch PQresultStatus(result) {
      case PGRES_SINGLE_TUPLE:
        do {
          try visit(Row(result: result, row: 0, owner: nil))
        } catch {
          stop = error
          cancel()
        }
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: break
      default: stop = failure(result)
      }
    }
    if let stop { throw stop }
  }

  private func cancel() {
    guard let request = PQgetCancel(connection) else { return }
    var message = [CChar](repeating: 0, count: 256)
    _ = PQcancel(request, &message, Int32(message.count))
    PQfreeCancel(request)
  }

  private typealias Call<Result> = (
    Int32, UnsafePointer<Oid>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
  ) -> Result

  private static func passing<Result>(_ parameters: [PostgresValue], _ call: Call<Result>) -> Result {
    // All parameters stand in one buffer, which keeps their addresses stable during the call.
    var buffer: [UInt8] = []
    var places: [(offset: Int, count: Int)?] = []
    for parameter in parameters {
      if let encoded = parameter.encoded {
        places.append((buffer.count, encoded.count))
        buffer += encoded
      } else {
        places.append(nil)
      }
    }
    // A null address means null, so that an empty buffer needs an address, too.
    buffer.append(0)
    let types = parameters.map { Oid($0.type) }
    let lengths = places.map { Int32(clamping: $0?.count ?? 0) }
    let formats = [Int32](repeating: 1, count: parameters.count)
    return buffer.withUnsafeBytes { bytes in
      let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let values = places.map { place in place.flatMap { place in base.map { UnsafePointer($0 + place.offset) } } }
      return call(Int32(clamping: parameters.count), types, values, lengths, formats)
    }
  }

  private func checked(_ result: OpaquePointer?) throws(StoreError) -> OpaquePointer {
    guard let result else { throw failure(nil) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return result
    default:
      let error = failure(result)
      PQclear(result)
      throw error
    }
  }

  private func failure(_ result: OpaquePointer?) -> StoreError {
    let state = result.flatMap { PQresultErrorField($0, Int32(UInt8(ascii: "C"))) }.map { String(cString: $0) } ?? ""
    let message =
      result.flatMap { PQresultErrorField($0, Int32(UInt8(ascii: "M"))) }.map { Self.text($0) }
      ?? Self.text(PQerrorMessage(connection))
    if PQstatus(connection) != CONNECTION_OK || state.hasPrefix("57P") || state.hasPrefix("08") { isUsable = false }
    return StoreError(Self.code(ofState: state), state.isEmpty ? "PostgreSQL: \(message)" : "PostgreSQL: \(message) (\(state))")
  }

  /// Maps the state of an error to what the caller should do.
  ///
  /// Everything that may pass by itself is `busy`: the projector waits then, and sets no delivery aside.
  static func code(ofState state: String) -> StoreError.Code {
    switch state {
    case "53100": .noSpace
    case "XX001", "XX002": .corrupt
    case "42501": .unusable
    default:
      switch state.prefix(2) {
      case "22", "23", "54": .rejected
      case "42", "3F", "0A": .unusable
      default: .busy
      }
    }
  }

  // MARK: Transactions

  /// Runs `body` as one transaction.
  ///
  /// - Parameter limits: The settings of the transaction that bound how long it takes, by name.
  /// - Throws: ``StoreError``. Nothing was changed then, unless the connection broke during the commit.
  func transaction<Result>(_ limits: KeyValuePairs<String, String> = [:], _ body: () throws -> Result) throws(StoreError)
    -> Result
  {
    // One message to the server. Settings that are local to a transaction are safe behind a pooler.
    let begin = ["BEGIN"] + limits.map { "SET LOCAL \($0.key) = '\($0.value)'" }
    PQclear(try checked(PQexec(connection, begin.joined(separator: "; "))))
    do {
      let value = try StoreError.catching(body)
      try run("COMMIT")
      return value
    } catch {
      if isUsable { _ = try? run("ROLLBACK") }
      throw error
    }
  }
}
