import Testing
import ValueStreamTesting

@Suite("/metrics as existing dashboards know it")
struct MetricsContractTests {
  /// Sends two deploys, one of them failed, two pull requests, and two issues, one of them still open.
  private static func deliver(to vsd: VSDProcess) throws {
    for (id, isError) in [("d1", false), ("d2", true)] {
      try vsd.postCustom(Payloads.custom("start", id))
      try vsd.postCustom(Payloads.custom("end", id, more: #""error": \#(isError)"#))
    }
    for number in [11, 12] {
      try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: number, number: number, branch: "b"))
      let closed = Payloads.pullRequest("closed", id: number, number: number, branch: "b", closed: "2024-03-05T10:30:00Z")
      try vsd.postGitHub("pull_request", closed)
    }
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 1))
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T12:00:00Z"))
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 2))
  }

  private static let families = """
    webhooks_event_start_total counter
    webhooks_event_end_total counter
    webhooks_event_duration histogram
    """

  @Test("names, types, labels and the texts of the buckets")
  func text() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try Self.deliver(to: vsd)
    let response = try vsd.get("/metrics")
    #expect(response.status == 200)
    #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    for family in Self.families.split(separator: "\n") { #expect(response.body.contains("# TYPE \(family)\n")) }
    let metrics = try MetricsText(response.body)
    #expect(
      metrics.starting(with: "webhooks_event_start_total") == [
        #"webhooks_event_start_total{event_source="custom_http",event_type="deploy"}"#: 2,
        #"webhooks_event_start_total{event_source="github",event_type="issue"}"#: 2,
        #"webhooks_event_start_total{event_source="github",event_type="pull_request"}"#: 2,
      ])
    #expect(
      metrics.starting(with: "webhooks_event_end_total").filter { $0.value > 0 } == [
        #"webhooks_event_end_total{event_source="custom_http",event_type="deploy",error="false"}"#: 1,
        #"webhooks_event_end_total{event_source="custom_http",event_type="deploy",error="true"}"#: 1,
        #"webhooks_event_end_total{event_source="github",event_type="issue",error="false"}"#: 1,
        #"webhooks_event_end_total{event_source="github",event_type="pull_request",error="false"}"#: 2,
      ])
    let labels = #"event_source="github",event_type="issue",error="false""#
    let bounds = [
      "1.8e+06", "3.6e+06", "1.08e+07", "2.16e+07", "4.32e+07", "8.64e+07", "2.592e+08", "6.048e+08", "1.21e+09", "1.814e+09",
      "2.628e+09", "+Inf",
    ]
    // The duration is three hours.
    let lines = bounds.enumerated().map { #"webhooks_event_duration_bucket{\#(labels),le="\#($1)"} \#($0 < 2 ? 0 : 1)"# }
    let histogram =
      lines + ["webhooks_event_duration_sum{\(labels)} 1.08e+07", "webhooks_event_duration_count{\(labels)} 1"]
    #expect(response.body.contains(histogram.joined(separator: "\n")), "\(response.body)")
  }

  @Test("OpenMetrics for those who ask for it, with the same values")
  func openMetrics() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try Self.deliver(to: vsd)
    let response = try vsd.get("/metrics", headers: ["Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"])
    #expect(response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    #expect(response.body.hasSuffix("# EOF\n"))
    #expect(response.body.contains("# TYPE webhooks_event_start counter\n"))
    #expect(
      try MetricsText(response.body).starting(with: "webhooks_event_")
        == MetricsText(vsd.get("/metrics").body).starting(with: "webhooks_event_"))
  }

  @Test("durations come from the source's own times, else from the receipt; unknown starts have none")
  func durations() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    // Ends without a start: GitHub sends both times, a script does not.
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T09:00:01.5Z"))
    try vsd.postCustom(Payloads.custom("end", "d1"))
    let metrics = try MetricsText(vsd.get("/metrics").body)
    #expect(metrics.value(#"webhooks_event_duration_sum{event_source="github",event_type="issue",error="false"}"#) == 1500)
    #expect(metrics.value(#"webhooks_event_end_total{event_source="custom_http",event_type="deploy",error="false"}"#) == 1)
    #expect(
      metrics.value(#"webhooks_event_duration_count{event_source="custom_http",event_type="deploy",error="false"}"#) ?? 0 == 0)
  }

  @Test("what was refused or ignored is not counted as started or ended")
  func refused() throws {
    let vsd = try VSDProcess(["--tracer=mock"], environment: ["VS_GITHUB_SECRET": "right"])
    let body = Payloads.issue("opened", number: 1)
    #expect(try vsd.postGitHub("issues", body).hasPrefix("401"))
    let signed = ["X-Hub-Signature-256": gitHubSignature(of: "{}", secret: "right")]
    #expect(try vsd.post("/github", "{}", headers: signed.merging(["X-GitHub-Event": "issues"]) { $1 }).hasPrefix("422"))
    #expect(try vsd.post("/github", "{}", headers: signed.merging(["X-GitHub-Event": "ping"]) { $1 }) == "200 ignored")
    let metrics = try MetricsText(vsd.get("/metrics").body)
    #expect(metrics.starting(with: "webhooks_event_").isEmpty)
    for (result, count) in [("unauthenticated", 1.0), ("unreadable", 1), ("ignored", 1)] {
      #expect(metrics.value(#"valuestream_deliveries_total{source="github",result="\#(result)"}"#) == count)
    }
  }

  @Test("counters go on after a restart, also those of deliveries that changed nothing")
  func restart() throws {
    let environment = ["VS_GITHUB_SECRET": "right"]
    let first = try VSDProcess(["--tracer=none"], environment: environment)
    let body = Payloads.issue("closed", number: 1, closed: "2024-03-04T12:00:00Z")
    let headers = [
      "X-GitHub-Event": "issues", "X-GitHub-Delivery": "a", "X-Hub-Signature-256": gitHubSignature(of: body, secret: "right"),
    ]
    #expect(try first.post("/github", body, headers: headers) == "200 success")
    _ = try first.json("/api/v1/stats")
    #expect(try first.post("/github", body, headers: headers) == "200 duplicate")
    #expect(try first.postGitHub("issues", body).hasPrefix("401"))
    for type in [#"a \"quoted\" \\\\ word"#, #"tab\tline\nend"#, "%09", "ü"] {
      try first.postCustom(Payloads.custom("start", "d1", type: type))
    }
    let before = try MetricsText(first.get("/metrics").body)
    try first.stop()
    let second = try VSDProcess(["--tracer=none"], environment: environment, in: first.home)
    let after = try MetricsText(second.get("/metrics").body)
    for family in ["webhooks_event_", "valuestream_operation_", "valuestream_deliveries_total"] {
      #expect(before.durable.keys.contains { $0.hasPrefix(family) })
    }
    #expect(after.durable == before.durable)
    // vsd recognizes the duplicate after the restart, too.
    #expect(try second.post("/github", body, headers: headers) == "200 duplicate")
  }

  @Test("a reset of the mock tracer does not turn counters back")
  func mockReset() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try Self.deliver(to: vsd)
    let before = try MetricsText(vsd.get("/metrics").body).starting(with: "webhooks_event_")
    _ = try vsd.get("/mocktracer/reset")
    #expect(try MetricsText(vsd.get("/metrics").body).starting(with: "webhooks_event_") == before)
    let active = try MetricsText(vsd.get("/metrics").body).starting(with: "valuestream_operations_active{")
    #expect(active.values.allSatisfy { $0 == 0 }, "\(active)")
  }

  @Test("beyond --metric-size, new label values are shown as other, also after a restart, with a warning and a count")
  func size() throws {
    let flags = ["--tracer=none", "--settle=0s", "--metric-size=20KiB"]
    let first = try VSDProcess(flags)
    for number in 1...20 {
      let payload = Payloads.issue(
        "closed", number: number, repository: "site-\(number)", repositoryID: number, closed: "2024-03-04T12:00:00Z")
      try first.postGitHub("issues", payload)
    }
    _ = try first.json("/api/v1/stats")
    let name = "valuestream_operations_finished_total"
    func finished(_ text: MetricsText) -> [String: Double] { text.starting(with: name).filter { $0.value > 0 } }
    let before = try MetricsText(first.get("/metrics").body)
    #expect(before.text.utf8.count < 60_000)
    #expect(finished(before).values.reduce(0, +) == 20)
    #expect(finished(before).count < 20)
    let folded = try #require(finished(before).first { $0.key.contains(#"project="other""#) })
    #expect(folded.value > 1)
    #expect(before.value(#"valuestream_metric_folded_total{metric="\#(name)"}"#) ?? 0 > 0)
    let line = try first.waitForLine("the warning") { line in
      line["msg"]?.text?.contains("--metric-size") == true && line["level"] == "warn"
    }
    #expect(line["msg"]?.text?.contains("valuestream_") == true)
    try first.stop()
    let second = try VSDProcess(flags, in: first.home)
    let after = try MetricsText(second.get("/metrics").body)
    #expect(finished(after) == finished(before))
    try second.stop()
    // The store has all of them.
    let third = try VSDProcess(["--tracer=none", "--settle=0s"], in: first.home)
    #expect(finished(try MetricsText(third.get("/metrics").body)).count == 20)
  }

  @Test("what exceeds a limit is counted: cut events and updates of branches, dropped facts, names that too many have")
  func limits() throws {
    let vsd = try VSDProcess(["--store=memory", "--tracer=none"])
    func exceeded() throws -> [String: Double] {
      _ = try vsd.json("/api/v1/stats")
      let metrics = try MetricsText(vsd.get("/metrics").body)
      var counts: [String: Double] = [:]
      for limit in ["event", "facts", "name", "branch_update"] {
        for source in ["github", "customhttp"] {
          let sample = #"valuestream_limits_exceeded_total{source="\#(source)",limit="\#(limit)"}"#
          counts["\(source) \(limit)", default: 0] += try #require(metrics.value(sample), "it does not begin at 0")
        }
      }
      return counts
    }
    #expect(try exceeded().values.allSatisfy { $0 == 0 })

    // One event is larger than an event may be.
    func wait(for limit: String) throws -> [String: Double] {
      try vsd.wait(for: "the limit \(limit)") {
        let counts = try exceeded()
        return counts[limit] ?? 0 > 0 ? counts : nil
      }
    }
    let text = String(repeating: "x", count: 900)
    let attributes = (0..<100).map { #""name \#($0)": "\#(text)""# }.joined(separator: ", ")
    try vsd.postCustom(#"{"id": "big", "type": "deploy", "action": "start", "attributes": {\#(attributes)}}"#)
    let events = try wait(for: "customhttp event")
    #expect(events["customhttp event"] == 1)
    #expect(events.filter { $0.value > 0 }.count == 1, "\(events)")

    // One subject has more facts than a subject may have: they are larger than 2 MiB.
    for minute in 10..<60 {
      let moments = (0..<100).map { number in
        #"{"name": "step \#(number)", "time": "2026-01-02T03:\#(minute):04Z", "attributes": {"text": "\#(text.prefix(500))"}}"#
      }
      let list = moments.joined(separator: ",")
      try vsd.postCustom(#"{"id": "long", "type": "deploy", "action": "annotate", "moments": [\#(list)]}"#)
    }
    let facts = try wait(for: "customhttp facts")
    #expect(facts.filter { $0.value > 0 }.count == 2, "\(facts)")

    // More subjects have a name in common than it can stand for, and an event follows that name.
    let commit = String(repeating: "c", count: 40)
    for number in 10...120 {
      let change = Payloads.pullRequest("opened", id: number, number: number, branch: "b\(number)")
      try vsd.postGitHub("pull_request", change.replacing("aaaaaaaa", with: commit))
    }
    try vsd.postCustom(#"{"id": "b", "type": "build", "action": "start", "references": ["\#(commit)"]}"#)
    let names = try wait(for: "customhttp name")
    #expect(names["customhttp name"] == 1)
    #expect(names.filter { $0.value > 0 }.count == 3, "\(names)")

    // A push names a commit by more than a hash.
    try vsd.postGitHub(
      "push", #"{"ref": "refs/heads/x", "after": "\#(commit + commit)", "repository": {"id": 1, "name": "site"}, "commits": []}"#)
    #expect(try wait(for: "github branch_update")["github branch_update"] == 1)
  }
}
