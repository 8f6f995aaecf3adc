import ValueStreamCore

/// What a figure measures: how it is written, and how two of them are compared.
enum FigureUnit {
  /// Seconds.
  case duration
  case count
  /// A share of 1.
  case share
  /// Events by days.
  case rate
  /// A mean of counts.
  case number

  /// A value in words; nil if it is not known.
  func text(_ value: Double?) -> String? {
    guard let value, value.isFinite else { return nil }
    switch self {
    case .duration: return Self.duration(value)
    case .rate: return value >= 1 ? "\(value.brief) a day" : "\((value * 7).brief) a week"
    case .share: return "\((value * 100).brief) %"
    case .count: return Wording.grouped(Int64(saturating: value))
    case .number: return value.brief
    }
  }

  /// The difference of two values in words: `3 h shorter`, `2.1 points higher`.
  func comparison(_ value: Double, _ before: Double) -> String {
    let difference = (value - before).magnitude
    let isUp = value > before
    switch self {
    case .duration: return "\(Self.duration(difference)) \(isUp ? "longer" : "shorter")"
    case .rate:
      return before >= 1
        ? "\(difference.brief) a day \(isUp ? "more" : "fewer")" : "\((difference * 7).brief) a week \(isUp ? "more" : "fewer")"
    case .share: return "\((difference * 100).brief) points \(isUp ? "higher" : "lower")"
    case .count: return "\(text(difference) ?? "") \(isUp ? "more" : "fewer")"
    case .number: return "\(difference.brief) \(isUp ? "more" : "fewer")"
    }
  }

  static func duration(_ seconds: Double) -> String { Wording.duration(seconds: seconds) }
}

extension Double {
  /// The number with at most one decimal.
  var brief: String { HTMLAttribute.Length.text(self, digits: 1) }
}
