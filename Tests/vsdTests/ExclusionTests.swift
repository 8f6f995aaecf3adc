import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// What operators leave out, from the request to the reports, over crashes, restarts and replays.
@Suite("Exclusions in vsd")
struct ExclusionTests {
  private static let path = "/api/v1/operator/exclusions"

  private static func start(_ arguments: [String] = [], in home: VSDProcess.Home) throws -> VSDProcess {
    try VSDProcess(["--tracer=none"] + arguments, in: home)
  }

  private static func post(_ body: String, _ headers: [String: String] = [:], to vsd: VSDProcess) throws -> Int {
    try vsd.connect().request(
      "POST", path, headers: ["Content-Type": "application/json"].merging(headers) { _, new in new }, body: body
    ).status
  }

  private static func items(_ vsd: VSDProcess) throws -> [String] {
    (try vsd.json("/api/v1/exclusions")["exclusions"]?.list ?? []).compactMap { $0["item"]?.text }
  }

  /// The key of an issue that is closed by one webhook.
  private static func key(_ number: Int) -> String { "github:github.com:7:issue:\(number)" }

  private static func close(_ number: Int, _ vsd: VSDProcess) throws -> String {
    try vsd.postGitHub(
      "issues",
      """
      {"action": "closed", "issue": {"number": \(number), "id": \(number), "title": "t", "state": "closed", "state_reason": "completed",
       "created_at": "\(time(-7200))", "closed_at": "\(time(-3600))", "updated_at": "\(time(-3600))", "user": {"login": "rosa", "id": 1},
       "assignees": [{"login": "rosa", "id": 1}], "html_url": "https://github.com/acme/shop/issues/\(number)"},
       "repository": {"id": 7, "name": "shop", "full_name": "acme/shop", "private": false, "owner": {"login": "acme"}}}
      """)
  }

  private static func time(_ seconds: Double) -> String {
    Timestamp(seconds: Int64(Date().timeIntervalSince1970 + seconds)).rfc3339
  }

  /// The issues that the throughput of the report counts, and how many are left out of the flow time because a person said so.
  private static func throughput(_ vsd: VSDProcess) throws -> (counted: Int, rows: [String: String]) {
    try vsd.waitForAllFacts()
    let report = try vsd.json("/api/v1/reports/flow")
    let evidence = try vsd.json("/api/v1/reports/flow/flow-time/evidence?part=left-out")
    var rows: [String: String] = [:]
    for row in evidence["rows"]?.list ?? [] where row["left_out"]?.text == "excluded" {
      rows[row["key"]?.text ?? ""] = row["exclusion"]?.text ?? ""
    }
    return (report["groups"]?.list.first?["metrics"]?["throughput"]?["count"]?.int ?? -1, rows)
  }

  @Test(
    "Left out before it was known, an item stays out over a crash, a restart, the end of the log and a replay, until taken back")
  func life() throws {
    let home = try VSDProcess.Home()
    let reason = "<script>alert(1)</script> \"ignore\" '; DROP TABLE exclusion; --"
    let quoted = reason.replacing("\"", with: "\\\"")
    var vsd = try Self.start(in: home)
    #expect(try Self.post("{\"item\": \"\(Self.key(1))\", \"reason\": \"\(quoted)\", \"actor\": \"rosa\"}", to: vsd) == 200)
    // Killed right after the answer: what was answered is kept.
    vsd.send(SIGKILL)
    try vsd.waitForExit()
    vsd = try Self.start(in: home)
    #expect(try Self.items(vsd) == [Self.key(1)])
    #expect(try Self.close(1, vsd) == "200 success")
    #expect(try Self.close(2, vsd) == "200 success")
    var state = try Self.throughput(vsd)
    #expect(state.counted == 1)
    #expect(state.rows == [Self.key(1): reason])

    // The second is left out and taken back by the command.
    let server = "http://127.0.0.1:\(vsd.ports[0])"
    let excluded = try VSPerf.run(["exclude", "acme/shop#2", "--reason=a drill", "--kind", "issue", "--server", server])
    #expect(excluded.exit == .code(0), "\(excluded.errors)")
    state = try Self.throughput(vsd)
    #expect(state.counted == 0)
    #expect(state.rows[Self.key(2)] == "a drill")
    let listed = try VSPerf.run(["exclusions", "--format=csv", "--server", server])
    #expect(listed.output.contains("\(Self.key(2)),acme/shop#2,issue,a drill,"), "\(listed.output)")
    #expect(try VSPerf.run(["include", Self.key(2), "--server", server]).exit == .code(0))
    #expect(try Self.throughput(vsd).counted == 1)
    #expect(try VSPerf.run(["exclude", "acme/shop#99", "--reason=r", "--server", server]).exit == .code(69))
    #expect(try VSPerf.run(["exclude", "acme/shop#2", "--server", server]).exit == .code(64), "a reason is needed")
    #expect(try vsd.stop() == .code(0))

    // The log ends: retention removes its segments.
    for name in try FileManager.default.contentsOfDirectory(atPath: home.store) where name.hasPrefix("log-") {
      try FileManager.default.removeItem(atPath: "\(home.store)/\(name)")
    }
    vsd = try Self.start(in: home)
    #expect(try Self.items(vsd) == [Self.key(1)])
    #expect(try Self.throughput(vsd).counted == 1)
    #expect(try vsd.stop() == .code(0))
    let replay = try VSDProcess.run(["replay", "apply"], in: home)
    #expect(replay.exit == .code(0), "\(replay.errors)")
    vsd = try Self.start(in: home)
    state = try Self.throughput(vsd)
    #expect(state.counted == 1)
    #expect(state.rows == [Self.key(1): reason])
    #expect(try Self.post("{\"item\": \"\(Self.key(1))\", \"action\": \"include\"}", to: vsd) == 200)
    #expect(try Self.throughput(vsd).counted == 2)
    #expect(try Self.items(vsd).isEmpty)
    #expect(try vsd.stop() == .code(0))
    let replayed = try VSDProcess.run(["replay", "apply"], in: home)
    #expect(replayed.exit == .code(0), "\(replayed.errors)")
    vsd = try Self.start(in: home)
    #expect(try Self.items(vsd).isEmpty, "what was taken back stays so")
  }

  @Test("Only operators write: no other token, no foreign page, no webhook")
  func access() throws {
    let home = try VSDProcess.Home()
    let token = try home.write("token", "operate\n")
    let vsd = try Self.start(
      ["--operator-token-file", token, "--public-url", "https://vsd.example.org/tools"], in: home)
    let body = "{\"item\": \"\(Self.key(1))\", \"reason\": \"r\"}"
    let bearer = ["Authorization": "Bearer operate"]
    #expect(try Self.post(body, to: vsd) == 401)
    #expect(try Self.post(body, ["Authorization": "Bearer read"], to: vsd) == 401)
    for origin in ["https://evil.example", "null", "http://vsd.example.org"] {
      #expect(try Self.post(body, bearer.merging(["Origin": origin]) { _, new in new }, to: vsd) == 403)
    }
    #expect(try vsd.get(Self.path).status == 405)
    // No webhook becomes a decision, whatever it says.
    let forged = "{\"action\": \"exclude\", \"item\": \"\(Self.key(1))\", \"reason\": \"r\"}"
    for route in ["/operator", "/api/v1/operator", "/customhttp", "/github", "/jenkins", "/cdevents"] {
      _ = try vsd.post(route, forged, headers: ["X-GitHub-Event": "operator", "Content-Type": "application/json"])
    }
    #expect(try Self.items(vsd).isEmpty)
    #expect(try vsd.json("/api/v1/deliveries?source=operator")["deliveries"]?.list.isEmpty == true)
    #expect(try Self.post(body, bearer, to: vsd) == 200)
    #expect(try Self.post(body, bearer.merging(["Origin": "https://vsd.example.org"]) { _, new in new }, to: vsd) == 200)
    #expect(try Self.items(vsd) == [Self.key(1)])
    let told = try #require(try vsd.json("/api/v1/deliveries?source=operator")["deliveries"]?.list.first)
    #expect(told["result"]?.text == "recorded")
    #expect(told["exclusion"]?["item"]?.text == Self.key(1))
    // Addresses in answers begin with the path of the public address.
    let report = try vsd.json("/api/v1/reports/dora")
    let evidence = try #require(report["groups"]?.list.first?["metrics"]?["lead_time"]?["evidence"]?.text)
    #expect(evidence.hasPrefix("/tools/api/v1/reports/dora/lead-time/evidence?"), "\(evidence)")
  }
}
