package import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Replaces a projection with another one that a replay has built.
extension SQLiteSpanStore {
  /// The file that was replaced last.
  ///
  /// Rename it back by hand to restore the earlier store.
  package static let replacedFileName = "spans-before-replay.sqlite"

  /// Replaces this store with another one in the same directory, and closes both.
  ///
  /// The other store takes over what must outlast a projection: the export ledger, outbox entries with their numbers, the
  /// progress of exporters, counters with their data on what was counted, and the fingerprints of recent deliveries.
  ///
  /// - Parameter beginning: the start of the log from which the other store was built. Branch updates before it are taken
  ///   over. Nil for a complete log.
  /// - Throws: ``StoreError``. The file of this store is then unchanged.
  package func replace(by other: SQLiteSpanStore, logBeginning beginning: Timestamp?) throws {
    other.close()
    try closeKeepingLock {
      try takeOver(into: other.directory.file(other.options.fileName), logBeginning: beginning)
      try giveName(to: other.options.fileName)
    }
  }

  private func takeOver(into other: String, logBeginning beginning: Timestamp?) throws {
    let connection = try SQLiteConnection(path: other, vfs: options.vfs)
    let file = directory.file(options.fileName).replacing("'", with: "''")
    try connection.execute("ATTACH DATABASE '\(file)' AS former")
    try connection.write {
      try connection.execute(Self.takingOver)
      if let beginning {
        try connection.execute(Self.takingOverBranches(before: beginning))
        try Self.noteBranches(before: beginning, connection)
      }
    }
    try connection.execute("DETACH DATABASE former; PRAGMA wal_checkpoint(TRUNCATE)")
  }

  /// Renames the new file to the name of the old one in one step, and keeps the old file as ``replacedFileName``.
  private func giveName(to name: String) throws(StoreError) {
    for database in [options.fileName, name] where directory.size(of: database + "-wal") > 0 {
      throw StoreError(.busy, "\(directory.file(database)): another process reads it; try again")
    }
    let (file, former) = (directory.file(options.fileName), directory.file(Self.replacedFileName))
    try directory.removeDatabase(Self.replacedFileName)
    guard link(file, former) == 0 else { throw .system(doing: "keeping \(file) as \(former)") }
    guard rename(directory.file(name), file) == 0 else { throw .system(doing: "replacing \(file)") }
    try directory.synchronize()
    for database in [options.fileName, name] {
      for rest in StoreDirectory.files(ofDatabase: database).dropFirst() { unlink(directory.file(rest)) }
    }
  }

  /// Each store numbers names by itself, so the statements match them by their text.
  private static let takingOver = """
    INSERT INTO name (text) SELECT text FROM former.name WHERE text NOT IN (SELECT text FROM name);
    CREATE TEMP TABLE renamed (former INTEGER PRIMARY KEY, id INTEGER NOT NULL);
    INSERT INTO renamed SELECT f.id, n.id FROM former.name f JOIN name n ON n.text = f.text;

    INSERT INTO exported_trace (space, number, text, high, low, block)
      SELECT r.id, number, text, high, low, block FROM former.exported_trace JOIN renamed r ON r.former = space;
    UPDATE progress SET next_record = (SELECT next_record FROM former.progress);
    INSERT INTO exported_attempt
      SELECT r.id, number, text, attempt, parent FROM former.exported_attempt JOIN renamed r ON r.former = space;
    INSERT OR IGNORE INTO fact_kept SELECT id FROM former.fact_kept;
    DELETE FROM export_progress;
    INSERT INTO export_progress SELECT * FROM former.export_progress;
    INSERT INTO export_refusal SELECT * FROM former.export_refusal;

    CREATE TEMP TABLE announced AS
      SELECT sequence, r.id AS space, number, text, attempt, time FROM former.announcement JOIN renamed r ON r.former = space;
    CREATE INDEX temp.announced_attempt ON announced (space, number, text, attempt);
    CREATE TEMP TABLE news AS
      SELECT space, number, text, attempt, time FROM announcement a
      WHERE NOT EXISTS (SELECT 1 FROM announced b
        WHERE b.space = a.space AND b.number = a.number AND b.text = a.text AND b.attempt = a.attempt)
      ORDER BY sequence;
    DELETE FROM announcement;
    INSERT INTO announcement SELECT sequence, space, number, text, attempt, time, NULL FROM announced b
      WHERE EXISTS (SELECT 1 FROM subject s WHERE s.space = b.space AND s.number = b.number AND s.text = b.text);
    INSERT INTO announcement
      SELECT rowid - 1 + (SELECT next_announcement FROM former.progress), space, number, text, attempt, time, NULL FROM news;
    UPDATE progress SET next_announcement =
      (SELECT next_announcement FROM former.progress) + (SELECT count(*) FROM news);
    CREATE INDEX announcement_of_replay ON announcement (space, number, text, sequence);
    UPDATE announcement AS a SET previous = (SELECT max(sequence) FROM announcement b
      WHERE b.space = a.space AND b.number = a.number AND b.text = a.text AND b.sequence < a.sequence);
    UPDATE subject AS s SET announced = (SELECT max(sequence) FROM announcement b
      WHERE b.space = s.space AND b.number = s.number AND b.text = s.text);
    DROP INDEX announcement_of_replay;

    DELETE FROM measurement;
    INSERT OR IGNORE INTO measurement SELECT s.seq, m.since, m.counted
      FROM former.measurement m JOIN former.subject f ON f.seq = m.subject JOIN renamed r ON r.former = f.space
      JOIN subject s ON s.space = r.id AND s.number = f.number AND s.text = f.text;

    DELETE FROM fingerprint;
    INSERT INTO fingerprint SELECT * FROM former.fingerprint;
    DELETE FROM named_value WHERE \(isCounter);
    INSERT INTO named_value SELECT * FROM former.named_value WHERE \(isCounter);
    """

  /// Lets the facts be computed again that depend on branch updates from before a time.
  private static func noteBranches(before beginning: Timestamp, _ connection: SQLiteConnection) throws {
    let rows = try connection.prepare(
      """
      SELECT n.text, number, b.text, min(time) FROM branch_update b JOIN name n ON n.id = space WHERE time < ?1
      GROUP BY space, number, b.text
      """)
    rows.bind(1, beginning.nanoseconds)
    let insert = try connection.prepare(FactQuery.insertChange.sql)
    var batch = FactChangeBatch()
    func write() throws {
      insert.bind(1, Checksum.of(batch.encoded))
      insert.bind(2, batch.encoded)
      try insert.run()
      batch = FactChangeBatch()
    }
    while try rows.step() {
      let key = StoredName.key(space: rows.text(0), number: rows.int(1), text: rows.text(2))
      batch.branches.append((key, Timestamp(nanoseconds: rows.int(3))))
      if batch.count >= FactChangeBatch.limit { try write() }
    }
    if batch.count > 0 { try write() }
  }

  private static func takingOverBranches(before beginning: Timestamp) -> String {
    """
    INSERT OR IGNORE INTO branch_update
      SELECT r.id, number, text, time, data, head FROM former.branch_update JOIN renamed r ON r.former = space
      WHERE time < \(beginning.nanoseconds);
    """
  }

  /// Excludes gauges and the count of deliveries that could not be projected: the new projection has its own.
  private static let isCounter = "name NOT LIKE '\(MetricRegistry.gaugePrefix)%' AND name <> 'deliveries.set_aside'"
}
