/// A whole table of comma-separated values in memory.
package struct CSVTable: Sendable, Hashable {
  /// The names of the columns, in order.
  package var columns: [String]
  /// The fields of each row, as many as there are columns.
  package var rows: [[String]]

  /// Reads a text with a header.
  ///
  /// - Parameters:
  ///   - bytes: The text in UTF-8, with or without a byte order mark.
  ///   - name: The name of the text in error messages.
  /// - Throws: ``CSVError`` if there is no header, a quote is misplaced, or a row has another number of fields than the
  ///   header.
  package init(_ bytes: [UInt8], name: String) throws(CSVError) {
    let source = CSVSource(bytes: bytes, name: name)
    let block = CSVBlock()
    let reader = CSVRows()
    columns = []
    rows = []
    while try source.next(into: block) {
      columns = block.file.columns
      reader.load(block)
      if let problem = reader.problems.first {
        throw block.file.problem(line: reader.line(ofRow: problem.row), problem.reason)
      }
      for row in 0..<reader.count {
        guard reader.fieldCount(ofRow: row) == columns.count else {
          throw block.file.problem(
            line: reader.line(ofRow: row), "there are \(reader.fieldCount(ofRow: row)) fields and \(columns.count) columns")
        }
        rows.append(columns.indices.map { String(decoding: reader.text(row: row, column: $0), as: UTF8.self) })
      }
    }
  }
}
