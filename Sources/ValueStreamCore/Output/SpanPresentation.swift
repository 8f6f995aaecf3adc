/// A span as tracing backends show it, in the terms of OpenTelemetry: what all exporters agree on, apart from their formats.
package struct SpanPresentation: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case server, `internal`
  }

  package struct Link: Sendable, Hashable {
    package var traceID: TraceID
    package var spanID: SpanID
    package var attributes: [Attribute]
  }

  package struct Options: Sendable, Hashable {
    package var attributes: AttributeSelection
    package var phases: PhaseStyle
    package var services: ServiceNames

    package init(
      attributes: AttributeSelection = .both, phases: PhaseStyle = .events, services: ServiceNames = ServiceNames()
    ) {
      self.attributes = attributes
      self.phases = phases
      self.services = services
    }
  }

  package var serviceName: String
  package var traceID: TraceID
  package var spanID: SpanID
  package var parentSpanID: SpanID?
  package var name: String
  /// What kind of work it is: `build`; `phase` for a phase.
  package var operation: String
  package var kind: Kind
  /// The status: error, or else unset. It has no message: the conventions forbid to repeat `error.type` there.
  package var isError: Bool
  /// How it ended, where that is known: `timeout`.
  package var outcome: String?
  package var start: Timestamp
  package var end: Timestamp
  /// Each name once, sorted, none of them null.
  package var attributes: [Attribute]
  package var events: [SpanEvent]
  package var links: [Link]
  /// Links there are besides.
  package var droppedLinkCount: Int

  /// What is shown of a finished span: itself, and its phases where these are spans of their own.
  package static func presentations(of traced: TracedSpan, _ options: Options) -> [SpanPresentation] {
    let main = SpanPresentation(of: traced, options)
    guard options.phases == .spans else { return [main] }
    return [main] + traced.span.phases.compactMap { SpanPresentation(of: $0, in: traced, main) }
  }

  private init(of traced: TracedSpan, _ options: Options) {
    let span = traced.span
    serviceName = options.services.name(of: span.source)
    traceID = traced.traceID
    spanID = span.id
    parentSpanID = traced.parentSpanID
    name = options.attributes == .classic ? span.operation.rawValue : Self.name(of: span)
    operation = span.operation.rawValue
    kind = Self.kind(of: span)
    isError = span.outcome?.isError ?? false
    outcome = span.outcome?.rawValue
    start = span.start
    end = span.end ?? span.start
    attributes = Self.attributes(of: traced, options.attributes)
    events = span.events.map { event in
      var event = event
      // The Go ValueStream had no events, so there is one vocabulary.
      event.attributes = AttributeSelection.semconv.select(event.attributes).filter { $0.value != .null }
      return event
    }
    if options.phases == .events {
      events += span.phases.compactMap { phase in
        Self.attributes(of: phase).map { SpanEvent(name: "phase", time: phase.start, attributes: $0) }
      }
      events.sort { ($0.time, $0.name) < ($1.time, $1.name) }
    }
    droppedLinkCount = traced.droppedLinkCount
    links = traced.links.map { link in
      Link(
        traceID: link.traceID, spanID: link.spanID,
        attributes: [
          Attribute("valuestream.link.key", .string(link.key.description)),
          Attribute("valuestream.link.rule", .string(link.rule)),
        ] + link.attributes)
    }
  }

  /// Nil for a phase that has no end.
  private init?(of phase: Phase, in traced: TracedSpan, _ main: SpanPresentation) {
    guard let end = phase.end, let attributes = Self.attributes(of: phase) else { return nil }
    self = main
    spanID = SpanID(of: phase, in: traced.span.key, attempt: traced.span.attempt)
    parentSpanID = main.spanID
    name = phase.name
    operation = "phase"
    kind = .internal
    isError = phase.outcome?.isError ?? false
    outcome = phase.outcome?.rawValue
    start = phase.start
    self.end = end
    self.attributes = attributes
    events = []
    links = []
    droppedLinkCount = 0
  }

  /// Of a failure: what kind it is. The attribute `error.type`, else the outcome.
  package var errorType: String {
    if case .string(let type) = attributes.value(of: "error.type"), !type.isEmpty { type } else { outcome ?? "error" }
  }

  // MARK: Names

  package static func kind(of span: Span) -> Kind {
    span.isPipelineRun ? .server : .internal
  }

  /// Of low cardinality: backends group by it.
  package static func name(of span: Span) -> String {
    if span.isPipelineRun {
      let words = [span.attributes.text(of: "cicd.pipeline.action.name"), span.attributes.text(of: "cicd.pipeline.name")]
        .compactMap { $0 }
      if !words.isEmpty { return words.joined(separator: " ") }
    }
    return span.operation == .job ? span.attributes.text(of: "cicd.pipeline.task.name") ?? "job" : span.operation.rawValue
  }

  // MARK: Attributes

  private static func attributes(of traced: TracedSpan, _ selection: AttributeSelection) -> [Attribute] {
    let span = traced.span
    // In the order of their names.
    var own: [Attribute] = []
    if selection != .classic {
      own.add("valuestream.attempt", Int64(span.attempt))
      own.add("valuestream.classic_id", traced.classicID)
      own.add("valuestream.key", span.key.description)
      own.add("valuestream.name", span.name)
      own.add("valuestream.operation", span.operation.rawValue)
      own.add("valuestream.outcome", span.outcome?.rawValue)
      own.add("valuestream.parent.key", traced.parent?.parent.description)
      own.add("valuestream.parent.rule", traced.parent?.rule.name)
      own.add("valuestream.project", span.project)
      own.add("valuestream.source", span.source)
    }
    return merge(own, with: span.attributes, selection)
  }

  /// Of two lists that are sorted by name; where both use one, that of the first counts. Of the second as
  /// ``AttributeSelection/select(_:)`` does, in one go: this is done for every span.
  private static func merge(_ own: [Attribute], with stated: [Attribute], _ selection: AttributeSelection) -> [Attribute] {
    var merged: [Attribute] = []
    merged.reserveCapacity(own.count + stated.count)
    var rest = own[...]
    var last: String?
    for attribute in stated where selection.includes(attribute.vocabulary) && attribute.name != last {
      last = attribute.name
      if case .null = attribute.value { continue }
      while let next = rest.first, next.name < attribute.name { merged.append(rest.removeFirst()) }
      if rest.first?.name != attribute.name { merged.append(attribute) }
    }
    merged += rest
    return merged
  }

  /// Nil for a phase that has no end.
  private static func attributes(of phase: Phase) -> [Attribute]? {
    guard let end = phase.end else { return nil }
    var attributes = [Attribute("valuestream.phase.duration", .double(end.seconds(since: phase.start)))]
    attributes.add("valuestream.phase.name", phase.name)
    attributes.add("valuestream.phase.outcome", phase.outcome?.rawValue)
    attributes.add("valuestream.phase.track", phase.track)
    return attributes
  }
}

/// How exporters show phases: `--phases`.
package enum PhaseStyle: String, Sendable, Hashable, CaseIterable {
  /// A span event at its start.
  case events
  /// A span of its own below the thing's.
  case spans
}
