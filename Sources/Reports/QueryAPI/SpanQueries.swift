package import ValueStreamCore

/// What the handlers of spans and traces have in common: the store, the clock, and how an answer fails.
package struct SpanQueries: Sendable {
  let store: any SpanStore
  let strategy: TraceStrategy
  let clock: any WallClock
  let logger: Logger
  let waitForProjection: @Sendable () -> Void
  /// Names of the sources there are; empty where any name may be one.
  let sources: [String]

  /// The most spans of one trace that an answer holds; a trace may have as many as its senders like.
  package static let spanLimit = 5000

  /// Past this many bytes an answer ends: with a cursor where there is one, and a note that it was cut.
  let byteBudget: Int
  package static let byteBudget = 16 << 20

  /// - Parameters:
  ///   - strategy: the one that spans are exported by.
  ///   - sources: names of the sources there are. Another is a mistake in a filter, unless the store has something of it; empty where
  ///     any name may be one.
  ///   - waitForProjection: returns when everything acknowledged before is in the store, or after a while.
  ///   - byteBudget: bytes of an answer past which nothing more is added to it.
  package init(
    store: any SpanStore, strategy: TraceStrategy, clock: any WallClock, logger: Logger, sources: [String] = [],
    byteBudget: Int = SpanQueries.byteBudget, waitForProjection: @escaping @Sendable () -> Void
  ) {
    self.byteBudget = byteBudget
    self.store = store
    self.strategy = strategy
    self.clock = clock
    self.logger = logger
    self.sources = sources
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

  /// Refuses a filter by a source that there is not, which would find nothing for ever.
  ///
  /// - Throws: ``QueryError``, ``StoreError``.
  func check(_ filter: SubjectFilter) throws {
    guard let source = filter.source, !sources.isEmpty, !sources.contains(source) else { return }
    let stored = Set(try store.kinds().map(\.source))
    guard !stored.contains(source) else { return }
    throw QueryError("source", source, expected: "one of \(stored.union(sources).sorted().joined(separator: ", "))")
  }

  /// Writes spans into an array, as far as the budget goes.
  ///
  /// - Returns: false where it does not go to the end.
  func write(_ spans: [TracedSpan], to json: inout JSONWriter) -> Bool {
    for span in spans {
      guard json.bytes.count < byteBudget else { return false }
      span.write(to: &json)
    }
    return true
  }

  /// A new reader, which knows nothing yet.
  func reader() -> TraceReader { TraceReader(store: store, strategy: strategy) }

  /// Keys of the things that have any of these names, sorted.
  func keys(named references: [Reference]) throws -> [SpanKey] {
    Set(try store.publishers(of: references).values.joined()).sorted()
  }

  /// The trace with an id, or with a thing that is named.
  ///
  /// - Throws: ``LookupError``, ``StoreError``.
  func trace(named text: String) throws -> Trace {
    var reader = self.reader()
    let traceID = try TraceID(text) ?? reader.traceID(of: ThingLookup(queries: self).key(text))
    guard let trace = try traceID.flatMap({ try reader.trace($0, limit: Self.spanLimit) }) else {
      throw LookupError.unknown("no span has, or was exported under, the trace id \(text)")
    }
    return trace
  }
}
