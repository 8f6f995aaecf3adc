import ValueStreamCore

/// A question whose answer leaves out what persons excluded.
protocol QueryWithSettings {
  var settings: ReportSettings { get set }
}

extension QueryWithSettings {
  /// Returns the question with the exclusions of a source.
  ///
  /// Each report and its evidence begin with it, so that all numbers leave out the same items.
  func excluding(_ source: any FactSource) throws -> Self {
    let excluded = try source.excludedFacts()
    guard !excluded.isEmpty else { return self }
    var query = self
    query.settings.exclusions.merge(excluded) { _, new in new }
    return query
  }
}

extension DORAQuery: QueryWithSettings {}
extension LeadTimeQuery: QueryWithSettings {}
extension DeploysQuery: QueryWithSettings {}
extension ChangesQuery: QueryWithSettings {}
extension FlowQuery: QueryWithSettings {}
extension AgeingQuery: QueryWithSettings {}
extension ForecastQuery: QueryWithSettings {}
extension ReviewsQuery: QueryWithSettings {}
extension PipelinesQuery: QueryWithSettings {}
extension IncidentsQuery: QueryWithSettings {}
