internal import CPostgreSQL
package import ValueStreamCore

/// How to reach a database, as libpq reads it: `postgres://user@host:port/database?option=value`.
///
/// What the address leaves out comes from libpq's service file, environment and password file. The description never
/// contains a password.
package struct PostgresAddress: Sendable, Equatable, CustomStringConvertible {
  /// True for the address of a PostgreSQL database, rather than a directory.
  package static func isOne(_ text: String) -> Bool {
    text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
  }

  struct Parameter: Sendable, Equatable {
    var keyword: String
    var value: String
  }

  let parameters: [Parameter]
  /// What messages must not contain.
  private let secrets: [String]
  package let description: String

  /// - Throws: ``StoreError`` `unusable` if libpq cannot read the address. The message does not quote it.
  package init(_ text: String) throws(StoreError) {
    guard Self.isOne(text) else { throw Self.unreadable }
    var options: [String: String] = [:]
    guard let parsed = PQconninfoParse(text, nil) else { throw Self.unreadable }
    defer { PQconninfoFree(parsed) }
    var next = parsed
    while let keyword = next.pointee.keyword {
      if let value = next.pointee.val { options[String(cString: keyword)] = String(cString: value) }
      next += 1
    }
    secrets = ["password", "sslpassword"].compactMap { options[$0] }.filter { !$0.isEmpty }
    // A server that does not answer must not hold up intake for minutes.
    if options["connect_timeout"] == nil { options["connect_timeout"] = "5" }
    if options["tcp_user_timeout"] == nil { options["tcp_user_timeout"] = "10000" }
    if options["keepalives_idle"] == nil { options["keepalives_idle"] = "10" }
    if options["keepalives_interval"] == nil { options["keepalives_interval"] = "5" }
    parameters = options.sorted { $0.key < $1.key }.map { Parameter(keyword: $0.key, value: $0.value) }
    let place = options["service"].map { "service=\($0)" } ?? options["host"] ?? options["hostaddr"] ?? ""
    let port = options["port"].map { ":\($0)" } ?? ""
    description = "postgres://\(place)\(port)/\(options["dbname"] ?? "")"
  }

  private static var unreadable: StoreError {
    StoreError(
      .unusable,
      "libpq cannot read the address of the store; it looks like postgres://user@host:5432/database?sslmode=verify-full")
  }

  func redacted(_ message: String) -> String {
    secrets.reduce(message) { $0.replacing($1, with: "***") }
  }

  /// Tells a server that is away from an address that will never work.
  func code(ofConnecting message: String) -> StoreError.Code {
    let lasting = [
      "password authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist",
      "definition of service", "invalid", "could not be found", "permission denied",
    ]
    return lasting.contains { message.contains($0) } && !message.contains("No such file") ? .unusable : .busy
  }
}
