package import ValueStreamCore

/// Answers `GET /api/v1/spans` with pages of spans, and `/api/v1/spans/{key}` with the spans of one subject.
///
/// The list starts with the subject that was updated last; all attempts of a subject are on one page. Query
/// parameters: `operation`, `source`, `project`, `outcome`, `state` (`open` or `finished`), `limit` (1 to 1000
/// subjects, default 100) and `cursor` (the `next` of the previous page). `reference` (`key:...`, `classic:...`) can
/// be repeated and selects the subjects that have one of these names; they come sorted by key on a single page.
/// ``SpansQuery`` describes the parameters for times, environment, service and order. A page that would exceed
/// ``SpanQueries/byteBudget`` is cut and has the member `limited`.
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
      let query = try SpansQuery(request)
      queries.waitForProjection()
      try queries.check(query.filter)
      return .json(try list(query))
    }
  }

  /// The number of subjects read at a time. Small steps stop reading early when a page of large subjects is full.
  private static let stepLimit = 50

  /// The number of subjects examined for one page. A page of rare environments or services that reaches it is shorter than
  /// requested.
  private static let searchLimit = 2000

  private func list(_ query: SpansQuery) throws -> [UInt8] {
    var json = JSONWriter()
    try json.object { json in
      var page = WrittenPage()
      json.name("spans")
      try json.array(CollectionOfOne(query)) { json, query in
        page = query.references.isEmpty ? try write(query, to: &json) : try writeNamed(query, to: &json)
      }
      json.member("next", page.next)
      if !page.isComplete { json.member("limited", true) }
      if page.damagedCount > 0 { json.member("damaged", page.damagedCount) }
    }
    return json.bytes
  }

  private struct WrittenPage {
    /// The cursor of the next page.
    var next: String?
    /// False if the page is shorter than requested because it would be too large.
    var isComplete = true
    /// The number of damaged subjects left out.
    var damagedCount = 0
  }

  /// Subjects from the store, each with the cursor of the page that begins after it.
  private struct Step {
    var subjects: [(cursor: String?, subject: Subject)]
    var next: String?
    var damagedCount: Int
  }

  private func step(_ query: SpansQuery, after cursor: String?, limit: Int) throws -> Step {
    guard let order = query.order else {
      let page = try queries.store.subjects(matching: query.filter, after: cursor.flatMap { UInt64($0) }, limit: limit)
      return Step(subjects: page.subjects.map { (nil, $0) }, next: page.next.map { String($0) }, damagedCount: page.damagedCount)
    }
    let page = try queries.store.subjects(
      matching: query.filter, in: order, after: cursor.flatMap { SubjectPlace($0) }, limit: limit)
    return Step(
      subjects: page.subjects.map { ($0.place.description, $0.subject) }, next: page.next?.description,
      damagedCount: page.damagedCount)
  }

  /// Writes the spans of one page into an array.
  private func write(_ query: SpansQuery, to json: inout JSONWriter) throws -> WrittenPage {
    var page = WrittenPage(next: query.cursor)
    var (rest, examined) = (query.limit, 0)
    var reader = queries.reader()
    while rest > 0, examined < Self.searchLimit {
      let step = try step(query, after: page.next, limit: min(query.isSelective ? Self.stepLimit : rest, Self.stepLimit))
      page.damagedCount += step.damagedCount
      for (index, (cursor, subject)) in step.subjects.enumerated() where query.matches(subject) {
        let isWhole = queries.write(try reader.spans(of: subject), to: &json)
        rest -= 1
        let isLast = index == step.subjects.count - 1
        guard !isWhole || json.bytes.count >= queries.byteBudget || rest == 0 && !isLast else { continue }
        page.isComplete = rest == 0 && isWhole || isWhole && isLast && step.next == nil
        page.next = isLast ? step.next : try cursor ?? queries.store.places(of: [subject.key])[subject.key].map { String($0) }
        return page
      }
      // An ordered list bounds the rows it reads for a page, so an empty page counts as work too.
      examined += max(step.subjects.count, Self.stepLimit)
      page.next = step.next
      if page.next == nil { break }
      // Bounds the memory of the reader's cache.
      reader.forget(beyond: SpanQueries.spanLimit)
    }
    return page
  }

  private func writeNamed(_ query: SpansQuery, to json: inout JSONWriter) throws -> WrittenPage {
    let keys = Array(try queries.keys(named: query.references).prefix(query.limit))
    for start in stride(from: 0, to: keys.count, by: Self.stepLimit) {
      let step = keys[start..<min(start + Self.stepLimit, keys.count)]
      var reader = queries.reader()
      let found = try queries.store.subjects(Array(step))
      for subject in step.compactMap({ found[$0] })
      where query.filter.matches(SubjectSummary(subject)) && query.matches(subject) {
        guard queries.write(try reader.spans(of: subject), to: &json) else { return WrittenPage(isComplete: false) }
      }
    }
    return WrittenPage()
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
