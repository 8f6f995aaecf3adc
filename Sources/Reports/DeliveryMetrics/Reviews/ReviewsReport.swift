package import ValueStreamCore

/// Asks how changes are reviewed. Bots and direct changes are left out.
package struct ReviewsQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  /// Only ``Grouping/repository`` and ``Grouping/team`` divide reviews.
  package var grouping: Grouping?
  package var buckets: BucketWidth?
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), grouping: Grouping? = nil, buckets: BucketWidth? = nil,
    settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.grouping = grouping
    self.buckets = buckets
    self.settings = settings
  }
}

package struct ReviewsReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var timeZone: String
  package var groups: [Group]
  /// The number of groups that are missing, because the report would be too large. They are smaller than those in ``groups``.
  package var leftOutGroupCount = 0

  package struct Group: Sendable {
    package var key: GroupKey
    package var current: Value
    package var previous: Value?
    package var sizes: [Size]
    package var trend: [Bucket]
    /// Open changes that are ready for review and wait, the longest first.
    package var waitingNow: [AgeingReport.OpenReview]
  }

  /// About the changes that were merged in the window.
  package struct Value: Sendable, Hashable {
    package var merged: Int
    package var population: Population
    package var firstResponse: DurationSummary
    /// From ready for review to the merge.
    package var readyToMerge: DurationSummary
    package var waitingForReviewer: DurationSummary
    package var waitingForAuthor: DurationSummary
    /// The mean of the rounds of blocking review and new commit. Nil without reviewed changes.
    package var averageRounds: Double?
    /// How many changes had no round, one, two, and three or more.
    package var rounds: [Int]
    /// Merged without an approval or any other response by a person.
    package var unreviewed: Int
    package var unreviewedShare: Double?
  }

  package struct Size: Sendable, Hashable {
    /// Nil for an unknown size.
    package var sizeClass: SizeClass?
    package var count: Int
    package var unreviewed: Int
    package var readyToMerge: DurationSummary
    package var firstResponse: DurationSummary
  }

  package struct Bucket: Sendable, Hashable {
    package var bucket: TimeBucket
    package var merged: Int
    package var firstResponse: DurationSummary
    package var unreviewed: Int
  }
}

/// Selects rows behind a number of a report about reviews.
package struct ReviewsEvidence: Sendable, Hashable {
  package var group: GroupKey
  package var period: Period
  package var bucket: Timestamp?
  package var part: Part

  package enum Part: Sendable, Hashable {
    case merged(EvidencePart)
    case firstResponse(EvidencePart)
    case readyToMerge(EvidencePart)
    case waitingForReviewer
    case waitingForAuthor
    case unreviewed
    case size(SizeClass?)
  }

  package init(group: GroupKey = .all, period: Period = .current, bucket: Timestamp? = nil, part: Part = .merged(.counted)) {
    self.group = group
    self.period = period
    self.bucket = bucket
    self.part = part
  }
}
