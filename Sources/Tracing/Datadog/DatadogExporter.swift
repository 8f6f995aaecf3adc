import Export
package import ValueStreamCore

/// The Agent of a ``DatadogExporter`` and how spans are sent to it.
package struct DatadogConfiguration: Sendable {
  /// The URL of the Agent without a path, such as `http://localhost:8126`.
  package var agentURL: String
  package var timeoutSeconds = 10.0
  package var presentation: SpanPresentation.Options
  /// Tags for every span.
  package var tags: [DatadogTag] = []
  /// The largest size of a request in bytes. A span that exceeds it gets a request of its own. The Agent accepts 25 MB.
  package var byteLimit = 4 << 20

  package init(agentURL: String, presentation: SpanPresentation.Options) {
    self.agentURL = agentURL
    self.presentation = presentation
  }
}

/// Sends finished spans to a Datadog Agent with its trace API, version 0.4.
package struct DatadogExporter: SpanExporter {
  package let name = "datadog"
  private let configuration: DatadogConfiguration
  private let client: ExportClient

  package init(configuration: DatadogConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()) {
    self.configuration = configuration
    client = ExportClient(
      "PUT", BackendAddress.appending("/v0.4/traces", to: configuration.agentURL),
      timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var parts = RequestParts<TraceID>(byteLimit: configuration.byteLimit) { _ in 5 }
    let count = parts.add(spans, as: encoded)
    try await send(parts.groups.map(\.spans))
    return ExportReceipt(handled: count)
  }

  package func checkBackend() async throws(ExportError) {
    try await send([])
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}

  private func encoded(_ span: TracedSpan) -> [(group: TraceID, bytes: [UInt8])] {
    SpanPresentation.presentations(of: span, configuration.presentation).map {
      ($0.traceID, DatadogEncoding.span($0, tags: configuration.tags))
    }
  }

  private func send(_ traces: [[[UInt8]]]) async throws(ExportError) {
    let headers: HTTPHeaders = [
      "Content-Type": "application/msgpack", "X-Datadog-Trace-Count": String(traces.count), "Datadog-Meta-Lang": "swift",
      "Datadog-Meta-Tracer-Version": ValueStreamVersion.current,
      // Without this header, the Agent responds 200 even if it drops spans that it cannot accept.
      "Datadog-Send-Real-Http-Status": "true",
    ]
    _ = try await client.send(DatadogEncoding.request(traces), headers: headers)
  }
}
