import Foundation

/// The rounds of property tests: a quarter of them in an ordinary run, all of them with `VALUESTREAM_LONG_TESTS`.
package enum Seeds {
  package static let isLong = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil

  /// Returns the seeds 1 to `count` in long tests, else a quarter of them, but at least two.
  package static func upTo(_ count: UInt64) -> ClosedRange<UInt64> {
    1...(isLong ? count : min(count, max(2, count / 4)))
  }
}
