import ValueStreamCore

/// How messages are written: `--otlp-protocol`.
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

/// A form of an `ExportTraceServiceRequest`.
///
/// Source: opentelemetry-proto, `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`, `common/v1/common.proto`.
protocol OTLPEncoding {
  static var contentType: String { get }

  /// A `Span`.
  static func span(_ span: SpanPresentation) -> [UInt8]

  /// A whole request, of spans that are encoded already.
  static func request(_ services: [(resource: [Attribute], spans: [[UInt8]])]) -> [UInt8]
}

/// What both forms hold.
enum OTLPContent {
  /// W3C trace flags: sampled.
  static let sampled: UInt32 = 1
  static let errorStatus: Int64 = 2
  static let scopeName = "valuestream"

  /// About how many bytes a span takes as protocol buffers, so that room for it can be set aside at once.
  static func usualSize(of span: SpanPresentation) -> Int {
    64 * (4 + span.attributes.count) + 192 * (span.events.count + span.links.count)
  }

  static func kind(of span: SpanPresentation) -> Int64 { span.kind == .server ? 2 : 1 }

  /// The format has no time before 1970.
  static func nanoseconds(_ time: Timestamp) -> UInt64 { UInt64(max(0, time.nanoseconds)) }
}
