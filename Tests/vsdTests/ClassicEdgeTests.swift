import Testing
import ValueStreamTesting

@Suite("The classic picture where events are missing, doubled or sparse")
struct ClassicEdgeTests {
  private static func finished(_ vsd: VSDProcess) throws -> [JSON] {
    try JSON(parsing: vsd.get("/mocktracer/finished-spans").body).list
  }

  @Test("a second start changes nothing, and the end makes one span")
  func twoStarts() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 1, comments: 1))
    #expect(try vsd.postGitHub("issues", Payloads.issue("opened", number: 1, comments: 5)) == "200 success")
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    let spans = try Self.finished(vsd)
    #expect(spans.count == 1)
    #expect(spans.first?["Tags"]?["issue.comments_count"] == 1)
  }

  @Test("an end without start is a span, from the payload's own times")
  func endOnly() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let body = Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z")
    #expect(try vsd.postGitHub("issues", body) == "200 success")
    let span = try #require(Self.finished(vsd).first)
    #expect(span["Span"]?["StartTime"] == "2024-03-04T09:00:00Z")
    #expect(span["Span"]?["FinishTime"] == "2024-03-04T10:00:00Z")
    #expect(span["Tags"]?["issue.number"] == 1)
  }

  @Test("an end without start and without times starts and ends at once, and says so")
  func endOnlyWithoutTimes() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    #expect(try vsd.postCustom(Payloads.custom("end", "d1")) == "200 success")
    let span = try #require(Self.finished(vsd).first)
    #expect(span["Span"]?["StartTime"] == span["Span"]?["FinishTime"])
    let recorded = try #require(vsd.json("/api/v1/spans")["spans"]?.list.first)
    #expect(recorded["start"] == recorded["end"])
    #expect(recorded["attributes"]?["valuestream.start.unknown"] == true)
  }

  @Test("other actions and kinds of event are accepted and show nothing")
  func noClassicSpan() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    for action in ["labeled", "assigned", "edited", "milestoned"] {
      #expect(try vsd.postGitHub("issues", Payloads.issue(action, number: 1)) == "200 success")
    }
    let synchronize = Payloads.pullRequest("synchronize", id: 3, number: 3, branch: "x")
    #expect(try vsd.postGitHub("pull_request", synchronize) == "200 success")
    #expect(try vsd.postGitHub("ping", #"{"zen": "Keep it simple."}"#) == "200 ignored")
    #expect(try vsd.postGitHub("star", #"{"action": "created"}"#) == "200 ignored")
    #expect(try Self.finished(vsd) == [])
  }

  @Test("opened again, it is another span of another trace")
  func reopened() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    for (action, closed) in [
      ("opened", nil), ("closed", "2024-03-04T10:00:00Z"), ("reopened", nil), ("closed", "2024-03-05T10:00:00Z"),
    ] { try vsd.postGitHub("issues", Payloads.issue(action, number: 1, closed: closed)) }
    let spans = try Self.finished(vsd)
    try #require(spans.count == 2)
    #expect(spans[0]["Span"]?["SpanContext"]?["TraceID"] != spans[1]["Span"]?["SpanContext"]?["TraceID"])
    #expect(spans[0]["Span"]?["SpanContext"]?["SpanID"] != spans[1]["Span"]?["SpanContext"]?["SpanID"])
  }

  @Test("vendor times that run backwards are shown as they are, and count as no time")
  func backwards() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 1, created: "2024-03-04T09:00:00Z"))
    let end = Payloads.issue("closed", number: 1, created: "2024-03-04T09:00:00Z", closed: "2024-03-04T08:00:00Z")
    #expect(try vsd.postGitHub("issues", end) == "200 success")
    let span = try #require(Self.finished(vsd).first?["Span"])
    #expect(span["StartTime"] == "2024-03-04T09:00:00Z")
    #expect(span["FinishTime"] == "2024-03-04T08:00:00Z")
    let metrics = try MetricsText(vsd.get("/metrics").body)
    #expect(metrics.value(#"webhooks_event_duration_sum{event_source="github",event_type="issue",error="false"}"#) == 0)
  }

  @Test("as little as identifies the thing is enough")
  func sparse() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    func issue(_ action: String) -> String {
      #"{"action": "\#(action)", "issue": {"number": 1}, "repository": {"name": "r"}}"#
    }
    func pullRequest(_ action: String) -> String {
      #"{"action": "\#(action)", "pull_request": {"id": 77, "head": {"ref": "vstrace-github-issue-r-1-fix"}}}"#
    }
    #expect(try vsd.postGitHub("issues", issue("opened")) == "200 success")
    #expect(try vsd.postGitHub("pull_request", pullRequest("opened")) == "200 success")
    #expect(try vsd.postGitHub("pull_request", pullRequest("closed")) == "200 success")
    #expect(try vsd.postGitHub("issues", issue("closed")) == "200 success")
    let spans = try Self.finished(vsd)
    try #require(spans.count == 2)
    #expect(
      spans[0]["Tags"] == [
        "service": "github", "scm.head.label": "", "scm.head.ref": "vstrace-github-issue-r-1-fix", "scm.head.sha": "",
        "error": false,
      ])
    #expect(
      spans[1]["Tags"] == [
        "service": "github", "scm.repository.id": 0, "scm.repository.url": "", "scm.repository.name": "r",
        "scm.repository.full_name": "", "scm.repository.private": false, "issue.project.name": "r", "issue.number": 1,
        "issue.url": "", "issue.comments_count": 0, "error": false,
      ])
    #expect(spans[0]["Span"]?["ParentID"] == spans[1]["Span"]?["SpanContext"]?["SpanID"])
  }

  @Test("sent again, a delivery is answered duplicate and changes nothing")
  func duplicates() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let body = Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z")
    #expect(try vsd.postGitHub("issues", body, delivery: "a") == "200 success")
    #expect(try vsd.postGitHub("issues", body, delivery: "a") == "200 duplicate")
    #expect(try Self.finished(vsd).count == 1)
    // The same id with other content is a different delivery.
    let other = Payloads.issue("closed", number: 2, closed: "2024-03-04T10:00:00Z")
    #expect(try vsd.postGitHub("issues", other, delivery: "a") == "200 success")
    #expect(try Self.finished(vsd).count == 2)
    // Without an id, a script may send the same event twice.
    for _ in 1...2 { #expect(try vsd.postCustom(Payloads.custom("end", "d1")) == "200 success") }
    #expect(try Self.finished(vsd).count == 4)
  }

  @Test("a reset forgets spans, finished spans and de-duplication", arguments: ["GET", "POST"])
  func reset(method: String) throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let closed = Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z")
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 2), delivery: "open")
    #expect(try vsd.postGitHub("issues", closed, delivery: "a") == "200 success")
    let response = try vsd.connect().request(method, "/mocktracer/reset", body: method == "POST" ? "" : nil)
    #expect(response.status == 200)
    #expect(response.body == "success")
    #expect(try vsd.get("/mocktracer/finished-spans").body == "[]")
    #expect(try vsd.json("/api/v1/spans") == ["spans": [], "next": nil])
    #expect(try vsd.json("/api/v1/stats")["spans"]?["open"] == 0)

    #expect(try vsd.postGitHub("issues", closed, delivery: "a") == "200 success")
    #expect(try Self.finished(vsd).count == 1)
    // The reset also forgot the open issue, so its end makes a new span with the tags of the end.
    let end = Payloads.issue("closed", number: 2, closed: "2024-03-04T10:00:00Z", comments: 77)
    #expect(try vsd.postGitHub("issues", end, delivery: "end") == "200 success")
    #expect(try Self.finished(vsd).last?["Tags"]?["issue.comments_count"] == 77)
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 2)
    #expect(try vsd.json("/api/v1/stats")["spans"]?["open"] == 0)
  }

  @Test("a span is visible as soon as the delivery that ended it was answered, from many senders at once")
  func visibleAtOnce() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try inParallel(4) { worker in
      let connection = try vsd.connect()
      for number in 0..<25 {
        let id = "w\(worker)-\(number)"
        for action in ["start", "end"] {
          let answer = try connection.request("POST", "/customhttp", body: Payloads.custom(action, id))
          #expect(answer.body == "success")
        }
        let body = try connection.request("GET", "/mocktracer/finished-spans").body
        #expect(body.contains(#""vstrace-customhttp-deploy-shop-\#(id)""#))
      }
    }
    let ids = try Self.finished(vsd).compactMap { $0["Span"]?["SpanContext"]?["SpanID"]?.int }
    #expect(ids.count == 100)
    #expect(Set(ids).count == 100)
  }
}
