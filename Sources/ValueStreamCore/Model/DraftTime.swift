/// Computes how long a change was a draft, a time in which nobody is asked for a review.
///
/// Metrics and reports share this rule.
package enum DraftTime {
  /// A period as a draft; `end` is nil if it still lasts.
  package typealias Stretch = (start: Timestamp, end: Timestamp?)

  /// The seconds between `start` and `end` in which the change was a draft. Overlapping stretches count once.
  package static func seconds(_ stretches: [Stretch], from start: Timestamp, to end: Timestamp) -> Double {
    var seconds = 0.0
    var counted = start
    for stretch in stretches.sorted(by: { $0.start < $1.start }) {
      let from = max(stretch.start, counted)
      let to = min(stretch.end ?? end, end)
      guard to > from else { continue }
      seconds += to.seconds(since: from)
      counted = to
    }
    return seconds
  }
}
