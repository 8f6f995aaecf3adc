/// A span in its trace: what exporters and readers get.
public struct TracedSpan: Sendable, Hashable {
  public var span: Span
  public var traceID: TraceID
  public var spanID: SpanID
  public var parentSpanID: SpanID?
  /// The tie behind ``parentSpanID``.
  public var parent: ParentTie?

  /// All spans of a thing, in order of attempts, placed in their trace.
  ///
  /// The parent of a span is the parent thing's attempt that had begun when the span began, else its first.
  ///
  /// - Parameter lookUp: the thing with a key; nil when it is not known.
  public static func spans(of subject: Subject, lookUp: (SpanKey) throws -> Subject?) rethrows -> [TracedSpan] {
    let spans = subject.spans()
    guard !spans.isEmpty else { return [] }
    let place = try TraceRoot.place(of: subject, lookUp: lookUp)
    let parentSpans = try place.parent.flatMap { try lookUp($0.parent)?.spans() } ?? []
    let traceID = place.traceID
    return spans.map { span in
      let parentSpan = parentSpans.last { $0.start <= span.start } ?? parentSpans.first
      return TracedSpan(
        span: span, traceID: traceID, spanID: span.id, parentSpanID: parentSpan?.id,
        parent: parentSpan == nil ? nil : place.parent)
    }
  }
}
