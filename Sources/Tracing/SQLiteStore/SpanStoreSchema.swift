extension StoreSchema {
  /// The projection's tables.
  ///
  /// Random keys are what costs most (every one touches a page of its own), so rows go by sequence, and look-ups by an
  /// interned space and a number (see ``StoredName``). What a subject holds stands apart from what lists ask, so that a list
  /// reads few pages. Removed rows that are named elsewhere do no harm: sequences are never given twice.
  static let spanStore = StoreSchema(
    applicationID: 0x5653_5350,  // VSSP
    name: "ValueStream span store",
    migrations: [
      """
      CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

      CREATE TABLE subject (
        seq INTEGER PRIMARY KEY,
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,
        operation INTEGER, source INTEGER NOT NULL, project INTEGER, outcome INTEGER,
        start INTEGER NOT NULL, end INTEGER,
        announced INTEGER
      );
      CREATE UNIQUE INDEX subject_key ON subject (space, number, text);
      CREATE INDEX subject_project ON subject (project);
      CREATE INDEX subject_operation ON subject (operation);
      CREATE INDEX subject_open ON subject (end) WHERE end IS NULL;
      CREATE TABLE subject_data (seq INTEGER PRIMARY KEY, data BLOB NOT NULL);

      CREATE TABLE alias (
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, subject INTEGER NOT NULL,
        PRIMARY KEY (space, number, text, subject)
      ) WITHOUT ROWID;
      CREATE TABLE follow (
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, subject INTEGER NOT NULL,
        PRIMARY KEY (space, number, text, subject)
      ) WITHOUT ROWID;

      CREATE TABLE announcement (
        sequence INTEGER PRIMARY KEY,
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,
        attempt INTEGER NOT NULL, time INTEGER NOT NULL,
        previous INTEGER
      );
      CREATE TABLE export_progress (
        exporter TEXT PRIMARY KEY, sequence INTEGER NOT NULL, sent INTEGER NOT NULL, refused INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE branch_update (
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,
        time INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (space, number, text, time, data)
      ) WITHOUT ROWID;

      CREATE TABLE fingerprint (batch INTEGER PRIMARY KEY, newest INTEGER NOT NULL, data BLOB NOT NULL);
      CREATE TABLE named_value (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE progress (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        position INTEGER, next_subject INTEGER NOT NULL, next_announcement INTEGER NOT NULL
      );
      INSERT INTO progress VALUES (1, NULL, 1, 1);
      """,
      // The export ledger; by name and not by sequence, because it outlasts the projection.
      """
      CREATE TABLE exported_trace (
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
        PRIMARY KEY (space, number, text)
      ) WITHOUT ROWID;
      CREATE TABLE exported_attempt (
        space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, attempt INTEGER NOT NULL, parent INTEGER,
        PRIMARY KEY (space, number, text, attempt)
      ) WITHOUT ROWID;
      """,
      // Updates by a hash of the commit they lead to. Those that were stored before are not found by it.
      """
      ALTER TABLE branch_update ADD COLUMN head INTEGER;
      CREATE INDEX branch_update_head ON branch_update (head) WHERE head IS NOT NULL;
      """,
      // What receivers refused or did not get in time.
      """
      ALTER TABLE export_progress ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE export_progress ADD COLUMN failing_since INTEGER;
      CREATE TABLE export_refusal (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        exporter TEXT NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL, attempts TEXT NOT NULL
      );
      """,
      // Things by the trace each is the root of, block by block (see ``TraceBlocks``), and the ledger by trace in the same way.
      """
      CREATE TABLE own_trace (
        block INTEGER NOT NULL, high INTEGER NOT NULL, subject INTEGER NOT NULL,
        PRIMARY KEY (block, high, subject)
      ) WITHOUT ROWID;
      ALTER TABLE progress ADD COLUMN next_block INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE progress ADD COLUMN next_record INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE exported_trace ADD COLUMN block INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX exported_trace_id ON exported_trace (block, high);
      CREATE TABLE kind (
        source TEXT NOT NULL, host TEXT NOT NULL, operation TEXT NOT NULL, PRIMARY KEY (source, host, operation)
      ) WITHOUT ROWID;
      """,
      // What was counted of the ends of subjects, and which await it: apart from what they hold, because it is small and changes once more.
      """
      CREATE TABLE measurement (subject INTEGER PRIMARY KEY, since INTEGER, counted BLOB NOT NULL);
      CREATE INDEX measurement_since ON measurement (since) WHERE since IS NOT NULL;
      """,
      // Checksums of what is packed; null in rows that were written before.
      """
      ALTER TABLE subject_data ADD COLUMN checksum INTEGER;
      ALTER TABLE named_value ADD COLUMN checksum INTEGER;
      ALTER TABLE fingerprint ADD COLUMN checksum INTEGER;
      """,
    ])
}
