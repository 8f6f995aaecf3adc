package import ValueStreamCore

/// The dependencies and error handling that the handlers of spans and traces share.
package struct SpanQueries: Sendable {
  package let store: any ExportStore
  package let strategy: TraceStrategy
  package let clock: any WallClock
  package let logger: Logger
  package let waitForProjection: @Sendable () -> Void
  /// The names of the configured sources; empty if any name is valid.
  package let sources: [String]
  /// What the store could not read. Nil if it does not tell.
  private let damage: DamageReport?

  /// The maximum number of spans of one trace in a response. Senders can make traces of any size.
  package static let spanLimit = 5000

  /// The size of a response, in bytes, past which no span is added. The response then says that it is cut, with a
  /// cursor where the list has one.
  let byteBudget: Int
  package static let byteBudget = 16 << 20

  /// Creates the shared dependencies of the handlers.
  ///
  /// - Parameters:
  ///   - strategy: The trace strategy of the exporters, so that queries show the same traces.
  ///   - sources: The names of the configured sources; empty if any name is valid. A filter by another name is an
  ///     error unless the store has data from that source.
  ///   - damage: What the store could not read, because an item that is not found may be among it.
  ///   - waitForProjection: Returns once every delivery acknowledged so far is in the store, or after a timeout.
  ///   - byteBudget: The size of a response, in bytes, past which nothing is added.
  package init(
    store: any ExportStore, strategy: TraceStrategy, clock: any WallClock, logger: Logger, sources: [String] = [],
    damage: DamageReport? = nil, byteBudget: Int = SpanQueries.byteBudget, waitForProjection: @escaping @Sendable () -> Void
  ) {
    self.damage = damage
    self.byteBudget = byteBudget
    self.store = store
    self.strategy = strategy
    self.clock = clock
    self.logger = logger
    self.sources = sources
    self.waitForProjection = waitForProjection
  }

  /// Returns the response of `body`, or a problem response if the query is invalid, a lookup fails or the store
  /// cannot be read.
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

  /// Rejects a filter by an unknown source, which would never find anything.
  ///
  /// - Throws: ``QueryError`` for an unknown source; ``StoreError`` if the store cannot be read.
  package func check(_ filter: SubjectFilter) throws {
    guard let source = filter.source, !sources.isEmpty, !sources.contains(source) else { return }
    let known = try knownSources()
    guard !known.contains(source) else { return }
    throw QueryError("source", source, expected: "one of \(known.joined(separator: ", "))")
  }

  /// Returns the names of the configured sources and of those that the store has data from, sorted.
  package func knownSources() throws -> [String] {
    Set(try store.kinds().map(\.source)).union(sources).sorted()
  }

  /// Writes spans into an array until ``byteBudget`` is reached.
  ///
  /// - Returns: False if spans are left out.
  func write(_ spans: [TracedSpan], to json: inout JSONWriter) -> Bool {
    for span in spans {
      guard json.bytes.count < byteBudget else { return false }
      span.write(to: &json)
    }
    return true
  }

  /// Creates a reader with an empty cache.
  package func reader() -> TraceReader { TraceReader(store: store, strategy: strategy) }

  /// Returns the sorted keys of the subjects that publish any of these references, at most `limit` for each.
  package func keys(named references: [Reference], limit: Int = spanLimit) throws -> [SubjectKey] {
    Set(try store.publishers(of: references, limit: limit).values.joined()).sorted()
  }

  /// Returns the trace with this trace id, or the trace of the subject with this name.
  ///
  /// - Throws: ``LookupError`` if there is no such trace or the name is ambiguous; ``StoreError`` if the store cannot
  ///   be read.
  package func trace(named text: String) throws -> Trace {
    var reader = self.reader()
    let traceID = try TraceID(text) ?? reader.traceID(of: SubjectLookup(queries: self).key(text))
    guard let trace = try traceID.flatMap({ try reader.trace($0, limit: Self.spanLimit) }) else {
      throw unknown("no span has, or was exported under, the trace id \(text)")
    }
    return trace
  }

  /// Tells that nothing was found, and that it may be damaged if something is.
  func unknown(_ detail: String) -> LookupError {
    let count = [StoreDamage.Part.subject, .reference].reduce(0) { $0 + (damage?.counts[$1] ?? 0) }
    guard count > 0 else { return .unknown(detail) }
    let records = count == 1 ? "a damaged record, which is" : "\(count) damaged records, which are"
    return .unknown("\(detail); it may be in \(records) passed over: vsd check lists them, vsd check repair rebuilds them")
  }
}
