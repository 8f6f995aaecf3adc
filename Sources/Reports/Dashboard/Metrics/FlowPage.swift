import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/flow`: how issues flow from the start of work to done.
struct FlowPage {
  private let page: MetricContext
  private static let itemLimit = 3000

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .flow)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "flow") { return data }
    let query = FlowQuery(frame: page.frame, scope: page.question.itemScope, settings: page.settings)
    let ((report, rows), events) = try ParallelReading.both(
      throwing: { [facts = page.facts] in
        try FlowReport.withEvidence(
          FlowEvidence(part: .flowTime(.counted)), query, from: facts, page: PageRequest(limit: Self.itemLimit))
      },
      { [page] in
        try page.events()
      })
    guard let group = report.groups.first, report.historyBegan != nil || group.current.load > 0 else {
      return try page.page(title: "Flow", hasServices: false, hasTypes: true) { html in
        try page.writeNothing(
          "No issue is known yet",
          [
            "Flow is about issues and other items of a tracker. Connect Jira, Trello, or the issue events of GitHub or GitLab.",
            "Trackers without statuses need an assignment or a change for the issue, which tells when work began.",
          ], &html)
      }
    }
    let slow = group.percentiles.first { $0.percent == 85 }?.seconds ?? 0
    let named = CycleTimeChart.named(rows.rows.map { $0.value ?? 0 }, above: slow)
    let subjects = try page.subjects(named.map { rows.rows[$0].id })
    return try page.page(title: "Flow", hasServices: false, hasTypes: true) { html in
      try page.writeHeading(sentence(group), hasServices: false, &html) { html in
        html.text(" Flow time runs from the first entry into a started status until done.")
      }
      html.element(.section, .classes("tiles")) { html in writeTiles(group, &html) }
      writeScatter(group, rows, subjects, events, &html)
      html.element(.div, .classes("halves")) { html in
        writeThroughput(group, events, &html)
        writeCumulativeFlow(group, events, &html)
      }
      html.element(.div, .classes("halves")) { html in
        writeTypes(group, &html)
        writeStatuses(group, &html)
      }
    }
  }

  private func sentence(_ group: FlowReport.Group) -> String {
    let current = group.current
    guard let median = current.flowTime.median else { return "Nothing was done in this period." }
    let p85 = group.percentiles.first { $0.percent == 85 }.map { ", 85 % within \(FigureUnit.duration($0.seconds))" } ?? ""
    return "Half of the items take up to \(FigureUnit.duration(median))\(p85)."
  }

  private func writeTiles(_ group: FlowReport.Group, _ html: inout HTMLWriter) {
    let (current, previous) = (group.current, group.previous)
    let (word, isAlone) = (page.question.beforeWord, page.question.comparisonText == nil)
    FigureTile(
      title: "Flow time, median", unit: .duration, value: current.flowTime.median, before: previous?.flowTime.median,
      beforeWord: word, isAlone: isAlone, isBetterWhenHigher: false, door: page.door("flow_time"),
      counted: Wording.count(current.flowTime.n, "item"), population: current.flowTime.population,
      leftOut: page.leftOut("flow_time")
    ).write(to: &html)
    FigureTile(
      title: "Time open, median", unit: .duration, value: current.openTime.median, before: previous?.openTime.median,
      beforeWord: word, isAlone: isAlone, isBetterWhenHigher: false, door: page.door("open_time"),
      counted: Wording.count(current.openTime.n, "item"), population: current.openTime.population,
      leftOut: page.leftOut("open_time"),
      remarks: ["from creation to done"] + (current.meanOpenSeconds.map { ["mean \(FigureUnit.duration($0))"] } ?? [])
        + (current.openTime.p85.map { ["85 % within \(FigureUnit.duration($0))"] } ?? [])
    ).write(to: &html)
    FigureTile(
      title: "Throughput", unit: .count, value: Double(current.throughput), before: page.before(previous?.throughput),
      beforeWord: word, isAlone: isAlone, isBetterWhenHigher: true, door: page.door("throughput"),
      counted: Wording.count(current.throughput, "item") + " done", population: Population(n: current.throughput), leftOut: nil,
      remarks: current.throughputPerDay.map { ["\(FigureUnit.rate.text($0) ?? "")"] } ?? [],
      trend: group.throughput.map { FigureTile.Step(value: Double($0.count), isPartial: $0.bucket.isPartial) }
    ).write(to: &html)
    FigureTile(
      title: "Items in progress", unit: .count, value: Double(current.load), before: page.before(previous?.load),
      beforeWord: word, isAlone: isAlone, isBetterWhenHigher: false, door: page.door("load"),
      counted: Wording.count(current.load, "item"), population: Population(n: current.load), leftOut: nil,
      remarks: current.averageLoad.map { ["mean of the period \($0.brief)"] } ?? [],
      trend: group.cumulativeFlow.enumerated().filter { $0.offset % 7 == 6 || $0.offset == group.cumulativeFlow.count - 1 }.map {
        FigureTile.Step(value: Double($0.element.inProgress), isPartial: $0.element.day.isPartial)
      }, trendName: "Each seventh day", isLine: true
    ).write(to: &html)
    let isKnown = current.efficiency != nil
    FigureTile(
      title: "Flow efficiency", unit: .share, value: current.efficiency, before: previous?.efficiency, beforeWord: word,
      isAlone: isAlone, isBetterWhenHigher: true, door: page.door("efficiency"),
      counted: Wording.count(current.efficiencyPopulation.n, "item"), population: current.efficiencyPopulation,
      leftOut: page.leftOut("efficiency"),
      remarks: isKnown ? [] : ["--active-statuses or --waiting-statuses tell vsd in which statuses somebody works"]
    ).write(to: &html)
  }

  // MARK: Charts

  private func writeScatter(
    _ group: FlowReport.Group, _ rows: EvidencePage, _ subjects: [FactID: FactSubject], _ events: TimelineEvents,
    _ html: inout HTMLWriter
  ) {
    let chart = CycleTimeChart(
      title: "Flow time of each item", note: "each dot is an item at the day it was done; logarithmic scale", axis: page.axis,
      items: rows.rows.map {
        CycleTimeChart.Item(time: $0.time, seconds: $0.value ?? 0, name: subjects[$0.id]?.name ?? "an item")
      },
      limits: group.percentiles.map { CycleTimeChart.Limit(percent: $0.percent, seconds: $0.seconds) }, events: events)
    html.element(.section) { html in
      html.sectionHeading("Flow time of each item") { html in
        html.text(
          "at the day it was done, logarithmic scale · lines: percentiles by nearest rank · │ release ◆ failed ▬ incident")
        if chart.isCrowded { html.text(" · a larger dot is several items") }
        if rows.total > rows.rows.count { html.text(" · the newest \(Wording.grouped(Int64(rows.rows.count)))") }
        html.element(.a, .href(page.door("flow_time")), text: "all \(Wording.count(rows.total, "item"))")
        let data = page.question.kept.with { $0.format = .csv }
        html.element(.a, .href(data.address(Address("reports", "flow_time"))), text: "as CSV")
      }
      if rows.rows.isEmpty { return html.element(.p, .classes("quiet"), text: "No item was done in this period.") }
      html.plot(chart.plot) { index in page.address(of: subjects[rows.rows[index].id]) }
      html.chartTable("percentiles, and the slowest items", ["Share or item", ">Flow time"]) { html in
        for percentile in group.percentiles {
          html.tableRow("\(percentile.percent) % of items", numbers: [FigureUnit.duration(percentile.seconds)])
        }
        for row in rows.rows.sorted(by: { ($0.value ?? 0) > ($1.value ?? 0) }).prefix(20) {
          guard let subject = subjects[row.id] else { continue }
          html.tableRow(subject.name, address: page.address(of: subject), numbers: [FigureUnit.duration.text(row.value) ?? "–"])
        }
      }
    }
  }

  private func writeThroughput(_ group: FlowReport.Group, _ events: TimelineEvents, _ html: inout HTMLWriter) {
    let limits = group.throughputLimits
    var chart = BarTimeChart(
      title: "Throughput by week", note: "items done a week; hatched: partial week; limits are those of natural variation",
      unit: "items",
      bars: group.throughput.map {
        BarTimeChart.Bar(
          from: $0.bucket.window.start, to: $0.bucket.window.end, value: Double($0.count), isPartial: $0.bucket.isPartial,
          isOutside: $0.isOutside ?? false)
      }, mean: limits?.mean, limits: limits.map { $0.lower...max($0.lower, $0.upper) })
    chart.events = events
    chart.height = 220
    html.element(.section) { html in
      html.sectionHeading("Throughput") {
        $0.text("items done a week · hatched: partial week · limits: mean ± 2.66 mean moving ranges")
      }
      html.plot(chart.plot) { index in
        group.throughput.indices.contains(index)
          ? page.door("throughput", bucket: group.throughput[index].bucket.window.start) : nil
      }
      html.chartTable("throughput by week", ["Week of", ">Items done", ">Outside the limits"]) { html in
        for bucket in group.throughput {
          html.tableRow(
            Wording.day(bucket.bucket.window.start, now: page.now) + (bucket.bucket.isPartial ? ", partial" : ""),
            address: page.door("throughput", bucket: bucket.bucket.window.start),
            numbers: ["\(bucket.count)", bucket.isOutside.map { $0 ? "yes" : "no" } ?? "–"])
        }
      }
    }
  }

  private func writeCumulativeFlow(_ group: FlowReport.Group, _ events: TimelineEvents, _ html: inout HTMLWriter) {
    let days = group.cumulativeFlow
    let chart = CumulativeFlowChart(
      title: "Cumulative flow", note: "items created, begun and done by day, of those not done before the period",
      axis: page.axis,
      days: days.map {
        CumulativeFlowChart.Day(
          end: $0.day.window.end, created: $0.created, started: $0.started, done: $0.done, isPartial: $0.day.isPartial)
      }, events: events)
    html.element(.section) { html in
      html.sectionHeading("Cumulative flow") { html in
        html.text("items not done before the period: created, begun, done")
        html.element(.a, .href(page.door("load")), text: "items in progress")
      }
      html.plot(chart.plot)
      html.chartTable("cumulative flow, each seventh day", ["Day", ">Created", ">Begun", ">Done", ">In progress"]) { html in
        for (index, day) in days.enumerated() where index % 7 == 6 || index == days.count - 1 {
          html.tableRow(
            Wording.day(day.day.window.start, now: page.now),
            numbers: [day.created, day.started, day.done, day.inProgress].map { Wording.grouped(Int64($0)) })
        }
      }
    }
  }

  // MARK: Tables

  private func writeTypes(_ group: FlowReport.Group, _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("By type") { $0.text("items done") }
      if group.distribution.isEmpty { return html.element(.p, .classes("quiet"), text: "Nothing was done.") }
      html.scrollingTable("Items done by type", classes: "list") { html in
        html.tableHead(["Type", ">Items", ">Share", "", ">Median", ">85 %"])
        html.element(.tbody) { html in
          for type in group.distribution {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { html in
                html.element(.a, .href(page.door("flow_time", part: "type:\(type.type ?? "")"))) {
                  $0.foreign(type.type ?? "unknown")
                }
              }
              html.element(.td, .classes("number"), text: Wording.grouped(Int64(type.count)))
              html.element(.td, .classes("number"), text: FigureUnit.share.text(type.share) ?? "")
              html.element(.td) { $0.shareBar(type.share) }
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(type.flowTime.median) ?? "–")
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(type.flowTime.p85) ?? "–")
            }
          }
        }
      }
    }
  }

  private static let statusLimit = 14

  private func writeStatuses(_ group: FlowReport.Group, _ html: inout HTMLWriter) {
    let all = group.timeInStatus.reduce(0) { $0 + $1.totalSeconds }
    html.element(.section) { html in
      html.sectionHeading("Time in status") { $0.text("of the items done, the longest first") }
      if group.timeInStatus.isEmpty {
        return html.element(.p, .classes("quiet"), text: "No statuses are known: this needs a tracker that has them.")
      }
      html.scrollingTable("Time in status", classes: "list") { html in
        html.tableHead(["Status", ">Share", "", ">Median", ">85 %", ">Items", "Kind"])
        html.element(.tbody) { html in
          for status in group.timeInStatus.prefix(Self.statusLimit) {
            let share = all > 0 ? status.totalSeconds / all : 0
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { html in
                if let name = status.status {
                  html.element(.a, .href(page.door("flow_time", part: "status:\(name)"))) { $0.foreign(name) }
                } else {
                  html.text("unknown")
                }
              }
              html.element(.td, .classes("number"), text: FigureUnit.share.text(share) ?? "")
              html.element(.td) { $0.shareBar(share, isWaiting: status.isActive == false) }
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(status.summary.median) ?? "–")
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(status.summary.p85) ?? "–")
              html.element(.td, .classes("number"), text: Wording.grouped(Int64(status.summary.n)))
              html.element(.td, text: status.isActive.map { $0 ? "work" : "wait" } ?? "")
            }
          }
        }
      }
    }
  }
}

extension HTMLWriter {
  /// Writes a bar whose length tells a share of 1. The number stands beside it.
  mutating func shareBar(_ share: Double, isWaiting: Bool = false) {
    element(.svg, .classes("share"), .width(.pixels(96)), .height(.pixels(10)), .isHidden) { html in
      html.element(
        .rect, .classes(isWaiting ? "pl-waiting" : "pl-bar"), .x(.pixels(0)), .y(.pixels(0)),
        .width(.share(min(1, max(0, share.isFinite ? share : 0)))), .height(.pixels(10)))
    }
  }
}
