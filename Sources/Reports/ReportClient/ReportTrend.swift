import Charts
import ValueStreamCore

/// A number of a report over the buckets of its window.
package struct ReportTrend: Sendable {
  private let report: ReportRows
  private let bucket: Int
  private let value: Int
  private let partial: Int?
  private let name: ReportColumnName

  /// The columns that name a bucket, in order of preference.
  static let bucketColumns = ["bucket", "bucket_from", "bucket_start", "from"]

  /// Finds the buckets and the number to draw.
  ///
  /// - Parameter column: The name of the number's column; nil for the first number of the report.
  /// - Returns: Nil if the report has no buckets or no such column.
  package init?(_ report: ReportRows, column: String?) {
    let found = Self.bucketColumns.lazy.compactMap { report.columns.firstIndex(of: $0) }.first
    guard let bucket = found else { return nil }
    let numbers = report.columns.indices.filter { index in
      let name = ReportColumnName(report.columns[index])
      return index != bucket && !name.isPrevious && name.unit != .counted && name.unit != .coverage && report.isNumeric(index)
    }
    let value = column.map { wanted in numbers.first { report.columns[$0] == wanted } } ?? numbers.first
    guard let value else { return nil }
    self.report = report
    self.bucket = bucket
    self.value = value
    partial = report.columns.firstIndex(of: "partial")
    name = ReportColumnName(report.columns[value])
  }

  /// The name of the number.
  package var title: String { name.title }

  /// The number of a row; nil if it has none, or if it counts what happened in a part of a bucket, which looks like a fall.
  private func number(_ row: [String]) -> Double? { isCutCount(row) ? nil : Double(row[value]) }

  private func isCutCount(_ row: [String]) -> Bool {
    name.unit == .other && partial.map { row[$0] == "true" } ?? false
  }

  /// Returns the chart as an SVG document.
  ///
  /// - Parameters:
  ///   - title: The heading of the chart.
  ///   - identifier: What the ids of elements begin with, so that several charts can be on a page.
  package func svg(title: String, note: String, identifier: String = "") -> String {
    // With --group-by, a bucket has several rows. They cannot be added, so the chart has the first group.
    var seen: Set<String> = []
    let rows = report.rows.filter { seen.insert($0[bucket]).inserted }
    let greater = ["p85", "p90", "p95"].lazy.compactMap { percentile in
      report.columns.firstIndex(of: report.columns[value].replacing("median", with: percentile))
    }.first { $0 != value }
    let points = rows.map { row in
      TrendChart.Point(
        label: Self.label(of: row[bucket]), line: number(row), dashed: greater.flatMap { Double(row[$0]) }, band: nil)
    }
    let cut = rows.contains(where: isCutCount) ? "; without partial buckets" : ""
    var chart = TrendChart(
      title: title, note: note + cut, xTitle: "beginning", yTitle: name.title, lineName: name.title,
      dashedName: greater.map { ReportColumnName(report.columns[$0]).title } ?? "", bandName: "", points: points)
    chart.identifier = identifier
    chart.values =
      switch name.unit {
      case .seconds: .durations
      case .ratio, .coverage: .shares
      case .counted, .other: .counts
      }
    return chart.svg
  }

  /// Returns a line for each group with its number as one character per bucket.
  package var plot: String {
    let groups = ["service", "repository", "team", "environment"].compactMap { report.columns.firstIndex(of: $0) }
    var titles: [String] = []
    var series: [String: [Double?]] = [:]
    for row in report.rows {
      let title = groups.map { row[$0] }.filter { !$0.isEmpty }.joined(separator: " ")
      if series[title] == nil { titles.append(title) }
      series[title, default: []].append(number(row))
    }
    let width = titles.map { max($0.count, 3) }.max() ?? 0
    let first = report.rows.first.map { Self.label(of: $0[bucket]) } ?? ""
    let last = report.rows.last.map { Self.label(of: $0[bucket]) } ?? ""
    return "\n\(name.title), \(first) to \(last)\n"
      + titles.map { title in
        let values = series[title] ?? []
        let shown = title.isEmpty ? "all" : title
        let greatest = PlainText.value(
          ShortestDecimal.text(values.compactMap { $0 }.max() ?? 0), of: name, isNumeric: true)
        return
          "\(shown)\(String(repeating: " ", count: max(0, width - shown.count)))  \(Sparkline.text(values))  up to \(greatest)\n"
      }.joined()
  }

  /// The day of a bucket; a bucket with another name keeps it.
  private static func label(of bucket: String) -> String {
    Timestamp(rfc3339: bucket) == nil ? bucket : String(bucket.prefix(10))
  }
}
