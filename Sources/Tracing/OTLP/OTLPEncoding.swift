import ValueStreamCore

/// The encoding of messages, as set with `--otlp-protocol`.
package enum OTLPFormat: String, Sendable, Hashable, CaseIterable {
  case protobuf = "http/protobuf"
  case json = "http/json"

  var encoding: any OTLPEncoding.Type {
    switch self {
    case .protobuf: OTLPProtobuf.self
    case .json: OTLPJSON.self
    }
  }
}

/// An encoding of `ExportTraceServiceRequest`.
///
/// Source: opentelemetry-proto, `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`,
/// `common/v1/common.proto`.
protocol OTLPEncoding {
  static var contentType: String { get }

  /// Encodes a `Span`.
  static func span(_ span: SpanPresentation) -> [UInt8]

  /// Encodes a complete request from spans that are already encoded, grouped by service.
  static func request(_ services: [(resource: [Attribute], spans: [[UInt8]])]) -> [UInt8]
}

/// Values that both encodings use.
enum OTLPContent {
  /// W3C trace flags with the bit `sampled` set.
  static let sampled: UInt32 = 1
  static let errorStatus: Int64 = 2
  static let scopeName = "valuestream"

  /// Estimates the bytes that a span takes in protocol buffers, for reserving memory.
  static func usualSize(of span: SpanPresentation) -> Int {
    64 * (4 + span.attributes.count) + 192 * (span.events.count + span.links.count)
  }

  static func kind(of span: SpanPresentation) -> Int64 { span.kind == .server ? 2 : 1 }

  /// Returns a time as nanoseconds since 1970. The format has no earlier times, so those become 0.
  static func nanoseconds(_ time: Timestamp) -> UInt64 { UInt64(max(0, time.nanoseconds)) }
}
