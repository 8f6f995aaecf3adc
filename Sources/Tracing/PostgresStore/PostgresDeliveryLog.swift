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

    package init() {}
  }

  private struct Writing {
    var connection: PostgresConnection?
    var writer: UInt64?
    var last: UInt64 = 0
    /// True if the writer has to end because nobody knows whether its last commit is there.
    var isUncertain = false
  }

  private let pool: PostgresPool
  private let options: Options
  private let writing = Mutex(Writing())

  /// How many days ahead there are partitions.
  private static let daysAhead: Int64 = 7
  /// The commits that one query returns at most.
  private static let commitsAtOnce: Int64 = 256
  /// How often a commit is tried before its senders are told to try again.
  private static let attempts = 3

  /// Opens the log, and creates or migrates the tables of the store.
  ///
  /// - Parameter onWarning: Called with each message for the operator.
  /// - Throws: ``StoreError``: see ``PostgresSchema/prepare(_:)``. `busy` if the server does not answer.
  package init(_ pool: PostgresPool, options: Options = Options(), onWarning: (String) -> Void = { _ in }) throws {
    self.pool = pool
    self.options = options
    for warning in try PostgresSchema.prepare(pool) { onWarning(warning) }
    try addPartitions()
  }

  /// Opens the log to copy another one into it.
  ///
  /// Deliveries go to the partitions of the days when they were received, so that retention removes them in time. Those from
  /// before ``daysOfCopy`` share a partition.
  package convenience init(copyingInto pool: PostgresPool) throws {
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

  // MARK: Writing

  package func prepareToWrite() throws {
    let isReadOnly = try pool.query("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'").first?.bool(
      0)
    guard isReadOnly == false else { throw StoreError(.busy, "\(pool.address): the server is read-only") }
  }

  package func append(_ deliveries: [LoggedDelivery]) throws -> [LogPosition] {
    guard !deliveries.isEmpty else { return [] }
    let data = try Self.compress(deliveries)
    return try writing.withLock { writing in
      var failure: StoreError?
      // What an earlier call could not find out no longer matters: its senders were told to try again.
      if writing.isUncertain { _ = try settle(nil, &writing) }
      for _ in 0..<Self.attempts {
        do {
          return try append(deliveries, data, &writing)
        } catch let error as StoreError where error.code == .busy {
          failure = error
          if let positions = try settle(deliveries.count, &writing) { return positions }
        }
      }
      throw failure ?? StoreError(.busy, "\(pool.address): nothing was appended")
    }
  }

  private static let insertion = """
    WITH advanced AS (
      UPDATE @log_writer SET last = $3 WHERE id = $1 AND last = $2 - 1 AND ended IS NULL RETURNING id
    )
    INSERT INTO @log_commit (part, writer, first, count, bytes, received, data)
    SELECT coalesce($8, floor(extract(epoch FROM clock_timestamp()) / 86400)::int8), id, $2, $4, $5, $6, $7 FROM advanced
    """

  private func append(_ deliveries: [LoggedDelivery], _ data: [UInt8], _ writing: inout Writing) throws -> [LogPosition] {
    let connection = try writing.connection ?? pool.connect()
    writing.connection = connection
    let count = UInt64(deliveries.count)
    if writing.last > LogPosition.numberLimit - count { try end(&writing) }
    let writer: UInt64
    if let known = writing.writer {
      writer = known
    } else {
      let host = PostgresValue.bytes(Array(options.host.utf8))
      let row = try connection.run(
        pool.sql("INSERT INTO @log_writer (host) VALUES (convert_from($1, 'UTF8')) RETURNING id"), [host]
      ).first
      writer = UInt64(clamping: row?.int(0) ?? 0)
      guard (1...LogPosition.writerLimit).contains(writer) else {
        throw StoreError(.unusable, "\(pool.address): there can be no more writers of the log")
      }
      (writing.writer, writing.last) = (writer, 0)
    }
    let first = writing.last + 1
    let bytes = deliveries.reduce(0) { $0 + $1.delivery.body.count }
    let received = deliveries.lazy.map(\.delivery.received).max() ?? .epoch
    let result = try connection.run(
      pool.sql(Self.insertion),
      [
        .integer(Int64(writer)), .integer(Int64(first)), .integer(Int64(first + count - 1)), .integer(Int64(count)),
        .integer(Int64(bytes)), .integer(received.nanoseconds), .bytes(data), PostgresValue(options.partition?(deliveries)),
      ])
    guard result.changedCount == 1 else {
      // Somebody has ended this writer, or the database is an older copy. Nothing was inserted.
      (writing.writer, writing.last) = (nil, 0)
      throw StoreError(.busy, "\(pool.address): writer \(writer) of the log does not continue at \(first)")
    }
    writing.last = first + count - 1
    return (first...writing.last).map { LogPosition(writer: writer, number: $0) }
  }

  /// Ends the writer after a commit of unknown outcome, and looks whether that commit is there.
  ///
  /// Ending waits for a commit that still runs, because both change the row of the writer.
  ///
  /// - Parameter count: The number of deliveries in that commit; nil if they do not matter.
  /// - Returns: The positions if the deliveries were committed.
  /// - Throws: ``StoreError`` if the server does not answer. The outcome stays unknown.
  private func settle(_ count: Int?, _ writing: inout Writing) throws -> [LogPosition]? {
    writing.connection = nil
    guard let writer = writing.writer else { return nil }
    writing.isUncertain = true
    let first = writing.last + 1
    let connection = try pool.connect()
    writing.connection = connection
    let row = try connection.run(
      pool.sql("UPDATE @log_writer SET ended = now() WHERE id = $1 RETURNING last"), [.integer(Int64(writer))]
    ).first
    (writing.writer, writing.last, writing.isUncertain) = (nil, 0, false)
    guard let count, let last = row.map({ UInt64(clamping: $0.int(0)) }), last == first + UInt64(count) - 1 else { return nil }
    return (first...last).map { LogPosition(writer: writer, number: $0) }
  }

  private func end(_ writing: inout Writing) throws {
    guard let writer = writing.writer, let connection = writing.connection else { return }
    try connection.run(pool.sql("UPDATE @log_writer SET ended = now() WHERE id = $1"), [.integer(Int64(writer))])
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

  // MARK: Encoding

  private static func compress(_ deliveries: [LoggedDelivery]) throws -> [UInt8] {
    let compressor = try FrameCompressor()
    compressor.startFrame()
    for logged in deliveries {
      try compressor.add(DeliveryPacking.head(of: logged))
      try compressor.add(logged.delivery.body)
    }
    return try compressor.finishCommit { $0 }
  }

  private struct Commit {
    var writer: UInt64
    var first: UInt64
    var count: UInt64
    var data: [UInt8]

    init(_ row: PostgresConnection.Row) {
      (writer, first, count) = (UInt64(clamping: row.int(0)), UInt64(clamping: row.int(1)), UInt64(clamping: row.int(2)))
      data = row.bytes(3)
    }
  }

  /// Returns the deliveries of a commit; none if it is damaged, which goes to the damage report.
  private func deliveries(of commit: Commit) throws -> [(position: LogPosition, logged: LoggedDelivery)] {
    var result: [(position: LogPosition, logged: LoggedDelivery)] = []
    do {
      var decompressor = try FrameDecompressor()
      decompressor.startFrame()
      decompressor.begin(commit.data)
      for offset in 0..<commit.count {
        let logged = try DeliveryPacking.read(from: &decompressor)
        result.append((LogPosition(writer: commit.writer, number: commit.first + offset), logged))
      }
    } catch is DamagedBytes {
      let name = "\(commit.first) to \(commit.first + commit.count - 1) of writer \(commit.writer)"
      options.damage.note(StoreDamage(.delivery, name, reason: "\(pool.address): the commit cannot be read"))
    }
    return result
  }

  // MARK: Reading

  package func isComplete() throws -> Bool {
    try pool.query("SELECT is_complete FROM @log_state").first?.bool(0) ?? false
  }

  package func coverage() throws -> LogCoverage? {
    try pool.query("SELECT id, last FROM @log_writer WHERE last > 0").map {
      LogPosition(writer: UInt64(clamping: $0.int(0)), number: UInt64(clamping: $0.int(1)))
    }.coverage
  }

  package func read(
    after coverage: LogCoverage?, limit: Int, byteLimit: Int
  ) throws -> [(position: LogPosition, logged: LoggedDelivery)] {
    guard limit > 0, let ends = try self.coverage() else { return [] }
    var result: [(position: LogPosition, logged: LoggedDelivery)] = []
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
  ) throws -> (deliveries: [(position: LogPosition, logged: LoggedDelivery)], reached: UInt64?) {
    let id = PostgresValue.integer(Int64(writer))
    // The commit that holds the next delivery may begin before it.
    let sizes = try pool.query(
      """
      SELECT first, count, bytes FROM @log_commit
      WHERE writer = $1 AND first + count - 1 > $2 AND first <= $3
        AND first >= coalesce((SELECT max(first) FROM @log_commit WHERE writer = $1 AND first <= $2 + 1), 0)
      ORDER BY first LIMIT $4
      """, [id, .integer(Int64(last)), .integer(Int64(end)), .integer(Self.commitsAtOnce)])
    var (bytes, count): (Int64, Int64) = (0, 0)
    var reached: (first: Int64, last: Int64)?
    for row in sizes where reached == nil || bytes < Int64(byteLimit) && count < Int64(limit) {
      bytes += row.int(2)
      // The first commit may begin before what is asked for.
      count += row.int(0) + row.int(1) - max(row.int(0), Int64(last) + 1)
      reached = (row.int(0), row.int(0) + row.int(1) - 1)
    }
    guard let from = sizes.first?.int(0), let reached else { return ([], nil) }
    let rows = try pool.query(
      "SELECT writer, first, count, data FROM @log_commit WHERE writer = $1 AND first BETWEEN $2 AND $3 ORDER BY first",
      [id, .integer(from), .integer(reached.first)])
    let found = try rows.map(Commit.init).flatMap { try deliveries(of: $0) }
    return (found.filter { $0.position.number > last }, UInt64(clamping: reached.last))
  }

  package func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws -> [(position: LogPosition, logged: LoggedDelivery)] {
    guard limit > 0 else { return [] }
    var result: [(position: LogPosition, logged: LoggedDelivery)] = []
    var bytes = 0
    var place: [PostgresValue]?
    if let position, let row = try self.row(of: position) {
      place = [.integer(row.int(4)), .integer(row.int(0)), .integer(row.int(1))]
      for entry in try deliveries(of: Commit(row)).reversed()
      where entry.position < position && result.count < limit && (bytes < byteLimit || result.isEmpty) {
        result.append(entry)
        bytes += entry.logged.delivery.body.count
      }
    } else if let position, try coverage()?.contains(position) ?? false {
      // It was removed, and everything before it.
      return []
    }
    while result.count < limit, bytes < byteLimit || result.isEmpty {
      let condition = place == nil ? "" : "WHERE (at, writer, first) < (\(Self.time("$1")), $2, $3)"
      let rows = try pool.query(
        """
        SELECT writer, first, count, data, \(Self.microseconds) FROM @log_commit \(condition)
        ORDER BY at DESC, writer DESC, first DESC LIMIT \(Self.commitsBackwards)
        """, place ?? [])
      for row in rows {
        place = [.integer(row.int(4)), .integer(row.int(0)), .integer(row.int(1))]
        for entry in try deliveries(of: Commit(row)).reversed()
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

  private func row(of position: LogPosition) throws -> PostgresConnection.Row? {
    let (writer, number) = (Int64(clamping: position.writer), Int64(clamping: position.number))
    return try pool.query(
      """
      SELECT writer, first, count, data, \(Self.microseconds) FROM @log_commit
      WHERE writer = $1 AND first <= $2 ORDER BY first DESC LIMIT 1
      """, [.integer(writer), .integer(number)]
    ).first { $0.int(1) + $0.int(2) > number }
  }

  package func delivery(at position: LogPosition) throws -> LoggedDelivery? {
    guard let row = try row(of: position) else { return nil }
    if let found = try deliveries(of: Commit(row)).first(where: { $0.position == position }) { return found.logged }
    throw StoreError(.corrupt, "\(pool.address): delivery \(position.rawValue) is damaged")
  }

  // MARK: Retention

  private struct Partition {
    var name: String
    var bytes: Int64
    var number: Int64
  }

  /// Creates the partitions of today and the next days. What has none goes to the default partition.
  package func addPartitions() throws {
    let today = try pool.query("SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int8").first?.int(0) ?? 0
    try addPartitions(today...(today + Self.daysAhead))
  }

  func addPartitions(_ numbers: ClosedRange<Int64>) throws {
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

  private func partitions() throws -> [Partition] {
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

  package func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws {
    try addPartitions()
    guard let projected else { return }
    let partitions = try partitions()
    var total = try size()
    let today = try pool.query("SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int8").first?.int(0) ?? 0
    // The partition that is written now stays.
    for partition in partitions where options.partition != nil || partition.number < today {
      let rows = try pool.query(
        "SELECT writer, max(first + count - 1), max(received) FROM @\(partition.name) GROUP BY writer")
      guard let newest = rows.map({ $0.int(2) }).max() else {
        // A day without deliveries.
        if partition.number < today { _ = try drop(partition, ifCoveredBy: projected) }
        continue
      }
      let ends = rows.map { LogPosition(writer: UInt64(clamping: $0.int(0)), number: UInt64(clamping: $0.int(1))) }
      guard projected.contains(LogCoverage(ends)), total > maximumBytes || newest < cutoff.nanoseconds else { return }
      guard try drop(partition, ifCoveredBy: projected) else { return }
      total -= partition.bytes
    }
  }

  /// Drops a partition. Intake waits for the lock on the log for a second at most; a later call tries again.
  ///
  /// - Returns: False if deliveries were added that are not projected.
  private func drop(_ partition: Partition, ifCoveredBy projected: LogCoverage) throws -> Bool {
    try pool.withConnection { connection in
      try connection.transaction(["lock_timeout": "1s"]) {
        // In the order in which intake locks them.
        try connection.run(pool.sql("LOCK TABLE ONLY @log_commit IN ACCESS EXCLUSIVE MODE"))
        try connection.run(pool.sql("LOCK TABLE @\(partition.name) IN ACCESS EXCLUSIVE MODE"))
        let rows = try connection.run(
          pool.sql("SELECT writer, max(first + count - 1) FROM @\(partition.name) GROUP BY writer"))
        let ends = rows.map { LogPosition(writer: UInt64(clamping: $0.int(0)), number: UInt64(clamping: $0.int(1))) }
        guard projected.contains(LogCoverage(ends)) else { return false }
        if !ends.isEmpty { try connection.run(pool.sql("UPDATE @log_state SET is_complete = false WHERE is_complete")) }
        try connection.run(pool.sql("DROP TABLE @\(partition.name)"))
        return true
      }
    }
  }

  package func size() throws -> Int64 {
    try partitions().reduce(0) { $0 + $1.bytes }
      + (pool.query("SELECT pg_total_relation_size('@log_commit_default')").first?.int(0) ?? 0)
  }
}
