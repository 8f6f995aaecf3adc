/// Computes the statistics of a group from the totals of all threads.
struct GroupComputation {
  /// The totals of one thread, and the number of the group in them.
  typealias Member = (totals: ViewTotals, group: Int)

  let view: View
  private let measureCount: Int
  private let conditionCount: Int
  /// The index of each statistic's measure or condition.
  private let places: [Int]

  /// Creates the computation for the view of these totals.
  ///
  /// - Parameter totals: The totals of any thread; all have the same measures and conditions.
  init(_ totals: ViewTotals) {
    view = totals.view
    measureCount = totals.measures.count
    conditionCount = totals.conditions.count
    places = view.statistics.map { statistic in
      let measure = statistic.measure.flatMap { totals.measures.firstIndex(of: $0) }
      return measure ?? statistic.condition.flatMap { totals.conditions.firstIndex(of: $0) } ?? 0
    }
  }

  func results(of members: [Member], rows: Int, start: Int64) -> [Double?] {
    let isForAllRows = view.percentilesFrom.map { start >= $0 } ?? true
    var sorted: [Int: [Double]] = [:]
    return zip(view.statistics, places).map { statistic, place in
      switch statistic {
      case .count: return Double(rows)
      case .countOf: return Double(met(place, members))
      case .share: return Double(met(place, members)) / Double(rows)
      case .mean(_, let base): return mean(place, base, members, rows: rows)
      case .percentile(let measure, let percent, let base):
        guard isForAllRows || base == .values else { return nil }
        let values = sorted[place] ?? self.sorted(measure, members)
        sorted[place] = values
        return Self.percentile(percent, base, values, rows: rows - undefined(place, members))
      }
    }
  }

  private func met(_ condition: Int, _ members: [Member]) -> Int {
    members.reduce(0) { $0 + $1.totals.met[$1.group * conditionCount + condition] }
  }

  /// Returns the number of rows with an undefined value of a measure.
  private func undefined(_ measure: Int, _ members: [Member]) -> Int {
    members.reduce(0) { $0 + $1.totals.undefined[$1.group * measureCount + measure] }
  }

  private func mean(_ measure: Int, _ base: Statistic.Base, _ members: [Member], rows: Int) -> Double? {
    var sum = ExactSum()
    var present = 0
    for (totals, group) in members {
      sum.add(totals.sums[group * measureCount + measure])
      present += totals.present[group * measureCount + measure]
    }
    let count = base == .rows ? rows - undefined(measure, members) : present
    return count == 0 ? nil : sum.value / Double(count)
  }

  private func sorted(_ measure: Measure, _ members: [Member]) -> [Double] {
    var values: [Double] = []
    for (totals, group) in members { totals.collect(measure, of: group, into: &values) }
    values.sort()
    return values
  }

  private static func percentile(_ percent: Int, _ base: Statistic.Base, _ sorted: [Double], rows: Int) -> Double? {
    let values = base == .rows && sorted.count < rows ? (sorted + repeatElement(0, count: rows - sorted.count)).sorted() : sorted
    return values.isEmpty ? nil : Percentile.value(percent, ofSorted: values)
  }
}
