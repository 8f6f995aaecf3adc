package import Aggregates
import ValueStreamCore

/// A report as people read it: names and units in words, the previous period beside the current one, and how many items
/// each number counts.
package struct ReadableTable: Sendable {
  private let report: ReportRows
  private let names: [ReportColumnName]
  /// The metrics: what precedes `_n` in the names of columns, such as `lead_time`, and the indices of those columns.
  private let metrics: [(name: String, counted: Int)]
  private let isWide: Bool
  private let width: Int?

  /// - Parameters:
  ///   - isWide: True to show every column; false for those that people ask for most.
  ///   - width: The most characters of a row unless `isWide`. A wider table of several rows leaves out the numbers of the
  ///     period before, then the counts, then addresses. What remains may still be wider. Nil for no limit.
  package init(_ report: ReportRows, isWide: Bool = false, width: Int? = nil) {
    self.report = report
    self.isWide = isWide
    self.width = width
    names = report.columns.map(ReportColumnName.init)
    metrics = names.enumerated().compactMap { index, name in
      guard name.unit == .counted, !name.isPrevious else { return nil }
      return (name.name == "n" ? "" : String(name.name.dropLast(2)), index)
    }
  }

  /// The table. A report of one row with metrics has a line for each number; all others have a line for each row.
  package var table: ReportTable {
    isListed ? listed : Column.table(of: fitting.columns)
  }

  /// True if the table lacks columns because it would be too wide.
  package var isShortened: Bool { !isListed && fitting.isShortened }

  private var isListed: Bool { report.rows.count == 1 && !metrics.isEmpty }

  // MARK: One row

  /// The numbers of the only row, one below the other.
  private var listed: ReportTable {
    guard let row = report.rows.first else { return ReportTable(columns: [], rows: [], textColumns: []) }
    var lines: [[String]] = []
    var shown: Set<String> = []
    for index in names.indices where isValue(index) && !names[index].isPrevious && !isDetail(index) {
      let metric = metric(of: index)
      guard isWide || metric == nil || !shown.contains(metric?.name ?? "") || isEssential(index) else { continue }
      let isHead = metric.map { shown.insert($0.name).inserted } ?? true
      let before = previous(of: index).map { text(row, $0) } ?? ""
      let counted = isHead ? metric.map { countedText(row, $0) } ?? "" : ""
      if row[index].isEmpty, before == "-" || before.isEmpty, !isHead { continue }
      lines.append([names[index].title, text(row, index), before, counted])
    }
    let columns = ["Metric", "now", "before", "counted"]
    let kept = columns.indices.filter { column in column < 2 || lines.contains { !["", "-"].contains($0[column]) } }
    return ReportTable(
      columns: kept.map { columns[$0] }, rows: lines.map { line in kept.map { .text(line[$0]) } }, textColumns: ["Metric"])
  }

  // MARK: Several rows

  private struct Column {
    /// What a column holds, in the order in which a table that is too wide leaves columns out.
    enum Kind: CaseIterable {
      case before, counted, address, other
    }

    var kind = Kind.other
    var title: String
    var isText = false
    var cells: [String]

    /// Columns are told apart by place, because several may have the title `before`.
    static func table(of columns: [Column]) -> ReportTable {
      let titles = distinct(columns.map(\.title))
      let rows = columns.first?.cells.indices ?? 0..<0
      return ReportTable(
        columns: titles, rows: rows.map { row in columns.map { .text($0.cells[row]) } },
        textColumns: Set(zip(titles, columns).filter { $1.isText }.map(\.0)))
    }

    /// Makes equal titles different by spaces at the end, which a table does not show.
    private static func distinct(_ titles: [String]) -> [String] {
      var seen: [String: Int] = [:]
      return titles.map { title in
        seen[title, default: 0] += 1
        return title + String(repeating: " ", count: (seen[title] ?? 1) - 1)
      }
    }

    /// The characters of a row, with two between columns.
    static func width(of columns: [Column]) -> Int {
      zip(distinct(columns.map(\.title)), columns).map { title, column in
        2 + max(title.count, column.cells.map(\.count).max() ?? 0)
      }.reduce(-2, +)
    }
  }

  /// The columns that the width has room for, and whether some are left out.
  private var fitting: (columns: [Column], isShortened: Bool) {
    if isWide { return (allColumns, false) }
    var columns = usualColumns
    guard let width else { return (columns, false) }
    for kind in Column.Kind.allCases where kind != .other && Column.width(of: columns) > width {
      columns.removeAll { $0.kind == kind }
    }
    return (columns, columns.count < usualColumns.count)
  }

  private var allColumns: [Column] {
    names.indices.map { index in
      let what = names[index].unit == .counted ? " n" : names[index].unit == .coverage ? " coverage" : ""
      let title = names[index].title + what + (names[index].isPrevious ? " before" : "")
      return Column(title: title, isText: !report.isNumeric(index), cells: cells { text($0, index) })
    }
  }

  /// Of each metric its first number, that of the period before, and what it counts; beside them what names the rows.
  private var usualColumns: [Column] {
    var columns: [Column] = []
    var shown: Set<String> = []
    for index in names.indices where report.rows.contains(where: { !$0[index].isEmpty }) {
      guard !names[index].isPrevious, !isDetail(index), !isHidden(index) else { continue }
      guard isValue(index), let metric = metric(of: index) else {
        if names[index].unit != .counted, names[index].unit != .coverage {
          columns.append(
            Column(
              kind: names[index].name == "address" ? .address : .other, title: names[index].title,
              isText: !report.isNumeric(index),
              cells: cells { text($0, index) }))
        }
        continue
      }
      guard !isPart(metric.name), shown.insert(metric.name).inserted else { continue }
      let value = Column(title: names[index].shortTitle, cells: cells { text($0, index) })
      let counted = Column(kind: .counted, title: "n", cells: cells { countedText($0, metric) })
      columns.append(value)
      if let previous = previous(of: index), report.rows.contains(where: { !$0[previous].isEmpty }) {
        columns.append(Column(kind: .before, title: "before", cells: cells { text($0, previous) }))
      }
      // A number that is itself a count needs no count beside it.
      if counted.cells != value.cells { columns.append(counted) }
    }
    return columns
  }

  private func cells(_ text: ([String]) -> String) -> [String] { report.rows.map(text) }

  /// True if a metric is part of another one: recovery from detection is part of the recovery time.
  private func isPart(_ metric: String) -> Bool {
    metrics.contains { !$0.name.isEmpty && metric.hasPrefix("\($0.name)_") }
  }

  // MARK: Columns

  /// True for a number of a metric, or any number if the report has no metrics.
  private func isValue(_ index: Int) -> Bool {
    names[index].unit != .counted && names[index].unit != .coverage && !ReportRows.nameColumns.contains(report.columns[index])
  }

  /// True for what a list shows of a metric besides its first number: times, ratios, scores, texts, and what is compared. The
  /// levels of 2023 give way to the scores of 2025, which the pages show, too.
  private func isEssential(_ index: Int) -> Bool {
    guard !names[index].name.hasSuffix("band_2023") else { return false }
    return names[index].unit != .other || names[index].isScore || previous(of: index) != nil || !report.isNumeric(index)
  }

  /// True for what only programs need: addresses of the evidence, the window.
  private func isDetail(_ index: Int) -> Bool {
    let name = report.columns[index]
    return name.hasSuffix("evidence") || name.hasSuffix("_url") || name == "url" || Self.windowColumns.contains(name)
  }

  /// True for keys where a name says which item a row is about, and for whether its span is kept.
  private func isHidden(_ index: Int) -> Bool {
    let name = report.columns[index]
    if name == "span_kept" { return true }
    guard report.columns.contains("name") || report.columns.contains("title") else { return false }
    return ["key", "trace_id", "traceID", "span_id", "spanID"].contains(name) || name.hasSuffix("_key")
  }

  /// The window as a whole, which the heading has, and the ends of buckets, which follow from their beginnings.
  private static let windowColumns: Set<String> = ["window_from", "window_to", "to", "time_zone"]

  private func metric(of index: Int) -> (name: String, counted: Int)? {
    metrics.filter { $0.name.isEmpty || names[index].currentName.hasPrefix("\($0.name)_") }.max { $0.name.count < $1.name.count }
  }

  private func previous(of index: Int) -> Int? {
    names.firstIndex { $0.isPrevious && $0.currentName == names[index].name }
  }

  // MARK: Texts

  private func text(_ row: [String], _ index: Int) -> String {
    PlainText.value(row[index], of: names[index], isNumeric: report.isNumeric(index))
  }

  private func countedText(_ row: [String], _ metric: (name: String, counted: Int)) -> String {
    guard let count = Double(row[metric.counted]) else { return "-" }
    let coverage = report.columns.firstIndex(of: metric.name.isEmpty ? "coverage" : "\(metric.name)_coverage")
    return PlainText.counted(count, coverage: coverage.flatMap { Double(row[$0]) })
  }
}
