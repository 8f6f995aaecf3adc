import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/lead-time`: where the time goes between the first commit and production.
struct LeadTimePage {
  private let page: MetricContext
  private static let slowestCount = 15
  private static let groupLimit = 16

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .leadTime)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "lead-time") { return data }
    let query = LeadTimeQuery(
      frame: page.frame, scope: page.question.scope, buckets: .week, slowest: Self.slowestCount, settings: page.settings)
    let grouping = page.division(services: true)
    let (report, groups, events) = try LeadTimeReport.divided(query, by: grouping, from: page.facts)
    let divided = groups.filter { $0.leadTime.current.summary.n > 0 }.sorted {
      ($1.leadTime.current.summary.n, $0.key.name ?? "") < ($0.leadTime.current.summary.n, $1.key.name ?? "")
    }
    guard let group = report.groups.first, group.leadTime.current.summary.population.coverage != nil else {
      let obstacle = try LeadTimeObstacle(page)
      return try page.page(title: "Lead time") { html in
        try page.writeNothing(obstacle.sentence, obstacle.reasons, &html)
      }
    }
    guard group.leadTime.current.summary.n > 0 else { return try pageOfLeftOut(group) }
    let subjects = try page.subjects(group.slowest.flatMap { [$0.change, $0.deploy] })
    return try page.page(title: "Lead time", hasTypes: true) { html in
      try page.writeHeading(Self.sentence(group), &html) { html in
        html.text(" From the first commit to the end of the first release that brought the change.")
      }
      html.element(.section, .classes("tiles")) { html in writeTiles(group, &html) }
      writeStages(group, divided, grouping, &html)
      writeTrend(group, TimelineEvents(events, now: page.now), &html)
      writeDistribution(group, &html)
      writeSlowest(group.slowest, subjects, &html)
    }
  }

  /// The page of a period whose changes are all left out: there is no time to divide.
  private func pageOfLeftOut(_ group: LeadTimeReport.Group) throws -> HTTPResponse {
    let count = group.leadTime.current.summary.population.leftOut.reduce(0) { $0 + $1.count }
    return try page.page(title: "Lead time", hasTypes: true) { html in
      try page.writeHeading(
        count == 1
          ? "The only change that reached production is left out"
          : "All \(Wording.grouped(Int64(count))) changes that reached production are left out", &html)
      html.element(.section, .classes("tiles single")) { html in writeLeadTime(group, &html) }
    }
  }

  private static func mean(_ stage: LeadTimeReport.Stage, _ group: LeadTimeReport.Group) -> Double {
    let count = group.leadTime.current.summary.n
    return count > 0 ? stage.totalSeconds / Double(count) : 0
  }

  private static func meanOfAll(_ group: LeadTimeReport.Group) -> Double { group.meanSeconds ?? 0 }

  /// The part of the mean lead time of which no stage is known.
  private static func unknown(_ group: LeadTimeReport.Group) -> Double {
    let rest = meanOfAll(group) - group.stages.reduce(0) { $0 + mean($1, group) }
    return rest > 60 ? rest : 0
  }

  private static func greatest(_ group: LeadTimeReport.Group) -> (stage: LeadTimeReport.Stage, share: Double)? {
    let all = meanOfAll(group) * Double(group.leadTime.current.summary.n)
    guard all > 0, let stage = group.stages.max(by: { $0.totalSeconds < $1.totalSeconds }) else { return nil }
    return (stage, stage.totalSeconds / all)
  }

  private static func sentence(_ group: LeadTimeReport.Group) -> String {
    guard let (stage, share) = greatest(group) else { return "Where the time goes" }
    let total = FigureUnit.duration(meanOfAll(group))
    return
      "\(stage.stage.title) takes the most: \(Int((share * 100).rounded())) % of the \(total) from first commit to production."
  }

  // MARK: Tiles

  private func writeLeadTime(_ group: LeadTimeReport.Group, _ html: inout HTMLWriter) {
    let summary = group.leadTime.current.summary
    FigureTile(
      title: "Lead time, median", unit: .duration, value: summary.median, before: group.leadTime.previous?.summary.median,
      beforeWord: page.question.beforeWord, isAlone: page.question.comparisonText == nil, isBetterWhenHigher: false,
      door: page.door(DORAMetric.leadTime.rawValue), counted: Wording.count(summary.n, "change"),
      population: summary.population, leftOut: page.leftOut(DORAMetric.leadTime.rawValue),
      remarks: summary.p85.map { ["85 % within \(FigureUnit.duration($0))"] } ?? [],
      trend: group.trend.map { FigureTile.Step(value: $0.summary.median, isPartial: $0.bucket.isPartial) }, isLine: true
    ).write(to: &html)
  }

  private func writeTiles(_ group: LeadTimeReport.Group, _ html: inout HTMLWriter) {
    writeLeadTime(group, &html)
    let greatest = group.stages.sorted { $0.totalSeconds > $1.totalSeconds }.prefix(4)
    for stage in group.stages where greatest.contains(where: { $0.stage == stage.stage }) {
      FigureTile(
        title: "\(stage.stage.title), median", unit: .duration, value: stage.current.median, before: stage.previous?.median,
        beforeWord: page.question.beforeWord, isAlone: page.question.comparisonText == nil, isBetterWhenHigher: false,
        door: page.door(stage.stage.rawValue), counted: Wording.count(stage.current.n, "change"),
        population: stage.current.population, leftOut: page.leftOut(stage.stage.rawValue),
        remarks: ["mean \(FigureUnit.duration(Self.mean(stage, group)))"]
      ).write(to: &html)
    }
  }

  // MARK: Stages

  private func row(_ name: String, _ group: LeadTimeReport.Group) -> StageChart.Row {
    var detail =
      Wording.count(group.leadTime.current.summary.n, "change") + ", mean \(FigureUnit.duration(Self.meanOfAll(group)))"
    if let median = group.leadTime.current.summary.median { detail += ", median \(FigureUnit.duration(median))" }
    if let (stage, share) = Self.greatest(group) {
      detail += ", most: \(stage.stage.rawValue), \(Int((share * 100).rounded())) %"
    }
    return StageChart.Row(
      name: name, detail: detail,
      stages: group.stages.map {
        StageChart.Stage(name: $0.stage.rawValue, kind: $0.stage.kind, seconds: Self.mean($0, group))
      } + [StageChart.Stage(name: "not known", kind: .unknown, seconds: Self.unknown(group))],
      median: group.leadTime.current.summary.median)
  }

  private func writeStages(
    _ group: LeadTimeReport.Group, _ divided: [LeadTimeReport.Group], _ grouping: Grouping, _ html: inout HTMLWriter
  ) {
    let shown = divided.count > 1 ? Array(divided.prefix(Self.groupLimit)) : []
    let groups = shown + [group]
    let chart = StageChart(
      title: "Stages by \(grouping.rawValue)", note: "mean of each stage, so that the stages add up",
      rows: groups.map { row($0.key.grouping == nil ? "All" : $0.key.name ?? "no \(grouping.rawValue)", $0) })
    html.element(.section) { html in
      html.sectionHeading("Which stage takes the time") { html in
        html.text("mean of each stage, so that stages add up · bar at the median · hatched grey: not known · ")
        html.key("pl-work", "work")
        html.key("pl-mixed", "work and wait")
        html.key("pl-waiting", "wait")
        if divided.count > Self.groupLimit { html.text(" · \(divided.count - Self.groupLimit) smaller ones are not shown") }
      }
      html.plot(chart.plot, classes: "wideless") { target in
        let (row, stage) = (target / 16, target % 16)
        guard groups.indices.contains(row), LeadTimeStage.allCases.indices.contains(stage) else { return nil }
        let key = groups[row].key
        return page.door(LeadTimeStage.allCases[stage].rawValue, grouping: key.grouping, group: key.name)
      }
      html.element(.div, .classes("sheet")) { html in
        html.scrollingTable("Stages", classes: "list") { html in
          html.tableHead(["Stage", ">Median", ">Before", ">85 %", ">95 %", ">Mean", ">Share", ">Changes", ">Left out"])
          html.element(.tbody) { html in
            let all = Self.meanOfAll(group) * Double(group.leadTime.current.summary.n)
            for stage in group.stages {
              let leftOut = stage.current.population.leftOut.reduce(0) { $0 + $1.count }
              html.element(.tr) { html in
                html.element(.th, .scope("row")) { html in
                  html.element(.a, .href(page.door(stage.stage.rawValue)), text: stage.stage.title)
                }
                for value in [stage.current.median, stage.previous?.median, stage.current.p85, stage.current.p95] {
                  html.element(.td, .classes("number"), text: FigureUnit.duration.text(value) ?? "–")
                }
                html.element(.td, .classes("number"), text: FigureUnit.duration(Self.mean(stage, group)))
                html.element(
                  .td, .classes("number"), text: all > 0 ? "\(Int((stage.totalSeconds / all * 100).rounded())) %" : "–")
                html.element(.td, .classes("number"), text: Wording.grouped(Int64(stage.current.n)))
                html.element(.td, .classes("number")) { html in
                  guard leftOut > 0 else { return html.text("–") }
                  html.element(
                    .a, .href(page.door(stage.stage.rawValue, part: "left_out")), text: Wording.grouped(Int64(leftOut)))
                }
              }
            }
          }
        }
      }
    }
  }

  // MARK: Trend and distribution

  private func writeTrend(_ group: LeadTimeReport.Group, _ events: TimelineEvents, _ html: inout HTMLWriter) {
    let chart = BandChart(
      title: "Lead time by week of release", note: DORAMetric.leadTime.trendNote,
      steps: group.trend.map { bucket in
        BandChart.Step(
          from: bucket.bucket.window.start, to: bucket.bucket.window.end, median: bucket.summary.median, p75: bucket.summary.p75,
          p95: bucket.summary.p95, isPartial: bucket.bucket.isPartial)
      }, events: events)
    html.element(.section) { html in
      html.sectionHeading("By week of release") { $0.text("\(DORAMetric.leadTime.trendNote) · │ release ◆ failed ▬ incident") }
      html.plot(chart.plot) { index in
        group.trend.indices.contains(index)
          ? page.door(DORAMetric.leadTime.rawValue, bucket: group.trend[index].bucket.window.start) : nil
      }
      html.chartTable("lead time by week", ["Week of", ">Median", ">75 %", ">95 %", ">Changes"]) { html in
        for bucket in group.trend {
          html.tableRow(
            Wording.day(bucket.bucket.window.start, now: page.now) + (bucket.bucket.isPartial ? ", partial" : ""),
            address: page.door(DORAMetric.leadTime.rawValue, bucket: bucket.bucket.window.start),
            numbers: [bucket.summary.median, bucket.summary.p75, bucket.summary.p95].map { FigureUnit.duration.text($0) ?? "–" }
              + [Wording.grouped(Int64(bucket.summary.n))])
        }
      }
    }
  }

  private func writeDistribution(_ group: LeadTimeReport.Group, _ html: inout HTMLWriter) {
    let first = group.distribution.firstIndex { $0.count > 0 } ?? 0
    let last = group.distribution.lastIndex { $0.count > 0 } ?? 0
    let bins = Array(group.distribution[min(first, group.distribution.count)..<min(last + 1, group.distribution.count)])
    guard bins.count > 1 else { return }
    func name(_ bin: DistributionBin) -> String {
      bin.upper.map { "up to \(PlotText.duration($0))" } ?? "\(PlotText.duration(bin.lower)) or more"
    }
    let chart = CategoryBarChart(
      title: "Distribution of lead time", note: "changes by lead time",
      bars: bins.map { CategoryBarChart.Bar(name: name($0), value: Double($0.count), text: "\($0.count)") })
    html.element(.section) { html in
      html.sectionHeading("Distribution") { $0.text("changes by lead time") }
      html.plot(chart.plot)
      html.chartTable("distribution of lead time", ["Lead time", ">Changes"]) { html in
        for bin in bins { html.tableRow(name(bin), numbers: [Wording.grouped(Int64(bin.count))]) }
      }
    }
  }

  private func writeSlowest(_ rows: [DeliveredChangeRow], _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    guard !rows.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("The slowest changes") { html in
        html.element(.a, .href(page.door(DORAMetric.leadTime.rawValue)), text: "all changes")
      }
      html.scrollingTable("The slowest changes", classes: "list") { html in
        html.tableHead(["Change", ">Lead time"] + LeadTimeStage.allCases.map { ">\($0.title)" } + ["Released", "By"])
        html.element(.tbody) { html in
          for row in rows {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { $0.subject(row.change, subjects) }
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(row.seconds) ?? "–")
              let most = row.stages.max { $0.value < $1.value }?.key
              for stage in LeadTimeStage.allCases {
                html.element(
                  .td, .classes(stage == most ? "number most" : "number"),
                  text: FigureUnit.duration.text(row.stages[stage]) ?? "–")
              }
              html.element(.td) { $0.time(row.released, now: page.now) }
              html.element(.td) { $0.subject(row.deploy, subjects, attempt: row.attempt) }
            }
          }
        }
      }
    }
  }
}

extension LeadTimeStage {
  var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

  /// Whether somebody works in the stage, or the change waits.
  var kind: StageChart.Kind {
    switch self {
    case .coding, .deploy: .work
    case .review: .mixed
    case .pickup, .merge, .release: .waiting
    }
  }
}

extension HTMLWriter {
  /// Writes a sample of a style of charts with its meaning.
  mutating func key(_ style: String, _ text: String) {
    element(.span, .classes("key")) { html in
      html.element(.svg, .width(.pixels(14)), .height(.pixels(10)), .isHidden) { html in
        html.element(.rect, .classes(style), .x(.pixels(0)), .y(.pixels(0)), .width(.pixels(14)), .height(.pixels(10)))
      }
      html.text(text)
    }
  }
}
