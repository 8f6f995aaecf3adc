package import ValueStreamCore

/// Partitions by day, which are dropped whole.
extension PostgresDeliveryLog {
  /// How many days ahead there are partitions.
  private static let daysAhead: Int64 = 7

  private struct Partition {
    var name: String
    var bytes: Int64
    var number: Int64
  }

  /// Creates the partitions of today and the next days. What has none goes to the default partition.
  package func addPartitions() throws(StoreError) {
    let today = try pool.query("SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int8").first?.int(0) ?? 0
    try addPartitions(today...(today + Self.daysAhead))
  }

  func addPartitions(_ numbers: ClosedRange<Int64>) throws(StoreError) {
    let known = Set(try partitions().map(\.number))
    for number in numbers where !known.contains(number) {
      // Another daemon may create it at the same time. Without it, its deliveries go to the default partition.
      _ = try? pool.query(
        """
        CREATE TABLE IF NOT EXISTS @log_commit_\(number < 0 ? "m" : "")\(number.magnitude) PARTITION OF @log_commit
        FOR VALUES FROM (\(number)) TO (\(number + 1))
        """)
    }
  }

  private func partitions() throws(StoreError) -> [Partition] {
    let schema = PostgresValue.bytes(Array(pool.schema.dropFirst().dropLast(2).utf8))
    return try pool.query(
      """
      SELECT c.relname::text, pg_total_relation_size(c.oid) FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      JOIN pg_namespace n ON n.oid = p.relnamespace
      WHERE p.relname = 'log_commit' AND n.nspname = convert_from($1, 'UTF8') AND p.relkind = 'p'
      """, [schema]
    ).compactMap { row in
      let name = row.text(0)
      let suffix = name.dropFirst("log_commit_".utf8.count)
      let number = suffix.hasPrefix("m") ? Int64(suffix.dropFirst()).map { -$0 } : Int64(suffix)
      return number.map { Partition(name: name, bytes: row.int(1), number: $0) }
    }.sorted { $0.number < $1.number }
  }

  package func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws(StoreError) {
    try addPartitions()
    guard let projected else { return }
    let partitions = try partitions()
    var total = try size()
    let today = try pool.query("SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int8").first?.int(0) ?? 0
    // The partition that is written now stays.
    for partition in partitions where options.partition != nil || partition.number < today {
      let rows = try pool.query(Self.ends(of: partition))
      guard let newest = rows.map({ $0.int(2) }).max() else {
        // A day without deliveries.
        if partition.number < today { _ = try drop(partition, ifCoveredBy: projected) }
        continue
      }
      guard projected.contains(Self.coverage(rows)), total > maximumBytes || newest < cutoff.nanoseconds else { return }
      guard try drop(partition, ifCoveredBy: projected) else { return }
      total -= partition.bytes
    }
  }

  /// Selects writers, the last number of each in a partition, and the newest receipt.
  ///
  /// A damaged row may have any writer and numbers. It must not keep its partition for ever.
  private static func ends(of partition: Partition) -> String {
    """
    SELECT c.writer, least(max(least(c.first, w.last) + least(c.count, w.last) - 1), max(w.last)), max(c.received)
    FROM @\(partition.name) c JOIN @log_writer w ON w.id = c.writer GROUP BY c.writer
    """
  }

  private static func coverage(_ rows: PostgresConnection.Rows) -> LogCoverage {
    LogCoverage(rows.map { LogPosition(writer: UInt64(clamping: $0.int(0)), number: UInt64(clamping: $0.int(1))) })
  }

  /// Drops a partition. Intake waits for the lock on the log for a second at most; a later call tries again.
  ///
  /// - Returns: False if deliveries were added that are not projected.
  private func drop(_ partition: Partition, ifCoveredBy projected: LogCoverage) throws(StoreError) -> Bool {
    try pool.withConnection { connection in
      try connection.transaction(["lock_timeout": "1s"]) {
        // In the order in which intake locks them.
        try connection.run(pool.sql("LOCK TABLE ONLY @log_commit IN ACCESS EXCLUSIVE MODE"))
        try connection.run(pool.sql("LOCK TABLE @\(partition.name) IN ACCESS EXCLUSIVE MODE"))
        let covered = Self.coverage(try connection.run(pool.sql(Self.ends(of: partition))))
        guard projected.contains(covered) else { return false }
        let ends = covered.ends
        if !ends.isEmpty { try connection.run(pool.sql("UPDATE @log_state SET is_complete = false WHERE is_complete")) }
        try connection.run(
          pool.sql(
            """
            UPDATE @log_writer w SET dropped = greatest(w.dropped, e.last) FROM unnest($1::int8[], $2::int8[]) AS e (id, last)
            WHERE w.id = e.id
            """),
          [.integers(ends.map { Int64($0.writer) }), .integers(ends.map { Int64($0.number) })])
        try connection.run(pool.sql("DROP TABLE @\(partition.name)"))
        try forgetWriters(connection)
        return true
      }
    }
  }

  /// Removes the rows of writers whose deliveries are all dropped. One that is alive takes another id.
  ///
  /// The newest row stays: whoever asks for a position of an older writer learns that it was removed.
  private func forgetWriters(_ connection: PostgresConnection) throws(StoreError) {
    try connection.run(
      pool.sql(
        """
        DELETE FROM @log_writer w WHERE last <= dropped AND coalesce(ended, started) < now() - interval '1 day'
          AND id < (SELECT max(id) FROM @log_writer) AND NOT EXISTS (SELECT 1 FROM @log_commit c WHERE c.writer = w.id)
        """))
    try connection.run(
      pool.sql("DELETE FROM @log_lost l WHERE NOT EXISTS (SELECT 1 FROM @log_writer w WHERE w.id = l.writer)"))
  }

  package func size() throws(StoreError) -> Int64 {
    try partitions().reduce(0) { $0 + $1.bytes }
      + (pool.query("SELECT pg_total_relation_size('@log_commit_default')").first?.int(0) ?? 0)
  }
}
