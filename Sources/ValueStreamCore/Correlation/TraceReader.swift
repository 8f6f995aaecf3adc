/// Reads spans in their traces from a store, for APIs and exporters.
///
/// Remembers what it looked up, so use one for one answer or batch and then a new one.
public struct TraceReader {
  private let store: any SpanStore
  private var known: [SpanKey: Subject?] = [:]

  public init(store: any SpanStore) {
    self.store = store
  }

  /// The spans of a thing, in order of attempts.
  public mutating func spans(of subject: Subject) throws -> [TracedSpan] {
    known[subject.key] = subject
    let spans = subject.spans()
    guard !spans.isEmpty else { return [] }
    let place = try TraceRoot.place(of: subject) { try self.subject(for: $0) }
    let parentSpans = try place.parent.flatMap { try self.subject(for: $0.parent)?.spans() } ?? []
    let classicID = subject.classicID
    return try spans.map { span in
      // The parent's attempt that had begun when the span began.
      let parentSpan = parentSpans.last { $0.start <= span.start } ?? parentSpans.first
      return TracedSpan(
        span: span, classicID: classicID, traceID: place.traceID, parentSpanID: parentSpan?.id,
        parent: parentSpan == nil ? nil : place.parent, links: try span.links.compactMap { try link($0, from: span) })
    }
  }

  /// The spans of the thing with a key; empty when it is not known.
  public mutating func spans(of key: SpanKey) throws -> [TracedSpan] {
    guard let subject = try subject(for: key) else { return [] }
    return try spans(of: subject)
  }

  private mutating func subject(for key: SpanKey) throws -> Subject? {
    if let known = known[key] { return known }
    let found = try store.subjects([key])[key]
    known[key] = .some(found)
    return found
  }

  /// A link to the one thing of that name; none while nobody, or more than one, has it.
  private mutating func link(_ statement: LinkStatement, from span: Span) throws -> TracedLink? {
    let publishers = try store.publishers(of: [statement.reference])[statement.reference] ?? []
    guard publishers.count == 1, let key = publishers.first, key != span.key, let target = try subject(for: key) else {
      return nil
    }
    let place = try TraceRoot.place(of: target) { try self.subject(for: $0) }
    let targets = target.spans()
    guard let targetSpan = targets.last(where: { $0.start <= span.start }) ?? targets.first else { return nil }
    return TracedLink(key: key, traceID: place.traceID, spanID: targetSpan.id, rule: statement.rule)
  }
}

extension Subject {
  /// Its id in the Go ValueStream; nil where that had none.
  public var classicID: String? {
    register { $0.publishes.first { $0.kind == .classicID }?.value }
  }
}
