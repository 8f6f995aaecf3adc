package import ValueStreamCore

extension ExportError {
  /// Interprets an HTTP response other than 2xx for the batch that was sent.
  ///
  /// Retryable are the statuses of a backend that is overloaded or down (408, 429, 500, 502, 503, 504), and those that
  /// depend on address and credentials rather than on the spans (401, 403, 404, 407): a mistyped key or path must not
  /// cost any span. Redirects are retryable, too. Every other 4xx, 501 and 505 will not change, so the backend rejects
  /// the batch for good.
  ///
  /// - Parameters:
  ///   - place: Method and URL of the request, such as `POST http://localhost:4318/v1/traces`.
  ///   - reason: The explanation in the response; nil if there is none.
  ///   - now: The current time, for a `Retry-After` header that holds a date.
  package init(_ answer: HTTPResponse, to place: String, reason: String?, now: Timestamp) {
    let isRetryable = [401, 403, 404, 407, 408, 429, 500, 502, 503, 504].contains(answer.status)
    // Redirects are not followed. The backend has moved, so the user has to change the settings.
    let isRedirect = (300..<400).contains(answer.status)
    self.init(
      "\(place): \(answer.status)" + (reason.map { " \(Self.shortened($0))" } ?? ""), isRetryable: isRetryable || isRedirect,
      retryAfterSeconds: answer.headers.retryAfterSeconds(now: now))
  }

  /// Interprets a request that got no response. Always retryable: whatever the cause, it is not the spans.
  package init(_ error: HTTPTransportError, to place: String) {
    self.init("\(place): \(error)", isRetryable: true)
  }

  /// Returns the text as a single line of at most 300 characters without control characters, so that any response is
  /// safe to log.
  package static func shortened(_ text: String) -> String {
    let words = text.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
    let line = words.joined(separator: " ")
    return line.count > 300 ? "\(line.prefix(300))…" : line
  }
}
