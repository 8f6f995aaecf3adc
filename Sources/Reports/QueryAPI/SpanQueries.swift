package import ValueStreamCore

/// What the handlers of spans and traces have in common: the store, the clock, and how an answer fails.
package struct SpanQueries: Sendable {
  let store: any SpanStore
  let clock: any WallClock
  let logger: Logger
  let waitForProjection: @Sendable () -> Void

  /// The most spans of one trace that an answer holds; a trace may have as many as its senders like.
  package static let spanLimit = 5000

  /// - Parameter waitForProjection: returns when everything acknowledged before is in the store, or after a while.
  package init(
    store: any SpanStore, clock: any WallClock, logger: Logger, waitForProjection: @escaping @Sendable () -> Void
  ) {
    self.store = store
    self.clock = clock
    self.logger = logger
    self.waitForProjection = waitForProjection
  }

  /// The answer, or the problem there is with the question or the store.
  func answer(_ request: HTTPRequest, _ body: () throws -> HTTPResponse) -> HTTPResponse {
    do {
      return try body()
    } catch let error as QueryError {
      return .problem(400, "Bad Request", detail: error.detail)
    } catch let error as LookupError {
      return error.problem
    } catch {
      logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  /// The trace with an id, or with a thing that is named.
  ///
  /// - Throws: ``LookupError``, ``StoreError``.
  func trace(named text: String) throws -> Trace {
    var reader = TraceReader(store: store)
    let traceID = try TraceID(text) ?? reader.traceID(of: ThingLookup(store: store).key(text))
    guard let trace = try traceID.flatMap({ try reader.trace($0, limit: Self.spanLimit) }) else {
      throw LookupError.unknown("no span has, or was exported under, the trace id \(text)")
    }
    return trace
  }
}
