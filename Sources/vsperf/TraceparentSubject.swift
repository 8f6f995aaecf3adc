import ValueStreamCore

/// What a traceparent is wanted of.
enum TraceparentSubject: Sendable {
  /// A thing by its key.
  case key(SpanKey, attempt: Int?)
  /// A thing by what people call it, and the names under which it may be known.
  case name(String, [Reference], attempt: Int?)
  /// The job that runs this.
  case run(RunContext)

  struct Ambiguity: Error {
    var keys: [String]
  }

  /// As messages name it.
  var title: String {
    switch self {
    case .key(let key, _): key.description
    case .name(let name, _, _): name
    case .run(let context): (context.job ?? context.run).description
    }
  }

  /// What a vsd is asked for.
  var references: [Reference] {
    switch self {
    case .key(let key, _): [.key(key)]
    case .name(_, let references, _): references
    // The trace of a job is that of its run, and of the run vsd may have heard first.
    case .run(let context): [context.job, context.run].compactMap { $0 }.map(Reference.key)
    }
  }

  /// The ids in the answer of a vsd; nil while it does not know the thing.
  func traceparent(in spans: [SpanLookup.Found]) throws(Ambiguity) -> String? {
    switch self {
    case .key(_, let attempt), .name(_, _, let attempt):
      let keys = Set(spans.map(\.key)).sorted()
      if keys.count > 1 { throw Ambiguity(keys: keys) }
      guard let found = spans.last(where: { attempt == nil || $0.attempt == attempt }), let key = SpanKey(found.key) else {
        return nil
      }
      return Self.traceparent(found.traceID, SpanID(key: key, attempt: found.attempt))
    case .run(let context):
      let ofRun = spans.last { $0.key == context.run.description }
      guard let found = spans.last(where: { $0.key == context.job?.description }) ?? ofRun else { return nil }
      return Self.traceparent(found.traceID, context.spanID(newestAttempt: ofRun?.attempt))
    }
  }

  /// The ids as `--trace-strategy=linked` gives them to a run, or to what is no part of one; nil where only a vsd knows the key.
  var computed: String? {
    switch self {
    case .key(let key, let attempt): Self.traceparent("\(TraceID(root: key))", SpanID(key: key, attempt: attempt ?? 1))
    case .name: nil
    case .run(let context): Self.traceparent("\(TraceID(root: context.run))", context.spanID(newestAttempt: nil))
    }
  }

  /// When ``computed`` is what vsd says.
  var condition: String {
    switch self {
    case .key: "right with --trace-strategy=linked, unless the thing is part of a run"
    case .name, .run: "right with --trace-strategy=linked"
    }
  }

  /// Source: W3C Trace Context, version 00; the flag says sampled.
  private static func traceparent(_ traceID: String, _ spanID: SpanID) -> String {
    "00-\(traceID)-\(spanID)-01"
  }
}

extension RunContext {
  /// The job's span where it is known which one it is, else the run's.
  fileprivate func spanID(newestAttempt: Int?) -> SpanID {
    if let job { return SpanID(key: job, attempt: 1) }
    return SpanID(key: run, attempt: attempt ?? newestAttempt ?? 1)
  }
}
