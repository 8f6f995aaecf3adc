import Export
import ValueStreamCore

/// An `ExportTraceServiceRequest` under construction.
struct OTLPRequest {
  private let encoding: any OTLPEncoding.Type
  private let presentation: SpanPresentation.Options
  private let resourceAttributes: [Attribute]
  /// By the name of the service.
  private var parts: RequestParts<String>

  init(_ configuration: OTLPConfiguration) {
    let encoding = configuration.format.encoding
    let attributes = configuration.resourceAttributes
    self.encoding = encoding
    presentation = configuration.presentation
    resourceAttributes = attributes
    parts = RequestParts(byteLimit: configuration.byteLimit) { service in
      // With room for the lengths, which grow with what is in them.
      encoding.request([(Self.resource(service, attributes), [])]).count + 16
    }
  }

  /// Adds as many spans as fit, each with all that belongs to it.
  ///
  /// - Returns: how many were added.
  mutating func add(_ spans: [TracedSpan]) -> Int {
    parts.add(spans) { span in
      SpanPresentation.presentations(of: span, presentation).map { ($0.serviceName, encoding.span($0)) }
    }
  }

  var bytes: [UInt8] {
    encoding.request(parts.groups.map { (Self.resource($0.group, resourceAttributes), $0.spans) })
  }

  /// A request without spans, which no receiver has a reason to refuse.
  var bytesWithoutSpans: [UInt8] {
    encoding.request([(Self.resource("valuestream", resourceAttributes), [])])
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
