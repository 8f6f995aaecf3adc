/// The frequent SQL statements of the span store. Each connection prepares a statement when it first needs it.
enum SpanStoreQuery: Int, CaseIterable {
  case nameID, nameText, insertName
  case subjects, openSubjects, subjectData, subjectExists, subjectRow, insertSubject, updateSubject, updateSummary, deleteSubject
  case insertData, updateData, deleteData
  case publishers, publishersAround, publishedNames, insertAlias, deleteAlias
  case followers, followedNames, followersAfter, insertFollow, deleteFollow
  case outboxEntries, outboxEntryCount, insertOutboxEntry, noteOutboxEntry, newestOutboxEntry, deleteOutboxEntry
  case previousOutboxEntry, moveOutboxEntry
  case exportProgress, setExportProgress, exportRejections, insertRejection, deleteRejections
  case exportRecord, hasExportRecords, insertTrace, insertAttempt, moveTrace, moveAttempts, deleteTrace, deleteAttempts
  case values, setValue
  case fingerprints, insertFingerprints, deleteFingerprints
  case branchUpdates, branchUpdatesTo, insertBranchUpdate, deleteBranchUpdates
  case position, setPosition, setCounters
  case finished, finishedKey
  case traceProgress, setNextBlock, subjectName, subjectNames, insertOwnTrace, deleteOwnTrace, ownTraces, exportedTraces
  case exportedTraceHighs
  case kinds, insertKind, usedKinds
  case storedOperations, subjectInRow
  case measurement, awaitingMeasurement, awaitMeasurement, setMeasurement, absorbMeasurement, deleteMeasurement

  var sql: String {
    switch self {
    case .nameID: "SELECT id FROM name WHERE text = ?1"
    case .nameText: "SELECT text FROM name WHERE id = ?1"
    case .insertName: "INSERT INTO name VALUES (?1, ?2)"

    case .subjectData: "SELECT d.data, d.checksum FROM subject s LEFT JOIN subject_data d ON d.seq = s.seq WHERE \(Self.isNamed)"
    case .subjects:
      """
      SELECT s.seq, s.space, s.number, s.text, d.data, d.checksum FROM subject s LEFT JOIN subject_data d ON d.seq = s.seq
      WHERE s.seq > ?1 ORDER BY s.seq LIMIT ?2
      """
    case .openSubjects:
      """
      SELECT (SELECT text FROM name WHERE id = operation), (SELECT text FROM name WHERE id = source), project,
        (SELECT text FROM name WHERE id = project), count(*), CAST(avg(start) AS INTEGER), min(start)
      FROM subject INDEXED BY subject_open WHERE end IS NULL AND operation IS NOT NULL
      GROUP BY operation, source, project
      """
    case .subjectExists: "SELECT 1 FROM subject WHERE \(Self.isNamed)"
    case .subjectRow: "SELECT seq, operation, source, project, outcome, start, end FROM subject WHERE \(Self.isNamed)"
    case .insertSubject: "INSERT INTO subject VALUES (?4, ?1, ?2, ?3, ?5, ?6, ?7, ?8, ?9, ?10, NULL)"
    case .updateSubject:
      "UPDATE subject SET operation = ?5, source = ?6, project = ?7, outcome = ?8, start = ?9, end = ?10 WHERE seq = ?4"
    // Leaves out operation and project, so that SQLite need not touch their indexes.
    case .updateSummary: "UPDATE subject SET source = ?6, outcome = ?8, start = ?9, end = ?10 WHERE seq = ?4"
    case .deleteSubject: "DELETE FROM subject WHERE seq = ?1"
    case .insertData: "INSERT INTO subject_data VALUES (?1, ?2, ?3)"
    case .updateData: "UPDATE subject_data SET data = ?2, checksum = ?3 WHERE seq = ?1"
    case .deleteData: "DELETE FROM subject_data WHERE seq = ?1"

    case .publishers: Self.keys(in: "alias")
    case .publishersAround:
      """
      SELECT s.space, s.number, s.text FROM (
        SELECT * FROM (SELECT subject FROM alias WHERE \(Self.isNamed) AND subject < ?4 ORDER BY subject DESC LIMIT ?5)
        UNION ALL
        SELECT * FROM (SELECT subject FROM alias WHERE \(Self.isNamed) AND subject >= ?4 ORDER BY subject LIMIT ?5)
      ) r JOIN subject s ON s.seq = r.subject
      """
    case .insertAlias: "INSERT OR IGNORE INTO alias VALUES (?1, ?2, ?3, ?4)"
    case .deleteAlias: "DELETE FROM alias WHERE \(Self.isNamed) AND subject = ?4"
    case .followers: Self.keys(in: "follow")
    case .followersAfter:
      """
      SELECT r.subject, s.space, s.number, s.text FROM follow r JOIN subject s ON s.seq = r.subject
      WHERE r.space = ?1 AND r.number = ?2 AND r.text = ?3 AND r.subject > ?4 ORDER BY r.subject LIMIT ?5
      """
    case .publishedNames: Self.names(in: "alias")
    case .followedNames: Self.names(in: "follow")
    case .insertFollow: "INSERT OR IGNORE INTO follow VALUES (?1, ?2, ?3, ?4)"
    case .deleteFollow: "DELETE FROM follow WHERE \(Self.isNamed) AND subject = ?4"

    case .outboxEntries:
      "SELECT sequence, space, number, text, attempt, time FROM announcement WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"
    case .outboxEntryCount: "SELECT count(*) FROM announcement WHERE sequence > ?1"
    case .insertOutboxEntry:
      "INSERT INTO announcement VALUES (?4, ?1, ?2, ?3, ?5, ?6, (SELECT announced FROM subject WHERE seq = ?7))"
    case .noteOutboxEntry: "UPDATE subject SET announced = ?2 WHERE seq = ?1"
    case .newestOutboxEntry: "SELECT announced FROM subject WHERE seq = ?1"
    case .deleteOutboxEntry: "DELETE FROM announcement WHERE sequence = ?1 RETURNING previous"
    case .previousOutboxEntry: "SELECT previous FROM announcement WHERE sequence = ?1"
    case .moveOutboxEntry: "UPDATE announcement SET space = ?1, number = ?2, text = ?3, previous = ?5 WHERE sequence = ?4"
    case .exportProgress: "SELECT exporter, sequence, sent, refused, dropped, failing_since FROM export_progress"
    case .setExportProgress: "INSERT OR REPLACE INTO export_progress VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    case .exportRejections:
      """
      SELECT sequence, exporter, time, count, reason, attempts FROM export_refusal
      WHERE sequence < ?1 AND (?2 = '' OR exporter = ?2) ORDER BY sequence DESC LIMIT ?3
      """
    case .insertRejection: "INSERT INTO export_refusal VALUES (NULL, ?1, ?2, ?3, ?4, ?5)"
    case .deleteRejections: "DELETE FROM export_refusal WHERE sequence <= (SELECT max(sequence) FROM export_refusal) - ?1"

    case .exportRecord:
      """
      SELECT t.high, t.low, a.attempt, a.parent
      FROM exported_trace t LEFT JOIN exported_attempt a USING (space, number, text)
      WHERE t.space = ?1 AND t.number = ?2 AND t.text = ?3 ORDER BY a.attempt
      """
    case .hasExportRecords: "SELECT EXISTS (SELECT 1 FROM exported_trace)"
    case .insertTrace: "INSERT OR IGNORE INTO exported_trace VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    case .insertAttempt: "INSERT OR IGNORE INTO exported_attempt VALUES (?1, ?2, ?3, ?4, ?5)"
    case .moveTrace: Self.move("exported_trace")
    case .moveAttempts: Self.move("exported_attempt")
    case .deleteTrace: "DELETE FROM exported_trace WHERE \(Self.isNamed)"
    case .deleteAttempts: "DELETE FROM exported_attempt WHERE \(Self.isNamed)"

    case .values: "SELECT name, bytes, checksum FROM named_value"
    case .setValue: "INSERT OR REPLACE INTO named_value VALUES (?1, ?2, ?3)"
    case .fingerprints: "SELECT data, checksum, batch FROM fingerprint WHERE newest >= ?1"
    case .insertFingerprints: "INSERT INTO fingerprint VALUES (NULL, ?1, ?2, ?3)"
    case .deleteFingerprints: "DELETE FROM fingerprint WHERE newest < ?1"
    case .branchUpdates: "SELECT time, data FROM branch_update WHERE \(Self.isNamed) ORDER BY time DESC, data DESC LIMIT ?4"
    case .branchUpdatesTo: "SELECT space, number, text, time, data FROM branch_update WHERE head = ?1 ORDER BY time LIMIT ?2"
    case .insertBranchUpdate: "INSERT OR IGNORE INTO branch_update VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    case .deleteBranchUpdates: "DELETE FROM branch_update WHERE time < ?1"
    case .position: "SELECT position FROM progress"
    case .setPosition: "UPDATE progress SET position = ?1"
    case .setCounters: "UPDATE progress SET next_subject = ?1, next_announcement = ?2, next_record = ?3"

    case .finished: "SELECT seq FROM subject WHERE \(Self.isOver) LIMIT ?2"
    case .finishedKey: "SELECT space, number, text FROM subject WHERE \(Self.isOver) AND seq = ?2"

    case .traceProgress: "SELECT next_block, next_record FROM progress"
    case .setNextBlock: "UPDATE progress SET next_block = ?1"
    case .subjectName: "SELECT space, number, text FROM subject WHERE seq = ?1"
    case .subjectNames: "SELECT seq, space, number, text FROM subject WHERE seq >= ?1 AND seq < ?2 ORDER BY seq"
    case .insertOwnTrace: "INSERT OR IGNORE INTO own_trace VALUES (?1, ?2, ?3)"
    case .deleteOwnTrace: "DELETE FROM own_trace WHERE block = ?1 AND high = ?2 AND subject = ?3"
    case .ownTraces:
      """
      \(Self.blocks) SELECT s.space, s.number, s.text
      FROM block CROSS JOIN own_trace t ON t.block = block.number AND t.high = ?2 CROSS JOIN subject s ON s.seq = t.subject
      """
    case .exportedTraces:
      """
      \(Self.blocks) SELECT t.space, t.number, t.text
      FROM block CROSS JOIN exported_trace t INDEXED BY exported_trace_id ON t.block = block.number AND t.high = ?2
      WHERE t.low = ?3 LIMIT ?4
      """
    case .exportedTraceHighs:
      """
      SELECT block, high FROM exported_trace INDEXED BY exported_trace_id WHERE (block, high) > (?1, ?2)
      ORDER BY block, high LIMIT ?3
      """
    // Skips from operation to operation in the index.
    case .storedOperations:
      """
      WITH RECURSIVE stored (operation) AS (
        SELECT min(operation) FROM subject INDEXED BY subject_operation
        UNION ALL
        SELECT (SELECT min(operation) FROM subject INDEXED BY subject_operation WHERE operation > stored.operation)
        FROM stored WHERE stored.operation IS NOT NULL
      )
      SELECT operation FROM stored WHERE operation IS NOT NULL
      """
    case .subjectInRow:
      """
      SELECT s.space, s.number, s.text, d.data, d.checksum FROM subject s LEFT JOIN subject_data d ON d.seq = s.seq
      WHERE s.seq = ?1
      """
    case .kinds: "SELECT source, host, operation FROM kind"
    case .insertKind: "INSERT OR IGNORE INTO kind VALUES (?1, ?2, ?3)"
    case .measurement:
      "SELECT m.since, m.counted FROM subject s JOIN measurement m ON m.subject = s.seq WHERE \(Self.isNamed)"
    case .awaitingMeasurement:
      """
      SELECT s.space, s.number, s.text, m.since, m.counted
      FROM measurement m INDEXED BY measurement_since CROSS JOIN subject s ON s.seq = m.subject
      WHERE m.since >= ?1 AND m.since <= ?2 ORDER BY m.since LIMIT ?3
      """
    case .awaitMeasurement:
      """
      INSERT INTO measurement VALUES (?1, ?2, ?3)
      ON CONFLICT (subject) DO UPDATE SET since = excluded.since WHERE since IS NULL
      """
    case .setMeasurement: "INSERT OR REPLACE INTO measurement VALUES (?1, NULL, ?2)"
    // `counted` holds lines of text, so the concatenation holds the lines of both.
    case .absorbMeasurement:
      """
      INSERT INTO measurement SELECT ?2, since, counted FROM measurement WHERE subject = ?1
      ON CONFLICT (subject) DO UPDATE SET
        since = min(coalesce(since, excluded.since), coalesce(excluded.since, since)),
        counted = CAST(counted || excluded.counted AS BLOB)
      """
    case .deleteMeasurement: "DELETE FROM measurement WHERE subject = ?1"
    case .usedKinds:
      """
      SELECT s.space, s.number, s.text, o.text FROM subject s JOIN name o ON o.id = s.operation GROUP BY s.space, s.operation
      """
    }
  }

  /// Matches the ``StoredName`` in the first three parameters.
  private static let isNamed = "space = ?1 AND number = ?2 AND text = ?3"

  /// Moves rows from the name in the first three parameters to the name in the next three.
  ///
  /// Leaves a row under its old name if the target exists.
  private static func move(_ table: String) -> String {
    "UPDATE OR IGNORE \(table) SET space = ?4, number = ?5, text = ?6 WHERE \(isNamed)"
  }

  private static func names(in table: String) -> String {
    """
    SELECT space, number, text FROM \(table) WHERE (space, number, text) > (?1, ?2, ?3)
    GROUP BY space, number, text ORDER BY space, number, text LIMIT ?4
    """
  }

  private static func keys(in table: String) -> String {
    """
    SELECT s.space, s.number, s.text FROM \(table) r JOIN subject s ON s.seq = r.subject
    WHERE r.space = ?1 AND r.number = ?2 AND r.text = ?3 LIMIT ?4
    """
  }

  /// Lists the blocks from 0 to the number in the first parameter.
  private static let blocks = """
    WITH RECURSIVE block (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM block WHERE number < ?1)
    """

  /// Matches subjects that retention may remove.
  ///
  /// These ended before time ?1. Their newest outbox entry, if they have one, is older than ?1 as well and not after sequence
  /// ?3, which all exporters have passed.
  private static let isOver = """
    end < ?1 AND (announced IS NULL OR (
      announced <= ?3
      AND coalesce((SELECT time FROM announcement WHERE sequence = announced), ?1 - 1) < ?1))
    """
}
