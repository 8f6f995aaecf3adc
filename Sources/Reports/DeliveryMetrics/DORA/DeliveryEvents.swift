package import ValueStreamCore

/// The releases and incidents of a window, for the time axes of charts.
package struct DeliveryEvents: Sendable {
  /// The releases that ended in the window.
  package let releases: [(ended: Timestamp, isFailed: Bool)]
  /// The incidents that were resolved in the window or last. Without an end if they last.
  package let incidents: [(began: Timestamp, resolved: Timestamp?)]

  package init(_ query: DORAQuery, from source: any FactSource) throws {
    self.init(try DORAComputation(query, source, countsChanges: false).population)
  }

  /// - Parameter population: without a grouping.
  init(_ population: DeliveryPopulation) {
    let history = population.history
    releases = (population.rows(.current, 0)?.releases ?? []).map { index in
      let release = history.releases[Int(index)]
      return (release.end, history.verdict(on: release) == .failed)
    }
    incidents = IncidentsComputation(
      IncidentsQuery(frame: population.frame, scope: history.question.scope, settings: population.settings), population
    ).openAndResolved()
  }
}
