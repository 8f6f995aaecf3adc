import Aggregates
import CSV
import ProgramOutput
import ValueStreamCore

/// Implements `vsperf agg`: reads CSV files of items with durations, and prints a report on them.
struct Aggregate: Sendable {
  private let report: Report
  private let settings: AggregateSettings

  init(_ report: Report, _ settings: Settings) throws {
    self.report = report
    self.settings = try AggregateSettings(settings, of: report)
  }

  func run() async throws {
    let layout = settings.layout
    let chart = settings.chart
    var aggregation = Aggregation(
      timeColumn: Report.timeColumn, calendar: layout.calendar, views: [layout.view] + [chart?.kind.view].compactMap { $0 },
      tallies: [chart?.kind.tally].compactMap { $0 })
    aggregation.skipsBadRows = settings.skipsBadRows
    aggregation.threads = settings.threads
    let inputs = try settings.inputs()
    aggregation.mayBeEmpty = inputs.ofFolders
    let result: AggregationResult
    do {
      result = try await aggregation.run(inputs.files)
    } catch let error as CSVError {
      throw CommandError("\(error)", error.code == .missing ? ExitCode.noInput : ExitCode.dataError)
    }
    let groups = result.groups(ofView: 0)
    var output = try OutputFile(path: settings.output)
    try output.write(layout.table(of: groups).bytes(as: settings.format, keepsFormulas: settings.keepsFormulas))
    if settings.isPlotted { try output.write(Array(ReportPlot.text(groups, layout: layout).utf8)) }
    try output.flush()
    if let chart { try draw(chart, result) }
    if let first = result.negatives.first {
      let count = result.negatives.count
      let values = count == 1 ? "a value that is" : "\(count) values that are"
      StandardStream.error.write("\(Program.name): did not count \(values) less than 0; the first: \(first)\n")
    }
    if result.rejected > 0 {
      let rows = result.rejected == 1 ? "1 row" : "\(result.rejected) rows"
      StandardStream.error.write("\(Program.name): left out \(rows) that cannot be read\n")
    }
  }

  private func draw(_ chart: (path: String, kind: ReportChart), _ result: AggregationResult) throws {
    let windows = chart.kind.view == nil ? [] : result.groups(ofView: 1)
    let svg = chart.kind.svg(windows: windows, bins: result.bins.first ?? [:], unbinned: result.unbinned.first ?? 0)
    var file = try OutputFile(path: chart.path)
    try file.write(Array(svg.utf8))
    try file.flush()
  }
}
