import DeliveryMetrics

/// The five DORA metrics as answers have them.
enum DORAShapes {
  static let bands = Band2023.allCases.map(\.rawValue)

  static let leadTime = MetricShape<LeadTimeForChanges.Value>(
    "lead_time", "Lead time for changes: from the first commit to the end of the release that brought the change.",
    fields: ReportField.durations(of: { $0.summary }) + [
      .text("band_2023", "The level of DORA's report of 2023.", choices: bands) {
        $0.summary.median.map { Band2023(leadTimeSeconds: $0).rawValue }
      },
      .quickCheck { QuickCheck(leadTimeSeconds: $0.summary.median).leadTime },
      .integer("by_bots", "Of the counted changes: those by bots.") { $0.byBots },
      .integer("direct", "Pushed without a pull or merge request.") { $0.direct },
      .integer("reverts", "Reverts.") { $0.reverts },
      .integer("cherry_picks", "Copies of changes that another branch had before.") { $0.cherryPicks },
      .integer("back_merges", "Merges of one long-lived branch to another.") { $0.backMerges },
    ]
  ) { $0.summary.population }

  static let deploymentFrequency = MetricShape<DeploymentFrequency.Value>(
    "deployment_frequency", "How often releases end.",
    fields: [
      .integer("deploys", "Releases: deploys of one service and commit within an hour are one.", isCompared: true) {
        $0.releases
      },
      .integer("environment_deploys", "The successful deploys that form the releases.") { $0.deploys },
      .number("per_day", "Releases by days of the window up to the present.", isCompared: true) { $0.perDay },
      .number("per_week", "Releases by weeks.", isCompared: true) { $0.perWeek },
      .number(
        "median_days_per_week", "The median of days with a release over whole ISO weeks. Null for fewer than four.",
        isCompared: true
      ) { $0.medianDaysPerWeek },
      .integer("whole_weeks", "The whole ISO weeks in the window since history began.") { $0.wholeWeeks },
      .text(
        "rhythm", "At least three days a week: on demand.", choices: ["on_demand", "weekly", "monthly", "rarer"]
      ) { $0.rhythm?.rawValue },
      .text("band_2023", "The level of DORA's report of 2023.", choices: bands) { $0.rhythm?.band.rawValue },
      .quickCheck { QuickCheck(releasesPerDay: $0.releases > 0 ? $0.perDay : nil).deploymentFrequency },
    ]
  ) { $0.population }

  static let changeFailRate = MetricShape<ChangeFailRate.Value>(
    "change_fail_rate", "Failed releases by all releases with a verdict.",
    fields: [
      .number("ratio", "From 0 to 1.", isCompared: true) { $0.ratio },
      .integer("failed", "Releases that a rule blames.", isCompared: true) { $0.failed },
      .integer("taken_back", "Releases that a rollback took back because an earlier one failed. In the total.") { $0.takenBack },
      .integer("total", "All releases with a verdict.", isCompared: true) { $0.total },
      .integer("pending", "Releases too young for a verdict. Not in the total.") { $0.pending },
      .text("band_2023", "The level of DORA's report of 2023.", choices: bands) {
        $0.ratio.map { Band2023(changeFailRatio: $0).rawValue }
      },
      .quickCheck { QuickCheck(changeFailRatio: $0.ratio).changeFailRate },
    ],
    counts: [
      MetricShape.CountsByLabel(name: "rules", label: "rule", labels: FailureRule.allCases.map(\.rawValue)) { value in
        value.rules.map { ($0.rule.rawValue, $0.count) }
      }
    ]
  ) { $0.population }

  static let recoveryTime = MetricShape<FailedDeploymentRecoveryTime.Value>(
    "failed_deployment_recovery_time", "From the end of a failed release to its remedy.",
    fields: ReportField.durations(of: { $0.summary }) + [
      .number("from_detection_median_seconds", "The median from the detection of the incident.", isCompared: true) {
        $0.fromDetection.median
      },
      .integer("from_detection_n", "Recoveries of which the detection is known.") { $0.fromDetection.n },
      .integer("open", "Failures that last. Not in the median.") { $0.open.count },
      .number("oldest_open_seconds", "The age of the oldest failure that lasts.") { $0.open.first?.ageSeconds },
      .text("band_2023", "The level of DORA's report of 2023.", choices: bands) {
        $0.summary.median.map { Band2023(recoverySeconds: $0).rawValue }
      },
      .quickCheck { QuickCheck(recoverySeconds: $0.summary.median).recoveryTime },
    ]
  ) { $0.summary.population }

  static let reworkRate = MetricShape<DeploymentReworkRate.Value>(
    "rework_rate", "Releases that remedy or bring a change for an incident, by all releases. Always inferred.",
    fields: [
      .number("ratio", "From 0 to 1.", isCompared: true) { $0.ratio },
      .integer("rework", "Releases that are rework.", isCompared: true) { $0.rework },
      .integer("total", "All releases.", isCompared: true) { $0.total },
      .flag("inferred", "Always true: no vendor says that a deploy was unplanned.") { _ in true },
      .quickCheck { QuickCheck(reworkRatio: $0.ratio).reworkRate },
    ],
    counts: [
      MetricShape.CountsByLabel(name: "reasons", label: "reason", labels: ReworkReason.allCases.map(\.rawValue)) { value in
        value.reasons.map { ($0.reason.rawValue, $0.count) }
      }
    ]
  ) { $0.population }

  /// The metrics of a group.
  static func cells(_ group: DORAReport.Group, evidence: (String) -> String?) -> [MetricCells] {
    [
      leadTime.cells(group.leadTime.current, previous: group.leadTime.previous, evidence: evidence(leadTime.name)),
      deploymentFrequency.cells(
        group.deploymentFrequency.current, previous: group.deploymentFrequency.previous,
        evidence: evidence(deploymentFrequency.name)),
      changeFailRate.cells(
        group.changeFailRate.current, previous: group.changeFailRate.previous, evidence: evidence(changeFailRate.name)),
      recoveryTime.cells(
        group.recoveryTime.current, previous: group.recoveryTime.previous, evidence: evidence(recoveryTime.name)),
      reworkRate.cells(group.reworkRate.current, previous: group.reworkRate.previous, evidence: evidence(reworkRate.name)),
    ]
  }

  /// The metrics of a bucket of the trend.
  static func cells(_ bucket: DORAReport.Bucket, evidence: (String) -> String?) -> [MetricCells] {
    [
      leadTime.cells(bucket.leadTime, previous: nil, evidence: evidence(leadTime.name)),
      deploymentFrequency.cells(bucket.deploymentFrequency, previous: nil, evidence: evidence(deploymentFrequency.name)),
      changeFailRate.cells(bucket.changeFailRate, previous: nil, evidence: evidence(changeFailRate.name)),
      recoveryTime.cells(bucket.recoveryTime, previous: nil, evidence: evidence(recoveryTime.name)),
      reworkRate.cells(bucket.reworkRate, previous: nil, evidence: evidence(reworkRate.name)),
    ]
  }

  static let members = [
    leadTime.member, deploymentFrequency.member, changeFailRate.member, recoveryTime.member, reworkRate.member,
  ]

  static let columns: [MetricColumns] = [
    MetricColumns(leadTime), MetricColumns(deploymentFrequency), MetricColumns(changeFailRate), MetricColumns(recoveryTime),
    MetricColumns(reworkRate),
  ]

  static let quickCheck = ReportRows<QuickCheck>([
    .number("lead_time", "The score of the lead time, from 0 to 10.") { $0.leadTime },
    .number("deployment_frequency", "The score of the frequency.") { $0.deploymentFrequency },
    .number("failed_deployment_recovery_time", "The score of the recovery time.") { $0.recoveryTime },
    .number("change_fail_rate", "The score of the change fail rate.") { $0.changeFailRate },
    .number("rework_rate", "The score of the rework rate.") { $0.reworkRate },
    .number("throughput", "The mean of lead time, frequency and recovery time.") { $0.throughput },
    .number("stability", "The mean of change fail rate and rework rate.") { $0.stability },
    .number("overall", "The mean of all five.") { $0.overall },
  ])
}

extension ReportField {
  /// The score of one metric in the quick check, beside the metric.
  fileprivate static func quickCheck(_ score: @escaping @Sendable (Value) -> Double?) -> ReportField {
    .number("quick_check_2025", "The score of DORA's quick check of 2025, from 0 to 10.") { score($0) }
  }
}
