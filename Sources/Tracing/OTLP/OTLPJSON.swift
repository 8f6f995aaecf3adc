import ValueStreamCore

/// Requests as JSON: the JSON mapping of protocol buffers, but with hexadecimal ids and numeric enumerations.
///
/// 64-bit numbers are strings.
///
/// Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
enum OTLPJSON: OTLPEncoding {
  static let contentType = "application/json"

  static func request(_ services: [(resource: [Attribute], spans: [[UInt8]])]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("resourceSpans")
      json.array(services) { json, service in
        json.object { json in
          json.name("resource")
          json.object { write(service.resource, to: &$0) }
          json.name("scopeSpans")
          json.array(CollectionOfOne(service.spans)) { json, spans in
            json.object { json in
              json.name("scope")
              json.object { json in
                json.member("name", OTLPContent.scopeName)
                json.member("version", ValueStreamVersion.current)
              }
              json.name("spans")
              json.array(spans) { $0.value(json: $1) }
            }
          }
        }
      }
    }
    return json.bytes
  }

  static func span(_ span: SpanPresentation) -> [UInt8] {
    var json = JSONWriter(capacity: OTLPContent.usualSize(of: span) * 2)
    json.object { json in
      json.member("traceId", span.traceID.description)
      json.member("spanId", span.spanID.description)
      if let parent = span.parentSpanID { json.member("parentSpanId", parent.description) }
      json.member("name", span.name)
      json.member("kind", OTLPContent.kind(of: span))
      json.member("startTimeUnixNano", text(span.start))
      json.member("endTimeUnixNano", text(span.end))
      write(span.attributes, to: &json)
      json.name("events")
      json.array(span.events) { json, event in
        json.object { json in
          json.member("timeUnixNano", text(event.time))
          json.member("name", event.name)
          write(event.attributes, to: &json)
        }
      }
      json.name("links")
      json.array(span.links) { json, link in
        json.object { json in
          json.member("traceId", link.traceID.description)
          json.member("spanId", link.spanID.description)
          write(link.attributes, to: &json)
          json.member("flags", Int64(OTLPContent.sampled))
        }
      }
      if span.droppedLinkCount > 0 { json.member("droppedLinksCount", span.droppedLinkCount) }
      if span.isError {
        json.name("status")
        json.object { $0.member("code", OTLPContent.errorStatus) }
      }
      json.member("flags", Int64(OTLPContent.sampled))
    }
    return json.bytes
  }

  private static func text(_ time: Timestamp) -> String { String(OTLPContent.nanoseconds(time)) }

  /// Writes the member `attributes`.
  private static func write(_ attributes: [Attribute], to json: inout JSONWriter) {
    json.name("attributes")
    json.array(attributes) { json, attribute in
      json.object { json in
        json.member("key", attribute.name)
        json.name("value")
        json.object { write(attribute.value, to: &$0) }
      }
    }
  }

  private static func write(_ value: AttributeValue, to json: inout JSONWriter) {
    switch value {
    case .string(let text): json.member("stringValue", text)
    case .bool(let flag): json.member("boolValue", flag)
    case .int(let number): json.member("intValue", String(number))
    case .double(let number):
      json.name("doubleValue")
      if number.isFinite { json.value(number) } else { json.value(number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity") }
    case .strings(let texts):
      json.name("arrayValue")
      json.object { json in
        json.name("values")
        json.array(texts) { json, text in json.object { $0.member("stringValue", text) } }
      }
    case .null: break
    }
  }
}
