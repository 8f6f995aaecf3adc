import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("Delivery reports")
struct ReportHandlerTests {
  private static let base = "/api/v1/reports/"

  private static func get(
    _ path: String, _ query: [(name: String, value: String)] = ReportSamples.window, settings: [String] = []
  ) throws -> (status: Int, body: String) {
    QuerySamples.get(try ReportSamples.handler(ReportSamples.history(), settings), path, query)
  }

  private static func json(
    _ path: String, _ query: [(name: String, value: String)] = ReportSamples.window, settings: [String] = []
  ) throws -> [String: Any] {
    let (status, body) = try get(path, query, settings: settings)
    try #require(status == 200, "\(path): \(body)")
    return try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
  }

  private static func groups(_ answer: [String: Any]) throws -> [[String: Any]] {
    try #require(answer["groups"] as? [[String: Any]])
  }

  private static func metrics(_ answer: [String: Any]) throws -> [String: [String: Any]] {
    try #require(try groups(answer).first?["metrics"] as? [String: [String: Any]])
  }

  /// Follows an address of an answer.
  private static func follow(_ address: String) throws -> [String: Any] {
    let parts = address.split(separator: "?", maxSplits: 1).map(String.init)
    var query: [(name: String, value: String)] = []
    for part in parts[1].split(separator: "&") {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = try #require(PercentEncoding.decode(sides[1]))
      query.append((String(sides[0]), value))
    }
    return try json(parts[0], query)
  }

  // MARK: Numbers

  @Test("The five metrics of a known history")
  func dora() throws {
    let answer = try Self.json(Self.base + "dora")
    #expect(
      answer["window"] as? [String: String] == ["from": "2026-01-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "timeZone": "UTC"])
    let group = try #require(try Self.groups(answer).first)
    #expect(try Self.groups(answer).count == 1)
    for name in ["service", "repository", "team", "environment"] { #expect(group[name] is NSNull, "\(name)") }
    let metrics = try Self.metrics(answer)
    let leadTime = try #require(metrics["lead_time"])
    // The first release of each service brings nothing.
    #expect(leadTime["median_seconds"] as? Double == 36_000)
    #expect(leadTime["p95_seconds"] as? Double == 36_000)
    #expect(leadTime["n"] as? Int == 4)
    let frequency = try #require(metrics["deployment_frequency"])
    #expect(frequency["deploys"] as? Int == 6)
    #expect(abs((frequency["per_day"] as? Double ?? 0) - 6.0 / 90) < 1e-12)
    #expect(frequency["median_days_per_week"] is NSNumber)
    let failRate = try #require(metrics["change_fail_rate"])
    #expect(failRate["failed"] as? Int == 1)
    #expect(failRate["total"] as? Int == 6)
    #expect(abs((failRate["ratio"] as? Double ?? 0) - 1.0 / 6) < 1e-12)
    let rules = try #require(failRate["rules"] as? [[String: Any]])
    #expect(rules.count == 1)
    #expect(rules[0]["rule"] as? String == "incident" && rules[0]["count"] as? Int == 1)
    let recovery = try #require(metrics["failed_deployment_recovery_time"])
    #expect(recovery["median_seconds"] as? Double == 14_400.0)
    #expect(recovery["open"] as? Int == 0)
    #expect(metrics["rework_rate"]?["ratio"] as? Double == 0)
    // Nothing is known of the three months before.
    #expect(answer["previous_window"] is NSNull)
    for name in metrics.keys { #expect(metrics[name]?["previous"] is NSNull, "\(name)") }
  }

  @Test("A period before the beginning of history is compared with as little as none; CSV keeps its columns")
  func unknownPeriod() throws {
    let end = ReportSamples.time(day: 60, hour: 0).rfc3339
    func window(_ day: Int) -> [(name: String, value: String)] {
      [("from", ReportSamples.time(day: day, hour: 0).rfc3339), ("to", end)]
    }
    for report in ["dora", "lead-time", "flow", "reviews", "pipelines", "incidents"] {
      let unknown = try Self.json(Self.base + report, window(0))
      #expect(unknown["previous_window"] is NSNull, "\(report)")
    }
    // History begins within the 30 days before.
    let known = try Self.json(Self.base + "dora", window(30))
    #expect(known["previous_window"] is [String: Any])
    let leadTime = try #require(try Self.metrics(known)["lead_time"])
    #expect((leadTime["previous"] as? [String: Any])?["n"] as? Int == 1)
    let header = try Self.get(Self.base + "dora", window(30) + [("format", "csv")]).body.prefix { $0 != "\r\n" && $0 != "\n" }
    let unknown = try Self.get(Self.base + "dora", window(0) + [("format", "csv")]).body.prefix { $0 != "\r\n" && $0 != "\n" }
    #expect(header == unknown)
  }

  @Test("Groups, trends and time zones divide the same releases")
  func divisions() throws {
    let byService = try Self.groups(try Self.json(Self.base + "dora", ReportSamples.window + [("group-by", "service")]))
    #expect(byService.map { $0["service"] as? String } == ["cart", "till"])
    let byTeam = try Self.json(
      Self.base + "dora", ReportSamples.window + [("group-by", "team")], settings: ["--teams=a=cart,acme/*;b=till"])
    #expect(try Self.groups(byTeam).map { $0["team"] as? String } == ["a", "b"])
    let trend = try Self.groups(
      try Self.json(Self.base + "dora", ReportSamples.window + [("bucket", "month"), ("time-zone", "Europe/Berlin")]))
    let buckets = try #require(trend[0]["trend"] as? [[String: Any]])
    #expect(buckets.count == 4 || buckets.count == 3)
    let counts = buckets.compactMap {
      (($0["metrics"] as? [String: Any])?["deployment_frequency"] as? [String: Any])?["deploys"] as? Int
    }
    #expect(counts.reduce(0, +) == 6)
    let cart = try Self.json(Self.base + "dora", ReportSamples.window + [("service", "cart")])
    #expect(try Self.groups(cart)[0]["service"] as? String == "cart")
    #expect(try Self.metrics(cart)["deployment_frequency"]?["deploys"] as? Int == 3)
    let none = try Self.metrics(try Self.json(Self.base + "dora", ReportSamples.window + [("compare", "none")]))
    #expect(none["lead_time"]?["previous"] is NSNull)
  }

  @Test("The settings of the daemon decide what production is and which rules apply")
  func settings() throws {
    let staging = try Self.metrics(
      try Self.json(Self.base + "dora", settings: ["--production=stag*", "--failure-rules=rollback", "--verdict-after=1h"]))
    #expect(staging["deployment_frequency"]?["deploys"] as? Int == 6)
    #expect(staging["lead_time"]?["median_seconds"] as? Double == 25_200.0)
    #expect(staging["change_fail_rate"]?["failed"] as? Int == 0)
    let rules = try Self.metrics(try Self.json(Self.base + "dora", ReportSamples.window + [("rules", "revert,hotfix")]))
    #expect(rules["change_fail_rate"]?["failed"] as? Int == 0)
    for mistake in [
      "--teams=shop", "--teams==x", "--teams=a=", "--failure-rules=luck", "--time-zone=Mars/Olympus", "--verdict-after=x",
    ] {
      #expect(throws: SettingsError.self, "\(mistake)") { try ReportSamples.handler(ReportSamples.history(), [mistake]) }
    }
  }

  // MARK: Evidence

  @Test("Every number leads to as many rows as it counts, in pages of any size", arguments: ReportKind.allCases)
  func evidence(kind: ReportKind) throws {
    for query in [[], [("bucket", "month")], [("group-by", "repository")]] as [[(name: String, value: String)]] {
      guard query.allSatisfy({ parameter in kind.parameters.contains { $0.name == parameter.name } }) else { continue }
      guard !kind.metrics.isEmpty else { continue }
      let answer = try Self.json(Self.base + kind.rawValue, ReportSamples.window + query)
      for group in try Self.groups(answer) {
        let own = try #require(group["metrics"] as? [String: [String: Any]])
        let buckets = (group["trend"] as? [[String: Any]])?.compactMap { $0["metrics"] as? [String: [String: Any]] } ?? []
        for (name, metric) in ([own] + buckets).flatMap({ $0.map { ($0.key, $0.value) } }) {
          guard let address = metric["evidence"] as? String else {
            #expect(kind == .pipelines && ["runs", "run_time", "queue_time"].contains(name), "\(name): roll-ups keep no rows")
            continue
          }
          let expected = try #require(metric["n"] as? Int)
          let all = try Self.follow(address)
          #expect((all["rows"] as? [Any])?.count == expected, "\(name): \(address)")
          #expect(all["total"] as? Int == expected, "\(name): \(address)")
          var (count, next) = (0, nil as String?)
          let limit = max(1, (expected + 2) / 3)
          repeat {
            let page = try Self.follow("\(address)&limit=\(limit)" + (next.map { "&cursor=\(PercentEncoding.encode($0))" } ?? ""))
            count += (page["rows"] as? [Any])?.count ?? 0
            next = page["next"] as? String
          } while next != nil && count <= expected
          #expect(count == expected, "\(name)")
        }
      }
    }
  }

  @Test("A row of evidence says what it is, why it counts, and whether its span is gone")
  func rows() throws {
    let failed = try Self.json(
      Self.base + "dora/change-fail-rate/evidence", ReportSamples.window + [("part", "rule:incident")])
    let row = try #require((failed["rows"] as? [[String: Any]])?.first)
    let deploy = ReportSamples.id(.deploy, 5)
    #expect(row["key"] as? String == ReportSamples.key(of: deploy).description)
    #expect(row["name"] as? String == "item 2005")
    #expect(row["traceID"] as? String == TraceID(root: ReportSamples.key(of: deploy)).description)
    #expect(row["verdict"] as? String == "failed")
    #expect(row["reasons"] as? [String] == ["incident"])
    #expect(row["incidents"] as? [String] == [ReportSamples.key(of: ReportSamples.id(.incident, 1)).description])
    #expect(row["span_kept"] as? Bool == false)
    let leftOut = try Self.json(Self.base + "dora/lead-time/evidence", ReportSamples.window + [("part", "left-out")])
    #expect(leftOut["total"] as? Int == 0)
  }

  // MARK: CSV

  @Test("CSV holds the numbers of the JSON, one row for each group or bucket", arguments: ReportKind.allCases)
  func csv(kind: ReportKind) throws {
    guard !kind.metrics.isEmpty else { return }
    for query in [[], [("group-by", "repository")], [("bucket", "week")]] as [[(name: String, value: String)]] {
      guard query.allSatisfy({ parameter in kind.parameters.contains { $0.name == parameter.name } }) else { continue }
      let answer = try Self.json(Self.base + kind.rawValue, ReportSamples.window + query)
      let (status, body) = try Self.get(Self.base + kind.rawValue, ReportSamples.window + query + [("format", "csv")])
      #expect(status == 200)
      let lines = body.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
      let isTrend = query.first?.name == "bucket"
      let rows = try Self.groups(answer).flatMap { group -> [[String: [String: Any]]] in
        let own = group["metrics"] as? [String: [String: Any]]
        let trend = (group["trend"] as? [[String: Any]])?.compactMap { $0["metrics"] as? [String: [String: Any]] }
        return isTrend ? trend ?? [] : [own].compactMap { $0 }
      }
      #expect(lines.count == rows.count + 1)
      #expect(Set(lines.map(\.count)).count == 1, "every row has the same columns")
      for (line, metrics) in zip(lines.dropFirst(), rows) {
        for (metric, values) in metrics {
          for (name, value) in values {
            let column = try #require(
              ["left_out"].contains(name) || value is [Any] || value is [String: Any] || (name == "previous")
                ? 0 : lines[0].firstIndex(of: "\(metric)_\(name)"), "\(metric)_\(name)")
            guard column > 0 else { continue }
            switch value {
            case is NSNull: #expect(line[column].isEmpty, "\(metric)_\(name)")
            case let text as String: #expect(line[column] == text)
            case let number as NSNumber:
              let shown = line[column] == "true" ? 1 : line[column] == "false" ? 0 : Double(line[column])
              // The parser of the test rounds in its last digit.
              let distance = abs((shown ?? .infinity) - number.doubleValue)
              #expect(distance <= 1e-12 * number.doubleValue.magnitude, "\(metric)_\(name)")
            default: Issue.record("\(metric)_\(name) is \(value)")
            }
          }
        }
      }
    }
  }

  @Test("Each list of ageing is CSV too, the issues by default", arguments: [nil, "items", "statuses", "reviews"])
  func ageingLists(list: String?) throws {
    let answer = try Self.json(Self.base + "ageing", ReportSamples.window)
    let rows = try #require(answer[list ?? "items"] as? [[String: Any]])
    let query = ReportSamples.window + [("format", "csv")] + (list.map { [("list", $0)] } ?? [])
    let (status, body) = try Self.get(Self.base + "ageing", query)
    #expect(status == 200)
    let lines = body.split(separator: "\n").map(String.init)
    #expect(lines.count == rows.count + 1)
    #expect(!rows.isEmpty)
    let columns = Set((lines.first ?? "").split(separator: ",").map { $0 == "trace_id" ? "traceID" : String($0) })
    #expect(columns == Set(rows[0].keys))
  }

  @Test("Lists are CSV too, with formulas made harmless and the next page in a header")
  func lists() throws {
    let handler = try ReportSamples.handler()
    let query = ReportSamples.window + [("format", "csv"), ("limit", "4")]
    let response = handler.respond(to: HTTPRequest(method: "GET", path: Self.base + "changes", query: query))
    let body = String(decoding: response.body, as: UTF8.self)
    #expect(response.status == 200)
    #expect(response.headers["Content-Type"] == "text/csv; charset=utf-8")
    #expect(body.hasPrefix("key,name,address,trace_id,span_kept,state,"))
    let link = try #require(response.headers["Link"])
    #expect(link.hasPrefix("<\(Self.base)changes?from=") && link.hasSuffix(">; rel=\"next\""))
    let all = try Self.get(Self.base + "changes", ReportSamples.window + [("format", "csv")]).body
    #expect(all.contains("\"'=HYPERLINK(\"\"https://evil.example\"\")\""), "\(all)")
    let deploys = try Self.json(Self.base + "deploys")
    #expect(deploys["total"] as? Int == 6)
    let everywhere = try Self.json(Self.base + "deploys", ReportSamples.window + [("environment", "*")])
    #expect(everywhere["total"] as? Int == 12)
  }

  // MARK: Parameters

  @Test(
    "A mistake in a parameter is answered 400, and says what the parameter takes",
    arguments: [
      ("dora", "groupby", "service", "groupby is no parameter of this report; known are from, to, since"),
      ("dora", "group-by", "author", "one of service, repository, team, environment"),
      ("dora", "group-by", "team", "--teams names no team"), ("dora", "team", "shop", "--teams names none"),
      ("dora", "since", "soon", "a duration such as 90d"), ("dora", "since", "90d", "no from beside it"),
      ("dora", "bucket", "year", "one of day, week, month"), ("dora", "time-zone", "Mars", "Europe/Berlin"),
      ("dora", "lead-time-from", "push", "one of commit, opened, merged"), ("dora", "bots", "maybe", "include or exclude"),
      ("dora", "rules", "luck", "some of incident, rollback, revert, hotfix, failed"), ("dora", "service", "", "a name"),
      ("dora", "compare", "last", "previous, year, none"), ("dora", "format", "xml", "json or csv"),
      ("dora", "limit", "5", "limit is no parameter"), ("flow", "group-by", "service", "repository or team"),
      ("deploys", "limit", "0", "a number from 1 to 1000"), ("deploys", "cursor", "nowhere", "cursor"),
      ("forecast", "items", "none", "a number from 1"), ("forecast", "by", "tomorrow", "a date such as 2026-03-01"),
      ("changes", "state", "gone", "one of open, merged, abandoned"),
      ("dora/lead-time/evidence", "part", "half", "counted, left-out"),
      ("dora/lead-time/evidence", "part", "left-out:rain", "clock"),
      ("dora/change-fail-rate/evidence", "part", "rule:luck", "rule:incident"),
      ("dora/lead-time/evidence", "order", "oldest", "newest or largest"),
      ("dora/lead-time/evidence", "bucket-start", "2026-01-01T00:00:00Z", "bucket"),
    ])
  func mistakes(path: String, name: String, value: String, says: String) throws {
    let (status, body) = try Self.get(Self.base + path, ReportSamples.window + [(name, value)])
    #expect(status == 400)
    #expect(body.contains(says), "\(body)")
  }

  @Test("A window must not end before it begins, and a forecast needs a question")
  func windows() throws {
    let backwards = [(name: "from", value: ReportSamples.end.rfc3339), (name: "to", value: ReportSamples.begin.rfc3339)]
    #expect(try Self.get(Self.base + "dora", backwards).status == 400)
    #expect(try Self.get(Self.base + "dora", ReportSamples.window + [("from", ReportSamples.begin.rfc3339)]).status == 400)
    #expect(try Self.get(Self.base + "forecast").body.contains("items"))
    // 90 days up to now are the default.
    let window = try Self.json(Self.base + "dora", [])["window"] as? [String: String]
    #expect(window?["from"] == "2026-01-01T00:00:00Z")
    let since = try Self.json(Self.base + "dora", [("since", "24h")])["window"] as? [String: String]
    #expect(since?["from"] == "2026-03-31T00:00:00Z")
  }

  @Test("Unknown reports and metrics are not found, and the answer names those that there are")
  func unknown() throws {
    let report = try Self.get(Self.base + "velocity")
    #expect(report.status == 404)
    #expect(report.body.contains("dora, lead-time, deploys"))
    let metric = try Self.get(Self.base + "dora/velocity/evidence")
    #expect(metric.status == 404)
    #expect(metric.body.contains("lead-time, deployment-frequency"))
    #expect(try Self.get(Self.base + "deploys/rows/evidence").status == 404)
    #expect(try Self.get(Self.base + "dora/lead-time").status == 404)
  }

  @Test("Reports wait for facts, and say how far facts are computed")
  func progress() throws {
    let isAsked = Mutex(false)
    var facts = ReportSamples.history()
    facts.progress = FactProgress(remainingSubjects: 12, waitingBatches: 3, firstDay: FactDay(ReportSamples.begin))
    let handler = try ReportSamples.handler(facts) { isAsked.withLock { $0 = true } }
    let body = QuerySamples.get(handler, Self.base + "dora", []).body
    #expect(isAsked.withLock { $0 })
    #expect(
      body.contains(#""facts":{"since":"2026-01-01T00:00:00Z","complete":false,"remaining_items":12,"waiting_batches":3}"#))
  }
}
