package import Leadership
import Synchronization
import ValueStreamCore

/// The right to project, of which one daemon at a time is sure.
///
/// A row holds the epoch, which grows with each holder. Every transaction that changes the projection locks this row and checks the
/// epoch, so a daemon that was away and lost the lease writes nothing. Another row holds the time until which the lease runs, by
/// the clock of the server. A new holder changes the first row, which waits for transactions of the former one.
package final class PostgresLease: Lease {
  /// How long a lease runs after its last renewal.
  package static let seconds: Int64 = 6
  /// How often a holder renews it, and others look whether it is free.
  package static let pause = Duration.milliseconds(500)

  package var pause: Duration { Self.pause }

  private let pool: PostgresPool
  private let name: String
  private let state = Mutex<Int64?>(nil)

  /// - Parameter holder: The name of this daemon, for operators.
  package init(_ pool: PostgresPool, holder: String) {
    self.pool = pool
    name = holder
  }

  /// The epoch of this daemon; nil while it follows.
  var epoch: Int64? { state.withLock(\.self) }

  package var isHeld: Bool { epoch != nil }

  /// Renews the lease, or takes it if it has run out. Call it every ``pause``.
  ///
  /// - Throws: ``StoreError`` if the server does not answer. A held lease stays held until its loss is certain.
  package func tick() throws -> LeaseOutcome {
    if let epoch {
      let rows = try pool.query(
        """
        UPDATE @lease_time SET expires = clock_timestamp() + \(Self.seconds) * interval '1 second'
        WHERE epoch = $1 AND expires > clock_timestamp() RETURNING id
        """, [.integer(epoch)])
      if rows.count == 1 { return .leads }
      state.withLock { $0 = nil }
      return .lost
    }
    return try take(onlyIfFree: true) ? .leads : .follows
  }

  /// Takes the lease from whoever holds it. For tests, and for commands while no daemon runs.
  package func takeNow() throws { _ = try take(onlyIfFree: false) }

  private func take(onlyIfFree: Bool) throws -> Bool {
    let free = try pool.query("SELECT epoch FROM @lease_time WHERE expires < clock_timestamp() OR $1", [.boolean(!onlyIfFree)])
    guard let known = free.first?.int(0) else { return false }
    do {
      return try pool.withConnection { connection in
        try connection.transaction(["lock_timeout": "2s"]) {
          let name = PostgresValue.bytes(Array(self.name.utf8))
          let taken = try connection.run(
            pool.sql("UPDATE @lease SET epoch = epoch + 1, holder = convert_from($2, 'UTF8') WHERE epoch = $1 RETURNING epoch"),
            [.integer(known), name])
          guard let epoch = taken.first?.int(0) else { return false }
          try connection.run(
            pool.sql(
              "UPDATE @lease_time SET epoch = $1, expires = clock_timestamp() + \(Self.seconds) * interval '1 second'"),
            [.integer(epoch)])
          state.withLock { $0 = epoch }
          return true
        }
      }
    } catch {
      // Also after a commit of unknown outcome: the next call finds a lease that runs, under an epoch that nobody uses.
      state.withLock { $0 = nil }
      guard let error = error as? StoreError, error.code == .busy else { throw error }
      try endStuckTransaction()
      return false
    }
  }

  /// Ends transactions of a former holder that still lock the lease although it has run out.
  private func endStuckTransaction() throws {
    _ = try pool.query(
      """
      SELECT pg_terminate_backend(l.pid) FROM pg_locks l
      JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user AND a.pid <> pg_backend_pid()
      WHERE l.relation = to_regclass(convert_from($1, 'UTF8')) AND l.mode = 'RowShareLock' AND l.granted
        AND a.state LIKE 'idle in transaction%'
        AND EXISTS (SELECT 1 FROM @lease_time WHERE expires < clock_timestamp())
      """, [.bytes(Array("\(pool.schema)lease".utf8))])
  }

  /// Gives the lease back, so that another daemon can take it at once.
  package func release() {
    guard
      let epoch = state.withLock({ epoch in
        defer { epoch = nil }
        return epoch
      })
    else { return }
    _ = try? pool.query("UPDATE @lease_time SET expires = '-infinity' WHERE epoch = $1", [.integer(epoch)])
  }

  package func holder() throws -> String? {
    try pool.query(
      """
      SELECT l.holder FROM @lease l JOIN @lease_time t ON t.epoch = l.epoch WHERE t.expires > clock_timestamp()
      """
    ).first?.text(0)
  }

  private static let limits: KeyValuePairs = [
    "lock_timeout": "10s", "statement_timeout": "120s", "idle_in_transaction_session_timeout": "30s",
  ]

  /// Runs `body` as a transaction that only the holder of the lease can commit.
  ///
  /// - Throws: ``StoreError`` `busy` if this daemon does not hold the lease.
  func transaction<Result>(_ body: (PostgresConnection) throws -> Result) throws -> Result {
    guard let epoch else { throw notHeld }
    return try pool.withConnection { connection in
      try connection.transaction(Self.limits) {
        let held = try connection.run(pool.sql("SELECT id FROM @lease WHERE epoch = $1 FOR SHARE"), [.integer(epoch)])
        guard held.count == 1 else { throw notHeld }
        return try body(connection)
      }
    }
  }

  private var notHeld: StoreError { StoreError(.busy, "\(pool.address): another daemon projects") }
}
