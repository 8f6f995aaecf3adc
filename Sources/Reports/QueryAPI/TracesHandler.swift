package import ValueStreamCore

/// Answers `GET /api/v1/traces` with pages of traces, and `/api/v1/traces/{id}` with one trace and its spans.
///
/// The list has the query parameters of ``SpansHandler`` (with `limit` from 1 to 100 traces, default 20), and `since`
/// and `until` (RFC 3339) and `minDuration` (`5m`). A trace is listed if a single subject in it meets all conditions.
/// `state=finished` applies to the whole trace.
package struct TracesHandler: HTTPHandler {
  /// The path prefix before the id of one trace.
  package static let prefix = "/api/v1/traces/"

  private let queries: SpanQueries

  fileprivate static let limits = 1...100

  static let parameters =
    ListParameters.declarations + PageParameters.declarations(limits) + [
      APIParameter("since", .time, "An item ended at this time or later, or still runs."),
      APIParameter("until", .time, "An item started before this time."),
      APIParameter("minDuration", .duration, "An item took this long."),
    ]

  /// The maximum number of subjects of a trace that the list reads. Beyond it the counts are incomplete and the entry
  /// has `truncated`.
  private static let countedSpans = 1000

  package init(_ queries: SpanQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    queries.answer(request) {
      if request.path.hasPrefix(Self.prefix) { return try one(String(request.path.dropFirst(Self.prefix.count))) }
      let query = try TracesQuery(request, now: queries.clock.now())
      queries.waitForProjection()
      try queries.check(query.parameters.filter)
      return .json(try list(query))
    }
  }

  // MARK: Single trace

  private func one(_ name: String) throws -> HTTPResponse {
    queries.waitForProjection()
    let trace = try queries.trace(named: name)
    var json = JSONWriter()
    json.object { json in
      json.member("traceID", trace.id.description)
      json.name("spans")
      var isWhole = true
      json.array(CollectionOfOne(trace.spans)) { json, spans in isWhole = queries.write(spans, to: &json) }
      if trace.isTruncated || !isWhole { json.member("truncated", true) }
    }
    return .json(json.bytes)
  }

  // MARK: List

  private func list(_ query: TracesQuery) throws -> [UInt8] {
    var search = TraceSearch(queries: queries, filter: query.parameters.filter)
    search.isFinished = query.isFinished
    search.membersLimit = Self.countedSpans
    let references = query.parameters.references
    if !references.isEmpty { search.keys = try queries.keys(named: references) }
    let page = try search.page(after: query.parameters.page.cursor, limit: query.parameters.page.limit)
    var json = JSONWriter()
    json.object { json in
      json.name("traces")
      json.array(page.traces) { json, members in Self.write(members, to: &json) }
      json.member("next", page.next.map { String($0) })
      if page.damagedCount > 0 { json.member("damaged", page.damagedCount) }
    }
    return json.bytes
  }

  private static func write(_ members: TraceMembers, to json: inout JSONWriter) {
    let attempts = members.subjects.map { $0.outlines() }
    let root = zip(members.subjects, attempts).first { !$1.isEmpty }
    let all = attempts.joined()
    let end = all.contains { $0.end == nil } ? nil : all.compactMap(\.end).max()
    json.object { json in
      json.member("traceID", members.traceID.description)
      json.member("rootKey", root?.0.key.description)
      json.member("rootName", root?.0.name)
      json.member("rootOperation", root?.0.operation?.rawValue)
      json.member("rootSource", root?.0.key.source)
      json.member("start", all.map(\.start).min()?.rfc3339)
      json.member("end", end?.rfc3339)
      json.member("outcome", root?.1.last?.outcome?.rawValue)
      json.member("spans", all.count { _ in true })
      json.member("errors", all.count { $0.outcome?.isError ?? false })
      if members.isTruncated { json.member("truncated", true) }
    }
  }
}

/// The validated query parameters.
private struct TracesQuery {
  var parameters = ListParameters(limit: 20, limits: TracesHandler.limits)
  var isFinished: Bool

  init(_ request: HTTPRequest, now: Timestamp) throws(QueryError) {
    for (name, value) in request.query where try !parameters.take(name, value) {
      switch name {
      case "since": parameters.filter.endedAfter = try QueryError.time(name, value)
      case "until": parameters.filter.startedBefore = try QueryError.time(name, value)
      case "minDuration":
        guard let duration = try? Duration(setting: value) else {
          throw QueryError(name, value, expected: "a duration such as 500ms, 5s, 12h or 30d")
        }
        parameters.filter.duration = DurationBounds(minimum: duration.nanoseconds, now: now)
      default:
        throw QueryError(unknown: name, known: TracesHandler.parameters)
      }
    }
    // `state=finished` requires that the whole trace is finished, not only the matching subject.
    isFinished = parameters.filter.isOpen == false
  }
}
