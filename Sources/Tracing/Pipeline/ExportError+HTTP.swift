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
      retryAfterSeconds: answer.headers["Retry-After"].flatMap { Self.retryAfter($0, now: now) })
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

  /// Seconds from `Retry-After`, which holds seconds or a date (RFC 9110, section 10.2.3); nil for anything else.
  static func retryAfter(_ text: String, now: Timestamp) -> Double? {
    if let seconds = Double(text), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return seconds }
    return date(text).map { max(0, $0.seconds(since: now)) }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`.
  private static func date(_ text: String) -> Timestamp? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else { return nil }
    let number = month + 1
    return Timestamp(rfc3339: "\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
  }
}
