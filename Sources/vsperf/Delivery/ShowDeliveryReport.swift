import Aggregates
import CurlTransport
import ProgramOutput
import ReportClient
import ValueStreamCore

/// Implements `vsperf dora` and the other commands that show a report of a vsd.
struct ShowDeliveryReport: Sendable {
  private let report: ReportName
  private let settings: DeliveryReportSettings
  private let client: ReportClient
  private let output: String?
  private let format: ReportTable.Format
  private let chart: String?
  private let chartColumn: String?
  private let chartKind: ReportDrawing?
  private let isPlotted: Bool
  private let isWide: Bool
  private let keepsFormulas: Bool

  private static let evidence = Setting<String?>.optionalText(
    "evidence", environment: "", placeholder: "METRIC",
    help: "Print the rows behind a number instead, such as lead-time or change-fail-rate.")

  private static let chartColumnSetting = Setting<String?>.optionalText(
    "chart-column", environment: "", placeholder: "NAME",
    help: "Number to draw, by its column in CSV. Without it, the first number of the report.")

  /// The setting of a report with several charts.
  private static func chartKind(of report: ReportName) -> Setting<ReportDrawing?> {
    let kinds = ReportDrawing.kinds(of: report)
    let names = kinds.map(\.rawValue)
    return Setting<ReportDrawing?>(
      "chart-kind", environment: "", placeholder: names.joined(separator: "|"), default: nil, defaultText: names.first,
      help: "What the chart shows: \(kinds.map(\.help).joined(separator: "; "))."
    ) { text throws(SettingError) in
      guard let kind = kinds.first(where: { $0.rawValue == text }) else {
        throw SettingError(expected: "one of \(names.joined(separator: ", "))")
      }
      return kind
    }
  }

  private static let plot = Setting<Bool>.toggle(
    "plot", environment: "", help: "Below the table, draw the number of --chart-column over time for each group.")

  private static let wide = Setting<Bool>.toggle(
    "wide", environment: "", help: "Print all columns in tables, not only those that fit a terminal.")

  static func declarations(of report: ReportName) -> [SettingDeclaration] {
    let kinds = ReportDrawing.kinds(of: report)
    let drawing =
      (report.hasGroups ? [plot.declaration] : []) + [Setting.chartFile.declaration]
      + (kinds.count > 1 ? [chartKind(of: report).declaration] : [])
      + (report.hasGroups ? [chartColumnSetting.declaration] : [])
    return DeliveryReportSettings.connection + DeliveryReportSettings.question(of: report)
      + (report.hasEvidence ? [evidence.declaration] : [])
      + [Setting.reportFormat.declaration, Setting.out.declaration, wide.declaration] + (kinds.isEmpty ? [] : drawing)
      + [Setting.keepFormulas.declaration]
  }

  init(
    _ report: ReportName, _ settings: Settings, now: Timestamp = SystemClock().now(),
    transport: any HTTPTransport = CurlTransport()
  ) throws {
    self.report = report
    let words = [report.rawValue]
    let evidence: String?
    do throws(SettingsError) {
      evidence = report.hasEvidence ? try settings.value(of: Self.evidence) : nil
      (output, format) = try settings.reportOutput()
      let kinds = ReportDrawing.kinds(of: report)
      chart = kinds.isEmpty ? nil : try settings.value(of: Setting.chartFile)
      chartKind = kinds.count > 1 ? try settings.value(of: Self.chartKind(of: report)) ?? kinds.first : kinds.first
      chartColumn = report.hasGroups ? try settings.value(of: Self.chartColumnSetting) : nil
      isPlotted = report.hasGroups ? try settings.value(of: Self.plot) : false
      isWide = try settings.value(of: Self.wide)
      keepsFormulas = try settings.value(of: Setting.keepFormulas)
      if chartKind != .trend, chartColumn != nil { throw SettingsError("--chart-column goes with --chart-kind=trend") }
      if isPlotted, format != .table { throw SettingsError("--plot goes with --format=table") }
      if evidence != nil, isPlotted || chart != nil { throw SettingsError("--evidence has no chart") }
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    self.settings = try DeliveryReportSettings(settings, report: report, evidence: evidence, now: now, of: words)
    client = ReportClient(server: self.settings.server, token: self.settings.token, transport: transport)
  }

  func run() async throws {
    let bytes = try await text()
    try write(bytes, isPlotted || chart != nil ? try await draw() : nil)
  }

  private func text() async throws(ReportError) -> [UInt8] {
    if format == .json {
      let json = try await client.json(of: settings.query)
      return json.last == UInt8(ascii: "\n") ? json : json + [UInt8(ascii: "\n")]
    }
    var rows = try await client.rows(of: settings.query)
    if !settings.isCompared { rows = rows.without { ReportColumnName($0).isPrevious } }
    if rows.rows.isEmpty { StandardStream.error.write("\(Program.name): \(client.place) knows of nothing in this window\n") }
    let readable = settings.query.hasDurationsAsEvidence ? rows.withValuesInSeconds() : rows
    switch format {
    case .csv, .ndjson, .json: return rows.table.bytes(as: format, keepsFormulas: keepsFormulas)
    case .table:
      let table = ReadableTable(readable, isWide: isWide, width: Self.width)
      return Array("\(heading)\(table.isShortened ? "; --wide shows more columns" : "")\n\n".utf8) + table.table.bytes(as: format)
    case .markdown: return ReadableTable(readable, isWide: isWide).table.bytes(as: format)
    }
  }

  /// The most characters of a line on a terminal, which a list of items with long names may still exceed.
  private static let width = 120

  private var heading: String {
    ([report.title, settings.query.evidence.map { "rows behind \($0)" }, settings.window] as [String?])
      .compactMap { $0 }.joined(separator: ", ")
  }

  /// Returns what `--plot` and `--chart` show. Without `--bucket`, both have a value for each week.
  private func draw() async throws(ReportError) -> (text: String, svg: String?) {
    var query = settings.query
    let note = settings.window ?? ""
    if let chartKind, chartKind != .trend, !isPlotted {
      return ("", try await chartKind.svg(of: query, title: report.title, note: note, from: client))
    }
    if query.value(of: "bucket") == nil { query.set("bucket", "week") }
    let rows = try await client.rows(of: query)
    guard let trend = ReportTrend(rows, column: chartColumn) else {
      let what = chartColumn.map { "no number \($0) over time" } ?? "no numbers over time"
      throw ReportError(.rejected, "the report \(report.rawValue) has \(what) to draw")
    }
    guard chart != nil else { return (trend.plot, nil) }
    if let chartKind, chartKind != .trend {
      return (trend.plot, try await chartKind.svg(of: settings.query, title: report.title, note: note, from: client))
    }
    return (trend.plot, trend.svg(title: report.title, note: note))
  }

  private func write(_ bytes: [UInt8], _ drawing: (text: String, svg: String?)?) throws {
    var output = try OutputFile(path: output)
    try output.write(bytes)
    if isPlotted, let drawing { try output.write(Array(drawing.text.utf8)) }
    try output.flush()
    guard let chart, let svg = drawing?.svg else { return }
    var file = try OutputFile(path: chart)
    try file.write(Array(svg.utf8))
    try file.flush()
  }
}
