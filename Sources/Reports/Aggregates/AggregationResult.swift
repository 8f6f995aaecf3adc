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
    let totals = parts.map { $0.totals[index] }
    var table = GroupTable()
    // For each group, its number in each part; -1 in a part that lacks it.
    var numbers: [Int] = []
    for (part, totals) in totals.enumerated() {
      for group in 0..<totals.table.count {
        let place = table.group(group, of: totals.table) * parts.count
        if place == numbers.count { numbers.append(contentsOf: repeatElement(-1, count: parts.count)) }
        numbers[place + part] = group
      }
    }
    let computation = GroupComputation(totals)
    return table.sorted.map { number in
      let window = table.window(of: number)
      var members: [GroupComputation.Member] = []
      members.reserveCapacity(parts.count)
      for (part, group) in numbers[(number * parts.count)..<((number + 1) * parts.count)].enumerated() where group >= 0 {
        members.append(GroupComputation.Member(part: part, group: group))
      }
      return AggregatedGroup(
        window: window, values: GroupKey.values(of: table.key(of: number)), firstDay: calendar.firstDay(of: window),
        members: members, computation)
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
    window: Int, values: [String], firstDay: Int, members: [GroupComputation.Member],
    _ computation: GroupComputation
  ) {
    self.window = window
    self.values = values
    let earliest = members.map { computation.totals[$0.part].earliest[$0.group] }.min()
    start = Int64(firstDay) * 86_400 - (earliest?.offset ?? 0)
    rows = members.reduce(0) { $0 + computation.totals[$1.part].rows[$1.group] }
    statistics = computation.view.statistics
    results = computation.results(of: members, rows: rows, start: start)
  }

  package func result(of statistic: Statistic) -> Double? {
    statistics.firstIndex(of: statistic).flatMap { results[$0] }
  }
}
