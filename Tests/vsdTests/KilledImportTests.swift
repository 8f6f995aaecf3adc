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

/// An import into a vsd during which both are killed again and again.
@Suite("A killed import")
struct KilledImportTests {
  private static let isLong = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil
  /// The jobs of the server, the builds of each, and the number of answers that vsperf gets before a kill. Fewer than four answers
  /// may be too few to get on: the list of jobs, a page, the page read ahead, and the one whose request shows that the first is saved.
  private static let (jobs, builds, answersBeforeKill) = isLong ? (10, 5000, 20) : (5, 150, 4)
  /// The kills that are certain: a run saves fewer pages than it gets answers.
  private static let leastKills = isLong ? 20 : 3
  private static let environment = ["VS_IMPORT_SECRET": "import me"]
  private static let last = 1_795_000_000_000

  private static func ended(_ number: Int) -> Int { last - (builds - number) * 60_000 }

  /// Answers as Jenkins does: the newest builds first.
  private static func answer(_ target: String) -> HTTPResponse {
    if target.hasPrefix("/api/json") {
      return .json("{\"jobs\":[\((0..<jobs).map { "{\"fullName\":\"build-\($0)\"}" }.joined(separator: ","))]}")
    }
    let parts = (target.removingPercentEncoding ?? "").split(separator: "{")
    let range = parts.last?.dropLast().split(separator: ",").compactMap { Int($0) } ?? []
    guard range.count == 2 else { return .json("{}", status: 400) }
    let numbers = stride(from: max(0, builds - range[0]), to: max(0, builds - range[1]), by: -1)
    let listed = numbers.map { number in
      #"{"number":\#(number),"timestamp":\#(ended(number) - 30_000),"duration":30000,"building":false,"#
        + #""result":"\#(number.isMultiple(of: 7) ? "FAILURE" : "SUCCESS")"}"#
    }
    return .json("{\"allBuilds\":[\(listed.joined(separator: ","))]}")
  }

  /// The process to kill next.
  private final class Running: Sendable {
    private let state = Mutex((vsperf: ChildProcess?.none, vsd: VSDProcess?.none, answers: 0, kills: 0))

    var kills: Int { state.withLock(\.kills) }
    func set(_ vsperf: ChildProcess) { state.withLock { ($0.vsperf, $0.answers) = (vsperf, 0) } }
    func set(_ vsd: VSDProcess) { state.withLock { $0.vsd = vsd } }

    /// Kills vsperf and vsd by turns.
    func noteAnswer() {
      state.withLock { state in
        state.answers += 1
        guard state.answers == KilledImportTests.answersBeforeKill else { return }
        state.kills += 1
        if state.kills.isMultiple(of: 2) { state.vsd?.send(SIGKILL) } else { state.vsperf?.send(SIGKILL) }
      }
    }
  }

  @Test("goes on where it was, and each build is there once")
  func killed() throws {
    let home = try VSDProcess.Home()
    let running = Running()
    let jenkins = try VendorServer { request in
      running.noteAnswer()
      return Self.answer(request.target)
    }
    func start(_ address: String) throws -> VSDProcess {
      let vsd = try VSDProcess(["--tracer=none", "--addr", address], environment: Self.environment, in: home)
      running.set(vsd)
      return vsd
    }
    var vsd = try start("127.0.0.1:0")
    let address = "127.0.0.1:\(vsd.ports[0])"
    var isDone = false
    for _ in 0..<1000 where !isDone {
      let vsperf = try VSPerf.start(
        [
          "import", "jenkins", "--url", jenkins.url, "--server", "http://\(address)", "--kinds=builds", "--resume",
          "--state", "\(home.path)/import.resume", "--concurrency=\(Self.isLong ? 4 : 1)",
        ], environment: Self.environment)
      running.set(vsperf)
      let exit = try vsperf.waitForExit()
      isDone = exit == .code(0)
      #expect(isDone || exit == .signal(SIGKILL) || exit == .code(69), "\(vsperf.errors)")
      if vsd.hasEnded || exit == .code(69) {
        #expect(try vsd.waitForExit() == .signal(SIGKILL))
        vsd = try start(address)
      }
    }
    #expect(isDone)
    #expect(running.kills >= Self.leastKills)
    if vsd.hasEnded { vsd = try start(address) }
    try Self.check(vsd)
  }

  private static func check(_ vsd: VSDProcess) throws {
    var found: Set<String> = []
    var count = 0
    var cursor = ""
    while true {
      let page = try vsd.json("/api/v1/spans?limit=1000\(cursor)")
      for span in page["spans"]?.list ?? [] {
        count += 1
        found.insert("\(span["key"]?.text ?? "") \(span["end"]?.text ?? "") \(span["outcome"]?.text ?? "")")
      }
      guard let next = page["next"]?.text else { break }
      cursor = "&cursor=\(next)"
    }
    #expect(count == jobs * builds)
    var expected: Set<String> = []
    for job in 0..<jobs {
      for number in 1...builds {
        let time = Timestamp(nanoseconds: Int64(ended(number)) * 1_000_000).rfc3339
        let outcome = number.isMultiple(of: 7) ? "failure" : "success"
        expected.insert("jenkins:127.0.0.1:build-\(job):build:\(number) \(time) \(outcome)")
      }
    }
    #expect(found.subtracting(expected).sorted().prefix(3) == [] && expected.subtracting(found).sorted().prefix(3) == [])
  }
}
