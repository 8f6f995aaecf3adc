import DeliveryMetrics
import ValueStreamCore

/// The reports below `/api/v1/reports`.
enum ReportKind: String, Sendable, CaseIterable {
  case dora
  case leadTime = "lead-time"
  case deploys, changes, flow, ageing, forecast, reviews, pipelines, incidents

  var summary: String {
    switch self {
    case .dora: "The five DORA metrics."
    case .leadTime: "How long changes take from the first commit to production, and where the time goes."
    case .deploys: "The deploys of a window with their releases and verdicts."
    case .changes: "The changes of a window with their first release."
    case .flow: "How issues flow: flow time, throughput, load, efficiency, distribution."
    case .ageing: "The age of open issues and changes."
    case .forecast: "When items will be done, or how many by a date."
    case .reviews: "How changes are reviewed."
    case .pipelines: "Runs of CI and their jobs: failures, times in the queue and run times, flaky jobs and what they cost."
    case .incidents: "Incidents, their causes and recovery."
    }
  }

  /// What can divide the numbers of the report. Empty if it has no groups.
  var groupings: [Grouping] {
    switch self {
    case .dora, .leadTime: Grouping.allCases
    case .flow, .reviews: [.repository, .team]
    default: []
    }
  }

  /// True if the report has a trend.
  var hasBuckets: Bool { [.dora, .leadTime, .flow, .reviews].contains(self) }

  /// True if the report compares with the previous period.
  var isCompared: Bool { ![.deploys, .ageing, .forecast].contains(self) }

  /// True if the report is a list with pages.
  var hasPages: Bool { self == .deploys || self == .changes }

  /// The names of the metrics that have evidence, as in addresses.
  var metrics: [String] {
    let members: [JSONSchema.Member] =
      switch self {
      case .dora: DORAShapes.members
      case .leadTime: LeadTimeShapes.members
      case .flow: FlowShapes.members
      case .reviews: ReviewShapes.members.filter { $0.name != "rounds" }
      case .pipelines: PipelineShapes.members.filter { !PipelineShapes.metricsWithoutRows.contains($0.name) }
      case .incidents: IncidentShapes.members.filter { $0.name != DORAShapes.recoveryTime.name }
      case .deploys, .changes, .ageing, .forecast: []
      }
    return members.map { $0.name.replacing("_", with: "-") }
  }

  // MARK: Parameters

  static let rowLimits = 1...1000

  /// The parameters of the report.
  var parameters: [APIParameter] {
    var parameters = Self.window + (isCompared ? [Self.compare] : []) + scope
    if !groupings.isEmpty {
      parameters.append(
        APIParameter("group-by", .choice(groupings.map(\.rawValue)), "What divides the numbers. Without it there is one group."))
    }
    if hasBuckets {
      parameters.append(
        APIParameter("bucket", .choice(BucketWidth.allCases.map(\.rawValue)), "The width of the buckets of the trend."))
    }
    switch self {
    case .dora, .leadTime:
      parameters.append(
        APIParameter(
          "lead-time-from", .choice(LeadTimeBasis.allCases.map(\.rawValue)),
          "Where lead time begins: at the first commit, by default."))
    case .changes:
      parameters.append(APIParameter("state", .choice(ChangeRows.states), "Only changes in this state."))
    case .ageing:
      parameters.append(
        APIParameter(
          "list", .choice(AgeingShapes.List.allCases.map(\.rawValue)),
          "The list to answer as CSV: the issues, by default, their statuses, or the open reviews. JSON has all lists."))
    case .forecast: parameters += Self.ofForecast
    case .pipelines:
      parameters.append(APIParameter("limit", .integer(1...1000), "How many rows each list has, 50 by default."))
      parameters.append(
        APIParameter(
          "list", .choice(PipelineShapes.List.allCases.map(\.rawValue)),
          "The list to answer as CSV, in place of the metrics. JSON has all lists."))
    default: break
    }
    if usesRules {
      parameters.append(
        APIParameter(
          "rules", .choices(FailureRule.allCases.map(\.rawValue)), "The rules by which releases count as failed."))
    }
    if hasPages { parameters += PageParameters.declarations(Self.rowLimits) }
    return parameters + [Self.format]
  }

  /// The parameters of the evidence of the report's numbers.
  var evidenceParameters: [APIParameter] {
    let own = parameters.filter { !["limit", "list", "cursor", "format"].contains($0.name) }
    return own
      + Self.evidence.filter { !groupings.isEmpty || $0.name != "group" }.filter { hasBuckets || $0.name != "bucket-start" }
      + PageParameters.declarations(Self.rowLimits) + [Self.format]
  }

  private var usesRules: Bool { [.dora, .deploys, .incidents].contains(self) }

  private static let window = [
    APIParameter("from", .time, "The beginning of the window."),
    APIParameter("to", .time, "The end of the window, which does not belong to it. Now by default."),
    APIParameter("since", .duration, "The length of the window, such as 90d, in place of from. 90d by default."),
    APIParameter("time-zone", .text, "The time zone of days, such as Europe/Berlin."),
  ]

  private static let compare = APIParameter(
    "compare", .choice(["previous", "year", "none"]),
    "What to compare with: the period of the same length before, by default, or the same period a year before.")

  private var scope: [APIParameter] {
    var parameters = [
      APIParameter("repository", .text, "Only repositories or projects of this name. * and ? are wildcards.", isRepeatable: true),
      APIParameter("team", .text, "Only what a team of --teams owns."),
    ]
    if ![.flow, .ageing, .forecast, .reviews, .pipelines].contains(self) {
      parameters.append(APIParameter("service", .text, "Only services of this name. * and ? are wildcards.", isRepeatable: true))
      parameters.append(
        APIParameter(
          "environment", .text, "Environments to count in place of those of production. * stands for all.", isRepeatable: true))
    }
    if ![.deploys, .pipelines, .incidents].contains(self) {
      parameters.append(
        APIParameter("work-type", .text, "Only issues of this type, and changes for them.", isRepeatable: true))
      parameters.append(
        APIParameter("bots", .choice(["include", "exclude"]), "Whether changes by bots count. They do by default."))
    }
    return parameters
  }

  private static let ofForecast = [
    APIParameter("items", .integer(1...100_000), "How many items: answers when they are done."),
    APIParameter("by", .date, "The last day: answers how many items are done by then."),
    APIParameter("blackout", .dates, "Days on which nothing is done."),
    APIParameter("seed", .integer(0...Int(Int32.max)), "The seed of the trials, 1 by default."),
  ]

  private static let evidence = [
    APIParameter("group", .name, "The name of the group. Empty for the group without a name."),
    APIParameter("period", .choice(Period.allCases.map(\.rawValue)), "The window, or the one that it is compared with."),
    APIParameter("bucket-start", .time, "The beginning of a bucket of the trend. Without it, the whole window."),
    APIParameter("part", .text, "Which rows: counted, left-out, left-out:REASON, and others that the metric names."),
    APIParameter("order", .choice(PageRequest.Order.allCases.map(\.rawValue)), "The order of the rows, newest first by default."),
  ]

  private static let format = APIParameter("format", .choice(["json", "csv"]), "The format of the answer, JSON by default.")
}
