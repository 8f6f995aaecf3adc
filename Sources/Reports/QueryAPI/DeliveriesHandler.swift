package import ValueStreamCore

/// Answers `GET /api/v1/deliveries` with the newest deliveries first, and `/api/v1/deliveries/{id}` with a single
/// one.
///
/// Each entry shows what became of the delivery; a single delivery also has its headers and body. Query parameters of
/// the list: `source`, `result` (`recorded`, `ignored` or `unreadable`), `limit` (1 to 100, default 20) and `cursor`
/// (the `next` of the previous page). The handler parses each delivery again, so the result is that of the current
/// sources, not that of the day it arrived.
package struct DeliveriesHandler: HTTPHandler {
  /// The path prefix before the id of a single delivery.
  package static let prefix = "/api/v1/deliveries/"

  fileprivate static let limits = 1...100
  fileprivate static let results: [DeliveryResult] = [.recorded, .ignored, .unreadable]

  static let parameters =
    [
      APIParameter("source", .text, "Such as github or jira."),
      APIParameter("result", .choice(results.map(\.rawValue)), "What became of the delivery."),
    ] + PageParameters.declarations(limits)

  private let reading: DeliveryReading
  private let logger: Logger
  private let byteBudget: Int

  /// Creates a handler that reads deliveries from the log.
  ///
  /// - Parameters:
  ///   - byteBudget: The size of the response, in bytes, at which a page ends before `limit` is reached.
  ///   - setAside: Returns why the projector set a delivery aside; nil if it did not. Such a delivery is listed as
  ///     unreadable and not parsed.
  ///   - unread: Returns the values in a delivery that no type could represent.
  package init(
    log: any DeliveryLog, sources: [any EventSource], logger: Logger, byteBudget: Int = SpanQueries.byteBudget,
    setAside: @escaping @Sendable (LogPosition) -> String? = { _ in nil },
    unread: @escaping @Sendable (Delivery) -> UnreadValues? = { _ in nil }
  ) {
    self.init(
      DeliveryReading(log: log, sources: sources, setAside: setAside, unread: unread), logger: logger, byteBudget: byteBudget)
  }

  /// Creates a handler with a reader of its own, which others may share.
  package init(_ reading: DeliveryReading, logger: Logger, byteBudget: Int = SpanQueries.byteBudget) {
    self.reading = reading
    self.logger = logger
    self.byteBudget = byteBudget
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      if request.path.hasPrefix(Self.prefix) { return try one(request.path.dropFirst(Self.prefix.count)) }
      let query = try DeliveriesQuery(request)
      let known = reading.sourceNames
      if let source = query.filter.source, !known.contains(source) {
        throw QueryError("source", source, expected: "one of \(known.joined(separator: ", "))")
      }
      return .json(try list(query))
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch {
      logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  // MARK: List

  private func list(_ query: DeliveriesQuery) throws -> [UInt8] {
    var json = JSONWriter()
    var next = query.page.cursor.map(LogPosition.init(rawValue:))
    try json.object { json in
      json.name("deliveries")
      try json.array(CollectionOfOne(query)) { json, query in next = try write(query, after: next, to: &json) }
      json.member("next", next.map { String($0.rawValue) })
    }
    return json.bytes
  }

  /// - Returns: The cursor of the next page; nil after the last page.
  private func write(_ query: DeliveriesQuery, after cursor: LogPosition?, to json: inout JSONWriter) throws -> LogPosition? {
    try reading.visit(query.filter, before: cursor, limit: query.page.limit) { entry in
      json.object { json in write(entry, to: &json) }
      return json.bytes.count < byteBudget
    }
  }

  private func write(_ entry: DeliveryReading.Entry, to json: inout JSONWriter) {
    let delivery = entry.logged.delivery
    json.member("id", String(entry.position.rawValue))
    json.member("source", delivery.source)
    json.member("received", delivery.received.rfc3339)
    json.member("deliveryID", delivery.id)
    json.member("bytes", delivery.body.count)
    json.members(of: entry.understood)
    json.member(reading.unreadValues(of: entry))
  }

  // MARK: Single delivery

  private func one(_ id: Substring) throws -> HTTPResponse {
    guard let number = UInt64(id), let entry = try reading.entry(at: LogPosition(rawValue: number)) else {
      return .problem(404, "Not Found", detail: "there is no delivery \(id), or it is not kept any more")
    }
    var json = JSONWriter()
    json.object { json in
      write(entry, to: &json)
      json.name("headers")
      json.object { json in
        for field in entry.logged.delivery.headers.fields { json.member(field.name, field.value) }
      }
      json.member("body", String(decoding: entry.logged.delivery.body, as: UTF8.self))
    }
    return .json(json.bytes)
  }
}

/// The validated query parameters.
private struct DeliveriesQuery {
  var filter = DeliveryReading.Filter()
  var page = PageParameters(limit: 20, limits: DeliveriesHandler.limits)

  init(_ request: HTTPRequest) throws(QueryError) {
    for (name, value) in request.query {
      switch name {
      case "source": filter.source = value
      case "result":
        guard let result = DeliveryResult(rawValue: value), DeliveriesHandler.results.contains(result) else {
          throw QueryError(name, value, expected: "one of \(DeliveriesHandler.results.map(\.rawValue).joined(separator: ", "))")
        }
        filter.result = result
      default:
        if try !page.take(name, value) { throw QueryError(unknown: name, known: DeliveriesHandler.parameters) }
      }
    }
  }
}
