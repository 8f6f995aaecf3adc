/// Lays out JSON over several lines for readers. It keeps every character outside of white space.
enum IndentedJSON {
  private static let deepest = 40

  /// Returns the text with line breaks and indentation; any other text comes back with the same characters.
  static func text(_ text: String) -> String {
    guard text.utf8.first == UInt8(ascii: "{") || text.utf8.first == UInt8(ascii: "[") else { return text }
    var result: [UInt8] = []
    var depth = 0
    var isInText = false
    var isEscaped = false
    func newLine() {
      result.append(0x0A)
      result.append(contentsOf: repeatElement(0x20, count: 2 * min(depth, deepest)))
    }
    for byte in text.utf8 {
      if isInText {
        result.append(byte)
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
        }
        continue
      }
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: continue
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        result.append(byte)
        depth += 1
        newLine()
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth = max(0, depth - 1)
        newLine()
        result.append(byte)
      case UInt8(ascii: ","):
        result.append(byte)
        newLine()
      case UInt8(ascii: ":"):
        result.append(byte)
        result.append(0x20)
      default:
        result.append(byte)
        isInText = byte == UInt8(ascii: "\"")
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
