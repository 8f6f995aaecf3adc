import Testing
import ValueStreamTesting

@Suite("Deliveries, as the API shows them")
struct DeliveriesContractTests {
  private static func vsd() throws -> VSDProcess {
    let vsd = try VSDProcess(["--tracer=none"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 36), delivery: "a")
    try vsd.postGitHub("ping", #"{"zen":"Keep it logically awesome."}"#, delivery: "b")
    try vsd.postGitHub("issues", #"{"action":"opened","issue":{"number":"36"},"repository":{"name":"site"}}"#, delivery: "c")
    try vsd.post("/customhttp", Payloads.custom("start", "d1"))
    return vsd
  }

  private static func list(_ vsd: VSDProcess, _ query: String = "") throws -> [JSON] {
    try vsd.json("/api/v1/deliveries\(query)")["deliveries"]?.list ?? []
  }

  @Test("the newest first, each with what it became")
  func list() throws {
    let vsd = try Self.vsd()
    let deliveries = try Self.list(vsd)
    #expect(deliveries.map { $0["source"]?.text } == ["customhttp", "github", "github", "github"])
    #expect(deliveries.map { $0["result"]?.text } == ["recorded", "unreadable", "ignored", "recorded"])
    #expect(deliveries[1]["path"] == "$.issue.number")
    #expect(deliveries[1]["reason"] == "expected a whole number, found a text")
    #expect(deliveries[1]["events"] == [])
    #expect(deliveries[2]["reason"] == "ping")
    #expect(deliveries[3]["deliveryID"] == "a")
    let event = try #require(deliveries[3]["events"]?.list.first)
    #expect(event["key"] == "github:github.com:197483389:issue:36")
    #expect(event["operation"] == "issue")
    #expect(event["publishes"]?.list.first == "classic:vstrace-github-issue-site-36")
    #expect(event["marks"] == [["kind": "begin", "time": "2024-03-04T09:00:00Z", "clock": "vendor"]])
    #expect(event["classicTags"]?["service"] == "github")
    #expect(event["classicSpan"]?["transition"] == "start")
  }

  @Test("by source and result, a page at a time")
  func filters() throws {
    let vsd = try Self.vsd()
    #expect(try Self.list(vsd, "?source=github").count == 3)
    #expect(try Self.list(vsd, "?result=unreadable").count == 1)
    #expect(try Self.list(vsd, "?source=customhttp&result=ignored").isEmpty)
    for list in ["deliveries", "spans", "traces"] { #expect(try vsd.get("/api/v1/\(list)?source=githb").status == 400) }
    var ids: [String] = []
    var cursor = ""
    repeat {
      let page = try vsd.json("/api/v1/deliveries?limit=1&source=github\(cursor)")
      ids += (page["deliveries"]?.list ?? []).compactMap { $0["id"]?.text }
      cursor = page["next"]?.text.map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty
    #expect(ids == ["3", "2", "1"])
    for mistake in ["?limit=0", "?limit=101", "?result=lost", "?cursor=x", "?colour=red"] {
      let response = try vsd.get("/api/v1/deliveries\(mistake)")
      #expect(response.status == 400, "\(mistake)")
      #expect(try JSON(parsing: response.body)["detail"]?.text?.isEmpty == false)
    }
  }

  @Test("values that no type can hold are told in the answer and in the list, by their paths")
  func unread() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    let told = "read as null or U+FFFD, because no type can hold what was sent:"
    let custom = #"{"id":"d1","type":"deploy","action":"start","attributes":{"a":1e400,"b":"x\ud800","c":2}}"#
    #expect(try vsd.post("/customhttp", custom) == "200 success\n2 values \(told) $.attributes.a, $.attributes.b")
    #expect(try vsd.postGitHub("ping", #"{"hook_id":18446744073709551616}"#) == "200 ignored\n1 value \(told) $.hook_id")
    #expect(
      try vsd.post("/gitlab", #"{"object_kind":"issue","object_attributes":{"iid":1e999},"project":{"id":7}}"#)
        .hasSuffix("\n1 value \(told) $.object_attributes.iid"))
    let problem = try vsd.post("/customhttp", #"{"id":99999999999999999999,"type":"deploy","action":"start"}"#)
    #expect(problem.hasPrefix("422 "))
    let unread: JSON = ["values": 1, "paths": ["$.id"]]
    #expect(try JSON(parsing: String(problem.dropFirst(4)))["unread"] == unread)
    #expect(try vsd.post("/customhttp", Payloads.custom("start", "d2")) == "200 success")
    let deliveries = try Self.list(vsd)
    #expect(deliveries.map { $0["unread"]?["values"] } == [nil, 1, 1, 1, 2])
    #expect(deliveries[1]["unread"] == unread)
    #expect(deliveries[4]["events"]?.list.first?["attributes"]?["c"] == 2, "the rest of the delivery counts")
    let many = (1...12).map { #""a\#($0)":1e400"# }.joined(separator: ",")
    #expect(
      try vsd.post("/customhttp", #"{"id":"d3","type":"deploy","action":"start",\#(many)}"#)
        .hasSuffix("$.a10 and elsewhere"))
  }

  @Test("one, with the headers that were kept and the body")
  func one() throws {
    let vsd = try Self.vsd()
    let id = try #require(try Self.list(vsd, "?result=unreadable").first?["id"]?.text)
    let delivery = try vsd.json("/api/v1/deliveries/\(id)")
    #expect(delivery["headers"]?["X-GitHub-Event"] == "issues")
    #expect(delivery["headers"]?["X-Hub-Signature-256"] == nil)
    #expect(delivery["body"] == #"{"action":"opened","issue":{"number":"36"},"repository":{"name":"site"}}"#)
    #expect(delivery["path"] == "$.issue.number")
    for unknown in ["99", "0", "x", "", "1/2", "18446744073709551616"] {
      #expect(try vsd.get("/api/v1/deliveries/\(unknown)").status == 404, "\(unknown)")
    }
  }

  @Test("nobody sees them from elsewhere without the read token")
  func access() throws {
    let vsd = try VSDProcess(["--tracer=none", "--read-token=hush"])
    for path in ["/api/v1/deliveries", "/api/v1/deliveries/1"] {
      #expect(try vsd.get(path).status == 401)
      #expect(try [200, 404].contains(vsd.get(path, headers: ["Authorization": "Bearer hush"]).status))
    }
  }
}
