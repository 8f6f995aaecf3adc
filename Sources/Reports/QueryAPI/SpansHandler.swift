package import ValueStreamCore

/// Answers `GET /api/v1/spans` with pages of spans, and `/api/v1/spans/{key}` with the spans of one subject.
///
/// The list starts with the subject that was updated last; all attempts of a subject are on one page. Query
/// parameters: `operation`, `source`, `project`, `outcome`, `state` (`open` or `finished`), `limit` (1 to 1000
/// subjects, default 100) and `cursor` (the `next` of the previous page). `reference` (`key:...`, `classic:...`) can
/// be repeated and selects the subjects that have one of these names; they come sorted by key on a single page. A
/// page that would exceed ``SpanQueries/byteBudget`` is cut and has the member `limited`.
package struct SpansHandler: HTTPHandler {
  /// The path prefix before the key of one subject.
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
      try queries.check(parameters.filter)
      return .json(try list(parameters))
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

  /// The number of subjects read at a time. Small steps stop reading early when a page of large subjects is full.
  private static let stepLimit = 50

  private func list(_ parameters: ListParameters) throws -> [UInt8] {
    var json = JSONWriter()
    try json.object { json in
      var next: UInt64?
      var isComplete = true
      var damagedCount = 0
      json.name("spans")
      try json.array(CollectionOfOne(parameters)) { json, parameters in
        if parameters.references.isEmpty {
          (next, isComplete, damagedCount) = try write(parameters, to: &json)
        } else {
          isComplete = try writeNamed(parameters, to: &json)
        }
      }
      json.member("next", next.map { String($0) })
      if !isComplete { json.member("limited", true) }
      if damagedCount > 0 { json.member("damaged", damagedCount) }
    }
    return json.bytes
  }

  /// Writes the spans of one page into an array.
  ///
  /// - Returns: The cursor of the next page, whether the page is complete (false if it is shorter than requested),
  ///   and the number of damaged subjects left out.
  private func write(
    _ parameters: ListParameters, to json: inout JSONWriter
  ) throws -> (next: UInt64?, isComplete: Bool, damagedCount: Int) {
    var damagedCount = 0
    var next = parameters.page.cursor
    var rest = parameters.page.limit
    var reader = queries.reader()
    while rest > 0 {
      let step = try queries.store.subjects(matching: parameters.filter, after: next, limit: min(rest, Self.stepLimit))
      damagedCount += step.damagedCount
      for (index, subject) in step.subjects.enumerated() {
        let isWhole = queries.write(try reader.spans(of: subject), to: &json)
        guard !isWhole || json.bytes.count >= queries.byteBudget else { continue }
        if index == step.subjects.count - 1 { return (step.next, isWhole && step.next == nil, damagedCount) }
        return (try queries.store.places(of: [subject.key])[subject.key], false, damagedCount)
      }
      rest -= step.subjects.count
      next = step.next
      if next == nil || step.subjects.isEmpty && step.damagedCount == 0 { break }
      // Bounds the memory of the reader's cache.
      reader.forget(beyond: SpanQueries.spanLimit)
    }
    return (next, true, damagedCount)
  }

  private func writeNamed(_ parameters: ListParameters, to json: inout JSONWriter) throws -> Bool {
    let keys = Array(try queries.keys(named: parameters.references).prefix(parameters.page.limit))
    for start in stride(from: 0, to: keys.count, by: Self.stepLimit) {
      let step = keys[start..<min(start + Self.stepLimit, keys.count)]
      var reader = queries.reader()
      let found = try queries.store.subjects(Array(step))
      for subject in step.compactMap({ found[$0] }) where parameters.filter.matches(SubjectSummary(subject)) {
        guard queries.write(try reader.spans(of: subject), to: &json) else { return false }
      }
    }
    return true
  }

  private func one(_ name: String) throws -> HTTPResponse {
    queries.waitForProjection()
    let key = try SubjectLookup(queries: queries).key(name)
    var reader = queries.reader()
    let spans = try reader.spans(of: key)
    var json = JSONWriter()
    json.object { json in
      json.member("key", key.description)
      json.name("spans")
      var isWhole = true
      json.array(CollectionOfOne(spans)) { json, spans in isWhole = queries.write(spans, to: &json) }
      if !isWhole { json.member("limited", true) }
    }
    return .json(json.bytes)
  }
}
