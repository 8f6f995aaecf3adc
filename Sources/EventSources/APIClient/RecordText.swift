package import ValueStreamCore

/// How values stand in a row.
package enum RecordText {
  package static func text(_ time: Timestamp?) -> String { time?.rfc3339 ?? "" }

  package static func text(_ number: (some BinaryInteger)?) -> String { number.map { String($0) } ?? "" }

  package static func text(_ flag: Bool) -> String { flag ? "true" : "false" }

  package static func text(_ number: Double?) -> String { number.map(ShortestDecimal.text) ?? "" }

  /// How long something took; nil where one of the times is not known, or they contradict each other.
  static func seconds(from start: Timestamp?, to end: Timestamp?) -> Double? {
    guard let start, let end, end >= start else { return nil }
    return end.seconds(since: start)
  }

  /// A share of something that may not be there.
  static func ratio(_ number: Double, per count: Int64?) -> String {
    guard let count, count != 0 else { return "" }
    return text(number / Double(count))
  }

  /// Several in one field.
  package static func list(_ texts: [String]) -> String { texts.joined(separator: "|") }

  /// What stands before the last slash of a container's name, and after it: `group/sub/app`.
  package static func split(_ container: String) -> (owner: String, name: String) {
    guard let slash = container.lastIndex(of: "/") else { return ("", container) }
    return (String(container[..<slash]), String(container[container.index(after: slash)...]))
  }
}
