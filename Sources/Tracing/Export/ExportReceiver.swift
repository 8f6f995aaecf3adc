package import ValueStreamCore

/// The other end of an exporter that sends by HTTP: what was encoded goes there, and what comes back gets its meaning.
package struct ExportReceiver: Sendable {
  private let method: String
  private let url: String
  private let timeoutSeconds: Double
  private let transport: any HTTPTransport
  private let clock: any WallClock
  /// What was sent where, for errors.
  private let place: String

  /// - Parameters:
  ///   - method: `POST` or `PUT`.
  ///   - url: the whole URL. Errors name it without user, password and query.
  ///   - timeoutSeconds: how long a request may take.
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
  /// - Parameter reason: reads what a receiver says of a request it did not take.
  /// - Returns: its answer, which is a success.
  /// - Throws: what any other answer means for the spans that were sent.
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

  /// The text of an answer; nil when it has none.
  package static func plainReason(_ answer: HTTPResponse) -> String? {
    let text = String(decoding: answer.body.prefix(2000), as: UTF8.self)
    return text.isEmpty ? nil : text
  }
}
