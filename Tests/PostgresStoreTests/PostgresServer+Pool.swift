import PostgresServer
import Synchronization

@testable import PostgresStore

private let schemas = Atomic<Int>(0)

extension PostgresServer {
  /// Returns a pool with a schema of its own.
  func pool() throws -> PostgresPool {
    let number = schemas.add(1, ordering: .relaxed).newValue
    return PostgresPool(try PostgresAddress(address), schema: "test_\(number)")
  }
}
