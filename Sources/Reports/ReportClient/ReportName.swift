/// The delivery reports of a vsd, by their names in the API.
package enum ReportName: String, CaseIterable, Sendable {
  case dora
  case leadTime = "lead-time"
  case flow, ageing, forecast, reviews, pipelines, incidents, deploys, changes

  /// The heading of the report.
  package var title: String {
    switch self {
    case .dora: "Delivery metrics"
    case .leadTime: "Lead time for changes"
    case .flow: "Flow of issues"
    case .ageing: "Age of open work"
    case .forecast: "Forecast"
    case .reviews: "Reviews"
    case .pipelines: "Pipelines"
    case .incidents: "Incidents"
    case .deploys: "Deploys"
    case .changes: "Changes"
    }
  }
}
