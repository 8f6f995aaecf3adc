package import ValueStreamCore

/// The HTTP client of an exporter. Sends encoded spans to a backend and interprets the response.
package struct ExportClient: Sendable {
  private let method: String
  private let url: String
  private let timeoutSeconds: Double
  private let transport: any HTTPTransport
  private let clock: any WallClock
  /// Method and URL without secrets, for error messages.
  private let place: String

  /// - Parameters:
  ///   - method: `POST` or `PUT`.
  ///   - url: The complete URL. Error messages show it without user, password and query.
  ///   - timeoutSeconds: How long one request may take.
  package init(
    _ method: String, _ url: String, timeoutSeconds: Double, transport: any HTTPTransport, clock: any WallClock = SystemClock()
  ) {
    self.method = method
    self.url = url
    self.timeoutSeconds = timeoutSeconds
    self.transport = transport
    self.clock = clock
    place = "\(method) \(WebAddress.withoutSecrets(url))"
  }

  /// Sends a request.
  ///
  /// - Parameter reason: Reads the explanation from a response that is not a success.
  /// - Returns: The response, which has a 2xx status.
  /// - Throws: ``ExportError`` for any other response and if there is none. Its `isRetryable` tells whether to send the
  ///   spans again.
  package func send(
    _ body: [UInt8], headers: HTTPHeaders, reason: (HTTPResponse) -> String? = Self.plainReason
  ) async throws(ExportError) -> HTTPResponse {
    let request = HTTPTransportRequest(
      method: method, url: url, headers: headers, body: body, timeoutSeconds: timeoutSeconds)
    let answer: HTTPResponse
    do {
      answer = try await transport.send(request)
    } catch {
      throw ExportError(error, to: place)
    }
    guard (200..<300).contains(answer.status) else {
      throw ExportError(answer, to: place, reason: reason(answer), now: clock.now())
    }
    return answer
  }

  /// Returns the body of a response as text, cut after 2,000 bytes; nil if it is empty.
  package static func plainReason(_ answer: HTTPResponse) -> String? {
    let text = String(decoding: answer.body.prefix(2000), as: UTF8.self)
    return text.isEmpty ? nil : text
  }
}
