/// What an ``Aggregation`` found.
package struct AggregationResult: Sendable {
  /// What one thread found.
  struct Part: Sendable {
    var totals: [ViewTotals]
    var tallies: [TallyCounts]
    var rejected: Int
  }

  package let calendar: Calendar
  private let parts: [Part]
  /// Of each tally how often each bin occurs.
  package let bins: [[SizeBin: Int]]
  /// Of each tally how many rows are in no bin: a measure is absent there, or not greater than 0.
  package let unbinned: [Int]
  /// Rows that could not be read.
  package let rejected: Int

  init(calendar: Calendar, outcomes parts: [Part]) {
    self.calendar = calendar
    self.parts = parts
    rejected = parts.reduce(0) { $0 + $1.rejected }
    let tallies = parts[0].tallies.indices.map { index in
      parts.dropFirst().reduce(into: parts[0].tallies[index]) { $0.add($1.tallies[index]) }
    }
    bins = tallies.map(\.bins)
    unbinned = tallies.map(\.others)
  }

  /// The groups of a view by window, then by the values of their columns, as bytes.
  package func groups(ofView index: Int) -> [AggregatedGroup] {
    struct Member {
      var part: Int
      var group: Int
    }
    struct Key: Hashable {
      var window: Int
      var bytes: ArraySlice<UInt8>
    }
    var members: [Key: [Member]] = [:]
    for (part, totals) in parts.map({ $0.totals[index] }).enumerated() {
      for group in 0..<totals.table.count {
        let key = Key(window: totals.table.window(of: group), bytes: totals.table.key(of: group))
        members[key, default: []].append(Member(part: part, group: group))
      }
    }
    let keys = members.keys.map { (key: $0, values: GroupKey.values(of: $0.bytes)) }.sorted { left, right in
      if left.key.window != right.key.window { return left.key.window < right.key.window }
      for (left, right) in zip(left.values, right.values) where left != right { return left.lexicographicallyPrecedes(right) }
      return false
    }
    return keys.map { key, values in
      let found = (members[key] ?? []).map { (totals: parts[$0.part].totals[index], group: $0.group) }
      return AggregatedGroup(window: key.window, values: values, firstDay: calendar.firstDay(of: key.window), members: found)
    }
  }
}

/// The rows of one group.
package struct AggregatedGroup: Sendable {
  /// The number of its window in the calendar.
  package let window: Int
  /// What the rows have in the columns of the view.
  package let values: [String]
  /// When its window starts in the time zone of its earliest row, in seconds since 1970.
  package let start: Int64
  package let rows: Int

  private let statistics: [Statistic: Double]

  fileprivate init(
    window: Int, values: [ArraySlice<UInt8>], firstDay: Int, members: [(totals: ViewTotals, group: Int)]
  ) {
    self.window = window
    self.values = values.map { String(decoding: $0, as: UTF8.self) }
    let earliest = members.map { $0.totals.earliest[$0.group] }.min()
    start = Int64(firstDay) * 86_400 - (earliest?.offset ?? 0)
    rows = members.reduce(0) { $0 + $1.totals.rows[$1.group] }
    statistics = Self.compute(members, rows: rows, start: start)
  }

  /// Nil where there is nothing to say: a mean of no values.
  package func value(of statistic: Statistic) -> Double? {
    statistics[statistic]
  }

  // MARK: Computation

  private static func compute(
    _ members: [(totals: ViewTotals, group: Int)], rows: Int, start: Int64
  ) -> [Statistic: Double] {
    guard let first = members.first?.totals else { return [:] }
    var result: [Statistic: Double] = [:]
    for statistic in first.view.statistics where !statistic.isPercentile {
      switch statistic {
      case .count: result[statistic] = Double(rows)
      case .countOf(let condition): result[statistic] = Double(met(condition, members))
      case .share(let condition): result[statistic] = Double(met(condition, members)) / Double(rows)
      case .mean(let measure, let base): result[statistic] = mean(measure, base, members, rows: rows)
      case .percentile: break
      }
    }
    let isForAllRows = first.view.percentilesFrom.map { start >= $0 } ?? true
    for measure in first.view.sampled {
      var sorted: [Double] = []
      for (totals, group) in members { totals.collect(measure, of: group, into: &sorted) }
      sorted.sort()
      for case .percentile(measure, let percent, let base) in first.view.statistics where isForAllRows || base == .values {
        result[.percentile(measure, percent, of: base)] = percentile(percent, base, sorted, rows: rows)
      }
    }
    return result
  }

  private static func met(_ condition: Condition, _ members: [(totals: ViewTotals, group: Int)]) -> Int {
    members.reduce(0) { count, member in
      let conditions = member.totals.conditions
      guard let index = conditions.firstIndex(of: condition) else { return count }
      return count + member.totals.met[member.group * conditions.count + index]
    }
  }

  private static func mean(
    _ measure: Measure, _ base: Statistic.Base, _ members: [(totals: ViewTotals, group: Int)], rows: Int
  ) -> Double? {
    var sum = ExactSum()
    var present = 0
    for (totals, group) in members {
      guard let index = totals.measures.firstIndex(of: measure) else { continue }
      sum.add(totals.sums[group * totals.measures.count + index])
      present += totals.present[group * totals.measures.count + index]
    }
    let count = base == .rows ? rows : present
    return count == 0 ? nil : sum.value / Double(count)
  }

  private static func percentile(_ percent: Int, _ base: Statistic.Base, _ sorted: [Double], rows: Int) -> Double? {
    let values = base == .rows && sorted.count < rows ? (sorted + repeatElement(0, count: rows - sorted.count)).sorted() : sorted
    return values.isEmpty ? nil : Percentile.value(percent, ofSorted: values)
  }
}
