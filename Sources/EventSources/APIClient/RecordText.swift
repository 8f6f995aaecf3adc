package import ValueStreamCore

/// Formats values for the fields of a row. Unknown values become empty.
package enum RecordText {
  package static func text(_ time: Timestamp?) -> String { time?.rfc3339 ?? "" }

  package static func text(_ number: (some BinaryInteger)?) -> String { number.map { String($0) } ?? "" }

  package static func text(_ flag: Bool) -> String { flag ? "true" : "false" }

  package static func text(_ number: Double?) -> String { number.map(ShortestDecimal.text) ?? "" }

  /// Returns the seconds between two times; nil if one is unknown, or if the end is before the start.
  static func seconds(from start: Timestamp?, to end: Timestamp?) -> Double? {
    guard let start, let end, end >= start else { return nil }
    return end.seconds(since: start)
  }

  /// Returns a quotient; empty if the count is unknown or zero.
  static func ratio(_ number: Double, per count: Int64?) -> String {
    guard let count, count != 0 else { return "" }
    return text(number / Double(count))
  }

  /// Joins several values in one field.
  package static func list(_ texts: [String]) -> String { texts.joined(separator: "|") }

  /// Splits the name of a container at its last slash: `group/sub/app` becomes `group/sub` and `app`.
  package static func split(_ container: String) -> (owner: String, name: String) {
    guard let slash = container.lastIndex(of: "/") else { return ("", container) }
    return (String(container[..<slash]), String(container[container.index(after: slash)...]))
  }
}
