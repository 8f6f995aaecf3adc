package import ValueStreamCore

/// The item for which a traceparent is requested.
package enum TraceparentSubject: Sendable {
  /// An item, by its key.
  case key(SubjectKey, attempt: Int?)
  /// An item, by a name that people use and the references that the name may mean.
  case name(String, [Reference], attempt: Int?)
  /// The CI job that runs this program.
  case run(RunContext)

  package struct Ambiguity: Error, Sendable, Hashable { package var keys: [String] }

  /// The name of the item in messages.
  package var title: String {
    switch self {
    case .key(let key, _): key.description
    case .name(let name, _, _): name
    case .run(let context): (context.job ?? context.run).description
    }
  }

  /// The references to look up in vsd.
  package var references: [Reference] {
    switch self {
    case .key(let key, _): [.key(key)]
    case .name(_, let references, _): references
    // A job belongs to the trace of its run, and vsd may know the run before the job.
    case .run(let context): [context.job, context.run].compactMap { $0 }.map(Reference.key)
    }
  }

  /// Returns the traceparent from the spans that vsd returned; nil if vsd does not know the item yet.
  ///
  /// - Throws: ``Ambiguity`` if the name belongs to several items.
  package func traceparent(in spans: [SpanLookup.Found]) throws(Ambiguity) -> String? {
    switch self {
    case .key(_, let attempt), .name(_, _, let attempt):
      let keys = Set(spans.map(\.key)).sorted()
      if keys.count > 1 { throw Ambiguity(keys: keys) }
      guard let found = spans.last(where: { attempt == nil || $0.attempt == attempt }), let key = SubjectKey(found.key) else {
        return nil
      }
      return Self.traceparent(found.traceID, SpanID(key: key, attempt: found.attempt))
    case .run(let context):
      let ofRun = spans.last { $0.key == context.run.description }
      guard let found = spans.last(where: { $0.key == context.job?.description }) ?? ofRun else { return nil }
      return Self.traceparent(found.traceID, context.spanID(newestAttempt: ofRun?.attempt))
    }
  }

  /// The traceparent computed from the key, without vsd; nil for a name, whose key only vsd knows.
  ///
  /// It is valid with `--trace-strategy=linked`, for a run and for an item that is not part of a run.
  package var computed: String? {
    switch self {
    case .key(let key, let attempt): Self.traceparent("\(TraceID(root: key))", SpanID(key: key, attempt: attempt ?? 1))
    case .name: nil
    case .run(let context): Self.traceparent("\(TraceID(root: context.run))", context.spanID(newestAttempt: nil))
    }
  }

  /// The condition under which ``computed`` equals the traceparent from vsd, for messages.
  package var condition: String {
    switch self {
    case .key: "right with --trace-strategy=linked, unless the thing is part of a run"
    case .name, .run: "right with --trace-strategy=linked"
    }
  }

  /// Formats a traceparent with the flag `sampled`.
  ///
  /// Source: W3C Trace Context, version 00.
  private static func traceparent(_ traceID: String, _ spanID: SpanID) -> String {
    "00-\(traceID)-\(spanID)-01"
  }
}

extension RunContext {
  /// Returns the span id of the job if its id is known, otherwise that of the run.
  fileprivate func spanID(newestAttempt: Int?) -> SpanID {
    if let job { return SpanID(key: job, attempt: 1) }
    return SpanID(key: run, attempt: attempt ?? newestAttempt ?? 1)
  }
}
