import Charts
import ValueStreamCore

/// Numbers, durations and times as people write them.
package enum PlainText {
  /// Returns a duration as vsd's pages write it, such as `2 d 7 h`.
  package static func duration(_ seconds: Double) -> String {
    seconds.isFinite ? DurationText.text(seconds: seconds) : "-"
  }

  /// Returns a share of 1 as a percentage, such as `9.8 %`.
  package static func percentage(_ share: Double) -> String {
    "\(number(share * 100, decimals: 1)) %"
  }

  /// Returns a number with its digits in groups and at most two decimals, such as `1,234.5`.
  package static func number(_ number: Double, decimals: Int = 2) -> String {
    let scale = decimals == 1 ? 10.0 : 100.0
    let scaled = (number * scale).rounded(.toNearestOrAwayFromZero)
    let rounded = scaled.isFinite ? scaled / scale : number
    let text = ShortestDecimal.text(rounded)
    guard rounded.magnitude >= 1000, rounded.magnitude < 1e15 else { return text }
    let parts = text.split(separator: ".")
    let whole = Scale.grouped(rounded.magnitude.rounded(.down))
    return (rounded < 0 ? "-" : "") + whole + (parts.count > 1 ? ".\(parts[1])" : "")
  }

  /// Returns how many of all items were counted, such as `34 of 41`; only the number if all were.
  package static func counted(_ count: Double, coverage: Double?) -> String {
    guard let coverage, coverage > 0, coverage < 1 else { return number(count) }
    return "\(number(count)) of \(number((count / coverage).rounded()))"
  }

  /// Returns a time without seconds, such as `2026-11-24 18:00`; nil if the text is none.
  package static func time(_ text: String) -> String? {
    guard text.count >= 20, text.dropFirst(10).first == "T", Timestamp(rfc3339: text) != nil else { return nil }
    let zone = text.dropFirst(19).drop { $0 == "." || $0.isNumber }
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))" + (zone == "Z" ? "" : " \(zone)")
  }

  private static let words = ["true": "yes", "false": "no", "by_bot": "by a bot", "direct": "pushed directly"]

  /// Returns the codes of a cell, which spaces separate, as words: `still_broken by_bot` as `still broken, by a bot`.
  private static func codes(_ text: String) -> String {
    text.split(separator: " ").map { words[String($0)] ?? String($0.replacing("_", with: " ")) }.joined(separator: ", ")
  }

  /// Returns the text of a value of a column.
  package static func value(_ text: String, of column: ReportColumnName, isNumeric: Bool) -> String {
    guard !text.isEmpty else { return "-" }
    guard isNumeric, let number = Double(text) else {
      return column.hasCodes ? codes(text) : words[text] ?? time(text) ?? text
    }
    if column.isScore { return "\(Self.number(number, decimals: 1)) of 10" }
    return switch column.unit {
    case .seconds: duration(number)
    case .ratio, .coverage: percentage(number)
    case .counted, .other: Self.number(number)
    }
  }
}
