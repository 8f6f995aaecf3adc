import APIClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubAPI

struct GitHubRecordsTests {
  private static let now = Timestamp(seconds: 1_796_000_000)

  private static func api(_ transport: TransportFake) throws -> GitHubAPI {
    let token = try #require(Secret("x"))
    return GitHubAPI(.gitHub, token: token, client: APIClient(transport: transport, sleep: { _ in }))
  }

  private static func selection(_ period: RecordPeriod = RecordPeriod(), pageSize: Int = 100) -> GitHubSelection {
    GitHubSelection(
      repositories: GitHubRepositories(organization: "acme", names: ["site"]), period: period, pageSize: pageSize, now: now)
  }

  private static func connection(_ name: String, _ nodes: String..., errors: String = "[]") -> HTTPResponse {
    .json(#"{"data":{"repository":{"\#(name)":{"nodes":[\#(nodes.joined(separator: ","))]}}},"errors":\#(errors)}"#)
  }

  /// Returns a row as a dictionary by column name.
  private static func fields(_ source: any RecordSource, _ row: [String]) -> [String: String] {
    #expect(row.count == source.columns.count)
    return Dictionary(zip(source.columns, row)) { first, _ in first }
  }

  // MARK: Repositories

  private static func repositories(_ names: String, total: Int, next: String?) -> HTTPResponse {
    let nodes = names.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
    let page = #"{"hasNextPage":\#(next != nil),"endCursor":"\#(next ?? "")"}"#
    return .json(
      #"{"data":{"organization":{"repositories":{"totalCount":\#(total),"pageInfo":\#(page),"nodes":[\#(nodes)]}}}}"#)
  }

  @Test("What a limit leaves out of an organisation is told", arguments: [(2, true), (3, true), (4, false), (9, false)])
  func repositoryLimit(limit: Int, isCut: Bool) async throws {
    let transport = TransportFake { request in
      String(decoding: request.body, as: UTF8.self).contains(#""after":null"#)
        ? Self.repositories("abc", total: 4, next: "x") : Self.repositories("d", total: 4, next: nil)
    }
    var repositories = GitHubRepositories(organization: "acme", names: ["acme/d", "*"])
    repositories.limit = limit
    let found = try await repositories.list(try Self.api(transport))
    #expect(found.names == ["acme/d"] + ["acme/a", "acme/b", "acme/c"].prefix(limit))
    #expect(found.cut == (isCut ? "acme has 4 repositories, of which the first \(limit) by name are read" : nil))
  }

  @Test("A list of repositories that leads to itself has an end")
  func circle() async throws {
    let transport = TransportFake { _ in Self.repositories("", total: 4, next: "x") }
    let error = await #expect(throws: APIError.self) {
      try await GitHubRepositories(organization: "acme", names: ["*"]).list(try Self.api(transport))
    }
    #expect(error == APIError(.malformed, "the repositories of acme: the next page is one that was read already"))
  }

  // MARK: Pull requests

  @Test("A sparse pull request, and one that is null, crash nothing; what GitHub left out is told")
  func sparse() async throws {
    let transport = TransportFake { _ in
      Self.connection(
        "pullRequests", "{}", "null", #"{"createdAt":"nonsense","author":null,"comments":[]}"#,
        errors: #"[{"message":"Resource not accessible"}]"#)
    }
    let source = GitHubPullRequests.source(try Self.api(transport), Self.selection(), state: .open, columns: .all)
    let page = try await source.page(of: "acme/site", after: nil, atMost: nil)
    #expect(page.rows.count == 2)
    #expect(page.next == nil)
    #expect(
      page.notes == [
        "something is missing: Resource not accessible", "1 record is missing: the answer has null in its place",
      ])
    #expect(page.missing == 1)
    let fields = Self.fields(source, page.rows[0])
    #expect(fields["owner"] == "acme" && fields["repo"] == "site" && fields["merged"] == "false")
    #expect(fields["duration"] == "" && fields["duration_per_line"] == "" && fields["total_changes"] == "")
  }

  @Test("The first review and approval are those of people")
  func bots() async throws {
    func review(_ login: String, _ type: String, _ state: String, _ time: String) -> String {
      #"{"author":{"__typename":"\#(type)","login":"\#(login)"},"state":"\#(state)","submittedAt":"2026-11-30T\#(time)Z"}"#
    }
    let reviews = [
      review("helper", "Bot", "COMMENTED", "00:00:30"), review("harbour-ci", "User", "APPROVED", "00:01:00"),
      review("ann", "User", "COMMENTED", "00:02:00"), review("bob", "User", "COMMENTED", "01:00:00"),
      review("bob", "User", "APPROVED", "02:00:00"),
    ].joined(separator: ",")
    let transport = TransportFake { _ in
      Self.connection(
        "pullRequests",
        #"{"createdAt":"2026-11-30T00:00:00Z","author":{"login":"ann"},"reviews":{"totalCount":5,"nodes":[\#(reviews)]}}"#)
    }
    let source = GitHubPullRequests.source(
      try Self.api(transport), Self.selection(), state: .open, columns: .all, bots: Bots(names: [NamePattern("harbour-*")]))
    let fields = Self.fields(source, try await source.page(of: "acme/site", after: nil, atMost: nil).rows[0])
    #expect(fields["first_review_at"] == "2026-11-30T01:00:00Z")
    #expect(fields["approved_at"] == "2026-11-30T02:00:00Z")
  }

  @Test("What is open lasts until the run began")
  func open() async throws {
    let transport = TransportFake { _ in
      Self.connection(
        "pullRequests", #"{"createdAt":"2026-11-30T00:00:00Z","additions":0,"deletions":0,"comments":{"totalCount":4}}"#)
    }
    let source = GitHubPullRequests.source(try Self.api(transport), Self.selection(), state: .open, columns: .standard)
    let fields = Self.fields(source, try await source.page(of: "acme/site", after: nil, atMost: nil).rows[0])
    #expect(fields["duration"] == "3200")
    #expect(fields["duration_per_comment"] == "800")
    #expect(fields["duration_per_line"] == "")
  }

  @Test("What was merged before it was made has no duration")
  func contradiction() async throws {
    let transport = TransportFake { _ in
      Self.connection(
        "pullRequests",
        #"{"createdAt":"2026-11-30T00:00:02Z","mergedAt":"2026-11-30T00:00:00Z","additions":1,"deletions":0,"comments":{"totalCount":4}}"#
      )
    }
    let source = GitHubPullRequests.source(try Self.api(transport), Self.selection(), state: .merged, columns: .standard)
    let fields = Self.fields(source, try await source.page(of: "acme/site", after: nil, atMost: nil).rows[0])
    #expect(fields["duration"] == "" && fields["duration_per_comment"] == "" && fields["duration_per_line"] == "")
    #expect(fields["merged"] == "true")
  }

  @Test(
    "How long something was a draft",
    arguments: [
      ([], false, 0), ([], true, 1000), ([(100, true)], false, 100), ([(100, false)], true, 900),
      ([(300, false), (100, true), (400, true)], false, 200),
    ] as [([(Double, Bool)], Bool, Double)])
  func drafts(turns: [(Double, Bool)], isDraft: Bool, seconds: Double) {
    let turns = turns.map { DraftTurn(time: Self.now.advanced(bySeconds: $0.0), isReady: $0.1) }
    let end = Self.now.advanced(bySeconds: 1000)
    #expect(DraftTurn.draftSeconds(turns, from: Self.now, to: end, isDraftAtEnd: isDraft) == seconds)
  }

  // MARK: Issues, deployments, runs

  @Test("An issue says how it was closed")
  func issues() async throws {
    let transport = TransportFake { _ in
      Self.connection(
        "issues",
        """
        {"id":"I_1","number":36,"title":"Checkout","state":"CLOSED","stateReason":"NOT_PLANNED","createdAt":"2026-11-29T00:00:00Z",
        "closedAt":"2026-11-30T00:00:00Z","updatedAt":"2026-11-30T00:00:01Z","author":{"login":"tal"},"comments":{"totalCount":3},
        "labels":{"nodes":[{"name":"bug"},{"name":"web"}]},"assignees":{"nodes":[{"login":"ann"}]},"issueType":{"name":"Bug"}}
        """, #"{"state":"OPEN","stateReason":"REOPENED","createdAt":"2026-11-30T00:53:00Z"}"#)
    }
    let source = GitHubIssues.source(try Self.api(transport), Self.selection(), state: .all)
    let rows = try await source.page(of: "acme/site", after: nil, atMost: nil).rows
    let closed = Self.fields(source, rows[0])
    #expect(closed["outcome"] == "not_planned" && closed["duration"] == "86400" && closed["labels"] == "bug|web")
    #expect(closed["number"] == "36" && closed["type"] == "Bug" && closed["assignees"] == "ann" && closed["author"] == "tal")
    let open = Self.fields(source, rows[1])
    #expect(open["outcome"] == "open" && open["finished_at"] == "" && open["duration"] == "")
  }

  @Test("A deployment ends with its first result, not with what comes after it")
  func deployments() async throws {
    let transport = TransportFake { _ in
      Self.connection(
        "deployments",
        """
        {"id":"D_1","createdAt":"2026-11-30T00:00:00Z","environment":"production","state":"INACTIVE","commitOid":"abc",
        "ref":{"name":"main"},"creator":{"login":"bot"},"task":"deploy","statuses":{"nodes":[
        {"state":"INACTIVE","createdAt":"2026-11-30T00:40:00Z"},{"state":"FAILURE","createdAt":"2026-11-30T00:10:00Z","logUrl":"https://log"},
        {"state":"IN_PROGRESS","createdAt":"2026-11-30T00:01:00Z"}]}}
        """, #"{"createdAt":"2026-11-30T00:53:00Z","state":"QUEUED"}"#)
    }
    let source = GitHubDeployments.source(try Self.api(transport), Self.selection())
    let rows = try await source.page(of: "acme/site", after: nil, atMost: nil).rows
    let failed = Self.fields(source, rows[0])
    #expect(failed["outcome"] == "failure" && failed["duration"] == "600" && failed["started_at"] == "2026-11-30T00:01:00Z")
    #expect(failed["environment"] == "production" && failed["url"] == "https://log" && failed["ref"] == "main")
    let queued = Self.fields(source, rows[1])
    #expect(queued["outcome"] == "queued" && queued["finished_at"] == "")
  }

  private static func runs(_ numbers: some Sequence<Int>) -> HTTPResponse {
    let runs = numbers.map { number in
      #"""
      {"id":\#(number),"name":"CI","status":"completed","conclusion":"success","created_at":"2026-11-\#(number)T00:00:00Z",
      "run_started_at":"2026-11-\#(number)T01:00:00Z","updated_at":"2026-11-\#(number)T01:30:00Z","run_attempt":\#(number % 2 + 1)}
      """#
    }
    return .json(#"{"total_count":9,"workflow_runs":[\#(runs.joined(separator: ","))]}"#)
  }

  @Test("Runs that come in while pages are read show no run twice, and a period ends the list")
  func workflowRuns() async throws {
    let transport = TransportFake { request in
      // A new run at the top has shifted all others down by one.
      request.url.hasSuffix("&page=1") ? Self.runs([29, 28, 27]) : Self.runs([27, 26, 25])
    }
    let source = GitHubWorkflowRuns(
      try Self.api(transport), Self.selection(RecordPeriod(since: Timestamp(rfc3339: "2026-11-26T00:00:00Z")), pageSize: 3))
    let first = try await source.page(of: "acme/site", after: nil, atMost: nil)
    let second = try await source.page(of: "acme/site", after: first.next, atMost: nil)
    let rows = (first.rows + second.rows).map { Self.fields(source, $0) }
    #expect(rows.map { $0["ID"] } == ["29", "28", "27", "26"])
    #expect(second.next == nil)
    // The duration of a second attempt counts from its own start.
    #expect(rows.map { $0["duration"] } == ["1800", "5400", "1800", "5400"])
    #expect(transport.requests[0].url == "https://api.github.com/repos/acme/site/actions/runs?per_page=3&page=1")
  }

  @Test("An organisation that is none may be a user; pages of repositories are followed up to the limit")
  func repositories() async throws {
    let transport = TransportFake { request in
      let body = String(decoding: request.body, as: UTF8.self)
      if body.contains("organization(") {
        return .json(#"{"data":{"organization":null},"errors":[{"type":"NOT_FOUND","message":"Could not resolve"}]}"#)
      }
      let isFirst = body.contains(#""after":null"#)
      let names = isFirst ? #"{"name":"a"},{"name":"b"}"# : #"{"name":"c"},{"name":"d"}"#
      return .json(
        #"{"data":{"user":{"repositories":{"nodes":[\#(names)],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}}}}"#)
    }
    var repositories = GitHubRepositories(organization: "tal", names: ["other/one", "*", "b"])
    repositories.limit = 3
    #expect(try await repositories.list(try Self.api(transport)).names == ["other/one", "tal/a", "tal/b", "tal/c"])
  }
}
