package import ValueStreamCore

/// The five metrics as a whole and divided in several ways, the rows behind them, and what happened meanwhile.
///
/// All come from one reading of the facts, which takes most of the time.
package struct DORABreakdown: Sendable {
  /// The same as a ``DORAReport`` alone.
  package let whole: DORAReport
  /// The groups of each grouping, in the order of the question.
  package let divided: [(grouping: Grouping, groups: [DORAReport.Group])]
  package let events: DeliveryEvents
  private let computation: DORAComputation
  private let parts: [DORAComputation]

  /// - Parameters:
  ///   - query: without a grouping.
  ///   - groupings: not ``Grouping/environment``, which has releases of its own.
  package init(_ query: DORAQuery, by groupings: [Grouping], from source: any FactSource) throws {
    let computation = try DORAComputation(query, source)
    self.computation = computation
    ((whole, events), (parts, divided)) = try ParallelReading.both(
      throwing: {
        (try computation.report(), DeliveryEvents(computation.population))
      },
      {
        let parts = try groupings.map { try computation.divided(by: $0, source) }
        return (parts, try zip(groupings, parts).map { ($0, try $1.report().groups) })
      })
  }

  /// Returns the rows behind a number of the whole or of a group.
  ///
  /// - Parameter source: for groups of another grouping than those of this breakdown.
  package func rows(_ evidence: DORAEvidence, page: PageRequest, from source: any FactSource) throws -> EvidencePage {
    let grouping = evidence.group.grouping
    guard let part = ([computation] + parts).first(where: { $0.query.grouping == grouping }) else {
      var query = computation.query
      query.grouping = grouping
      return try DORAReport.evidence(evidence, query, from: source, page: page)
    }
    var query = part.query
    query.buckets = computation.query.buckets
    return try DORAComputation(query, part.population).page(evidence, page)
  }
}

extension DORAComputation {
  /// The same question for each group, without a trend.
  fileprivate func divided(by grouping: Grouping, _ source: any FactSource) throws -> DORAComputation {
    var query = query
    (query.grouping, query.buckets) = (grouping, nil)
    return DORAComputation(
      query, try DeliveryPopulation(dividing: population, frame: frame, groupedBy: grouping, changesFrom: source))
  }
}
