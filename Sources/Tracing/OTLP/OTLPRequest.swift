import Export
import ValueStreamCore

/// An `ExportTraceServiceRequest` under construction.
struct OTLPRequest {
  private let encoding: any OTLPEncoding.Type
  private let presentation: SpanPresentation.Options
  private let resourceAttributes: [Attribute]
  /// The spans, by service name.
  private var parts: RequestParts<String>

  init(_ configuration: OTLPConfiguration) {
    let encoding = configuration.format.encoding
    let attributes = configuration.resourceAttributes
    self.encoding = encoding
    presentation = configuration.presentation
    resourceAttributes = attributes
    parts = RequestParts(byteLimit: configuration.byteLimit) { service in
      // Add room for the length fields, which grow with the content.
      encoding.request([(Self.resource(service, attributes), [])]).count + 16
    }
  }

  /// Adds as many spans as fit, in order, each with its phases.
  ///
  /// - Returns: The number of spans that were added.
  mutating func add(_ spans: [TracedSpan]) -> Int {
    parts.add(spans) { span in
      SpanPresentation.presentations(of: span, presentation).map { ($0.serviceName, encoding.span($0)) }
    }
  }

  var bytes: [UInt8] {
    encoding.request(parts.groups.map { (Self.resource($0.group, resourceAttributes), $0.spans) })
  }

  /// A request without spans, which no backend has a reason to reject.
  var bytesWithoutSpans: [UInt8] {
    encoding.request([(Self.resource("valuestream", resourceAttributes), [])])
  }

  /// Returns the resource attributes of a service. Further attributes cannot replace the built-in ones.
  ///
  /// Does not set `service.version`: the service is the source of the events, whose version is unknown.
  private static func resource(_ service: String, _ further: [Attribute]) -> [Attribute] {
    let own = [
      Attribute("service.name", .string(service)), Attribute("telemetry.sdk.language", "swift"),
      Attribute("telemetry.sdk.name", "valuestream"),
      Attribute("telemetry.sdk.version", .string(ValueStreamVersion.current)),
    ]
    return own + further.filter { attribute in !own.contains { $0.name == attribute.name } }
  }
}
