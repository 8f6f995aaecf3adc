import CSV
import Synchronization
import ValueStreamCore

/// Reads rows of items with durations, and computes statistics for each group of rows.
///
/// Several threads read. The result does not depend on their number, nor on the order of rows.
package struct Aggregation: Sendable {
  /// The column whose time decides on the window of a row. The date counts as written, in its own time zone.
  package var timeColumn: String
  package var calendar: Calendar
  package var views: [View]
  package var tallies: [Tally]
  /// True to count unreadable rows; false to fail at the first one.
  package var skipsBadRows = false
  /// The paths of files that may be empty. An empty file with another path is an error.
  package var mayBeEmpty: Set<String> = []
  package var threads = 1

  package init(timeColumn: String, calendar: Calendar, views: [View], tallies: [Tally] = []) {
    self.timeColumn = timeColumn
    self.calendar = calendar
    self.views = views
    self.tallies = tallies
  }

  /// Reads the files and returns the statistics.
  ///
  /// - Parameter paths: The files to read; `-` means standard input.
  /// - Throws: ``CSVError``; if there are several errors, the first in the order of files and rows.
  package func run(_ paths: [String]) async throws -> AggregationResult {
    let source = CSVSource(paths, mayBeEmpty: mayBeEmpty)
    let plan = ReadingPlan(timeColumn: timeColumn, calendar: calendar, views: views, tallies: tallies)
    let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
      for _ in 0..<max(1, threads) {
        group.addTask { try await OwnThread.run { work(source, plan) } }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    // Blocks are handed out in order, so every block before the first bad one has been read.
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
