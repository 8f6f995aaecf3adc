package import ValueStreamCore

/// Asks how issues flow.
package struct FlowQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  /// Only ``Grouping/repository`` (the project) and ``Grouping/team`` divide issues.
  package var grouping: Grouping?
  /// The width of the buckets of throughput.
  package var buckets: BucketWidth
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), grouping: Grouping? = nil, buckets: BucketWidth = .week,
    settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.grouping = grouping
    self.buckets = buckets
    self.settings = settings
  }
}

package struct FlowReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var timeZone: String
  package var historyBegan: Timestamp?
  package var groups: [Group]
  /// The number of groups that are missing, because the report would be too large. They are smaller than those in ``groups``.
  package var leftOutGroupCount = 0

  package struct Group: Sendable {
    package var key: GroupKey
    package var current: Value
    package var previous: Value?
    /// Percentiles of the flow times of the window: 50, 70, 85 and 95, by nearest rank. Empty without any.
    package var percentiles: [Percentile]
    /// Items done by type, the most first. All of them make the distribution.
    package var distribution: [TypeShare]
    /// Time in each status of the items done in the window, the longest first.
    package var timeInStatus: [StatusTime]
    package var cumulativeFlow: [CumulativeFlowDay]
    package var throughput: [ThroughputBucket]
    /// Limits of the throughput of whole buckets. Nil for fewer than two.
    package var throughputLimits: XmRLimits?
    /// Limits of the flow times in the order of completion, in seconds. Nil for fewer than two.
    package var flowTimeLimits: XmRLimits?
  }

  package struct Value: Sendable, Hashable {
    /// From the start of work to done.
    package var flowTime: DurationSummary
    /// The number of items done.
    package var throughput: Int
    package var throughputPerDay: Double?
    /// Items in progress at the end of the window, or now if that is earlier.
    package var load: Int
    /// The mean number of items in progress over the days of the window.
    package var averageLoad: Double?
    /// Active time by flow time of all items done. Nil if no status is known to be active or waiting.
    package var efficiency: Double?
    package var efficiencyPopulation: Population
    /// From creation to done, and the mean of that in seconds.
    package var openTime: DurationSummary
    package var meanOpenSeconds: Double?
  }

  package struct Percentile: Sendable, Hashable {
    package var percent: Int
    package var seconds: Double
  }

  package struct TypeShare: Sendable, Hashable {
    /// Nil if the type is unknown.
    package var type: String?
    package var count: Int
    package var share: Double
    package var flowTime: DurationSummary
  }

  package struct StatusTime: Sendable, Hashable {
    package var status: String?
    package var summary: DurationSummary
    package var totalSeconds: Double
    package var isActive: Bool?
  }

  package struct CumulativeFlowDay: Sendable, Hashable {
    package var day: TimeBucket
    /// Items created, begun and done up to the end of the day.
    package var created: Int
    package var started: Int
    package var done: Int
    package var inProgress: Int { started - done }
  }

  package struct ThroughputBucket: Sendable, Hashable {
    package var bucket: TimeBucket
    package var count: Int
    /// True if the count lies outside the limits. Nil without limits.
    package var isOutside: Bool?
  }
}

/// Selects rows behind a number of a report about flow.
package struct FlowEvidence: Sendable, Hashable {
  package var group: GroupKey
  package var period: Period
  package var bucket: Timestamp?
  package var part: Part

  package enum Part: Sendable, Hashable {
    /// Items done, with their flow times.
    case flowTime(EvidencePart)
    case throughput
    /// Items in progress at the end of the window.
    case load
    case efficiency(EvidencePart)
    /// Items done, with the time since their creation.
    case openTime(EvidencePart)
    case type(String?)
    case status(String)
  }

  package init(
    group: GroupKey = .all, period: Period = .current, bucket: Timestamp? = nil, part: Part = .flowTime(.counted)
  ) {
    self.group = group
    self.period = period
    self.bucket = bucket
    self.part = part
  }
}
