import ValueStreamCore

/// Requests as protocol buffers. Field numbers are those of opentelemetry-proto.
enum OTLPProtobuf: OTLPEncoding {
  static let contentType = "application/x-protobuf"

  static func request(_ services: [(resource: [Attribute], spans: [[UInt8]])]) -> [UInt8] {
    let sizes = services.map { $0.spans.reduce(0) { $0 + $1.count + bytesBesideSpan } + bytesAroundSpans }
    var writer = ProtobufWriter(capacity: sizes.reduce(0, +))
    for (service, size) in zip(services, sizes) {
      writer.message(1, about: size) { resourceSpans in
        resourceSpans.message(1) { resource in
          for attribute in service.resource { resource.message(1) { write(attribute, to: &$0) } }
        }
        resourceSpans.message(2, about: size) { scopeSpans in
          scopeSpans.message(1) { scope in
            scope.string(1, OTLPContent.scopeName)
            scope.string(2, ValueStreamVersion.current)
          }
          for span in service.spans { scopeSpans.data(2, span) }
        }
      }
    }
    return writer.bytes
  }

  /// The usual number of bytes for the tag and length of a span.
  private static let bytesBesideSpan = 4
  /// The usual number of bytes for resource and scope.
  private static let bytesAroundSpans = 512

  static func span(_ span: SpanPresentation) -> [UInt8] {
    var writer = ProtobufWriter(capacity: OTLPContent.usualSize(of: span))
    writer.id(1, span.traceID)
    writer.id(2, span.spanID)
    if let parent = span.parentSpanID { writer.id(4, parent) }
    writer.string(5, span.name)
    writer.int(6, OTLPContent.kind(of: span))
    writer.fixed64(7, OTLPContent.nanoseconds(span.start))
    writer.fixed64(8, OTLPContent.nanoseconds(span.end))
    for attribute in span.attributes { writer.message(9) { write(attribute, to: &$0) } }
    for event in span.events {
      writer.message(11) { message in
        message.fixed64(1, OTLPContent.nanoseconds(event.time))
        message.string(2, event.name)
        for attribute in event.attributes { message.message(3) { write(attribute, to: &$0) } }
      }
    }
    for link in span.links {
      writer.message(13) { message in
        message.id(1, link.traceID)
        message.id(2, link.spanID)
        for attribute in link.attributes { message.message(4) { write(attribute, to: &$0) } }
        message.fixed32(6, OTLPContent.sampled)
      }
    }
    if span.droppedLinkCount > 0 { writer.int(14, Int64(span.droppedLinkCount)) }
    if span.isError { writer.message(15) { $0.int(3, OTLPContent.errorStatus) } }
    writer.fixed32(16, OTLPContent.sampled)
    return writer.bytes
  }

  /// Writes a `KeyValue`.
  private static func write(_ attribute: Attribute, to writer: inout ProtobufWriter) {
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
}

extension ProtobufWriter {
  fileprivate mutating func id(_ field: Int, _ id: TraceID) { self.id(field, id.high, id.low) }
  fileprivate mutating func id(_ field: Int, _ id: SpanID) { self.id(field, id.rawValue) }
}
