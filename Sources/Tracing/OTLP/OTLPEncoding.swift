import ValueStreamCore

/// An `ExportTraceServiceRequest` under construction.
///
/// Source: opentelemetry-proto, `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`, `common/v1/common.proto`.
struct OTLPRequest {
  private let options: SpanPresentation.Options
  private let resourceAttributes: [Attribute]
  private let byteLimit: Int
  /// Encoded spans of each service, in order of its first.
  private var services: [(name: String, spans: [[UInt8]])] = []
  private var byteCount = 0

  /// Bytes that a resource with its scope takes beside its attributes, rather more than less.
  private static let bytesPerService = 400

  init(_ options: SpanPresentation.Options, resourceAttributes: [Attribute], byteLimit: Int) {
    self.options = options
    self.resourceAttributes = resourceAttributes
    self.byteLimit = byteLimit
  }

  /// Adds a span with all that belongs to it.
  ///
  /// - Returns: false when it does not fit; the first always does.
  mutating func add(_ span: TracedSpan) -> Bool {
    let presentations = SpanPresentation.presentations(of: span, options)
    let encoded = presentations.map { (service: $0.serviceName, bytes: OTLPEncoding.span($0)) }
    // Tag and length of each take up to six bytes.
    var size = encoded.reduce(0) { $0 + $1.bytes.count + 6 }
    for service in Set(encoded.map(\.service)) where !services.contains(where: { $0.name == service }) {
      size += Self.bytesPerService + service.utf8.count + OTLPEncoding.size(of: resourceAttributes)
    }
    guard services.isEmpty || byteCount + size <= byteLimit else { return false }
    byteCount += size
    for (service, bytes) in encoded {
      if let index = services.firstIndex(where: { $0.name == service }) {
        services[index].spans.append(bytes)
      } else {
        services.append((service, [bytes]))
      }
    }
    return true
  }

  /// Adds a service without spans, which no receiver has a reason to refuse.
  mutating func addService(_ name: String) {
    services.append((name, []))
  }

  var bytes: [UInt8] {
    var writer = ProtobufWriter()
    for service in services {
      writer.message(1) { resourceSpans in
        resourceSpans.message(1) { resource in
          for attribute in Self.resource(service.name, resourceAttributes) {
            resource.message(1) { OTLPEncoding.write(attribute, to: &$0) }
          }
        }
        resourceSpans.message(2) { scopeSpans in
          scopeSpans.message(1) { scope in
            scope.string(1, "valuestream")
            scope.string(2, ValueStreamVersion.current)
          }
          for span in service.spans { scopeSpans.data(2, span) }
        }
      }
    }
    return writer.bytes
  }

  /// `service.version` is not ours to say: the service is the source of the events.
  private static func resource(_ service: String, _ further: [Attribute]) -> [Attribute] {
    let own = [
      Attribute("service.name", .string(service)), Attribute("telemetry.sdk.language", "swift"),
      Attribute("telemetry.sdk.name", "valuestream"),
      Attribute("telemetry.sdk.version", .string(ValueStreamVersion.current)),
    ]
    return own + further.filter { attribute in !own.contains { $0.name == attribute.name } }
  }
}

enum OTLPEncoding {
  /// W3C trace flags: sampled.
  private static let sampled: UInt32 = 1

  static func span(_ span: SpanPresentation) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.data(1, bytes(of: span.traceID))
    writer.data(2, bytes(of: span.spanID))
    if let parent = span.parentSpanID { writer.data(4, bytes(of: parent)) }
    writer.string(5, span.name)
    writer.int(6, span.kind == .server ? 2 : 1)
    writer.fixed64(7, nanoseconds(span.start))
    writer.fixed64(8, nanoseconds(span.end))
    for attribute in span.attributes { writer.message(9) { write(attribute, to: &$0) } }
    for event in span.events {
      writer.message(11) { message in
        message.fixed64(1, nanoseconds(event.time))
        message.string(2, event.name)
        for attribute in event.attributes { message.message(3) { write(attribute, to: &$0) } }
      }
    }
    for link in span.links {
      writer.message(13) { message in
        message.data(1, bytes(of: link.traceID))
        message.data(2, bytes(of: link.spanID))
        for attribute in link.attributes { message.message(4) { write(attribute, to: &$0) } }
        message.fixed32(6, sampled)
      }
    }
    if span.droppedLinkCount > 0 { writer.int(14, Int64(span.droppedLinkCount)) }
    if span.isError { writer.message(15) { $0.int(3, 2) } }
    writer.fixed32(16, sampled)
    return writer.bytes
  }

  /// A `KeyValue`.
  static func write(_ attribute: Attribute, to writer: inout ProtobufWriter) {
    writer.string(1, attribute.name)
    writer.message(2) { value in
      switch attribute.value {
      case .string(let text): value.string(1, text)
      case .bool(let flag): value.bool(2, flag)
      case .int(let number): value.int(3, number)
      case .double(let number): value.double(4, number)
      case .strings(let texts):
        value.message(5) { array in
          for text in texts { array.message(1) { $0.string(1, text) } }
        }
      case .null: break
      }
    }
  }

  static func size(of attributes: [Attribute]) -> Int {
    attributes.reduce(0) { total, attribute in
      var writer = ProtobufWriter()
      write(attribute, to: &writer)
      return total + writer.bytes.count + 6
    }
  }

  /// The format has no time before 1970.
  private static func nanoseconds(_ time: Timestamp) -> UInt64 {
    UInt64(max(0, time.nanoseconds))
  }

  private static func bytes(of id: TraceID) -> [UInt8] { bytes(of: id.high) + bytes(of: id.low) }
  private static func bytes(of id: SpanID) -> [UInt8] { bytes(of: id.rawValue) }

  private static func bytes(of word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
  }
}
