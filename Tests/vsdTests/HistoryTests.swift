import Foundation
import HistoryGenerator
import Testing
import ValueStreamCore

/// Whole histories through the HTTP intake.
@Suite("A generated history, sent to vsd")
struct HistoryTests {
  private static let until = "2026-11-24T18:00:00Z"
  private static let seeds: ClosedRange<UInt64> =
    ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 1...3 : 1...25

  private static func arguments(_ seed: UInt64, days: Int, scale: String = "0.4") -> [String] {
    ["generate", "history", "--seed=\(seed)", "--days=\(days)", "--scale=\(scale)", "--until=\(until)"]
  }

  @Test("is recorded whole, signed, and what it expects of issues and pull requests is there")
  func whole() throws {
    let vsd = try VSDProcess(["--store=memory", "--tracer=none"], environment: ["VS_GITHUB_SECRET": "one,two"])
    let arguments = Self.arguments(4, days: 10)
    let url = "http://127.0.0.1:\(vsd.ports[0])"
    let unsigned = try VSPerf.run(arguments + ["--send", url])
    #expect(unsigned.exit == .code(69))
    #expect(unsigned.errors.contains("answered 401"))

    let result = try VSPerf.run(arguments + ["--send", url], environment: ["VS_GITHUB_SECRET": "two"])
    #expect(result.exit == .code(0), "\(result.errors)")
    let expected = try Self.expectations(seed: 4, days: 10, scale: 0.4)
    let counts = try #require(try vsd.json("/api/v1/stats")["deliveries"])
    #expect((counts["recorded"]?.int ?? 0) + (counts["ignored"]?.int ?? 0) == expected.deliveryCount)
    #expect(counts["unreadable"] == 0)
    #expect(counts["duplicate"] == 0)
    #expect(result.errors.hasPrefix("sent \(expected.deliveryCount) deliveries, "), "\(result.errors)")

    let spans = try Self.spans(of: vsd)
    var byKey: [String: [JSON]] = [:]
    for span in spans { byKey[span["key"]?.text ?? "", default: []].append(span) }
    for issue in expected.issues {
      let attempts = byKey["github:github.com:\(issue.repositoryID):issue:\(issue.number)"] ?? []
      #expect(attempts.count == issue.attempts)
      let last = attempts.max { ($0["attempt"]?.int ?? 1) < ($1["attempt"]?.int ?? 1) }
      #expect((last?["end"]?.text == nil) == issue.isOpen)
      if let reason = issue.stateReason { #expect(last?["outcome"]?.text == reason) }
    }
    for change in expected.pullRequests {
      let spans = byKey["github:github.com:\(change.repositoryID):pull_request:\(change.number)"] ?? []
      let span = try #require(spans.first)
      #expect(spans.count == 1)
      #expect(span["outcome"]?.text == (change.isMerged ? "merged" : change.isOpen ? nil : "abandoned"))
      if change.tie == .branch {
        #expect(span["parentKey"]?.text == "github:github.com:\(change.repositoryID):issue:\(change.issueNumber ?? 0)")
      }
    }
  }

  @Test("in any order, with any duplicates, gives the same spans", arguments: seeds)
  func order(seed: UInt64) throws {
    let pages = try [[], ["--shuffle", "--duplicate=0.2"]].map { more in
      let vsd = try VSDProcess(["--store=memory", "--tracer=none"])
      let send = ["--send", "http://127.0.0.1:\(vsd.ports[0])"]
      let result = try VSPerf.run(Self.arguments(seed, days: 6) + more + send)
      #expect(result.exit == .code(0), "\(result.errors)")
      return try Self.spans(of: vsd)
    }
    #expect(!pages[0].isEmpty)
    #expect(pages[0].count == pages[1].count)
    for (inOrder, mixed) in zip(pages[0], pages[1]) { #expect(inOrder == mixed) }
  }

  private static func expectations(seed: UInt64, days: Int, scale: Double) throws -> HistoryExpectations {
    let generator = HistoryGenerator(
      HistoryConfiguration(seed: seed, days: days, scale: scale, until: try #require(Timestamp(rfc3339: until))),
      recordsThings: true)
    for _ in generator {}
    return generator.expectations
  }

  /// Every span, page after page, by key and attempt.
  private static func spans(of vsd: VSDProcess) throws -> [JSON] {
    var spans: [JSON] = []
    var cursor = ""
    while true {
      let page = try vsd.json("/api/v1/spans?limit=200\(cursor)")
      spans += page["spans"]?.list ?? []
      guard let next = page["next"]?.text else { break }
      cursor = "&cursor=\(next)"
    }
    func order(_ span: JSON) -> (String, Int) { (span["key"]?.text ?? "", span["attempt"]?.int ?? 1) }
    return spans.sorted { order($0) < order($1) }
  }
}
