import Foundation
import ReportClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("A vsd that is asked for reports")
struct ReportClientTests {
  private static func client(_ transport: TransportFake) -> ReportClient {
    ReportClient(server: "http://vsd.example:5000", token: Secret("hunter2"), transport: transport)
  }

  private static func csv(_ text: String, link: String? = nil) -> HTTPResponse {
    var response = HTTPResponse.json(text)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Link"] = link
    return response
  }

  @Test("gets the parameters in the address, and the token")
  func address() async throws {
    let transport = TransportFake { _ in Self.csv("service,lead_time_n\nshop,3\n") }
    var query = ReportQuery(.leadTime)
    query.setWindow(from: Timestamp(seconds: 0), to: Timestamp(seconds: 86_400))
    query.set("service", "a b&c=d/é")
    query.set("team", "gone")
    query.set("team", nil)
    query.set("service", "shop & co")
    let rows = try await Self.client(transport).rows(of: query)
    #expect(rows == ReportRows(columns: ["service", "lead_time_n"], rows: [["shop", "3"]]))
    let request = try #require(transport.requests.first)
    #expect(
      request.url
        == "http://vsd.example:5000/api/v1/reports/lead-time?from=1970-01-01T00%3A00%3A00Z&to=1970-01-02T00%3A00%3A00Z&service=shop%20%26%20co&format=csv"
    )
    #expect(request.headers["Authorization"] == "Bearer hunter2")
    #expect(transport.requests.count == 1)
  }

  @Test("is asked for evidence page by page, and by the name of the metric in JSON or in addresses")
  func pages() async throws {
    let transport = TransportFake { request in
      request.url.contains("cursor=b%2F2")
        ? Self.csv("name\nthird\n")
        : Self.csv("name\nfirst\nsecond\n", link: "</a?format=csv&cursor=b%2F2>; rel=\"next\"")
    }
    let rows = try await Self.client(transport).rows(of: ReportQuery(.dora, evidence: "lead_time"))
    #expect(rows.rows == [["first"], ["second"], ["third"]])
    #expect(
      transport.requests.map(\.url) == [
        "http://vsd.example:5000/api/v1/reports/dora/lead-time/evidence?limit=1000&format=csv",
        "http://vsd.example:5000/api/v1/reports/dora/lead-time/evidence?limit=1000&cursor=b%2F2&format=csv",
      ])
  }

  @Test("is asked for one page if the query limits the rows")
  func onePage() async throws {
    let transport = TransportFake { _ in Self.csv("name\nfirst\n", link: "</a?cursor=2>; rel=\"next\"") }
    var query = ReportQuery(.deploys)
    query.set("limit", "1")
    #expect(try await Self.client(transport).rows(of: query).rows == [["first"]])
    #expect(transport.requests.map(\.url) == ["http://vsd.example:5000/api/v1/reports/deploys?limit=1&format=csv"])
  }

  struct Failure: Sendable, CustomTestStringConvertible {
    var response: HTTPResponse
    var code: ReportError.Code
    var says: [String]
    var testDescription: String { says[0] }
  }

  @Test(
    "that gives no report is named with the reason, in one line without secrets",
    arguments: [
      Failure(
        response: .json(#"{"title": "Bad Request", "detail": "time-zone: there is no Mars/Olympus"}"#, status: 400),
        code: .rejected, says: ["answered 400: time-zone: there is no Mars/Olympus"]),
      Failure(response: .json("{}", status: 401), code: .rejected, says: ["answered 401", "VS_READ_TOKEN"]),
      Failure(response: .json("no\nsuch page", status: 404), code: .rejected, says: ["answered 404: no such page", "version"]),
      Failure(response: .json("{}"), code: .unreadable, says: ["is that a vsd?"]),
      Failure(response: csv("a,b\n1\n"), code: .unreadable, says: ["line 2", "is that a vsd?"]),
      Failure(response: csv(""), code: .unreadable, says: ["is that a vsd?"]),
    ])
  func failure(_ failure: Failure) async throws {
    let client = ReportClient(
      server: "http://tal:hunter2@vsd.example", token: nil, transport: TransportFake { _ in failure.response })
    let error = await #expect(throws: ReportError.self) { try await client.rows(of: ReportQuery(.dora)) }
    let text = error.map(\.description) ?? ""
    #expect(error?.code == failure.code)
    for part in ["vsd.example"] + failure.says { #expect(text.contains(part), "\(text)") }
    #expect(!text.contains("hunter2") && !text.contains("\n"), "\(text)")
  }

  @Test("answers in JSON, which stays as it is")
  func json() async throws {
    let body = #"{"groups": [{"metrics": {}}]}"#
    let client = Self.client(TransportFake { _ in .json(body) })
    #expect(try await client.json(of: ReportQuery(.dora)) == Array(body.utf8))
    let other = Self.client(TransportFake { _ in .json("[1]") })
    await #expect(throws: ReportError.self) { try await other.json(of: ReportQuery(.dora)) }
  }
}
