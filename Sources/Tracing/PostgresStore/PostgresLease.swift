package import Leadership
import Synchronization
import ValueStreamCore

/// The right to project, of which one daemon at a time is sure.
///
/// A row holds the epoch, which grows with each holder. Every transaction that changes the projection locks this row and checks the
/// epoch, so a daemon that was away and lost the lease writes nothing. Another row holds the time until which the lease runs, by
/// the clock of the server. A new holder changes the first row, which waits for transactions of the former one.
///
/// A standby that takes over may lack the last transactions. Then it has lost what the holder remembers to have written, so the holder
/// also checks the timeline of the server, which grows at each fail-over, and gives up the lease if it is another one.
package final class PostgresLease: Lease {
  private struct Term {
    var epoch: Int64
    /// The timeline when the lease was taken. Nil for an engine that has none.
    var timeline: String?
    /// True after the server was found to be another one.
    var isOver = false
  }

  /// How long a lease runs after its last renewal.
  package static let seconds: Int64 = 6
  /// How often a holder renews it, and others look whether it is free.
  package static let pause = Duration.milliseconds(500)

  package var pause: Duration { Self.pause }

  private let pool: PostgresPool
  private let name: String
  private let state = Mutex<Term?>(nil)

  /// - Parameter holder: The name of this daemon, for operators.
  package init(_ pool: PostgresPool, holder: String) {
    self.pool = pool
    name = holder
  }

  /// The epoch of this daemon; nil while it follows.
  var epoch: Int64? { term?.epoch }

  private var term: Term? { state.withLock { $0?.isOver == false ? $0 : nil } }

  package var isHeld: Bool { term != nil }

  /// The first digits of the name of the file that the server writes to.
  private static let timeline = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"

  /// Renews the lease, or takes it if it has run out. Call it every ``pause``.
  ///
  /// - Throws: ``StoreError`` if the server does not answer. A held lease stays held until its loss is certain.
  package func tick() throws -> LeaseOutcome {
    if let held = state.withLock(\.self) {
      if held.isOver {
        release()
        return .lost
      }
      let column = held.timeline == nil ? "NULL" : Self.timeline
      let rows = try pool.query(
        """
        UPDATE @lease_time SET expires = clock_timestamp() + \(Self.seconds) * interval '1 second'
        WHERE epoch = $1 AND expires > clock_timestamp() RETURNING id, \(column)
        """, [.integer(held.epoch)])
      if let row = rows.first, row.optionalText(1) == held.timeline { return .leads }
      release()
      return .lost
    }
    return try take(onlyIfFree: true) ? .leads : .follows
  }

  /// Takes the lease from whoever holds it. For tests, and for commands while no daemon runs.
  package func takeNow() throws { _ = try take(onlyIfFree: false) }

  private func take(onlyIfFree: Bool) throws -> Bool {
    let free = try pool.query("SELECT epoch FROM @lease_time WHERE expires < clock_timestamp() OR $1", [.boolean(!onlyIfFree)])
    guard let known = free.first?.int(0) else { return false }
    // Before anything is read that the holder remembers.
    let timeline = try self.timeline()
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
          state.withLock { $0 = Term(epoch: epoch, timeline: timeline) }
          return true
        }
      }
    } catch {
      // Also after a commit of unknown outcome: the next call finds a lease that runs, under an epoch that nobody uses.
      state.withLock { $0 = nil }
      guard error.code == .busy else { throw error }
      try endStuckTransaction()
      return false
    }
  }

  private func timeline() throws(StoreError) -> String? {
    do {
      return try pool.query("SELECT \(Self.timeline)").first?.optionalText(0)
    } catch let error where error.code == .unusable {
      return nil
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
      let epoch = state.withLock({ term in
        defer { term = nil }
        return term?.epoch
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
  func transaction<Result>(_ body: (PostgresConnection) throws -> Result) throws(StoreError) -> Result {
    guard let term else { throw notHeld }
    return try pool.withConnection { connection in
      try connection.transaction(Self.limits) {
        let column = term.timeline == nil ? "NULL" : Self.timeline
        let held = try connection.run(
          pool.sql("SELECT id, \(column) FROM @lease WHERE epoch = $1 FOR SHARE"), [.integer(term.epoch)])
        guard let row = held.first else { throw notHeld }
        guard row.optionalText(1) == term.timeline else {
          state.withLock { if $0?.epoch == term.epoch { $0?.isOver = true } }
          throw notHeld
        }
        return try body(connection)
      }
    }
  }

  private var notHeld: StoreError { StoreError(.busy, "\(pool.address): another daemon projects") }
}
