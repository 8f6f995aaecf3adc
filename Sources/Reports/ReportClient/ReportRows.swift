package import Aggregates
package import CSV
import ValueStreamCore

/// The rows of a report as vsd sends them in CSV.
package struct ReportRows: Sendable, Hashable {
  package var columns: [String]
  package var rows: [[String]]

  package init(columns: [String], rows: [[String]]) {
    self.columns = columns
    self.rows = rows
  }

  /// Reads the CSV of a vsd.
  package init(csv: [UInt8]) throws(CSVError) {
    let text = try CSVTable(csv, name: "report")
    self.init(columns: text.columns, rows: text.rows)
  }

  /// The columns that name what a row is about. They hold texts, even if all of them look like numbers.
  package static let nameColumns: Set<String> = [
    "service", "repository", "team", "environment", "key", "name", "title", "trace_id", "traceID", "version", "commit", "author",
    "item", "reason", "actor",
  ]

  /// The table with the columns and values as vsd sends them, for programs.
  package var table: ReportTable {
    let numeric = columns.indices.map(isNumeric)
    return ReportTable(
      columns: columns,
      rows: rows.map { row in
        zip(row, numeric).map { text, isNumeric in
          guard !text.isEmpty else { return .none }
          return isNumeric ? Double(text).map(ReportTable.Cell.number) ?? .text(text) : .text(text)
        }
      },
      textColumns: Set(columns.indices.filter { !numeric[$0] }.map { columns[$0] }))
  }

  /// Returns the rows without the columns that a condition holds for.
  package func without(_ isLeftOut: (String) -> Bool) -> ReportRows {
    let kept = columns.indices.filter { !isLeftOut(columns[$0]) }
    return ReportRows(columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { row[$0] } })
  }

  /// Returns the rows with the unit of their values in the name of the column, for people.
  package func withValuesInSeconds() -> ReportRows {
    ReportRows(columns: columns.map { $0 == "value" ? "value_seconds" : $0 }, rows: rows)
  }

  /// Returns true if a column holds numbers: its name has a unit, or writing each value as a number changes none, as it
  /// would change the version `1.10`.
  package func isNumeric(_ column: Int) -> Bool {
    guard !Self.nameColumns.contains(columns[column]) else { return false }
    let values = rows.lazy.map { $0[column] }.filter { !$0.isEmpty }
    if ReportColumnName(columns[column]).isNumeric { return values.allSatisfy { Double($0)?.isFinite == true } }
    return !values.isEmpty && values.allSatisfy { text in Double(text).map { ShortestDecimal.text($0) == text } == true }
  }
}
