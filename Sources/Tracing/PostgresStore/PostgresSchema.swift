import ValueStreamCore

/// The tables in the database, and how an older version of them becomes the current one.
///
/// Texts that senders choose are of type `bytea`, because `text` cannot hold the character U+0000, and because the order of
/// bytes does not depend on a collation. Numbers without a sign are stored by their bits.
///
/// Several versions of vsd share the tables during a rolling upgrade. So a migration only adds tables, and columns with a default.
enum PostgresSchema {
  static let migrations: [String] = [
    """
    CREATE TABLE @log_writer (
      id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, last int8 NOT NULL DEFAULT 0, host text NOT NULL,
      started timestamptz NOT NULL DEFAULT now(), ended timestamptz);
    CREATE TABLE @log_commit (
      part int8 NOT NULL, writer int8 NOT NULL, first int8 NOT NULL, count int8 NOT NULL, bytes int8 NOT NULL,
      received int8 NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), data bytea NOT NULL
    ) PARTITION BY RANGE (part);
    ALTER TABLE @log_commit ALTER COLUMN data SET STORAGE EXTERNAL;
    CREATE INDEX log_commit_place ON @log_commit (writer, first);
    CREATE INDEX log_commit_at ON @log_commit (at, writer, first);
    CREATE TABLE @log_commit_default PARTITION OF @log_commit DEFAULT;
    CREATE TABLE @log_state (id int8 PRIMARY KEY CHECK (id = 1), is_complete bool NOT NULL);
    INSERT INTO @log_state VALUES (1, true);

    CREATE TABLE @lease (id int8 PRIMARY KEY CHECK (id = 1), epoch int8 NOT NULL, holder text NOT NULL);
    INSERT INTO @lease VALUES (1, 0, '');
    CREATE TABLE @lease_time (id int8 PRIMARY KEY CHECK (id = 1), epoch int8 NOT NULL, expires timestamptz NOT NULL);
    INSERT INTO @lease_time VALUES (1, 0, '-infinity');

    CREATE TABLE @projection (
      id int8 PRIMARY KEY CHECK (id = 1), is_placed bool NOT NULL, ends int8[] NOT NULL,
      next_subject int8 NOT NULL, next_outbox int8 NOT NULL);
    INSERT INTO @projection VALUES (1, false, '{}', 1, 1);

    CREATE TABLE @subject (
      seq int8 PRIMARY KEY, key bytea NOT NULL UNIQUE, operation bytea, source bytea NOT NULL, project bytea, outcome bytea,
      begun int8 NOT NULL, ended int8, duration int8, trace int8 NOT NULL, data bytea NOT NULL
    ) WITH (fillfactor = 80);
    CREATE INDEX subject_project ON @subject (project, seq) WHERE project IS NOT NULL;
    CREATE INDEX subject_trace ON @subject (trace);
    CREATE INDEX subject_open ON @subject (begun, seq) WHERE ended IS NULL AND operation IS NOT NULL;
    CREATE INDEX subject_begun ON @subject (operation, begun, seq) WHERE operation IS NOT NULL;
    CREATE INDEX subject_ended ON @subject (operation, ended, seq) WHERE operation IS NOT NULL AND ended IS NOT NULL;
    CREATE INDEX subject_duration ON @subject (operation, duration, seq) WHERE operation IS NOT NULL AND ended IS NOT NULL;
    CREATE INDEX subject_finished ON @subject (ended) WHERE ended IS NOT NULL;

    CREATE TABLE @alias (ref bytea NOT NULL, subject int8 NOT NULL, PRIMARY KEY (ref, subject));
    CREATE INDEX alias_subject ON @alias (subject);
    CREATE TABLE @follow (ref bytea NOT NULL, subject int8 NOT NULL, PRIMARY KEY (ref, subject));
    CREATE INDEX follow_subject ON @follow (subject);

    CREATE TABLE @outbox (sequence int8 PRIMARY KEY, key bytea NOT NULL, attempt int8 NOT NULL, time int8 NOT NULL);
    CREATE INDEX outbox_key ON @outbox (key);
    CREATE TABLE @export_progress (
      exporter bytea PRIMARY KEY, sequence int8 NOT NULL, sent int8 NOT NULL, refused int8 NOT NULL, dropped int8 NOT NULL,
      failing_since int8);
    CREATE TABLE @export_refusal (
      sequence int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, exporter bytea NOT NULL, time int8 NOT NULL, count int8 NOT NULL,
      reason bytea NOT NULL, attempts bytea NOT NULL);
    CREATE TABLE @exported_trace (key bytea PRIMARY KEY, high int8 NOT NULL, low int8 NOT NULL);
    CREATE INDEX exported_trace_id ON @exported_trace (high, low);
    CREATE TABLE @exported_attempt (key bytea NOT NULL, attempt int8 NOT NULL, parent int8, PRIMARY KEY (key, attempt));

    CREATE TABLE @branch_update (branch bytea NOT NULL, time int8 NOT NULL, head bytea, data bytea NOT NULL);
    CREATE UNIQUE INDEX branch_update_row ON @branch_update (branch, time, sha256(data));
    CREATE INDEX branch_update_head ON @branch_update (head) WHERE head IS NOT NULL;
    CREATE INDEX branch_update_time ON @branch_update (time);
    CREATE TABLE @fingerprint (batch int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, newest int8 NOT NULL, data bytea NOT NULL);
    CREATE INDEX fingerprint_newest ON @fingerprint (newest);
    CREATE TABLE @named_value (name bytea PRIMARY KEY, bytes bytea NOT NULL);
    CREATE TABLE @measurement (subject int8 PRIMARY KEY, since int8, counted bytea NOT NULL);
    CREATE INDEX measurement_since ON @measurement (since, subject) WHERE since IS NOT NULL;
    CREATE TABLE @kind (source bytea NOT NULL, host bytea NOT NULL, operation bytea NOT NULL, PRIMARY KEY (source, host, operation));

    CREATE TABLE @fact_name (id int8 PRIMARY KEY, text bytea NOT NULL UNIQUE);
    CREATE TABLE @fact_subject (
      id int8 PRIMARY KEY, key bytea NOT NULL, name bytea NOT NULL, address bytea, high int8 NOT NULL, low int8 NOT NULL);
    CREATE INDEX fact_subject_key ON @fact_subject (key);
    CREATE TABLE @fact (
      kind int8 NOT NULL, day int8 NOT NULL, subject int8 NOT NULL, number int8 NOT NULL, change int8, data bytea NOT NULL,
      PRIMARY KEY (kind, day, subject, number));
    CREATE INDEX fact_of_subject ON @fact (subject);
    CREATE INDEX fact_of_change ON @fact (change) WHERE change IS NOT NULL;
    CREATE TABLE @fact_change (
      number int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind int8 NOT NULL, id int8 NOT NULL, branch bytea, time int8);
    CREATE TABLE @fact_value (name bytea PRIMARY KEY, bytes bytea NOT NULL);
    CREATE TABLE @fact_state (
      id int8 PRIMARY KEY CHECK (id = 1), version int8 NOT NULL, next_subject int8 NOT NULL, end_subject int8 NOT NULL,
      first_block int8);
    INSERT INTO @fact_state VALUES (1, 0, 1, 1, NULL);
    CREATE TABLE @fact_kept (key bytea PRIMARY KEY);
    CREATE TABLE @run_tally (subject int8 PRIMARY KEY, data bytea NOT NULL);
    CREATE TABLE @rollup (
      level int8 NOT NULL, day int8 NOT NULL, high int8 NOT NULL, low int8 NOT NULL, data bytea NOT NULL,
      PRIMARY KEY (level, day, high, low));
    CREATE TABLE @exclusion (item bytea PRIMARY KEY, fact int8, reason bytea NOT NULL, actor bytea NOT NULL, time int8 NOT NULL);
    """,
    // Orders the index of branch updates by time, so that the first updates to a commit are found without reading all.
    """
    DROP INDEX @branch_update_head;
    CREATE INDEX branch_update_head ON @branch_update (head, time, branch) WHERE head IS NOT NULL;
    """,
    // Lets damage and losses of the log be found: checksums of its rows, the last number that retention has removed, the ranges that
    // an operator has given up, and what tells a writer from another one to whom a standby that took over gave the same id again.
    """
    ALTER TABLE @log_commit ADD COLUMN seal int8;
    ALTER TABLE @log_writer ADD COLUMN nonce int8 NOT NULL DEFAULT 0;
    ALTER TABLE @log_writer ADD COLUMN dropped int8 NOT NULL DEFAULT 0;
    UPDATE @log_writer w SET dropped = coalesce((SELECT min(first) - 1 FROM @log_commit c WHERE c.writer = w.id), w.last)
      WHERE NOT (SELECT is_complete FROM @log_state);
    CREATE TABLE @log_lost (writer int8 NOT NULL, first int8 NOT NULL, last int8 NOT NULL, PRIMARY KEY (writer, first));
    """,
  ]

  /// The number of an advisory lock that one migrator holds, for the time of its transaction. ASCII "VSDmigra".
  private static let lock: Int64 = 0x5653_446d_6967_7261

  /// Checks the server, and creates or migrates the tables.
  ///
  /// - Returns: Warnings for the operator.
  /// - Throws: ``StoreError``: `unusable` if this server cannot hold a store, `newerVersion` if a newer vsd wrote the tables.
  static func prepare(_ pool: PostgresPool) throws(StoreError) -> [String] {
    try pool.withConnection { connection in
      let warnings = try check(connection, at: pool.address)
      if let version = try version(connection, pool), version == migrations.count { return warnings }
      try connection.transaction {
        try connection.run("SELECT pg_advisory_xact_lock($1)", [.integer(lock)])
        // Intake of other daemons waits behind this, which may wait for somebody who reads.
        try connection.run("SET LOCAL lock_timeout = '2s'")
        let known = try version(connection, pool) ?? 0
        guard known <= migrations.count else { throw tooNew(known, pool) }
        if known == 0 {
          try connection.run("CREATE SCHEMA IF NOT EXISTS \(pool.schema.dropLast())")
          try connection.run(pool.sql("CREATE TABLE @schema_version (version int8 NOT NULL)"))
        }
        for migration in migrations[known...] {
          for statement in migration.split(separator: ";") where statement.contains(where: { !$0.isWhitespace }) {
            try connection.run(pool.sql(String(statement)))
          }
        }
        try connection.run(pool.sql("DELETE FROM @schema_version"))
        try connection.run(pool.sql("INSERT INTO @schema_version VALUES ($1)"), [.integer(Int64(migrations.count))])
      }
      return warnings
    }
  }

  /// Checks that there are tables of this version. Works on a replica, too.
  ///
  /// - Throws: ``StoreError`` `unusable` if there are none or older ones, `newerVersion` if a newer vsd wrote them.
  static func checkForReading(_ pool: PostgresPool) throws(StoreError) {
    try pool.withConnection { connection in
      guard let known = try version(connection, pool) else {
        throw StoreError(.unusable, "\(pool.address): the database holds no store of vsd")
      }
      guard known <= migrations.count else { throw tooNew(known, pool) }
      guard known == migrations.count else {
        throw StoreError(
          .unusable,
          "\(pool.address): the tables have version \(known), this vsd needs \(migrations.count): start it once to migrate them")
      }
    }
  }

  private static func tooNew(_ known: Int, _ pool: PostgresPool) -> StoreError {
    StoreError(
      .newerVersion, "\(pool.address): the tables have version \(known), and this vsd knows \(migrations.count): run a newer vsd")
  }

  private static func version(_ connection: PostgresConnection, _ pool: PostgresPool) throws(StoreError) -> Int? {
    let name = PostgresValue.bytes(Array("\(pool.schema)schema_version".utf8))
    let exists = try connection.run("SELECT to_regclass(convert_from($1, 'UTF8')) IS NOT NULL", [name]).first?.bool(0) ?? false
    guard exists else { return nil }
    return try connection.run(pool.sql("SELECT version FROM @schema_version")).first.map { Int(clamping: $0.int(0)) }
  }

  private static func check(_ connection: PostgresConnection, at address: PostgresAddress) throws(StoreError) -> [String] {
    let row = try connection.run(
      """
      SELECT version(), pg_is_in_recovery(), current_setting('server_encoding') = 'UTF8',
        current_setting('synchronous_commit') = 'off', current_setting('default_transaction_read_only') = 'on'
      """
    ).first
    guard let row else { throw StoreError(.busy, "\(address): the server does not say what it is") }
    let version = row.text(0)
    guard !version.contains("CockroachDB") else {
      throw StoreError(.unusable, "\(address): CockroachDB is not supported")
    }
    guard connection.serverVersion >= 130_000 else {
      throw StoreError(.unusable, "\(address): PostgreSQL 13 or later is needed, this is \(version)")
    }
    guard !row.bool(1), !row.bool(4) else {
      throw StoreError(.unusable, "\(address): this server is read-only, perhaps a replica; name the primary")
    }
    guard row.bool(2) else { throw StoreError(.unusable, "\(address): the encoding of the database must be UTF8") }
    guard row.bool(3) else { return [] }
    return [
      "synchronous_commit is off in PostgreSQL: a delivery may be answered with 200 and be lost when the server crashes"
    ]
  }
}
