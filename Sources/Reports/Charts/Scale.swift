import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Maps values to positions along an axis and chooses its ticks.
package struct Scale: Sendable {
  package struct Tick: Sendable, Hashable {
    package var value: Double
    package var label: String

    package init(_ value: Double, _ label: String) {
      self.value = value
      self.label = label
    }
  }

  package enum Kind: Sendable {
    case linear
    /// Equal ratios have equal distances. All values are greater than 0.
    case logarithmic
  }

  package var kind: Kind
  package var lower: Double
  package var upper: Double
  package var ticks: [Tick]

  /// Returns the position of a value along the axis, from 0 to 1. Values outside the axis are clamped to its ends.
  package func position(of value: Double) -> Double {
    let share =
      switch kind {
      case .linear: (value - lower) / (upper - lower)
      case .logarithmic: log(value / lower) / log(upper / lower)
      }
    return share.isFinite ? min(1, max(0, share)) : 0
  }

  /// The greatest value that an axis reaches; greater values are drawn at its end. The bound keeps the arithmetic of
  /// ticks finite.
  fileprivate static let greatestBound = 1e15

  private static func bounded(_ value: Double) -> Double {
    value.isNaN ? 0 : min(max(value, 0), greatestBound)
  }

  // MARK: Counts

  /// Returns a linear scale from 0 to a round number, with about five ticks.
  package static func counts(upTo greatest: Double) -> Scale {
    let greatest = bounded(greatest)
    let step = roundStep(max(greatest, 1) / 5, isWhole: true)
    let upper = max(1, (greatest / step).rounded(.up)) * step
    let ticks = stride(from: 0.0, through: upper + step / 2, by: step).map { Tick($0, grouped($0)) }
    return Scale(kind: .linear, lower: 0, upper: upper, ticks: ticks)
  }

  /// Returns a linear scale for shares of 1 from 0, with about five ticks in percent.
  package static func shares(upTo greatest: Double) -> Scale {
    let percent = min(bounded(greatest) * 100, 100)
    let step = roundStep(max(percent, 1) / 5, isWhole: false)
    let count = max(1, Int((percent / step - 1e-9).rounded(.up)))
    let ticks = (0...count).map { Tick(Double($0) * step / 100, "\(DurationUnit.brief(Double($0) * step)) %") }
    return Scale(kind: .linear, lower: 0, upper: Double(count) * step / 100, ticks: ticks)
  }

  /// Returns a logarithmic scale for counts, with ticks at powers of ten.
  package static func magnitudes(from least: Double, to greatest: Double) -> Scale {
    let lower = max(bounded(least), 1e-9)
    let upper = max(bounded(greatest), lower * 2)
    var ticks: [Tick] = []
    for exponent in Int(saturating: log10(lower).rounded(.down))...Int(saturating: log10(upper).rounded(.up)) {
      let value = pow(10, Double(exponent))
      if value >= lower * 0.999, value <= upper * 1.001 { ticks.append(Tick(value, exponent < 0 ? "\(value)" : grouped(value))) }
    }
    return Scale(kind: .logarithmic, lower: lower, upper: upper, ticks: ticks)
  }

  /// Returns the smallest product of 1, 2 or 5 and a power of ten that is not less than `least`.
  private static func roundStep(_ least: Double, isWhole: Bool) -> Double {
    let power = pow(10, log10(least).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= least * 0.999 } ?? power * 10
    return isWhole ? max(1, step) : step
  }

  /// Returns a number with its digits in groups, such as `12,000`, or in exponent notation beyond 10^15, such as
  /// `1e+30`.
  package static func grouped(_ number: Double) -> String {
    guard number.magnitude <= greatestBound else { return "\(number)" }
    var digits = String(Int(saturating: number))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }

  // MARK: Durations

  /// Returns a linear scale for durations in seconds, starting at 0, with ticks in a suitable unit.
  package static func durations(upTo greatest: Double) -> Scale {
    // Of durations that are all 0, the scale still tells more than 0.
    let greatest = bounded(greatest) > 0 ? bounded(greatest) : 60
    let unit = DurationUnit.suited(to: greatest)
    let step = roundStep(max(greatest / unit.seconds, 1e-9) / 5, isWhole: false)
    let count = max(1, Int((greatest / unit.seconds / step - 1e-9).rounded(.up)))
    let ticks = (0...count).map { index in
      Tick(Double(index) * step * unit.seconds, "\(DurationUnit.brief(Double(index) * step)) \(unit.symbol)")
    }
    return Scale(kind: .linear, lower: 0, upper: Double(count) * step * unit.seconds, ticks: ticks)
  }

  /// Returns a linear scale from 0, or a logarithmic one if the greatest duration is more than 30 times the least, to
  /// keep both readable.
  package static func durations(among values: [Double]) -> Scale {
    let greatest = values.max() ?? 0
    guard let least = values.filter({ $0 > 0 }).min(), greatest > least * 30 else { return durations(upTo: greatest) }
    return durationMagnitudes(from: least / 1.25, to: greatest * 1.25)
  }

  /// Returns a logarithmic scale for durations in seconds, with ticks at familiar durations such as `10 min`.
  package static func durationMagnitudes(from least: Double, to greatest: Double) -> Scale {
    let lower = max(bounded(least), 1e-9)
    let upper = max(bounded(greatest), lower * 2)
    let all = usualDurations.filter { $0.seconds >= lower * 0.999 && $0.seconds <= upper * 1.001 }
    let ticks = (all.count > 9 ? all.filter(\.isMajor) : all).map { Tick($0.seconds, $0.label) }
    return Scale(kind: .logarithmic, lower: lower, upper: upper, ticks: ticks)
  }

  /// The ticks of logarithmic scales of durations. Minor ones are left out when a scale would have more than nine.
  private static let usualDurations: [(seconds: Double, label: String, isMajor: Bool)] = [
    (0.001, "1 ms", true), (0.01, "10 ms", true), (0.1, "0.1 s", true), (1, "1 s", true), (5, "5 s", false), (10, "10 s", true),
    (30, "30 s", false), (60, "1 min", true), (300, "5 min", false), (600, "10 min", true), (1800, "30 min", false),
    (3600, "1 h", true), (10_800, "3 h", false), (21_600, "6 h", true), (43_200, "12 h", false), (86_400, "1 d", true),
    (259_200, "3 d", false), (604_800, "1 wk", true), (1_209_600, "2 wk", false), (2_629_800, "1 mo", true),
    (7_889_400, "3 mo", false), (31_557_600, "1 y", true), (315_576_000, "10 y", true),
  ]
}

/// The units in which durations are shown.
package enum DurationUnit: Double, CaseIterable, Sendable {
  case milliseconds = 0.001
  case seconds = 1
  case minutes = 60
  case hours = 3600
  case days = 86_400

  package var seconds: Double { rawValue }

  package var symbol: String {
    switch self {
    case .milliseconds: "ms"
    case .seconds: "s"
    case .minutes: "min"
    case .hours: "h"
    case .days: "d"
    }
  }

  /// Returns the greatest unit of which the duration has at least two, or milliseconds if there is none.
  package static func suited(to seconds: Double) -> DurationUnit {
    allCases.last { seconds >= $0.seconds * 2 } ?? .milliseconds
  }

  /// Returns a duration in a suitable unit, such as `1.5 h`.
  package static func text(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "–" }
    let unit = suited(to: seconds)
    return "\(brief(seconds / unit.seconds)) \(unit.symbol)"
  }

  /// Returns a number with at most one decimal, without a decimal if it is 0.
  package static func brief(_ number: Double) -> String {
    guard number.isFinite else { return "–" }
    let tenths = number.magnitude < Scale.greatestBound ? (number * 10).rounded() / 10 : number
    return tenths == tenths.rounded() ? Scale.grouped(tenths) : "\(tenths)"
  }
}
