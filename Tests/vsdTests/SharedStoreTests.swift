import Foundation
import PostgresServer
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Several vsd on one PostgreSQL database, as processes.
@Suite("Several vsd on one database", .serialized)
struct SharedStoreTests {
  /// Two vsd, of which a balancer chooses one for each delivery.
  private final class Pair: Sendable {
    private let address: String
    private let daemons: Mutex<[VSDProcess]>
    /// The numbers of the issues, and which deliveries were acknowledged: of opening, and of closing.
    private let ledger = Mutex<(next: Int, opened: Set<Int>, closed: Set<Int>)>((1, [], []))

    init(_ address: String) throws {
      self.address = address
      daemons = Mutex([try Self.start(address), try Self.start(address)])
    }

    static func start(_ address: String) throws -> VSDProcess {
      try VSDProcess(["--tracer=none", "--store=\(address)"])
    }

    var all: [VSDProcess] { daemons.withLock(\.self) }

    /// Sends deliveries until each is acknowledged by one of the daemons.
    ///
    /// - Parameter isUsable: False for a daemon that the balancer has taken out.
    func send(_ count: Int, to isUsable: (VSDProcess) -> Bool = { _ in true }) {
      for _ in 0..<count {
        let number = ledger.withLock { ledger in
          defer { ledger.next += 1 }
          return ledger.next
        }
        send(number, isClosing: false, to: isUsable)
        if number % 2 == 0 { send(number, isClosing: true, to: isUsable) }
      }
    }

    private func send(_ number: Int, isClosing: Bool, to isUsable: (VSDProcess) -> Bool) {
      let body = Self.payload(number, isClosing: isClosing)
      for attempt in 0..<2400 {
        let usable = all.filter { isUsable($0) && !$0.hasEnded }
        if !usable.isEmpty {
          let vsd = usable[(number + attempt) % usable.count]
          let answer = try? vsd.postGitHub("issues", body, delivery: "\(number)-\(isClosing)")
          if answer == "200 success" || answer == "200 duplicate" {
            // A sender that lost the answer repeats the delivery, and the balancer chooses the other daemon.
            if number % 7 == 0, attempt == 0 {
              _ = try? usable[(number + 1) % usable.count].postGitHub("issues", body, delivery: "\(number)-\(isClosing)")
            }
            ledger.withLock { ledger in
              if isClosing { _ = ledger.closed.insert(number) } else { _ = ledger.opened.insert(number) }
            }
            return
          }
        }
        usleep(25_000)
      }
      Issue.record("nobody takes delivery \(number)")
    }

    private static func payload(_ number: Int, isClosing: Bool) -> String {
      Payloads.issue(isClosing ? "closed" : "opened", number: number, closed: isClosing ? "2024-03-04T10:00:00Z" : nil)
    }

    /// Waits until one of the daemons leads.
    func leader(except other: VSDProcess? = nil) throws -> VSDProcess {
      for _ in 0..<1200 {
        for vsd in all where vsd !== other && !vsd.hasEnded {
          if let stats = try? vsd.json("/api/v1/stats"), stats["leading"] == true { return vsd }
        }
        usleep(50_000)
      }
      throw TestFailure("nobody leads; the daemons printed:\n\(all.map(\.printed).joined(separator: "\n"))")
    }

    func follower(of leader: VSDProcess) throws -> VSDProcess { try #require(all.first { $0 !== leader }) }

    /// Starts a daemon in place of one that has ended.
    func replace(_ ended: VSDProcess) throws {
      let new = try Self.start(address)
      daemons.withLock { daemons in daemons = daemons.map { $0 === ended ? new : $0 } }
    }

    /// Checks that each daemon shows the spans of all acknowledged deliveries as a vsd with SQLite does, and counts each
    /// delivery once.
    func check() throws {
      let (opened, closed) = ledger.withLock { ($0.opened, $0.closed) }
      let alone = try VSDProcess(["--tracer=none"])
      // In another order. That does not matter.
      for number in closed.sorted().reversed() {
        try alone.postGitHub("issues", Self.payload(number, isClosing: true), delivery: "\(number)-true")
      }
      for number in opened.sorted() {
        try alone.postGitHub("issues", Self.payload(number, isClosing: false), delivery: "\(number)-false")
      }
      let expected = try Self.spans(alone)
      #expect(expected.count == opened.count)
      for vsd in all {
        let spans = try Self.spans(vsd)
        #expect(spans == expected)
        let stats = try vsd.json("/api/v1/stats")
        #expect(stats["deliveries"]?["recorded"]?.int == opened.count + closed.count)
        #expect(stats["spans"] == (try alone.json("/api/v1/stats"))["spans"])
      }
    }

    private static func spans(_ vsd: VSDProcess) throws -> [String: JSON] {
      var spans: [String: JSON] = [:]
      var path = "/api/v1/spans?limit=500"
      while true {
        let page = try vsd.json(path)
        for span in page["spans"]?.list ?? [] {
          let isNew = spans.updateValue(span, forKey: span["spanID"]?.text ?? "") == nil
          #expect(isNew, "a span twice")
        }
        guard let next = page["next"]?.text else { return spans }
        path = "/api/v1/spans?limit=500&cursor=\(next)"
      }
    }
  }

  private static var isLong: Bool { ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil }

  private static func metrics(_ vsd: VSDProcess) throws -> MetricsText { try MetricsText(vsd.get("/metrics").body) }

  @Test("both take deliveries and show what either has acknowledged; the sum of their metrics counts each once")
  func sharing() throws {
    let server = try PostgresServer.shared.get()
    let pair = try Pair(server.newDatabase())
    let leader = try pair.leader()
    let follower = try pair.follower(of: leader)
    // A delivery to the follower, read at once from both.
    try follower.postGitHub("issues", Payloads.issue("opened", number: 1000), delivery: "first")
    for vsd in pair.all { #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 1) }
    #expect(try follower.postGitHub("issues", Payloads.issue("opened", number: 1000), delivery: "first") == "200 duplicate")
    let labels = #"{source="github",result="recorded"}"#
    try leader.wait(for: "the count") { try Self.metrics(leader).value("valuestream_deliveries_total\(labels)") == 1 ? () : nil }
    let (ofLeader, ofFollower) = (try Self.metrics(leader), try Self.metrics(follower))
    #expect(ofFollower.value("valuestream_deliveries_total\(labels)") == nil)
    #expect(ofFollower.value(#"valuestream_deliveries_total{source="github",result="duplicate"}"#) == 1)
    #expect(ofLeader.value(#"valuestream_deliveries_total{source="github",result="duplicate"}"#) == 0)
    #expect(ofLeader.value("valuestream_leading") == 1 && ofFollower.value("valuestream_leading") == 0)
    // What is counted once for all, a follower does not show.
    for name in [
      "webhooks_event_", "valuestream_operation", "valuestream_store_bytes", "valuestream_projection", "valuestream_facts",
    ] {
      #expect(ofFollower.starting(with: name).isEmpty, "\(name)")
      #expect(!ofLeader.starting(with: name).isEmpty, "\(name)")
    }
    #expect(ofFollower.value("valuestream_ready") == 1)
    let (stats, other) = (try leader.json("/api/v1/stats"), try follower.json("/api/v1/stats"))
    #expect(stats["leading"] == true && other["leading"] == false)
    #expect(try stats["leader"]?.text == #require(other["leader"]?.text))
    #expect(try follower.get("/system").body.contains(#require(other["leader"]?.text)))
    for vsd in pair.all { #expect(try vsd.get("/readyz").status == 200) }
    #expect(try follower.json("/api/v1/reports/dora")["facts"]?["complete"] == true)
  }

  @Test("a leader that is stopped, killed or asleep is followed by the other, and nothing is lost or doubled")
  func takeOver() throws {
    let server = try PostgresServer.shared.get()
    let address = try server.newDatabase()
    let database = try #require(address.prefix { $0 != "?" }.split(separator: "/").last.map(String.init))
    let pair = try Pair(address)
    for signal in Array(repeating: [SIGTERM, SIGKILL, SIGSTOP], count: Self.isLong ? 8 : 1).joined() {
      let leader = try pair.leader()
      let others: @Sendable (VSDProcess) -> Bool = { signal != SIGSTOP || $0 !== leader }
      try inParallel(4) { worker in
        if worker > 0 { return pair.send(Self.isLong ? 100 : 15, to: others) }
        usleep(100_000)
        leader.send(signal)
        guard signal == SIGTERM else { return }
        #expect(try leader.waitForExit() == .code(0))
        // It gave the lease back, or the other has it already.
        let isFree = try server.run(
          """
          SELECT expires < clock_timestamp() OR l.epoch > 1 AND l.holder NOT LIKE '%/\(leader.processID)'
          FROM valuestream.lease l, valuestream.lease_time
          """, in: database)
        #expect(isFree == "t")
      }
      let next = try pair.leader(except: leader)
      #expect(next !== leader)
      pair.send(5, to: others)
      if signal == SIGSTOP {
        leader.send(SIGCONT)
        try leader.waitForLine("the loss of the lease") { $0["msg"]?.text?.contains("has lost the lease") == true }
        #expect(try leader.json("/api/v1/stats")["leading"] == false)
        pair.send(5)
      } else {
        if signal == SIGKILL { #expect(try leader.waitForExit() == .signal(SIGKILL)) }
        try pair.replace(leader)
      }
    }
    try pair.check()
  }

  @Test("a changed row of the log is passed over and named; check finds it, repair accepts the loss, and replay keeps its spans")
  func damage() throws {
    let server = try PostgresServer.shared.get()
    let address = try server.newDatabase()
    let database = try #require(address.prefix { $0 != "?" }.split(separator: "/").last.map(String.init))
    let flags = ["--tracer=none", "--store=\(address)"]
    #expect(try VSDProcess.run(["check", "--store=\(address)"]).errors.contains("holds no store of vsd"))
    var vsd = try VSDProcess(flags)
    for id in ["d1", "d2", "d3"] { try vsd.postCustom(Payloads.custom("start", id)) }
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 3)
    // vsd can run meanwhile.
    #expect(try VSDProcess.run(["check", "--store=\(address)"]).output == "nothing is damaged\n")
    let busy = try VSDProcess.run(["check", "repair", "--store=\(address)"])
    #expect(busy.exit == .code(0) && busy.output == "nothing is damaged\n")
    let same = try VSDProcess.run(["replay", "--store=\(address)"])
    #expect(same.exit == .code(0) && same.output.hasSuffix("nothing differs\n"), "\(same.output)\(same.errors)")
    try vsd.stop()
    try server.run("UPDATE valuestream.log_commit SET received = received + 1 WHERE first = 2", in: database)
    try server.run("UPDATE valuestream.subject SET data = '\\x0400' WHERE seq = 1", in: database)

    vsd = try VSDProcess(flags)
    #expect(try vsd.postCustom(Payloads.custom("start", "d4")).hasPrefix("200"))
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 3)
    #expect(try vsd.json("/api/v1/deliveries")["deliveries"]?.list.count == 3)
    let ready = try vsd.get("/readyz").body
    #expect(ready.contains("1 of part delivery") && ready.contains("1 of part subject"), "\(ready)")
    #expect(try vsd.get("/metrics").body.contains(#"valuestream_damaged_records{part="delivery"} 1"#))
    let check = try VSDProcess.run(["check", "--store=\(address)"])
    #expect(check.exit == .code(65))
    #expect(check.output.contains("delivery 2 of writer 1: ") && check.output.contains("subject customhttp"), "\(check.output)")
    try vsd.stop()
    let repair = try VSDProcess.run(["check", "repair", "--store=\(address)"])
    #expect(repair.exit == .code(0), "\(repair.output)\(repair.errors)")
    #expect(try VSDProcess.run(["check", "--store=\(address)"]).output == "nothing is damaged\n")
    let replay = try VSDProcess.run(["replay", "apply", "--store=\(address)"])
    #expect(replay.exit == .code(0) && replay.errors.contains("schema valuestream_before_replay"), "\(replay.errors)")

    vsd = try VSDProcess(flags)
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 4)
    #expect(try vsd.get("/readyz").body == "ok\n")
    #expect(try vsd.postCustom(Payloads.custom("end", "d2")).hasPrefix("200"))
    #expect(try vsd.json("/api/v1/spans?state=finished")["spans"]?.list.count == 1)
    #expect(try vsd.json("/api/v1/stats")["deliveries"]?["recorded"]?.int == 5)
    let tables = try server.run(
      "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'valuestream%'", in: database)
    #expect(tables == "2", "the store, and what the replay replaced")
  }

  @Test("without the database, deliveries are answered with 503, and everything goes on by itself when it is back")
  func databaseAway() throws {
    let server = try PostgresServer()
    defer { server.stop() }
    let pair = try Pair(server.newDatabase())
    _ = try pair.leader()
    for signal in Array(repeating: [SIGINT, SIGKILL], count: Self.isLong ? 5 : 1).joined() {
      pair.send(10)
      server.stop(signal)
      for vsd in pair.all {
        let answer = try vsd.connect().request(
          "POST", "/github", headers: ["X-GitHub-Event": "issues", "X-GitHub-Delivery": "refused"],
          body: Payloads.issue("opened", number: 1_000_000))
        #expect(answer.status == 503 && answer.headers["retry-after"] != nil)
        try vsd.wait(for: "unreadiness") { try vsd.get("/readyz").status == 503 ? () : nil }
        #expect(try vsd.get("/healthz").status == 200)
        #expect(try vsd.get("/api/v1/spans").status == 503)
        #expect(try vsd.get("/system").status == 503)
        #expect(try vsd.get("/metrics").body.contains("valuestream_ready 0"))
      }
      try server.start()
      for vsd in pair.all { try vsd.wait(for: "readiness") { try vsd.get("/readyz").status == 200 ? () : nil } }
      pair.send(10)
    }
    try pair.check()
  }

  @Test("a vsd that starts before its database waits for it")
  func startWithoutDatabase() throws {
    let server = try PostgresServer()
    defer { server.stop() }
    let address = try server.newDatabase()
    server.stop()
    let home = try VSDProcess.Home()
    let child = try VSDProcess.start(["--tracer=none", "--store=\(address)"], in: home)
    try child.wait(for: "the wait") { child.output.contains("waits for the database") ? () : nil }
    try server.start()
    try child.wait(for: "the start") { child.output.contains("Starting Server") ? () : nil }
    child.send(SIGTERM)
    #expect(try child.waitForExit() == .code(0))
  }

  @Test("a password in the address is shown nowhere")
  func passwords() throws {
    let address = try PostgresServer.shared.get().newDatabase()
    let vsd = try VSDProcess(["--tracer=none"], environment: ["VS_STORE": "\(address)&password=topsecret"])
    let page = try vsd.get("/system").body
    #expect(page.contains("postgres://") && !page.contains("topsecret"))
    #expect(!vsd.printed.contains("topsecret"))
    let mistake = try VSDProcess.run(["--store=postgres://me:topsecret@host/db?no-such-option=1"])
    #expect(mistake.exit == .code(64))
    #expect(!mistake.errors.contains("topsecret") && mistake.errors.contains("flag --store"))
  }
}
