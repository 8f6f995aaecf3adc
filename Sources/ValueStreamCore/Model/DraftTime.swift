/// How long a change was a draft, in which nobody is asked for a review: the one rule for metrics and reports.
package enum DraftTime {
  /// A stretch in which it was a draft; nil where it still is.
  package typealias Stretch = (start: Timestamp, end: Timestamp?)

  /// Seconds between two moments in which it was a draft.
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
