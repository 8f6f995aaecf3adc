import Dispatch
import Foundation
import PostgresServer
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PostgresStore

@Suite("The delivery log in PostgreSQL")
struct PostgresDeliveryLogTests {
  private let contract: DeliveryLogContract

  init() throws {
    let pool = try PostgresServer.shared.get().pool()
    let (address, schema) = (pool.address, String(pool.schema.dropFirst().dropLast(2)))
    let open: @Sendable () throws -> any DeliveryLog = {
      var options = PostgresDeliveryLog.Options()
      // Samples are a second apart. Few of them share a partition.
      options.partition = { ($0.first?.delivery.received.seconds ?? 0) / 5 }
      let log = try PostgresDeliveryLog(PostgresPool(address, schema: schema), options: options)
      let first = StoreSamples.time(0).seconds / 5
      try log.addPartitions(first...first + 12)
      return log
    }
    contract = DeliveryLogContract(
      makeLog: open,
      reopen: { log in
        log.close()
        return try open()
      })
  }

  @Test("keeps deliveries in order and finds each again")
  func order() throws { try contract.checkOrder() }

  @Test("takes an empty batch for nothing")
  func emptyAppend() throws { try contract.checkEmptyAppend() }

  @Test("reads backwards, the newest first")
  func backwards() throws { try contract.checkBackwards() }

  @Test("gives every byte back")
  func contents() throws { try contract.checkContents() }

  @Test("reads no more than asked for")
  func readLimits() throws { try contract.checkReadLimits() }

  @Test("removes only what is old or too much, and projected")
  func retention() throws { try contract.checkRetention() }

  @Test("is read while it is written")
  func concurrency() async throws { try await contract.checkReadersBesideWriter() }

  @Test("goes on after it was closed")
  func reopening() throws { try contract.checkReopening() }

  @Test("A commit whose answer is lost is found again, or appended again, and never taken for another one")
  func unknownOutcomes() throws {
    let server = try PostgresServer.shared.get()
    let pool = try server.pool()
    let log = try PostgresDeliveryLog(PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2))))
    defer { log.close() }
    let first = try log.append(StoreSamples.deliveries(0..<2))
    // Another connection holds the row of the writer, so the next commit waits for it. Then its connection is ended.
    let blocked = DispatchSemaphore(value: 0)
    let second = Mutex<[LogPosition]>([])
    try pool.withConnection { holder in
      try holder.transaction {
        try holder.run(pool.sql("SELECT id FROM @log_writer FOR UPDATE"))
        #expect(
          OwnThread.start {
            second.withLock { $0 = (try? log.append(StoreSamples.deliveries(2..<3))) ?? [] }
            blocked.signal()
          })
        var ended = 0
        for _ in 0..<200 where ended == 0 {
          ended = try pool.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE '%' || convert_from($1, 'UTF8') || 'log_commit%'
            """, [.bytes(Array(pool.schema.utf8))]
          ).count
          usleep(20_000)
        }
        #expect(ended == 1)
      }
    }
    #expect(blocked.wait(timeout: .now() + 60) == .success)
    // The first writer has ended without the commit, and another one has it.
    #expect(second.withLock(\.self).map(\.writer) != first.map(\.writer))
    // Somebody ends the writer, as this log would do after an answer that got lost: the commit goes to a new one.
    _ = try pool.query("UPDATE @log_writer SET ended = now()")
    let third = try log.append(StoreSamples.deliveries(3..<4))
    // The writer has committed more than this log knows of. Its deliveries are not taken for those.
    _ = try pool.query("UPDATE @log_writer SET last = last + 1 WHERE ended IS NULL")
    let fourth = try log.append(StoreSamples.deliveries(4..<5))
    #expect(Set((first + second.withLock(\.self) + third + fourth).map(\.writer)).count == 4)
    #expect(try Set(log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged)) == Set(StoreSamples.deliveries(0..<5)))
  }

  @Test("Partitions of days come ahead of time, and only those of earlier days are dropped")
  func partitions() throws {
    let pool = try PostgresServer.shared.get().pool()
    let log = try PostgresDeliveryLog(PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2))))
    defer { log.close() }
    let positions = try log.append(StoreSamples.deliveries(0..<3))
    func count(_ table: String) throws -> Int64 { try pool.query("SELECT count(*) FROM @\(table)").first?.int(0) ?? -1 }
    #expect(try count("log_commit_default") == 0)
    #expect(try count("log_commit") == 1)
    #expect(
      try pool.query("SELECT 1 FROM pg_inherits WHERE inhparent = '@log_commit'::regclass").count == 9,
      "today, seven days, and the default")
    try log.removeOld(receivedBefore: Timestamp(nanoseconds: .max), maximumBytes: 0, projected: positions.coverage)
    #expect(try count("log_commit") == 1)
    #expect(try log.isComplete())
  }

  // MARK: Damage

  private struct Opened {
    let pool: PostgresPool
    let report: DamageReport
    let messages: Messages
    let log: PostgresDeliveryLog
  }

  /// Opens a log of its own, or the log of another pool again.
  private func open(_ other: PostgresPool? = nil) throws -> Opened {
    let pool = try other ?? PostgresServer.shared.get().pool()
    let (report, messages) = (DamageReport(), Messages())
    var options = PostgresDeliveryLog.Options()
    options.damage = report
    options.onLoss = { messages.add($0) }
    let own = PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2)))
    return Opened(pool: pool, report: report, messages: messages, log: try PostgresDeliveryLog(own, options: options))
  }

  @Test(
    "finds a changed row by its checksum, names it once, and goes on behind it",
    arguments: [
      "count = count - 1", "bytes = bytes + 1", "received = received + 1", "data = set_byte(data, 9, get_byte(data, 9) # 1)",
      "seal = seal + 1", "count = 9223372036854775807",
    ])
  func changedRow(change: String) throws {
    let opened = try open()
    defer { opened.log.close() }
    for start in [0, 3, 6] { _ = try opened.log.append(StoreSamples.deliveries(start..<start + 3)) }
    try opened.log.examine()
    #expect(opened.report.all.isEmpty)
    _ = try opened.pool.query("UPDATE @log_commit SET \(change) WHERE first = 4")
    let sound = StoreSamples.deliveries(0..<3) + StoreSamples.deliveries(6..<9)
    for _ in 0..<2 { #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == sound) }
    #expect(opened.report.all.contains { $0.part == .delivery && $0.name.hasPrefix("4") && $0.name.contains("of writer 1") })
    let count = opened.report.all.count
    try opened.log.examine()
    #expect(opened.report.all.count == count, "each once")
    #expect(opened.log.endOfDamage() != nil)
    // What an operator has given up is not reported again.
    try opened.log.acceptLosses()
    let again = try open(opened.pool)
    defer { again.log.close() }
    try again.log.examine()
    #expect(again.report.all.isEmpty)
    #expect(again.log.endOfDamage() != nil, "a replay still has to know")
  }

  @Test(
    "reads everything else, in both directions, whatever number a damaged row has",
    arguments: ["first", "count", "bytes", "received"], [Int64.min, -1, 0, 1 << 40, .max])
  func extremeNumbers(column: String, number: Int64) throws {
    let opened = try open()
    defer { opened.log.close() }
    var positions: [LogPosition] = []
    for start in [0, 3, 6] { positions += try opened.log.append(StoreSamples.deliveries(start..<start + 3)) }
    _ = try opened.pool.query("UPDATE @log_commit SET \(column) = $1 WHERE first = 4", [.integer(number)])
    let sound = StoreSamples.deliveries(0..<3) + StoreSamples.deliveries(6..<9)
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == sound)
    let backwards = try opened.log.readBackwards(before: nil, limit: .max, byteLimit: .max)
    #expect(backwards.reversed().map(\.logged) == sound)
    for (index, position) in positions.enumerated() {
      #expect((try? opened.log.delivery(at: position)) == ((3..<6).contains(index) ? nil : StoreSamples.deliveries(0..<9)[index]))
      let before = try opened.log.readBackwards(before: position, limit: .max, byteLimit: .max).map(\.logged)
      #expect(before.allSatisfy(sound.contains))
    }
    try opened.log.examine()
    #expect(opened.log.endOfDamage() != nil)
    #expect(!opened.report.all.isEmpty)
    try opened.log.removeOld(receivedBefore: .epoch, maximumBytes: .max, projected: try opened.log.coverage())
  }

  @Test("finds rows that are missing, at the beginning, in the middle and at the end", arguments: [1, 3, 5])
  func missingRow(first: Int64) throws {
    let opened = try open()
    defer { opened.log.close() }
    for start in [0, 2, 4] { _ = try opened.log.append(StoreSamples.deliveries(start..<start + 2)) }
    _ = try opened.pool.query("DELETE FROM @log_commit WHERE first = $1", [.integer(first)])
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).count == 4)
    try opened.log.examine()
    #expect(opened.report.all.map(\.name) == ["\(first) to \(first + 1) of writer 1"])
  }

  @Test("reads rows of a version of vsd that wrote no checksum")
  func rowsWithoutChecksum() throws {
    let opened = try open()
    defer { opened.log.close() }
    _ = try opened.log.append(StoreSamples.deliveries(0..<3))
    _ = try opened.pool.query("UPDATE @log_commit SET seal = NULL")
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == StoreSamples.deliveries(0..<3))
    _ = try opened.pool.query("UPDATE @log_commit SET count = 1000000000000")
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).isEmpty)
    #expect(opened.report.all.count == 1)
  }

  // MARK: Fail-over

  @Test("appends again what a server that took over lacks, under a writer of its own, and reports what nobody has any more")
  func lostRows() throws {
    let opened = try open()
    defer { opened.log.close() }
    let first = try opened.log.append(StoreSamples.deliveries(0..<3))
    try opened.log.prepareToWrite()
    #expect(opened.messages.all.isEmpty)
    for number in 3..<6 { _ = try opened.log.append(StoreSamples.deliveries(number..<number + 1)) }
    // The standby has only the first commit.
    func fallBack(to last: Int64) throws {
      _ = try opened.pool.query("DELETE FROM @log_commit WHERE writer = 1 AND first > $1", [.integer(last)])
      _ = try opened.pool.query("UPDATE @log_writer SET last = $1 WHERE id = 1", [.integer(last)])
    }
    try fallBack(to: 3)
    // Meanwhile deliveries arrive, which the log takes as another writer.
    let next = try opened.log.append(StoreSamples.deliveries(6..<7))
    try opened.log.prepareToWrite()
    let later = try opened.log.append(StoreSamples.deliveries(7..<8))
    let read = try opened.log.read(after: nil, limit: .max, byteLimit: .max)
    #expect(Set(read.map(\.logged)) == Set(StoreSamples.deliveries(0..<8)) && read.count == 8)
    let again = Set(read.filter { StoreSamples.deliveries(3..<6).contains($0.logged) }.map(\.position.writer))
    #expect(again.count == 1 && again.isDisjoint(with: (first + next + later).map(\.writer)))
    #expect(
      opened.messages.all == [
        "the server that took over lacks 3 acknowledged deliveries: 3 of them are appended again"
      ])
    #expect(opened.report.all.isEmpty)
    try opened.log.prepareToWrite()
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).count == 8)
  }

  @Test("takes a writer with its id, whom another server has made, for another one")
  func repeatedWriter() throws {
    let opened = try open()
    defer { opened.log.close() }
    _ = try opened.log.append(StoreSamples.deliveries(0..<2))
    // The server that took over has not seen the writer, and gave its id to another daemon, which has come as far.
    _ = try opened.pool.query("UPDATE @log_writer SET nonce = 7")
    _ = try opened.pool.query("DELETE FROM @log_commit")
    try opened.log.prepareToWrite()
    #expect(try opened.log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == StoreSamples.deliveries(0..<2))
    #expect(try opened.pool.query("SELECT last, ended IS NULL FROM @log_writer WHERE nonce = 7").first?.int(0) == 2)
  }

  @Test("recent commits are bounded, and those that are forgotten are reported as lost")
  func recentCommits() throws {
    var recent = RecentCommits()
    let writer = LogWriterIdentity(id: 4, nonce: 1)
    let commit = try LogCommit(StoreSamples.deliveries(0..<2))
    let start = ContinuousClock.now
    for number in 0..<(RecentCommits.countLimit + 10) {
      recent.add(commit, of: writer, at: UInt64(2 * number + 1), now: start)
    }
    var copy = recent
    #expect(copy.ends == [writer: UInt64(2 * (RecentCommits.countLimit + 10))])
    let kept = copy.remove(of: writer, after: 0)
    #expect(kept.first == 21 && kept.commits.count == RecentCommits.countLimit)
    #expect(copy.ends.isEmpty)
    #expect(recent.remove(of: writer, after: 31).first == 33)
    recent.add(commit, of: writer, at: 1, now: start)
    recent.add(commit, of: writer, at: 3, now: start + RecentCommits.age + .seconds(1))
    #expect(recent.remove(of: writer, after: 0).first == 3)
  }

  // MARK: Writers

  @Test("the rows of writers go with their last partition, and the projection forgets them")
  func writersOfDroppedPartitions() throws {
    let pool = try PostgresServer.shared.get().pool()
    func own() -> PostgresPool { PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2))) }
    var options = PostgresDeliveryLog.Options()
    options.partition = { _ in 10 }
    let old = try PostgresDeliveryLog(own(), options: options)
    try old.addPartitions(10...10)
    let gone = try old.append(StoreSamples.deliveries(0..<3))
    old.close()
    let log = try PostgresDeliveryLog(own())
    defer { log.close() }
    let kept = try log.append(StoreSamples.deliveries(3..<5))
    let lease = PostgresLease(own(), holder: "test")
    try lease.takeNow()
    let store = PostgresSpanStore(own(), lease: lease)
    var changes = ProjectionChanges()
    changes.position = LogCoverage(gone + kept)
    try store.write(changes)
    // A damaged row does not keep its partition.
    _ = try pool.query("UPDATE @log_commit SET count = 9223372036854775807 WHERE part = 10")
    _ = try pool.query("UPDATE @log_writer SET started = now() - interval '3 days', ended = ended - interval '3 days'")
    try log.removeOld(receivedBefore: Timestamp(nanoseconds: .max), maximumBytes: 0, projected: LogCoverage(gone + kept))
    #expect(try log.coverage() == kept.coverage)
    #expect(try pool.query("SELECT 1 FROM @log_writer").count == 1)
    #expect(try log.readBackwards(before: gone.last, limit: 5, byteLimit: .max).isEmpty, "it does not begin with the newest")
    #expect(try log.delivery(at: gone[0]) == nil)
    try store.prepareToLead()
    #expect(try store.position() == kept.coverage)
    let report = DamageReport()
    var reading = PostgresDeliveryLog.Options()
    reading.damage = report
    try PostgresDeliveryLog(reading: own(), options: reading).examine()
    #expect(report.all.isEmpty, "what retention removed is not missing")
  }

  @Test("opens a log to read only where there is one")
  func readingNothing() throws {
    let pool = try PostgresServer.shared.get().pool()
    #expect(throws: StoreError.self) { try PostgresDeliveryLog(reading: pool) }
    #expect(try pool.query("SELECT 1 FROM pg_namespace WHERE nspname = '\(pool.schema.dropFirst().dropLast(2))'").count == 0)
  }
}

/// Collects messages.
private final class Messages: Sendable {
  private let list = Mutex<[String]>([])

  var all: [String] { list.withLock(\.self) }

  func add(_ message: String) { list.withLock { $0.append(message) } }
}
