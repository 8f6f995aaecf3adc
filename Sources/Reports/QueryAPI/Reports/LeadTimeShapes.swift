import DeliveryMetrics
import ValueStreamCore

/// Lead time and its stages as answers have them.
enum LeadTimeShapes {
  static let stages = LeadTimeStage.allCases.map { MetricShape<DurationSummary>.durations($0.rawValue, help[$0] ?? "") }

  private static let help: [LeadTimeStage: String] = [
    .coding: "From the first commit until the change is ready for review.",
    .pickup: "To the first response by a person other than the author.",
    .review: "To the last approval before the merge.",
    .merge: "To the merge. Of a change without a review: from ready to merged.",
    .release: "To the start of the deploy.",
    .deploy: "To the end of the release.",
  ]

  static func cells(_ group: LeadTimeReport.Group, evidence: (String) -> String?) -> [MetricCells] {
    let whole = DORAShapes.leadTime.cells(
      group.leadTime.current, previous: group.leadTime.previous, evidence: evidence(DORAShapes.leadTime.name))
    return [whole]
      + zip(LeadTimeStage.allCases, stages).map { stage, shape in
        let found = group.stages.first { $0.stage == stage }
        return shape.cells(
          found?.current ?? DurationSummary(), previous: found == nil ? nil : found?.previous, evidence: evidence(shape.name))
      }
  }

  static let members = [DORAShapes.leadTime.member] + stages.map(\.member)
  static let columns = [MetricColumns(DORAShapes.leadTime)] + stages.map { MetricColumns($0) }

  /// The metric of a bucket of the trend.
  static let bucketMetric = MetricShape<DurationSummary>.durations(
    "lead_time", "The lead time of changes released in the bucket.")

  /// The part of a stage in the mean lead time.
  struct StageMean: Sendable {
    var stage: LeadTimeStage
    var totalSeconds: Double
    var meanSeconds: Double?
    var ratio: Double?

    static func all(of group: LeadTimeReport.Group) -> [StageMean] {
      let all = group.stages.reduce(0) { $0 + $1.totalSeconds }
      let count = group.leadTime.current.summary.n
      return group.stages.map { stage in
        StageMean(
          stage: stage.stage, totalSeconds: stage.totalSeconds,
          meanSeconds: count > 0 ? stage.totalSeconds / Double(count) : nil, ratio: all > 0 ? stage.totalSeconds / all : nil)
      }
    }
  }

  static let means = ReportRows<StageMean>([
    .text("stage", "The stage.", choices: LeadTimeStage.allCases.map(\.rawValue)) { $0.stage.rawValue },
    .number("total_seconds", "The time of all counted changes.") { $0.totalSeconds },
    .number("mean_seconds", "By all counted changes, also those without the stage, so that stages add up.") { $0.meanSeconds },
    .number("ratio", "The share of the stage in the time of all stages.") { $0.ratio },
  ])

  static let distribution = ReportRows<DistributionBin>([
    .number("from_seconds", "The shortest lead time in the bin.") { $0.lower },
    .number("to_seconds", "The end of the bin, which is not in it. Null for the last bin.") { $0.upper },
    .integer("count", "The changes in the bin.") { $0.count },
  ])

  static let slowest = ReportRows<Named<DeliveredChangeRow>>(
    Named.subjectFields { $0.change } + [
      .number("seconds", "The lead time.") { $0.row.seconds },
      .text("left_out", "Why the change does not count. Null if it does.") { $0.row.leftOut?.rawValue },
      .text("service", "The service of the release.") { $0.row.service },
      .text("repository", "The repository of the change.") { $0.row.repository },
      .time("released", "The end of the release.") { $0.row.released },
      .text("deploy", "The key of the deploy.") { $0.key(of: $0.row.deploy) },
    ] + ChangeRows.milestones { $0.row.times }
      + LeadTimeStage.allCases.map { stage in
        .number("\(stage.rawValue)_seconds", help[stage] ?? "") { $0.row.stages[stage] }
      })
}
