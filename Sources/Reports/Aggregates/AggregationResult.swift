/// The result of an ``Aggregation``.
package struct AggregationResult: Sendable {
  /// The result of one thread.
  struct Part: Sendable {
    var totals: [ViewTotals]
    var tallies: [TallyCounts]
    var rejected: Int
    var negatives: NegativeValues
  }

  package let calendar: Calendar
  private let parts: [Part]
  /// The number of rows in each bin, for each tally.
  package let bins: [[SizeBin: Int]]
  /// The number of rows in no bin, for each tally: a measure is absent or not greater than 0.
  package let unbinned: [Int]
  /// The number of rows that could not be read.
  package let rejected: Int
  /// The durations and sizes below zero, which are left out everywhere.
  package let negatives: NegativeValues

  init(calendar: Calendar, outcomes parts: [Part]) {
    self.calendar = calendar
    self.parts = parts
    rejected = parts.reduce(0) { $0 + $1.rejected }
    negatives = parts.reduce(into: NegativeValues()) { $0.add($1.negatives) }
    let tallies = parts[0].tallies.indices.map { index in
      parts.dropFirst().reduce(into: parts[0].tallies[index]) { $0.add($1.tallies[index]) }
    }
    bins = tallies.map(\.bins)
    unbinned = tallies.map(\.others)
  }

  /// Returns the groups of a view, sorted by window and then by the bytes of their values.
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
    let computation = GroupComputation(parts[0].totals[index])
    return keys.map { key, values in
      let found = (members[key] ?? []).map { (totals: parts[$0.part].totals[index], group: $0.group) }
      return AggregatedGroup(
        window: key.window, values: values, firstDay: calendar.firstDay(of: key.window), members: found, computation)
    }
  }
}

/// The statistics of the rows of one group.
package struct AggregatedGroup: Sendable {
  /// The number of the window in the calendar.
  package let window: Int
  /// The values of the view's columns that all rows of the group share.
  package let values: [String]
  /// The start of the window in the time zone of its earliest row, in seconds since 1970.
  package let start: Int64
  package let rows: Int
  /// The result of each statistic of the view; nil if there is none, as for a mean of no values.
  package let results: [Double?]

  private let statistics: [Statistic]

  fileprivate init(
    window: Int, values: [ArraySlice<UInt8>], firstDay: Int, members: [GroupComputation.Member], _ computation: GroupComputation
  ) {
    self.window = window
    self.values = values.map { String(decoding: $0, as: UTF8.self) }
    let earliest = members.map { $0.totals.earliest[$0.group] }.min()
    start = Int64(firstDay) * 86_400 - (earliest?.offset ?? 0)
    rows = members.reduce(0) { $0 + $1.totals.rows[$1.group] }
    statistics = computation.view.statistics
    results = computation.results(of: members, rows: rows, start: start)
  }

  package func result(of statistic: Statistic) -> Double? {
    statistics.firstIndex(of: statistic).flatMap { results[$0] }
  }
}
