import Export
package import ValueStreamCore

/// Where and how an ``OTLPExporter`` sends.
package struct OTLPConfiguration: Sendable {
  /// The whole URL: `http://localhost:4318/v1/traces`.
  package var url: String
  package var format = OTLPFormat.protobuf
  package var headers: HTTPHeaders = [:]
  package var timeoutSeconds = 10.0
  package var isCompressed = true
  package var presentation: SpanPresentation.Options
  /// What the resource says beside `service.name` and the SDK.
  package var resourceAttributes: [Attribute] = []
  /// Bytes of a request before compression; one span that is larger goes alone.
  package var byteLimit = 4 << 20

  package init(url: String, presentation: SpanPresentation.Options) {
    self.url = url
    self.presentation = presentation
  }
}

/// Sends finished spans by the OpenTelemetry protocol: HTTP with protocol buffers or JSON.
///
/// Source: https://opentelemetry.io/docs/specs/otlp.
package struct OTLPExporter: SpanExporter {
  package let name: String
  private let configuration: OTLPConfiguration
  private let receiver: ExportReceiver

  /// - Parameter name: of a backend that has settings of its own, and speaks this protocol.
  package init(
    name: String = "otlp", configuration: OTLPConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()
  ) {
    self.name = name
    self.configuration = configuration
    receiver = ExportReceiver(
      "POST", configuration.url, timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var request = OTLPRequest(configuration)
    let count = request.add(spans)
    let answer = try await send(request.bytes)
    let partial = OTLPAnswer.partialSuccess(answer)
    // Phases may be counted as spans by the receiver, and are not by us.
    let refused = max(0, min(partial.rejected, count))
    return ExportReceipt(handled: count, refused: refused, reason: partial.message.map(ExportError.shortened))
  }

  package func checkReceiver() async throws(ExportError) {
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
    return try await receiver.send(body, headers: headers, reason: OTLPAnswer.reason)
  }
}
