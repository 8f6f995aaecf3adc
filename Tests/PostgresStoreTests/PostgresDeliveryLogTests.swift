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
}
