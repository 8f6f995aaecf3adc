package import ValueStreamCore

/// Answers `GET /api/v1/spans`: spans, the things seen last first, a page at a time.
///
/// Query: `operation`, `source`, `project`, `outcome`, `state` (`open` or `finished`), `limit` (1 to 1000 things, default
/// 100), `cursor` (the `next` of the page before). All attempts of a thing are on one page. `reference` (`key:...`,
/// `classic:...`), any number of times, asks for the things that have one of these names, sorted by key, on a page of its own.
package struct SpansHandler: HTTPHandler {
  private let store: any SpanStore
  private let strategy: TraceStrategy
  private let logger: Logger
  private let waitForProjection: @Sendable () -> Void

  /// - Parameters:
  ///   - strategy: the one that spans are exported by.
  ///   - waitForProjection: returns when everything acknowledged before is in the store, or after a while.
  package init(
    store: any SpanStore, strategy: TraceStrategy, logger: Logger, waitForProjection: @escaping @Sendable () -> Void
  ) {
    self.store = store
    self.strategy = strategy
    self.logger = logger
    self.waitForProjection = waitForProjection
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      let query = try SpansQuery(request)
      waitForProjection()
      return .json(try encode(try page(query)))
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch {
      logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  private func page(_ query: SpansQuery) throws -> SubjectPage {
    if query.references.isEmpty {
      return try store.subjects(matching: query.filter, after: query.cursor, limit: query.limit)
    }
    let keys = Set(try store.publishers(of: query.references).values.joined()).sorted().prefix(query.limit)
    let found = try store.subjects(Array(keys))
    let subjects = keys.compactMap { found[$0] }.filter { query.filter.matches(SubjectSummary($0)) }
    return SubjectPage(subjects: subjects, next: nil)
  }

  private func encode(_ page: SubjectPage) throws -> [UInt8] {
    var reader = TraceReader(store: store, strategy: strategy)
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
  var references: [Reference] = []

  /// A list of more is a mistake, and would be a costly one.
  private static let referenceLimit = 20

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
      case "reference":
        let parts = value.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { throw QueryError(name, value, expected: "a kind and a name, such as custom:shop/42") }
        references.append(Reference(Reference.Kind(rawValue: String(parts[0])), String(parts[1])))
      default: throw QueryError(unknown: name, known: "operation, source, project, outcome, state, reference, limit, cursor")
      }
    }
    if references.count > Self.referenceLimit { throw QueryError("reference: more than \(Self.referenceLimit) of them") }
    if !references.isEmpty, cursor != nil { throw QueryError("reference and cursor do not go together") }
  }
}
