import ValueStreamCore

/// The state of a rate limit, read from the headers of a response.
///
/// Sources: GitHub's and GitLab's pages on rate limits, Atlassian's page on those of Jira, and RFC 9110, section 10.2.3.
struct RateLimit: Sendable, Hashable {
  /// The number of requests or points left until ``reset``.
  var remaining: Int?
  var reset: Timestamp?
  /// The seconds that the vendor wants the client to wait.
  var retryAfterSeconds: Double?

  init(_ headers: HTTPHeaders, now: Timestamp) {
    // GitHub Enterprise Server answers 0 of 0 requests if it has no limit.
    let isUnlimited = Self.first(["X-RateLimit-Limit", "RateLimit-Limit"], in: headers) == "0"
    remaining =
      isUnlimited ? nil : Self.first(["X-RateLimit-Remaining", "RateLimit-Remaining"], in: headers).flatMap { Int($0) }
    reset = Self.first(["X-RateLimit-Reset", "RateLimit-Reset"], in: headers).flatMap { Self.time($0, now: now) }
    retryAfterSeconds = headers.retryAfterSeconds(now: now)
  }

  /// Returns the seconds until the limit resets; nil if requests are left, or if the vendor does not say.
  func secondsUntilReset(_ now: Timestamp) -> Double? {
    guard remaining == 0, let reset else { return nil }
    // Add a second, because clocks differ and vendors round the reset to whole seconds.
    return max(0, reset.seconds(since: now)) + 1
  }

  private static func first(_ names: [String], in headers: HTTPHeaders) -> String? {
    names.lazy.compactMap { headers[$0] }.first
  }

  /// Parses seconds since 1970, seconds from now, or a date.
  private static func time(_ text: String, now: Timestamp) -> Timestamp? {
    guard let number = Double(text) else { return Timestamp(rfc3339: text) }
    guard number >= 0 else { return nil }
    return number > 1e9 ? Timestamp.epoch.advanced(bySeconds: number) : now.advanced(bySeconds: number)
  }
}
