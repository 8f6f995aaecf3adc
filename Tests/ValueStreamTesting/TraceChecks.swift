import Testing
package import ValueStreamCore

/// Checks that apply to the traces of any store, under any strategy.
package enum TraceChecks {
  /// Reads every trace of a store by its id and checks all of them.
  ///
  /// Together the traces must contain every span exactly once. Each must be one tree, or the trees into which the export
  /// ledger split it, with parents first. The id of the trace that a subject would have on its own must lead to the
  /// subject's trace.
  package static func traces(in store: any SpanStore, _ strategy: TraceStrategy) throws -> [TraceID: [TracedSpan]] {
    var reader = TraceReader(store: store, strategy: strategy)
    let subjects = try store.subjects(matching: SubjectFilter(), after: nil, limit: 100_000).subjects
    let spans = try subjects.flatMap { try reader.spans(of: $0) }
    var traces: [TraceID: [TracedSpan]] = [:]
    for (traceID, expected) in Dictionary(grouping: spans, by: \.traceID) {
      var reader = TraceReader(store: store, strategy: strategy)
      let members = try #require(try reader.members(ofTrace: traceID, limit: 10_000), "\(traceID) is not found")
      let trace = try #require(try reader.trace(members, limit: 10_000), "\(traceID) has no spans")
      #expect(trace.id == traceID && !trace.isTruncated)
      #expect(Set(trace.spans) == Set(expected) && trace.spans.count == expected.count, "\(traceID)")
      try expectTrees(members, in: store)
      expectParentsFirst(trace)
      traces[traceID] = trace.spans
    }
    for subject in subjects {
      let own = TraceID(root: subject.key)
      var fresh = TraceReader(store: store, strategy: strategy)
      let found = try #require(try fresh.trace(own, limit: 10_000), "the own trace of \(subject.key)")
      let current = try reader.traceID(of: subject.key)
      #expect(found.id == (traces[own] == nil ? current : own), "the own trace of \(subject.key)")
    }
    return traces
  }

  /// Checks that a trace is one tree, whose root gives the trace its id.
  ///
  /// If part of it was exported, it may have more trees: one for each ledger record whose parent is in another trace, and
  /// one for each root that was added above such a record later.
  private static func expectTrees(_ members: TraceMembers, in store: any SpanStore) throws {
    let parents = Dictionary(uniqueKeysWithValues: members.subjects.map { ($0.key, $0.parent?.parent) })
    let lines = Set(try store.exportRecords(of: Array(parents.keys)).values.filter { $0.traceID == members.traceID }.map(\.key))
    let aboveLines = Set(lines.flatMap { ancestors(of: $0, parents) })
    let tops = members.subjects.map(\.key).filter { key in
      TraceID(root: key) == members.traceID || parents[key].flatMap { $0 }.map { parents[$0] == nil } ?? true
    }
    #expect(!tops.isEmpty || !lines.isEmpty)
    for top in tops where TraceID(root: top) != members.traceID {
      #expect(lines.contains(top) || aboveLines.contains(top), "\(top) is in \(members.traceID)")
    }
    if lines.isEmpty { #expect(tops.count == 1, "\(tops)") }
  }

  private static func ancestors(of key: SubjectKey, _ parents: [SubjectKey: SubjectKey?]) -> Set<SubjectKey> {
    var above: Set<SubjectKey> = []
    var current = key
    while let parent = parents[current] ?? nil, above.insert(parent).inserted { current = parent }
    return above
  }

  private static func expectParentsFirst(_ trace: Trace) {
    let parents = Dictionary(uniqueKeysWithValues: trace.spans.map { ($0.span.id, $0.parentSpanID) })
    var seen: Set<SpanID> = []
    for span in trace.spans {
      if let parent = span.parentSpanID, parents[parent] != nil, !isInCircle(span.span.id, parents) {
        #expect(seen.contains(parent), "\(span.span.key)")
      }
      seen.insert(span.span.id)
    }
  }

  /// True for a span that was exported below another one which has since become its descendant.
  private static func isInCircle(_ id: SpanID, _ parents: [SpanID: SpanID?]) -> Bool {
    var current = parents[id] ?? nil
    for _ in parents {
      guard let above = current, above != id else { break }
      current = parents[above] ?? nil
    }
    return current == id
  }
}
