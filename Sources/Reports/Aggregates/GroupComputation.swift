/// Computes the statistics of a group from the totals of all threads.
struct GroupComputation {
  /// A group as one thread counted it.
  struct Member {
    /// The index of the thread's totals.
    var part: Int
    /// The number of the group in them.
    var group: Int
  }

  /// A statistic, with the index of its measure or condition.
  private enum Task {
    case count
    case countOf(condition: Int)
    case share(condition: Int)
    case mean(measure: Int, Statistic.Base)
    case percentile(measure: Int, Int, Statistic.Base)
  }

  let view: View
  /// The totals of all threads.
  let totals: [ViewTotals]
  private let measures: [Measure]
  private let conditionCount: Int
  private let tasks: [Task]

  /// Creates the computation for the totals of one view, of which there is at least one.
  init(_ totals: [ViewTotals]) {
    self.totals = totals
    view = totals[0].view
    let (measures, conditions) = (totals[0].measures, totals[0].conditions)
    self.measures = measures
    conditionCount = conditions.count
    tasks = view.statistics.map { statistic in
      let measure = statistic.measure.flatMap { measures.firstIndex(of: $0) } ?? 0
      let condition = statistic.condition.flatMap { conditions.firstIndex(of: $0) } ?? 0
      return switch statistic {
      case .count: .count
      case .countOf: .countOf(condition: condition)
      case .share: .share(condition: condition)
      case .mean(_, let base): .mean(measure: measure, base)
      case .percentile(_, let percent, let base): .percentile(measure: measure, percent, base)
      }
    }
  }

  func results(of members: [Member], rows: Int, start: Int64) -> [Double?] {
    let isForAllRows = view.percentilesFrom.map { start >= $0 } ?? true
    var sorted: [Int: [Double]] = [:]
    return tasks.map { task in
      switch task {
      case .count: return Double(rows)
      case .countOf(let condition): return Double(met(condition, members))
      case .share(let condition): return Double(met(condition, members)) / Double(rows)
      case .mean(let measure, let base): return mean(measure, base, members, rows: rows)
      case .percentile(let measure, let percent, let base):
        guard isForAllRows || base == .values else { return nil }
        let values = sorted[measure] ?? self.sorted(measures[measure], members)
        sorted[measure] = values
        return Self.percentile(percent, base, values, rows: rows - undefined(measure, members))
      }
    }
  }

  private func met(_ condition: Int, _ members: [Member]) -> Int {
    members.reduce(0) { $0 + totals[$1.part].met[$1.group * conditionCount + condition] }
  }

  /// Returns the number of rows with an undefined value of a measure.
  private func undefined(_ measure: Int, _ members: [Member]) -> Int {
    members.reduce(0) { $0 + totals[$1.part].undefined[$1.group * measures.count + measure] }
  }

  private func mean(_ measure: Int, _ base: Statistic.Base, _ members: [Member], rows: Int) -> Double? {
    var sum = ExactSum()
    var present = 0
    for member in members {
      sum.add(totals[member.part].sums[member.group * measures.count + measure])
      present += totals[member.part].present[member.group * measures.count + measure]
    }
    let count = base == .rows ? rows - undefined(measure, members) : present
    return count == 0 ? nil : sum.value / Double(count)
  }

  private func sorted(_ measure: Measure, _ members: [Member]) -> [Double] {
    var values: [Double] = []
    for member in members { totals[member.part].collect(measure, of: member.group, into: &values) }
    values.sort()
    return values
  }

  private static func percentile(_ percent: Int, _ base: Statistic.Base, _ sorted: [Double], rows: Int) -> Double? {
    let values = base == .rows && sorted.count < rows ? (sorted + repeatElement(0, count: rows - sorted.count)).sorted() : sorted
    return values.isEmpty ? nil : Percentile.value(percent, ofSorted: values)
  }
}
