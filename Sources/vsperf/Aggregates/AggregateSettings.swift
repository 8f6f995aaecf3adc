import Aggregates
import ValueStreamCore

/// The settings of a report.
struct AggregateSettings: Sendable {
  let layout: Layout
  let format: ReportTable.Format
  let output: String?
  let skipsBadRows: Bool
  let threads: Int
  /// The path and kind of the chart to draw; nil for none.
  let chart: (path: String, kind: ReportChart)?
  let isPlotted: Bool
  let keepsFormulas: Bool
  private let paths: [String]

  // MARK: Declarations

  private static let input = Setting<String?>.optionalText(
    "in", environment: "", placeholder: "FILE",
    help: "File to read, folder of such files, or - for standard input. Files may also follow the command.")

  private static let window = Setting<Window>.choice(
    "agg-window", environment: "", default: .week, help: "Length of a window.")

  private static let version = Setting<Layout.Version>.choice(
    "layout", environment: "", default: .first,
    help: "Columns of the first or the last version of the Go program. In the last, weeks start on Sunday.")

  private static let percentilesSince = Setting<Int64>(
    "calc-percentiles-gte-unix", environment: "", placeholder: "SECONDS", default: 0, defaultText: "0",
    help:
      "With --layout=2020: print percentiles for windows that start at this time or later, in seconds since 1970. 0 prints none."
  ) { text throws(SettingError) in
    guard let seconds = Int64(text) else { throw SettingError(expected: "a whole number of seconds since 1970") }
    return seconds
  }

  private static let groups = Setting<[GroupColumn]>(
    "group-by", environment: "", placeholder: "COLUMNS", default: [Report.owner, Report.repository],
    defaultText: "owner,repository",
    help: "Columns to group by, separated by commas: owner, repository, author, label, any other column, or none."
  ) { text throws(SettingError) in
    let names = text.split(separator: ",").map { $0.trimmed }
    let columns = names == ["none"] ? [] : names.map(groupColumn)
    guard !names.isEmpty, Set(columns).count == columns.count, columns.count(where: \.isList) <= 1 else {
      throw SettingError(expected: "a list of different columns such as owner,author, or none")
    }
    return columns
  }

  private static let chartKind = Setting<ReportChart.Kind>.choice(
    "chart-kind", environment: "", default: .trend,
    help:
      "Kind of chart. trend: median, middle half and 90th percentile by window. distribution: how many take how long. scatter: size against duration."
  )

  private static let plot = Setting<Bool>.toggle(
    "plot", environment: "", help: "Below the table, draw the mean duration of each group over time.")

  private static let skipBadRows = Setting<Bool>.toggle(
    "skip-bad-rows", environment: "",
    help: "Skip rows that cannot be read and report how many, instead of stopping at the first.")

  private static let threadCount = Setting<Int?>(
    "threads", environment: "", placeholder: "N", default: nil, defaultText: nil,
    help: "Number of threads. Without it, one per processor. The result does not depend on it."
  ) { text throws(SettingError) in
    guard let threads = Int(text), (1...64).contains(threads) else { throw SettingError(expected: "a number from 1 to 64") }
    return threads
  }

  private static func metrics(of report: Report) -> Setting<[Metric]> {
    let names = report.metrics.map(\.name)
    return Setting(
      "metrics", environment: "", placeholder: "NAMES", default: [], defaultText: nil,
      help: "Columns to add, separated by commas: \(names.joined(separator: ", "))."
    ) { text throws(SettingError) in
      let wanted = text.split(separator: ",").map { report.metric(named: $0.trimmed) }
      let found = wanted.compactMap { $0 }
      guard found.count == wanted.count else { throw SettingError(expected: "a list of \(names.joined(separator: ", "))") }
      return found
    }
  }

  static func declarations(of report: Report) -> [SettingDeclaration] {
    let classic =
      report.name == Report.pullRequest.name ? [version.declaration, percentilesSince.declaration] : []
    return [input.declaration, window.declaration] + classic + [
      groups.declaration, metrics(of: report).declaration, Setting.reportFormat.declaration, Setting.out.declaration,
      Setting.chartFile.declaration,
      chartKind.declaration, plot.declaration, skipBadRows.declaration, Setting.keepFormulas.declaration, threadCount.declaration,
    ]
  }

  private static func groupColumn(_ name: String) -> GroupColumn {
    switch name {
    case "owner": Report.owner
    case "repository", "repo": Report.repository
    case "label", "labels": GroupColumn("labels", isList: true)
    default: GroupColumn(name)
    }
  }

  // MARK: Values

  init(_ settings: Settings, of report: Report) throws {
    let words = ["agg", report.name]
    do throws(SettingsError) {
      let since = try settings.value(of: Self.percentilesSince)
      layout = Layout(
        report, version: try settings.value(of: Self.version), window: try settings.value(of: Self.window),
        groups: try settings.value(of: Self.groups), metrics: try settings.value(of: Self.metrics(of: report)),
        percentilesSince: since > 0 ? since : nil)
      (output, format) = try settings.reportOutput()
      skipsBadRows = try settings.value(of: Self.skipBadRows)
      keepsFormulas = try settings.value(of: Setting.keepFormulas)
      threads = try settings.value(of: Self.threadCount) ?? Environment.processors
      isPlotted = try settings.value(of: Self.plot)
      let kind = try settings.value(of: Self.chartKind)
      if kind == .scatter, report.size == nil {
        throw SettingsError("--chart-kind=scatter needs sizes, which a report of \(report.items) does not have")
      }
      let layout = layout
      chart = try settings.value(of: Setting.chartFile).map { path in
        (path, ReportChart(kind: kind, report: report, calendar: layout.calendar) { layout.chartName($0) })
      }
      if isPlotted, format != .table { throw SettingsError("--plot goes with --format=table") }
      paths = [try settings.value(of: Self.input)].compactMap { $0 } + settings.operands.dropFirst(words.count)
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    if paths.isEmpty { throw UsageError("which file? --in FILE, or - for standard input", seeing: words) }
    if paths.count(where: { $0 == "-" }) > 1 { throw UsageError("standard input can be read once", seeing: words) }
  }

  /// Returns the files to read, and the set of those that were found in folders.
  func inputs() throws(CommandError) -> (files: [String], ofFolders: Set<String>) {
    var files: [String] = []
    var ofFolders: Set<String> = []
    for path in paths {
      if Folder.isThere(path) {
        let found = try Folder.files(in: path, endingIn: [".csv", ".csv.gz", ".csv.zst"])
        files += found
        ofFolders.formUnion(found)
      } else {
        files.append(path)
      }
    }
    return (files, ofFolders)
  }
}
