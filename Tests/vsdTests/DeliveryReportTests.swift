import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Reports that vsperf asks a vsd for")
struct DeliveryReportTests {
  private static let csv = """
    team,bucket,lead_time_median_seconds,lead_time_previous_median_seconds,lead_time_n,lead_time_coverage
    web,2026-10-05T00:00:00Z,198720,250560,34,0.829268
    web,2026-10-12T00:00:00Z,99360,,3,1

    """

  private static let evidence = "key,name,lead_time_seconds\ngithub:github.com:1:pull_request:7,acme/shop#7,3600\n"

  /// A vsd as far as reports go.
  private static func vsd() throws -> LoopbackReceiver {
    try LoopbackReceiver { _, request in
      if request.target.contains("team=nobody") {
        return .status(400, [:], #"{"title": "Bad Request", "detail": "team: there is no team \"nobody\""}"#)
      }
      guard request.target.contains("format=csv") else { return .status(200, [:], #"{"groups":[]}"#) }
      let text = request.target.contains("/evidence") ? evidence : csv
      return .status(200, ["Content-Type": "text/csv"], text)
    }
  }

  private static func run(_ arguments: String, at vsd: LoopbackReceiver, token: String? = nil) throws -> VSPerf.Result {
    try VSPerf.run(
      arguments.split(separator: " ").map(String.init) + ["--server", vsd.url],
      environment: token.map { ["VS_READ_TOKEN": $0] } ?? [:])
  }

  /// The flags of a report besides those that all reports have, and the parameters that they become.
  private static let own: [String: (flags: String, parameters: [String])] = {
    let scope = (" --service a --environment production", ["service=a", "environment=production"])
    let view = (" --group-by team --bucket week", ["group-by=team", "bucket=week"])
    let basis = (" --lead-time-from merged", ["lead-time-from=merged"])
    let both = (scope.0 + view.0 + basis.0, ["service=a", "environment=production"] + view.1 + basis.1)
    return [
      "dora": both, "lead-time": both, "flow": view, "reviews": view, "deploys": scope, "changes": scope, "incidents": scope,
      "pipelines": ("", []), "ageing": ("", []), "forecast": (" --items 20 --by 2026-12-24", ["items=20", "by=2026-12-24"]),
    ]
  }()

  @Test("are asked for with the window, the scope and the token", arguments: own.keys.sorted())
  func address(report: String) throws {
    let vsd = try Self.vsd()
    let own = try #require(Self.own[report])
    let result = try Self.run(
      "\(report) --from 2026-09-01 --to 2026-12-01T00:00:00Z --team web --repository b/c --time-zone Europe/Berlin"
        + " --with bots=exclude,limit=7\(own.flags)", at: vsd, token: "hunter2")
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output == Self.csv)
    let request = try #require(vsd.requests.first)
    let expected =
      [
        "from=2026-09-01T00%3A00%3A00Z", "to=2026-12-01T00%3A00%3A00Z", "team=web", "repository=b%2Fc",
        "time-zone=Europe%2FBerlin", "bots=exclude", "limit=7", "format=csv",
      ] + own.parameters
    let parts = request.target.split(separator: "?", maxSplits: 1)
    #expect(parts.first == "/api/v1/reports/\(report)")
    #expect(Set((parts.last ?? "").split(separator: "&").map(String.init)) == Set(expected))
    #expect(request.headers["Authorization"] == "Bearer hunter2")
  }

  @Test("have a window of 90 days that ends now, unless they are about now")
  func window() throws {
    let vsd = try Self.vsd()
    for (arguments, days) in [("dora", 90.0), ("dora --since 12h", 0.5), ("forecast", nil), ("ageing --since 7d", 7)] {
      let before = Date().timeIntervalSince1970.rounded(.down)
      #expect(try Self.run(arguments, at: vsd).exit == .code(0))
      let target = try #require(vsd.requests.last?.target)
      let times = try ["from", "to"].map { name in
        let match = target.firstMatch(of: try Regex("[?&]\(name)=([^&]*)", as: (Substring, Substring).self))
        return match.flatMap { PercentEncoding.decode($0.output.1) }.flatMap { Timestamp(rfc3339: $0) }
      }
      guard let days else {
        #expect(times == [nil, nil])
        continue
      }
      let (from, to) = (try #require(times[0]), try #require(times[1]))
      #expect(to.seconds(since: from) == days * 86_400)
      #expect(Double(to.seconds) >= before && Double(to.seconds) <= Date().timeIntervalSince1970)
    }
  }

  @Test("are printed in the format that is wanted, to a file too")
  func formats() throws {
    let vsd = try Self.vsd()
    let window = "--from 2026-09-01 --to 2026-12-01"
    let table = try Self.run("dora \(window) --format table --plot --chart-column lead_time_median_seconds", at: vsd)
    #expect(
      table.output == """
        Delivery metrics, 2026-09-01 to 2026-12-01

        Team  Bucket            Lead time    before         n
        web   2026-10-05 00:00    2 d 7 h  2 d 21 h  34 of 41
        web   2026-10-12 00:00    1 d 3 h         -         3

        Lead time median, 2026-10-05 to 2026-10-12
        web  █▅  up to 2 d 7 h

        """, "\(table.errors)")
    let alone = try Self.run("dora \(window) --format csv --compare none", at: vsd)
    #expect(!alone.output.contains("previous") && alone.output.contains("web,2026-10-12T00:00:00Z,99360,3,1"))
    #expect(try Self.run("dora --format json", at: vsd).output == #"{"groups":[]}"# + "\n")
    let rows = try Self.run("dora --evidence lead_time --format ndjson", at: vsd)
    #expect(
      rows.output
        == #"{"key":"github:github.com:1:pull_request:7","name":"acme/shop#7","lead_time_seconds":3600}"# + "\n")
    #expect(vsd.requests.last?.target.hasPrefix("/api/v1/reports/dora/lead-time/evidence?from=") == true)

    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vsperf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (text, chart) = (folder.appendingPathComponent("dora.md"), folder.appendingPathComponent("dora.svg"))
    let written = try Self.run("dora \(window) --format markdown --out \(text.path) --chart \(chart.path)", at: vsd)
    #expect(written.output == "" && written.exit == .code(0), "\(written.errors)")
    #expect(try String(contentsOf: text, encoding: .utf8).hasPrefix("| Team | Bucket | Lead time | before | n |\n"))
    #expect(try String(contentsOf: chart, encoding: .utf8).contains("<title id=\"title\">Delivery metrics</title>"))
    #expect(vsd.requests.last?.target.contains("bucket=week") == true)
  }

  private static let window = #""window": {"from": "2026-09-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "timeZone": "UTC"}"#

  /// What a vsd answers about the reports that have charts of their own.
  private static let answers: [String: String] = [
    "lead-time": #"""
    {\#(window), "groups": [{"team": "web", "metrics": {"lead_time": {"median_seconds": 90000, "n": 3}},
      "stage_means": [{"stage": "coding", "mean_seconds": 50000}, {"stage": "pickup", "mean_seconds": 40000},
        {"stage": "deploy", "mean_seconds": null}]}]}
    """#,
    "flow": #"""
    {\#(window), "groups": [{"flow_time_percentiles": [{"percent": 50, "seconds": 86400}, {"percent": 85, "seconds": 259200}],
      "cumulative_flow": [{"to": "2026-09-02T00:00:00Z", "partial": false, "created": 9, "started": 5, "done": 1},
        {"to": "2026-11-30T00:00:00Z", "partial": true, "created": 12, "started": 9, "done": 4}],
      "throughput_buckets": [{"from": "2026-09-07T00:00:00Z", "to": "2026-09-14T00:00:00Z", "partial": false, "count": 4,
        "outside": false}], "throughput_limits": {"mean": 4, "lower": 1, "upper": 7}}]}
    """#,
    "ageing": #"""
    {\#(window), "items": [{"name": "WEB-1", "type": "Bug", "status": "In Review", "age_seconds": 900000, "blocked": true,
      "band": "p95"}], "statuses": [{"status": "In Review", "open": 1, "p50_seconds": 86400, "p70_seconds": 172800,
      "p85_seconds": 259200, "p95_seconds": 604800}]}
    """#,
    "forecast": #"""
    {\#(window), "history": {"from": "2026-09-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "timeZone": "UTC"},
      "when": {"items": 5, "days": [{"percent": 85, "date": "2026-12-14T00:00:00Z"}]}, "how_many": null}
    """#,
  ]

  @Test(
    "are drawn as the charts of the pages",
    arguments: [
      ("lead-time --group-by team --chart-kind stages", "coding"), ("flow --chart-kind scatter", "p85 3 d"),
      ("flow --chart-kind throughput", "mean 4"), ("flow --chart-kind cumulative-flow --group-by team", "in progress 5"),
      ("ageing", "WEB-1"), ("forecast --items 5", "14 Dec"),
    ])
  func charts(arguments: String, shows: String) throws {
    let vsd = try LoopbackReceiver { _, request in
      let report = request.target.dropFirst("/api/v1/reports/".count).prefix { $0 != "?" && $0 != "/" }
      guard request.target.contains("format=csv") else { return .status(200, [:], Self.answers[String(report)] ?? "{}") }
      let rows = "key,name,time,value\nk,WEB-1,2026-10-01T00:00:00Z,345600\nk,WEB-2,2026-10-09T00:00:00Z,3600\n"
      return .status(200, ["Content-Type": "text/csv"], request.target.contains("/evidence") ? rows : Self.csv)
    }
    let chart = FileManager.default.temporaryDirectory.appendingPathComponent("vsperf-\(UUID().uuidString).svg")
    defer { try? FileManager.default.removeItem(at: chart) }
    let result = try Self.run("\(arguments) --chart \(chart.path)", at: vsd)
    #expect(result.exit == .code(0) && result.output == Self.csv, "\(result.errors)")
    let svg = try String(contentsOf: chart, encoding: .utf8)
    #expect(svg.hasPrefix("<svg ") && svg.contains(shows), "\(svg)")
    let grouped = vsd.requests.map(\.target).filter { !$0.contains("format=csv") && $0.contains("group-by") }
    #expect(grouped.isEmpty != arguments.contains("stages"))

    let empty = try LoopbackReceiver { _, request in
      request.target.contains("format=csv")
        ? .status(200, ["Content-Type": "text/csv"], Self.csv) : .status(200, [:], #"{"groups":[]}"#)
    }
    let refused = try Self.run("\(arguments) --chart \(chart.path)", at: empty)
    #expect(refused.exit == .code(65) && refused.output == "", "\(refused.errors)")
  }

  @Test("get the read token from a file, too")
  func tokenFile() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("vsperf-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try "hunter3\n".write(to: file, atomically: true, encoding: .utf8)
    let vsd = try Self.vsd()
    #expect(try Self.run("dora --read-token-file \(file.path)", at: vsd, token: "").exit == .code(0))
    #expect(vsd.requests.last?.headers["Authorization"] == "Bearer hunter3")
    #expect(try Self.run("dora", at: vsd, token: "").exit == .code(0))
    #expect(vsd.requests.last?.headers["Authorization"] == nil)
    let both = try Self.run("dora --read-token-file \(file.path)", at: vsd, token: "one")
    #expect(both.exit == .code(64) && both.errors.contains("are both set"), "\(both.errors)")
    let none = try Self.run("dora --read-token-file \(file.path).no", at: vsd)
    #expect(none.exit == .code(64) && none.errors.contains("cannot read the file"), "\(none.errors)")
  }

  @Test("are written to one page by vsperf report")
  func page() throws {
    let result = try Self.run("report --since 30d --team web", at: try Self.vsd())
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output.hasPrefix("<!doctype html>") && result.output.contains("<h2>Incidents</h2>"))
    let refused = try Self.run("report --team nobody", at: try Self.vsd())
    #expect(refused.exit == .code(69) && refused.output == "", "\(refused.errors)")
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    var arguments: String
    var code: Int32
    var says: String
    var testDescription: String { arguments }
  }

  @Test(
    "that cannot be given are a line that says why",
    arguments: [
      Mistake(arguments: "dora --since 30d --from 2026-01-01", code: 64, says: "--since and --from do not go together"),
      Mistake(arguments: "dora --from 2026-02-01 --to 2026-01-01", code: 64, says: "the window ends before it begins"),
      Mistake(arguments: "dora --group-by person", code: 64, says: "one of service, repository, team, environment"),
      Mistake(arguments: "ageing --bucket week", code: 64, says: "unknown flag --bucket"),
      Mistake(arguments: "dora --plot --format csv", code: 64, says: "--plot goes with --format=table"),
      Mistake(arguments: "dora --with items", code: 64, says: "a list such as items=20"),
      Mistake(arguments: "dora --since 0d", code: 64, says: "a duration such as"),
      Mistake(arguments: "dora --evidence lead-time --chart a.svg", code: 64, says: "--evidence has no chart"),
      Mistake(arguments: "dora --chart a.PNG", code: 64, says: "a file that ends in .svg"),
      Mistake(
        arguments: "flow --chart a.svg --chart-kind stages", code: 64, says: "one of trend, scatter, throughput, cumulative-flow"),
      Mistake(
        arguments: "lead-time --chart a.svg --chart-kind stages --chart-column n", code: 64,
        says: "--chart-column goes with --chart-kind=trend"),
      Mistake(arguments: "pipelines --chart a.svg", code: 64, says: "unknown flag --chart"),
      Mistake(arguments: "dora --team nobody", code: 69, says: #"answered 400: team: there is no team "nobody""#),
      Mistake(arguments: "dora --chart a.svg --chart-column no_such", code: 69, says: "has no number no_such over time to draw"),
    ])
  func mistakes(mistake: Mistake) throws {
    let result = try Self.run(mistake.arguments, at: try Self.vsd())
    #expect(result.exit == .code(mistake.code), "\(result.errors)")
    #expect(result.output == "")
    #expect(result.errors.contains(mistake.says), "\(result.errors)")
    #expect(result.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
  }

  @Test("need the address of a vsd that answers")
  func server() throws {
    let without = try VSPerf.run(["dora"])
    #expect(without.exit == .code(64))
    #expect(without.errors == "vsperf: which vsd? --server URL or VS_SERVER_URL; vsperf dora --help says more\n")
    let away = try Self.vsd()
    away.goAway()
    let result = try VSPerf.run(["dora"], environment: ["VS_SERVER_URL": away.url])
    #expect(result.exit == .code(69) && result.errors.hasPrefix("vsperf: cannot ask \(away.url): "), "\(result.errors)")
  }
}
