/// A number that is read from a row.
package enum Measure: Hashable, Sendable {
  case number(column: String)
  /// Seconds from a moment to the first that is there of others; absent where one of them is, and where it would be negative.
  case seconds(from: String, to: [String])
}

/// Something that a row is, or is not.
package enum Condition: Hashable, Sendable {
  case isTrue(column: String)
  /// A moment is there.
  case hasMoment(column: String)
  /// The text is one of these words, whatever their letter case.
  case isOneOf(column: String, words: [String])
  case isWithin(column: String, least: Double, below: Double)
}

/// What is said of the rows of a group.
package enum Statistic: Hashable, Sendable {
  /// What a measure's values are related to.
  package enum Base: Hashable, Sendable {
    /// All rows in which it is no `NaN`, no infinity and not negative; an empty field counts as 0, as it did for the program of 2019.
    case rows
    /// The rows in which it is there.
    case values
  }

  case count
  case countOf(Condition)
  /// Between 0 and 1.
  case share(Condition)
  case mean(Measure, of: Base)
  /// Exact, which costs 8 bytes a row.
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

/// A column by whose values rows are put together.
package struct GroupColumn: Hashable, Sendable {
  package var column: String
  /// True when a field holds several values with `|` between them, each of which the row counts for.
  package var isList: Bool

  package init(_ column: String, isList: Bool = false) {
    self.column = column
    self.isList = isList
  }
}

/// One way to put rows together.
package struct View: Sendable {
  package var groups: [GroupColumn]
  package var statistics: [Statistic]
  /// Percentiles over all rows are only computed of windows that start then or later, in seconds since 1970; nil for all.
  package var percentilesFrom: Int64?

  package init(groups: [GroupColumn], statistics: [Statistic], percentilesFrom: Int64? = nil) {
    self.groups = groups
    self.statistics = statistics
    self.percentilesFrom = percentilesFrom
  }

  var measures: [Measure] { statistics.compactMap(\.measure).distinct }
  var conditions: [Condition] { statistics.compactMap(\.condition).distinct }
  /// From when on values are kept for percentiles; nil for all.
  var sampledFrom: Int64? {
    let isNeededAlways = statistics.contains { if case .percentile(_, _, of: .values) = $0 { true } else { false } }
    return isNeededAlways ? nil : percentilesFrom
  }

  /// The measures of which values are kept.
  var sampled: [Measure] { statistics.filter(\.isPercentile).compactMap(\.measure).distinct }
}

extension Array where Element: Hashable {
  /// Without what was there before.
  var distinct: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
