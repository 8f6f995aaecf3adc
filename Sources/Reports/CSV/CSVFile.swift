/// A file of comma-separated values, as far as its first row tells.
package final class CSVFile: Sendable {
  /// As messages name it.
  package let name: String
  /// The names of its columns, in order.
  package let columns: [String]

  package init(name: String, columns: [String]) {
    self.name = name
    self.columns = columns
  }

  /// Where a column stands; of several with the name, the first.
  package func index(of column: String) -> Int? {
    columns.firstIndex(of: column)
  }

  /// Which row in a file is wrong, and how.
  package func problem(line: Int, column: String? = nil, _ reason: String) -> CSVError {
    CSVError(.malformed, file: name, line: line, column: column, reason: reason)
  }
}
