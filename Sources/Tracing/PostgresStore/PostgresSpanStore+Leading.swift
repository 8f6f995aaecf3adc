package import ValueStreamCore

/// What a new leader does before it projects.
extension PostgresSpanStore {
  /// Computes all facts again if another version of their format wrote them, and forgets how far writers of the log were projected
  /// that retention has removed. Call it after taking the lease.
  package func prepareToLead() throws(StoreError) {
    noteKeptFacts()
    try forgetWriters()
    let version = try pool.query("SELECT version FROM @fact_state").first?.int(0) ?? 0
    if version != Int64(FactFormat.version) { try recomputeFacts() }
  }

  /// A writer without a row never appends again. The projection of a replay stands beside a log without rows.
  private func forgetWriters() throws(StoreError) {
    guard try pool.query("SELECT 1 FROM @log_writer LIMIT 1").count > 0 else { return }
    let condition = "(e.raw >> \(Self.writerBits)) NOT IN (SELECT id FROM @log_writer)"
    let gone = try pool.query("SELECT 1 FROM @projection p, unnest(p.ends) AS e (raw) WHERE \(condition) LIMIT 1")
    guard gone.count > 0 else { return }
    try lease.transaction { connection in
      _ = try connection.run(
        pool.sql(
          "UPDATE @projection p SET ends = ARRAY(SELECT e.raw FROM unnest(p.ends) AS e (raw) WHERE NOT (\(condition)))"))
    }
  }

  /// The bits of a position below its writer.
  private static let writerBits = LogPosition.numberLimit.nonzeroBitCount
}
