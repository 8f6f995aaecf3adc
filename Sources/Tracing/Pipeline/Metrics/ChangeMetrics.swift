import ValueStreamCore

/// How long changes wait for people.
struct ChangeMetrics: Sendable {
  private let firstReviews: MetricFamily
  private let approvals: MetricFamily
  private let merges: MetricFamily

  init(_ family: ProjectionMetrics.FamilyMaker) {
    func histogram(_ name: String, _ help: String) -> MetricFamily {
      family(.histogram(bounds: ProjectionMetrics.durationBounds), name, help, ["source", "project"])
    }
    firstReviews = histogram(
      "valuestream_change_time_to_first_review_seconds",
      "From the opening of a change to its first review by a person, without drafts.")
    approvals = histogram(
      "valuestream_change_time_to_approval_seconds",
      "From the opening of a change to its first approval by a person, without drafts.")
    merges = histogram("valuestream_change_time_to_merge_seconds", "From the opening of a change to its merge.")
  }

  /// Counts what fell into an attempt that is over.
  func count(_ times: ChangeTimes, ofAttempt attempt: Int, _ announcement: Announcement) {
    let labels = [times.source, times.project]
    let seconds = [
      (firstReviews, times.firstReview, times.secondsOfWaiting(for: times.firstReview)),
      (approvals, times.firstApproval, times.secondsOfWaiting(for: times.firstApproval)),
      (merges, times.merge, times.seconds(to: times.merge)),
    ]
    for (family, moment, seconds) in seconds {
      guard moment?.attempt == attempt, let seconds else { continue }
      family.observe(seconds, labels: labels, of: announcement)
    }
  }
}
