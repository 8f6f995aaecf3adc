/// A name with wildcards: `*` stands for any text, `?` for one character. Matching ignores letter case.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  private let characters: [Character]
  /// The pattern as bytes; nil if it is not plain ASCII.
  private let bytes: [UInt8]?
  private let isLiteral: Bool

  public init(_ text: String) {
    description = text
    characters = Array(text.lowercased())
    bytes = Self.plainBytes(of: text)
    isLiteral = false
  }

  private init(_ name: String, isLiteral: Bool) {
    description = name
    characters = Array(name.lowercased())
    bytes = Self.plainBytes(of: name)
    self.isLiteral = isLiteral
  }

  /// Returns a pattern that matches only this name, in any letter case. `*` and `?` stand for themselves.
  public static func literal(_ name: String) -> NamePattern { NamePattern(name, isLiteral: true) }

  /// True if the pattern matches the whole name.
  public func matches(_ name: String) -> Bool {
    // Fast path: the bytes of ASCII are its characters.
    if let bytes, let name = Self.plainBytes(of: name) {
      return isLiteral ? name == bytes : Self.matches(name, bytes, star: UInt8(ascii: "*"), any: UInt8(ascii: "?"))
    }
    let name = Array(name.lowercased())
    return isLiteral ? name == characters : Self.matches(name, characters, star: "*", any: "?")
  }

  /// The bytes of a text in lower case; nil if it is not plain ASCII. CR and LF are one character together, so CR is not plain.
  private static func plainBytes(of text: String) -> [UInt8]? {
    guard text.utf8.allSatisfy({ $0 < 0x80 && $0 != UInt8(ascii: "\r") }) else { return nil }
    return text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  }

  private static func matches<Element: Equatable>(
    _ name: [Element], _ characters: [Element], star anyText: Element, any: Element
  ) -> Bool {
    var (position, index) = (0, 0)
    // The position of the last `*`, and the index up to which it matches the name. Used for backtracking.
    var star: (position: Int, index: Int)?
    while index < name.count {
      if position < characters.count, characters[position] == anyText {
        star = (position, index)
        position += 1
      } else if position < characters.count, characters[position] == any || characters[position] == name[index] {
        position += 1
        index += 1
      } else if let last = star {
        star = (last.position, last.index + 1)
        position = last.position + 1
        index = last.index + 1
      } else {
        return false
      }
    }
    return characters[position...].allSatisfy { $0 == anyText }
  }
}

extension [NamePattern] {
  /// True if at least one pattern matches the name.
  public func match(_ name: String) -> Bool {
    contains { $0.matches(name) }
  }
}

extension Setting where Value == [NamePattern] {
  /// A setting that takes patterns separated by commas.
  public static func namePatterns(_ name: String, default value: [String], help: String) -> Setting {
    Setting(
      name, placeholder: "NAMES", default: value.map(NamePattern.init),
      defaultText: value.isEmpty ? nil : value.joined(separator: ","), help: help
    ) { text in
      text.split(separator: ",").map { NamePattern($0.trimmed) }.filter { !$0.description.isEmpty }
    }
  }
}

extension StringProtocol {
  /// The text without leading and trailing spaces and tabs.
  package var trimmed: String {
    func isBlank(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var rest = Substring(self)
    guard isBlank(rest.utf8.first) || isBlank(rest.utf8.last) else { return String(rest) }
    while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    return String(rest)
  }
}
