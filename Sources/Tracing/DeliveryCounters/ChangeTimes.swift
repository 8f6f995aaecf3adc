package import ValueStreamCore

/// The times at which a change was opened, first reviewed, first approved and merged.
package struct ChangeTimes: Sendable, Hashable {
  /// A point in time and the attempt in which it lies. A reopened change has several attempts.
  package struct Milestone: Sendable, Hashable {
    var time: Timestamp
    var attempt: Int
  }

  package var source: String
  package var project: String
  /// When the change was first opened; nil if unknown.
  package var created: Timestamp?
  /// The first review or review comment by a person other than the author. A review by an unknown author counts; a
  /// review by a bot does not.
  package var firstReview: Milestone?
  package var firstApproval: Milestone?
  package var merge: Milestone?
  /// The periods in which the change was a draft.
  private var drafts: [Draft] = []

  private struct Draft: Sendable, Hashable {
    var start: Timestamp
    var end: Timestamp?
  }

  /// Computes the times of a change from its spans.
  ///
  /// - Parameter spans: The spans of one change, in order of attempts.
  /// - Returns: Nil if there are no spans or if they are not those of a change.
  package init?(_ spans: [Span]) {
    guard let first = spans.first, first.operation == .pullRequest else { return nil }
    source = first.source
    project = first.project ?? ""
    created = first.isStartUnknown ? nil : first.start
    let bots = Bots()
    for span in spans {
      drafts += span.drafts.map { Draft(start: $0.start, end: $0.end) }
      let author = span.attributes.text(of: AttributeName.valuestreamChangeAuthor)
      // Reviews by bots do not count: they come at once, and nobody waits for them. Neither do the author's comments.
      for event in span.events where event.isReview && event.isByPerson(otherThan: author, bots: bots) {
        firstReview = firstReview ?? Milestone(time: event.time, attempt: span.attempt)
        if event.isApproval { firstApproval = firstApproval ?? Milestone(time: event.time, attempt: span.attempt) }
      }
      if span.outcome == .merged, !span.isEndUnknown, let end = span.end { merge = Milestone(time: end, attempt: span.attempt) }
    }
  }

  /// Returns the seconds from opening to a review, without the time as a draft; nil if either time is unknown.
  package func secondsOfWaiting(for milestone: Milestone?) -> Double? {
    guard let created, let milestone, let seconds = seconds(to: milestone) else { return nil }
    return max(0, seconds - DraftTime.seconds(drafts.map { ($0.start, $0.end) }, from: created, to: milestone.time))
  }

  /// Returns the seconds from opening to a point in time, never negative; nil if either time is unknown.
  package func seconds(to milestone: Milestone?) -> Double? {
    guard let created, let milestone else { return nil }
    return max(0, milestone.time.seconds(since: created))
  }
}
