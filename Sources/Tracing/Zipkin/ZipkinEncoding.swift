import Export
import ValueStreamCore

/// Encodes spans in Zipkin's JSON format, version 2.
///
/// Data without a counterpart in Zipkin is mapped as OpenTelemetry does it.
///
/// Sources: https://zipkin.io/zipkin-api, `zipkin2-api.yaml`;
/// https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin.
enum ZipkinEncoding {
  static func span(_ span: SpanPresentation) -> [UInt8] {
    var json = JSONWriter(capacity: 4096)
    json.object { json in
      json.member("traceId", span.traceID.description)
      if let parent = span.parentSpanID { json.member("parentId", parent.description) }
      json.member("id", span.spanID.description)
      if span.kind == .server { json.member("kind", "SERVER") }
      json.member("name", span.name)
      // Zipkin reads 0 as unknown.
      json.member("timestamp", max(1, microseconds(span.start)))
      json.member("duration", max(1, microseconds(span.end) - microseconds(span.start)))
      json.name("localEndpoint")
      json.object { $0.member("serviceName", span.serviceName) }
      if !span.events.isEmpty {
        json.name("annotations")
        json.array(span.events) { json, event in
          json.object { json in
            json.member("timestamp", max(1, microseconds(event.time)))
            json.member("value", annotation(event))
          }
        }
      }
      json.name("tags")
      json.object { writeTags(of: span, to: &$0) }
    }
    return json.bytes
  }

  /// Encodes a request: a list of encoded spans.
  static func request(_ spans: [[UInt8]]) -> [UInt8] {
    var json = JSONWriter()
    json.array(spans) { $0.value(json: $1) }
    return json.bytes
  }

  private static func writeTags(of span: SpanPresentation, to json: inout JSONWriter) {
    var own = [("otel.scope.name", "valuestream"), ("otel.scope.version", ValueStreamVersion.current)]
    if span.isError { own += [("error", span.errorType), ("otel.status_code", "ERROR")] }
    if !span.links.isEmpty { own.append((AttributeName.valuestreamLinks, links(span))) }
    for (name, text) in own { json.member(name, text) }
    // Zipkin shows a span with any tag `error` as failed, so no attribute may have this name. Names of attributes are
    // unique within a span.
    let taken = own.map(\.0) + ["error"]
    for attribute in span.attributes where !taken.contains(attribute.name) {
      if let text = attribute.value.tagText { json.member(attribute.name, text) }
    }
  }

  /// Returns a span event as text: its name, or `"name":{"attribute":"value"}` if it has attributes.
  private static func annotation(_ event: SpanEvent) -> String {
    if event.attributes.isEmpty { return event.name }
    return JSONText.of { $0.value(event.name) } + ":" + JSONText.of { $0.object(of: event.attributes) }
  }

  private static func links(_ span: SpanPresentation) -> String {
    JSONText.of { json in
      json.array(span.links) { json, link in
        json.object { json in
          json.member("traceId", link.traceID.description)
          json.member("id", link.spanID.description)
          for attribute in link.attributes {
            json.name(attribute.name)
            json.value(attribute.value)
          }
        }
      }
    }
  }

  private static func microseconds(_ time: Timestamp) -> Int64 { time.nanoseconds / 1000 }
}
