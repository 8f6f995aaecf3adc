/// The layout of a report: its columns, the names of windows, and the composition of keys.
package struct Layout: Sendable {
  /// The version of the original program whose output format the report has.
  package enum Version: String, CaseIterable, Sendable {
    case first = "2019"
    case last = "2020"
  }

  package var version: Version
  package var calendar: Calendar
  package var groups: [GroupColumn]
  package var columns: [ReportColumn]
  /// The start of the first window that gets the percentiles of the 2020 version, in seconds since 1970; nil for all
  /// windows.
  package var percentilesFrom: Int64?

  /// Creates the layout of a report in the format of a version.
  ///
  /// - Parameters:
  ///   - groups: The grouping columns, by default owner and repository.
  ///   - metrics: Optional columns after those of the report.
  ///   - percentilesSince: The start of the first window that gets the percentiles of the 2020 version, in seconds
  ///     since 1970. Earlier windows have 0 there; without a value, all windows do.
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

  /// Returns the table of the report.
  package func table(of groups: [AggregatedGroup]) -> ReportTable {
    let start = version == .last ? ["UnixTime"] : []
    let names = ["Key", "Interval"] + start + self.groups.map(\.title) + columns.map(\.name)
    // Groups are sorted by window, so that many in a row share its name.
    var (window, interval): (Int?, String) = (nil, "")
    let rows = groups.map { group in
      if group.window != window { (window, interval) = (group.window, windowName(group.window)) }
      return row(of: group, interval: interval)
    }
    return ReportTable(
      columns: names, rows: rows, textColumns: Set(["Key", "Interval"] + self.groups.map(\.title)))
  }

  package func windowName(_ window: Int) -> String {
    version == .last ? calendar.firstDate(of: window) : calendar.name(of: window)
  }

  /// Returns the name of a window in charts, which tells weeks from months: `2020-W03`.
  package func chartName(_ window: Int) -> String {
    version == .last ? calendar.firstDate(of: window) : calendar.label(of: window)
  }

  private func row(of group: AggregatedGroup, interval: String) -> [ReportTable.Cell] {
    var cells: [ReportTable.Cell] = []
    cells.reserveCapacity(3 + group.values.count + columns.count)
    var key = interval
    for (index, value) in group.values.enumerated() {
      key += index == 0 ? "_" : "|"
      key += value
    }
    cells.append(.text(key))
    cells.append(.text(interval))
    if version == .last { cells.append(.number(Double(group.start))) }
    for value in group.values { cells.append(.text(value)) }
    for index in columns.indices { cells.append(columns[index].cell(group.results[index])) }
    return cells
  }
}

extension GroupColumn {
  /// The heading of the column: `Owner`, `Repo`, `Author` or `Label`; any other column keeps its name.
  package var title: String {
    switch column {
    case "owner", "repo", "author": column.prefix(1).uppercased() + column.dropFirst()
    case "labels": "Label"
    default: column
    }
  }
}
