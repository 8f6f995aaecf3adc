/// Escapes text for XML and HTML: for element content and for attribute values in double quotes.
package enum MarkupText {
  /// Appends a text as UTF-8.
  ///
  /// Characters that XML does not allow become U+FFFD. Line breaks and tabs become spaces.
  ///
  /// - Parameter keepsLines: True to keep line breaks and tabs, for preformatted content.
  package static func append(_ text: String, to bytes: inout [UInt8], keepsLines: Bool = false) {
    var text = text
    text.withUTF8 { append($0, to: &bytes, keepsLines: keepsLines) }
  }

  /// Returns the escaped text.
  package static func escaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    append(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8], keepsLines: Bool) {
    // Copies the stretches between special bytes as they are.
    var start = 0
    var index = 0
    while index < text.count {
      let byte = text[index]
      var length = 1
      let replacement: StaticString
      switch byte {
      case UInt8(ascii: "&"): replacement = "&amp;"
      case UInt8(ascii: "<"): replacement = "&lt;"
      case UInt8(ascii: ">"): replacement = "&gt;"
      case UInt8(ascii: "\""): replacement = "&quot;"
      case 0x09, 0x0A, 0x0D:
        if keepsLines, byte != 0x0D {
          index += 1
          continue
        }
        replacement = " "
      case 0..<0x20: replacement = "\u{FFFD}"
      case 0xEF where index + 2 < text.count && text[index + 1] == 0xBF && text[index + 2] >= 0xBE:
        (replacement, length) = ("\u{FFFD}", 3)
      // U+1FFFE, U+1FFFF and so on, at the end of each plane: F? ?F BF BE or BF.
      case 0xF0...
      where index + 3 < text.count && text[index + 1] & 0x0F == 0x0F && text[index + 2] == 0xBF && text[index + 3] >= 0xBE:
        (replacement, length) = ("\u{FFFD}", 4)
      default:
        index += 1
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
      replacement.withUTF8Buffer { bytes.append(contentsOf: $0) }
      index += length
      start = index
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<text.count]))
  }
}
