/// A file of separated values, as far as its first row tells.
package final class CSVFile: Sendable {
  /// As messages name it.
  package let name: String
  /// The names of its columns, in order.
  package let columns: [String]

  package init(name: String, columns: [String]) {
    self.name = name
    self.columns = columns
  }

  /// Where a column stands; nil when there is none.
  ///
  /// - Throws: ``CSVError`` when several columns have the name: which of them is meant, nobody can tell.
  package func index(of column: String) throws(CSVError) -> Int? {
    guard let index = columns.firstIndex(of: column) else { return nil }
    guard columns.lastIndex(of: column) == index else {
      throw problem(line: 1, column: column, "there are several columns of this name")
    }
    return index
  }

  /// Which row in a file is wrong, and how.
  package func problem(line: Int, column: String? = nil, _ reason: String) -> CSVError {
    CSVError(.malformed, file: name, line: line, column: column, reason: reason)
  }
}
