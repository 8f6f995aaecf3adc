import APIClient
import GitHubAPI
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubHooks
@testable import Hooks

struct HookHealingTests {
  private typealias Delivery = GitHubHookServer.Delivery
  private static let start = Timestamp(seconds: 1_796_000_000)
  private static let hook = Hook(id: "1", address: "https://vs.example.org/github")

  /// Deliveries in the order of their times, oldest first: id, event, type, status, and hours ago.
  private static func server(_ deliveries: [(String, String, Int, Double)]) -> GitHubHookServer {
    GitHubHookServer { state in
      state.hooks = [.init(id: 1, url: Self.hook.address, events: ["push"])]
      var seen: Set<String> = []
      state.deliveries = deliveries.enumerated().map { index, entry in
        var delivery = Delivery(
          id: index + 1, guid: entry.0, event: entry.1, time: Self.start.advanced(bySeconds: -entry.3 * 3600), status: entry.2)
        delivery.isRedelivery = !seen.insert(entry.0).inserted
        return delivery
      }
    }
  }

  private static func history(_ server: GitHubHookServer, clock: any WallClock = FakeClock()) throws -> any HookHistory {
    let client = APIClient(transport: TransportFake { server.answer($0) }, clock: clock, sleep: { _ in })
    let service = GitHubHooks(
      .repository("acme/site"), GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client))
    return try #require(service.history)
  }

  private static func heal(_ server: GitHubHookServer, isDry: Bool = false) async throws -> HookHealing.Report {
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    try await HookHealing(try history(server), clock: FakeClock())
      .run(hook, memory: &memory, report: &report, isDry: isDry)
    return report
  }

  @Test("Asks for each event without a success, once, the oldest first; only for what vsd reads", arguments: [1, 2, 3, 100])
  func asks(pageLimit: Int) async throws {
    let server = Self.server([
      ("old", "push", 500, 71.9), ("a", "push", 500, 40), ("healed", "push", 502, 30), ("star", "star", 500, 29),
      ("a", "push", 0, 20), ("healed", "push", 200, 10), ("fine", "issues", 200, 9), ("b", "issues", 401, 1),
    ])
    server.change { $0.pageLimit = pageLimit }
    let dry = try await Self.heal(server, isDry: true)
    #expect(server.state.asked.isEmpty && dry.asked == 0 && dry.failed == 2)
    let report = try await Self.heal(server)
    // Of an event's attempts, the newest is the one that GitHub keeps longest. The oldest is about to be forgotten.
    #expect(server.state.asked == [5, 8])
    #expect(report.asked == 2 && report.failed == 2 && report.unread == 1 && report.refused == 0 && report.waiting == 0)
    #expect(report.deliveries == 7)
    #expect(try await Self.heal(server).failed == 0, "what succeeded is not asked for again")
    #expect(server.state.asked.count == 2)
  }

  @Test("Goes on after an interruption, and asks for nothing twice that arrived")
  func resumes() async throws {
    let server = Self.server((0..<10).map { ("e\($0)", "push", 503, 10) })
    let failing = TransportFake { request in
      if request.method == "POST", server.state.asked.count == 4 { server.change { $0.refusal = 401 } }
      return server.answer(request)
    }
    let client = APIClient(transport: failing, clock: FakeClock(), sleep: { _ in })
    let service = GitHubHooks(
      .repository("acme/site"), GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client))
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    await #expect(throws: APIError.self) {
      try await HookHealing(try #require(service.history), clock: FakeClock()).run(Self.hook, memory: &memory, report: &report)
    }
    #expect(report.asked == 4)
    server.change { $0.refusal = nil }
    #expect(try await Self.heal(server).asked == 6)
    #expect(server.state.asked.sorted() == Array(1...10))
  }

  @Test("The vendor's clock decides what is too old, not this machine's", arguments: [-40.0, 40])
  func clock(days: Double) async throws {
    let server = Self.server([("a", "push", 500, 71), ("b", "push", 500, 1)])
    let clock = FakeClock(Self.start.advanced(bySeconds: days * 86_400))
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    try await HookHealing(try Self.history(server, clock: clock), clock: clock).run(Self.hook, memory: &memory, report: &report)
    #expect(report.asked == 2)
    #expect(report.clockDifference == -days * 86_400)
  }

  @Test("A delivery that GitHub has forgotten costs no other")
  func forgotten() async throws {
    let server = Self.server([("a", "push", 500, 30), ("b", "push", 500, 20)])
    let transport = TransportFake { request in
      request.url.hasSuffix("/1/attempts") ? .json(#"{"message":"Not Found"}"#, status: 404) : server.answer(request)
    }
    let client = APIClient(transport: transport, clock: FakeClock(), sleep: { _ in })
    let service = GitHubHooks(
      .repository("acme/site"), GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client))
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    try await HookHealing(try #require(service.history), clock: FakeClock()).run(Self.hook, memory: &memory, report: &report)
    #expect(report.asked == 1 && report.refused == 1 && report.refusal?.contains("404") == true)
    #expect(server.state.asked == [2])
  }

  @Test("A rate limit is waited for, and the run goes on")
  func limit() async throws {
    let server = Self.server([("a", "push", 500, 30), ("b", "push", 500, 20)])
    let waits = FakeClock()
    let transport = TransportFake { request in
      if request.method == "POST", waits.sleeps.isEmpty {
        return HTTPResponse(status: 403, headers: ["Retry-After": "7"], body: Array(#"{"message":"secondary rate limit"}"#.utf8))
      }
      return server.answer(request)
    }
    let client = APIClient(transport: transport, clock: waits, sleep: { waits.sleep($0) })
    let service = GitHubHooks(
      .repository("acme/site"), GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client))
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    try await HookHealing(try #require(service.history), clock: waits).run(Self.hook, memory: &memory, report: &report)
    #expect(report.asked == 2)
    #expect(waits.sleeps == [7])
  }

  @Test("With a memory, a run reads only what is new, and waits ever longer between attempts")
  func backsOff() async throws {
    let server = Self.server((0..<1000).map { ("fine\($0)", "push", 200, 70 - Double($0) / 100) } + [("a", "push", 500, 0.5)])
    server.change { $0.receiverStatus = 500 }
    let history = try Self.history(server)
    let healing = HookHealing(history, pause: .seconds(300), clock: FakeClock())
    var memory = HookHealing.Memory()
    var asked: [Int] = []
    var requests: [Int] = []
    // A run every five minutes for half a day.
    for minute in stride(from: 0, to: 720, by: 5) {
      server.change { state in
        state.now = Self.start.advanced(bySeconds: Double(minute) * 60)
        state.requests = []
      }
      var report = HookHealing.Report()
      try await healing.run(Self.hook, memory: &memory, report: &report)
      if report.asked > 0 { asked.append(minute) }
      requests.append(server.state.requests.count)
      #expect(report.failed == 1)
    }
    #expect(asked == [0, 10, 30, 70, 150, 310, 630])
    #expect(requests[0] == 12 && requests.dropFirst().allSatisfy { $0 <= 2 })
    server.change { state in
      state.receiverStatus = 200
      state.now = Self.start.advanced(bySeconds: 86_400 * 1.5)
    }
    var report = HookHealing.Report()
    try await healing.run(Self.hook, memory: &memory, report: &report)
    #expect(report.asked == 1)
    server.change { $0.now = Self.start.advanced(bySeconds: 86_400 * 1.5 + 300) }
    try await healing.run(Self.hook, memory: &memory, report: &report)
    #expect(report.failed == 0 && memory.count == 0)
  }

  @Test("More failures than fit in memory are left for later runs, which read the list anew")
  func memory() async throws {
    let history = LongHistory(count: HookHealing.memoryLimit + 30)
    var memory = HookHealing.Memory()
    for expected in [HookHealing.memoryLimit, 30] {
      var report = HookHealing.Report()
      try await HookHealing(history, clock: FakeClock()).run(Self.hook, memory: &memory, report: &report)
      #expect(report.asked == expected)
    }
    #expect(history.delivered.withLock(\.count) == history.count)
  }

  @Test("Any order of attempts within the list, in pages of any size: exactly the events without a success are asked for")
  func anyHistory() async throws {
    var random = SeededRandom(seed: 19)
    for _ in 0..<40 {
      let events = Int.random(in: 1...12, using: &random)
      var deliveries: [(String, String, Int, Double)] = []
      for place in 0..<Int.random(in: 1...40, using: &random) {
        let status = [200, 201, 0, 401, 500, 503].randomElement(using: &random) ?? 200
        deliveries.append(("e\(Int.random(in: 0..<events, using: &random))", "push", status, 60 - Double(place)))
      }
      let server = Self.server(deliveries)
      server.change { $0.pageLimit = Int.random(in: 1...10, using: &random) }
      let succeeded = Set(deliveries.filter { (200..<300).contains($0.2) }.map(\.0))
      let missing = Set(deliveries.map(\.0)).subtracting(succeeded)
      let report = try await Self.heal(server)
      #expect(report.failed == missing.count && report.asked == missing.count)
      let asked = server.state.asked.map { deliveries[$0 - 1].0 }
      #expect(Set(asked) == missing && asked.count == missing.count)
    }
  }
}

/// A history with only failed deliveries, which arrive when they are asked for.
private final class LongHistory: HookHistory {
  let count: Int
  let delivered = Mutex<Set<Int>>([])
  let reachSeconds = 1e6

  init(count: Int) { self.count = count }

  func page(of hook: Hook, after cursor: String?) async throws(APIError) -> HookDeliveryPage {
    let start = cursor.flatMap { Int($0) } ?? 0
    let end = min(count, start + 10_000)
    let deliveries = delivered.withLock { delivered in
      (start..<end).map { number in
        HookDelivery(
          id: "\(number)", event: "e\(number)", time: Timestamp(seconds: 1_796_000_000 - Int64(number)), type: "push",
          answer: HookAnswer(status: delivered.contains(number) ? 200 : 0))
      }
    }
    return HookDeliveryPage(deliveries, next: end < count ? "\(end)" : nil, serverTime: nil)
  }

  func redeliver(_ delivery: HookDelivery, of hook: Hook) async throws(APIError) -> HookAnswer? {
    _ = delivered.withLock { $0.insert(Int(delivery.id) ?? -1) }
    return nil
  }

  func isRead(_ delivery: HookDelivery) -> Bool { true }
}
