package import ValueStreamCore

/// Asks for the five DORA metrics.
package struct DORAQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  package var grouping: Grouping?
  package var leadTimeFrom: LeadTimeBasis
  /// Nil for no trend.
  package var buckets: BucketWidth?
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), grouping: Grouping? = nil, leadTimeFrom: LeadTimeBasis = .commit,
    buckets: BucketWidth? = nil, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.grouping = grouping
    self.leadTimeFrom = leadTimeFrom
    self.buckets = buckets
    self.settings = settings
  }
}

/// Where lead time for changes begins.
package enum LeadTimeBasis: String, Sendable, Hashable, CaseIterable {
  /// The first commit.
  case commit
  case opened
  case merged
}

package struct DORAReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var timeZone: String
  /// The first day with a deploy. Nil if no deploy is known.
  package var historyBegan: Timestamp?
  /// By name. Without a grouping there is exactly one.
  package var groups: [Group]
  /// The number of groups that are missing, because the report would be too large. They are smaller than those in ``groups``.
  package var leftOutGroupCount = 0

  package struct Group: Sendable {
    package var key: GroupKey
    package var leadTime: LeadTimeForChanges
    package var deploymentFrequency: DeploymentFrequency
    package var changeFailRate: ChangeFailRate
    package var recoveryTime: FailedDeploymentRecoveryTime
    package var reworkRate: DeploymentReworkRate
    package var quickCheck: QuickCheck
    package var trend: [Bucket]
  }

  package struct Bucket: Sendable {
    package var bucket: TimeBucket
    package var leadTime: LeadTimeForChanges.Value
    package var deploymentFrequency: DeploymentFrequency.Value
    package var changeFailRate: ChangeFailRate.Value
    package var recoveryTime: FailedDeploymentRecoveryTime.Value
    package var reworkRate: DeploymentReworkRate.Value
  }
}

/// The names of the five metrics.
package enum DORAMetric: String, Sendable, Hashable, CaseIterable {
  case leadTime = "lead_time"
  case deploymentFrequency = "deployment_frequency"
  case changeFailRate = "change_fail_rate"
  case recoveryTime = "failed_deployment_recovery_time"
  case reworkRate = "rework_rate"
}

/// The four levels of the report of 2023.
package enum Band2023: String, Sendable, Hashable, CaseIterable {
  case elite, high, medium, low
}

package struct LeadTimeForChanges: Sendable {
  package var current: Value
  package var previous: Value?
  package var basis: LeadTimeBasis
  package var band: Band2023? { current.summary.median.map(Band2023.init(leadTimeSeconds:)) }

  package struct Value: Sendable, Hashable {
    package var summary: DurationSummary
    /// How many of the counted changes are by bots, were pushed directly, or are reverts, cherry-picks or back-merges.
    package var byBots = 0
    package var direct = 0
    package var reverts = 0
    package var cherryPicks = 0
    package var backMerges = 0
  }
}

package struct DeploymentFrequency: Sendable {
  package var current: Value
  package var previous: Value?
  /// Nil if fewer than four whole weeks are known.
  package var band: Band2023? { current.rhythm?.band }

  /// How often a service is released, as Four Keys tells it.
  package enum Rhythm: String, Sendable, Hashable {
    /// Half of the weeks have at least three days with a release.
    case onDemand = "on_demand"
    case weekly
    case monthly
    case rarer

    package var band: Band2023 {
      switch self {
      case .onDemand: .elite
      case .weekly: .high
      case .monthly: .medium
      case .rarer: .low
      }
    }
  }

  package struct Value: Sendable, Hashable {
    package var releases = 0
    /// The number of successful deploys that form the releases.
    package var deploys = 0
    /// Releases by the days of the window up to the present. Nil for an empty window.
    package var perDay: Double?
    package var perWeek: Double?
    /// The median over whole ISO weeks of the days with a release. Nil for fewer than four weeks.
    package var medianDaysPerWeek: Double?
    package var wholeWeeks = 0
    package var rhythm: Rhythm?
    /// The end of the latest release.
    package var lastRelease: Timestamp?
    package var population = Population()
  }
}

package struct ChangeFailRate: Sendable {
  package var current: Value
  package var previous: Value?
  package var band: Band2023? { current.ratio.map(Band2023.init(changeFailRatio:)) }

  package struct Value: Sendable, Hashable {
    /// Failed by all releases with a verdict. Nil without any.
    package var ratio: Double?
    package var failed = 0
    /// Taken back because an earlier release failed. They are in the total.
    package var takenBack = 0
    package var total = 0
    package var pending = 0
    /// How many failed releases each rule blames. A release may have several.
    package var rules: [RuleCount] = []
    package var population = Population()
  }

  package struct RuleCount: Sendable, Hashable {
    package var rule: FailureRule
    package var count: Int
  }
}

package struct FailedDeploymentRecoveryTime: Sendable {
  package var current: Value
  package var previous: Value?
  package var band: Band2023? { current.summary.median.map(Band2023.init(recoverySeconds:)) }

  package struct Value: Sendable, Hashable {
    /// From the end of the failed release.
    package var summary: DurationSummary
    /// From the detection of its incident, where there is one.
    package var fromDetection: DurationSummary
    /// Failures that lasted at the end of the window, the oldest first.
    package var open: [OpenFailure]
  }

  package struct OpenFailure: Sendable, Hashable {
    /// The deploy that ended the failed release.
    package var deploy: FactID
    package var attempt: UInt16
    package var since: Timestamp
    package var ageSeconds: Double
  }
}

package struct DeploymentReworkRate: Sendable {
  package var current: Value
  package var previous: Value?

  package struct Value: Sendable, Hashable {
    /// Rework by all releases. Nil without any.
    package var ratio: Double?
    package var rework = 0
    package var total = 0
    /// How many releases each reason marks as rework. A release may have several.
    package var reasons: [ReasonCount] = []
    package var population = Population()
  }

  package struct ReasonCount: Sendable, Hashable {
    package var reason: ReworkReason
    package var count: Int
  }
}

/// Why a release is rework. All reasons are inferred: no vendor says that a deploy was unplanned.
package enum ReworkReason: String, Sendable, Hashable, CaseIterable {
  case rollback
  case revert
  case hotfix
  /// The release brought a change that is tied to an incident.
  case incident
}

/// Selects rows behind one of the five metrics.
package struct DORAEvidence: Sendable, Hashable {
  package var metric: DORAMetric
  package var group: GroupKey
  package var period: Period
  /// The start of a bucket of the trend. Nil for the whole window.
  package var bucket: Timestamp?
  package var part: Part

  package enum Part: Sendable, Hashable {
    case counted
    case leftOut(LeftOutReason?)
    /// Releases of the change fail rate with this verdict.
    case verdict(Verdict)
    case rule(FailureRule)
    /// Releases that are rework, for any or one reason.
    case rework(ReworkReason?)
    /// Failures that last.
    case open
    /// Recoveries for which the detection is known.
    case detected
  }

  package init(
    _ metric: DORAMetric, group: GroupKey = .all, period: Period = .current, bucket: Timestamp? = nil, part: Part = .counted
  ) {
    self.metric = metric
    self.group = group
    self.period = period
    self.bucket = bucket
    self.part = part
  }
}
