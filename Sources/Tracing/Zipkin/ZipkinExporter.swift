import Export
package import ValueStreamCore

/// Where and how a ``ZipkinExporter`` sends.
package struct ZipkinConfiguration: Sendable {
  /// The whole URL: `http://localhost:9411/api/v2/spans`.
  package var url: String
  package var timeoutSeconds = 10.0
  package var presentation: SpanPresentation.Options
  /// Bytes of a request; one span that is larger goes alone. Zipkin's own senders stop at five million.
  package var byteLimit = 4 << 20

  package init(url: String, presentation: SpanPresentation.Options) {
    self.url = url
    self.presentation = presentation
  }
}

/// Sends finished spans to Zipkin, or whatever takes its JSON.
package struct ZipkinExporter: SpanExporter {
  package let name = "zipkin"
  private let configuration: ZipkinConfiguration
  private let receiver: ExportReceiver

  package init(configuration: ZipkinConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()) {
    self.configuration = configuration
    receiver = ExportReceiver(
      "POST", configuration.url, timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    // The format knows no groups.
    var parts = RequestParts<Int>(byteLimit: configuration.byteLimit) { _ in 2 }
    let count = parts.add(spans, as: encoded)
    try await send(parts.groups.flatMap(\.spans))
    return ExportReceipt(handled: count)
  }

  package func checkReceiver() async throws(ExportError) {
    try await send([])
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}

  private func encoded(_ span: TracedSpan) -> [(group: Int, bytes: [UInt8])] {
    SpanPresentation.presentations(of: span, configuration.presentation).map { (0, ZipkinEncoding.span($0)) }
  }

  private func send(_ spans: [[UInt8]]) async throws(ExportError) {
    _ = try await receiver.send(ZipkinEncoding.request(spans), headers: ["Content-Type": "application/json"])
  }
}
