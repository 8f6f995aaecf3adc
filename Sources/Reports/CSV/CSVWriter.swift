/// Comma-separated values as RFC 4180 has them, in bytes: one field after the other, a line feed after each row.
///
/// A field is quoted only where it must be: where it has a comma, a quote or a line break, or begins with white space.
/// Go's `encoding/csv` quotes by the same rule, so files of both compare byte for byte.
package struct CSVWriter: Sendable {
  /// What was written since the last ``take()``.
  package private(set) var bytes: [UInt8] = []
  private var isInRow = false

  package init() {}

  package mutating func field(_ text: String) {
    var text = text
    text.withUTF8 { field($0) }
  }

  package mutating func field(_ text: UnsafeBufferPointer<UInt8>) {
    if isInRow { bytes.append(UInt8(ascii: ",")) }
    isInRow = true
    guard Self.mustBeQuoted(text) else { return bytes.append(contentsOf: text) }
    bytes.append(UInt8(ascii: "\""))
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

  private static func mustBeQuoted(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = text.first else { return false }
    if first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") { return true }
    return text.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
    }
  }
}
