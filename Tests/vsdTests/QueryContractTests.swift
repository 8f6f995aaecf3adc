import Testing
import ValueStreamTesting

@Suite("The API scripts rely on")
struct QueryContractTests {
  private static func spans(_ vsd: VSDProcess, _ query: String = "") throws -> [JSON] {
    try vsd.json("/api/v1/spans\(query)")["spans"]?.list ?? []
  }

  @Test("a span has the members of the contract")
  func span() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 36))
    let branch = "vstrace-github-issue-site-36-fix"
    try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: 990_012, number: 12, branch: branch))
    let closed = Payloads.pullRequest("closed", id: 990_012, number: 12, branch: branch, closed: "2024-03-05T12:00:00Z")
    try vsd.postGitHub("pull_request", closed)
    let spans = try Self.spans(vsd)
    try #require(spans.count == 2)
    let (request, issue) = (spans[0].members, spans[1].members)
    let names: Set = [
      "key", "name", "classicID", "operation", "source", "traceID", "spanID", "parentSpanID", "parentKey", "parentRule", "start",
      "end", "outcome", "attempt", "attributes", "phases", "events", "links",
    ]
    #expect(Set(request.keys) == names)
    #expect(Set(issue.keys) == names)
    let expectedIssue: [String: JSON] = [
      "key": "github:github.com:197483389:issue:36", "name": "acme/site#36", "classicID": "vstrace-github-issue-site-36",
      "operation": "issue", "source": "github", "parentSpanID": nil, "parentKey": nil, "parentRule": nil,
      "start": "2024-03-04T09:00:00Z", "end": nil, "outcome": nil, "attempt": 1, "phases": [], "events": [], "links": [],
    ]
    for (name, value) in expectedIssue { #expect(issue[name] == value, "\(name)") }
    let expectedRequest: [String: JSON] = [
      "key": "github:github.com:197483389:pull_request:12", "name": "acme/site#12",
      "classicID": "vstrace-github-pull_request-site-990012", "operation": "pull_request", "source": "github",
      "parentKey": "github:github.com:197483389:issue:36", "parentRule": "explicit_id", "start": "2024-03-05T10:00:00Z",
      "end": "2024-03-05T12:00:00Z", "outcome": "merged", "attempt": 1,
      "phases": [["name": "review", "start": "2024-03-05T10:00:00Z", "end": "2024-03-05T12:00:00Z", "outcome": nil]],
      "events": [], "links": [],
    ]
    for (name, value) in expectedRequest { #expect(request[name] == value, "\(name)") }
    // Users can compute these ids with sha256sum.
    #expect(issue["traceID"] == "03a540171b5f7107fbcf861eec653e29")
    #expect(request["traceID"] == issue["traceID"])
    #expect(request["parentSpanID"] == issue["spanID"])
    #expect(request["spanID"]?.text?.wholeMatch(of: /[0-9a-f]{16}/) != nil)
  }

  @Test("the statistics have the members of the contract, counted over the life of the store")
  func stats() throws {
    let first = try VSDProcess(["--settle=0s"])
    #expect(
      try first.json("/api/v1/stats") == [
        "deliveries": ["recorded": 0, "duplicate": 0, "ignored": 0, "unreadable": 0], "spans": ["open": 0, "finished": 0],
        "exporters": ["logging": ["pending": 0, "sent": 0, "refused": 0, "dropped": 0]],
      ])
    try first.postGitHub("issues", Payloads.issue("opened", number: 1), delivery: "a")
    try first.postGitHub("issues", Payloads.issue("opened", number: 1), delivery: "a")
    try first.postGitHub("issues", Payloads.issue("closed", number: 2, closed: "2024-03-04T10:00:00Z"), delivery: "b")
    try first.postGitHub("ping", "{}")
    try first.postGitHub("issues", "{}")
    try first.postGitHub("issues", "not JSON")
    try first.waitForLine("the export") { $0["msg"] == "finished span" }
    let expected: JSON = [
      "deliveries": ["recorded": 2, "duplicate": 1, "ignored": 1, "unreadable": 2], "spans": ["open": 1, "finished": 1],
      "exporters": ["logging": ["pending": 0, "sent": 1, "refused": 0, "dropped": 0]],
    ]
    try first.wait(for: "the export to be noted") { try first.json("/api/v1/stats") == expected ? true : nil }
    try first.stop()
    let second = try VSDProcess(["--settle=0s"], in: first.home)
    #expect(try second.json("/api/v1/stats") == expected)
  }

  @Test("what was acknowledged is in the next answer", arguments: [["--tracer=none"], ["--tracer=mock"]])
  func readYourWrites(arguments: [String]) throws {
    let vsd = try VSDProcess(arguments)
    let connection = try vsd.connect()
    for number in 1...150 {
      let headers = ["X-GitHub-Event": "issues"]
      let answer = try connection.request("POST", "/github", headers: headers, body: Payloads.issue("opened", number: number))
      #expect(answer.body == "success")
      let page = try JSON(parsing: connection.request("GET", "/api/v1/spans?limit=1").body)
      #expect(page["spans"]?.list.first?["name"]?.text == "acme/site#\(number)")
      let stats = try JSON(parsing: connection.request("GET", "/api/v1/stats").body)
      #expect(stats["deliveries"]?["recorded"]?.int == number)
      #expect(stats["spans"]?["open"]?.int == number)
    }
  }

  @Test("what was acknowledged is in the next answer, with many senders at once")
  func readYourWritesInParallel() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    try inParallel(4) { worker in
      let connection = try vsd.connect()
      for number in 1...25 {
        let id = "w\(worker)-\(number)"
        let answer = try connection.request("POST", "/customhttp", body: Payloads.custom("end", id))
        #expect(answer.body == "success")
        #expect(try connection.request("GET", "/api/v1/spans?limit=1000").body.contains(#""shop/\#(id)""#))
      }
    }
    #expect(try Self.spans(vsd, "?limit=1000").count == 100)
  }

  @Test("pages hold everything that was there, once, while more comes in")
  func paging() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    for number in 1...60 { try vsd.postGitHub("issues", Payloads.issue("opened", number: number)) }
    var seen: [String] = []
    var query = "?limit=7"
    var next = 61
    while true {
      let page = try vsd.json("/api/v1/spans\(query)")
      seen += (page["spans"]?.list ?? []).compactMap { $0["name"]?.text }
      guard let cursor = page["next"]?.text else { break }
      query = "?limit=7&cursor=\(cursor)"
      for number in next..<next + 5 { try vsd.postGitHub("issues", Payloads.issue("opened", number: number)) }
      // Meanwhile, change an issue that is already listed or not yet listed.
      let change = Payloads.issue("closed", number: next - 30, closed: "2024-03-04T10:00:00Z")
      try vsd.postGitHub("issues", change)
      next += 5
    }
    #expect(seen.count == 60)
    #expect(Set(seen) == Set((1...60).map { "acme/site#\($0)" }))
  }

  @Test("filters choose, and bad parameters are told")
  func filters() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 1))
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 2, closed: "2024-03-04T10:00:00Z"))
    try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: 5, number: 3, branch: "b", repository: "other"))
    try vsd.postCustom(Payloads.custom("end", "d1", more: #""error": true"#))
    for (query, names) in [
      ("operation=issue", ["acme/site#2", "acme/site#1"]), ("source=github&state=open", ["acme/other#3", "acme/site#1"]),
      ("outcome=failure", ["shop/d1"]), ("state=finished", ["shop/d1", "acme/site#2"]),
      ("project=acme%2Fother", ["acme/other#3"]),
      ("operation=deploy&source=customhttp&project=shop&outcome=failure&state=finished&limit=1000", ["shop/d1"]),
      ("operation=nothing", []),
    ] {
      #expect(try Set(Self.spans(vsd, "?\(query)").compactMap { $0["name"]?.text }) == Set(names), "\(query)")
    }
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=x", "outcome=good", "state=closed", "sort=name", "limit"] {
      let response = try vsd.get("/api/v1/spans?\(query)")
      #expect(response.status == 400, "\(query)")
      #expect(response.headers["content-type"] == "application/problem+json")
      let problem = try JSON(parsing: response.body)
      #expect(problem["status"] == 400)
      #expect(problem["detail"]?.text?.contains(query.prefix { $0 != "=" }) == true)
    }
  }

  @Test("traces are what the contract says, found by id, classic id and key, whatever restarts between")
  func traces() throws {
    let first = try VSDProcess(["--settle=0s"])
    let request = Payloads.pullRequest("opened", id: 990_012, number: 12, branch: "vstrace-github-issue-site-36")
    try first.postGitHub("pull_request", request)
    try first.postGitHub("issues", Payloads.issue("closed", number: 36, closed: "2024-03-06T10:00:00Z"))
    try first.waitForLine("the export") { $0["msg"] == "finished span" }
    let traceID = "03a540171b5f7107fbcf861eec653e29"
    let expected = try Self.spans(first, "").sorted { $0["operation"]?.text ?? "" < $1["operation"]?.text ?? "" }
    let trace = try first.json("/api/v1/traces/\(traceID)")
    #expect(trace == ["traceID": .text(traceID), "spans": .list(expected)])
    let key = "github:github.com:197483389:issue:36"
    for name in ["vstrace-github-issue-site-36", key, "acme%2Fsite%2336", "acme/site%2336"] {
      #expect(try first.json("/api/v1/traces/\(name)") == trace, "\(name)")
      #expect(try first.json("/api/v1/spans/\(name)")["key"]?.text == key, "\(name)")
      #expect(try first.json("/api/traces/\(name)")["data"]?.list.first?["traceID"]?.text == traceID, "\(name)")
    }
    #expect(try first.json("/api/v1/traces?operation=pull_request")["traces"]?.list.first?["spans"] == 2)
    #expect(try first.get("/api/v1/traces/0123456789abcdef0123456789abcdef").status == 404)
    #expect(try first.get("/api/traces/0123456789abcdef0123456789abcdef").status == 404)
    try first.stop()
    let second = try VSDProcess(["--settle=0s"], in: first.home)
    #expect(try second.json("/api/v1/traces/\(traceID)") == trace)
  }

  @Test("a token, once there is one, is needed for pages, API and metrics only")
  func readToken() throws {
    let vsd = try VSDProcess(["--tracer=none", "--read-token=tok"])
    for path in ["/api/v1/spans", "/api/v1/traces", "/api/services", "/api/traces", "/api/v1/stats", "/metrics"] {
      #expect(try vsd.get(path).status == 401)
      #expect(try vsd.get(path, headers: ["Authorization": "Bearer to"]).status == 401)
      #expect(try vsd.get(path, headers: ["Authorization": "Bearer tok"]).status == 200)
      // The decoded value is user:tok.
      #expect(try vsd.get(path, headers: ["Authorization": "Basic dXNlcjp0b2s="]).status == 200)
    }
    #expect(try vsd.get("/healthz").status == 200)
    #expect(try vsd.get("/readyz").status == 200)
    #expect(try vsd.postGitHub("issues", Payloads.issue("opened", number: 1)) == "200 success")
  }

  @Test("without a token the API is for this machine only, metrics are for all")
  func noToken() throws {
    let vsd = try VSDProcess(["--tracer=none", "--addr=0.0.0.0:0"])
    for path in ["/api/v1/spans", "/api/v1/spans/a", "/api/v1/traces/a", "/api/services/a/operations", "/api/traces"] {
      let response = try vsd.get(path)
      #expect(response.status == 403)
      #expect(response.body.contains("--read-token"))
    }
    #expect(try vsd.get("/metrics").status == 200)
    #expect(try vsd.get("/healthz").status == 200)
  }

  @Test("an admin address separates deliveries from everything that is read")
  func adminAddress() throws {
    let vsd = try VSDProcess(["--tracer=none", "--admin-addr=127.0.0.1:0"])
    try #require(vsd.ports.count == 2)
    #expect(try vsd.postGitHub("issues", Payloads.issue("opened", number: 1)) == "200 success")
    for path in ["/api/v1/spans", "/api/v1/stats", "/metrics"] {
      #expect(try vsd.get(path).status == 404)
      #expect(try vsd.connect(toAdmin: true).request("GET", path).status == 200)
    }
    let misdirected = try vsd.connect(toAdmin: true).request("POST", "/github", body: "{}")
    #expect(misdirected.status == 404)
    for path in ["/healthz", "/readyz"] {
      #expect(try vsd.get(path).status == 200)
      #expect(try vsd.connect(toAdmin: true).request("GET", path).status == 200)
    }
  }

  @Test("other paths and methods")
  func routes() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    #expect(try vsd.get("/nowhere").status == 404)
    #expect(try vsd.get("/github").status == 405)
    #expect(try vsd.connect().request("GET", "/github").headers["allow"] == "POST")
    #expect(try vsd.connect().request("POST", "/metrics", body: "").status == 405)
    #expect(try vsd.connect().request("DELETE", "/api/v1/spans").status == 405)
    #expect(try vsd.connect().request("HEAD", "/metrics").status == 200)
    #expect(
      try vsd.post("/customhttp", Payloads.custom("start", "d1"), headers: ["Origin": "https://evil.example"]).hasPrefix("403"))
  }
}
