import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Nothing acknowledged is lost")
struct DurabilityTests {
  private static let secret = "a secret of this test"

  /// The number of rounds. One in four ends with an orderly stop, the others with SIGKILL.
  private static var rounds: Int {
    ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 4 : 32
  }

  private static func start(in home: VSDProcess.Home?) throws -> VSDProcess {
    try VSDProcess(["--tracer=none"], environment: ["VS_GITHUB_SECRET": secret], in: home)
  }

  @Test("killed with -9 or stopped under load, again and again, it has every delivery it answered, once")
  func killed() throws {
    var random = SeededRandom(seed: 2)
    let home = try VSDProcess.Home()
    let ledger = Ledger()
    var counters: [String: Double] = [:]
    for round in 0..<Self.rounds {
      let vsd = try Self.start(in: home)
      // In every other round, read the counters before vsd has projected the rest of the log.
      if round.isMultiple(of: 2) { counters = try Self.scrape(vsd, after: counters) }
      let signal = round % 4 == 2 ? SIGTERM : SIGKILL
      let life = Duration.milliseconds(Int64.random(in: 20...500, using: &random))
      let seeds = (0..<4).map { _ in random.next() }
      let last = Mutex(counters)
      try inParallel(6) { worker in
        switch worker {
        case 0:
          ledger.waitForAcknowledged(in: round)
          try? Self.sleep(life)
          vsd.send(signal)
        case 1:
          // The loop ends when vsd no longer answers. `scrape` reports counters that go down.
          while let now = try? Self.scrape(vsd, after: last.withLock(\.self)) { last.withLock { $0 = now } }
        default:
          Self.repeatLatest(vsd, ledger)
          Self.load(vsd, ledger, round: round, seed: seeds[worker - 2])
        }
      }
      counters = last.withLock(\.self)
      #expect(try vsd.waitForExit() == (signal == SIGKILL ? .signal(SIGKILL) : .code(0)))
    }
    let vsd = try Self.start(in: home)
    counters = try Self.scrape(vsd, after: counters)
    Self.deliverAgain(vsd, ledger)
    try Self.check(vsd, ledger.state.withLock(\.self))

    // An orderly restart must change nothing.
    let before = try Self.durableSamples(vsd)
    let spans = try Self.allSpans(vsd)
    #expect(try vsd.stop() == .code(0))
    let next = try Self.start(in: home)
    #expect(try Self.durableSamples(next) == before)
    #expect(try Self.allSpans(next) == spans)
  }

  // MARK: Load

  /// The deliveries sent so far, and which of them vsd acknowledged.
  private final class Ledger: Sendable {
    struct Sent: Sendable {
      var number: Int
      var isClosing: Bool
      var delivery: String
      var body: String
    }

    struct State: Sendable {
      var nextNumber = 1
      var sent: [Sent] = []
      /// Indices into `sent`.
      var acknowledged: Set<Int> = []
      var lastRoundWithAcknowledged = -1
    }

    let state = Mutex(State())

    func waitForAcknowledged(in round: Int) {
      waitUntil { state.withLock { $0.lastRoundWithAcknowledged } >= round }
    }
  }

  private static func sleep(_ time: Duration) throws {
    usleep(UInt32(time / .microseconds(1)))
  }

  /// Opens issues, closes half of them and repeats some deliveries, until the server is gone.
  private static func load(_ vsd: VSDProcess, _ ledger: Ledger, round: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    guard let connection = try? vsd.connect() else { return }
    while true {
      let number = ledger.state.withLock { state in
        defer { state.nextNumber += 1 }
        return state.nextNumber
      }
      guard send(number, isClosing: false, over: connection, ledger, round, &random) else { return }
      if random.oneIn(2) {
        guard send(number, isClosing: true, over: connection, ledger, round, &random) else { return }
      }
    }
  }

  /// - Returns: False if the server is gone.
  private static func send(
    _ number: Int, isClosing: Bool, over connection: HTTPConnection, _ ledger: Ledger, _ round: Int,
    _ random: inout SeededRandom
  ) -> Bool {
    let body = Payloads.issue(
      isClosing ? "closed" : "opened", number: number, closed: isClosing ? "2024-03-04T10:00:00Z" : nil)
    let sent = Ledger.Sent(number: number, isClosing: isClosing, delivery: "\(number)-\(isClosing)", body: body)
    let index = ledger.state.withLock { state in
      state.sent.append(sent)
      return state.sent.count - 1
    }
    for isRepetition in random.oneIn(8) ? [false, true] : [false] {
      guard let answer = try? post(sent, over: connection) else { return false }
      #expect(answer == (isRepetition ? "200 duplicate" : "200 success"))
      ledger.state.withLock { state in
        state.acknowledged.insert(index)
        state.lastRoundWithAcknowledged = round
      }
    }
    return true
  }

  private static func post(_ sent: Ledger.Sent, over connection: HTTPConnection) throws -> String {
    let headers = [
      "X-GitHub-Event": "issues", "X-GitHub-Delivery": sent.delivery,
      "X-Hub-Signature-256": gitHubSignature(of: sent.body, secret: secret),
    ]
    let response = try connection.request("POST", "/github", headers: headers, body: sent.body)
    return "\(response.status) \(response.body)"
  }

  /// Repeats the last deliveries acknowledged before the crash. Whatever the answer, they must not count twice.
  private static func repeatLatest(_ vsd: VSDProcess, _ ledger: Ledger) {
    let latest = ledger.state.withLock { state in state.acknowledged.sorted().suffix(6).map { state.sent[$0] } }
    guard let connection = try? vsd.connect() else { return }
    for sent in latest {
      guard let answer = try? post(sent, over: connection) else { return }
      #expect(answer == "200 duplicate" || answer == "200 success")
    }
  }

  /// Redelivers what was not acknowledged, as vendors do, and a tenth of what was.
  private static func deliverAgain(_ vsd: VSDProcess, _ ledger: Ledger) {
    let (sent, acknowledged) = ledger.state.withLock { ($0.sent, $0.acknowledged) }
    guard let connection = try? vsd.connect() else { return }
    for (index, sent) in sent.enumerated() where !acknowledged.contains(index) || index % 10 == 0 {
      let answer = try? post(sent, over: connection)
      #expect(answer == "200 duplicate" || answer == "200 success" && !acknowledged.contains(index))
      ledger.state.withLock { _ = $0.acknowledged.insert(index) }
    }
  }

  // MARK: Checks

  private static let classic = "webhooks_event_"

  /// Scrapes the classic counters and expects that none went down.
  private static func scrape(_ vsd: VSDProcess, after before: [String: Double]) throws -> [String: Double] {
    let now = try MetricsText(vsd.get("/metrics").body).starting(with: classic)
    for (name, value) in before {
      #expect(now[name] ?? -1 >= value, "\(name) went from \(value) to \(now[name] ?? -1)")
    }
    return now
  }

  /// The samples that the store keeps across restarts.
  private static func durableSamples(_ vsd: VSDProcess) throws -> [String: Double] {
    try MetricsText(vsd.get("/metrics").body).durable
  }

  private static func allSpans(_ vsd: VSDProcess) throws -> [JSON] {
    var spans: [JSON] = []
    var path = "/api/v1/spans?limit=97"
    while true {
      let page = try vsd.json(path)
      spans += page["spans"]?.list ?? []
      guard let next = page["next"]?.text else { return spans }
      path = "/api/v1/spans?limit=97&cursor=\(next)"
    }
  }

  private static func check(_ vsd: VSDProcess, _ ledger: Ledger.State) throws {
    let spans = try allSpans(vsd)
    let numbers = spans.compactMap { $0["attributes"]?["valuestream.issue.number"]?.int }
    let sent = ledger.acknowledged.map { ledger.sent[$0] }
    #expect(numbers.count == spans.count)
    #expect(Set(numbers).count == numbers.count, "an issue has more than one span")
    #expect(Set(numbers) == Set(sent.map(\.number)))
    #expect(Set(spans.compactMap { $0["spanID"]?.text }).count == spans.count)

    let closed = Set(sent.filter(\.isClosing).map(\.number))
    let finished = spans.filter { $0["end"] != .null }
    #expect(Set(finished.compactMap { $0["attributes"]?["valuestream.issue.number"]?.int }) == closed)
    for span in spans { #expect(span["start"] == "2024-03-04T09:00:00Z" && span["attempt"] == 1) }

    let stats = try vsd.json("/api/v1/stats")
    #expect(stats["deliveries"]?["recorded"]?.int == ledger.acknowledged.count)
    #expect(stats["spans"] == ["open": .number(Double(spans.count - closed.count)), "finished": .number(Double(closed.count))])

    let metrics = try MetricsText(vsd.get("/metrics").body)
    #expect(metrics.value(#"webhooks_event_start_total{event_source="github",event_type="issue"}"#) == Double(spans.count))
    let labels = #"{event_source="github",event_type="issue",error="false"}"#
    #expect(metrics.value("webhooks_event_end_total\(labels)") == Double(closed.count))
    #expect(metrics.value("webhooks_event_duration_count\(labels)") == Double(closed.count))
    #expect(metrics.value("webhooks_event_duration_sum\(labels)") == Double(closed.count) * 3_600_000)
  }
}
