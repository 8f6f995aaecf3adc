/// A number of a report, as it is printed.
package struct ReportColumn: Sendable, Hashable {
  package var name: String
  package var statistic: Statistic
  /// What the statistic is divided by: 3600 makes hours of seconds.
  package var divisor = 1.0
  /// Rounded to so many decimals, halves away from zero; nil for all of them.
  package var decimals: Int?
  /// What stands where there is nothing to say; nil for an empty field.
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

  /// - Parameter result: that of the statistic.
  func cell(_ result: Double?) -> ReportTable.Cell {
    guard let value = result ?? fallback else { return .none }
    let number = value / divisor
    return number.isFinite ? .number(decimals.map { Decimal.rounded(number, decimals: $0) } ?? number) : .none
  }
}

/// Something that can be asked for beside what a report has.
package struct Metric: Sendable {
  package var name: String
  package var columns: [ReportColumn]

  init(_ name: String, _ columns: [ReportColumn]) {
    self.name = name
    self.columns = columns
  }

  /// A mean of some seconds and its percentiles, in hours.
  static func hours(_ name: String, _ title: String, _ measure: Measure) -> Metric {
    let percentiles = [50, 90].map {
      ReportColumn("\(title)P\($0)Hours", .percentile(measure, $0, of: .values), dividedBy: 3600)
    }
    return Metric(name, [ReportColumn("Avg\(title)Hours", .mean(measure, of: .values), dividedBy: 3600)] + percentiles)
  }
}
