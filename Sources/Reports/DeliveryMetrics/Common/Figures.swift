import ValueStreamCore

/// How many rows are behind a number, and how many could not be counted.
package struct Population: Sendable, Hashable {
  package var n: Int
  /// By descending count, then by reason.
  package var leftOut: [LeftOut]

  package init(n: Int = 0, leftOut: [LeftOutReason: Int] = [:]) {
    self.n = n
    self.leftOut = leftOut.filter { $0.value > 0 }.map { LeftOut(reason: $0.key, count: $0.value) }
      .sorted { ($1.count, $0.reason.rawValue) < ($0.count, $1.reason.rawValue) }
  }

  /// The share of the rows that count. Nil without rows.
  package var coverage: Double? {
    let all = n + leftOut.reduce(0) { $0 + $1.count }
    return all == 0 ? nil : Double(n) / Double(all)
  }
}

package struct LeftOut: Sendable, Hashable {
  package var reason: LeftOutReason
  package var count: Int

  package init(reason: LeftOutReason, count: Int) {
    self.reason = reason
    self.count = count
  }
}

/// Why a row is not behind a number although it belongs to the question.
package enum LeftOutReason: String, Sendable, Hashable, CaseIterable {
  /// The duration is negative: two clocks disagree.
  case clock
  /// A person excluded the row.
  case excluded
  /// The release is too young for a verdict.
  case pending
  /// The failure lasts.
  case stillBroken = "still_broken"
  /// No release of the service ended shortly before the incident.
  case incidentWithoutRelease = "incident_without_release"
  case firstCommitUnknown = "first_commit_unknown"
  case openingUnknown = "opening_unknown"
  case readyUnknown = "ready_unknown"
  case mergeUnknown = "merge_unknown"
  case startUnknown = "start_unknown"
  case endUnknown = "end_unknown"
  /// The deploy names no environment, so it may or may not be production.
  case environmentUnknown = "environment_unknown"
  /// The issue was closed without being done.
  case notDone = "not_done"
  /// No status, change or assignment says when work on the issue began.
  case noStart = "no_start"
  /// Nobody other than the author responded.
  case noResponse = "no_response"
  case byBot = "by_bot"
  case sizeUnknown = "size_unknown"
  /// No status of the issue is known to be active or waiting.
  case statusesUnknown = "statuses_unknown"
}

/// Durations in seconds. Nil if there are none.
package struct DurationSummary: Sendable, Hashable {
  /// The midpoint of the two middle values.
  package var median: Double?
  /// By nearest rank.
  package var p75: Double?
  package var p85: Double?
  package var p95: Double?
  package var population: Population

  package var n: Int { population.n }
  package var coverage: Double? { population.coverage }

  package init(
    median: Double? = nil, p75: Double? = nil, p85: Double? = nil, p95: Double? = nil, population: Population = Population()
  ) {
    self.median = median
    self.p75 = p75
    self.p85 = p85
    self.p95 = p95
    self.population = population
  }
}

/// A day, week or month of a trend.
package struct TimeBucket: Sendable, Hashable {
  /// The whole day, week or month.
  package var window: TimeWindow
  /// True if the window of the report, the present or the beginning of history cuts the bucket.
  package var isPartial: Bool

  package init(window: TimeWindow, isPartial: Bool) {
    self.window = window
    self.isPartial = isPartial
  }
}

package enum BucketWidth: String, Sendable, Hashable, CaseIterable {
  case day
  /// An ISO week, which begins on Monday.
  case week
  case month
}

/// A part of a distribution: values from `lower` up to, but not including, `upper`.
package struct DistributionBin: Sendable, Hashable {
  package var lower: Double
  /// Nil for the last bin, which has no end.
  package var upper: Double?
  package var count: Int

  package init(lower: Double, upper: Double?, count: Int) {
    self.lower = lower
    self.upper = upper
    self.count = count
  }
}
