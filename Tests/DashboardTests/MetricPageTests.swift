import DeliveryMetrics
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Pages of delivery metrics")
struct MetricPageTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  static let pages: [(name: String, address: String)] = [
    ("overview", "/"), ("overview-scoped", "/?service=nothing"), ("report-lead-time", "/reports/lead_time"),
    ("report-left-out", "/reports/lead_time?part=left_out"), ("report-change-fail-rate", "/reports/change_fail_rate"),
    ("report-recovery", "/reports/failed_deployment_recovery_time"), ("overview-year", "/?compare=year"),
    ("lead-time", "/lead-time"), ("flow", "/flow"), ("ageing", "/ageing"),
    ("forecast", "/forecast?items=12&by=2026-04-01&seed=7"),
    ("reviews", "/reviews?compare=none"), ("pipelines", "/pipelines"), ("pipeline", "/pipelines/nightly%2Fbuild"),
    ("incidents", "/incidents"), ("report-flow-time", "/reports/flow_time?limit=10"),
    ("report-type", "/reports/flow_time?part=type%3Abug&limit=5"), ("report-first-response", "/reports/first_response?limit=5"),
    ("report-flaky", "/reports/flaky"), ("report-age", "/reports/age"),
    ("report-group", "/reports/review?group-by=service&group=site&limit=5"),
  ]

  /// Pages of metrics, and the report of the API that each is about.
  static let reports: [(path: String, report: String)] = [
    ("/", "dora"), ("/lead-time", "lead-time"), ("/flow", "flow"), ("/ageing", "ageing"),
    ("/forecast?items=12&by=2026-04-01&seed=7", "forecast"), ("/reviews", "reviews"), ("/pipelines", "pipelines"),
    ("/incidents", "incidents"),
  ]

  private static func samples() throws -> DashboardSamples {
    try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
  }

  @Test("each page of no facts says why it is empty and what to do", arguments: reports.map(\.path))
  func nothing(path: String) throws {
    let samples = try DashboardSamples([], hasDeliveries: false, reports: .init(facts: NoFacts(), settings: ReportSettings()))
    let address = String(path.prefix { $0 != "?" })
    let name = address == "/" ? "overview" : String(address.dropFirst())
    let html = Asset.all.reduce(samples.text(address)) { $0.replacingOccurrences(of: $1.hash, with: "HASH") }
    Golden.expect(html, matches: "\(Self.golden)/empty-\(name).html")
    try MarkupCheck(html).expectSafe()
    #expect(html.contains("href=\"/connect\""))
  }

  /// The members of an object of a report in the API.
  private static func members(_ samples: DashboardSamples, _ address: String) throws -> [String: Any] {
    let response = samples.get(address)
    try #require(response.status == 200, "\(address)")
    return try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
  }

  private static func metrics(_ samples: DashboardSamples, _ address: String) throws -> [String: [String: Any]] {
    let groups = try #require(try members(samples, address)["groups"] as? [[String: Any]])
    return try #require(groups.first?["metrics"] as? [String: [String: Any]])
  }

  @Test("each page answers as CSV and JSON, privately, with what the API answers", arguments: reports)
  func formats(path: String, report: String) throws {
    let samples = try Self.samples()
    let join = path.contains("?") ? "&" : "?"
    for format in ["json", "csv"] {
      let response = samples.get("\(path)\(join)format=\(format)")
      #expect(response.status == 200)
      #expect(response.headers["Cache-Control"] == "private, no-store")
      #expect(response.headers["Content-Type"]?.contains(format) == true)
      #expect(samples.text(path).contains("format=\(format)"))
    }
    let json = try Self.members(samples, "\(path)\(join)format=json")
    let window = try #require(json["window"] as? [String: Any])
    // Roll-ups count whole days.
    let end = report == "pipelines" ? "2026-03-11T00:00:00Z" : DashboardSamples.now.rfc3339
    #expect(window["to"] as? String == end)
  }

  @Test("every duration in a tile is the median that the API answers")
  func durations() throws {
    let samples = try Self.samples()
    let wanted: [(path: String, metrics: [String])] = [
      ("/lead-time", ["lead_time", "coding", "pickup", "merge"]), ("/flow", ["flow_time"]),
      ("/reviews", ["first_response", "ready_to_merge", "waiting_for_reviewer", "waiting_for_author"]),
      ("/pipelines", ["run_time", "queue_time"]),
      ("/incidents", ["time_to_resolve", "time_to_detect", "failed_deployment_recovery_time"]),
    ]
    for (path, names) in wanted {
      let metrics = try Self.metrics(samples, path + "?format=json")
      let html = samples.text(path)
      for name in names {
        let metric = try #require(metrics[name], "\(name)")
        let median = try #require(metric["median_seconds"] as? Double, "\(name)")
        #expect(html.contains("<p class=\"figure\">\(FigureUnit.duration(median))</p>"), "\(path) \(name)")
        // Roll-ups keep no rows.
        if path == "/pipelines" { continue }
        let n = try #require(metric["n"] as? Int)
        #expect(samples.text("/reports/\(name)").contains(">\(Wording.count(n, "row"))"), "\(name)")
      }
    }
  }

  @Test("every count in a tile is the one that the API answers, and as many rows are behind it")
  func counts() throws {
    let samples = try Self.samples()
    let wanted: [(path: String, metrics: [String])] = [
      ("/flow", ["throughput", "load"]), ("/pipelines", ["failed", "flaky", "rerun"]), ("/incidents", ["began"]),
    ]
    for (path, names) in wanted {
      let metrics = try Self.metrics(samples, path + "?format=json")
      let html = samples.text(path)
      for name in names {
        let count = try #require(metrics[name]?["count"] as? Int, "\(name)")
        #expect(count > 0, "\(name)")
        #expect(html.contains("<p class=\"figure\">\(count)</p>"), "\(path) \(name)")
        #expect(samples.text("/reports/\(name)").contains(">\(Wording.count(count, "row"))"), "\(name)")
      }
    }
    let unreviewed = try #require(try Self.metrics(samples, "/reviews?format=json")["unreviewed"])
    let ratio = try #require(unreviewed["ratio"] as? Double)
    #expect(samples.text("/reviews").contains("<p class=\"figure\">\(FigureUnit.share.text(ratio) ?? "")</p>"))
  }

  @Test("stages of the chart add up to the mean of the lead times, and their shares to one")
  func stages() throws {
    let samples = try Self.samples()
    let groups = try #require(try Self.members(samples, "/lead-time?format=json")["groups"] as? [[String: Any]])
    let stages = try #require(groups.first?["stage_means"] as? [[String: Any]])
    #expect(stages.count == LeadTimeStage.allCases.count)
    let mean = stages.compactMap { $0["mean_seconds"] as? Double }.reduce(0, +)
    let question = ReportQuestion(PageState(), ReportSettings(), now: DashboardSamples.now)
    let rows = try LeadTimeReport.evidence(
      LeadTimeEvidence(), LeadTimeQuery(frame: question.frame), from: SampleFacts(), page: PageRequest(limit: 1000)
    ).rows.compactMap(\.value)
    #expect((mean - rows.reduce(0, +) / Double(rows.count)).magnitude < 1)
    #expect((stages.compactMap { $0["ratio"] as? Double }.reduce(0, +) - 1).magnitude < 1e-9)
    let html = samples.text("/lead-time")
    #expect(html.contains("of the \(FigureUnit.duration(mean)) from first commit to production"))
    for stage in stages {
      #expect(html.contains(">\(FigureUnit.duration(try #require(stage["mean_seconds"] as? Double)))</td>"))
    }
  }

  @Test("percentiles, ages and forecasts of pages are those of the API")
  func lists() throws {
    let samples = try Self.samples()
    let groups = try #require(try Self.members(samples, "/flow?format=json")["groups"] as? [[String: Any]])
    let percentiles = try #require(groups.first?["flow_time_percentiles"] as? [[String: Any]])
    #expect(percentiles.compactMap { $0["percent"] as? Int } == [50, 70, 85, 95])
    let flow = samples.text("/flow")
    for row in percentiles { #expect(flow.contains(">\(FigureUnit.duration(try #require(row["seconds"] as? Double)))</td>")) }

    let items = try #require(try Self.members(samples, "/ageing?format=json")["items"] as? [[String: Any]])
    let ageing = samples.text("/ageing")
    #expect(items.count == 10)
    for item in items { #expect(ageing.contains(">\(FigureUnit.duration(try #require(item["age_seconds"] as? Double)))</td>")) }

    let address = "/forecast?items=12&by=2026-04-01&seed=7"
    let forecast = try Self.members(samples, address + "&format=json")
    let days = try #require((forecast["when"] as? [String: Any])?["days"] as? [[String: Any]])
    let counts = try #require((forecast["how_many"] as? [String: Any])?["items"] as? [[String: Any]])
    let html = samples.text(address)
    for day in days { #expect(html.contains("<td class=\"number\">\(try #require(day["days"] as? Int))</td>")) }
    for count in counts { #expect(html.contains(">\(Wording.count(try #require(count["items"] as? Int), "item"))</td>")) }
  }

  @Test("the forecast says its day with the weekday, and how to read one on a weekend")
  func forecastDay() throws {
    let html = try Self.samples().text("/forecast?items=12&by=2026-04-01&seed=7")
    let heading = try #require(html.components(separatedBy: "<h1>").last?.prefix { $0 != "<" })
    #expect(
      heading.contains(#/^In 85 % of trials, all 12 items are done by (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+ 2026\.$/#),
      "\(heading)")
    #expect(!html.contains("Nothing was done on a weekend"), "the sample has items on weekends")
    #expect(html.contains("name=\"blackout\" value=\"\" placeholder=\"none\""))
  }

  @Test("the flaky attempts of workflows are those of their jobs, and add up to the tile")
  func flaky() throws {
    let samples = try Self.samples()
    let html = samples.text("/pipelines")
    let metrics = try Self.metrics(samples, "/pipelines?format=json")
    let count = try #require(metrics["flaky"]?["count"] as? Int)
    let workflows = try #require(
      html.components(separatedBy: "<h2>Workflows</h2>").last?.components(separatedBy: "<h2>Jobs</h2>").first)
    let inJobs = workflows.matches(of: #/>(\d+) in jobs</#).compactMap { Int($0.output.1) }
    #expect(inJobs.reduce(0, +) == count && count > 0)
  }

  @Test("every kind of link on the pages of metrics leads to a page")
  func doors() throws {
    let samples = try Self.samples()
    var seen: Set<String> = []
    for page in Self.pages {
      for part in samples.text(page.address).components(separatedBy: "href=\"").dropFirst() {
        let address = String(part.prefix { $0 != "\"" }).replacing("&amp;", with: "&")
        // Items of the sample facts have no spans. One link of each page with the same parameters is enough.
        let isItem = ["/traces/", "/assets/", "/changes/", "/deploys/"].contains { address.hasPrefix($0) }
        let kind = address.replacing(/=[^&:]*/, with: "=")
        guard address.hasPrefix("/"), !isItem, seen.insert(kind).inserted else { continue }
        let response = samples.get(address)
        #expect(response.status == 200, "\(address) of \(page.address)")
      }
    }
    #expect(seen.count > 60, "\(seen.count)")
  }

  @Test("scope, window and comparison stay in the links to other pages of metrics")
  func keptScope() throws {
    let samples = try Self.samples()
    let html = samples.text("/flow?repository=SITE&from=2026-01-01&to=2026-03-01&compare=year")
    #expect(html.contains("href=\"/reviews?repository=SITE&amp;from=2026-01-01&amp;to=2026-03-01&amp;compare=year\""))
    #expect(html.contains("compared with the same period a year before"))
    #expect(samples.text("/flow?service=site").contains("this page ignores that part of the scope"))
    #expect(samples.text("/flow?service=site").contains("<input type=\"hidden\" name=\"service\" value=\"site\">"))
    #expect(samples.get("/flow?team=none").status == 400)
  }

  @Test("each page of fixed facts", arguments: pages.map(\.name))
  func golden(name: String) throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    let page = try #require(Self.pages.first { $0.name == name })
    let html = Asset.all.reduce(samples.text(page.address)) { $0.replacingOccurrences(of: $1.hash, with: "HASH") }
    Golden.expect(html, matches: "\(Self.golden)/\(name).html")
    try MarkupCheck(html).expectSafe()
  }

  @Test("the figures of the tiles are those of the report, and each leads to its rows")
  func figures() throws {
    let facts = SampleFacts()
    let samples = try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings()))
    let question = ReportQuestion(PageState(), ReportSettings(), now: DashboardSamples.now)
    let group = try #require(try DORAReport(question.dora, from: facts).groups.first)
    let html = samples.text("/")
    for metric in DORAMetric.allCases {
      let figure = metric.text(metric.value(in: group)) ?? "not known"
      #expect(html.contains("<p class=\"figure\">\(figure)</p>"), "\(metric)")
      #expect(html.contains("href=\"/reports/\(metric.rawValue)\""))
      let rows = try DORAReport.evidence(DORAEvidence(metric), question.dora, from: facts, page: PageRequest(limit: 1))
      #expect(samples.text("/reports/\(metric.rawValue)").contains(Wording.count(rows.total, "row")))
    }
    #expect(group.leadTime.current.summary.population.leftOut == [LeftOut(reason: .clock, count: 1)])
    #expect(html.contains("1 left out"))
    #expect(html.contains("Six questions, by project"))
  }

  @Test("pages of evidence show every row once")
  func paging() throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    var rows = 0
    var address: String? = "/reports/lead_time?limit=20"
    var pages = 0
    while let next = address, pages < 10 {
      let html = samples.text(next)
      rows += html.components(separatedBy: "<tr><td><time").count - 1
      pages += 1
      let links = html.components(separatedBy: "<a rel=\"next\" href=\"").dropFirst()
      address = links.first.map { (link: String) -> String in String(link.prefix { $0 != "\"" }).replacing("&amp;", with: "&") }
    }
    #expect(rows == 44)
    #expect(pages == 3)
  }

  @Test("hostile texts stay texts", arguments: HTMLWriterTests.hostile)
  func hostile(text: String) throws {
    let samples = try DashboardSamples(
      text: { _ in text }, reports: .init(facts: SampleFacts { _ in text }, settings: ReportSettings()))
    let variants: Set<String> = [
      "overview-scoped", "overview-year", "report-left-out", "report-recovery", "report-type", "report-group",
    ]
    for page in Self.pages where !variants.contains(page.name) { try MarkupCheck(samples.text(page.address)).expectSafe() }
    try MarkupCheck(samples.text("/?service=" + PercentEncoding.encode(text))).expectSafe()
  }

  @Test("a week with few days does not set the scale of bars")
  func partialWeek() {
    func bars(_ steps: [FigureTile.Step]) -> [String] {
      var html = HTMLWriter()
      FigureTile(
        title: "Deployment frequency", unit: .rate, counted: "3 releases", population: Population(), trend: steps
      ).write(to: &html)
      return String(decoding: html.bytes, as: UTF8.self).split(separator: "<rect").dropFirst().compactMap {
        $0.split(separator: " height=\"").dropFirst().first.map { String($0.prefix { $0 != "\"" }) }
      }
    }
    let whole = [1, 2].map { FigureTile.Step(value: $0, isPartial: false) }
    #expect(bars(whole + [FigureTile.Step(value: 9, isPartial: true)]) == ["20", "40", "40"])
    #expect(bars([FigureTile.Step(value: 9, isPartial: true), FigureTile.Step(value: 18, isPartial: true)]) == ["20", "40"])
  }

  @Test("without facts there is neither overview nor report, and no link to them")
  func without() throws {
    let samples = try DashboardSamples()
    #expect(samples.get("/").status == 404)
    #expect(samples.get("/reports/lead_time").status == 404)
    for page in Self.reports { #expect(samples.get(page.path).status == 404) }
    #expect(!samples.text("/changes").contains("Overview"))
    #expect(samples.dashboard.paths.contains("/changes") && !samples.dashboard.paths.contains("/"))
  }

  @Test(
    "wrong questions are said",
    arguments: [
      ("/reports/nothing", 404), ("/?from=x", 400), ("/reports/lead_time?part=x", 400), ("/reports/lead_time?place=x", 400),
      ("/?compare=x", 400), ("/flow?team=x", 400), ("/forecast?items=0", 400), ("/forecast?by=tomorrow", 400),
      ("/forecast?blackout=x", 400), ("/pipelines/none", 404), ("/flow?items=3", 400), ("/reports/age?place=x", 400),
      ("/reports/flow_time?group-by=service", 400), ("/reports/flow_time?bucket-start=2026-01-01", 400), ("/flow/x", 404),
    ])
  func wrong(address: String, status: Int) throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    #expect(samples.get(address).status == status)
  }
}
