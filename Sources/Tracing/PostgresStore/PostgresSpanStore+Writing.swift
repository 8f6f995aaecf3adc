import SQLiteStore
import Synchronization
package import ValueStreamCore

/// The columns of several rows, as arrays for one statement.
private struct SubjectRows {
  var sequences: [Int64] = []
  var keys: [[UInt8]] = []
  var operations: [[UInt8]?] = []
  var sources: [[UInt8]] = []
  var projects: [[UInt8]?] = []
  var outcomes: [[UInt8]?] = []
  var starts: [Int64] = []
  var ends: [Int64?] = []
  var durations: [Int64?] = []
  var traces: [Int64] = []
  var data: [[UInt8]] = []

  mutating func add(_ change: SubjectChange, _ key: [UInt8], as sequence: Int64) {
    let summary = change.summary
    sequences.append(sequence)
    keys.append(key)
    operations.append(summary.operation.map { Array($0.rawValue.utf8) })
    sources.append(Array(summary.source.utf8))
    projects.append(summary.project.map { Array($0.utf8) })
    outcomes.append(summary.outcome.map { Array($0.rawValue.utf8) })
    starts.append(summary.start.nanoseconds)
    ends.append(summary.end?.nanoseconds)
    durations.append(summary.end.map { $0.nanoseconds.subtractingReportingOverflow(summary.start.nanoseconds).partialValue })
    traces.append(Int64(bitPattern: TraceID(root: change.subject.key).high))
    data.append(change.subject.encoded())
  }

  var parameters: [PostgresValue] {
    [
      .integers(sequences), .byteArrays(keys), .optionalByteArrays(operations), .byteArrays(sources),
      .optionalByteArrays(projects), .optionalByteArrays(outcomes), .integers(starts), .optionalIntegers(ends),
      .optionalIntegers(durations), .integers(traces), .byteArrays(data),
    ]
  }

  static let statement = """
    INSERT INTO @subject (seq, key, operation, source, project, outcome, begun, ended, duration, trace, data)
    SELECT * FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::int8[], $8::int8[],
      $9::int8[], $10::int8[], $11::bytea[])
    ON CONFLICT (seq) DO UPDATE SET operation = excluded.operation, source = excluded.source, project = excluded.project,
      outcome = excluded.outcome, begun = excluded.begun, ended = excluded.ended, duration = excluded.duration,
      data = excluded.data
    """
}

/// What a write adds to the work for facts.
private struct FactWork {
  var kinds: [Int64] = []
  var ids: [Int64] = []
  var branches: [[UInt8]?] = []
  var times: [Int64?] = []

  mutating func add(_ kind: PostgresSpanStore.FactWorkKind, _ id: Int64 = 0, branch: SubjectKey? = nil, time: Int64? = nil) {
    kinds.append(kind.rawValue)
    ids.append(id)
    branches.append(branch.map(PostgresSpanStore.bytes))
    times.append(time)
  }
}

/// Rows of the tables of aliases or of followed references, as columns.
private struct ReferenceRows {
  private(set) var refs: [[UInt8]] = []
  private var subjects: [Int64] = []

  mutating func add(_ references: [Reference], of subject: Int64) {
    for reference in references {
      refs.append(PostgresSpanStore.bytes(reference))
      subjects.append(subject)
    }
  }

  var parameters: [PostgresValue] { [.byteArrays(refs), .integers(subjects)] }
}

extension PostgresSpanStore {
  /// The kind of a row of `fact_change`. Raw values are stored.
  enum FactWorkKind: Int64 {
    case subject = 0
    case absorbed = 1
    case branch = 2
  }

  package func write(_ changes: ProjectionChanges) throws(StoreError) {
    var newKinds: Set<SubjectKind> = []
    try lease.transaction { connection in
      newKinds = try write(changes, connection)
    }
    if !newKinds.isEmpty { knownKinds.withLock { $0.formUnion(newKinds) } }
  }

  private func write(_ changes: ProjectionChanges, _ connection: PostgresConnection) throws(StoreError) -> Set<SubjectKind> {
    func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
      try connection.run(pool.sql(sql), parameters)
    }
    let counters = try run("SELECT next_subject, next_outbox FROM @projection FOR UPDATE").first
    guard let counters else { throw StoreError(.corrupt, "\(pool.address): the progress of the projection is missing") }
    var (nextSubject, nextOutbox) = (counters.int(0), counters.int(1))
    var work = FactWork()

    var wanted = Set(changes.subjects.map(\.subject.key)).union(changes.measurements.keys)
    for (fallback, key) in changes.absorbed { wanted.formUnion([fallback, key]) }
    for exclusion in changes.exclusions { wanted.insert(exclusion.change.item.key) }
    var known = try sequences(of: wanted, connection)
    try write(changes.subjects, &known, &nextSubject, &work, run)
    for (fallback, key) in changes.absorbed {
      guard let absorbed = known[fallback]?.sequence, let absorbing = known[key]?.sequence else { continue }
      try absorb(fallback, absorbed, into: key, absorbing, run)
      known[fallback] = nil
      work.add(.absorbed, absorbed)
      work.add(.subject, absorbing)
    }
    if !changes.exclusions.isEmpty || !changes.absorbed.isEmpty {
      try writeExclusions(changes, known.mapValues(\.sequence), connection)
    }
    try write(changes.branchUpdates, &work, run)
    if !work.kinds.isEmpty {
      _ = try run(
        "INSERT INTO @fact_change (kind, id, branch, time) SELECT * FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[])",
        [.integers(work.kinds), .integers(work.ids), .optionalByteArrays(work.branches), .optionalIntegers(work.times)])
    }
    let entries = changes.outboxEntries
    if !entries.isEmpty {
      _ = try run(
        "INSERT INTO @outbox SELECT * FROM unnest($1::int8[], $2::bytea[], $3::int8[], $4::int8[])",
        [
          .integers(entries.indices.map { nextOutbox + Int64($0) }), .byteArrays(entries.map { Self.bytes($0.key) }),
          .integers(entries.map { Int64($0.attempt) }), .integers(entries.map(\.time.nanoseconds)),
        ])
      nextOutbox += Int64(entries.count)
    }
    try write(changes.measurements, known.mapValues(\.sequence), run)
    let newKinds = try writeKinds(changes.subjects, run)
    try write(changes.fingerprints, run)
    if !changes.values.isEmpty {
      let values = changes.values.map { ($0.key, $0.value) }
      _ = try run(
        """
        INSERT INTO @named_value SELECT * FROM unnest($1::bytea[], $2::bytea[])
        ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes
        """, [.byteArrays(values.map { Array($0.0.utf8) }), .byteArrays(values.map(\.1))])
    }
    let ends = changes.position.map { PostgresValue.integers($0.ends.map { Int64(bitPattern: $0.rawValue) }) } ?? .null
    _ = try run(
      """
      UPDATE @projection SET next_subject = $1, next_outbox = $2, is_placed = is_placed OR $3::int8[] IS NOT NULL,
        ends = coalesce($3::int8[], ends)
      """, [.integer(nextSubject), .integer(nextOutbox), ends])
    return newKinds
  }

  private typealias Run = (String, [PostgresValue]) throws(StoreError) -> PostgresConnection.Rows

  private func sequences(
    of keys: Set<SubjectKey>, _ connection: PostgresConnection
  ) throws(StoreError) -> [SubjectKey: (sequence: Int64, hasOperation: Bool)] {
    guard !keys.isEmpty else { return [:] }
    let rows = try connection.run(
      pool.sql("SELECT key, seq, operation IS NOT NULL FROM @subject WHERE key = ANY($1)"), [.byteArrays(keys.map(Self.bytes))])
    return Dictionary(rows.map { (Self.key($0, 0), (sequence: $0.int(1), hasOperation: $0.bool(2))) }) { first, _ in first }
  }

  private func write(
    _ changes: [SubjectChange], _ known: inout [SubjectKey: (sequence: Int64, hasOperation: Bool)], _ next: inout Int64,
    _ work: inout FactWork, _ run: Run
  ) throws(StoreError) {
    guard !changes.isEmpty else { return }
    // The last change of a subject counts, because a statement cannot change a row twice.
    var last: [SubjectKey: SubjectChange] = [:]
    var order: [SubjectKey] = []
    var (aliases, follows) = (ReferenceRows(), ReferenceRows())
    var (lostAliases, lostFollows) = (ReferenceRows(), ReferenceRows())
    for change in changes {
      let key = change.subject.key
      if last.updateValue(change, forKey: key) == nil { order.append(key) }
      if known[key] == nil {
        known[key] = (next, false)
        next += 1
      }
      guard let sequence = known[key]?.sequence else { continue }
      aliases.add(change.newAliases, of: sequence)
      follows.add(change.newFollows, of: sequence)
      lostAliases.add(change.lostAliases, of: sequence)
      lostFollows.add(change.lostFollows, of: sequence)
    }
    var rows = SubjectRows()
    for key in order {
      guard let change = last[key], let place = known[key] else { continue }
      rows.add(change, Self.bytes(key), as: place.sequence)
      let hasOperation = place.hasOperation || change.summary.operation != nil
      known[key]?.hasOperation = hasOperation
      if hasOperation { work.add(.subject, place.sequence) }
    }
    _ = try run(SubjectRows.statement, rows.parameters)
    for (table, references) in [("alias", lostAliases), ("follow", lostFollows)] where !references.refs.isEmpty {
      _ = try run(
        """
        DELETE FROM @\(table) r USING unnest($1::bytea[], $2::int8[]) AS l (ref, subject)
        WHERE r.ref = l.ref AND r.subject = l.subject
        """, references.parameters)
    }
    for (table, references) in [("alias", aliases), ("follow", follows)] where !references.refs.isEmpty {
      _ = try run(
        "INSERT INTO @\(table) SELECT * FROM unnest($1::bytea[], $2::int8[]) ON CONFLICT DO NOTHING", references.parameters)
    }
  }

  private func absorb(_ fallback: SubjectKey, _ absorbed: Int64, into key: SubjectKey, _ absorbing: Int64, _ run: Run)
    throws(StoreError)
  {
    let keys: [PostgresValue] = [.bytes(Self.bytes(fallback)), .bytes(Self.bytes(key))]
    for statement in [
      "UPDATE @outbox SET key = $2 WHERE key = $1",
      "INSERT INTO @exported_trace SELECT $2, high, low FROM @exported_trace WHERE key = $1 ON CONFLICT DO NOTHING",
      "INSERT INTO @exported_attempt SELECT $2, attempt, parent FROM @exported_attempt WHERE key = $1 ON CONFLICT DO NOTHING",
    ] {
      _ = try run(statement, keys)
    }
    for table in ["exported_trace", "exported_attempt"] { _ = try run("DELETE FROM @\(table) WHERE key = $1", [keys[0]]) }
    _ = try run(
      """
      INSERT INTO @measurement AS m SELECT $2, since, counted FROM @measurement WHERE subject = $1
      ON CONFLICT (subject) DO UPDATE SET since = least(m.since, excluded.since),
        counted = m.counted || excluded.counted
      """, [.integer(absorbed), .integer(absorbing)])
    try remove([absorbed], run)
  }

  /// Removes subjects with their references and measurements.
  private func remove(_ sequences: [Int64], _ run: Run) throws(StoreError) {
    for (table, column) in [("alias", "subject"), ("follow", "subject"), ("measurement", "subject"), ("subject", "seq")] {
      _ = try run("DELETE FROM @\(table) WHERE \(column) = ANY($1)", [.integers(sequences)])
    }
  }

  private func write(_ updates: [BranchUpdate], _ work: inout FactWork, _ run: Run) throws(StoreError) {
    guard !updates.isEmpty else { return }
    _ = try run(
      """
      INSERT INTO @branch_update (branch, time, head, data)
      SELECT * FROM unnest($1::bytea[], $2::int8[], $3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING
      """,
      [
        .byteArrays(updates.map { Self.bytes($0.branch) }), .integers(updates.map(\.time.timestamp.nanoseconds)),
        .optionalByteArrays(updates.map { $0.after.map { Array($0.utf8) } }), .byteArrays(updates.map(BranchUpdatePacking.bytes)),
      ])
    var earliest: [SubjectKey: Int64] = [:]
    for update in updates { earliest[update.branch] = min(earliest[update.branch] ?? .max, update.time.timestamp.nanoseconds) }
    for (branch, time) in earliest { work.add(.branch, branch: branch, time: time) }
  }

  private func write(_ changes: [SubjectKey: MeasurementChange], _ known: [SubjectKey: Int64], _ run: Run) throws(StoreError) {
    var awaiting = (subjects: [Int64](), since: [Int64](), counted: [[UInt8]]())
    var counted = (subjects: [Int64](), counted: [[UInt8]]())
    for (key, change) in changes {
      guard let sequence = known[key] else { continue }
      switch change {
      case .awaits(let since, let bytes):
        awaiting.subjects.append(sequence)
        awaiting.since.append(since.nanoseconds)
        awaiting.counted.append(bytes)
      case .counted(let bytes):
        counted.subjects.append(sequence)
        counted.counted.append(bytes)
      }
    }
    if !awaiting.subjects.isEmpty {
      _ = try run(
        """
        INSERT INTO @measurement AS m SELECT * FROM unnest($1::int8[], $2::int8[], $3::bytea[])
        ON CONFLICT (subject) DO UPDATE SET since = coalesce(m.since, excluded.since)
        """, [.integers(awaiting.subjects), .integers(awaiting.since), .byteArrays(awaiting.counted)])
    }
    if !counted.subjects.isEmpty {
      _ = try run(
        """
        INSERT INTO @measurement AS m SELECT subject, NULL, counted FROM unnest($1::int8[], $2::bytea[]) AS c (subject, counted)
        ON CONFLICT (subject) DO UPDATE SET since = NULL, counted = excluded.counted
        """, [.integers(counted.subjects), .byteArrays(counted.counted)])
    }
  }

  /// - Returns: The kinds that are stored from now on, or need no storing.
  private func writeKinds(_ changes: [SubjectChange], _ run: Run) throws(StoreError) -> Set<SubjectKind> {
    let kinds = Set(changes.compactMap { change in change.summary.operation.map { SubjectKind(change.subject.key, $0) } })
    let new = knownKinds.withLock { kinds.subtracting($0) }
    for kind in new {
      _ = try run(
        """
        INSERT INTO @kind SELECT $1, $2, $3 WHERE (SELECT count(*) FROM @kind) < \(SubjectKind.limit) ON CONFLICT DO NOTHING
        """, [PostgresValue(kind.source), PostgresValue(kind.host), PostgresValue(kind.operation.rawValue)])
    }
    return new
  }

  /// How long fingerprints of deliveries are kept: 8 days.
  private static let fingerprintRetentionNanoseconds: Int64 = 8 * 24 * 3600 * 1_000_000_000

  private func write(_ fingerprints: [DeliveryFingerprint], _ run: Run) throws(StoreError) {
    guard let newest = fingerprints.lazy.map(\.received.nanoseconds).max() else { return }
    _ = try run(
      "INSERT INTO @fingerprint (newest, data) VALUES ($1, $2)",
      [.integer(newest), .bytes(FingerprintPacking.bytes(of: fingerprints))])
    let (cutoff, overflow) = newest.subtractingReportingOverflow(Self.fingerprintRetentionNanoseconds)
    if !overflow { _ = try run("DELETE FROM @fingerprint WHERE newest < $1", [.integer(cutoff)]) }
  }

  // MARK: Export

  package func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws(StoreError)
  {
    try lease.transaction { connection in
      try connection.run(
        pool.sql(
          """
          INSERT INTO @export_progress VALUES ($1, $2, $3, $4, $5, $6)
          ON CONFLICT (exporter) DO UPDATE SET sequence = excluded.sequence, sent = excluded.sent, refused = excluded.refused,
            dropped = excluded.dropped, failing_since = excluded.failing_since
          """),
        [
          PostgresValue(exporter), .integer(Int64(clamping: progress.sequence)), .integer(progress.sent),
          .integer(progress.refused), .integer(progress.dropped), PostgresValue(progress.failingSince?.nanoseconds),
        ])
      guard let rejection else { return }
      try connection.run(
        pool.sql("INSERT INTO @export_refusal (exporter, time, count, reason, attempts) VALUES ($1, $2, $3, $4, $5)"),
        [
          PostgresValue(rejection.exporter), .integer(rejection.time.nanoseconds), .integer(Int64(rejection.count)),
          PostgresValue(rejection.reason), PostgresValue(RejectedAttempts.text(of: rejection.attempts)),
        ])
      try connection.run(
        pool.sql(
          """
          DELETE FROM @export_refusal WHERE sequence <= (
            SELECT sequence FROM @export_refusal ORDER BY sequence DESC OFFSET \(ExportRejection.keptCount) LIMIT 1)
          """))
    }
  }

  package func addExportRecords(_ records: [ExportRecord]) throws(StoreError) {
    guard !records.isEmpty else { return }
    let attempts = records.flatMap { record in record.attempts.map { (Self.bytes(record.key), $0) } }
    try lease.transaction { connection in
      try connection.run(
        pool.sql(
          "INSERT INTO @exported_trace SELECT * FROM unnest($1::bytea[], $2::int8[], $3::int8[]) ON CONFLICT DO NOTHING"),
        [
          .byteArrays(records.map { Self.bytes($0.key) }), .integers(records.map { Int64(bitPattern: $0.traceID.high) }),
          .integers(records.map { Int64(bitPattern: $0.traceID.low) }),
        ])
      guard !attempts.isEmpty else { return }
      try connection.run(
        pool.sql(
          "INSERT INTO @exported_attempt SELECT * FROM unnest($1::bytea[], $2::int8[], $3::int8[]) ON CONFLICT DO NOTHING"),
        [
          .byteArrays(attempts.map(\.0)), .integers(attempts.map { Int64($0.1.number) }),
          .optionalIntegers(attempts.map { $0.1.parentSpanID.map { Int64(bitPattern: $0.rawValue) } }),
        ])
    }
  }

  // MARK: Retention

  package func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws(StoreError) -> Int {
    let progress = try exportProgress()
    let passed = exporters.map { Int64(clamping: progress[$0]?.sequence ?? 0) }.min() ?? .max
    defer { noteKeptFacts() }
    return try lease.transaction { connection in
      func run(_ sql: String, _ parameters: [PostgresValue]) throws(StoreError) -> PostgresConnection.Rows {
        try connection.run(pool.sql(sql), parameters)
      }
      // What the projector changes meanwhile waits for this row, or makes this wait.
      _ = try run("SELECT id FROM @projection FOR UPDATE", [])
      let rows = try run(
        """
        SELECT seq, key FROM @subject s WHERE ended < $1
          AND NOT EXISTS (SELECT 1 FROM @outbox o WHERE o.key = s.key AND (o.sequence > $2 OR o.time >= $1))
        ORDER BY seq LIMIT $3
        """, [.integer(cutoff.nanoseconds), .integer(passed), .integer(Int64(max(0, limit)))])
      let sequences = PostgresValue.integers(rows.map { $0.int(0) })
      let keys = PostgresValue.byteArrays(rows.map { $0.bytes(1) })
      if rows.count > 0 {
        _ = try run(
          """
          INSERT INTO @fact_kept SELECT s.key FROM @subject s WHERE s.seq = ANY($1) AND (
            EXISTS (SELECT 1 FROM @fact_subject f WHERE f.id = s.seq) OR EXISTS (SELECT 1 FROM @run_tally t WHERE t.subject = s.seq))
          ON CONFLICT DO NOTHING
          """, [sequences])
        _ = try run("DELETE FROM @run_tally WHERE subject = ANY($1)", [sequences])
        for table in ["outbox", "exported_trace", "exported_attempt"] {
          _ = try run("DELETE FROM @\(table) WHERE key = ANY($1)", [keys])
        }
        try remove(rows.map { $0.int(0) }, run)
      }
      if rows.count < limit { _ = try run("DELETE FROM @branch_update WHERE time < $1", [.integer(cutoff.nanoseconds)]) }
      return rows.count
    }
  }
}
