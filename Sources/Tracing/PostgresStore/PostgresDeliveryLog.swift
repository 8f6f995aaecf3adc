import SQLiteStore
import Synchronization
package import ValueStreamCore

/// The delivery log in a PostgreSQL database, which several processes write.
///
/// Each open log is a writer with an id of its own and appends one row a commit, through one connection. Its deliveries are
/// numbered without gaps, because the same statement advances the number of the writer and inserts the row. When the outcome of a
/// commit is unknown, the log ends its writer, looks what that has committed, and goes on as a new writer.
package final class PostgresDeliveryLog: DeliveryLog {
  package struct Options: Sendable {
    /// Receives a report for each commit that cannot be read.
    package var damage = DamageReport()
    /// Returns the partition for deliveries. Nil for the day on the server's clock, in days since 1970.
    package var partition: (@Sendable ([LoggedDelivery]) -> Int64)?
    /// The name of this host, for operators who look at the tables.
    package var host = ""
    /// Called with a message when a server that took over lacks acknowledged deliveries, on the thread that found it.
    package var onLoss: @Sendable (String) -> Void = { _ in }

    package init() {}
  }

  private struct Writing {
    var connection: PostgresConnection?
    var writer: LogWriterIdentity?
    var last: UInt64 = 0
    /// True if the writer has to end because nobody knows whether its last commit is there.
    var isUncertain = false
    /// What was acknowledged lately, also as a former writer.
    var recent = RecentCommits()
    /// Acknowledged commits that the server has lost, and that are not appended again yet.
    var lost: [LogCommit] = []
  }

  let pool: PostgresPool
  let options: Options
  private let writing = Mutex(Writing())
  let examination = Mutex(Examination())

  /// The commits that one query returns at most.
  private static let commitsAtOnce: Int64 = 256
  /// How often a commit is tried before its senders are told to try again.
  private static let attempts = 3

  /// Opens the log, and creates or migrates the tables of the store.
  ///
  /// - Parameter onWarning: Called with each message for the operator.
  /// - Throws: ``StoreError``: see ``PostgresSchema/prepare(_:)``. `busy` if the server does not answer.
  package init(_ pool: PostgresPool, options: Options = Options(), onWarning: (String) -> Void = { _ in }) throws(StoreError) {
    self.pool = pool
    self.options = options
    for warning in try PostgresSchema.prepare(pool) { onWarning(warning) }
    try addPartitions()
  }

  /// Opens the log to copy another one into it.
  ///
  /// Deliveries go to the partitions of the days when they were received, so that retention removes them in time. Those from
  /// before ``daysOfCopy`` share a partition.
  package convenience init(copyingInto pool: PostgresPool) throws(StoreError) {
    var options = Options()
    let today = SystemClock().now().seconds / 86_400
    let first = today - Self.daysOfCopy
    options.partition = { deliveries in
      let day = (deliveries.lazy.map(\.delivery.received).max() ?? .epoch).seconds / 86_400
      return min(max(day, first), today)
    }
    options.host = "copy"
    try self.init(pool, options: options)
    try addPartitions(first...today)
  }

  private static let daysOfCopy: Int64 = 60

  /// Opens the log to read it, also on a replica. Creates and migrates nothing.
  ///
  /// - Throws: ``StoreError``: see ``PostgresSchema/checkForReading(_:)``.
  package init(reading pool: PostgresPool, options: Options = Options()) throws(StoreError) {
    self.pool = pool
    self.options = options
    try PostgresSchema.checkForReading(pool)
  }

  // MARK: Writing

  /// Checks that the server takes deliveries and has all that it has acknowledged, and appends again what it lost: a standby that
  /// takes over may not have received everything. Call it every second or so.
  package func prepareToWrite() throws(StoreError) {
    let isDone: Void? = try StoreError.catching {
      try writing.withLockIfAvailable { writing in
        try checkServer(&writing)
        try appendLost(&writing)
      }
    }
    // A commit is under way.
    if isDone == nil { try checkWritable(pool.query("SELECT \(Self.isReadOnly)").first) }
  }

  private static let isReadOnly = "(pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on')"

  private func checkWritable(_ row: PostgresConnection.Row?) throws(StoreError) {
    guard row?.bool(0) == false else { throw StoreError(.busy, "\(pool.address): the server is read-only") }
  }

  package func append(_ deliveries: [LoggedDelivery]) throws(StoreError) -> [LogPosition] {
    guard !deliveries.isEmpty else { return [] }
    let commit = try LogCommit(deliveries)
    let part = options.partition?(deliveries)
    return try StoreError.catching { try writing.withLock { try append(commit, part, &$0) } }
  }

  private func append(_ commit: LogCommit, _ part: Int64?, _ writing: inout Writing) throws(StoreError) -> [LogPosition] {
    var failure: StoreError?
    // What an earlier call could not find out no longer matters: its senders were told to try again.
    if writing.isUncertain { _ = try settle(nil, &writing) }
    for _ in 0..<Self.attempts {
      do {
        return try insert(commit, part, &writing)
      } catch let error where error.code == .busy {
        failure = error
        if let positions = try settle(commit, &writing) { return positions }
      }
    }
    throw failure ?? StoreError(.busy, "\(pool.address): nothing was appended")
  }

  private static let insertion = """
    WITH advanced AS (
      UPDATE @log_writer SET last = $3 WHERE id = $1 AND nonce = $10 AND last = $2 - 1 AND ended IS NULL RETURNING id
    )
    INSERT INTO @log_commit (part, writer, first, count, bytes, received, data, seal)
    SELECT coalesce($8, floor(extract(epoch FROM clock_timestamp()) / 86400)::int8), id, $2, $4, $5, $6, $7, $9 FROM advanced
    """

  private func insert(_ commit: LogCommit, _ part: Int64?, _ writing: inout Writing) throws(StoreError) -> [LogPosition] {
    let connection = if let known = writing.connection { known } else { try pool.connect() }
    writing.connection = connection
    if writing.last > LogPosition.numberLimit - commit.count { try end(&writing) }
    let writer = if let known = writing.writer { known } else { try begin(&writing, connection) }
    let first = writing.last + 1
    let result = try connection.run(
      pool.sql(Self.insertion),
      [
        writer.parameters[0], .integer(Int64(first)), .integer(Int64(first + commit.count - 1)),
        .integer(Int64(commit.count)), .integer(commit.bytes), .integer(commit.received), .bytes(commit.data),
        PostgresValue(part), .integer(commit.seal(writer: writer.id, first: first)), writer.parameters[1],
      ])
    guard result.changedCount == 1 else {
      // Somebody has ended this writer, or the database is an older copy. Nothing was inserted.
      (writing.writer, writing.last) = (nil, 0)
      throw StoreError(.busy, "\(pool.address): writer \(writer.id) of the log does not continue at \(first)")
    }
    writing.last = first + commit.count - 1
    return acknowledged(commit, writer, first, &writing)
  }

  /// Begins a new writer.
  private func begin(_ writing: inout Writing, _ connection: PostgresConnection) throws(StoreError) -> LogWriterIdentity {
    let nonce = Int64.random(in: 1...Int64.max)
    let row = try connection.run(
      pool.sql("INSERT INTO @log_writer (host, nonce) VALUES (convert_from($1, 'UTF8'), $2) RETURNING id"),
      [.bytes(Array(options.host.utf8)), .integer(nonce)]
    ).first
    let writer = LogWriterIdentity(id: UInt64(clamping: row?.int(0) ?? 0), nonce: nonce)
    guard (1...LogPosition.writerLimit).contains(writer.id) else {
      throw StoreError(.unusable, "\(pool.address): there can be no more writers of the log")
    }
    (writing.writer, writing.last) = (writer, 0)
    return writer
  }

  private func acknowledged(
    _ commit: LogCommit, _ writer: LogWriterIdentity, _ first: UInt64, _ writing: inout Writing
  ) -> [LogPosition] {
    writing.recent.add(commit, of: writer, at: first)
    return (first...first + commit.count - 1).map { LogPosition(writer: writer.id, number: $0) }
  }

  /// Ends the writer after a commit of unknown outcome, and looks whether that commit is there.
  ///
  /// Ending waits for a commit that still runs, because both change the row of the writer.
  ///
  /// - Parameter commit: That commit; nil if it does not matter.
  /// - Returns: The positions if the deliveries were committed.
  /// - Throws: ``StoreError`` if the server does not answer. The outcome stays unknown.
  private func settle(_ commit: LogCommit?, _ writing: inout Writing) throws(StoreError) -> [LogPosition]? {
    writing.connection = nil
    guard let writer = writing.writer else { return nil }
    writing.isUncertain = true
    let first = writing.last + 1
    let connection = try pool.connect()
    writing.connection = connection
    let row = try connection.run(
      pool.sql("\(Self.ending) RETURNING last"), writer.parameters
    ).first
    (writing.writer, writing.last, writing.isUncertain) = (nil, 0, false)
    guard let commit, let last = row.map({ UInt64(clamping: $0.int(0)) }), last == first + commit.count - 1 else { return nil }
    return acknowledged(commit, writer, first, &writing)
  }

  private static let ending = "UPDATE @log_writer SET ended = now() WHERE id = $1 AND nonce = $2"

  private func end(_ writing: inout Writing) throws(StoreError) {
    guard let writer = writing.writer, let connection = writing.connection else { return }
    try connection.run(pool.sql(Self.ending), writer.parameters)
    (writing.writer, writing.last) = (nil, 0)
  }

  package func close() {
    writing.withLock { writing in
      try? end(&writing)
      writing.connection = nil
      writing.writer = nil
    }
    pool.close()
  }

  // MARK: Fail-over

  private func checkServer(_ writing: inout Writing) throws(StoreError) {
    var ends = writing.recent.ends
    if let writer = writing.writer { ends[writer] = writing.last }
    // In one statement, because a replica may be behind.
    let rows = try pool.query(
      "SELECT \(Self.isReadOnly), w.id, w.nonce, w.last FROM (SELECT 1) AS one LEFT JOIN @log_writer w ON w.id = ANY($1)",
      [.integers(ends.keys.map { Int64($0.id) })])
    try checkWritable(rows.first)
    var known: [LogWriterIdentity: UInt64] = [:]
    for row in rows where !row.isNull(1) {
      known[LogWriterIdentity(id: UInt64(clamping: row.int(1)), nonce: row.int(2))] = UInt64(clamping: row.int(3))
    }
    for (writer, end) in ends.sorted(by: { $0.key.id < $1.key.id }) where known[writer] ?? 0 < end {
      if writer == writing.writer {
        (writing.writer, writing.last, writing.isUncertain, writing.connection) = (nil, 0, false, nil)
      }
      let kept = writing.recent.remove(of: writer, after: known[writer] ?? 0)
      // Of a writer that is gone and has added nothing lately, retention removed the last deliveries.
      if known[writer] != nil || !kept.commits.isEmpty { noteLoss(of: writer, after: known[writer] ?? 0, upTo: end, kept) }
      writing.lost += kept.commits
    }
  }

  private func noteLoss(
    of writer: LogWriterIdentity, after last: UInt64, upTo end: UInt64, _ kept: (first: UInt64?, commits: [LogCommit])
  ) {
    let count = kept.commits.reduce(0) { $0 + $1.count }
    options.onLoss(
      "the server that took over lacks \(end - last) acknowledged deliveries: \(count) of them are appended again")
    let missing = last + 1..<max(last + 1, kept.first ?? end + 1)
    guard !missing.isEmpty else { return }
    let reason = "\(pool.address): acknowledged, and lost by a fail-over; vsperf webhooks heal may get them again"
    options.damage.note(StoreDamage(.delivery, Self.name(of: missing, writer.id), reason: reason))
  }

  /// Appends again what the server has lost, under a writer of its own.
  ///
  /// So whoever projects finds it by reading: a projector takes the deliveries of the writer that goes on from memory.
  private func appendLost(_ writing: inout Writing) throws(StoreError) {
    guard !writing.lost.isEmpty else { return }
    // After an error, the next commit takes another writer.
    defer { writing.isUncertain = writing.writer != nil }
    try end(&writing)
    while let commit = writing.lost.first {
      _ = try append(commit, nil, &writing)
      writing.lost.removeFirst()
    }
    try end(&writing)
  }

  // MARK: Reading

  package func isComplete() throws(StoreError) -> Bool {
    try pool.query("SELECT is_complete FROM @log_state").first?.bool(0) ?? false
  }

  package func coverage() throws(StoreError) -> LogCoverage? {
    try pool.query("SELECT id, last FROM @log_writer WHERE last > 0").map {
      LogPosition(writer: UInt64(clamping: $0.int(0)), number: UInt64(clamping: $0.int(1)))
    }.coverage
  }

  package func read(
    after coverage: LogCoverage?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    guard limit > 0, let ends = try self.coverage() else { return [] }
    var result: [LogEntry] = []
    var bytes = 0
    for end in ends.ends {
      var last = coverage?.end(of: end.writer)?.number ?? 0
      while last < end.number, result.count < limit, bytes < byteLimit || result.isEmpty {
        let next = try read(
          end.writer, after: last, upTo: end.number, limit: limit - result.count, byteLimit: byteLimit - bytes)
        guard let reached = next.reached else { break }
        for entry in next.deliveries where result.count < limit && (bytes < byteLimit || result.isEmpty) {
          result.append(entry)
          bytes += entry.logged.delivery.body.count
        }
        last = reached
      }
    }
    return result
  }

  /// Reads commits of a writer, as many as the limits need.
  ///
  /// - Returns: The deliveries, and the last number that was looked at; nil after the end.
  private func read(
    _ writer: UInt64, after last: UInt64, upTo end: UInt64, limit: Int, byteLimit: Int
  ) throws(StoreError) -> (deliveries: [LogEntry], reached: UInt64?) {
    let id = PostgresValue.integer(Int64(writer))
    // The commit that holds the next delivery may begin before it. Damaged rows may have any numbers, so none is added unbounded.
    let sizes = try pool.query(
      """
      SELECT first, count, bytes FROM @log_commit
      WHERE writer = $1 AND least(first, $3) + least(greatest(count, 0), $2 + 1) > $2 + 1 AND first <= $3
        AND first >= coalesce((SELECT max(first) FROM @log_commit WHERE writer = $1 AND first <= $2 + 1), 0)
      ORDER BY first LIMIT $4
      """, [id, .integer(Int64(last)), .integer(Int64(end)), .integer(Self.commitsAtOnce)])
    var (bytes, count): (Int64, Int64) = (0, 0)
    var reached: (first: Int64, last: Int64)?
    var next = Int64(last) + 1
    for row in sizes where reached == nil || bytes < Int64(byteLimit) && count < Int64(limit) {
      // Damaged rows may have any numbers.
      let (first, end) = (row.int(0), row.int(0) &+ row.int(1))
      noteHole(of: writer, from: next, to: first &- 1)
      bytes &+= row.int(2)
      // The first commit may begin before what is asked for.
      count &+= end &- max(first, Int64(last) + 1)
      next = max(next, end)
      reached = (first, end &- 1)
    }
    guard let from = sizes.first?.int(0), let reached else {
      noteHole(of: writer, from: next, to: Int64(end))
      return ([], nil)
    }
    let rows = try pool.query(
      "SELECT \(StoredCommit.columns) FROM @log_commit WHERE writer = $1 AND first BETWEEN $2 AND $3 ORDER BY first",
      [id, .integer(from), .integer(reached.first)])
    var found: [LogEntry] = []
    for row in rows { found += try deliveries(of: StoredCommit(row)) }
    return (found.filter { $0.position.number > last }, UInt64(clamping: max(reached.last, Int64(last) + 1)))
  }

  package func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    guard limit > 0 else { return [] }
    var result: [LogEntry] = []
    var bytes = 0
    var place: [PostgresValue]?
    if let position, let row = try self.row(of: position) {
      place = Self.place(of: row)
      for entry in try deliveries(of: StoredCommit(row)).reversed()
      where entry.position < position && result.count < limit && (bytes < byteLimit || result.isEmpty) {
        result.append(entry)
        bytes += entry.logged.delivery.body.count
      }
    } else if let position, try isRemoved(position) {
      // And everything before it.
      return []
    }
    while result.count < limit, bytes < byteLimit || result.isEmpty {
      let condition = place == nil ? "" : "WHERE (at, writer, first) < (\(Self.time("$1")), $2, $3)"
      let rows = try pool.query(
        """
        SELECT \(StoredCommit.columns), \(Self.microseconds) FROM @log_commit \(condition)
        ORDER BY at DESC, writer DESC, first DESC LIMIT \(Self.commitsBackwards)
        """, place ?? [])
      for row in rows {
        place = Self.place(of: row)
        for entry in try deliveries(of: StoredCommit(row)).reversed()
        where result.count < limit && (bytes < byteLimit || result.isEmpty) {
          result.append(entry)
          bytes += entry.logged.delivery.body.count
        }
      }
      if rows.count < Self.commitsBackwards { break }
    }
    return result
  }

  /// The commits that a step backwards reads.
  private static let commitsBackwards = 16

  private static let microseconds = "(extract(epoch FROM at) * 1000000)::int8"

  private static func time(_ microseconds: String) -> String {
    "timestamptz 'epoch' + \(microseconds)::int8 * interval '1 microsecond'"
  }

  private func row(of position: LogPosition) throws(StoreError) -> PostgresConnection.Row? {
    let (writer, number) = (Int64(clamping: position.writer), Int64(clamping: position.number))
    // A damaged row may have any count.
    return try pool.query(
      """
      SELECT \(StoredCommit.columns), \(Self.microseconds) FROM @log_commit
      WHERE writer = $1 AND first <= $2 ORDER BY first DESC LIMIT 1
      """, [.integer(writer), .integer(number)]
    ).first { StoredCommit($0).numbers.contains(position.number) }
  }

  private static func place(of row: PostgresConnection.Row) -> [PostgresValue] {
    [.integer(row.int(StoredCommit.columnCount)), .integer(row.int(0)), .integer(row.int(1))]
  }

  /// True for a position whose delivery was in the log once. The rows of writers go, too, but never that of the newest one.
  private func isRemoved(_ position: LogPosition) throws(StoreError) -> Bool {
    try pool.query(
      """
      SELECT coalesce(
        (SELECT last >= $2 FROM @log_writer WHERE id = $1), $1 < (SELECT coalesce(max(id), 0) FROM @log_writer))
      """, [.integer(Int64(clamping: position.writer)), .integer(Int64(clamping: position.number))]
    ).first?.bool(0) ?? false
  }

  package func delivery(at position: LogPosition) throws(StoreError) -> LoggedDelivery? {
    guard let row = try row(of: position) else { return nil }
    if let found = try deliveries(of: StoredCommit(row)).first(where: { $0.position == position }) { return found.logged }
    throw StoreError(.corrupt, "\(pool.address): delivery \(position.rawValue) is damaged")
  }
}
