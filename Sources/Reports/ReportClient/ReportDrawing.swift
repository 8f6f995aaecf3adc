import Charts
import FoundationEssentials
import ValueStreamCore

/// The charts of a report that are not a number over time: they are those of vsd's pages.
package enum ReportDrawing: String, CaseIterable, Sendable {
  /// A number of the report over time, for reports with groups.
  case trend
  /// The stages of lead time by group.
  case stages
  /// The flow time of each issue with lines at percentiles.
  case scatter
  case throughput
  case cumulativeFlow = "cumulative-flow"
  /// Open issues by status and age.
  case ageing
  case forecast

  /// The charts of a report, the usual one first.
  package static func kinds(of report: ReportName) -> [ReportDrawing] {
    switch report {
    case .dora, .reviews: [.trend]
    case .leadTime: [.trend, .stages]
    case .flow: [.trend, .scatter, .throughput, .cumulativeFlow]
    case .ageing: [.ageing]
    case .forecast: [.forecast]
    case .pipelines, .incidents, .deploys, .changes: []
    }
  }

  /// What the chart shows, in a phrase.
  package var help: String {
    switch self {
    case .trend: "a number over time"
    case .stages: "the mean time in each stage"
    case .scatter: "the flow time of each item"
    case .throughput: "items done a week"
    case .cumulativeFlow: "items created, begun and done by day"
    case .ageing: "open items by status and age"
    case .forecast: "the days by which items are done"
    }
  }

  /// Returns the chart as an SVG document.
  ///
  /// - Throws: ``ReportError`` if vsd does not answer, or if there is nothing to draw.
  package func svg(of query: ReportQuery, title: String, note: String, from client: ReportClient) async throws(ReportError)
    -> String
  {
    var query = query
    // Only stages have a row for each group.
    if self != .stages { query.set("group-by", nil) }
    let json = try await client.json(of: query)
    let data = Data(json)
    switch self {
    case .trend: throw ReportError(.rejected, "a trend is drawn from rows")
    case .stages:
      return try decode(Groups<LeadTimeGroup>.self, data, client) { answer in
        StageChart(title: title, note: note, rows: answer.groups.map(\.row)).plot
      }
    case .throughput:
      return try decode(Groups<FlowGroup>.self, data, client) { $0.groups.first?.throughput(title, note) }
    case .cumulativeFlow:
      return try decode(Groups<FlowGroup>.self, data, client) { $0.groups.first?.cumulativeFlow(title, note, $0.window) }
    case .ageing: return try decode(Ageing.self, data, client) { $0.plot(title, note) }
    case .forecast: return try decode(Forecast.self, data, client) { $0.plot(title, note) }
    case .scatter:
      var evidence = query
      evidence.evidence = "flow-time"
      let rows = try await client.rows(of: evidence)
      return try decode(Groups<FlowGroup>.self, data, client) { $0.groups.first?.scatter(title, note, $0.window, rows) }
    }
  }

  private func decode<Answer: Decodable>(
    _ type: Answer.Type, _ data: Data, _ client: ReportClient, _ draw: (Answer) -> Plot?
  ) throws(ReportError) -> String {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let answer = try? decoder.decode(type, from: data) else {
      throw ReportError(.unreadable, "\(client.place) answered something that is no such report: is that a vsd of this version?")
    }
    guard let plot = draw(answer), !plot.marks.isEmpty else {
      throw ReportError(.rejected, "there is nothing to draw in this window")
    }
    return plot.svg
  }

  // MARK: Answers

  private struct Window: Decodable {
    var from: String
    var to: String

    var axis: TimeAxis { TimeAxis(from: Timestamp(rfc3339: from) ?? .epoch, to: Timestamp(rfc3339: to) ?? .epoch) }
  }

  private struct Groups<Group: Decodable>: Decodable {
    var window: Window
    var groups: [Group]
  }

  private struct LeadTimeGroup: Decodable {
    var service: String?
    var repository: String?
    var team: String?
    var environment: String?
    var metrics: Metrics
    var leadTimeMeanSeconds: Double?
    var stageMeans: [Mean]

    struct Metrics: Decodable {
      var leadTime: LeadTime
    }
    struct LeadTime: Decodable {
      var medianSeconds: Double?
      var n: Int
    }
    struct Mean: Decodable {
      var stage: String
      var meanSeconds: Double?
    }

    private static let kinds: [String: StageChart.Kind] = [
      "coding": .work, "deploy": .work, "review": .mixed, "pickup": .waiting, "merge": .waiting, "release": .waiting,
    ]

    var row: StageChart.Row {
      let name = [service, repository, team, environment].compactMap { $0 }.joined(separator: " ")
      let median = metrics.leadTime.medianSeconds
      let known = stageMeans.map {
        StageChart.Stage(name: $0.stage, kind: Self.kinds[$0.stage] ?? .mixed, seconds: max(0, $0.meanSeconds ?? 0))
      }
      let rest = (leadTimeMeanSeconds ?? 0) - known.reduce(0) { $0 + $1.seconds }
      return StageChart.Row(
        name: name.isEmpty ? "all" : name,
        detail: "\(metrics.leadTime.n) changes" + (median.map { ", median \(PlotText.duration($0))" } ?? ""),
        stages: known + (rest > 60 ? [StageChart.Stage(name: "not known", kind: .unknown, seconds: rest)] : []), median: median)
    }
  }

  private struct FlowGroup: Decodable {
    var flowTimePercentiles: [Percentile]
    var cumulativeFlow: [Day]
    var throughputBuckets: [Bucket]
    var throughputLimits: Limits?

    struct Percentile: Decodable {
      var percent: Int
      var seconds: Double
    }
    struct Day: Decodable {
      var to: String
      var partial: Bool
      var created: Int
      var started: Int
      var done: Int
    }
    struct Bucket: Decodable {
      var from: String
      var to: String
      var partial: Bool
      var count: Int
      var outside: Bool?
    }
    struct Limits: Decodable {
      var mean: Double
      var lower: Double
      var upper: Double
    }

    func throughput(_ title: String, _ note: String) -> Plot {
      let bars = throughputBuckets.compactMap { bucket -> BarTimeChart.Bar? in
        guard let from = Timestamp(rfc3339: bucket.from), let to = Timestamp(rfc3339: bucket.to) else { return nil }
        return BarTimeChart.Bar(
          from: from, to: to, value: Double(bucket.count), isPartial: bucket.partial, isOutside: bucket.outside ?? false)
      }
      return BarTimeChart(
        title: "\(title): throughput", note: note, unit: "items", bars: bars, mean: throughputLimits?.mean,
        limits: throughputLimits.map { $0.lower...max($0.lower, $0.upper) }
      ).plot
    }

    func cumulativeFlow(_ title: String, _ note: String, _ window: Window) -> Plot {
      CumulativeFlowChart(
        title: "\(title): cumulative flow", note: note, axis: window.axis,
        days: cumulativeFlow.compactMap { day in
          Timestamp(rfc3339: day.to).map {
            CumulativeFlowChart.Day(
              end: $0, created: day.created, started: day.started, done: day.done, isPartial: day.partial)
          }
        }
      ).plot
    }

    func scatter(_ title: String, _ note: String, _ window: Window, _ rows: ReportRows) -> Plot? {
      guard let time = rows.columns.firstIndex(of: "time"), let value = rows.columns.firstIndex(of: "value") else { return nil }
      let name = rows.columns.firstIndex(of: "name")
      return CycleTimeChart(
        title: "\(title): flow time of each item", note: note, axis: window.axis,
        items: rows.rows.compactMap { row in
          guard let end = Timestamp(rfc3339: row[time]), let seconds = Double(row[value]) else { return nil }
          return CycleTimeChart.Item(time: end, seconds: seconds, name: name.map { row[$0] } ?? "an item")
        }, limits: flowTimePercentiles.map { CycleTimeChart.Limit(percent: $0.percent, seconds: $0.seconds) }
      ).plot
    }
  }

  private struct Ageing: Decodable {
    var items: [Item]
    var statuses: [Status]

    struct Item: Decodable {
      var name: String?
      var key: String?
      var type: String?
      var status: String?
      var ageSeconds: Double
      var blocked: Bool
      var band: String?
    }
    struct Status: Decodable {
      var status: String
      var open: Int
      var p50Seconds: Double?
      var p70Seconds: Double?
      var p85Seconds: Double?
      var p95Seconds: Double?
    }

    private static let bands = ["<p50", "p50", "p70", "p85", "p95"]
    private static let columnLimit = 8

    func plot(_ title: String, _ note: String) -> Plot {
      let columns = statuses.filter { $0.open > 0 }.prefix(Self.columnLimit)
      let types = Dictionary(grouping: items) { $0.type ?? "" }.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
      let signs = Dictionary(uniqueKeysWithValues: zip(types.map(\.key), ["●", "■", "▲", "◆"]))
      return AgeingChart(
        title: title, note: note,
        columns: columns.map { status in
          AgeingChart.Column(
            name: status.status.isEmpty ? "no status" : status.status, detail: "\(status.open) open",
            bands: [status.p50Seconds, status.p70Seconds, status.p85Seconds, status.p95Seconds].compactMap { $0 })
        },
        items: items.compactMap { item in
          guard let column = columns.firstIndex(where: { $0.status == item.status ?? "" }) else { return nil }
          return AgeingChart.Item(
            column: column, seconds: item.ageSeconds, name: item.name ?? item.key ?? "an item",
            band: item.band.flatMap { Self.bands.firstIndex(of: $0) }, sign: signs[item.type ?? ""] ?? "✚",
            isBlocked: item.blocked)
        }
      ).plot
    }
  }

  private struct Forecast: Decodable {
    var history: Window
    var when: When?
    var howMany: HowMany?

    struct When: Decodable {
      var items: Int
      var days: [Day]
    }
    struct Day: Decodable {
      var percent: Int
      var date: String?
    }
    struct HowMany: Decodable {
      var days: Int
      var items: [Count]
    }
    struct Count: Decodable {
      var percent: Int
      var items: Int
    }

    func plot(_ title: String, _ note: String) -> Plot? {
      if let when {
        let days = when.days.compactMap { day in
          day.date.flatMap { Timestamp(rfc3339: $0) }.map { ForecastChart.Day(percent: day.percent, date: $0) }
        }
        return ForecastChart(
          title: "\(title): when \(when.items) items are done", note: note, now: history.axis.to, days: days
        ).plot
      }
      return howMany.map { howMany in
        CategoryBarChart(
          title: "\(title): items done in \(howMany.days) days", note: note,
          bars: howMany.items.map { .init(name: "\($0.percent) %", value: Double($0.items), text: "\($0.items)") }
        ).plot
      }
    }
  }
}
