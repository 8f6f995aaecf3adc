/// Writes comma-separated values as in RFC 4180, field by field, with a line feed after each row.
///
/// A field is quoted only if it contains a comma, a quote or a line break, or begins with white space. Go's
/// `encoding/csv` quotes by the same rule, so files from both are identical byte for byte.
///
/// Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula, and titles and names are untrusted
/// input. Such a text gets a leading apostrophe, which marks a cell as text. Numbers stay unchanged. Source: OWASP,
/// CSV injection.
package struct CSVWriter: Sendable {
  /// The bytes written since the last ``take()``.
  package private(set) var bytes: [UInt8] = []
  private var isInRow = false
  private let keepsFormulas: Bool

  /// Creates an empty writer.
  ///
  /// - Parameter keepsFormulas: True to write texts unchanged even if a spreadsheet would run them as formulas.
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

  /// Returns the bytes written so far and clears them. The current row continues.
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
