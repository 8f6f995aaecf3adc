/// An error in reading comma-separated values.
package struct CSVError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The file does not exist or cannot be read.
    case missing
    /// The content is not valid.
    case malformed
  }

  package var code: Code
  package var file: String
  /// The line, counted from 1; nil if the error concerns the whole file.
  package var line: Int?
  /// The name of the column; nil if the error concerns the whole row.
  package var column: String?
  package var reason: String

  package init(_ code: Code, file: String, line: Int? = nil, column: String? = nil, reason: String) {
    self.code = code
    self.file = file
    self.line = line
    self.column = column
    self.reason = reason
  }

  /// The message, such as `prs.csv, line 17, column duration: "soon" is not a number`.
  package var description: String {
    "\(file)\(line.map { ", line \($0)" } ?? "")\(column.map { ", column \($0)" } ?? ""): \(reason)"
  }
}
