import Testing
import ValueStreamCore

@testable import APIClient

struct RateLimitTests {
  private static let now = Timestamp(seconds: 1_796_000_000)

  @Test(
    "What headers say",
    arguments: [
      (["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000030"], 31, nil),
      (["RateLimit-Remaining": "0", "RateLimit-Reset": "1796000030"], 31, nil),
      (["x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"], 31, nil),
      (["x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-30T00:54:00Z"], 41, nil),
      (["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795999000"], 1, nil),
      (["X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1796000030"], nil, nil),
      (["X-RateLimit-Remaining": "0"], nil, nil), (["X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "-1"], nil, nil),
      (["X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000030"], nil, nil),
      (["Retry-After": "7"], nil, 7), (["Retry-After": "Mon, 30 Nov 2026 00:53:25 GMT"], nil, 5),
      (["Retry-After": "soon"], nil, nil),
      ([:], nil, nil),
    ] as [(HTTPHeaders, Double?, Double?)])
  func headers(headers: HTTPHeaders, untilReset: Double?, retryAfter: Double?) {
    let limit = RateLimit(headers, now: Self.now)
    #expect(limit.secondsUntilReset(Self.now) == untilReset)
    #expect(limit.retryAfterSeconds == retryAfter)
  }
}
