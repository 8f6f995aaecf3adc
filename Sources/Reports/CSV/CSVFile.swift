/// The name and the columns of a file, from its header.
package final class CSVFile: Sendable {
  /// The name used in error messages.
  package let name: String
  /// The names of the columns, in order.
  package let columns: [String]

  package init(name: String, columns: [String]) {
    self.name = name
    self.columns = columns
  }

  /// Returns the index of a column; nil if there is no such column.
  ///
  /// - Throws: ``CSVError`` if several columns have this name, because the choice would be ambiguous.
  package func index(of column: String) throws(CSVError) -> Int? {
    guard let index = columns.firstIndex(of: column) else { return nil }
    guard columns.lastIndex(of: column) == index else {
      throw problem(line: 1, column: column, "there are several columns of this name")
    }
    return index
  }

  /// Returns an error for a row of this file.
  package func problem(line: Int, column: String? = nil, _ reason: String) -> CSVError {
    CSVError(.malformed, file: name, line: line, column: column, reason: reason)
  }
}
