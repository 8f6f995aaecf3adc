import ValueStreamCore

/// Histograms of how long changes wait for review, approval and merge.
struct ChangeMetrics: Sendable {
  private let firstReviews: MetricFamily
  private let approvals: MetricFamily
  private let merges: MetricFamily

  init(_ family: ProjectionMetrics.FamilyMaker) {
    func histogram(_ name: String, _ help: String) -> MetricFamily {
      family(
        .histogram(bounds: ProjectionMetrics.fineBounds), name, help, ["source", "project"],
        formerBounds: [ProjectionMetrics.durationBounds])
    }
    firstReviews = histogram(
      "valuestream_change_time_to_first_review_seconds",
      "Time from opening a change to its first review by a person, without time as a draft.")
    approvals = histogram(
      "valuestream_change_time_to_approval_seconds",
      "Time from opening a change to its first approval by a person, without time as a draft.")
    merges = histogram("valuestream_change_time_to_merge_seconds", "From the opening of a change to its merge.")
  }

  /// Initializes series to 0 for a finished change that is not counted yet.
  func touch(source: String, project: String) {
    for family in [firstReviews, approvals, merges] { family.preregister(labels: [source, project]) }
  }

  /// Counts the first review, the first approval and the merges in finished attempts, each once.
  ///
  /// - Parameters:
  ///   - ends: What was counted for each attempt. Updated with what this call counts.
  ///   - time: When the ends became known.
  func count(_ times: ChangeTimes, of key: SubjectKey, in ends: inout [CountedEnd], at time: Timestamp) {
    let labels = [times.source, times.project]
    let milestones: [(MetricFamily, ChangeTimes.Milestone?, CountedEnd.Parts, Double?)] = [
      (firstReviews, times.firstReview, .firstReview, times.secondsOfWaiting(for: times.firstReview)),
      (approvals, times.firstApproval, .approval, times.secondsOfWaiting(for: times.firstApproval)),
      (merges, times.merge, .merge, times.seconds(to: times.merge)),
    ]
    for (family, milestone, part, seconds) in milestones {
      guard let milestone, let index = ends.firstIndex(where: { $0.attempt == milestone.attempt }) else { continue }
      // A change has one first review and one first approval over all attempts, but each attempt can end in a merge.
      let isCounted = part == .merge ? ends[index].parts.contains(part) : ends.contains { $0.parts.contains(part) }
      guard !isCounted, let seconds else { continue }
      family.observe(seconds, labels: labels, of: OutboxEntry(key: key, attempt: milestone.attempt, time: time))
      ends[index].parts.insert(part)
    }
  }
}
