/// A span in the terms of OpenTelemetry, as all exporters send it in their own formats.
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
  /// The operation of the span, such as `build`; `phase` for a phase.
  package var operation: String
  package var kind: Kind
  /// True if the status is `Error`; otherwise the status is unset.
  ///
  /// The status has no message, because the conventions forbid repeating `error.type` there.
  package var isError: Bool
  /// How the span ended, such as `timeout`; nil if unknown.
  package var outcome: String?
  package var start: Timestamp
  package var end: Timestamp
  /// Sorted by name, each name once, without null values.
  package var attributes: [Attribute]
  package var events: [SpanEvent]
  package var links: [Link]
  /// The number of links beyond the ones in ``links``.
  package var droppedLinkCount: Int

  /// The exported spans of a finished span: itself, and its phases if ``PhaseStyle/spans`` is selected.
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
      // Span events have only semantic attributes, because the Go ValueStream had no span events.
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
          Attribute(AttributeName.valuestreamLinkKey, .string(link.key.description)),
          Attribute(AttributeName.valuestreamLinkRule, .string(link.rule)),
        ] + link.attributes)
    }
  }

  /// Nil for a phase without an end.
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

  /// The kind of a failure: the attribute `error.type`, or the outcome if there is none.
  package var errorType: String {
    if case .string(let type) = attributes.value(of: AttributeName.errorType), !type.isEmpty { type } else { outcome ?? "error" }
  }

  // MARK: Names

  package static func kind(of span: Span) -> Kind {
    span.isPipelineRun ? .server : .internal
  }

  /// The span's name, of low cardinality because backends group by it.
  package static func name(of span: Span) -> String {
    if span.isPipelineRun {
      let words = [
        span.attributes.text(of: AttributeName.cicdPipelineActionName), span.attributes.text(of: AttributeName.cicdPipelineName),
      ]
      .compactMap { $0 }
      if !words.isEmpty { return words.joined(separator: " ") }
    }
    return span.operation == .job
      ? span.attributes.text(of: AttributeName.cicdPipelineTaskName) ?? "job" : span.operation.rawValue
  }

  // MARK: Attributes

  private static func attributes(of traced: TracedSpan, _ selection: AttributeSelection) -> [Attribute] {
    let span = traced.span
    // Keep these sorted by name, because `merge` relies on it.
    var own: [Attribute] = []
    if selection != .classic {
      own.add(AttributeName.valuestreamAttempt, Int64(span.attempt))
      own.add(AttributeName.valuestreamClassicID, traced.classicID)
      own.add(AttributeName.valuestreamKey, span.key.description)
      own.add(AttributeName.valuestreamName, span.name)
      own.add(AttributeName.valuestreamOperation, span.operation.rawValue)
      own.add(AttributeName.valuestreamOutcome, span.outcome?.rawValue)
      own.add(AttributeName.valuestreamParentKey, traced.parent?.parent.description)
      own.add(AttributeName.valuestreamParentRule, traced.parent?.rule.name)
      own.add(AttributeName.valuestreamProject, span.project)
      own.add(AttributeName.valuestreamSource, span.source)
    }
    return merge(own, with: span.attributes, selection)
  }

  /// Merges two lists that are sorted by name. If both have a name, the attribute of the first list wins.
  ///
  /// Filters the second list as ``AttributeSelection/select(_:)`` does, but in the same pass, because this runs for every
  /// span.
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

  /// Nil for a phase without an end.
  private static func attributes(of phase: Phase) -> [Attribute]? {
    guard let end = phase.end else { return nil }
    var attributes = [Attribute(AttributeName.valuestreamPhaseDuration, .double(end.seconds(since: phase.start)))]
    attributes.add(AttributeName.valuestreamPhaseName, phase.name)
    attributes.add(AttributeName.valuestreamPhaseOutcome, phase.outcome?.rawValue)
    attributes.add(AttributeName.valuestreamPhaseTrack, phase.track)
    return attributes
  }
}

/// How exporters show phases, as set by `--phases`.
package enum PhaseStyle: String, Sendable, Hashable, CaseIterable {
  /// As span events at the start of the phase.
  case events
  /// As child spans of the subject's span.
  case spans
}
