package import ValueStreamCore

/// Answers `GET /api/v1/spans`, spans, the things seen last first, a page at a time; and `/api/v1/spans/{key}`, those of one thing.
///
/// Query of the list: `operation`, `source`, `project`, `outcome`, `state` (`open` or `finished`), `limit` (1 to 1000 things,
/// default 100), `cursor` (the `next` of the page before). All attempts of a thing are on one page. `reference` (`key:...`,
/// `classic:...`), any number of times, asks for the things that have one of these names, sorted by key, on a page of its own.
package struct SpansHandler: HTTPHandler {
  /// What stands before the key of one thing.
  package static let prefix = "/api/v1/spans/"

  private let queries: SpanQueries

  package init(_ queries: SpanQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    queries.answer(request) {
      if request.path.hasPrefix(Self.prefix) { return try one(String(request.path.dropFirst(Self.prefix.count))) }
      let parameters = try Self.parameters(request)
      queries.waitForProjection()
      return .json(try encode(try page(parameters)))
    }
  }

  private static func parameters(_ request: HTTPRequest) throws(QueryError) -> ListParameters {
    var parameters = ListParameters(limit: 100, limits: 1...1000)
    for (name, value) in request.query {
      guard try parameters.take(name, value) else { throw QueryError(unknown: name, known: ListParameters.names) }
    }
    if !parameters.references.isEmpty, parameters.page.cursor != nil {
      throw QueryError("reference and cursor do not go together")
    }
    return parameters
  }

  private func page(_ parameters: ListParameters) throws -> SubjectPage {
    guard !parameters.references.isEmpty else {
      return try queries.store.subjects(matching: parameters.filter, after: parameters.page.cursor, limit: parameters.page.limit)
    }
    let keys = try queries.keys(named: parameters.references).prefix(parameters.page.limit)
    let found = try queries.store.subjects(Array(keys))
    let subjects = keys.compactMap { found[$0] }.filter { parameters.filter.matches(SubjectSummary($0)) }
    return SubjectPage(subjects: subjects, next: nil)
  }

  private func encode(_ page: SubjectPage) throws -> [UInt8] {
    var reader = queries.reader()
    let spans = try page.subjects.flatMap { try reader.spans(of: $0) }
    var json = JSONWriter()
    json.object { json in
      json.name("spans")
      json.array(spans) { json, span in span.write(to: &json) }
      json.member("next", page.next.map { String($0) })
      if page.damagedCount > 0 { json.member("damaged", page.damagedCount) }
    }
    return json.bytes
  }

  private func one(_ name: String) throws -> HTTPResponse {
    queries.waitForProjection()
    let key = try ThingLookup(queries: queries).key(name)
    var reader = queries.reader()
    let spans = try reader.spans(of: key)
    var json = JSONWriter()
    json.object { json in
      json.member("key", key.description)
      json.name("spans")
      json.array(spans) { json, span in span.write(to: &json) }
    }
    return .json(json.bytes)
  }
}
