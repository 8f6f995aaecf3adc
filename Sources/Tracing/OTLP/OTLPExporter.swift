import Export
package import ValueStreamCore

/// The backend of an ``OTLPExporter`` and how spans are sent to it.
package struct OTLPConfiguration: Sendable {
  /// The complete URL, such as `http://localhost:4318/v1/traces`.
  package var url: String
  package var format = OTLPFormat.protobuf
  package var headers: HTTPHeaders = [:]
  package var timeoutSeconds = 10.0
  package var isCompressed = true
  package var presentation: SpanPresentation.Options
  /// Resource attributes in addition to `service.name` and those of the SDK.
  package var resourceAttributes: [Attribute] = []
  /// The largest size of a request in bytes before compression. A span that exceeds it gets a request of its own.
  package var byteLimit = 4 << 20

  package init(url: String, presentation: SpanPresentation.Options) {
    self.url = url
    self.presentation = presentation
  }
}

/// Sends finished spans with the OpenTelemetry protocol, as protocol buffers or JSON over HTTP.
///
/// Source: https://opentelemetry.io/docs/specs/otlp.
package struct OTLPExporter: SpanExporter {
  package let name: String
  private let configuration: OTLPConfiguration
  private let client: ExportClient

  /// - Parameter name: The exporter's name. Backends with settings of their own use this exporter under another name.
  package init(
    name: String = "otlp", configuration: OTLPConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()
  ) {
    self.name = name
    self.configuration = configuration
    client = ExportClient(
      "POST", configuration.url, timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var request = OTLPRequest(configuration)
    let count = request.add(spans)
    let answer = try await send(request.bytes)
    let partial = OTLPAnswer.partialSuccess(answer)
    // The backend may count phases as spans, which vsd does not.
    let refused = max(0, min(partial.rejected, count))
    return ExportReceipt(handled: count, refused: refused, reason: partial.message.map(ExportError.shortened))
  }

  package func checkBackend() async throws(ExportError) {
    _ = try await send(OTLPRequest(configuration).bytesWithoutSpans)
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}

  private func send(_ bytes: [UInt8]) async throws(ExportError) -> HTTPResponse {
    var headers = configuration.headers
    headers["Content-Type"] = configuration.format.encoding.contentType
    headers["Content-Encoding"] = nil
    var body = bytes
    if configuration.isCompressed, let compressed = Gzip.compress(bytes) {
      body = compressed
      headers["Content-Encoding"] = "gzip"
    }
    return try await client.send(body, headers: headers, reason: OTLPAnswer.reason)
  }
}
