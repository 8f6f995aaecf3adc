import Testing
import ValueStreamTesting

/// Repeats what users of the Go ValueStream posted in their tests and looked for afterwards.
@Suite("The classic picture, through the mock tracer")
struct ClassicContractTests {
  private static func finished(_ vsd: VSDProcess) throws -> [JSON] {
    try JSON(parsing: vsd.get("/mocktracer/finished-spans").body).list
  }

  private static func id(_ name: String, of span: JSON) -> Int? { span["Span"]?["SpanContext"]?[name]?.int }

  @Test("nothing finished is an empty array, and the routes are there for mock only")
  func empty() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let response = try vsd.get("/mocktracer/finished-spans")
    #expect(response.status == 200)
    #expect(response.body == "[]")
    #expect(response.headers["content-type"] == "application/json")
    #expect(try vsd.connect().request("POST", "/mocktracer/finished-spans", body: "").status == 405)
  }

  @Test("a GitHub issue, letter for letter")
  func issue() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    #expect(try vsd.postGitHub("issues", Payloads.issue("opened", number: 36)) == "200 success")
    #expect(try Self.finished(vsd) == [])
    // The tags come from the event that started the span.
    let closed = Payloads.issue("closed", number: 36, closed: "2024-03-04T10:30:00.5Z", comments: 9)
    #expect(try vsd.postGitHub("issues", closed) == "200 success")
    let spans = try Self.finished(vsd)
    try #require(spans.count == 1)
    let (trace, span) = (try #require(Self.id("TraceID", of: spans[0])), try #require(Self.id("SpanID", of: spans[0])))
    #expect(trace > 0 && span > 0 && trace != span)
    #expect(
      spans[0] == [
        "Span": [
          "SpanContext": ["TraceID": .number(Double(trace)), "SpanID": .number(Double(span)), "Sampled": true, "Baggage": nil],
          "ParentID": 0, "OperationName": "issue", "StartTime": "2024-03-04T09:00:00Z", "FinishTime": "2024-03-04T10:30:00.5Z",
        ],
        "Tags": [
          "service": "github", "scm.repository.id": 197_483_389, "scm.repository.url": "https://api.github.com/repos/acme/site",
          "scm.repository.name": "site", "scm.repository.full_name": "acme/site", "scm.repository.private": true,
          "issue.project.name": "site", "issue.number": 36, "issue.url": "https://api.github.com/repos/acme/site/issues/36",
          "issue.comments_count": 2, "user.name": "", "user.id": 501, "user.url": "https://api.github.com/users/rosa",
          "error": false,
        ],
      ])
  }

  @Test("a GitHub pull request, letter for letter, below the issue its branch names")
  func pullRequest() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let branch = "vstrace-github-issue-site-36-fix"
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 36))
    try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: 990_012, number: 12, branch: branch))
    let closed = Payloads.pullRequest("closed", id: 990_012, number: 12, branch: branch, closed: "2024-03-05T12:00:00Z")
    #expect(try vsd.postGitHub("pull_request", closed) == "200 success")
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 36, closed: "2024-03-05T13:00:00Z"))
    let spans = try Self.finished(vsd)
    try #require(spans.count == 2)
    #expect(spans.map { $0["Span"]?["OperationName"] } == ["pull_request", "issue"])
    #expect(Self.id("TraceID", of: spans[0]) == Self.id("TraceID", of: spans[1]))
    #expect(spans[0]["Span"]?["ParentID"]?.int == Self.id("SpanID", of: spans[1]))
    #expect(spans[1]["Span"]?["ParentID"] == 0)
    #expect(
      spans[0]["Tags"] == [
        "service": "github", "user.name": "Ines", "user.id": 502, "user.url": "https://api.github.com/users/ines",
        "scm.head.label": "acme:vstrace-github-issue-site-36-fix", "scm.head.ref": "vstrace-github-issue-site-36-fix",
        "scm.head.sha": "aaaaaaaa", "scm.base.label": "acme:main", "scm.base.ref": "main", "scm.base.sha": "bbbbbbbb",
        "scm.base.repo.id": 197_483_389, "scm.base.repo.name": "site", "scm.base.repo.full_name": "acme/site",
        "scm.base.repo.private": true, "scm.repository.url": "https://api.github.com/repos/acme/site",
        "scm.repository.name": "site", "scm.repository.full_name": "acme/site", "scm.repository.private": true, "error": false,
      ])
  }

  @Test(
    "a branch names an issue whatever stands around the id",
    arguments: [
      ("vstrace-github-issue-r-1", 1), ("vstrace-github-issue-r-1-fix", 1), ("feature/vstrace-github-issue-r-1_more", 1),
      ("vstrace-github-issue-r-12", 12), ("vstrace-github-issue-r-12-1", 12), ("vstrace-github-issue-my.repo-3-x", 3),
      ("vstrace-github-issue-r-99", nil), ("fix-1", nil),
    ])
  func branches(branch: String, number: Int?) throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    for (number, repository, id) in [(1, "r", 1), (12, "r", 1), (3, "my.repo", 2)] {
      try vsd.postGitHub("issues", Payloads.issue("opened", number: number, repository: repository, repositoryID: id))
    }
    try vsd.postGitHub("pull_request", Payloads.pullRequest("opened", id: 5, number: 5, branch: branch, repository: "r"))
    let end = Payloads.pullRequest("closed", id: 5, number: 5, branch: branch, repository: "r", closed: "2024-03-05T12:00:00Z")
    try vsd.postGitHub("pull_request", end)
    for (number, repository, id) in [(1, "r", 1), (12, "r", 1), (3, "my.repo", 2)] {
      let closed = Payloads.issue(
        "closed", number: number, repository: repository, repositoryID: id, closed: "2024-03-06T12:00:00Z")
      try vsd.postGitHub("issues", closed)
    }
    let spans = try Self.finished(vsd)
    try #require(spans.count == 4)
    let parent = number.flatMap { number in spans.first { $0["Tags"]?["issue.number"]?.int == number } }
    #expect(spans[0]["Span"]?["ParentID"]?.int == parent.flatMap { Self.id("SpanID", of: $0) } ?? 0)
    #expect((Self.id("TraceID", of: spans[0]) == parent.flatMap { Self.id("TraceID", of: $0) }) == (number != nil))
  }

  @Test("custom HTTP, letter for letter; members in any letter case")
  func custom() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let start = """
      {"ID": "d1", "Action": "start", "NameSpace": "shop", "TYPE": "deploy", "Error": true,
       "metaData": {"env": "prod", "size": 3, "canary": false, "ratio": 0.5, "nothing": null}}
      """
    #expect(try vsd.postCustom(start) == "200 success")
    #expect(try vsd.postCustom(Payloads.custom("end", "d1", more: #""metadata": {"late": true}"#)) == "200 success")
    let span = try #require(Self.finished(vsd).first)
    #expect(span["Span"]?["OperationName"] == "deploy")
    #expect(
      span["Tags"] == [
        "env": "prod", "size": 3, "canary": false, "ratio": .number(0.5), "nothing": nil, "vs.source.name": "customhttp",
        "vs.span.id": "vstrace-customhttp-deploy-shop-d1", "error": false,
      ])
  }

  @Test("error is what the event that ended a custom span says", arguments: [true, false])
  func customError(isError: Bool) throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try vsd.postCustom(Payloads.custom("start", "d1", more: #""metadata": {"error": "mine"}"#))
    try vsd.postCustom(Payloads.custom("end", "d1", more: #""error": \#(isError)"#))
    let response = try vsd.get("/mocktracer/finished-spans").body
    #expect(try JSON(parsing: response).list.first?["Tags"]?["error"] == .bool(isError))
    #expect(response.matches(of: /"error":/).count == 1)
  }

  @Test(
    "a custom event names its parent by classic id or by its own id in the namespace",
    arguments: ["vstrace-customhttp-release-shop-r1", "r1"])
  func customParent(parent: String) throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    try vsd.postCustom(Payloads.custom("start", "r1", type: "release"))
    try vsd.postCustom(Payloads.custom("start", "d1", more: #""parentId": "\#(parent)""#))
    try vsd.postCustom(Payloads.custom("start", "elsewhere", namespace: "other", more: #""parentId": "\#(parent)""#))
    for body in [
      Payloads.custom("end", "d1"), Payloads.custom("end", "elsewhere", namespace: "other"),
      Payloads.custom("end", "r1", type: "release"),
    ] { try vsd.postCustom(body) }
    let spans = try Self.finished(vsd)
    try #require(spans.count == 3)
    #expect(spans[0]["Tags"]?["vs.parent.span.id"] == .text(parent))
    #expect(spans[0]["Span"]?["ParentID"]?.int == Self.id("SpanID", of: spans[2]))
    #expect(Self.id("TraceID", of: spans[0]) == Self.id("TraceID", of: spans[2]))
    // A bare id refers to the event's own namespace only.
    #expect((spans[1]["Span"]?["ParentID"] == 0) == (parent == "r1"))
  }

  @Test("a child that starts after its parent ended belongs to the parent's latest span")
  func endedParent() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    for action in ["start", "end", "start", "end"] { try vsd.postCustom(Payloads.custom(action, "r1", type: "release")) }
    for action in ["start", "end"] { try vsd.postCustom(Payloads.custom(action, "d1", more: #""parentId": "r1""#)) }
    let spans = try Self.finished(vsd)
    try #require(spans.count == 3)
    #expect(Self.id("TraceID", of: spans[0]) != Self.id("TraceID", of: spans[1]))
    #expect(spans[2]["Span"]?["ParentID"]?.int == Self.id("SpanID", of: spans[1]))
    #expect(Self.id("TraceID", of: spans[2]) == Self.id("TraceID", of: spans[1]))
  }
}
