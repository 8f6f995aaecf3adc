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

  private let log: any DeliveryLog
  private let sources: [String: any EventSource]
  private let logger: Logger
  private let setAside: @Sendable (LogPosition) -> String?
  private let unread: @Sendable (Delivery) -> UnreadValues?

  /// Limits on the deliveries examined, and on the bytes of their bodies, for one page. A page that reaches one is
  /// shorter than requested.
  private static let searchLimit = 2000
  private static let byteLimit = 64 << 20
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
    self.unread = unread
    self.byteBudget = byteBudget
    self.setAside = setAside
    self.log = log
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    self.logger = logger
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      if request.path.hasPrefix(Self.prefix) { return try one(request.path.dropFirst(Self.prefix.count)) }
      let query = try DeliveriesQuery(request)
      if let source = query.source, sources[source] == nil {
        throw QueryError("source", source, expected: "one of \(sources.keys.sorted().joined(separator: ", "))")
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

  /// Writes each delivery as soon as it is read, so that memory never holds a whole page of deliveries.
  ///
  /// - Returns: The cursor of the next page; nil after the last page.
  private func write(_ query: DeliveriesQuery, after cursor: LogPosition?, to json: inout JSONWriter) throws -> LogPosition? {
    var next = cursor
    var (written, looked, bytes) = (0, 0, 0)
    while written < query.page.limit, looked < Self.searchLimit, bytes < Self.byteLimit {
      let step = try log.readBackwards(before: next, limit: query.page.limit - written, byteLimit: Self.byteLimit - bytes)
      if step.isEmpty { return nil }
      for (position, logged) in step {
        next = position
        looked += 1
        bytes += logged.delivery.body.count
        let understood = understand(logged, at: position)
        guard query.matches(logged, understood) else { continue }
        json.object { json in write(position, logged, understood, to: &json) }
        written += 1
        if json.bytes.count >= byteBudget { return next }
      }
    }
    return next
  }

  private func understand(_ logged: LoggedDelivery, at position: LogPosition) -> Result<Interpretation, PayloadError> {
    // A delivery that crashed the projector could crash the parser here too.
    if let reason = setAside(position) { return .failure(PayloadError(.malformed, reason: "set aside: \(reason)")) }
    guard let source = sources[logged.delivery.source] else {
      return .failure(PayloadError(.malformed, reason: "there is no source \(logged.delivery.source) any more"))
    }
    do throws(PayloadError) {
      return .success(try source.events(in: logged.delivery))
    } catch {
      return .failure(error)
    }
  }

  private func write(
    _ position: LogPosition, _ logged: LoggedDelivery, _ understood: Result<Interpretation, PayloadError>,
    to json: inout JSONWriter
  ) {
    json.member("id", String(position.rawValue))
    json.member("source", logged.delivery.source)
    json.member("received", logged.delivery.received.rfc3339)
    json.member("deliveryID", logged.delivery.id)
    json.member("bytes", logged.delivery.body.count)
    json.members(of: understood)
    if setAside(position) == nil { json.member(unread(logged.delivery)) }
  }

  // MARK: Single delivery

  private func one(_ id: Substring) throws -> HTTPResponse {
    guard let number = UInt64(id), let logged = try log.delivery(at: LogPosition(rawValue: number)) else {
      return .problem(404, "Not Found", detail: "there is no delivery \(id), or it is not kept any more")
    }
    var json = JSONWriter()
    json.object { json in
      write(LogPosition(rawValue: number), logged, understand(logged, at: LogPosition(rawValue: number)), to: &json)
      json.name("headers")
      json.object { json in
        for field in logged.delivery.headers.fields { json.member(field.name, field.value) }
      }
      json.member("body", String(decoding: logged.delivery.body, as: UTF8.self))
    }
    return .json(json.bytes)
  }
}

/// The validated query parameters.
private struct DeliveriesQuery {
  var source: String?
  var result: DeliveryResult?
  var page = PageParameters(limit: 20, limits: DeliveriesHandler.limits)

  init(_ request: HTTPRequest) throws(QueryError) {
    for (name, value) in request.query {
      switch name {
      case "source": source = value
      case "result":
        guard let result = DeliveryResult(rawValue: value), DeliveriesHandler.results.contains(result) else {
          throw QueryError(name, value, expected: "one of \(DeliveriesHandler.results.map(\.rawValue).joined(separator: ", "))")
        }
        self.result = result
      default:
        if try !page.take(name, value) { throw QueryError(unknown: name, known: DeliveriesHandler.parameters) }
      }
    }
  }

  func matches(_ logged: LoggedDelivery, _ understood: Result<Interpretation, PayloadError>) -> Bool {
    let found: DeliveryResult =
      switch understood {
      case .success(.events): .recorded
      case .success(.ignored): .ignored
      case .failure: .unreadable
      }
    return (source == nil || source == logged.delivery.source) && (result == nil || result == found)
  }
}
