import APIClient
import GitHubAPI
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubHooks
@testable import Hooks

struct HookHealerTests {
  private static let address = "https://vs.example.org/github"

  private struct Bench {
    let server: GitHubHookServer
    let healer: HookHealer
    let registry = MetricRegistry()
    let clock = FakeClock()
    let lines = Lines()

    init(_ server: GitHubHookServer) throws {
      self.server = server
      let lines = lines
      let client = APIClient(
        transport: TransportFake { server.answer($0) }, clock: clock, sleep: { _ in })
      let requests = GitHubHookRequests(.gitHub, token: try #require(Secret("hidden")), client: client)
      healer = HookHealer(
        interval: .seconds(300), registry: registry, clock: clock, logger: Logger(clock: clock) { lines.add($0) },
        targets: {
          [GitHubHooks(.organization("acme"), requests), GitHubHooks(.repository("acme/site"), requests)]
            .map { HealTarget($0, address: address) }
        })
    }

    func value(_ name: String, _ labels: [String] = []) -> Double? {
      registry.all.first { $0.name == "valuestream_heal_\(name)" }?.value(labels: labels)
    }
  }

  private final class Lines: Sendable {
    private let texts = Mutex<[String]>([])

    var all: [String] { texts.withLock { $0 } }

    func add(_ bytes: [UInt8]) { texts.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } }
  }

  private static func server() -> GitHubHookServer {
    GitHubHookServer { state in
      state.hooks = [.init(id: 1, url: Self.address, events: ["push"])]
      state.deliveries = (1...3).map {
        .init(id: $0, guid: "g\($0)", event: "push", time: state.now.advanced(bySeconds: -3600), status: $0 == 2 ? 200 : 500)
      }
    }
  }

  @Test("Lost deliveries are asked for, counted and logged")
  func heals() async throws {
    let bench = try Bench(Self.server())
    #expect(bench.value("runs_total", ["failure"]) == 0 && bench.value("lost_deliveries") == 0)
    await bench.healer.round()
    // Both places see the same deliveries here: the repository has them back by then.
    #expect(bench.server.state.asked == [1, 3])
    #expect(bench.value("redeliveries_total", ["asked"]) == 2 && bench.value("runs_total", ["success"]) == 2)
    #expect(bench.value("lost_deliveries") == 2, "what was asked for is lost until the list shows that it arrived")
    #expect(bench.lines.all.count == 1 && bench.lines.all[0].contains(#""asked":2,"refused":0,"lost":2"#))
    await bench.healer.round()
    #expect(bench.value("lost_deliveries") == 0 && bench.server.state.asked.count == 2)
  }

  @Test("After errors it asks ever less often, says it once, and goes on when it can", arguments: [401, 403, 404, 422])
  func backsOff(status: Int) async throws {
    let bench = try Bench(Self.server())
    bench.server.change { $0.refusal = status }
    var requests: [Int] = []
    for _ in 0..<24 {
      await bench.healer.round()
      requests.append(bench.server.state.requests.count)
      bench.clock.sleep(.seconds(300))
    }
    // Both places are asked at 0, 10, 30 and 70 minutes, then once an hour: at 130 and so on.
    let rounds = requests.indices.filter { requests[$0] > ($0 == 0 ? 0 : requests[$0 - 1]) }
    #expect(rounds == [0, 2, 6, 14])
    #expect(bench.value("runs_total", ["failure"]) == 8)
    #expect(bench.lines.all.allSatisfy { $0.contains("cannot ask again") && !$0.contains("hidden") })
    bench.server.change { $0.refusal = nil }
    bench.clock.sleep(.seconds(3600))
    await bench.healer.round()
    #expect(bench.server.state.asked == [1, 3])
    #expect(bench.lines.all.contains { $0.contains("asks again for lost deliveries of the organization acme") })
  }

  @Test("Without a webhook to this vsd, it says so")
  func noHook() async throws {
    let bench = try Bench(GitHubHookServer { $0.hooks = [.init(id: 1, url: "https://other.example/github", events: ["push"])] })
    await bench.healer.round()
    #expect(bench.lines.all.count == 2 && bench.lines.all[0].contains("there is no webhook to \(Self.address)"))
    #expect(bench.value("runs_total", ["failure"]) == 2)
  }
}
