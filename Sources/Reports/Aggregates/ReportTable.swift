import CSV
import ValueStreamCore

/// The columns and rows of a report, and the formats it can be printed in.
package struct ReportTable: Sendable {
  package enum Cell: Sendable, Hashable {
    case text(String)
    case number(Double)
    /// There is no value.
    case none

    /// The text of the cell. A number has the shortest form that parses to the same number, without an exponent.
    package var text: String {
      switch self {
      case .text(let text): text
      case .number(let number): ShortestDecimal.text(number)
      case .none: ""
      }
    }
  }

  package enum Format: String, CaseIterable, Sendable {
    case csv, json, ndjson, markdown, table
  }

  package var columns: [String]
  package var rows: [[Cell]]
  /// The columns of texts; all others hold numbers.
  package var textColumns: Set<String>

  package init(columns: [String], rows: [[Cell]], textColumns: Set<String>) {
    self.columns = columns
    self.rows = rows
    self.textColumns = textColumns
  }

  /// Returns the table in a format, encoded in UTF-8.
  ///
  /// - Parameter keepsFormulas: True to write texts unchanged in CSV even if a spreadsheet would run them as
  ///   formulas.
  package func bytes(as format: Format, keepsFormulas: Bool = false) -> [UInt8] {
    switch format {
    case .csv: csv(keepsFormulas: keepsFormulas)
    case .json: json
    case .ndjson: rows.flatMap { object($0).bytes + [UInt8(ascii: "\n")] }
    case .markdown: Array(markdown.utf8)
    case .table: Array(aligned.utf8)
    }
  }

  private func csv(keepsFormulas: Bool) -> [UInt8] {
    var writer = CSVWriter(keepsFormulas: keepsFormulas)
    writer.row(columns)
    for row in rows {
      for cell in row { writer.field(cell.text) }
      writer.endRow()
    }
    return writer.bytes
  }

  private var json: [UInt8] {
    var writer = JSONWriter()
    writer.array(rows) { writer, row in writer.value(json: object(row).bytes) }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  private func object(_ row: [Cell]) -> JSONWriter {
    var writer = JSONWriter()
    writer.object { writer in
      for (name, cell) in zip(columns, row) {
        writer.name(name)
        switch cell {
        case .text(let text): writer.value(text)
        case .number: writer.value(json: Array(cell.text.utf8))
        case .none: writer.value(nil)
        }
      }
    }
    return writer
  }

  private var markdown: String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    func escaped(_ text: String) -> String {
      var result = ""
      for character in text {
        if character == "|" || character == "\\" { result += "\\" }
        result += character.isNewline ? " " : String(character)
      }
      return result
    }
    let rule = columns.map { textColumns.contains($0) ? "---" : "---:" }
    return line(columns.map(escaped)) + line(rule) + rows.map { line($0.map { escaped($0.text) }) }.joined()
  }

  /// The table for people: aligned columns, with numbers right-aligned and rounded to two decimals.
  private var aligned: String {
    let cells = [columns] + rows.map { $0.map(Self.brief) }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      let padded = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return textColumns.contains(columns[column]) ? row[column] + space : space + row[column]
      }
      return padded.joined(separator: "  ").trimmed + "\n"
    }.joined()
  }

  private static func brief(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): String(text.map { $0.isNewline ? " " : $0 })
    case .number(let number): Cell.number(Decimal.rounded(number, decimals: 2)).text
    case .none: "-"
    }
  }
}
