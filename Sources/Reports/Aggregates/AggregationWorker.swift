import CSV
import ValueStreamCore

/// Aggregates the blocks that one thread takes.
final class AggregationWorker {
  private let plan: ReadingPlan
  private let batch: RowBatch
  private(set) var totals: [ViewTotals]
  private(set) var tallies: [TallyCounts]
  private(set) var rejected = 0
  private(set) var negatives = NegativeValues()

  private var file: CSVFile?
  private var columns: [String: Int] = [:]

  init(_ plan: ReadingPlan, views: [View], tallies: [Tally]) {
    self.plan = plan
    batch = RowBatch(plan)
    totals = views.map { ViewTotals($0) }
    self.tallies = tallies.map { TallyCounts($0) }
  }

  /// Adds the rows of a block to the totals.
  ///
  /// - Parameter skipsBadRows: True to count unreadable rows instead of throwing.
  func add(_ block: CSVBlock, skipsBadRows: Bool) throws(CSVError) {
    if file !== block.file { try begin(block.file) }
    batch.load(block, columns: columns)
    if let problem = batch.problem, !skipsBadRows { throw problem }
    rejected += batch.rejected
    negatives.add(batch.negativeCount, first: batch.firstNegative, inBlock: block.number)
    for index in totals.indices { totals[index].count(batch, columns: columns, calendar: plan.calendar) }
    for index in tallies.indices { tallies[index].count(batch) }
  }

  private func begin(_ file: CSVFile) throws(CSVError) {
    self.file = file
    columns = [:]
    for name in plan.columns {
      guard let index = try file.index(of: name) else {
        let nearest = Spelling.nearest(to: name, among: file.columns).map { " (did you mean \($0)?)" } ?? ""
        throw file.problem(line: 1, column: name, "there is no column of this name" + nearest)
      }
      columns[name] = index
    }
  }
}
