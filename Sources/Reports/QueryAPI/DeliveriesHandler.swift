package import ValueStreamCore

/// Answers `GET /api/v1/deliveries`, the newest first with what each became, and `/api/v1/deliveries/{id}`, one with its headers and
/// body.
///
/// Query of the list: `source`, `result` (`recorded`, `ignored`, `unreadable`), `limit` (1 to 100, default 20), `cursor` (the `next`
/// of the page before). What a delivery means is what today's sources say of it.
package struct DeliveriesHandler: HTTPHandler {
  /// What stands before the id of one delivery.
  package static let prefix = "/api/v1/deliveries/"

  private let log: any DeliveryLog
  private let sources: [String: any EventSource]
  private let logger: Logger
  private let setAside: @Sendable (LogPosition) -> String?
  private let unread: @Sendable (Delivery) -> UnreadValues?

  /// A page for which more than this many deliveries would have to be looked at, or bytes of body, is shorter than asked for.
  private static let searchLimit = 2000
  private static let byteLimit = 64 << 20
  private let byteBudget: Int

  /// - Parameters:
  ///   - byteBudget: bytes of an answer past which a page is shorter than asked for.
  ///   - setAside: why a delivery could not be projected; it is listed as unreadable, and not looked into.
  ///   - unread: what of a delivery no type could hold.
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

  // MARK: The list

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

  /// Writes each delivery when it was read, so that none of a page is held.
  ///
  /// - Returns: where the next page begins; nil after the last.
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
    // What ends the process when it is projected may end it here.
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

  // MARK: One

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

/// The items of a query, checked.
private struct DeliveriesQuery {
  var source: String?
  var result: DeliveryResult?
  var page = PageParameters(limit: 20, limits: 1...100)

  private static let results: [DeliveryResult] = [.recorded, .ignored, .unreadable]

  init(_ request: HTTPRequest) throws(QueryError) {
    for (name, value) in request.query {
      switch name {
      case "source": source = value
      case "result":
        guard let result = DeliveryResult(rawValue: value), Self.results.contains(result) else {
          throw QueryError(name, value, expected: "one of \(Self.results.map(\.rawValue).joined(separator: ", "))")
        }
        self.result = result
      default:
        if try !page.take(name, value) { throw QueryError(unknown: name, known: "source, result, \(PageParameters.names)") }
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
