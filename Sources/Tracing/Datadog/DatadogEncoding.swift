import Export
import ValueStreamCore

/// Encodes spans for the trace API of the Datadog Agent, version 0.4.
///
/// Source: https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api, and the Agent's
/// `pkg/proto/datadog/trace/span.proto`.
enum DatadogEncoding {
  /// W3C trace flags with the bit `sampled` set. The highest bit tells the Agent that flags are present.
  private static let sampledFlags: UInt64 = 1 << 31 | 1
  /// Sampling priority and decision maker of spans that a user wants to keep. The Agent keeps them at any volume.
  private static let keptByUser = 2.0
  private static let keptByHand = "-4"
  /// Integers that a double holds exactly. Metrics are doubles, so larger integers become text tags.
  private static let exactIntegers = -(1 << 53)...Int64(1 << 53)

  /// Encodes a span as a MessagePack map.
  ///
  /// - Parameter tags: Tags for every span: `env`, `version` and those that the user adds.
  static func span(_ span: SpanPresentation, tags: [DatadogTag]) -> [UInt8] {
    let (meta, metrics) = values(of: span, tags)
    var writer = MessagePackWriter(capacity: 4096)
    writer.map(12 + (span.links.isEmpty ? 0 : 1))
    writer.member("service") { $0.text(span.serviceName) }
    writer.member("name") { $0.text(span.operation) }
    writer.member("resource") { $0.text(span.name) }
    writer.member("trace_id") { $0.unsigned(span.traceID.low) }
    writer.member("span_id") { $0.unsigned(span.spanID.rawValue) }
    writer.member("parent_id") { $0.unsigned(span.parentSpanID?.rawValue ?? 0) }
    writer.member("start") { $0.signed(span.start.nanoseconds) }
    writer.member("duration") { $0.signed(max(0, span.end.nanoseconds(since: span.start))) }
    writer.member("error") { $0.unsigned(span.isError ? 1 : 0) }
    writer.member("type") { $0.text("custom") }
    writer.member("meta") { writer in
      writer.map(meta.count)
      for (name, value) in meta { writer.member(name) { $0.text(value) } }
    }
    writer.member("metrics") { writer in
      writer.map(metrics.count)
      for (name, value) in metrics { writer.member(name) { $0.double(value) } }
    }
    if !span.links.isEmpty { writer.member("span_links") { write(span.links, to: &$0) } }
    return writer.bytes
  }

  /// Encodes a request: a list of traces, each a list of encoded spans.
  static func request(_ traces: [[[UInt8]]]) -> [UInt8] {
    var writer = MessagePackWriter()
    writer.list(traces.count)
    for spans in traces {
      writer.list(spans.count)
      for span in spans { writer.written(span) }
    }
    return writer.bytes
  }

  /// Returns the text and number tags of a span. Each name occurs once.
  ///
  /// If names collide, built-in tags win over attributes, and attributes over the user's tags.
  private static func values(
    of span: SpanPresentation, _ tags: [DatadogTag]
  ) -> (meta: [(String, String)], metrics: [(String, Double)]) {
    var meta = [
      ("_dd.p.dm", keptByHand), ("_dd.p.tid", hex(span.traceID.high)), ("language", "swift"),
      ("span.kind", span.kind == .server ? "server" : "internal"),
    ]
    if span.isError { meta += [("error.message", span.outcome ?? span.errorType), (AttributeName.errorType, span.errorType)] }
    if !span.events.isEmpty { meta.append(("events", events(span.events))) }
    var metrics = [("_sampling_priority_v1", keptByUser)]
    let own = meta.map(\.0) + metrics.map(\.0)
    // Names of attributes are unique within a span.
    for attribute in span.attributes where !own.contains(attribute.name) {
      switch attribute.value {
      case .int(let number) where exactIntegers.contains(number): metrics.append((attribute.name, Double(number)))
      case .double(let number) where number.isFinite: metrics.append((attribute.name, number))
      default: if let text = attribute.value.tagText { meta.append((attribute.name, text)) }
      }
    }
    if tags.isEmpty { return (meta, metrics) }
    var taken = Set(own + span.attributes.map(\.name))
    for tag in tags where taken.insert(tag.name).inserted { meta.append((tag.name, tag.value)) }
    return (meta, metrics)
  }

  /// Returns span events as JSON for the tag `events`.
  ///
  /// Every Agent forwards this tag as span events. The protocol's own span events depend on the version of the Agent,
  /// which the exporter would have to query.
  private static func events(_ events: [SpanEvent]) -> String {
    JSONText.of { json in
      json.array(events) { json, event in
        json.object { json in
          json.member("time_unix_nano", event.time.nanoseconds)
          json.member("name", event.name)
          if !event.attributes.isEmpty {
            json.name("attributes")
            json.object(of: event.attributes)
          }
        }
      }
    }
  }

  private static func write(_ links: [SpanPresentation.Link], to writer: inout MessagePackWriter) {
    writer.list(links.count)
    for link in links {
      writer.map(5)
      writer.member("trace_id") { $0.unsigned(link.traceID.low) }
      writer.member("trace_id_high") { $0.unsigned(link.traceID.high) }
      writer.member("span_id") { $0.unsigned(link.spanID.rawValue) }
      writer.member("attributes") { writer in
        writer.map(link.attributes.count)
        for attribute in link.attributes { writer.member(attribute.name) { $0.text(attribute.value.tagText ?? "") } }
      }
      writer.member("flags") { $0.unsigned(sampledFlags) }
    }
  }

  private static func hex(_ word: UInt64) -> String { SpanID(rawValue: word).description }
}

extension MessagePackWriter {
  fileprivate mutating func member(_ name: String, _ write: (inout MessagePackWriter) -> Void) {
    text(name)
    write(&self)
  }
}
