package import ValueStreamCore

/// Keeps the last ``HistoryReport``, so that reading it takes at most 1 % of the time.
///
/// The report is late by as much. A history begins later only when retention removes facts, and earlier only during an import.
package final class HistoryCache: Sendable {
  private let reading = CachedReading<HistoryReport>()

  package init() {}

  /// Returns the report. Blocks.
  package func report(of facts: any FactSource) throws -> HistoryReport {
    try reading.value { try HistoryReport(from: facts) }
  }
}
