package import ValueStreamCore

/// Answers `GET /api/v1/spans`: spans, the things seen last first, a page at a time.
///
/// Query: `operation`, `source`, `project`, `outcome`, `state` (`open` or `finished`), `limit` (1 to 1000 things, default
/// 100), `cursor` (the `next` of the page before). All attempts of a thing are on one page.
package struct SpansHandler: HTTPHandler {
  private let store: any SpanStore
  private let logger: Logger
  private let waitForProjection: @Sendable () -> Void

  /// - Parameter waitForProjection: returns when everything acknowledged before is in the store, or after a while.
  package init(store: any SpanStore, logger: Logger, waitForProjection: @escaping @Sendable () -> Void) {
    self.store = store
    self.logger = logger
    self.waitForProjection = waitForProjection
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      let query = try SpansQuery(request)
      waitForProjection()
      let page = try store.subjects(matching: query.filter, after: query.cursor, limit: query.limit)
      return .json(try encode(page))
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch {
      logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  private func encode(_ page: SubjectPage) throws -> [UInt8] {
    var reader = TraceReader(store: store)
    let spans = try page.subjects.flatMap { try reader.spans(of: $0) }
    var json = JSONWriter()
    json.object { json in
      json.name("spans")
      json.array(spans) { json, span in span.write(to: &json) }
      json.member("next", page.next.map { String($0) })
    }
    return json.bytes
  }
}

/// The items of a query, checked.
private struct SpansQuery {
  var filter = SubjectFilter()
  var cursor: UInt64?
  var limit = 100

  init(_ request: HTTPRequest) throws(QueryError) {
    for (name, value) in request.query {
      switch name {
      case "operation": filter.operation = Operation(rawValue: value)
      case "source": filter.source = value
      case "project": filter.project = value
      case "outcome":
        guard let outcome = Outcome(rawValue: value) else {
          throw QueryError(name, value, expected: "one of \(Outcome.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        filter.outcome = outcome
      case "state":
        switch value {
        case "open": filter.isOpen = true
        case "finished": filter.isOpen = false
        default: throw QueryError(name, value, expected: "open or finished")
        }
      case "limit":
        guard let number = Int(value), (1...1000).contains(number) else {
          throw QueryError(name, value, expected: "a number from 1 to 1000")
        }
        limit = number
      case "cursor":
        guard let number = UInt64(value) else { throw QueryError(name, value, expected: "the \"next\" of an earlier answer") }
        cursor = number
      default: throw QueryError(unknown: name, known: "operation, source, project, outcome, state, limit, cursor")
      }
    }
  }
}
