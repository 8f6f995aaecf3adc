package import ValueStreamCore

/// Asks how long changes take from the first commit to production, and where the time goes.
package struct LeadTimeQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  package var grouping: Grouping?
  package var from: LeadTimeBasis
  package var buckets: BucketWidth?
  /// How many of the slowest changes to list.
  package var slowest: Int
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), grouping: Grouping? = nil, from: LeadTimeBasis = .commit,
    buckets: BucketWidth? = nil, slowest: Int = 10, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.grouping = grouping
    self.from = from
    self.buckets = buckets
    self.slowest = slowest
    self.settings = settings
  }
}

package struct LeadTimeReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var timeZone: String
  package var basis: LeadTimeBasis
  package var groups: [Group]
  /// The number of groups that are missing, because the report would be too large. They are smaller than those in ``groups``.
  package var leftOutGroupCount = 0

  package struct Group: Sendable {
    package var key: GroupKey
    package var leadTime: LeadTimeForChanges
    /// The mean lead time of the counted changes, in seconds. Nil without any.
    package var meanSeconds: Double?
    /// In the order in which a change passes them.
    package var stages: [Stage]
    package var distribution: [DistributionBin]
    package var trend: [Bucket]
    package var slowest: [DeliveredChangeRow]
  }

  package struct Stage: Sendable {
    package var stage: LeadTimeStage
    package var current: DurationSummary
    package var previous: DurationSummary?
    /// The seconds of all counted changes. Divided by the number of changes, the stages add up to the mean lead time.
    package var totalSeconds: Double
    package var previousTotalSeconds: Double?
  }

  package struct Bucket: Sendable {
    package var bucket: TimeBucket
    package var summary: DurationSummary
  }
}

/// The stages of lead time. Those that a change has add up to its lead time.
///
/// Each runs from the milestone before it. Where a milestone is absent, such as the approval of a change that nobody
/// reviewed, the next stage runs from the last milestone that there is.
package enum LeadTimeStage: String, Sendable, Hashable, CaseIterable {
  /// From the first commit until the change is ready for review.
  case coding
  /// Until the first response by a person other than the author.
  case pickup
  /// Until the last approval before the merge.
  case review
  /// Until the merge.
  case merge
  /// Until the run of the deploy starts.
  case release
  /// Until the release ends.
  case deploy
}

/// A change with its first release.
package struct DeliveredChangeRow: Sendable, Hashable {
  package var change: FactID
  package var deploy: FactID
  package var attempt: UInt16
  /// Nil if it is left out.
  package var seconds: Double?
  package var leftOut: LeftOutReason?
  package var released: Timestamp
  package var times: ChangeMilestones
  package var traits: ChangeLabels.Traits
  package var service: String?
  package var repository: String?
  /// Seconds of the stages that the change has. Negative ones show that clocks disagree.
  package var stages: [LeadTimeStage: Double]
}

/// Selects rows behind a number of a report about lead time.
package struct LeadTimeEvidence: Sendable, Hashable {
  package var group: GroupKey
  package var period: Period
  package var bucket: Timestamp?
  /// Nil for the whole lead time.
  package var stage: LeadTimeStage?
  package var part: EvidencePart

  package init(
    group: GroupKey = .all, period: Period = .current, bucket: Timestamp? = nil, stage: LeadTimeStage? = nil,
    part: EvidencePart = .counted
  ) {
    self.group = group
    self.period = period
    self.bucket = bucket
    self.stage = stage
    self.part = part
  }
}
