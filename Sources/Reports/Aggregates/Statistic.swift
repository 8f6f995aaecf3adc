/// A number that can be read from a row.
package enum Measure: Hashable, Sendable {
  case number(column: String)
  /// The seconds from one time to the first available of several others. Absent if either is missing or the result
  /// would be negative.
  case seconds(from: String, to: [String])
}

/// A condition that a row meets or does not meet.
package enum Condition: Hashable, Sendable {
  case isTrue(column: String)
  /// The column contains a time.
  case hasInstant(column: String)
  /// The text is one of these words, in any letter case.
  case isOneOf(column: String, words: [String])
  case isWithin(column: String, least: Double, below: Double)
}

/// A number computed from the rows of a group.
package enum Statistic: Hashable, Sendable {
  /// The rows that a mean or percentile is computed over.
  package enum Base: Hashable, Sendable {
    /// All rows except those where the measure is `NaN`, infinite or negative. An empty field counts as 0, as in the
    /// original program of 2019.
    case rows
    /// The rows that have a value of the measure.
    case values
  }

  case count
  case countOf(Condition)
  /// The share of rows that meet a condition, from 0 to 1.
  case share(Condition)
  case mean(Measure, of: Base)
  /// An exact percentile. It costs 8 bytes of memory per row.
  case percentile(Measure, Int, of: Base)

  var measure: Measure? {
    switch self {
    case .mean(let measure, _), .percentile(let measure, _, _): measure
    case .count, .countOf, .share: nil
    }
  }

  var condition: Condition? {
    switch self {
    case .countOf(let condition), .share(let condition): condition
    case .count, .mean, .percentile: nil
    }
  }

  var isPercentile: Bool {
    if case .percentile = self { true } else { false }
  }
}

/// A column whose values form groups of rows.
package struct GroupColumn: Hashable, Sendable {
  package var column: String
  /// True if a field holds several values separated by `|`. The row then counts for each of them.
  package var isList: Bool

  package init(_ column: String, isList: Bool = false) {
    self.column = column
    self.isList = isList
  }
}

/// A way to group rows, and the statistics of each group.
package struct View: Sendable {
  package var groups: [GroupColumn]
  package var statistics: [Statistic]
  /// The start of the first window that gets percentiles over all rows, in seconds since 1970; nil for all windows.
  package var percentilesFrom: Int64?

  package init(groups: [GroupColumn], statistics: [Statistic], percentilesFrom: Int64? = nil) {
    self.groups = groups
    self.statistics = statistics
    self.percentilesFrom = percentilesFrom
  }

  var measures: [Measure] { statistics.compactMap(\.measure).distinct }
  var conditions: [Condition] { statistics.compactMap(\.condition).distinct }
  /// The time from which values are kept for percentiles, in seconds since 1970; nil to keep all.
  var sampledFrom: Int64? {
    let isNeededAlways = statistics.contains { if case .percentile(_, _, of: .values) = $0 { true } else { false } }
    return isNeededAlways ? nil : percentilesFrom
  }

  /// The measures whose values are kept for percentiles.
  var sampled: [Measure] { statistics.filter(\.isPercentile).compactMap(\.measure).distinct }
}

extension Array where Element: Hashable {
  /// The elements without duplicates, in order of first occurrence.
  var distinct: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
