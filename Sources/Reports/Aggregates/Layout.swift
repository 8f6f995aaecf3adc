/// How a report is laid out: which columns, how windows are named, and what a key is made of.
package struct Layout: Sendable {
  /// Which version's output of the program of 2019 it is.
  package enum Version: String, CaseIterable, Sendable {
    case first = "2019"
    case last = "2020"
  }

  package var version: Version
  package var calendar: Calendar
  package var groups: [GroupColumn]
  package var columns: [ReportColumn]
  /// The percentiles of the last version are only computed of windows that start then or later; nil for all.
  package var percentilesFrom: Int64?

  /// - Parameters:
  ///   - groups: what stands in the place of owner and repository.
  ///   - metrics: follow the columns of the report.
  ///   - percentilesSince: for the percentiles of the last version, which are 0 before that moment, and everywhere without one.
  package init(
    _ report: Report, version: Version, window: Window, groups: [GroupColumn] = [Report.owner, Report.repository],
    metrics: [Metric] = [], percentilesSince: Int64? = nil
  ) {
    self.version = version
    self.groups = groups
    calendar = Calendar(window: window, weekStart: version == .last ? .sunday : .monday)
    columns = version == .last && report.name == Report.pullRequest.name ? Report.pullRequestColumnsOf2020 : report.columns
    columns += metrics.flatMap(\.columns)
    if version == .last { percentilesFrom = percentilesSince ?? .max }
  }

  package var view: View {
    View(groups: groups, statistics: columns.map(\.statistic), percentilesFrom: percentilesFrom)
  }

  /// The report's table.
  package func table(of groups: [AggregatedGroup]) -> ReportTable {
    let start = version == .last ? ["UnixTime"] : []
    let names = ["Key", "Interval"] + start + self.groups.map(\.title) + columns.map(\.name)
    return ReportTable(columns: names, rows: groups.map(row), textColumns: Set(["Key", "Interval"] + self.groups.map(\.title)))
  }

  package func windowName(_ window: Int) -> String {
    version == .last ? calendar.firstDate(of: window) : calendar.name(of: window)
  }

  private func row(_ group: AggregatedGroup) -> [ReportTable.Cell] {
    let interval = windowName(group.window)
    let key = ([interval] + (group.values.isEmpty ? [] : [group.values.joined(separator: "|")])).joined(separator: "_")
    let start = version == .last ? [ReportTable.Cell.number(Double(group.start))] : []
    return [.text(key), .text(interval)] + start + group.values.map { .text($0) }
      + zip(columns, group.results).map { $0.cell($1) }
  }
}

extension GroupColumn {
  /// As the heading of a report: `Owner`, `Repo`, `Author`, `Label`; another column by its own name.
  package var title: String {
    switch column {
    case "owner", "repo", "author": column.prefix(1).uppercased() + column.dropFirst()
    case "labels": "Label"
    default: column
    }
  }
}
