import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/forecast`: when items will be done, and how many by a date, from the throughput of the last days.
struct ForecastPage {
  private let page: MetricContext
  private static let usualDays: Int64 = 30

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .forecast, taking: [.items, .by, .blackout, .seed])
  }

  /// What is asked: the number of items, the last day as text, days without work, and the seed.
  private struct Question {
    var items: Int
    var by: String
    var blackout: [String]
    var seed: Int
  }

  func respond() throws -> HTTPResponse {
    let scope = page.question.itemScope
    let open = try AgeingReport(
      AgeingQuery(frame: page.lastDay, scope: scope, settings: page.settings), from: page.facts
    ).population.n
    let asked = Question(
      items: page.state.items ?? max(1, open),
      by: page.state[.by] ?? Self.date(Timestamp(seconds: page.now.seconds + Self.usualDays * 86_400)),
      blackout: page.state[.blackout].map { $0.split(separator: ",").map { String($0.filter { $0 != " " }) } } ?? [],
      seed: page.state.seed ?? 1)
    if let data = page.data(
      of: "forecast",
      [
        ("items", "\(asked.items)"), ("by", asked.by),
        ("blackout", asked.blackout.isEmpty ? nil : asked.blackout.joined(separator: ",")), ("seed", "\(asked.seed)"),
      ])
    {
      return data
    }
    let report = try ForecastReport(
      ForecastQuery(
        frame: page.frame, scope: scope, items: asked.items, by: try day(asked.by, .by),
        blackoutDays: try asked.blackout.map { try day($0, .blackout) }, seed: UInt64(asked.seed), settings: page.settings),
      from: page.facts)
    let fields: (FilterForm, inout HTMLWriter) -> Void = { form, html in
      form.number(.items, "Items", placeholder: "\(asked.items)", &html)
      form.number(.by, "By", placeholder: asked.by, &html)
      form.text(.blackout, "Days off", placeholder: "none", &html)
      form.number(.seed, "Seed", placeholder: "1", &html)
    }
    return try page.page(
      title: "Forecast", hasServices: false, hasTypes: true, isCompared: false, hasWindow: false, fields: fields
    ) { html in
      guard !report.throughput.isEmpty else {
        return try page.writeNothing(
          "No finished item is known yet",
          [
            "A forecast draws from the days on which issues were done, at least five of them in the last 90 days.",
            "Issues come from Jira, Trello, or the issue events of GitHub or GitLab.",
          ], &html)
      }
      let window = "Throughput of \(TimeAxis.dateText(report.history.start)) to \(TimeAxis.dateText(report.history.end))"
      try page.writeHeading(
        sentence(report), window: window, hasServices: false, isCompared: false, &html
      ) { html in
        if report.refusal == nil { writeBasis(report, asked, open, &html) }
      }
      if report.refusal != nil { return writeRefusal(report, &html) }
      html.element(.div, .classes("halves")) { html in
        writeWhen(report, asked, &html)
        writeHowMany(report, asked, &html)
      }
      writeSample(report, &html)
    }
  }

  private static func date(_ time: Timestamp) -> String { String(time.rfc3339.prefix(10)) }

  /// The beginning of a day in the zone of reports.
  private func day(_ text: String, _ parameter: PageState.Parameter) throws(PageError) -> Timestamp {
    guard text.utf8.count == 10, let time = Timestamp(rfc3339: text + "T00:00:00Z") else {
      throw PageError(
        parameter, text, expected: parameter == .by ? "a day such as 2026-03-01" : "days such as 2026-12-24,2026-12-25")
    }
    return page.frame.zone.start(ofLocalDay: time.seconds / 86_400)
  }

  private func sentence(_ report: ForecastReport) -> String {
    guard report.refusal == nil, let when = report.when else { return "There is too little history to forecast." }
    guard let likely = when.days.first(where: { $0.percent == 85 }), let date = likely.date else {
      return "\(Wording.count(when.items, "item")) will take longer than the forecast looks ahead."
    }
    let items = when.items == 1 ? "the item is" : "all \(Wording.grouped(Int64(when.items))) items are"
    return "In 85 % of trials, \(items) done by \(weekday(of: date)) \(TimeAxis.dateText(date))."
  }

  /// The index of the weekday of a time in the zone of reports; 0 is Monday.
  private func weekdayIndex(of time: Timestamp) -> Int {
    // 1970-01-01 was a Thursday, so day 4 is a Monday.
    let day = page.frame.zone.localDay(of: time)
    return Int(((day + 3) % 7 + 7) % 7)
  }

  private func weekday(of time: Timestamp) -> String { Self.weekdays[weekdayIndex(of: time)] }

  /// True if nothing was done on a weekend of the sample.
  private func isWeekendIdle(_ report: ForecastReport) -> Bool {
    let first = weekdayIndex(of: report.history.start)
    return report.throughput.count >= 14
      && report.throughput.enumerated().allSatisfy { $0.element == 0 || ($0.offset + first) % 7 < 5 }
  }

  private func writeBasis(_ report: ForecastReport, _ asked: Question, _ open: Int, _ html: inout HTMLWriter) {
    if page.state.items == nil {
      html.text(" \(asked.items) is the number of ")
      html.element(.a, .href(page.question.kept.address(Address("ageing"))), text: "items in progress")
      html.text(" now; ask for another in the form above.")
    }
    html.text(
      " \(Wording.grouped(Int64(report.trials))) trials draw days from \(Wording.count(report.throughput.count, "day")) of throughput, zeros "
        + "included; tomorrow is day 1; seed \(report.seed). ")
    html.element(.a, .href(page.door("throughput")), text: Wording.count(report.population.n, "item") + " done")
    html.coverage(of: report.population, leftOut: nil)
    html.text(".")
    if isWeekendIdle(report) {
      html.text(
        " Nothing was done on a weekend, but trials draw days regardless of their weekday: read a date on a weekend as the Monday "
          + "after. Days off are for holidays to come; the zeros of weekends are in the sample already.")
    }
  }

  private func writeSampleLink(_ html: inout HTMLWriter) {
    html.element(.a, .href(page.door("throughput")), text: "items of the sample")
  }

  private func writeRefusal(_ report: ForecastReport, _ html: inout HTMLWriter) {
    let days = report.throughput.count { $0 > 0 }
    html.element(.div, .classes("empty")) { html in
      html.element(
        .p,
        text:
          "A forecast needs five days on which items were done. The last \(Wording.count(report.throughput.count, "day")) have "
          + "\(Wording.count(days, "such day")).")
      html.element(.p) { html in
        html.text("Is a tracker connected? See ")
        html.element(.a, .href(Address("connect")), text: "what is connected")
        html.text(", or widen the scope: ")
        html.element(.a, .href(page.address), text: "all items")
        html.text(".")
      }
    }
    writeSample(report, &html)
  }

  // MARK: Answers

  private func writeWhen(_ report: ForecastReport, _ asked: Question, _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("When are \(Wording.count(asked.items, "item")) done") {
        $0.text("share of trials that are done by the day")
        writeSampleLink(&$0)
      }
      guard let when = report.when else { return html.element(.p, .classes("quiet"), text: "Not asked.") }
      let days = when.days.compactMap { day in day.date.map { ForecastChart.Day(percent: day.percent, date: $0) } }
      if !days.isEmpty {
        html.plot(
          ForecastChart(
            title: "When \(Wording.count(asked.items, "item")) are done", note: "share of trials by day", now: page.now,
            days: days
          ).plot)
      }
      html.scrollingTable("When", classes: "list narrow") { html in
        html.tableHead([">Share of trials", ">In days", "By"])
        html.element(.tbody) { html in
          for day in when.days {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), .classes("number"), text: "\(day.percent) %")
              html.element(
                .td, .classes("number"), text: day.day.map { Wording.grouped(Int64($0)) } ?? "longer than trials look ahead")
              html.element(.td, text: day.date.map { "\(weekday(of: $0)) \(TimeAxis.dateText($0))" } ?? "")
            }
          }
        }
      }
      if let chance = when.chanceByDate {
        html.element(.p) { html in
          html.text("By \(asked.by), all \(asked.items) are done in ")
          html.element(.b, text: Self.text(chance))
          html.text(" of trials.")
        }
      }
    }
  }

  private static func text(_ chance: ForecastReport.Chance) -> String {
    chance.isAbove95 ? ">95 %" : "\(Int((chance.share * 100).rounded())) %"
  }

  private func writeHowMany(_ report: ForecastReport, _ asked: Question, _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("How many are done by \(asked.by)") { html in
        if let days = report.howMany?.days { html.text("in \(Wording.count(days, "day"))") }
        writeSampleLink(&html)
      }
      guard let howMany = report.howMany else { return html.element(.p, .classes("quiet"), text: "That day is past.") }
      html.plot(
        CategoryBarChart(
          title: "How many items are done by \(asked.by)", note: "at least so many, by share of trials",
          bars: howMany.counts.map {
            CategoryBarChart.Bar(name: "\($0.percent) %", value: Double($0.items), text: Wording.count($0.items, "item"))
          }
        ).plot)
      html.scrollingTable("How many", classes: "list narrow") { html in
        html.tableHead([">Share of trials", ">At least"])
        html.element(.tbody) { html in
          for count in howMany.counts {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), .classes("number"), text: "\(count.percent) %")
              html.element(.td, .classes("number"), text: Wording.count(count.items, "item"))
            }
          }
        }
      }
      if let chance = howMany.chanceOfItems {
        html.element(.p) { html in
          html.text("\(Wording.count(asked.items, "item")) or more are reached in ")
          html.element(.b, text: Self.text(chance))
          html.text(" of trials.")
        }
      }
    }
  }

  // MARK: Sample

  private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  /// Shows the days that trials draw from, a column for each week.
  private func writeSample(_ report: ForecastReport, _ html: inout HTMLWriter) {
    guard !report.throughput.isEmpty else { return }
    let first = page.frame.zone.localDay(of: report.history.start)
    let shift = weekdayIndex(of: report.history.start)
    let weeks = (shift + report.throughput.count + 6) / 7
    var values = [[Int?]](repeating: [Int?](repeating: nil, count: weeks), count: 7)
    for (index, count) in report.throughput.enumerated() { values[(index + shift) % 7][(index + shift) / 7] = count }
    let names = (0..<weeks).map { week in TimeAxis.dayText(Timestamp(seconds: (first - Int64(shift) + Int64(week) * 7) * 86_400))
    }
    let mean = Double(report.throughput.reduce(0, +)) / Double(report.throughput.count)
    let chart = HeatMapChart(
      title: "Items done each day", note: "the sample that trials draw from", rows: Self.weekdays, columns: names, values: values,
      unit: "items")
    html.element(.section) { html in
      html.sectionHeading("The sample") { html in
        html.text(
          "items done on each day from \(TimeAxis.dateText(report.history.start)), a column for each week; mean \(mean.brief) a day"
        )
        writeSampleLink(&html)
      }
      html.plot(chart.plot)
      html.chartTable("items done by week", ["Week of", ">Items"]) { html in
        for week in 0..<weeks {
          html.tableRow(names[week], numbers: ["\(values.reduce(0) { $0 + ($1[week] ?? 0) })"])
        }
      }
    }
  }
}
