import ValueStreamCore

/// Replaces values that valid JSON may hold but no program type can: numbers beyond 64 bits or a double, and lone
/// surrogates.
///
/// Numbers become `null`, lone surrogates U+FFFD. Each replacement has as many bytes as the original. Runs only after the
/// parser has failed, so good documents cost nothing.
struct JSONMending {
  /// The document with all replacements.
  private(set) var bytes: [UInt8]
  /// The JSON paths of the first few replaced values.
  private(set) var paths: [String] = []
  /// The number of replaced values.
  private(set) var count = 0

  private var frames: [Frame] = []
  private var index = 0

  private struct Frame {
    var isObject: Bool
    /// The name of the member that is being read, between its quotation marks.
    var name: Range<Int> = 0..<0
    var isNameNext: Bool
    var element = 0
  }

  static let pathLimit = 10
  private static let nameLimit = 100
  /// The depth limit of the parser.
  private static let depthLimit = 1024

  /// Replaces all such values; nil if there are none.
  ///
  /// The result may still be malformed in other ways.
  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    while index < self.bytes.count { if !step() { break } }
    if count == 0 { return nil }
  }

  /// Processes one token or character. False if going on makes no sense.
  private mutating func step() -> Bool {
    switch bytes[index] {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      if frames.count == Self.depthLimit { return false }
      let isObject = bytes[index] == UInt8(ascii: "{")
      frames.append(Frame(isObject: isObject, isNameNext: isObject))
      index += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      if frames.popLast() == nil { return false }
      index += 1
    case UInt8(ascii: ","):
      if let last = frames.indices.last {
        frames[last].isNameNext = frames[last].isObject
        frames[last].element += 1
      }
      index += 1
    case UInt8(ascii: "\""): string()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): number()
    default: index += 1
    }
    return true
  }

  // MARK: Strings

  private mutating func string() {
    let start = index + 1
    index = start
    var replaced = 0
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
      guard bytes[index] == UInt8(ascii: "\\") else {
        index += 1
        continue
      }
      guard let unit = unit(at: index), (0xD800..<0xE000).contains(unit) else {
        index += 2
        continue
      }
      if unit < 0xDC00, let next = self.unit(at: index + 6), (0xDC00..<0xE000).contains(next) {
        index += 12
      } else {
        bytes.replaceSubrange(index..<index + 6, with: Array("\\uFFFD".utf8))
        index += 6
        replaced += 1
      }
    }
    let end = min(index, bytes.count)
    index = end + 1
    if let last = frames.indices.last, frames[last].isNameNext {
      frames[last].name = start..<end
      frames[last].isNameNext = false
    }
    for _ in 0..<replaced { note() }
  }

  /// The code unit of an escape of four hexadecimal digits, such as `\u00e9`; nil if there is none at the index.
  private func unit(at index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else { return nil }
    var unit: UInt32 = 0
    for digit in bytes[index + 2..<index + 6] {
      guard let value = Hex.value(digit) else { return nil }
      unit = unit << 4 | UInt32(value)
    }
    return unit
  }

  // MARK: Numbers

  private mutating func number() {
    let start = index
    while index < bytes.count, Self.isOfNumber(bytes[index]) { index += 1 }
    let text = bytes[start..<index]
    guard text.count > Self.alwaysFits, Self.isNumber(text), !Self.fits(text) else { return }
    bytes.replaceSubrange(start..<index, with: Array("null".utf8) + Array(repeating: UInt8(ascii: " "), count: index - start - 4))
    note()
  }

  /// Numbers of up to four bytes always fit, such as `9e99` and `9999`.
  private static let alwaysFits = 4

  private static func isOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
      UInt8(ascii: "E"):
      true
    default: false
    }
  }

  /// Checks the number grammar of RFC 8259, section 6.
  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    func takeDigits() -> Bool {
      let digits = rest.prefix(while: isDigit)
      rest = rest.dropFirst(digits.count)
      return !digits.isEmpty
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    if rest.first == UInt8(ascii: "0") {
      rest = rest.dropFirst()
    } else if !takeDigits() {
      return false
    }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      if !takeDigits() { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
      if !takeDigits() { return false }
    }
    return rest.isEmpty
  }

  private static func fits(_ text: ArraySlice<UInt8>) -> Bool {
    let isWhole = text.allSatisfy { $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }
    let text = String(decoding: text, as: UTF8.self)
    if isWhole { return text.hasPrefix("-") ? Int64(text) != nil : UInt64(text) != nil }
    return Double(text)?.isFinite ?? false
  }

  // MARK: Paths

  private mutating func note() {
    count += 1
    if paths.count < Self.pathLimit, paths.last != path { paths.append(path) }
  }

  private var path: String {
    frames.prefix(Self.pathDepth).reduce(into: "$") { path, frame in
      if !frame.isObject {
        path += "[\(frame.element)]"
      } else if !frame.name.isEmpty {
        path += "." + String(decoding: bytes[frame.name].prefix(Self.nameLimit), as: UTF8.self)
      }
    }
  }

  private static let pathDepth = 20
}
