import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Nothing acknowledged is lost beside hostile senders")
struct HostileDurabilityTests {
  private static let secret = "a secret of this test"

  private static var rounds: Int {
    ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 3 : 100
  }

  private struct State {
    var nextNumber = 1
    var acknowledged: Set<Int> = []
    var lastRound = -1
  }

  @Test("killed with -9 again and again, it has every delivery it answered, and sets none of them aside")
  func killed() throws {
    var random = SeededRandom(seed: 14)
    let home = try VSDProcess.Home()
    let state = Mutex(State())
    for round in 0..<Self.rounds {
      let vsd = try Self.start(in: home)
      let life = UInt32.random(in: 10_000...200_000, using: &random)
      let seeds = (0..<4).map { _ in random.next() }
      try inParallel(7) { worker in
        switch worker {
        case 0:
          waitUntil { state.withLock(\.lastRound) >= round || vsd.hasEnded }
          usleep(life)
          vsd.send(SIGKILL)
        case 1, 2: Self.sendSigned(vsd, state, round: round)
        case 3: Self.sendUnsigned(vsd, seed: seeds[0])
        case 4: Self.holdConnections(vsd)
        default: Self.sendExtremes(vsd, round: round, seed: seeds[worker - 4])
        }
      }
      // The test must end vsd; hostile input must not.
      #expect(try vsd.waitForExit() == .signal(SIGKILL), "\(vsd.printed.suffix(2000))")
    }
    let acknowledged = state.withLock(\.acknowledged)
    #expect(!acknowledged.isEmpty)
    let vsd = try Self.start(in: home)
    try vsd.wait(for: "the spans of what was acknowledged") {
      try acknowledged.isSubset(of: Self.issues(vsd)) ? true : nil
    }
    // vsd must not mistake these kills for crashes by a delivery and set the delivery aside.
    #expect(try Self.unreadable(vsd).isEmpty)
    #expect(try vsd.stop() == .code(0))
  }

  private static func start(in home: VSDProcess.Home) throws -> VSDProcess {
    // The logging tracer prints every finished span, so a time that it cannot format would crash vsd.
    try VSDProcess(["--tracer=logging", "--settle=0s"], environment: ["VS_GITHUB_SECRET": secret], in: home)
  }

  // MARK: Senders

  private static func sendSigned(_ vsd: VSDProcess, _ state: borrowing Mutex<State>, round: Int) {
    guard let connection = try? vsd.connect() else { return }
    while true {
      let number = state.withLock { state in
        defer { state.nextNumber += 1 }
        return state.nextNumber
      }
      let body = Payloads.issue("opened", number: number)
      let headers = [
        "X-GitHub-Event": "issues", "X-GitHub-Delivery": "honest-\(number)",
        "X-Hub-Signature-256": gitHubSignature(of: body, secret: secret),
      ]
      guard let response = try? connection.request("POST", "/github", headers: headers, body: body) else { return }
      // vsd may answer that it is busy, but it must not reject a valid delivery in another way.
      guard response.status != 503 else { continue }
      #expect(response.status == 200, "\(response.body)")
      state.withLock { state in
        state.acknowledged.insert(number)
        state.lastRound = round
      }
    }
  }

  /// Sends large bodies, wrong signatures and bodies that are not JSON.
  private static func sendUnsigned(_ vsd: VSDProcess, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<200 {
      guard let connection = try? vsd.connect() else { return }
      let size = [0, 1, 1000, 200_000, 2_000_000].randomElement(using: &random) ?? 0
      let headers = [
        "X-GitHub-Event": "issues", "X-GitHub-Delivery": "unsigned",
        "X-Hub-Signature-256": "sha256=" + String(repeating: "0", count: 64),
      ]
      let body = "{" + String(repeating: " ", count: size)
      if let response = try? connection.request("POST", "/github", headers: headers, body: body) {
        #expect(response.status != 200)
      } else if vsd.hasEnded {
        return
      }
    }
  }

  /// Opens connections that send nothing or half a request.
  private static func holdConnections(_ vsd: VSDProcess) {
    let held = (0..<40).compactMap { _ in try? vsd.connect() }
    for (index, connection) in held.enumerated() where index.isMultiple(of: 2) {
      try? connection.send("POST /github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{")
    }
    waitUntil { vsd.hasEnded }
  }

  /// Sends valid events with extreme sizes, times and counts. Their number is limited, because vsd must project all of them.
  private static func sendExtremes(_ vsd: VSDProcess, round: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let times = [
      #""1970-01-01T00:00:00Z""#, #""1678-01-01T00:00:00Z""#, #""2261-12-31T23:59:59Z""#, #""9999-12-31T23:59:59Z""#, "0",
      "1e300",
    ]
    for number in 0..<20 {
      guard let connection = try? vsd.connect() else { return }
      let (start, end) = (times.randomElement(using: &random) ?? "0", times.randomElement(using: &random) ?? "0")
      let references = (0..<50).map { #""vstrace-a-\#($0)-\#(round % 5)-b-c-d-e-f""# }.joined(separator: ",")
      let bodies = [
        ("/customhttp", #"{"id":"x\#(number)","type":"deploy","namespace":"n","startedAt":\#(start),"endedAt":\#(end)}"#),
        (
          "/customhttp",
          #"{"id":"one","type":"deploy","namespace":"n","action":"annotate","time":\#(1_790_000_000 + round * 100 + number),"#
            + #""attributes":{"a\#(number)":"\#(String(repeating: "x", count: 16_000))"},"references":[\#(references)]}"#
        ),
        (
          "/jenkins",
          #"{"number":\#(number),"jobName":"a","ciUrl":"https://ci.example.org/","result":"SUCCESS","startTime":\#(start),"#
            + #""endTime":\#(end),"duration":1e300,"queueTime":1e300}"#
        ),
        ("/customhttp", "[" + String(repeating: "1,", count: 50_000) + "1]"),
      ]
      guard let (path, body) = bodies.randomElement(using: &random) else { return }
      if (try? connection.request("POST", path, body: body)) == nil, vsd.hasEnded { return }
    }
  }

  // MARK: Checks

  private static func issues(_ vsd: VSDProcess) throws -> Set<Int> {
    var numbers: Set<Int> = []
    var path = "/api/v1/spans?source=github&limit=1000"
    while true {
      let page = try vsd.json(path)
      numbers.formUnion((page["spans"]?.list ?? []).compactMap { $0["attributes"]?["valuestream.issue.number"]?.int })
      guard let next = page["next"]?.text else { return numbers }
      path = "/api/v1/spans?source=github&limit=1000&cursor=\(next)"
    }
  }

  private static func unreadable(_ vsd: VSDProcess) throws -> [JSON] {
    var found: [JSON] = []
    var path = "/api/v1/deliveries?source=github&result=unreadable&limit=100"
    while true {
      let page = try vsd.json(path)
      found += page["deliveries"]?.list ?? []
      guard let next = page["next"]?.text else { return found }
      path = "/api/v1/deliveries?source=github&result=unreadable&limit=100&cursor=\(next)"
    }
  }
}
