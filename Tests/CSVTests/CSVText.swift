import CSV
import Foundation

/// Parses a string as a CSV file and collects columns, rows, line numbers and problems.
enum CSVText {
  struct Read {
    var columns: [String] = []
    var rows: [[String]] = []
    var lines: [Int] = []
    var problems: [CSVRows.Problem] = []
  }

  static func read(_ text: String, capacity: Int = 1 << 18) throws -> Read {
    try read([UInt8](text.utf8), capacity: capacity)
  }

  static func read(_ bytes: [UInt8], capacity: Int = 1 << 18) throws -> Read {
    try withFile(bytes) { path in try read(files: [path], capacity: capacity) }
  }

  static func read(files: [String], capacity: Int = 1 << 18) throws -> Read {
    let source = CSVSource(files)
    let block = CSVBlock(capacity: capacity)
    let rows = CSVRows()
    var read = Read()
    while try source.next(into: block) {
      rows.load(block)
      read.columns = block.file.columns
      read.problems += rows.problems.map { CSVRows.Problem(row: read.rows.count + $0.row, reason: $0.reason) }
      for row in 0..<rows.count {
        read.lines.append(rows.line(ofRow: row))
        read.rows.append(
          (0..<rows.fieldCount(ofRow: row)).map { String(decoding: rows.text(row: row, column: $0), as: UTF8.self) })
      }
    }
    return read
  }

  static func withFile<Value>(_ bytes: [UInt8], _ body: (String) throws -> Value) throws -> Value {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("csv-\(UUID().uuidString)")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }
}
