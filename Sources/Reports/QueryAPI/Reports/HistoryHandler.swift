import DeliveryMetrics
package import ValueStreamCore

/// Answers `GET /api/v1/history`: where the history of each source and repository begins.
package struct HistoryHandler: HTTPHandler {
  package static let path = "/api/v1/history"

  private let queries: ReportQueries

  static let parameters = [
    APIParameter("repository", .text, "Only repositories or projects of this name. * and ? are wildcards.", isRepeatable: true),
    APIParameter("team", .text, "Only what a team of --teams owns."),
    APIParameter("format", .choice(["json", "csv"]), "The format of the answer, JSON by default."),
  ]

  static let rows = ReportRows<HistoryReport.Row>(
    [
      .text("source", "The source, such as github. Null if nothing tells it any more.") { $0.source },
      ReportField("repository", .text, "The name of the repository or project.", isNullable: false) { .text($0.repository) },
      .time("began", "The first day with anything that ended.") { $0.firstDay?.start },
    ]
      + HistoryReport.Kind.allCases.map { kind in
        .time(kind.rawValue, "The first day with \(kind.help). Null if there are none.") { $0.began([kind]) }
      })

  package init(_ queries: ReportQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      let values = try ParameterValues(request.query, Self.parameters)
      queries.waitForFacts()
      let scope = ReportScope(repositories: values.patterns("repository"), team: values["team"])
      let rows = try queries.history.report(of: queries.facts).rows(in: scope, queries.defaults.settings)
      if values["format"] == "csv" {
        return HTTPResponse(status: 200, headers: ["Content-Type": "text/csv; charset=utf-8"], body: Self.rows.csv(rows))
      }
      var json = JSONWriter()
      json.object { Self.rows.write(rows, named: "history", to: &$0) }
      return .json(json.bytes)
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch let error as ReportError {
      return .problem(400, "Bad Request", detail: error.description)
    } catch {
      queries.logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }
}

extension HistoryReport.Kind {
  fileprivate var help: String {
    switch self {
    case .changes: "a merged or closed change"
    case .deploys: "a deploy that ended"
    case .issues: "a closed issue"
    case .incidents: "an incident that was resolved"
    case .runs: "a run of CI that ended"
    }
  }
}

extension ReportKind {
  /// The items whose history limits what the report can tell.
  var history: Set<HistoryReport.Kind> {
    switch self {
    case .dora, .leadTime, .deploys: [.deploys]
    case .changes, .reviews: [.changes]
    case .flow, .ageing, .forecast: [.issues, .incidents]
    case .pipelines: [.runs]
    case .incidents: [.incidents, .deploys]
    }
  }
}
