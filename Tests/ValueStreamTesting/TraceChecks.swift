import Testing
package import ValueStreamCore

/// What must hold of the traces of any store.
package enum TraceChecks {
  /// All traces of a store, each read by its id, and checked: it holds every span with that id and no other, parents first.
  package static func traces(in store: any SpanStore) throws -> [TraceID: [TracedSpan]] {
    var reader = TraceReader(store: store)
    let spans = try store.subjects(matching: SubjectFilter(), after: nil, limit: 100_000).subjects
      .flatMap { try reader.spans(of: $0) }
    var traces: [TraceID: [TracedSpan]] = [:]
    for (traceID, expected) in Dictionary(grouping: spans, by: \.traceID) {
      var reader = TraceReader(store: store)
      let trace = try #require(try reader.trace(traceID, limit: 10_000), "\(traceID) is not found")
      #expect(trace.id == traceID && !trace.isTruncated)
      #expect(Set(trace.spans) == Set(expected) && trace.spans.count == expected.count, "\(traceID)")
      let parents = Dictionary(uniqueKeysWithValues: trace.spans.map { ($0.span.id, $0.parentSpanID) })
      var seen: Set<SpanID> = []
      for span in trace.spans {
        if let parent = span.parentSpanID, parents[parent] != nil, !isInCircle(span.span.id, parents) {
          #expect(seen.contains(parent), "\(span.span.key)")
        }
        seen.insert(span.span.id)
      }
      traces[traceID] = trace.spans
    }
    return traces
  }

  /// True for a span that was exported below something that has come to be below it.
  private static func isInCircle(_ id: SpanID, _ parents: [SpanID: SpanID?]) -> Bool {
    var current = parents[id] ?? nil
    for _ in parents {
      guard let above = current, above != id else { break }
      current = parents[above] ?? nil
    }
    return current == id
  }
}
