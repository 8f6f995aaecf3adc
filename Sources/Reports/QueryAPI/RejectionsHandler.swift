package import ValueStreamCore

/// Answers `GET /api/v1/rejections` with the spans that backends rejected for good and the reasons, the newest first.
///
/// Query parameters: `exporter`, `limit` (1 to 1000, default 100) and `cursor` (the `next` of the previous page).
package struct RejectionsHandler: HTTPHandler {
  fileprivate static let limits = 1...1000

  static let parameters =
    [APIParameter("exporter", .text, "The name of a tracer.")] + PageParameters.declarations(limits)

  private let queries: SpanQueries

  package init(_ queries: SpanQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    queries.answer(request) {
      let query = try RejectionsQuery(request)
      // One entry more than requested shows whether there is another page.
      let found = try queries.store.exportRejections(of: query.exporter, before: query.page.cursor, limit: query.page.limit + 1)
      return .json(Self.encode(found.prefix(query.page.limit), hasNext: found.count > query.page.limit))
    }
  }

  private static func encode(_ page: ArraySlice<NumberedRejection>, hasNext: Bool) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("refusals")
      json.array(page) { json, entry in
        json.object { json in
          json.member("exporter", entry.rejection.exporter)
          json.member("time", entry.rejection.time.rfc3339)
          json.member("count", entry.rejection.count)
          json.member("reason", entry.rejection.reason)
          json.name("spans")
          json.array(entry.rejection.attempts) { json, attempt in
            json.object { json in
              json.member("key", attempt.key.description)
              json.member("attempt", attempt.number)
              json.member("spanID", SpanID(key: attempt.key, attempt: attempt.number).description)
            }
          }
        }
      }
      json.member("next", hasNext ? page.last.map { String($0.sequence) } : nil)
    }
    return json.bytes
  }
}

/// The validated query parameters.
private struct RejectionsQuery {
  var exporter: String?
  var page = PageParameters(limit: 100, limits: RejectionsHandler.limits)

  init(_ request: HTTPRequest) throws(QueryError) {
    for (name, value) in request.query {
      if name == "exporter" {
        exporter = try QueryError.text(name, value)
      } else if try !page.take(name, value) {
        throw QueryError(unknown: name, known: RejectionsHandler.parameters)
      }
    }
  }
}
