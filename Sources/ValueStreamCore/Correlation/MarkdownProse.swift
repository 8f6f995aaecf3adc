/// Extracts the prose of a Markdown text: removes HTML comments, fenced code and code spans.
///
/// Implements only as much of CommonMark as that needs. Source: CommonMark 0.31, sections 4.5, 4.6 and 6.1.
enum MarkdownProse {
  private static let backtick = UInt8(ascii: "`")
  private static let tilde = UInt8(ascii: "~")
  private static let lineFeed = UInt8(ascii: "\n")

  static func text(of markdown: String) -> String {
    let bytes = Array(markdown.utf8)
    guard bytes.contains(where: { $0 == backtick || $0 == tilde || $0 == UInt8(ascii: "<") }) else { return markdown }
    var prose: [UInt8] = []
    var index = 0
    var isLineStart = true
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "<"), starts(with: "<!--", bytes[index...]) {
        index = end(ofCommentAt: index, in: bytes)
        prose.append(UInt8(ascii: " "))
        continue
      }
      if byte == backtick || byte == tilde {
        let length = run(of: byte, in: bytes[index...])
        if isLineStart, length >= 3 {
          index = end(ofFenceAt: index, length, in: bytes)
          prose.append(lineFeed)
          continue
        }
        if byte == backtick, let end = end(ofSpanAt: index, length, in: bytes) {
          index = end
          prose.append(UInt8(ascii: " "))
        } else {
          prose += bytes[index..<index + length]
          index += length
        }
        isLineStart = false
        continue
      }
      prose.append(byte)
      index += 1
      isLineStart = byte == lineFeed || isLineStart && byte == UInt8(ascii: " ")
    }
    return String(decoding: prose, as: UTF8.self)
  }

  /// Returns the index behind the comment. An unclosed comment extends to the end of the text.
  private static func end(ofCommentAt start: Int, in bytes: [UInt8]) -> Int {
    var index = start + 4
    while index < bytes.count, bytes[index] != UInt8(ascii: "-") || !starts(with: "-->", bytes[index...]) { index += 1 }
    return min(index + 3, bytes.count)
  }

  /// Returns the index behind the closing fence: a line with at least as many of the same character and nothing else.
  private static func end(ofFenceAt start: Int, _ length: Int, in bytes: [UInt8]) -> Int {
    var index = start
    while let lineEnd = bytes[index...].firstIndex(of: lineFeed) {
      index = lineEnd + 1
      let line = bytes[index...].drop { $0 == UInt8(ascii: " ") }
      let found = run(of: bytes[start], in: line)
      let rest = line.dropFirst(found).prefix { $0 != lineFeed }
      if found >= length, rest.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return rest.endIndex }
    }
    return bytes.count
  }

  /// Returns the index behind an equally long run of backticks in the same paragraph. Nil if there is none.
  private static func end(ofSpanAt start: Int, _ length: Int, in bytes: [UInt8]) -> Int? {
    // Limits the work for texts with many runs of different length. Real code spans use few backticks.
    guard length <= 32 else { return nil }
    var index = start + length
    var isLineEmpty = false
    while index < bytes.count {
      switch bytes[index] {
      case backtick:
        let found = run(of: backtick, in: bytes[index...])
        index += found
        if found == length { return index }
        isLineEmpty = false
      case lineFeed:
        if isLineEmpty { return nil }
        isLineEmpty = true
        index += 1
      case UInt8(ascii: " "), UInt8(ascii: "\r"): index += 1
      default:
        isLineEmpty = false
        index += 1
      }
    }
    return nil
  }

  private static func run(of byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int {
    bytes.prefix { $0 == byte }.count
  }

  private static func starts(with text: StaticString, _ bytes: ArraySlice<UInt8>) -> Bool {
    text.withUTF8Buffer { bytes.starts(with: $0) }
  }
}
