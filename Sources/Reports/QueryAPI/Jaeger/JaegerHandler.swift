package import ValueStreamCore

/// Answers the query API of Jaeger, for Jaeger's user interface and Grafana's data source.
///
/// Paths: `/api/services`, `/api/services/{service}/operations`, `/api/operations`, `/api/traces`, `/api/traces/{id}`
/// and `/api/dependencies` (always empty).
///
/// Source: https://www.jaegertracing.io/docs/latest/apis, *HTTP JSON*, and the JSON model of Jaeger's repository.
package struct JaegerHandler: HTTPHandler {
  private let queries: SpanQueries

  /// The exact paths, and the prefixes of paths with a parameter, to register.
  package static let paths = ["/api/services", "/api/operations", "/api/traces", "/api/dependencies"]
  package static let prefixes = ["/api/services/", "/api/traces/"]

  package init(_ queries: SpanQueries) {
    self.queries = queries
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      return try answer(request)
    } catch let error as QueryError {
      return JaegerAnswer.error(400, error.detail)
    } catch let error as LookupError {
      switch error {
      case .unknown: return JaegerAnswer.error(404, "trace not found")
      case .ambiguous: return JaegerAnswer.error(error.problem.status, "several things have this name")
      }
    } catch {
      queries.logger.error("cannot answer \(request.path): \(error)")
      let response = HTTPResponse.storeUnavailable(error)
      return JaegerAnswer.error(response.status, "the store cannot be read; the daemon's log says why")
    }
  }

  private func answer(_ request: HTTPRequest) throws -> HTTPResponse {
    let parts = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).map(String.init)
    switch (parts.first, parts.count) {
    case ("services", 1):
      queries.waitForProjection()
      let services = Set(try queries.store.kinds().map(\.source)).sorted()
      return JaegerAnswer.list(services) { $0.value($1) }
    case ("services", 3) where parts[2] == "operations":
      queries.waitForProjection()
      let names = Set(try operations(of: parts[1]).map(\.name)).sorted()
      return JaegerAnswer.list(names) { $0.value($1) }
    case ("operations", 1):
      queries.waitForProjection()
      let kind = request.query("spanKind") ?? ""
      let operations = try operations(of: request.query("service") ?? "").filter { kind.isEmpty || $0.kind == kind }
      return JaegerAnswer.list(operations) { json, operation in
        json.object { json in
          json.member("name", operation.name)
          json.member("spanKind", operation.kind)
        }
      }
    case ("dependencies", 1): return JaegerAnswer.list([String]()) { $0.value($1) }
    case ("traces", 1):
      let query = try JaegerQuery(request, now: queries.clock.now())
      queries.waitForProjection()
      return try answer(query)
    case ("traces", _) where parts.count > 1 && !parts[1].isEmpty:
      queries.waitForProjection()
      // A classic id or a key may contain slashes.
      let trace = try queries.trace(named: JaegerQuery.traceID(parts.dropFirst().joined(separator: "/")))
      var rest: [Trace] = [trace]
      return JaegerAnswer.traces(now: queries.clock.now(), byteBudget: queries.byteBudget) { rest.popLast() }
    default: return JaegerAnswer.error(404, "nothing is at this path")
    }
  }

  // MARK: Operations

  private struct NamedOperation: Hashable, Comparable {
    var name: String
    var kind: String

    static func < (left: NamedOperation, right: NamedOperation) -> Bool {
      (left.name, left.kind) < (right.name, right.kind)
    }
  }

  /// The number of newest runs of each kind whose names are listed in addition to the names of the kinds.
  private static let namedRuns = 100

  /// Returns the kinds of work of a service, and the names of its newest builds, deploys and jobs.
  private func operations(of service: String) throws -> [NamedOperation] {
    let kinds = Set(try queries.store.kinds().filter { $0.source == service }.map(\.operation))
    var operations: Set<NamedOperation> = []
    for kind in kinds {
      operations.insert(
        NamedOperation(name: kind.rawValue, kind: JaegerAnswer.name(of: kind == .build ? .server : .internal)))
      guard [.build, .deploy, .job].contains(kind) else { continue }
      var filter = SubjectFilter()
      (filter.source, filter.operation) = (service, kind)
      for subject in try queries.store.subjects(matching: filter, after: nil, limit: Self.namedRuns).subjects {
        for span in subject.spans() {
          operations.insert(
            NamedOperation(name: SpanPresentation.name(of: span), kind: JaegerAnswer.name(of: SpanPresentation.kind(of: span))))
        }
      }
    }
    return operations.sorted()
  }

  // MARK: Traces

  /// Returns the traces that exist: a dashboard may name one that is no longer kept.
  ///
  /// - Throws: ``LookupError`` if none of them exists.
  private func traces(named ids: [String]) throws -> [Trace] {
    var traces: [Trace] = []
    var missing: LookupError?
    for id in ids {
      do {
        let trace = try queries.trace(named: id)
        if !traces.contains(where: { $0.id == trace.id }) { traces.append(trace) }
      } catch let error as LookupError {
        missing = error
      }
    }
    if traces.isEmpty, let missing { throw missing }
    return traces
  }

  /// Reads each trace only after the previous one is written, so that reading stops when the response is full.
  private func answer(_ query: JaegerQuery) throws -> HTTPResponse {
    let now = queries.clock.now()
    guard query.traceIDs.isEmpty else {
      var rest: [Trace] = try traces(named: query.traceIDs).reversed()
      return JaegerAnswer.traces(now: now, byteBudget: queries.byteBudget) { rest.popLast() }
    }
    let search = try query.search(in: queries)
    var reader = queries.reader()
    let page = try search.page(after: nil, limit: query.limit)
    var rest: [TraceMembers] = page.traces.reversed()
    return try JaegerAnswer.traces(now: now, byteBudget: queries.byteBudget, damagedCount: page.damagedCount) {
      while let members = rest.popLast() {
        reader.forget(beyond: SpanQueries.spanLimit)
        if let trace = try reader.trace(members, limit: SpanQueries.spanLimit) { return trace }
      }
      return nil
    }
  }
}
