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

  /// True if the report has numbers for groups and for the buckets of a trend.
  package var hasGroups: Bool { [.dora, .leadTime, .flow, .reviews].contains(self) }

  /// True if the report is about services and environments, not only about repositories and projects.
  package var hasServices: Bool { [.dora, .leadTime, .deploys, .changes, .incidents].contains(self) }

  /// True if the report has lead times.
  package var hasLeadTimes: Bool { self == .dora || self == .leadTime }

  /// True if the report has numbers with evidence. The others are lists themselves.
  package var hasEvidence: Bool { ![.deploys, .changes, .ageing, .forecast].contains(self) }

  /// True if the report is a list with pages.
  package var hasPages: Bool { self == .deploys || self == .changes }

  /// True if the report is about the present. It needs no window.
  package var isAboutNow: Bool { self == .ageing || self == .forecast }
}
