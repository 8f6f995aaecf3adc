import Aggregates

/// All reports of a vsd on one page of HTML that prints on A4 and needs nothing from outside.
package struct ReportPage: Sendable {
  /// A report on the page.
  private struct Section: Sendable {
    var title: String
    var explanation: String
    var charts: [String] = []
    var tables: [(caption: String, table: ReportTable)] = []
    var notes: [String] = []
  }

  private let heading: String
  private let subheading: String
  private var sections: [Section] = []

  /// The most characters in a row of a table, so that it fits the page and the paper.
  private static let width = 110
  /// The most rows of a list on the page.
  private static let rowLimit = 25

  /// Asks a vsd for everything on the page.
  ///
  /// - Parameters:
  ///   - query: The window and the part of the work. Reports ignore what they have no parameter for.
  ///   - window: The window for the heading.
  package init(of query: ReportQuery, window: String, from client: ReportClient) async throws(ReportError) {
    let scope = ["service", "repository", "team", "environment"].compactMap { name in
      query.value(of: name).map { "\(name) \($0)" }
    }
    heading = "Delivery report"
    subheading = ([window] + scope + ["compared with the window before"]).joined(separator: " · ")
    for kind in Self.reports { sections.append(try await Self.section(kind, query, client)) }
  }

  private static let reports: [ReportName] = [.dora, .leadTime, .flow, .ageing, .reviews, .pipelines, .incidents]

  private static func explanation(of report: ReportName) -> String {
    switch report {
    case .dora:
      "The five metrics of DORA. A release is what the deploys of one commit of a service to its production environments are together."
    case .leadTime: "From the first commit of a change to the end of the release that brought it, and the stages on the way."
    case .flow: "From the first status in which an issue is started until it is done."
    case .ageing: "What is started and not done, the oldest first."
    case .reviews: "How long changes wait for a first response by a person other than the author. Bots do not count."
    case .pipelines: "Failures, re-runs and flaky jobs of CI, and what they cost."
    case .incidents: "What broke, and how long it took to recover."
    case .forecast, .deploys, .changes: ""
    }
  }

  // MARK: Asking

  private static func section(
    _ report: ReportName, _ question: ReportQuery, _ client: ReportClient
  ) async throws(ReportError) -> Section {
    let query = question.asked(of: report)
    var section = Section(title: report.title, explanation: explanation(of: report))
    let rows = try await client.rows(of: query)
    if report == .ageing {
      section.tables = [("", ReadableTable(rows.firstRows(rowLimit), width: width).table)]
      if rows.rows.count > rowLimit { section.notes = ["\(rows.rows.count - rowLimit) more are not shown."] }
      return section
    }
    section.tables = [("", ReadableTable(rows, width: width).table)]
    if report.hasGroups {
      var trend = query
      trend.set("bucket", "week")
      section.charts = charts(of: report, try await client.rows(of: trend))
    }
    if report == .dora {
      var services = query
      services.set("group-by", "service")
      let rows = try await client.rows(of: services)
      if rows.rows.count > 1 {
        section.tables.append(("By service, durations are medians", ReadableTable(rows, width: width).table))
      }
    }
    section.notes += LeftOut.all(in: try await client.json(of: query)).map(note)
    return section
  }

  private static func note(_ left: LeftOut) -> String {
    let metric = ReportColumnName(left.metric).title
    return "\(metric): \(left.count) left out, \(left.reason.replacing("_", with: " "))"
  }

  /// The columns of a report that its charts show, in this order.
  private static func chartColumns(of report: ReportName) -> [String] {
    switch report {
    case .dora:
      [
        "lead_time_median_seconds", "deployment_frequency_deploys", "change_fail_rate_ratio",
        "failed_deployment_recovery_time_median_seconds",
      ]
    case .leadTime: []
    default: [""]
    }
  }

  private static func charts(of report: ReportName, _ rows: ReportRows) -> [String] {
    chartColumns(of: report).enumerated().compactMap { index, column in
      ReportTrend(rows, column: column.isEmpty ? nil : column).map { trend in
        trend.svg(title: trend.title, note: "by week", identifier: "\(report.rawValue)-\(index)-")
      }
    }
  }

  // MARK: Writing

  /// The page as HTML.
  package var html: String {
    var html = HTMLWriter()
    html.element("html", ["lang": "en"]) { html in
      html.element("head") { html in
        html.empty("meta", ["charset": "utf-8"])
        html.empty("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        // Nothing is loaded and no script runs, whatever a title contains.
        html.empty("meta", ["http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"])
        html.element("title", text: "\(heading), \(subheading)")
        html.style(Self.rules)
      }
      html.element("body") { html in
        html.element("h1", text: heading)
        html.element("p", ["class": "lead"], text: subheading)
        for section in sections { Self.write(section, to: &html) }
        html.element(
          "p", ["class": "foot"],
          text: "Made by vsperf report. Numbers say how many items they count; vsd lists these items as evidence.")
      }
    }
    return html.text
  }

  private static func write(_ section: Section, to html: inout HTMLWriter) {
    html.element("section") { html in
      html.element("h2", text: section.title)
      html.element("p", text: section.explanation)
      if !section.charts.isEmpty {
        html.element("div", ["class": "charts"]) { html in
          for chart in section.charts { html.element("figure") { $0.chart(chart) } }
        }
      }
      for (caption, table) in section.tables { write(table, caption, to: &html) }
      if !section.notes.isEmpty {
        html.element("ul", ["class": "notes"]) { html in for note in section.notes { html.element("li", text: note) } }
      }
    }
  }

  private static func write(_ table: ReportTable, _ caption: String, to html: inout HTMLWriter) {
    guard !table.rows.isEmpty else { return html.element("p", ["class": "none"], text: "Nothing in this window.") }
    html.element("div", ["class": "table"]) { html in writeRows(of: table, caption, to: &html) }
  }

  private static func writeRows(of table: ReportTable, _ caption: String, to html: inout HTMLWriter) {
    html.element("table") { html in
      if !caption.isEmpty { html.element("caption", text: caption) }
      let kinds = table.columns.map { table.textColumns.contains($0) ? "words" : "number" }
      html.element("thead") { html in
        html.element("tr") { html in
          for (column, kind) in zip(table.columns, kinds) { html.element("th", ["class": kind, "scope": "col"], text: column) }
        }
      }
      html.element("tbody") { html in
        for row in table.rows {
          html.element("tr") { html in
            for (cell, kind) in zip(row, kinds) { html.element("td", ["class": kind], text: cell.text) }
          }
        }
      }
    }
  }

  private static let rules: StaticString = """
    @page { size: A4; margin: 14mm 12mm; }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 24px; max-width: 1000px; background: #ffffff; color: #1c2128;
      font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
    h1 { font-size: 26px; margin: 0; }
    h2 { font-size: 18px; margin: 28px 0 4px; border-bottom: 1px solid #dde2e8; padding-bottom: 4px; }
    p { margin: 4px 0 10px; }
    .lead, .foot, .notes, .none { color: #59636e; }
    .foot { margin-top: 28px; font-size: 12px; }
    .notes { margin: 6px 0; padding-left: 18px; font-size: 12px; }
    .charts { display: grid; gap: 8px; max-width: 760px; }
    .table { overflow-x: auto; }
    figure { margin: 0; }
    table { border-collapse: collapse; margin: 8px 0; max-width: 100%; font-variant-numeric: tabular-nums; }
    caption { text-align: left; font-weight: 600; padding: 6px 0 2px; }
    th, td { padding: 3px 10px 3px 0; border-bottom: 1px solid #dde2e8; vertical-align: top; overflow-wrap: break-word; }
    th { font-weight: 600; color: #59636e; }
    .number { text-align: right; }
    td.number { white-space: nowrap; }
    .words { text-align: left; }
    body svg { width: 100%; height: auto; --paper: #ffffff; --ink: #1c2128; --muted: #59636e; --grid: #dde2e8;
      --first: #1f5fbf; --second: #b3541e; --band: #1f5fbf; }
    @media print {
      body { padding: 0; max-width: none; font-size: 11px; }
      h1 { font-size: 20px; }
      h2 { font-size: 15px; break-after: avoid; }
      figure, tr, li { break-inside: avoid; }
      thead { display: table-header-group; }
    }

    """
}

extension ReportQuery {
  /// Returns the same question to another report, without the parameters that it does not have.
  fileprivate func asked(of report: ReportName) -> ReportQuery {
    var query = self
    query.report = report
    if !report.hasServices {
      query.set("service", nil)
      query.set("environment", nil)
    }
    if !report.hasLeadTimes { query.set("lead-time-from", nil) }
    return query
  }
}

extension ReportRows {
  fileprivate func firstRows(_ count: Int) -> ReportRows {
    ReportRows(columns: columns, rows: Array(rows.prefix(count)))
  }
}
