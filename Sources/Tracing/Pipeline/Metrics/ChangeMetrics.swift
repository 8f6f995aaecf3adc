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
      "Time from opening a change to its first review by a person, without time as a draft.")
    approvals = histogram(
      "valuestream_change_time_to_approval_seconds",
      "Time from opening a change to its first approval by a person, without time as a draft.")
    merges = histogram("valuestream_change_time_to_merge_seconds", "From the opening of a change to its merge.")
  }

  /// Initializes series to 0 for a change that is over and awaits being counted.
  func touch(source: String, project: String) {
    for family in [firstReviews, approvals, merges] { family.foresee(labels: [source, project]) }
  }

  /// Counts what fell into attempts that are over, and was not counted yet.
  ///
  /// - Parameters:
  ///   - ends: what was counted of each attempt; what is counted now is noted there.
  ///   - time: when the ends became known.
  func count(_ times: ChangeTimes, of key: SpanKey, in ends: inout [CountedEnd], at time: Timestamp) {
    let labels = [times.source, times.project]
    let moments: [(MetricFamily, ChangeTimes.Moment?, CountedEnd.Parts, Double?)] = [
      (firstReviews, times.firstReview, .firstReview, times.secondsOfWaiting(for: times.firstReview)),
      (approvals, times.firstApproval, .approval, times.secondsOfWaiting(for: times.firstApproval)),
      (merges, times.merge, .merge, times.seconds(to: times.merge)),
    ]
    for (family, moment, part, seconds) in moments {
      guard let moment, let index = ends.firstIndex(where: { $0.attempt == moment.attempt }) else { continue }
      // There is one first review of a change, in whichever attempt; merges there may be several.
      let isCounted = part == .merge ? ends[index].parts.contains(part) : ends.contains { $0.parts.contains(part) }
      guard !isCounted, let seconds else { continue }
      family.observe(seconds, labels: labels, of: Announcement(key: key, attempt: moment.attempt, time: time))
      ends[index].parts.insert(part)
    }
  }
}
