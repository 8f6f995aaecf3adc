package import ValueStreamCore

/// The buckets of a window, and the bucket of a time.
package struct TimeBuckets: Sendable {
  package let buckets: [TimeBucket]
  private let starts: [Timestamp]

  /// The limit of buckets in one report, enough for ten years of days.
  package static let limit = 4000

  /// - Parameters:
  ///   - historyBegan: Nil if nothing is known at all.
  /// - Throws: ``ReportError`` if the window has too many buckets.
  package init(
    _ width: BucketWidth, of window: TimeWindow, zone: TimeZoneRules, historyBegan: Timestamp?, now: Timestamp
  ) throws(ReportError) {
    let whole = TimeWindow(start: max(window.start, historyBegan ?? now), end: min(window.end, now))
    var buckets: [TimeBucket] = []
    var day = zone.firstDay(of: width, containing: zone.localDay(of: window.start))
    while window.start < window.end {
      let start = zone.start(ofLocalDay: day)
      guard start < window.end else { break }
      guard buckets.count < Self.limit else {
        throw ReportError(.badQuestion, "the window has more than \(Self.limit) buckets: ask for a shorter window, or for months")
      }
      day = zone.day(after: day, width)
      let bucket = TimeWindow(start: start, end: zone.start(ofLocalDay: day))
      // Beyond the range of times, days no longer advance.
      guard bucket.start < bucket.end else { break }
      buckets.append(TimeBucket(window: bucket, isPartial: bucket.start < whole.start || bucket.end > whole.end))
    }
    self.buckets = buckets
    starts = buckets.map(\.window.start)
  }

  /// The number of the bucket that contains a time of the window.
  package func index(of time: Timestamp) -> Int? {
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low > 0 && time < buckets[low - 1].window.end ? low - 1 : nil
  }

  package func index(startingAt start: Timestamp) -> Int? {
    index(of: start).flatMap { starts[$0] == start ? $0 : nil }
  }
}
