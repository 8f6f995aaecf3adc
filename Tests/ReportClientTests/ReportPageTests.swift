import Foundation
import ReportClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The printed page of all reports")
struct ReportPageTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static let csv: [String: String] = [
    "dora": """
    service,lead_time_median_seconds,lead_time_n,lead_time_coverage,lead_time_previous_median_seconds,change_fail_rate_ratio,change_fail_rate_n
    ,198720,34,0.829268,250560,0.1,41

    """,
    "dora by service": """
    service,lead_time_median_seconds,lead_time_n,change_fail_rate_ratio,change_fail_rate_n
    shop<script>,90000,30,0.1,40
    search,7200,4,0,1

    """,
    "dora by week": """
    from,to,partial,lead_time_median_seconds,lead_time_n,deployment_frequency_deploys,change_fail_rate_ratio
    2026-10-05T00:00:00Z,2026-10-12T00:00:00Z,false,90000,4,12,0.25
    2026-10-12T00:00:00Z,2026-10-19T00:00:00Z,false,,0,0,
    2026-10-19T00:00:00Z,2026-10-26T00:00:00Z,true,43200,9,20,0

    """,
    "ageing": "key,name,status,age_seconds\njira:1,\"PAY-1 & \"\"co\"\"\",In Progress,864000\njira:2,PAY-2,Blocked,3600\n",
    "flow by week": "from,to,partial,throughput_items\n2026-10-05T00:00:00Z,2026-10-12T00:00:00Z,false,7\n",
    "other": "service,whole_median_seconds,whole_n\n,3600,5\n",
  ]

  private static let left =
    #"{"groups":[{"metrics":{"lead_time":{"n":34,"left_out":[{"reason":"clock","count":1},{"reason":"first_commit_unknown","count":6}]}}}]}"#

  private static func answer(_ request: HTTPTransportRequest) -> HTTPResponse {
    guard request.url.contains("format=csv") else { return .json(request.url.contains("/dora") ? left : #"{"groups":[]}"#) }
    let name = request.url.split(separator: "?")[0].split(separator: "/").last ?? ""
    let view = request.url.contains("group-by=service") ? " by service" : request.url.contains("bucket=week") ? " by week" : ""
    var response = HTTPResponse.json(csv["\(name)\(view)"] ?? csv["other"] ?? "")
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    return response
  }

  private static func page(_ transport: TransportFake) async throws -> String {
    var query = ReportQuery(.leadTime)
    query.set("team", "web <& co>")
    query.set("service", "shop")
    query.set("lead-time-from", "merged")
    let client = ReportClient(server: "http://vsd.example", token: nil, transport: transport)
    return try await ReportPage(of: query, window: "2026-09-01 to 2026-12-01", from: client).html
  }

  @Test("has every report with its charts, and says what is left out")
  func whole() async throws {
    let transport = TransportFake(Self.answer)
    let html = try await Self.page(transport)
    Golden.expect(html, matches: "\(Self.folder)/report.html")
    for title in [
      "Delivery metrics", "Lead time for changes", "Flow of issues", "Age of open work", "Reviews", "Pipelines", "Incidents",
    ] {
      #expect(html.contains("<h2>\(title)</h2>"))
    }
    #expect(html.contains("<li>Lead time: 6 left out, first commit unknown</li>"))
    // Each report is asked only what it takes.
    for url in transport.requests.map(\.url) {
      #expect(url.contains("team=web"))
      let (hasServices, hasLeadTimes) = (url.contains(/\/(dora|lead-time|incidents)\?/), url.contains(/\/(dora|lead-time)\?/))
      #expect(url.contains("service=shop") == hasServices, "\(url)")
      #expect(url.contains("lead-time-from") == hasLeadTimes, "\(url)")
    }
  }

  @Test("is one file without scripts, in which names are text")
  func safe() async throws {
    let html = try await Self.page(TransportFake(Self.answer))
    #expect(!html.contains("<script") && html.contains("shop&lt;script&gt;") && html.contains("web &lt;&amp; co&gt;"))
    #expect(html.matches(of: /(?:src|href)=/).isEmpty && !html.contains("url(") && !html.contains("@import"))
    let ids = html.matches(of: /\bid="([^"]*)"/).map { String($0.output.1) }
    #expect(!ids.isEmpty && Set(ids).count == ids.count)
    let parser = XMLReading(html.replacing(/<!doctype html>|<meta [^>]*>/, with: ""))
    #expect(parser.problem == nil, "\(parser.problem ?? "")")
  }

  @Test("is not written if vsd refuses")
  func refused() async throws {
    let transport = TransportFake { request in
      request.url.contains("/flow") ? .json(#"{"detail": "no"}"#, status: 400) : Self.answer(request)
    }
    await #expect(throws: ReportError.self) { try await Self.page(transport) }
  }
}

/// Checks that elements are nested and closed.
private struct XMLReading {
  var problem: String?

  init(_ text: String) {
    var open: [String] = []
    for match in text.matches(of: /<(\/?)([a-zA-Z0-9]+)[^>]*?(\/?)>/) {
      let name = String(match.output.2)
      if match.output.1 == "/" {
        guard open.popLast() == name else {
          problem = "</\(name)> closes another element"
          return
        }
      } else if match.output.3 != "/" {
        open.append(name)
      }
    }
    if let last = open.last { problem = "<\(last)> is not closed" }
  }
}
