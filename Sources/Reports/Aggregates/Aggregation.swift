import CSV
import Synchronization
import ValueStreamCore

/// Reads rows of things that took their time, and says of each group of them how many there were and how long they took.
///
/// Several threads read; what comes out does not depend on how many, nor on the order of rows.
package struct Aggregation: Sendable {
  /// The column with the moment that decides on a row's window. The date counts as it is written, in its own time zone.
  package var timeColumn: String
  package var calendar: Calendar
  package var views: [View]
  package var tallies: [Tally]
  /// Count rows that cannot be read instead of ending with what is wrong with the first.
  package var skipsBadRows = false
  /// Files that have no rows when there is nothing in them; others are mistakes then.
  package var mayBeEmpty: Set<String> = []
  package var threads = 1

  package init(timeColumn: String, calendar: Calendar, views: [View], tallies: [Tally] = []) {
    self.timeColumn = timeColumn
    self.calendar = calendar
    self.views = views
    self.tallies = tallies
  }

  /// - Parameter paths: of files; `-` stands for standard input.
  /// - Throws: ``CSVError``, of several the one that comes first.
  package func run(_ paths: [String]) async throws -> AggregationResult {
    let source = CSVSource(paths, mayBeEmpty: mayBeEmpty)
    let plan = ReadingPlan(timeColumn: timeColumn, calendar: calendar, views: views, tallies: tallies)
    let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
      for _ in 0..<max(1, threads) {
        group.addTask { try await OwnThread.run { work(source, plan) } }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    // Blocks are handed out in order, so all before the first bad one have been read.
    if let first = outcomes.compactMap(\.failure).min(by: { $0.block < $1.block }) { throw first.error }
    return AggregationResult(calendar: calendar, outcomes: outcomes.map(\.part))
  }

  private struct Failure {
    var block: Int
    var error: CSVError
  }

  private struct Outcome {
    var part: AggregationResult.Part
    var failure: Failure?
  }

  private func work(_ source: CSVSource, _ plan: ReadingPlan) -> Outcome {
    let worker = AggregationWorker(plan, views: views, tallies: tallies)
    let block = CSVBlock()
    var failure: Failure?
    do throws(CSVError) {
      while try source.next(into: block) { try worker.add(block, skipsBadRows: skipsBadRows) }
    } catch {
      source.stop()
      failure = Failure(block: block.number, error: error)
    }
    let part = AggregationResult.Part(
      totals: worker.totals, tallies: worker.tallies, rejected: worker.rejected, negatives: worker.negatives)
    return Outcome(part: part, failure: failure)
  }
}
