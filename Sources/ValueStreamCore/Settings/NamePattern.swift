/// A name with wildcards: `*` stands for any text, `?` for one character. Matching ignores letter case.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  private let characters: [Character]
  private let isLiteral: Bool

  public init(_ text: String) {
    description = text
    characters = Array(text.lowercased())
    isLiteral = false
  }

  private init(_ name: String, isLiteral: Bool) {
    description = name
    characters = Array(name.lowercased())
    self.isLiteral = isLiteral
  }

  /// Returns a pattern that matches only this name, in any letter case. `*` and `?` stand for themselves.
  public static func literal(_ name: String) -> NamePattern { NamePattern(name, isLiteral: true) }

  /// True if the pattern matches the whole name.
  public func matches(_ name: String) -> Bool {
    if isLiteral { return Array(name.lowercased()) == characters }
    let name = Array(name.lowercased())
    var (position, index) = (0, 0)
    // The position of the last `*`, and the index up to which it matches the name. Used for backtracking.
    var star: (position: Int, index: Int)?
    while index < name.count {
      if position < characters.count, characters[position] == "*" {
        star = (position, index)
        position += 1
      } else if position < characters.count, characters[position] == "?" || characters[position] == name[index] {
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
    return characters[position...].allSatisfy { $0 == "*" }
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
    var rest = self[...]
    while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    return String(rest)
  }
}
