import Synchronization
import ValueStreamCore

/// Keeps idle connections, and makes new ones when all are in use.
///
/// A thread holds a connection only for one statement or transaction, so there are about as many as threads at work.
package final class PostgresPool: Sendable {
  package let address: PostgresAddress
  /// The quoted name of the schema with a dot.
  let schema: String
  private let idle = Mutex<[PostgresConnection]>([])
  private let isClosed = Mutex(false)

  /// The connections that are kept for later.
  private static let idleLimit = 6

  /// - Parameter schema: The schema that holds the tables. It consists of letters, digits and underscores.
  package init(_ address: PostgresAddress, schema: String = "valuestream") {
    self.address = address
    self.schema = "\"\(schema)\"."
  }

  /// Statements with the schema in place of `@`, because replacing it takes longer than many a statement.
  private let statements = Mutex<[String: String]>([:])
  private static let statementLimit = 1000

  /// Replaces each `@` before a name with the schema.
  func sql(_ text: String) -> String {
    if let known = statements.withLock({ $0[text] }) { return known }
    let statement = text.replacing("@", with: schema)
    statements.withLock { statements in
      // Some contain the names of partitions, of which there is no end.
      if statements.count >= Self.statementLimit { statements = [:] }
      statements[text] = statement
    }
    return statement
  }

  func connect() throws(StoreError) -> PostgresConnection { try PostgresConnection(address) }

  /// Runs `body` with a connection that nobody else uses meanwhile.
  func withConnection<Result>(_ body: (PostgresConnection) throws -> Result) throws(StoreError) -> Result {
    try StoreError.catching { try lendConnection(to: body) }
  }

  /// The same as ``withConnection(_:)``, but passes on what `body` throws.
  private func lendConnection<Result>(to body: (PostgresConnection) throws -> Result) throws -> Result {
    guard !isClosed.withLock(\.self) else { throw StoreError(.unusable, "\(address): the store is closed") }
    var known = idle.withLock { $0.popLast() }
    if known?.isIdle != true { known = nil }
    let connection = try known ?? connect()
    defer {
      // What broke one connection has usually broken all.
      if !connection.isUsable { idle.withLock { $0 = [] } }
      if connection.isUsable, connection.isIdle, !isClosed.withLock(\.self) {
        idle.withLock { if $0.count < Self.idleLimit { $0.append(connection) } }
      }
    }
    return try body(connection)
  }

  /// Runs a query. If an idle connection turns out to be broken, tries again with a new one.
  func query(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
    let text = self.sql(sql)
    for _ in 0..<Self.idleLimit {
      var isBroken = false
      do {
        return try withConnection { connection in
          defer { isBroken = !connection.isUsable }
          return try connection.run(text, parameters)
        }
      } catch let error where isBroken && error.code == .busy {
        continue
      }
    }
    return try withConnection { try $0.run(text, parameters) }
  }

  /// Runs a query row by row. See ``PostgresConnection/stream(_:_:_:)``.
  func stream(_ sql: String, _ parameters: [PostgresValue], _ visit: (PostgresConnection.Row) throws -> Void) throws {
    let text = self.sql(sql)
    try lendConnection { try $0.stream(text, parameters, visit) }
  }

  func close() {
    isClosed.withLock { $0 = true }
    idle.withLock { $0 = [] }
  }
}
