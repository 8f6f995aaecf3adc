import ValueStreamCore

/// What the headers of an answer say of how much more may be asked.
///
/// Sources: GitHub's and GitLab's pages on rate limits, Atlassian's on those of Jira; RFC 9110, section 10.2.3.
struct RateLimit: Sendable, Hashable {
  /// Requests, or points, that are left until ``reset``.
  var remaining: Int?
  var reset: Timestamp?
  /// What the vendor wants to be waited for.
  var retryAfterSeconds: Double?

  init(_ headers: HTTPHeaders, now: Timestamp) {
    remaining = Self.first(["X-RateLimit-Remaining", "RateLimit-Remaining"], in: headers).flatMap { Int($0) }
    reset = Self.first(["X-RateLimit-Reset", "RateLimit-Reset"], in: headers).flatMap { Self.time($0, now: now) }
    retryAfterSeconds = headers.retryAfterSeconds(now: now)
  }

  /// Seconds until more may be asked, when nothing is left; nil while something is, or when it is not known.
  func secondsUntilReset(_ now: Timestamp) -> Double? {
    guard remaining == 0, let reset else { return nil }
    // A second more, because clocks differ and resets are told in whole seconds.
    return max(0, reset.seconds(since: now)) + 1
  }

  private static func first(_ names: [String], in headers: HTTPHeaders) -> String? {
    names.lazy.compactMap { headers[$0] }.first
  }

  /// Seconds since 1970, seconds from now, or a date.
  private static func time(_ text: String, now: Timestamp) -> Timestamp? {
    guard let number = Double(text) else { return Timestamp(rfc3339: text) }
    guard number >= 0 else { return nil }
    return number > 1e9 ? Timestamp.epoch.advanced(bySeconds: number) : now.advanced(bySeconds: number)
  }
}
