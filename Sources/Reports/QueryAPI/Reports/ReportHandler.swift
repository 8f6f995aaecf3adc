package import DeliveryMetrics
package import ValueStreamCore

/// Answers `GET /api/v1/reports/{report}` with a delivery report, and `/api/v1/reports/{report}/{metric}/evidence` with the rows
/// behind one of its numbers.
///
/// ``ReportKind`` declares the reports and their parameters. `format=csv` gives the same numbers as CSV: a row for each group, or
/// for each bucket of each group if the report has a trend. Numbers that nothing is known of are null, and empty in CSV.
package struct ReportHandler: HTTPHandler {
  package static let prefix = "/api/v1/reports/"

  let queries: ReportQueries

  package init(_ queries: ReportQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse { respond(to: request, rows: 100) }

  /// - Parameter limit: of rows behind a number, unless the request has one.
  package func respond(to request: HTTPRequest, rows limit: Int) -> HTTPResponse {
    do {
      let parts = request.path.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false).map(
        String.init)
      guard let kind = parts.first.flatMap(ReportKind.init) else { throw NoSuchReport(detail: Self.unknownReport(parts.first)) }
      switch parts.count {
      case 1: return try report(kind, request)
      case 3 where parts[2] == "evidence":
        guard kind.metrics.contains(parts[1]) else { throw NoSuchReport(detail: Self.unknownMetric(parts[1], kind)) }
        return try evidence(kind, of: parts[1], request, limit)
      default:
        throw NoSuchReport(detail: "nothing is at this path; evidence is at \(Self.prefix)\(kind.rawValue)/METRIC/evidence")
      }
    } catch let error as NoSuchReport {
      return .problem(404, "Not Found", detail: error.detail)
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch let error as ReportError {
      return .problem(400, "Bad Request", detail: error.description)
    } catch {
      queries.logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  /// Returns the rows behind a number, which are those of the answer to the same query.
  ///
  /// - Parameters:
  ///   - metric: The name of the metric as in addresses, such as `flow-time`.
  ///   - report: The name of the report as in addresses, such as `flow`.
  ///   - breakdown: The five metrics of the same window and scope, if they are known.
  /// - Throws: ``ReportError`` for a question that the API does not answer either.
  package func evidence(
    of metric: String, in report: String, query: [(name: String, value: String)], sharing breakdown: DORABreakdown? = nil
  ) throws -> EvidencePage {
    guard let kind = ReportKind(rawValue: report), kind.metrics.contains(metric) else {
      throw ReportError(.badQuestion, "there is no metric \(metric) with evidence in a report \(report)")
    }
    do {
      let question = try ReportRequest(
        kind, query, parameters: kind.evidenceParameters, defaults: queries.defaults, now: queries.clock.now())
      return try EvidenceQuestion(question, metric).page(from: queries.facts, sharing: breakdown)
    } catch let error as QueryError {
      throw ReportError(.badQuestion, error.detail)
    }
  }

  private struct NoSuchReport: Error {
    var detail: String
  }

  private static func unknownReport(_ name: String?) -> String {
    "there is no report \(name ?? ""); known are \(ReportKind.allCases.map(\.rawValue).joined(separator: ", "))"
  }

  private static func unknownMetric(_ name: String, _ kind: ReportKind) -> String {
    let known = kind.metrics
    return known.isEmpty
      ? "the report \(kind.rawValue) is a list without evidence of its own"
      : "the report \(kind.rawValue) has no metric \(name) with evidence; known are \(known.joined(separator: ", "))"
  }

  private func report(_ kind: ReportKind, _ request: HTTPRequest) throws -> HTTPResponse {
    let question = try ReportRequest(
      kind, request.query, parameters: kind.parameters, defaults: queries.defaults, now: queries.clock.now())
    queries.waitForFacts()
    let answer = try answer(to: question)
    switch kind {
    case .dora: return try answer.dora()
    case .leadTime: return try answer.leadTime()
    case .deploys: return try answer.deploys(path: request.path)
    case .changes: return try answer.changes(path: request.path)
    case .flow: return try answer.flow()
    case .ageing: return try answer.ageing()
    case .forecast: return try answer.forecast()
    case .reviews: return try answer.reviews()
    case .pipelines: return try answer.pipelines()
    case .incidents: return try answer.incidents()
    }
  }

  private func answer(to question: ReportRequest) throws -> ReportAnswer {
    // In this order: what leaves the projection or the computation meanwhile waits in the store.
    let isWorking = queries.isWorking()
    let progress = try queries.facts.factProgress()
    let history = try queries.history.report(of: queries.facts).beginning(
      of: question.kind.history, in: question.scope, question.settings)
    return ReportAnswer(
      request: question.comparing(sinceBeginning: history.first), queries: queries, progress: progress, isWorking: isWorking,
      history: history)
  }

  private func evidence(
    _ kind: ReportKind, of metric: String, _ request: HTTPRequest, _ limit: Int
  ) throws -> HTTPResponse {
    let question = try ReportRequest(
      kind, request.query, parameters: kind.evidenceParameters, defaults: queries.defaults, now: queries.clock.now())
    queries.waitForFacts()
    let answer = try answer(to: question)
    let page = try EvidenceQuestion(question, metric).page(from: queries.facts, limit: limit)
    return try answer.evidence(page, path: request.path)
  }
}

/// What the reports need.
package struct ReportQueries: Sendable {
  let facts: any FactSource
  let store: any SpanReading
  let clock: any WallClock
  let logger: Logger
  let defaults: ReportDefaults
  let waitForFacts: @Sendable () -> Void
  let isWorking: @Sendable () -> Bool
  let history: HistoryCache

  /// - Parameters:
  ///   - store: Tells which items still have spans.
  ///   - defaults: The settings of the daemon.
  ///   - waitForFacts: Returns once the facts of every delivery acknowledged so far are computed, or after a timeout.
  ///   - isWorking: True while deliveries wait to be projected, or facts are computed that changed ones concern.
  ///   - history: May be shared with the pages.
  package init(
    facts: any FactSource, store: any SpanReading, clock: any WallClock, logger: Logger, defaults: ReportDefaults,
    waitForFacts: @escaping @Sendable () -> Void, isWorking: @escaping @Sendable () -> Bool = { false },
    history: HistoryCache = HistoryCache()
  ) {
    self.facts = facts
    self.store = store
    self.clock = clock
    self.logger = logger
    self.defaults = defaults
    self.waitForFacts = waitForFacts
    self.isWorking = isWorking
    self.history = history
  }

  /// Returns what ids are about, and which of it still has spans.
  func subjects(_ ids: Set<FactID>) throws -> NamedSubjects {
    let known = try facts.factSubjects(ids)
    return NamedSubjects(known: known, kept: Set(try store.places(of: known.values.map(\.key)).keys))
  }
}
