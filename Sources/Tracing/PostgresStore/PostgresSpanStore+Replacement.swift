package import ValueStreamCore

/// Replaces a projection with another one that a replay has built, in another schema of the same database.
extension PostgresSpanStore {
  /// The schema in which a replay builds its projection.
  package static let replaySchema = "valuestream_replay"
  /// The schema of the projection that was replaced last. Drop it when you no longer need it.
  package static let replacedSchema = "valuestream_before_replay"

  /// Opens a pool for ``replaySchema``, with empty tables if there are none.
  package static func poolOfReplay(_ address: PostgresAddress) throws(StoreError) -> PostgresPool {
    let pool = PostgresPool(address, schema: replaySchema)
    _ = try PostgresSchema.prepare(pool)
    return pool
  }

  /// Removes ``replaySchema`` with everything in it.
  package static func dropReplay(_ address: PostgresAddress) throws(StoreError) {
    let pool = PostgresPool(address)
    defer { pool.close() }
    _ = try pool.query("DROP SCHEMA IF EXISTS \(replaySchema) CASCADE")
  }

  /// Replaces the tables of this store with those of another one in the same database. Needs the lease.
  ///
  /// The other store takes over what must outlast a projection: the export ledger, outbox entries with their numbers, the
  /// progress of exporters, counters with their data on what was counted, and the fingerprints of recent deliveries. The former
  /// tables stay in ``replacedSchema``.
  ///
  /// - Parameter beginning: the start of the log from which the other store was built. Branch updates before it are taken
  ///   over. Nil for a complete log.
  /// - Throws: ``StoreError``. Both stores are then unchanged.
  package func replace(by other: PostgresSpanStore, logBeginning beginning: Timestamp?) throws(StoreError) {
    let former = pool.schema
    func sql(_ text: String) -> String { text.replacing("@", with: other.pool.schema).replacing("~", with: former) }
    try lease.transaction { connection in
      // There may be much to copy.
      try connection.run("SET LOCAL statement_timeout = 0")
      try connection.run("SET LOCAL idle_in_transaction_session_timeout = 0")
      for statement in Self.takingOver.split(separator: ";") where statement.contains(where: { !$0.isWhitespace }) {
        try connection.run(sql(String(statement)))
      }
      if let beginning {
        try connection.run(
          sql("INSERT INTO @branch_update SELECT * FROM ~branch_update WHERE time < $1 ON CONFLICT DO NOTHING"),
          [.integer(beginning.nanoseconds)])
        // Facts that depend on these are computed again.
        try connection.run(
          sql(
            """
            INSERT INTO @fact_change (kind, id, branch, time)
            SELECT \(FactWorkKind.branch.rawValue), 0, branch, min(time) FROM @branch_update WHERE time < $1 GROUP BY branch
            """), [.integer(beginning.nanoseconds)])
      }
      try swapTables(other, connection)
    }
    other.close()
  }

  private func swapTables(_ other: PostgresSpanStore, _ connection: PostgresConnection) throws(StoreError) {
    let former = pool.schema.dropLast()
    let tables = try connection.run(
      """
      SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = convert_from($1, 'UTF8') AND c.relkind = 'r' AND c.relname NOT LIKE 'log\\_%'
        AND c.relname NOT IN ('schema_version', 'lease', 'lease_time')
      """, [.bytes(Array(former.dropFirst().dropLast().utf8))]
    ).map { $0.text(0) }
    try connection.run("DROP SCHEMA IF EXISTS \(Self.replacedSchema) CASCADE")
    try connection.run("CREATE SCHEMA \(Self.replacedSchema)")
    for table in tables {
      try connection.run("ALTER TABLE \(former).\(table) SET SCHEMA \(Self.replacedSchema)")
      try connection.run("ALTER TABLE \(other.pool.schema)\(table) SET SCHEMA \(former)")
    }
    try connection.run("DROP SCHEMA \(other.pool.schema.dropLast()) CASCADE")
  }

  /// `@` is the schema of the new projection, `~` that of the former one.
  private static let takingOver = """
    INSERT INTO @exported_trace SELECT * FROM ~exported_trace ON CONFLICT DO NOTHING;
    INSERT INTO @exported_attempt SELECT * FROM ~exported_attempt ON CONFLICT DO NOTHING;
    INSERT INTO @fact_kept SELECT * FROM ~fact_kept ON CONFLICT DO NOTHING;
    DELETE FROM @export_progress;
    INSERT INTO @export_progress SELECT * FROM ~export_progress;
    INSERT INTO @export_refusal (exporter, time, count, reason, attempts)
      SELECT exporter, time, count, reason, attempts FROM ~export_refusal ORDER BY sequence;

    CREATE TEMP TABLE vsd_news ON COMMIT DROP AS
      SELECT row_number() OVER (ORDER BY sequence) AS number, key, attempt, time FROM @outbox a
      WHERE NOT EXISTS (SELECT 1 FROM ~outbox b WHERE b.key = a.key AND b.attempt = a.attempt);
    DELETE FROM @outbox;
    INSERT INTO @outbox SELECT * FROM ~outbox b WHERE EXISTS (SELECT 1 FROM @subject s WHERE s.key = b.key);
    INSERT INTO @outbox
      SELECT number - 1 + (SELECT next_outbox FROM ~projection), key, attempt, time FROM vsd_news;
    UPDATE @projection SET next_outbox = (SELECT next_outbox FROM ~projection) + (SELECT count(*) FROM vsd_news);

    DELETE FROM @measurement;
    INSERT INTO @measurement SELECT s.seq, m.since, m.counted
      FROM ~measurement m JOIN ~subject f ON f.seq = m.subject JOIN @subject s ON s.key = f.key
      ON CONFLICT DO NOTHING;

    DELETE FROM @fingerprint;
    INSERT INTO @fingerprint (newest, data) SELECT newest, data FROM ~fingerprint ORDER BY batch;
    DELETE FROM @named_value WHERE \(isCounter);
    INSERT INTO @named_value SELECT * FROM ~named_value WHERE \(isCounter)
    """

  /// Excludes gauges and the count of deliveries that could not be projected: the new projection has its own.
  private static let isCounter = """
    convert_from(name, 'UTF8') NOT LIKE '\(MetricRegistry.gaugePrefix)%' AND convert_from(name, 'UTF8') <> 'deliveries.set_aside'
    """
}
