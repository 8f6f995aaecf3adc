import Pipeline
package import ValueStreamCore

/// Where and how an ``OTLPExporter`` sends.
package struct OTLPConfiguration: Sendable {
  /// The whole URL: `http://localhost:4318/v1/traces`.
  package var url: String
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

/// Sends finished spans by the OpenTelemetry protocol: HTTP with protocol buffers.
///
/// Source: https://opentelemetry.io/docs/specs/otlp.
package struct OTLPExporter: SpanExporter {
  package let name: String
  private let configuration: OTLPConfiguration
  private let transport: any HTTPTransport
  private let clock: any WallClock
  /// What was sent where, for errors.
  private let place: String

  package init(
    name: String = "otlp", configuration: OTLPConfiguration, transport: any HTTPTransport, clock: any WallClock = SystemClock()
  ) {
    self.name = name
    self.configuration = configuration
    self.transport = transport
    self.clock = clock
    place = "POST \(Self.withoutSecrets(configuration.url))"
  }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var request = OTLPRequest(
      configuration.presentation, resourceAttributes: configuration.resourceAttributes, byteLimit: configuration.byteLimit)
    var count = 0
    while count < spans.count, request.add(spans[count]) { count += 1 }
    let answer = try await send(request)
    let partial = OTLPAnswer.partialSuccess(answer)
    // Phases may be counted as spans by the receiver, and are not by us.
    let refused = max(0, min(partial.rejected, count))
    return ExportReceipt(handled: count, refused: refused, reason: partial.message.map(ExportError.shortened))
  }

  package func checkReceiver() async throws(ExportError) {
    var request = OTLPRequest(
      configuration.presentation, resourceAttributes: configuration.resourceAttributes, byteLimit: configuration.byteLimit)
    request.addService("valuestream")
    _ = try await send(request)
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}

  private func send(_ request: OTLPRequest) async throws(ExportError) -> HTTPResponse {
    let answer: HTTPResponse
    do {
      answer = try await transport.send(httpRequest(request.bytes))
    } catch {
      throw ExportError(error, to: place)
    }
    guard (200..<300).contains(answer.status) else {
      throw ExportError(answer, to: place, reason: OTLPAnswer.reason(answer), now: clock.now())
    }
    return answer
  }

  private func httpRequest(_ bytes: [UInt8]) -> HTTPTransportRequest {
    var request = HTTPTransportRequest(
      method: "POST", url: configuration.url, headers: configuration.headers, body: bytes,
      timeoutSeconds: configuration.timeoutSeconds)
    request.headers["Content-Type"] = "application/x-protobuf"
    request.headers["Content-Encoding"] = nil
    if configuration.isCompressed, let compressed = Gzip.compress(bytes) {
      request.body = compressed
      request.headers["Content-Encoding"] = "gzip"
    }
    return request
  }

  /// A URL without user, password and query, which may be keys.
  private static func withoutSecrets(_ url: String) -> String {
    let plain = url.prefix { $0 != "?" && $0 != "#" }
    guard let scheme = plain.firstRange(of: "://") else { return String(plain) }
    let authority = plain[scheme.upperBound...].prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return String(plain) }
    return String(plain[..<scheme.upperBound] + plain[plain.index(after: at)...])
  }
}
