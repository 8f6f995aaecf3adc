import Testing
package import ValueStreamCore

/// Projects several deliveries and describes the spans in short lines.
package struct DeliveryStory {
  package let spans: [TracedSpan]

  /// Projects the deliveries in an order shuffled by the seed; 0 keeps their order.
  package init(_ deliveries: [Delivery], of source: any EventSource, seed: UInt64) throws {
    try self.init(deliveries, of: [source], seed: seed)
  }

  /// Projects deliveries to several sources, each read by the source that it was sent to.
  ///
  /// - Parameter store: an empty store.
  package init(
    _ deliveries: [Delivery], of sources: [any EventSource], seed: UInt64, in store: any SpanStore = MemorySpanStore()
  ) throws {
    var random = SeededRandom(seed: seed)
    for delivery in seed == 0 ? deliveries : deliveries.shuffled(using: &random) {
      guard let source = sources.first(where: { $0.name == delivery.source }),
        case .events(let events, let branchUpdates) = try source.events(in: delivery)
      else { continue }
      var correlation = Correlation(store: store)
      for event in events { _ = try correlation.take(event) }
      for update in branchUpdates { correlation.take(update) }
      try store.write(correlation.finish())
    }
    var reader = TraceReader(store: store, strategy: .nested)
    spans = try store.subjects(matching: SubjectFilter(), after: nil, limit: 1000).subjects
      .flatMap { try reader.spans(of: $0) }.sorted { ($0.span.key, $0.span.attempt) < ($1.span.key, $1.span.attempt) }
    for traced in spans { Self.checkPhases(of: traced.span) }
  }

  /// Every phase lies within its attempt, whatever was told in whatever order.
  static func checkPhases(of span: Span) {
    let end = span.end ?? .latest
    for phase in span.phases {
      #expect(span.start <= phase.start && phase.start <= phase.end ?? end && phase.end ?? end <= end, "\(span.key): \(phase)")
    }
  }

  /// One line per span: the end of its key, start and end as times of day, outcome, and the parent with the rule that
  /// tied it.
  package var tree: [String] {
    spans.map { traced in
      let span = traced.span
      let parent = spans.first { $0.span.id == traced.parentSpanID }
      let name = parent.map { " under \(Self.short($0.span)) by \(traced.parent?.rule.name ?? "?")" } ?? ""
      return
        "\(Self.short(span)) \(Self.time(span.start)) to \(Self.time(span.end)) \(span.outcome?.rawValue ?? "open")\(name)"
    }
  }

  /// Returns the span with this short name, such as `run:7001`; nil if there is none.
  package func span(_ name: String) -> Span? {
    spans.first { Self.short($0.span) == name }?.span
  }

  package func phases(of name: String) -> [String] {
    (span(name)?.phases ?? []).map { "\($0.name) \(Self.time($0.start)) to \(Self.time($0.end))" }
  }

  /// Returns the end of the key, such as `run:7001`, or `run:7001/2` for the second attempt.
  private static func short(_ span: Span) -> String {
    let name = span.key.description.split(separator: ":").suffix(2).joined(separator: ":")
    return span.attempt == 1 ? name : "\(name)/\(span.attempt)"
  }

  private static func time(_ time: Timestamp?) -> String {
    time.map { String($0.rfc3339.dropFirst(11).prefix(8)) } ?? "?"
  }
}
