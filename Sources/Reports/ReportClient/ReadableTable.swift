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

  /// - Parameter isWide: True to show every column; false for the ones that fit a terminal.
  package init(_ report: ReportRows, isWide: Bool = false) {
    self.report = report
    self.isWide = isWide
    names = report.columns.map(ReportColumnName.init)
    metrics = names.enumerated().compactMap { index, name in
      guard name.unit == .counted, !name.isPrevious else { return nil }
      return (name.name == "n" ? "" : String(name.name.dropLast(2)), index)
    }
  }

  /// The table. A report of one row with metrics has a line for each number; all others have a line for each row.
  package var table: ReportTable {
    report.rows.count == 1 && !metrics.isEmpty ? listed : aligned
  }

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

  private var aligned: ReportTable {
    var columns: [(title: String, isText: Bool, text: ([String]) -> String)] = []
    var shown: Set<String> = []
    for index in names.indices {
      let isEmpty = report.rows.allSatisfy { $0[index].isEmpty }
      if isWide {
        let what = names[index].unit == .counted ? " n" : names[index].unit == .coverage ? " coverage" : ""
        let title = names[index].title + what + (names[index].isPrevious ? " before" : "")
        columns.append((title, !report.isNumeric(index), { text($0, index) }))
        continue
      }
      guard !isEmpty, !names[index].isPrevious, !isDetail(index), !isHidden(index) else { continue }
      guard isValue(index), let metric = metric(of: index) else {
        if names[index].unit != .counted, names[index].unit != .coverage {
          columns.append((names[index].title, !report.isNumeric(index), { text($0, index) }))
        }
        continue
      }
      // Of each metric, the first number and what it counts.
      guard shown.insert(metric.name).inserted else { continue }
      columns.append((names[index].title, false, { text($0, index) }))
      if let previous = previous(of: index), report.rows.contains(where: { !$0[previous].isEmpty }) {
        columns.append(("before", false, { text($0, previous) }))
      }
      columns.append(("n", false, { countedText($0, metric) }))
    }
    // Columns are told apart by place, because several may have the title "before".
    let titles = Self.distinct(columns.map(\.title))
    return ReportTable(
      columns: titles, rows: report.rows.map { row in columns.map { .text($0.text(row)) } },
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

  // MARK: Columns

  /// True for a number of a metric, or any number if the report has no metrics.
  private func isValue(_ index: Int) -> Bool {
    names[index].unit != .counted && names[index].unit != .coverage && !ReportRows.nameColumns.contains(report.columns[index])
  }

  /// True for what a list shows of a metric besides its first number: times, ratios, texts, and what is compared.
  private func isEssential(_ index: Int) -> Bool {
    names[index].unit != .other || previous(of: index) != nil || !report.isNumeric(index)
  }

  /// True for what only programs need: addresses of the evidence, the window.
  private func isDetail(_ index: Int) -> Bool {
    let name = report.columns[index]
    return name.hasSuffix("evidence") || name.hasSuffix("_url") || name == "url" || Self.windowColumns.contains(name)
  }

  /// True for keys where a name says which item a row is about.
  private func isHidden(_ index: Int) -> Bool {
    let name = report.columns[index]
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
