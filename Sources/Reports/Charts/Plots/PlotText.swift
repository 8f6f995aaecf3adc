/// Texts of marks, as pages write them.
package enum PlotText {
  /// Returns a duration with its two greatest units, such as `7 d 5 h`, `2 h 45 min`, `5.2 min` or `52 s`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds.magnitude < 9e15 else { return "–" }
    if seconds < 0 { return "−" + duration(-seconds) }
    let whole = Int(seconds)
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<600: return "\((whole * 10 + 30) / 60 / 10).\((whole * 10 + 30) / 60 % 10) min"
    case ..<3600: return "\(whole / 60) min"
    case ..<86_400: return two(whole / 3600, "h", whole % 3600 / 60, "min")
    case ..<(14 * 86_400): return two(whole / 86_400, "d", whole % 86_400 / 3600, "h")
    default: return "\(Scale.grouped(Double(whole / 86_400))) d"
    }
  }

  private static func two(_ great: Int, _ greatName: String, _ small: Int, _ smallName: String) -> String {
    small == 0 ? "\(great) \(greatName)" : "\(great) \(greatName) \(small) \(smallName)"
  }
}
