import Export
import ValueStreamCore

/// Spans as the trace API of Datadog's Agent takes them, version 0.4.
///
/// Source: https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api, and the Agent's `pkg/proto/datadog/trace/span.proto`.
enum DatadogEncoding {
  /// W3C trace flags: sampled; the highest bit says that there are flags.
  private static let sampledFlags: UInt64 = 1 << 31 | 1
  /// The Agent keeps what a user wants to be kept, however much there is.
  private static let keptByUser = 2.0
  private static let keptByHand = "-4"
  /// Greater whole numbers are no exact ones as metrics, which are doubles.
  private static let exactIntegers = -(1 << 53)...Int64(1 << 53)

  /// - Parameter tags: of every span: `env`, `version`, what the user adds.
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

  /// A list of traces.
  static func request(_ traces: [[[UInt8]]]) -> [UInt8] {
    var writer = MessagePackWriter()
    writer.list(traces.count)
    for spans in traces {
      writer.list(spans.count)
      for span in spans { writer.written(span) }
    }
    return writer.bytes
  }

  /// Texts and numbers of a span, each name once.
  private static func values(
    of span: SpanPresentation, _ tags: [DatadogTag]
  ) -> (meta: [(String, String)], metrics: [(String, Double)]) {
    var meta = [
      ("_dd.p.dm", keptByHand), ("_dd.p.tid", hex(span.traceID.high)), ("language", "swift"),
      ("span.kind", span.kind == .server ? "server" : "internal"),
    ]
    if span.isError { meta += [("error.message", span.outcome ?? span.errorType), ("error.type", span.errorType)] }
    if !span.events.isEmpty { meta.append(("events", events(span.events))) }
    var metrics = [("_sampling_priority_v1", keptByUser)]
    let own = meta.map(\.0) + metrics.map(\.0)
    // They have each name once.
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

  /// Every Agent hands the tag `events` on as span events; those of the protocol it would first have to be asked for.
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
