import Dispatch
import Foundation
import PostgresServer
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PostgresStore

/// Several daemons on one database: each takes deliveries, one projects.
@Suite("Several daemons on PostgreSQL", .serialized)
struct SeveralDaemonsTests {
  /// Checks that every run has one finished span, and that every delivery counted once.
  private static func check(_ daemons: [TestDaemon], _ count: Int) throws {
    let leader = try #require(daemons.first { $0.isLeading && $0.lease.isHeld })
    try leader.waitForProjection()
    let subjects = try leader.store.subjects(after: nil, limit: .max).subjects
    #expect(Set(subjects.map(\.key.encodedID)).count == count)
    let expected = try Self.expectedSpans(count)
    for subject in subjects { #expect(subject.spans() == expected[subject.key]) }
    #expect(leader.count(.recorded) == 2 * count)
    #expect(try Set(leader.log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged)).count == 2 * count)
  }

  /// The spans of the same deliveries in a store in memory.
  private static func expectedSpans(_ count: Int) throws -> [SubjectKey: [Span]] {
    var subjects: [SubjectKey: Subject] = [:]
    for logged in LineSource.deliveries(count) {
      guard case .events(let events, _) = try LineSource().events(in: logged.delivery) else { continue }
      for event in events { _ = subjects[event.key, default: Subject(key: event.key)].add(event) }
    }
    return subjects.mapValues { $0.spans() }
  }

  private static func leader(of daemons: [TestDaemon]) throws -> TestDaemon {
    for _ in 0..<600 {
      if let leader = daemons.first(where: { $0.isLeading && $0.lease.isHeld }) { return leader }
      usleep(50_000)
    }
    throw PostgresServer.Failure(description: "nobody leads")
  }

  private static func wait(until condition: () throws -> Bool) throws {
    for _ in 0..<1200 {
      if try condition() { return }
      usleep(50_000)
    }
    throw PostgresServer.Failure(description: "waited in vain")
  }

  @Test("Whoever takes a delivery, the leader projects it once, also when a follower takes over in order or by force")
  func takeOver() throws {
    let pool = try PostgresServer.shared.get().pool()
    var daemons = try (1...3).map { try TestDaemon(pool, name: "daemon-\($0)") }
    defer { for daemon in daemons { daemon.stop() } }
    let first = try Self.leader(of: daemons)
    let deliveries = LineSource.deliveries(120)
    let (half, rest) = (deliveries[..<120], deliveries[120...])
    for (index, logged) in half.enumerated() {
      _ = daemons[index % 3].record([logged])
      // A sender that got no answer tries another daemon.
      if index % 5 == 0 { _ = daemons[(index + 1) % 3].record([logged]) }
    }
    try first.waitForProjection()
    // The leader is stopped in order: another takes over long before the lease would run out.
    daemons.removeAll { $0 === first }
    first.stop()
    let stopped = ContinuousClock.now
    let second = try Self.leader(of: daemons)
    #expect(stopped.duration(to: .now) < .seconds(PostgresLease.seconds))
    for (index, logged) in rest.prefix(60).enumerated() { _ = daemons[index % 2].record([logged]) }
    // The leader sleeps past its lease, while it still has work.
    second.isFrozen.store(true, ordering: .releasing)
    let third = try #require(daemons.first { $0 !== second })
    for (index, logged) in rest.dropFirst(60).enumerated() {
      _ = daemons[index % 2].record([logged])
      if index % 7 == 0 { _ = daemons[(index + 1) % 2].record([logged]) }
    }
    for _ in 0..<400 where !third.isLeading { usleep(50_000) }
    #expect(third.isLeading)
    // It wakes up, and may write nothing.
    #expect(throws: StoreError.self) { try second.store.write(ProjectionChanges()) }
    second.isFrozen.store(false, ordering: .releasing)
    for _ in 0..<200 where second.isLeading { usleep(50_000) }
    #expect(!second.isLeading)
    try Self.check([third], 120)
  }

  @Test("Ending connections of the server loses and doubles nothing")
  func terminatedConnections() throws {
    let server = try PostgresServer.shared.get()
    let pool = try server.pool()
    let daemons = try (1...2).map { try TestDaemon(pool, name: "daemon-\($0)") }
    defer { for daemon in daemons { daemon.stop() } }
    _ = try Self.leader(of: daemons)
    var acknowledged: [LogPosition: LoggedDelivery] = [:]
    for (index, logged) in LineSource.deliveries(100).enumerated() {
      for position in daemons[index % 2].record([logged]) { acknowledged[position] = logged }
      guard index % 25 == 10 else { continue }
      // Other tests use the server, too. Their connections are not in a transaction of these tables.
      _ = try? pool.query(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND query LIKE '%' || convert_from($1, 'UTF8') || '%'
        """, [.bytes(Array(pool.schema.utf8))])
    }
    try Self.checkLog(daemons[0].log, acknowledged)
    try Self.check(daemons, 100)
  }

  @Test("A transaction that somebody holds open, and a former leader that hangs in one, hold nothing up")
  func openTransactions() throws {
    let pool = try PostgresServer.shared.get().pool()
    let daemons = try [TestDaemon(pool, name: "daemon")]
    defer { for daemon in daemons { daemon.stop() } }
    // A former leader that hangs in a transaction of the projection while its lease runs out.
    let former = PostgresLease(PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2))), holder: "former")
    _ = try Self.leader(of: daemons)
    try former.takeNow()
    let (began, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let wrote = Mutex<Bool?>(nil)
    let isOver = Atomic<Bool>(false)
    #expect(
      OwnThread.start {
        let result: Void? = try? former.transaction { connection in
          began.signal()
          for _ in 0..<1200 where !isOver.load(ordering: .acquiring) { usleep(50_000) }
          try connection.run("SELECT 1")
        }
        wrote.withLock { $0 = result != nil }
        ended.signal()
      })
    #expect(began.wait(timeout: .now() + 30) == .success)
    // Somebody looks at the tables, and forgets to end the transaction.
    try pool.withConnection { reader in
      try reader.transaction {
        try reader.run(pool.sql("SELECT count(*) FROM @log_commit"))
        try reader.run(pool.sql("SELECT count(*) FROM @subject"))
        for logged in LineSource.deliveries(20) { _ = daemons[0].record([logged]) }
        _ = try Self.leader(of: daemons)
        try Self.check(daemons, 20)
      }
    }
    isOver.store(true, ordering: .releasing)
    #expect(ended.wait(timeout: .now() + 60) == .success)
    #expect(wrote.withLock(\.self) == false, "the server has ended it")
  }

  /// Checks that the log has every acknowledged delivery at its position, and no holes.
  private static func checkLog(_ log: PostgresDeliveryLog, _ acknowledged: [LogPosition: LoggedDelivery]) throws {
    let read = try log.read(after: nil, limit: .max, byteLimit: .max)
    let found = Dictionary(read.map { ($0.position, $0.logged) }) { first, _ in first }
    #expect(found.count == read.count)
    for (position, logged) in acknowledged { #expect(found[position] == logged) }
    for end in try log.coverage()?.ends ?? [] {
      #expect((1...end.number).allSatisfy { found[LogPosition(writer: end.writer, number: $0)] != nil })
    }
  }

  @Test("A crash and a restart of the server lose no acknowledged delivery")
  func crashOfServer() throws {
    // With fsync: what is acknowledged is on the disk.
    let server = try PostgresServer()
    defer { server.stop() }
    let pool = try server.pool()
    let daemons = try (1...2).map { try TestDaemon(pool, name: "daemon-\($0)") }
    defer { for daemon in daemons { daemon.stop() } }
    _ = try Self.leader(of: daemons)
    let acknowledged = Mutex<[LogPosition: LoggedDelivery]>([:])
    let done = DispatchSemaphore(value: 0)
    for (index, daemon) in daemons.enumerated() {
      let part = LineSource.deliveries(100).enumerated().filter { $0.offset % 2 == index }.map(\.element)
      #expect(
        OwnThread.start {
          for logged in part {
            for position in daemon.record([logged]) { acknowledged.withLock { $0[position] = logged } }
          }
          done.signal()
        })
    }
    for signal in [SIGKILL, SIGINT] {
      usleep(100_000)
      server.stop(signal)
      try server.start()
    }
    for _ in daemons { done.wait() }
    _ = try Self.leader(of: daemons)
    try Self.checkLog(daemons[1].log, acknowledged.withLock(\.self))
    try Self.check(daemons, 100)
  }

  @Test("A standby that takes over without the newest transactions gets the deliveries again, and the leader starts over")
  func asynchronousStandby() throws {
    let primary = try PostgresServer(settings: ["fsync": "off"])
    defer { primary.stop() }
    let standby = try PostgresServer(standbyOf: primary)
    defer { standby.stop() }
    let hosts = "host=\(primary.directory),\(standby.directory)&user=vs&target_session_attrs=read-write"
    let pool = PostgresPool(try PostgresAddress("postgres:///postgres?\(hosts)"), schema: "followed")
    let daemons = try (1...2).map { try TestDaemon(pool, name: "daemon-\($0)") }
    defer { for daemon in daemons { daemon.stop() } }
    let leader = try Self.leader(of: daemons)
    let deliveries = LineSource.deliveries(60)
    for (index, logged) in deliveries.prefix(40).enumerated() { _ = daemons[index % 2].record([logged]) }
    try leader.waitForProjection()
    let position = try primary.run("SELECT pg_current_wal_lsn()")
    try Self.wait { try standby.run("SELECT pg_last_wal_replay_lsn() >= '\(position)'") == "t" }
    // From here on the standby receives nothing.
    try standby.run("ALTER SYSTEM SET primary_conninfo = ''")
    try standby.run("SELECT pg_reload_conf()")
    try Self.wait { try standby.run("SELECT count(*) FROM pg_stat_wal_receiver") == "0" }
    for (index, logged) in deliveries[40..<80].enumerated() { _ = daemons[index % 2].record([logged]) }
    try leader.waitForProjection()
    primary.stop(SIGKILL)
    try standby.promote()
    for (index, logged) in deliveries[80...].enumerated() { _ = daemons[index % 2].record([logged]) }
    _ = try Self.leader(of: daemons)
    try Self.wait {
      let there = try Set(daemons[0].log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged))
      guard there.count == deliveries.count, let end = try daemons[0].log.coverage() else { return false }
      // A leader that remembers more than the server has is followed by one that does not, perhaps in the same daemon.
      return try daemons.contains { try $0.isLeading && $0.lease.isHeld && $0.store.position().covers(end) }
    }
    try Self.check(daemons, 60)
  }

  @Test("Works through pgbouncer in transaction mode")
  func pooler() throws {
    let server = try PostgresServer.shared.get()
    let bouncer = try PgBouncer(server)
    defer { bouncer.stop() }
    let pool = PostgresPool(try PostgresAddress(bouncer.address), schema: "pooled")
    let daemons = try (1...2).map { try TestDaemon(pool, name: "daemon-\($0)") }
    defer { for daemon in daemons { daemon.stop() } }
    _ = try Self.leader(of: daemons)
    for (index, logged) in LineSource.deliveries(60).enumerated() { _ = daemons[index % 2].record([logged]) }
    try Self.check(daemons, 60)
    #expect(try daemons[0].store.excludedFacts().isEmpty)
  }
}

/// A pgbouncer in transaction mode, with fewer connections to the server than there are clients.
final class PgBouncer {
  private let process: Process
  let address: String

  init(_ server: PostgresServer) throws {
    let directory = "\(server.directory)/bouncer-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let settings = """
      [databases]
      postgres = host=\(server.directory) user=vs
      [pgbouncer]
      listen_addr =
      unix_socket_dir = \(directory)
      listen_port = 6432
      auth_type = any
      pool_mode = transaction
      default_pool_size = 4
      max_client_conn = 100
      ignore_startup_parameters = extra_float_digits
      """
    try settings.write(toFile: "\(directory)/pgbouncer.ini", atomically: true, encoding: .utf8)
    PostgresServer.giveAway(directory)
    PostgresServer.giveAway("\(directory)/pgbouncer.ini")
    process = try PostgresServer.unprivileged(PostgresServer.program("pgbouncer"), ["\(directory)/pgbouncer.ini"])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    address = "postgres:///postgres?host=\(directory)&port=6432&user=vs&connect_timeout=2"
    for _ in 0..<100 {
      if (try? PostgresConnection(PostgresAddress(address))) != nil { return }
      usleep(50_000)
    }
    throw PostgresServer.Failure(description: "pgbouncer does not start")
  }

  func stop() {
    kill(process.processIdentifier, SIGKILL)
  }
}
