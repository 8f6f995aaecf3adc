import Export
package import ValueStreamCore

/// Where and how a ``DatadogExporter`` sends.
package struct DatadogConfiguration: Sendable {
  /// Of the Agent, without a path: `http://localhost:8126`.
  package var agentURL: String
  package var timeoutSeconds = 10.0
  package var presentation: SpanPresentation.Options
  /// Tags of every span.
  package var tags: [DatadogTag] = []
  /// Bytes of a request; one span that is larger goes alone. The Agent takes 25 MB.
  package var byteLimit = 4 << 20

  package init(agentURL: String, presentation: SpanPresentation.Options) {
    self.agentURL = agentURL
    self.presentation = presentation
  }
}

/// Sends finished spans to a Datadog Agent by its trace API, version 0.4.
package struct DatadogExporter: SpanExporter {
  package let name = "datadog"
  private let configuration: DatadogConfiguration
  private let receiver: ExportReceiver

  package init(configuration: DatadogConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()) {
    self.configuration = configuration
    receiver = ExportReceiver(
      "PUT", ReceiverAddress.appending("/v0.4/traces", to: configuration.agentURL),
      timeoutSeconds: configuration.timeoutSeconds, transport: transport, clock: clock)
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var parts = RequestParts<TraceID>(byteLimit: configuration.byteLimit) { _ in 5 }
    let count = parts.add(spans, as: encoded)
    try await send(parts.groups.map(\.spans))
    return ExportReceipt(handled: count)
  }

  package func checkReceiver() async throws(ExportError) {
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
      // Without it an Agent that drops what it cannot take answers 200.
      "Datadog-Send-Real-Http-Status": "true",
    ]
    _ = try await receiver.send(DatadogEncoding.request(traces), headers: headers)
  }
}
