/// Comma-separated values as RFC 4180 has them, in bytes: one field after the other, a line feed after each row.
///
/// A field is quoted only where it must be: where it has a comma, a quote or a line break, or begins with white space.
/// Go's `encoding/csv` quotes by the same rule, so files of both compare byte for byte.
///
/// Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula, and titles and names come from strangers: such a text gets an
/// apostrophe in front, which spreadsheets take for "this is text". Numbers stay as they are. (OWASP, CSV injection.)
package struct CSVWriter: Sendable {
  /// What was written since the last ``take()``.
  package private(set) var bytes: [UInt8] = []
  private var isInRow = false
  private let keepsFormulas: Bool

  /// - Parameter keepsFormulas: writes texts as they are, also those that a spreadsheet runs.
  package init(keepsFormulas: Bool = false) {
    self.keepsFormulas = keepsFormulas
  }

  package mutating func field(_ text: String) {
    var text = text
    text.withUTF8 { field($0) }
  }

  package mutating func field(_ text: UnsafeBufferPointer<UInt8>) {
    if isInRow { bytes.append(UInt8(ascii: ",")) }
    isInRow = true
    let isFormula = !keepsFormulas && Self.isFormula(text)
    guard Self.mustBeQuoted(text) else {
      if isFormula { bytes.append(Self.textMark) }
      return bytes.append(contentsOf: text)
    }
    bytes.append(UInt8(ascii: "\""))
    if isFormula { bytes.append(Self.textMark) }
    for byte in text {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func endRow() {
    bytes.append(UInt8(ascii: "\n"))
    isInRow = false
  }

  package mutating func row(_ fields: some Sequence<String>) {
    for text in fields { field(text) }
    endRow()
  }

  /// Hands over what was written; what comes next begins with no bytes, in the same row.
  package mutating func take() -> [UInt8] {
    let taken = bytes
    bytes.removeAll(keepingCapacity: true)
    return taken
  }

  private static let textMark = UInt8(ascii: "'")

  private static func isFormula(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    switch text.first {
    case UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "\t"), UInt8(ascii: "\r"): true
    case UInt8(ascii: "+"), UInt8(ascii: "-"): Double(String(decoding: text, as: UTF8.self)) == nil
    default: false
    }
  }

  private static func mustBeQuoted(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = text.first else { return false }
    if first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") { return true }
    return text.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
    }
  }
}
