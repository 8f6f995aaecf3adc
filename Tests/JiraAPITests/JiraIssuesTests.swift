import APIClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import JiraAPI

struct JiraIssuesTests {
  private static let now = Timestamp(seconds: 1_796_000_000)

  private static func source(
    _ transport: TransportFake, projects: [String] = ["SHOP"], search: String? = nil, period: RecordPeriod = RecordPeriod()
  ) throws -> JiraIssues {
    let token = try #require(Secret("x"))
    let api = JiraAPI(
      "https://acme.atlassian.net", authorization: BasicAuthorization.header(user: "tal", token: token.bytes),
      client: APIClient(transport: transport, sleep: { _ in }))
    return JiraIssues(api, projects: projects, search: search, period: period, pageSize: 50, now: now)
  }

  private static func transport(_ issues: String, changes: String = "[]") -> TransportFake {
    TransportFake { request in
      if request.url.hasSuffix("/status") {
        return .json(
          """
          [{"id":"1","name":"To Do","statusCategory":{"key":"new"}},{"id":"3","name":"In Progress","statusCategory":{"key":"indeterminate"}},
          {"id":"4","name":"Review","statusCategory":{"key":"indeterminate"}},{"id":"5","name":"Done","statusCategory":{"key":"done"}}]
          """)
      }
      if request.url.hasSuffix("/changelog/bulkfetch") { return .json(#"{"issueChangeLogs":\#(changes)}"#) }
      return .json(#"{"issues":\#(issues),"isLast":true,"nextPageToken":"unused"}"#)
    }
  }

  @Test("Changes of status tell when work began, when it was done, and how long each status was")
  func timeInStatus() async throws {
    func change(_ time: String, _ from: (Int, String), _ to: (Int, String)) -> String {
      #"""
      {"created":"\#(time)","items":[{"field":"assignee"},{"field":"status","fieldId":"status","from":"\#(from.0)","fromString":"\#(from.1)",
      "to":"\#(to.0)","toString":"\#(to.1)"}]}
      """#
    }
    let (toDo, progress, review, done) = ((1, "To Do"), (3, "In Progress"), (4, "Review"), (5, "Done"))
    // The order of the histories is arbitrary.
    let histories = [
      change("2026-11-24T16:00:00.000+0000", review, progress), change("2026-11-24T10:00:00.000+0000", toDo, progress),
      change("2026-11-24T18:00:00.000+0000", progress, done), change("2026-11-24T14:00:00.000+0000", progress, review),
    ]
    let issue = """
      {"id":"10002","key":"SHOP-12","fields":{"summary":"Pay","created":"2026-11-24T09:00:00.000+0100","updated":"2026-11-24T18:00:01.000+0000",
      "status":{"id":"5","name":"Done","statusCategory":{"key":"done"}},"resolution":{"name":"Fixed"},"issuetype":{"name":"Story"},
      "priority":{"name":"High"},"assignee":{"displayName":"Ann"},"reporter":{"displayName":"Tal"},"labels":["web"],
      "project":{"key":"SHOP"},"parent":{"key":"SHOP-1"}}}
      """
    let transport = Self.transport(
      "[\(issue)]", changes: #"[{"issueId":"10002","changeHistories":[\#(histories.joined(separator: ","))]}]"#)
    let source = try Self.source(transport)
    let page = try await source.page(of: "SHOP", after: nil, atMost: nil)
    #expect(page.next == nil)
    #expect(
      page.rows == [
        [
          "acme.atlassian.net", "SHOP", "2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z", "2026-11-24T18:00:00Z", "fixed", "36000",
          "10002",
          "Tal", "https://acme.atlassian.net/browse/SHOP-12", "Pay", "SHOP-12", "2026-11-24T18:00:01Z", "Story", "Done", "done",
          "High",
          "Ann", "web", "SHOP-1", "To Do=7200|In Progress=21600|Review=7200",
        ]
      ])
    #expect(page.rows[0].count == source.columns.count)
    #expect(transport.requests.allSatisfy { $0.headers["Authorization"] == "Basic dGFsOng=" })
  }

  @Test("An issue without changes, and one with almost nothing, give what they can")
  func sparse() async throws {
    let transport = Self.transport(
      #"[{"id":"1","key":"A-1","fields":{"created":"2026-11-30T00:00:00Z","status":{"id":"3","name":"In Progress"}}},{},null]"#)
    let rows = try await Self.source(transport).page(of: "A", after: nil, atMost: nil).rows
    #expect(rows.count == 2)
    #expect(rows[0][3] == "2026-11-30T00:00:00Z" && rows[0][4] == "" && rows[0].last == "In Progress=3200")
    #expect(rows[1][2] == "" && rows[1].last == "")
  }

  @Test("What is searched for")
  func search() async throws {
    let transport = Self.transport("[]")
    let period = RecordPeriod(
      since: Timestamp(rfc3339: "2026-11-02T00:00:00Z"), until: Timestamp(rfc3339: "2026-11-10T00:00:00Z"))
    let source = try Self.source(transport, search: "type = Bug", period: period)
    _ = try await source.page(of: "SHOP", after: "token", atMost: 7)
    let body = String(decoding: transport.requests[1].body, as: UTF8.self)
    let jql =
      #"project = \"SHOP\" AND (type = Bug) AND created >= \"2026-11-01\" AND created <= \"2026-11-12\" ORDER BY created DESC, key DESC"#
    #expect(body.hasPrefix(#"{"jql":"\#(jql)","maxResults":7,"nextPageToken":"token","fields":["#), "\(body)")
    #expect(try await Self.source(transport, projects: [], search: "type = Bug").containers().names == ["type = Bug"])
  }

  @Test("Changes of status that lead to themselves have an end")
  func circle() async throws {
    let transport = TransportFake { request in
      if request.url.hasSuffix("/status") { return .json("[]") }
      if request.url.hasSuffix("/changelog/bulkfetch") { return .json(#"{"issueChangeLogs":[],"nextPageToken":"x"}"#) }
      return .json(#"{"issues":[{"id":"1","fields":{}}],"isLast":true}"#)
    }
    let error = await #expect(throws: APIError.self) {
      try await Self.source(transport).page(of: "SHOP", after: nil, atMost: nil)
    }
    #expect(error?.code == .malformed)
  }
}
