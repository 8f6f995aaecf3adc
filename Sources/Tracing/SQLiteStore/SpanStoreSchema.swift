extension StoreSchema {
  /// The tables of the projection.
  ///
  /// Random keys cost the most, because each of them touches a page of its own. So rows are stored by sequence, and
  /// lookups use an interned space and a number (see ``StoredName``). The encoded subject is in another table than the
  /// columns that lists read, so that a list reads few pages. Other tables may still refer to removed rows. This does no
  /// harm, because sequences are never reused.
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
      // The export ledger. It refers to subjects by name and not by sequence, because it outlasts the projection.
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
      // Indexes branch updates by the first digits of the hash of the commit after them. The index leaves out older rows.
      """
      ALTER TABLE branch_update ADD COLUMN head INTEGER;
      CREATE INDEX branch_update_head ON branch_update (head) WHERE head IS NOT NULL;
      """,
      // Records what backends rejected or did not get in time.
      """
      ALTER TABLE export_progress ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE export_progress ADD COLUMN failing_since INTEGER;
      CREATE TABLE export_refusal (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        exporter TEXT NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL, attempts TEXT NOT NULL
      );
      """,
      // Indexes subjects by the trace whose root each is or would be, block by block (see ``TraceBlocks``). Indexes the
      // export ledger by trace in the same way.
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
      // Records which ends of a subject were counted and whether it awaits measurement. The table is separate from the
      // encoded subjects because these rows are small and change once more.
      """
      CREATE TABLE measurement (subject INTEGER PRIMARY KEY, since INTEGER, counted BLOB NOT NULL);
      CREATE INDEX measurement_since ON measurement (since) WHERE since IS NOT NULL;
      """,
      // Adds checksums of encoded data. They are null in older rows.
      """
      ALTER TABLE subject_data ADD COLUMN checksum INTEGER;
      ALTER TABLE named_value ADD COLUMN checksum INTEGER;
      ALTER TABLE fingerprint ADD COLUMN checksum INTEGER;
      """,
      // Facts, from which reports are computed (see ``FactPlace``). Pages hold most rows of a day in few large values, which
      // are read quickly. `fact_row` holds the new facts of a subject at a place, which override those in the pages; empty
      // data means that there are none any more. `fact_change` holds what the projection changed and awaits computation.
      """
      CREATE TABLE fact_name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
      CREATE TABLE fact_subject (
        id INTEGER PRIMARY KEY, space INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL
      );
      CREATE TABLE fact_page (
        id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, day INTEGER NOT NULL, first INTEGER NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL
      );
      CREATE UNIQUE INDEX fact_page_place ON fact_page (kind, day, first);
      CREATE TABLE fact_row (
        kind INTEGER NOT NULL, day INTEGER NOT NULL, subject INTEGER NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (kind, day, subject)
      ) WITHOUT ROWID;
      CREATE TABLE fact_delivery (
        change INTEGER NOT NULL, deploy INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (change, deploy, day)
      ) WITHOUT ROWID;
      CREATE TABLE fact_change (batch INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, data BLOB NOT NULL);
      CREATE TABLE fact_value (name TEXT PRIMARY KEY, checksum INTEGER NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE fact_progress (
        id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL,
        next_subject INTEGER NOT NULL, end_subject INTEGER NOT NULL, removed_to INTEGER,
        branch_space INTEGER, branch_number INTEGER NOT NULL, branch_text TEXT NOT NULL
      );
      INSERT INTO fact_progress VALUES (1, 0, 1, 1, NULL, NULL, 0, '');
      """,
      // Indexes subjects by their times, for lists in another order than that of their rows (see ``OrderedList``).
      """
      CREATE INDEX IF NOT EXISTS subject_start ON subject (operation, start) WHERE operation IS NOT NULL;
      CREATE INDEX IF NOT EXISTS subject_end ON subject (operation, end) WHERE operation IS NOT NULL AND end IS NOT NULL;
      CREATE INDEX IF NOT EXISTS subject_duration ON subject (operation, end - start)
      WHERE operation IS NOT NULL AND end IS NOT NULL;
      """,
      // Items that persons left out of all numbers. `fact` is the id of the facts about the item, null while it is unknown. Rows
      // name items by their text, because they outlive subjects.
      """
      CREATE TABLE exclusion (
        item TEXT PRIMARY KEY, fact INTEGER, reason TEXT NOT NULL, actor TEXT NOT NULL, time INTEGER NOT NULL
      ) WITHOUT ROWID;
      """,
      // Roll-ups of CI runs and jobs (see ``RollUpPlace``). `run_tally` holds what each subject added to them, and
      // `rollup_change` what was added and subtracted since pages were last written. All subjects await computation, because
      // the roll-ups of stored runs are missing. Their facts stay meanwhile. `fact_kept` holds hashes of the keys of removed
      // subjects whose facts stay.
      """
      CREATE TABLE run_tally (subject INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, data BLOB NOT NULL);
      CREATE TABLE rollup_change (
        batch INTEGER PRIMARY KEY, block INTEGER NOT NULL, count INTEGER NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL
      );
      CREATE TABLE rollup_page (
        id INTEGER PRIMARY KEY, level INTEGER NOT NULL, span INTEGER NOT NULL, start INTEGER NOT NULL,
        first_high INTEGER NOT NULL, first_low INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL
      );
      CREATE UNIQUE INDEX rollup_page_place ON rollup_page (level, span, start, first_high, first_low);
      CREATE TABLE rollup_state (id INTEGER PRIMARY KEY CHECK (id = 1), first_block INTEGER, gone_through INTEGER);
      INSERT INTO rollup_state VALUES (1, NULL, NULL);
      CREATE TABLE fact_kept (id INTEGER PRIMARY KEY);
      UPDATE fact_progress SET
        next_subject = coalesce((SELECT min(seq) FROM subject), (SELECT next_subject FROM progress)),
        end_subject = (SELECT next_subject FROM progress);
      """,
      // Orders the index of branch updates by time, so that the first updates to a commit are found without reading all.
      """
      DROP INDEX branch_update_head;
      CREATE INDEX branch_update_head ON branch_update (head, time) WHERE head IS NOT NULL;
      """,
      // The second part of a packed page of facts (see ``PackedFactPage``). Pages of earlier versions are packed bit by bit.
      """
      CREATE TABLE IF NOT EXISTS fact_page_rest (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
      """,
    ])
}
