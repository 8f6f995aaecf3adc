import Export
package import ValueStreamCore

/// The backend of a ``ZipkinExporter`` and how spans are sent to it.
package struct ZipkinConfiguration: Sendable {
  /// The complete URL, such as `http://localhost:9411/api/v2/spans`.
  package var url: String
  package var timeoutSeconds = 10.0
  package var presentation: SpanPresentation.Options
  /// The largest size of a request in bytes. A span that exceeds it gets a request of its own. Zipkin's own senders use
  /// up to five million bytes.
  package var byteLimit = 4 << 20

  package init(url: String, presentation: SpanPresentation.Options) {
    self.url = url
    self.presentation = presentation
  }
}

/// Sends finished spans to Zipkin, or to any backend that accepts Zipkin's JSON.
package struct ZipkinExporter: SpanExporter {
  package let name = "zipkin"
  private let configuration: ZipkinConfiguration
  private let client: ExportClient

  package init(configuration: ZipkinConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()) {
    self.configuration = configuration
    client = ExportClient(
      "POST", configuration.url, timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    // The format has no groups, so all spans share one.
    var parts = RequestParts<Int>(byteLimit: configuration.byteLimit) { _ in 2 }
    let count = parts.add(spans, as: encoded)
    try await send(parts.groups.flatMap(\.spans))
    return ExportReceipt(handled: count)
  }

  package func checkBackend() async throws(ExportError) {
    try await send([])
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}

  private func encoded(_ span: TracedSpan) -> [(group: Int, bytes: [UInt8])] {
    SpanPresentation.presentations(of: span, configuration.presentation).map { (0, ZipkinEncoding.span($0)) }
  }

  private func send(_ spans: [[UInt8]]) async throws(ExportError) {
    _ = try await client.send(ZipkinEncoding.request(spans), headers: ["Content-Type": "application/json"])
  }
}
