import FoundationEssentials
import ValueStreamCore

/// The validated query parameters of Jaeger's `/api/traces`. Unknown parameters are ignored, as in Jaeger.
struct JaegerQuery {
  /// The ids of the requested traces. If there are any, all other parameters are ignored.
  private(set) var traceIDs: [String] = []
  private(set) var limit = 20
  private var filter = SubjectFilter()
  private var operation: String?
  private var tags: [String: String] = [:]

  /// The maximum number of traces in a response; a larger `limit` is lowered to it.
  private static let mostTraces = 200
  /// The maximum number of `traceID` parameters. It is low because a trace requested by id is returned with all its
  /// spans up to the limit.
  private static let mostNamed = 20

  init(_ request: HTTPRequest, now: Timestamp) throws(QueryError) {
    var bounds = DurationBounds(now: now)
    var lookback: Duration?
    for (name, value) in request.query where !value.isEmpty {
      switch name {
      case "traceID": traceIDs.append(Self.traceID(value))
      case "service": filter.source = value
      case "operation": operation = value == "all" ? nil : value
      case "tags": tags.merge(try Self.tags(value)) { $1 }
      case "tag":
        guard let colon = value.firstIndex(of: ":") else { throw QueryError(name, value, expected: "a key, a colon and a value") }
        tags[String(value[..<colon])] = String(value[value.index(after: colon)...])
      case "start": filter.endedAfter = try Self.time(name, value)
      case "end": filter.startedBefore = try Self.time(name, value)
      case "minDuration": bounds.minimum = try Self.duration(name, value).nanoseconds
      case "maxDuration": bounds.maximum = try Self.duration(name, value).nanoseconds
      case "limit":
        guard let number = Int(value), number > 0 else { throw QueryError(name, value, expected: "a number above 0") }
        limit = min(number, Self.mostTraces)
      // Jaeger's own interface sends `lookback=custom` together with explicit times, so an unreadable value is
      // ignored.
      case "lookback": lookback = try? Duration(setting: value)
      default: break
      }
    }
    if traceIDs.count > Self.mostNamed { throw QueryError("traceID: more than \(Self.mostNamed) of them") }
    if bounds.maximum < bounds.minimum {
      throw QueryError("maxDuration", request.query("maxDuration") ?? "", expected: "no less than minDuration")
    }
    if bounds != DurationBounds(now: now) { filter.duration = bounds }
    if filter.endedAfter == nil, let lookback {
      filter.endedAfter = (filter.startedBefore ?? now).advanced(byNanoseconds: -lookback.nanoseconds)
    }
  }

  /// Pads a hexadecimal trace id to 32 digits, because Jaeger omits leading zeros. Other texts, such as classic ids,
  /// stay unchanged.
  static func traceID(_ text: String) -> String {
    let isNumber = (17..<32).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    return isNumber ? String(repeating: "0", count: 32 - text.utf8.count) + text : text
  }

  /// Returns the search that these parameters describe.
  func search(in queries: SpanQueries) throws -> TraceSearch {
    var search = TraceSearch(queries: queries, filter: filter)
    var tags = tags
    if let id = tags.removeValue(forKey: Self.classicTag) {
      search.keys = try queries.keys(named: [Reference(.classicID, id)])
    }
    for (tag, column) in Self.columns where search.filter[keyPath: column] == nil {
      if let value = tags.removeValue(forKey: tag) { search.filter[keyPath: column] = value }
    }
    var name = operation
    if let operation, try queries.store.kinds().contains(where: { $0.operation.rawValue == operation }) {
      search.filter.operation = Operation(rawValue: operation)
      name = nil
    }
    if tags["error"] == "true" { search.mayMatch = { $0.mayShowError } }
    if name != nil || !tags.isEmpty {
      search.condition = { [name, tags] spans in
        spans.lazy.flatMap { SpanPresentation.presentations(of: $0, SpanPresentation.Options()) }.contains { span in
          (name == nil || name == span.name) && tags.allSatisfy { JaegerAnswer.has($0.key, $0.value, span) }
        }
      }
    }
    return search
  }

  /// The tags that the store can filter by, with the member of the filter for each.
  private static var columns: [(tag: String, column: WritableKeyPath<SubjectFilter, String?>)] {
    [(AttributeName.valuestreamSource, \.source), (AttributeName.valuestreamProject, \.project)]
  }

  /// The tag that finds a subject by its classic id.
  private static let classicTag = "vstrace"

  private static func tags(_ text: String) throws(QueryError) -> [String: String] {
    guard let tags = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
      throw QueryError("tags", text, expected: "a JSON object of texts")
    }
    return tags
  }

  private static func time(_ name: String, _ value: String) throws(QueryError) -> Timestamp {
    guard let microseconds = Int64(value) else { throw QueryError(name, value, expected: "microseconds since 1970") }
    let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
    return Timestamp(nanoseconds: overflow ? (microseconds < 0 ? .min : .max) : nanoseconds)
  }

  private static func duration(_ name: String, _ value: String) throws(QueryError) -> Duration {
    guard let duration = try? Duration(setting: value) else {
      throw QueryError(name, value, expected: "a duration such as 100ms, 1.2s or 5m")
    }
    return duration
  }
}

extension Subject {
  /// False if no span of the subject, and no part of one, has failed, and no sender calls anything an error.
  fileprivate var mayShowError: Bool {
    func isNamedError(_ attribute: Attribute) -> Bool { attribute.name == "error" }
    return events.contains { event in
      event.phases.contains { $0.outcome?.isError ?? false } || event.attributes.contains(where: isNamedError)
        || event.spanEvents.contains { $0.attributes.contains(where: isNamedError) }
    } || outlines().contains { $0.outcome?.isError ?? false }
  }
}
