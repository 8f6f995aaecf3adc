/// Why comma-separated values cannot be read.
package struct CSVError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// There is no such file, or the system does not let it be read.
    case missing
    /// The bytes are not what they have to be.
    case malformed
  }

  package var code: Code
  package var file: String
  /// From 1, as editors count; nil where the whole file is meant.
  package var line: Int?
  /// Name of the column; nil where the whole row is meant.
  package var column: String?
  package var reason: String

  package init(_ code: Code, file: String, line: Int? = nil, column: String? = nil, reason: String) {
    self.code = code
    self.file = file
    self.line = line
    self.column = column
    self.reason = reason
  }

  /// `prs.csv, line 17, column duration: "soon" is not a number`.
  package var description: String {
    "\(file)\(line.map { ", line \($0)" } ?? "")\(column.map { ", column \($0)" } ?? ""): \(reason)"
  }
}
