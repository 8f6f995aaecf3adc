import SQLiteStore
import Synchronization
package import ValueStreamCore

/// The projection in a PostgreSQL database, which several processes read and the holder of a lease writes.
///
/// Statements take arrays, so that their number does not grow with that of the subjects.
package final class PostgresSpanStore: SpanStore, BranchListing {
  package struct Options: Sendable {
    /// Receives a report for each row that cannot be read.
    package var damage = DamageReport()

    package init() {}
  }

  let pool: PostgresPool
  let lease: PostgresLease
  let damage: DamageReport
  /// Whether `fact_kept` is known to be empty, as in most stores, and how often something may have been added. Only the leader
  /// asks, and only it adds something.
  let keptFacts = Mutex<(isEmpty: Bool, changes: Int)>((false, 0))
  /// Kinds that are known to be stored.
  let knownKinds = Mutex<Set<SubjectKind>>([])

  /// - Parameter lease: Writing needs the lease. Reading does not.
  package init(_ pool: PostgresPool, lease: PostgresLease, options: Options = Options()) {
    self.pool = pool
    self.lease = lease
    damage = options.damage
  }

  package func close() { pool.close() }

  package func prepareToWrite() throws(StoreError) {
    let isReadOnly = try pool.query("SELECT current_setting('transaction_read_only') = 'on'").first?.bool(0)
    guard isReadOnly == false else { throw StoreError(.busy, "\(pool.address): the server is read-only") }
  }

  package func size() throws(StoreError) -> Int64 {
    let schema = PostgresValue.bytes(Array(pool.schema.dropFirst().dropLast(2).utf8))
    return try pool.query(
      """
      SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = convert_from($1, 'UTF8') AND c.relkind = 'r' AND c.relname NOT LIKE 'log\\_%'
      """, [schema]
    ).first?.int(0) ?? 0
  }

  // MARK: Names

  static func bytes(_ key: SubjectKey) -> [UInt8] { Array(key.description.utf8) }

  static func bytes(_ reference: Reference) -> [UInt8] { Array("\(reference.kind.rawValue):\(reference.value)".utf8) }

  static func key(_ row: PostgresConnection.Row, _ column: Int32) -> SubjectKey { SubjectKey(encoded: row.text(column)) }

  /// Returns the value that `body` reads from a row; nil if the row is damaged. Reports the damage.
  func readable<Value>(_ part: StoreDamage.Part, _ name: @autoclosure () -> String, _ body: () throws -> Value) throws(StoreError)
    -> Value?
  {
    try StoreError.catching {
      do {
        return try body()
      } catch let error as StoreError where error.code == .corrupt || error.code == .newerVersion {
        damage.note(StoreDamage(part, name(), reason: error.message))
      } catch is DamagedBytes {
        damage.note(StoreDamage(part, name(), reason: "\(pool.address): the row cannot be read"))
      }
      return nil
    }
  }

  // MARK: Subjects

  package func subjects(_ keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Subject] {
    guard !keys.isEmpty else { return [:] }
    let rows = try pool.query("SELECT key, data FROM @subject WHERE key = ANY($1)", [.byteArrays(keys.map(Self.bytes))])
    var result: [SubjectKey: Subject] = [:]
    for row in rows {
      let key = Self.key(row, 0)
      result[key] = try readable(.subject, key.description) { try Subject(key: key, encoded: row.bytes(1)) }
    }
    return result
  }

  package func subjects(_ keys: [SubjectKey], atMost bytes: Int) throws(StoreError) -> [SubjectKey: Subject?] {
    let rows = try pool.query(
      """
      SELECT key, CASE WHEN sum(octet_length(data)) OVER (ORDER BY seq) <= $2 THEN data END FROM @subject WHERE key = ANY($1)
      """, [.byteArrays(keys.map(Self.bytes)), .integer(Int64(bytes))])
    var result: [SubjectKey: Subject?] = Dictionary(keys.map { ($0, nil) }) { first, _ in first }
    for row in rows {
      let key = Self.key(row, 0)
      guard !row.isNull(1) else {
        result.removeValue(forKey: key)
        continue
      }
      result.updateValue(try readable(.subject, key.description) { try Subject(key: key, encoded: row.bytes(1)) }, forKey: key)
    }
    return result
  }

  /// Each answer passes through the network or at least through another process.
  package var readAheadCount: Int { 256 }

  package func publishers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    try publishers(of: references, limit: .max)
  }

  package func publishers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    let named = references.filter { $0.kind != .key }
    var result = try keys(in: "alias", named, limit: limit)
    let keys = Dictionary(references.filter { $0.kind == .key }.map { ($0, SubjectKey($0.value)) }) { first, _ in first }
    guard !keys.isEmpty else { return result }
    let known = try places(of: keys.values.compactMap { $0 })
    for (reference, key) in keys { result[reference] = key.flatMap { known[$0] == nil ? nil : [$0] } ?? [] }
    return result
  }

  package func publishers(of reference: Reference, around place: UInt64, limit: Int) throws(StoreError) -> [SubjectKey] {
    try pool.query(
      """
      SELECT s.key FROM (
        (SELECT subject FROM @alias WHERE ref = $1 AND subject < $2 ORDER BY subject DESC LIMIT $3)
        UNION ALL
        (SELECT subject FROM @alias WHERE ref = $1 AND subject >= $2 ORDER BY subject LIMIT $3)
      ) r JOIN @subject s ON s.seq = r.subject
      """, [.bytes(Self.bytes(reference)), .integer(Int64(clamping: place)), .integer(Int64(max(0, limit)))]
    ).map { Self.key($0, 0) }.sorted()
  }

  package func followers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
    try followers(of: references, limit: .max)
  }

  package func followers(of references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    try keys(in: "follow", references, limit: limit)
  }

  private func keys(in table: String, _ references: [Reference], limit: Int) throws(StoreError) -> [Reference: [SubjectKey]] {
    guard !references.isEmpty else { return [:] }
    var result = Dictionary(references.map { ($0, [SubjectKey]()) }) { first, _ in first }
    let all = Array(result.keys)
    let rows = try pool.query(
      """
      SELECT r.index, s.key FROM unnest($1::bytea[]) WITH ORDINALITY AS r (ref, index)
      CROSS JOIN LATERAL (SELECT subject FROM @\(table) t WHERE t.ref = r.ref ORDER BY subject LIMIT $2) f
      JOIN @subject s ON s.seq = f.subject
      """, [.byteArrays(all.map(Self.bytes)), .integer(Int64(max(0, limit)))])
    for row in rows {
      let index = Int(clamping: row.int(0)) - 1
      if all.indices.contains(index) { result[all[index]]?.append(Self.key(row, 1)) }
    }
    return result.mapValues { $0.sorted() }
  }

  package func followers(of reference: Reference, after place: UInt64, limit: Int) throws(StoreError) -> [Follower] {
    try pool.query(
      """
      SELECT s.seq, s.key FROM @follow f JOIN @subject s ON s.seq = f.subject
      WHERE f.ref = $1 AND f.subject > $2 ORDER BY f.subject LIMIT $3
      """, [.bytes(Self.bytes(reference)), .integer(Int64(clamping: place)), .integer(Int64(max(0, limit)))]
    ).map { Follower(place: UInt64(clamping: $0.int(0)), key: Self.key($0, 1)) }
  }

  package func places(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: UInt64] {
    guard !keys.isEmpty else { return [:] }
    let rows = try pool.query("SELECT key, seq FROM @subject WHERE key = ANY($1)", [.byteArrays(keys.map(Self.bytes))])
    return Dictionary(rows.map { (Self.key($0, 0), UInt64(clamping: $0.int(1))) }) { first, _ in first }
  }

  package func kinds() throws(StoreError) -> [SubjectKind] {
    try pool.query("SELECT source, host, operation FROM @kind").map {
      SubjectKind(source: $0.text(0), host: $0.text(1), operation: Operation(rawValue: $0.text(2)))
    }.sorted()
  }

  package func keys(ofTrace traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    guard limit > 0 else { return [] }
    let own = try pool.query("SELECT key FROM @subject WHERE trace = $1", [.integer(Int64(bitPattern: traceID.high))])
      .map { Self.key($0, 0) }
    let exported = try keys(exportedIn: traceID, limit: limit)
    return Array(Set(own.filter { TraceID(root: $0) == traceID } + exported).sorted().prefix(limit))
  }

  package func keys(exportedIn traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
    let (high, low) = (Int64(bitPattern: traceID.high), Int64(bitPattern: traceID.low))
    return try pool.query(
      "SELECT key FROM @exported_trace WHERE high = $1 AND low = $2 LIMIT $3",
      [.integer(high), .integer(low), .integer(Int64(max(0, limit)))]
    ).map { Self.key($0, 0) }.sorted()
  }

  // MARK: Position, values, measurements and fingerprints

  package func position() throws(StoreError) -> LogCoverage? {
    let rows = try pool.query(
      "SELECT p.is_placed, e.raw FROM @projection p LEFT JOIN LATERAL unnest(p.ends) AS e (raw) ON true")
    guard rows.first?.bool(0) == true else { return nil }
    return LogCoverage(rows.compactMap { $0.optionalInt(1).map { LogPosition(rawValue: UInt64(bitPattern: $0)) } })
  }

  package func values() throws(StoreError) -> [String: [UInt8]] {
    let rows = try pool.query("SELECT name, bytes FROM @named_value")
    return Dictionary(rows.map { ($0.text(0), $0.bytes(1)) }) { first, _ in first }
  }

  package func measurements(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Measurement] {
    guard !keys.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT s.key, m.since, m.counted FROM @subject s JOIN @measurement m ON m.subject = s.seq WHERE s.key = ANY($1)",
      [.byteArrays(keys.map(Self.bytes))])
    return Dictionary(rows.map { (Self.key($0, 0), Self.measurement($0)) }) { first, _ in first }
  }

  private static func measurement(_ row: PostgresConnection.Row) -> Measurement {
    Measurement(awaitsSince: row.optionalInt(1).map(Timestamp.init(nanoseconds:)), counted: row.bytes(2))
  }

  package func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) throws(StoreError) -> [AwaitingSubject] {
    try pool.query(
      """
      SELECT s.key, m.since, m.counted FROM @measurement m JOIN @subject s ON s.seq = m.subject
      WHERE m.since IS NOT NULL AND (m.since <= $1 OR m.since > $2) ORDER BY m.since, m.subject LIMIT $3
      """, [.integer(latest.nanoseconds), .integer(now.nanoseconds), .integer(Int64(max(0, limit)))]
    ).map { AwaitingSubject(key: Self.key($0, 0), measurement: Self.measurement($0)) }
  }

  package func fingerprints(since cutoff: Timestamp) throws(StoreError) -> [DeliveryFingerprint] {
    var result: [DeliveryFingerprint] = []
    for row in try pool.query("SELECT data FROM @fingerprint WHERE newest >= $1", [.integer(cutoff.nanoseconds)]) {
      FingerprintPacking.read(row.bytes(0), since: cutoff, into: &result)
    }
    return result
  }

  // MARK: Outbox and export

  package func outboxEntries(after sequence: UInt64, limit: Int) throws(StoreError) -> [NumberedOutboxEntry] {
    try pool.query(
      "SELECT sequence, key, attempt, time FROM @outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2",
      [.integer(Int64(clamping: sequence)), .integer(Int64(max(0, limit)))]
    ).map { row in
      let entry = OutboxEntry(key: Self.key(row, 1), attempt: Int(clamping: row.int(2)), time: Timestamp(nanoseconds: row.int(3)))
      return NumberedOutboxEntry(sequence: UInt64(clamping: row.int(0)), outboxEntry: entry)
    }
  }

  package func outboxEntryCount(after sequence: UInt64) throws(StoreError) -> Int {
    let rows = try pool.query("SELECT count(*) FROM @outbox WHERE sequence > $1", [.integer(Int64(clamping: sequence))])
    return Int(clamping: rows.first?.int(0) ?? 0)
  }

  package func exportProgress() throws(StoreError) -> [String: ExportProgress] {
    let rows = try pool.query("SELECT exporter, sequence, sent, refused, dropped, failing_since FROM @export_progress")
    return Dictionary(
      rows.map { row in
        let progress = ExportProgress(
          sequence: UInt64(clamping: row.int(1)), sent: row.int(2), refused: row.int(3), dropped: row.int(4),
          failingSince: row.optionalInt(5).map(Timestamp.init(nanoseconds:)))
        return (row.text(0), progress)
      }
    ) { first, _ in first }
  }

  package func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws(StoreError) -> [NumberedRejection] {
    try pool.query(
      """
      SELECT sequence, exporter, time, count, reason, attempts FROM @export_refusal
      WHERE sequence < $1 AND ($2::bytea IS NULL OR exporter = $2) ORDER BY sequence DESC LIMIT $3
      """,
      [
        .integer(sequence.map { Int64(clamping: $0) } ?? .max), exporter.map { .bytes(Array($0.utf8)) } ?? .null,
        .integer(Int64(max(0, limit))),
      ]
    ).map { row in
      let attempts = RejectedAttempts.attempts(in: row.text(5))
      if attempts == nil {
        damage.note(StoreDamage(.exportRejection, "\(row.int(0))", reason: "\(pool.address): its attempts cannot be read"))
      }
      let rejection = ExportRejection(
        exporter: row.text(1), time: Timestamp(nanoseconds: row.int(2)), count: Int(clamping: row.int(3)), reason: row.text(4),
        attempts: attempts ?? [])
      return NumberedRejection(sequence: UInt64(clamping: row.int(0)), rejection: rejection)
    }
  }

  package func exportRecords(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: ExportRecord] {
    guard !keys.isEmpty else { return [:] }
    let rows = try pool.query(
      """
      SELECT t.key, t.high, t.low, a.attempt, a.parent FROM @exported_trace t LEFT JOIN @exported_attempt a ON a.key = t.key
      WHERE t.key = ANY($1) ORDER BY t.key, a.attempt
      """, [.byteArrays(keys.map(Self.bytes))])
    var result: [SubjectKey: ExportRecord] = [:]
    for row in rows {
      let key = Self.key(row, 0)
      let traceID = TraceID(high: UInt64(bitPattern: row.int(1)), low: UInt64(bitPattern: row.int(2)))
      var record = result[key] ?? ExportRecord(key: key, traceID: traceID)
      if let attempt = row.optionalInt(3) {
        let parent = row.optionalInt(4).map { SpanID(rawValue: UInt64(bitPattern: $0)) }
        record.attempts.append(ExportedAttempt(number: Int(clamping: attempt), parentSpanID: parent))
      }
      result[key] = record
    }
    return result
  }

  package func hasExportRecords() throws(StoreError) -> Bool {
    try pool.query("SELECT EXISTS (SELECT 1 FROM @exported_trace)").first?.bool(0) ?? false
  }

  // MARK: Branch updates

  package func branches() throws(StoreError) -> [SubjectKey] {
    try pool.query("SELECT DISTINCT branch FROM @branch_update").map { Self.key($0, 0) }
  }

  package func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    let rows = try pool.query(
      Self.branchUpdates(where: "branch", order: "time DESC, data DESC"),
      [.bytes(Self.bytes(branch)), .integer(Int64(max(0, limit))), .integer(Int64(bytes))])
    return try StoreError.catching { try rows.compactMap(branchUpdate) }.sorted { $0.precedes($1) }
  }

  /// The first `$2` updates whose column is `$1`, up to the one with which they reach `$3` bytes.
  private static func branchUpdates(where column: String, order: String) -> String {
    """
    SELECT branch, time, data FROM (
      SELECT *, sum(octet_length(data)) OVER (ORDER BY \(order) ROWS UNBOUNDED PRECEDING) AS bytes FROM (
        SELECT branch, time, data FROM @branch_update WHERE \(column) = $1 ORDER BY \(order) LIMIT $2
      ) AS first
    ) AS summed WHERE bytes - octet_length(data) < $3
    """
  }

  package func branchUpdates(to commit: String, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
    let rows = try pool.query(
      Self.branchUpdates(where: "head", order: "time, branch, data"),
      [.bytes(Array(commit.utf8)), .integer(Int64(max(0, limit))), .integer(Int64(bytes))])
    return try StoreError.catching { try rows.compactMap(branchUpdate) }.filter { $0.after == commit }.sorted { $0.precedes($1) }
  }

  func branchUpdate(_ row: PostgresConnection.Row) throws(StoreError) -> BranchUpdate? {
    let branch = Self.key(row, 0)
    return try readable(.branchUpdate, "\(branch) at \(row.int(1))") {
      try BranchUpdatePacking.read(row.bytes(2), branch: branch, time: Timestamp(nanoseconds: row.int(1)))
    }
  }
}
