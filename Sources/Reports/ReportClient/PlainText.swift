import Charts
import ValueStreamCore

/// Numbers, durations and times as people write them.
package enum PlainText {
  /// Returns a duration in a suitable unit, such as `2.3 days`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "-" }
    let unit = seconds == 0 ? DurationUnit.seconds : DurationUnit.suited(to: seconds.magnitude)
    let name =
      switch unit {
      case .milliseconds: "ms"
      case .seconds: "seconds"
      case .minutes: "minutes"
      case .hours: "hours"
      case .days: "days"
      }
    return "\(DurationUnit.brief(seconds / unit.seconds)) \(name)"
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

  private static let words = ["true": "yes", "false": "no"]

  /// Returns the text of a value of a column.
  package static func value(_ text: String, of column: ReportColumnName, isNumeric: Bool) -> String {
    guard !text.isEmpty else { return "-" }
    guard isNumeric, let number = Double(text) else { return words[text] ?? time(text) ?? text }
    return switch column.unit {
    case .seconds: duration(number)
    case .ratio, .coverage: percentage(number)
    case .counted, .other: Self.number(number)
    }
  }
}
