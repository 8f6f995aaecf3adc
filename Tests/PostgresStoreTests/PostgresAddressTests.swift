import PostgresServer
import Testing
import ValueStreamCore

@testable import PostgresStore

@Suite("The address and the server of a store in PostgreSQL")
struct PostgresAddressTests {
  @Test("is told apart from a directory, and never shows a password")
  func descriptions() throws {
    #expect(PostgresAddress.isOne("postgres://db/vs") && PostgresAddress.isOne("postgresql://db/vs"))
    #expect(!PostgresAddress.isOne("/var/lib/valuestream") && !PostgresAddress.isOne("postgres"))
    let address = try PostgresAddress("postgres://vs:s%65cret-word@db.example:5433/traces?sslmode=verify-full")
    #expect("\(address)" == "postgres://db.example:5433/traces")
    #expect(address.redacted("login with secret-word failed") == "login with *** failed")
    #expect("\(try PostgresAddress("postgres://?service=main&password=secret-word"))" == "postgres://service=main/")
  }

  @Test(
    "is refused without being quoted if libpq cannot read it",
    arguments: ["postgres://vs:secret-word@[::1/x", "postgres://vs:secret-word@db/x?nosuch=1", "/srv/secret-word"])
  func unreadable(text: String) {
    let error = #expect(throws: StoreError.self) { try PostgresAddress(text) }
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("secret-word") == false)
  }

  @Test("A server that is away may come back; a database that does not exist will not")
  func connecting() throws {
    let away = try PostgresAddress("postgres://vs:secret-word@/x?host=/nonexistent")
    let error = #expect(throws: StoreError.self) { try PostgresConnection(away) }
    #expect(error?.code == .busy)
    #expect(error?.message.contains("secret-word") == false)
    let server = try PostgresServer.shared.get()
    let missing = try PostgresAddress("postgres:///missing?host=\(server.directory)&user=vs")
    #expect(#expect(throws: StoreError.self) { try PostgresConnection(missing) }?.code == .unusable)
  }

  @Test("Tables of a newer version are refused, and several daemons create them at once")
  func versions() async throws {
    let pool = try PostgresServer.shared.get().pool()
    try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<4 { group.addTask { try PostgresSchema.prepare(pool) } }
      for try await warnings in group { #expect(warnings.isEmpty) }
    }
    _ = try pool.query("UPDATE @schema_version SET version = version + 1")
    let error = #expect(throws: StoreError.self) { try PostgresSchema.prepare(pool) }
    #expect(error?.code == .newerVersion)
  }

  @Test("A read-only server is refused, and one that does not wait for the disk is warned of")
  func servers() throws {
    let server = try PostgresServer.shared.get()
    func pool(_ options: String) throws -> PostgresPool {
      PostgresPool(try PostgresAddress("\(server.address)&options=\(options)"), schema: "servers")
    }
    let readOnly = #expect(throws: StoreError.self) {
      try PostgresSchema.prepare(pool("-c%20default_transaction_read_only%3Don"))
    }
    #expect(readOnly?.code == .unusable)
    #expect(try PostgresSchema.prepare(pool("-c%20synchronous_commit%3Doff")).count == 1)
  }

  @Test(
    "Errors say whether to try again",
    arguments: [
      ("53100", .noSpace), ("XX001", .corrupt), ("22021", .rejected), ("23505", .rejected), ("54000", .rejected),
      ("42P01", .unusable), ("42501", .unusable), ("40001", .busy), ("57P01", .busy), ("25006", .busy), ("53300", .busy),
      ("", .busy),
    ] as [(String, StoreError.Code)])
  func codes(state: String, code: StoreError.Code) {
    #expect(PostgresConnection.code(ofState: state) == code)
  }
}
