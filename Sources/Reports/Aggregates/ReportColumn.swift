/// A numeric column of a report and its format.
package struct ReportColumn: Sendable, Hashable {
  package var name: String
  package var statistic: Statistic
  /// The divisor of the statistic; 3600, for example, turns seconds into hours.
  package var divisor = 1.0
  /// The number of decimals to round to, with halves rounded away from zero; nil to print all decimals.
  package var decimals: Int?
  /// The value to print if the statistic has no result; nil for an empty field.
  package var fallback: Double?

  package init(
    _ name: String, _ statistic: Statistic, dividedBy divisor: Double = 1, decimals: Int? = nil, fallback: Double? = nil
  ) {
    self.name = name
    self.statistic = statistic
    self.divisor = divisor
    self.decimals = decimals
    self.fallback = fallback
  }

  /// Returns the cell for a result of the statistic.
  ///
  /// - Parameter result: The result of the statistic; nil if it has none.
  func cell(_ result: Double?) -> ReportTable.Cell {
    guard let value = result ?? fallback else { return .none }
    let number = value / divisor
    return number.isFinite ? .number(decimals.map { Decimal.rounded(number, decimals: $0) } ?? number) : .none
  }
}

/// A set of optional columns, which a user can add to a report.
package struct Metric: Sendable {
  package var name: String
  package var columns: [ReportColumn]

  init(_ name: String, _ columns: [ReportColumn]) {
    self.name = name
    self.columns = columns
  }

  /// Returns a metric with the mean and the 50th and 90th percentiles of a measure in seconds, printed in hours.
  static func hours(_ name: String, _ title: String, _ measure: Measure) -> Metric {
    let percentiles = [50, 90].map {
      ReportColumn("\(title)P\($0)Hours", .percentile(measure, $0, of: .values), dividedBy: 3600)
    }
    return Metric(name, [ReportColumn("Avg\(title)Hours", .mean(measure, of: .values), dividedBy: 3600)] + percentiles)
  }
}
