package import ValueStreamCore

extension ExportError {
  /// What an HTTP answer other than 2xx means for the batch that was sent.
  ///
  /// Retryable are the statuses of a receiver that is overloaded or away (408, 429, 500, 502, 503, 504), and those that concern
  /// how it is addressed and who asks rather than what was sent (401, 403, 404, 407): a mistyped key or path must cost no span.
  /// Every other 4xx, 501 and 505 will not change, so the batch is refused for good.
  ///
  /// - Parameters:
  ///   - place: what was sent where: `POST http://localhost:4318/v1/traces`.
  ///   - reason: what the receiver said, if it said something.
  package init(_ answer: HTTPResponse, to place: String, reason: String?, now: Timestamp) {
    let isRetryable = [401, 403, 404, 407, 408, 429, 500, 502, 503, 504].contains(answer.status)
    // Redirects are not followed; their receiver has moved, which is again a matter of settings.
    let isRedirect = (300..<400).contains(answer.status)
    self.init(
      "\(place): \(answer.status)" + (reason.map { " \(Self.shortened($0))" } ?? ""), isRetryable: isRetryable || isRedirect,
      retryAfterSeconds: answer.headers.retryAfterSeconds(now: now))
  }

  /// No answer came; whatever the cause, it is not the spans.
  package init(_ error: HTTPTransportError, to place: String) {
    self.init("\(place): \(error)", isRetryable: true)
  }

  /// One line of a log, whatever a receiver answers.
  package static func shortened(_ text: String) -> String {
    let words = text.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
    let line = words.joined(separator: " ")
    return line.count > 300 ? "\(line.prefix(300))…" : line
  }
}
