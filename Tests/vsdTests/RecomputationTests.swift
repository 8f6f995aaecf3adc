import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Compares the delivery metrics with those that a separate program computes from the same webhooks.
@Suite("Delivery metrics, recomputed by another program")
struct RecomputationTests {
  private static let isLong = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil
  private static let seeds: ClosedRange<Int> = isLong ? 1...12 : 1...2
  private static let days = isLong ? 365 : 45
  private static let from = "2025-01-20T00:00:00Z"
  private static let to = isLong ? "2025-12-29T00:00:00Z" : "2025-02-17T00:00:00Z"
  /// The services of the repository that has two.
  private static let services = ["cart", "till"]

  @Test("equal those of webhooks in any order", arguments: seeds)
  func equal(seed: Int) throws {
    let home = try VSDProcess.Home()
    let history = try Self.run("history.py", ["\(seed)", "\(Self.days)"])
    let file = try home.write("deliveries.jsonl", history)
    let prefixes = Self.services.map { "\($0)=\($0)-" }
    let expected = try JSON(parsing: try Self.run("recompute.py", [file, Self.from, Self.to] + prefixes))

    let vsd = try VSDProcess(
      [
        "--store=memory", "--tracer=none", "--service-deploys", Self.services.map { "\($0)=\($0)-*" }.joined(separator: ","),
        "--service-paths", Self.services.map { "\($0)=services/\($0)/*" }.joined(separator: ","),
      ], in: home)
    var random = SeededRandom(seed: UInt64(seed))
    let lines = history.split(separator: "\n").shuffled(using: &random)
    let connection = try vsd.connect()
    for line in lines {
      let delivery = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let body = try JSONSerialization.data(withJSONObject: try #require(delivery["body"]))
      let headers = [
        "X-GitHub-Event": delivery["event"] as? String ?? "", "X-GitHub-Delivery": delivery["id"] as? String ?? "",
      ]
      let response = try connection.request("POST", "/github", headers: headers, body: String(decoding: body, as: UTF8.self))
      try #require(response.status == 200, "\(response.body)")
    }

    let window = "from=\(Self.from)&to=\(Self.to)"
    try vsd.waitForAllFacts()
    let report = try vsd.json("/api/v1/reports/dora?\(window)")
    let metrics = try #require(report["groups"]?.list.first?["metrics"])
    func same(_ metric: String, _ members: [String]) {
      for member in members {
        let (actual, wanted) = (metrics[metric]?[member], expected[metric]?[member])
        #expect(actual == wanted, "\(metric).\(member) of seed \(seed)")
      }
    }
    same("lead_time", ["n", "median_seconds"])
    same("deployment_frequency", ["deploys"])
    same("change_fail_rate", ["failed", "total"])
    same("failed_deployment_recovery_time", ["n", "open", "median_seconds"])
    same("rework_rate", ["rework", "total"])
    for (rule, count) in expected["change_fail_rate"]?["rules"]?.members ?? [:] {
      let rules = metrics["change_fail_rate"]?["rules"]?.list ?? []
      #expect(rules.first { $0["rule"]?.text == rule }?["count"] == count, "rule \(rule) of seed \(seed)")
    }
    #expect((expected["lead_time"]?["n"]?.int ?? 0) > 50)
    try checkChanges(vsd, window, try #require(expected["lead_time"]?["changes"]).members)
  }

  /// Compares the lead time of each change.
  private func checkChanges(_ vsd: VSDProcess, _ window: String, _ expected: [String: JSON]) throws {
    var found: [Double] = []
    var cursor = ""
    while true {
      let page = try vsd.json("/api/v1/reports/dora/lead-time/evidence?\(window)\(cursor)")
      for row in page["rows"]?.list ?? [] where row["left_out"] == .null {
        if case .number(let seconds) = row["value"] { found.append(seconds) }
      }
      guard let next = page["next"]?.text else { break }
      cursor = "&cursor=\(next)"
    }
    let wanted = expected.values.compactMap { if case .number(let seconds) = $0 { seconds } else { nil } }
    #expect(found.sorted() == wanted.sorted())
  }

  private static func run(_ script: String, _ arguments: [String]) throws -> String {
    let path = PythonEnvironment.root.appendingPathComponent("Tests/Recomputation/\(script)").path
    let child = try ChildProcess("/usr/bin/env", ["python3", path] + arguments, environment: ["PATH": "/usr/bin:/bin"])
    let exit = try child.waitForExit()
    try #require(exit == .code(0), "\(child.errors)")
    return child.output
  }
}
