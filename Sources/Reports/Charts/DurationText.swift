import ValueStreamCore

/// Durations as pages and tables write them.
package enum DurationText {
  /// Returns a duration with its two greatest units, such as `7 d 5 h`, `2 h 45 min`, `5.2 min` or `52 s`.
  package static func text(milliseconds: Int64) -> String {
    if milliseconds < 0 { return "−" + text(milliseconds: milliseconds == .min ? .max : -milliseconds) }
    let seconds = milliseconds / 1000
    switch seconds {
    case 0 where milliseconds == 0: return "0 s"
    case 0: return "\(milliseconds) ms"
    case ..<60: return "\(seconds) s"
    case ..<600: return "\(tenths(seconds, of: 60)) min"
    case ..<3600: return "\(seconds / 60) min"
    case ..<86_400: return two(seconds, 3600, "h", 60, "min")
    case ..<(14 * 86_400): return two(seconds, 86_400, "d", 3600, "h")
    default: return "\(Scale.grouped(Double(seconds / 86_400))) d"
    }
  }

  /// Returns a duration that may be longer than all of the time that a ``Timestamp`` can tell, such as a sum.
  package static func text(seconds: Double) -> String {
    text(milliseconds: Int64(saturating: (seconds * 1000).rounded(.towardZero)))
  }

  private static func two(_ seconds: Int64, _ great: Int64, _ greatName: String, _ small: Int64, _ smallName: String) -> String {
    let rest = seconds % great / small
    return rest == 0 ? "\(seconds / great) \(greatName)" : "\(seconds / great) \(greatName) \(rest) \(smallName)"
  }

  private static func tenths(_ seconds: Int64, of unit: Int64) -> String {
    let tenths = (seconds * 10 + unit / 2) / unit
    return "\(tenths / 10).\(tenths % 10)"
  }
}
