import Foundation
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Sends whole generated histories to the HTTP intake.
@Suite("A generated history, sent to vsd")
struct HistoryTests {
  /// The end of the history, long ago, so that tests can tell times of receipt from event times.
  private static let until = "2025-06-17T18:00:00Z"
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

    #expect(!expected.issues.isEmpty && !expected.pullRequests.isEmpty && !expected.runs.isEmpty && !expected.deployments.isEmpty)
    let spans = try Self.spans(of: vsd)
    var byKey: [String: [JSON]] = [:]
    for span in spans { byKey[span["key"]?.text ?? "", default: []].append(span) }
    for issue in expected.issues {
      let attempts = byKey[Self.key(issue.repositoryID, "issue", issue.number)] ?? []
      #expect(attempts.count == issue.attempts)
      let last = attempts.max { ($0["attempt"]?.int ?? 1) < ($1["attempt"]?.int ?? 1) }
      #expect((last?["end"]?.text == nil) == issue.isOpen)
      if let reason = issue.stateReason { #expect(last?["outcome"]?.text == reason) }
    }
    for change in expected.pullRequests {
      let spans = byKey[Self.key(change.repositoryID, "pull_request", change.number)] ?? []
      let span = try #require(spans.first)
      #expect(spans.count == 1)
      #expect(span["outcome"]?.text == (change.isMerged ? "merged" : change.isOpen ? nil : "abandoned"))
      let issue = change.issueNumber.map { Self.key(change.repositoryID, "issue", $0) }
      #expect(span["parentKey"]?.text == issue, "\(change)")
    }
    let outcomes = ["success": "success", "failure": "failure", "cancelled": "cancellation"]
    for run in expected.runs {
      let attempts = byKey[Self.key(run.repositoryID, "run", run.id)] ?? []
      #expect(attempts.count == run.attempts, "\(run)")
      let last = attempts.max { ($0["attempt"]?.int ?? 1) < ($1["attempt"]?.int ?? 1) }
      #expect(last?["outcome"]?.text == run.conclusion.flatMap { outcomes[$0] }, "\(run)")
    }
    let changes = Dictionary(expected.pullRequests.compactMap { change in change.mergeSHA.map { ($0, change) } }) { first, _ in
      first
    }
    for deployment in expected.deployments {
      let key = Self.key(deployment.repositoryID, "deployment", deployment.id)
      #expect(byKey[key]?.first?["outcome"]?.text == deployment.outcome, "\(deployment)")
      // The deploy belongs, through its run, to the change that made its commit.
      let change = try #require(changes[deployment.sha])
      var ancestors: [String] = []
      var next = byKey[key]?.first?["parentKey"]?.text
      while let parent = next, ancestors.count < 10 {
        ancestors.append(parent)
        next = byKey[parent]?.first?["parentKey"]?.text
      }
      #expect(ancestors.contains(Self.key(change.repositoryID, "pull_request", change.number)), "\(key) is below \(ancestors)")
    }
  }

  private static func key(_ repository: Int64, _ kind: String, _ id: some CustomStringConvertible) -> String {
    "github:github.com:\(repository):\(kind):\(id)"
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
    for (inOrder, mixed) in zip(pages[0], pages[1]) where inOrder != mixed {
      for name in Set(inOrder.members.keys).union(mixed.members.keys).sorted() where mixed[name] != inOrder[name] {
        let values = [inOrder[name], mixed[name]].map { value in value.map { "\($0)" } ?? "none" }
        Issue.record("\(inOrder["key"]?.text ?? ""): \(name) is \(values[0]), mixed \(values[1])")
      }
    }
  }

  private static func expectations(seed: UInt64, days: Int, scale: Double) throws -> HistoryExpectations {
    let generator = HistoryGenerator(
      HistoryConfiguration(seed: seed, days: days, scale: scale, until: try #require(Timestamp(rfc3339: until))),
      recordsItems: true)
    for _ in generator {}
    return generator.expectations
  }

  /// All spans, sorted by key and attempt.
  static func spans(of vsd: VSDProcess) throws -> [JSON] {
    var spans: [JSON] = []
    var cursor = ""
    while true {
      let page = try vsd.json("/api/v1/spans?limit=200\(cursor)")
      spans += page["spans"]?.list ?? []
      guard let next = page["next"]?.text else { break }
      cursor = "&cursor=\(next)"
    }
    func order(_ span: JSON) -> (String, Int) { (span["key"]?.text ?? "", span["attempt"]?.int ?? 1) }
    return spans.map(withoutReceipts).sorted { order($0) < order($1) }
  }

  /// Replaces times of receipt. GitHub sends no time for some span events, so their times differ between runs.
  private static func withoutReceipts(_ span: JSON) -> JSON {
    var members = span.members
    let events = (span["events"]?.list ?? []).map { event in
      guard let time = event["time"]?.text, time > until else { return event }
      var members = event.members
      members["time"] = "received"
      return JSON.object(members)
    }
    func order(_ event: JSON) -> String {
      let attributes = event["attributes"]?.members.map { "\($0.key)=\($0.value)" }.sorted() ?? []
      return ([event["time"]?.text ?? "", event["name"]?.text ?? ""] + attributes).joined(separator: " ")
    }
    members["events"] = .list(events.sorted { order($0) < order($1) })
    return .object(members)
  }
}
