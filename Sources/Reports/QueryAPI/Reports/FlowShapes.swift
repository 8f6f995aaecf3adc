import DeliveryMetrics
import ValueStreamCore

/// The flow of issues as answers have it.
enum FlowShapes {
  static let flowTime = MetricShape<FlowReport.Value>(
    "flow_time", "From the start of work on an issue until it is done.", fields: ReportField.durations(of: { $0.flowTime })
  ) { $0.flowTime.population }

  static let throughput = MetricShape<FlowReport.Value>(
    "throughput", "Issues done.",
    fields: [
      .integer("count", "Issues done in the window.", isCompared: true) { $0.throughput },
      .number("per_day", "By days of the window up to the present.", isCompared: true) { $0.throughputPerDay },
    ]
  ) { Population(n: $0.throughput) }

  static let load = MetricShape<FlowReport.Value>(
    "load", "Issues in progress.",
    fields: [
      .integer("count", "In progress at the end of the window, or now if that is earlier.", isCompared: true) { $0.load },
      .number("average", "The mean over the days of the window.", isCompared: true) { $0.averageLoad },
    ]
  ) { Population(n: $0.load) }

  static let efficiency = MetricShape<FlowReport.Value>(
    "efficiency", "Active time by flow time of all issues done.",
    fields: [
      .number("ratio", "From 0 to 1. Null if no status is known to be active or waiting.", isCompared: true) { $0.efficiency }
    ]
  ) { $0.efficiencyPopulation }

  static let openTime = MetricShape<FlowReport.Value>(
    "open_time", "From the creation of an issue until it is done.",
    fields: ReportField.durations(of: { $0.openTime }) + [
      .number("mean_seconds", "The mean.", isCompared: true) { $0.meanOpenSeconds }
    ]
  ) { $0.openTime.population }

  private static let shapes = [flowTime, throughput, load, efficiency, openTime]
  static let members = shapes.map(\.member)
  static let columns = shapes.map { MetricColumns($0) }

  static func cells(_ group: FlowReport.Group, evidence: (String) -> String?) -> [MetricCells] {
    shapes.map { $0.cells(group.current, previous: group.previous, evidence: evidence($0.name)) }
  }

  static let percentiles = ReportRows<FlowReport.Percentile>([
    .integer("percent", "50, 70, 85 or 95.") { $0.percent },
    .number("seconds", "The flow time that so many per cent of the issues done did not exceed, by nearest rank.") { $0.seconds },
  ])

  static let distribution = ReportRows<FlowReport.TypeShare>(
    [
      .text("type", "The type of issue. Null if it is unknown.") { $0.type },
      .integer("count", "Issues of the type that are done.") { $0.count },
      .number("ratio", "By all issues done.") { $0.share },
    ] + ReportField.durations(of: { $0.flowTime }, prefix: "flow_time_"))

  static let timeInStatus = ReportRows<FlowReport.StatusTime>(
    [
      .text("status", "The status.") { $0.status },
      .flag("active", "Whether somebody works on issues in it. Null if unknown.") { $0.isActive },
      .number("total_seconds", "The time of all issues done.") { $0.totalSeconds },
      .integer("n", "Issues that were in it.") { $0.summary.n },
    ] + ReportField.durations(of: { $0.summary }))

  static let cumulativeFlow = ReportRows<FlowReport.CumulativeFlowDay>([
    .time("from", "The beginning of the day.") { $0.day.window.start },
    .time("to", "The end of the day.") { $0.day.window.end },
    .flag("partial", "True if the window, the present or the beginning of history cuts the day.") { $0.day.isPartial },
    .integer("created", "Issues created up to the end of the day.") { $0.created },
    .integer("started", "Issues begun up to then.") { $0.started },
    .integer("done", "Issues done up to then.") { $0.done },
    .integer("in_progress", "Begun and not done.") { $0.inProgress },
  ])

  static let limits = ReportRows<XmRLimits>([
    .number("mean", "The mean.") { $0.mean },
    .number("lower", "The mean less 2.66 times the mean moving range, at least 0.") { $0.lower },
    .number("upper", "The mean plus 2.66 times the mean moving range.") { $0.upper },
    .number("mean_moving_range", "The mean difference of neighbours.") { $0.meanMovingRange },
  ])

  /// The metric of a bucket of the trend.
  static let bucketMetric = MetricShape<FlowReport.ThroughputBucket>(
    "throughput", "Issues done.",
    fields: [
      .integer("count", "Issues done in the bucket.") { $0.count },
      .flag("outside_limits", "True if the count is outside the limits. Null without limits.") { $0.isOutside },
    ]
  ) { Population(n: $0.count) }

  static let bucket = ReportRows<FlowReport.ThroughputBucket>([
    .time("from", "The beginning of the bucket.") { $0.bucket.window.start },
    .time("to", "Its end.") { $0.bucket.window.end },
    .flag("partial", "True if the window, the present or the beginning of history cuts the bucket.") { $0.bucket.isPartial },
    .integer("count", "Issues done.") { $0.count },
    .flag("outside", "True if the count is outside the limits. Null without limits.") { $0.isOutside },
  ])
}

/// The age of open work as answers have it.
enum AgeingShapes {
  static let items = ReportRows<Named<AgeingReport.Item>>(
    Named.subjectFields { $0.issue } + [
      .text("project", "Its repository or project.") { $0.row.project },
      .text("type", "Its type.") { $0.row.type },
      .text("status", "Its status.") { $0.row.status },
      .time("started", "When work on it began.") { $0.row.started },
      .time("status_since", "When it entered its status.") { $0.row.statusSince },
      .number("age_seconds", "Time since work began.") { $0.row.ageSeconds },
      .flag("blocked", "True if it is marked as blocked.") { $0.row.isBlocked },
      .text("band", "The percentile of finished issues that its age has passed in its status.", choices: bands) {
        $0.row.band?.rawValue
      },
    ])

  private static let bands = AgeingReport.Band.allCases.map(\.rawValue)

  static let paces = ReportRows<AgeingReport.Pace>([
    .text("status", "The status.") { $0.status },
    .integer("n", "Finished issues that left it.") { $0.n },
    .number("p50_seconds", "Half of them were this old at most when they last left it. Null for fewer than ten.") { $0.p50 },
    .number("p70_seconds", "The 70th percentile.") { $0.p70 },
    .number("p85_seconds", "The 85th percentile.") { $0.p85 },
    .number("p95_seconds", "The 95th percentile.") { $0.p95 },
    .integer("open", "Open issues in it.") { $0.open },
  ])

  /// The lists of the report.
  enum List: String, CaseIterable {
    case items, statuses, reviews
  }
}

/// Forecasts as answers have them.
enum ForecastShapes {
  static let days = ReportRows<ForecastReport.Day>([
    .integer("percent", "The share of trials.") { $0.percent },
    .optionalInteger("days", "In this many days. Tomorrow is day 1. Null if it takes longer than trials look ahead.") { $0.day },
    .time("date", "The beginning of that day.") { $0.date },
  ])

  static let counts = ReportRows<ForecastReport.Count>([
    .integer("percent", "The share of trials.") { $0.percent },
    .integer("items", "At least so many items.") { $0.items },
  ])

  static let chance = ReportRows<ForecastReport.Chance>([
    .number("ratio", "The share of trials, at most 0.95.") { $0.share },
    .flag("above_95", "True for more than 95 %, which no forecast can promise.") { $0.isAbove95 },
  ])

  static func write(_ chance: ForecastReport.Chance?, named name: String, to json: inout JSONWriter) {
    json.name(name)
    if let chance { self.chance.write(chance, to: &json) } else { json.value(nil as String?) }
  }

  static func lines(of report: ForecastReport) -> [Line] {
    let when = report.when.map { when in
      when.days.map { Line(kind: "when", percent: $0.percent, items: when.items, days: $0.day, date: $0.date) }
    }
    let howMany = report.howMany.map { howMany in
      howMany.counts.map { Line(kind: "how_many", percent: $0.percent, items: $0.items, days: howMany.days) }
    }
    return (when ?? []) + (howMany ?? [])
  }

  /// The rows of the CSV.
  struct Line: Sendable {
    var kind: String
    var percent: Int
    var items: Int?
    var days: Int?
    var date: Timestamp?
  }

  static let lines = ReportRows<Line>([
    .text("kind", "when or how_many.") { $0.kind },
    .integer("percent", "The share of trials.") { $0.percent },
    .optionalInteger("items", "How many items.") { $0.items },
    .optionalInteger("days", "In how many days.") { $0.days },
    .time("date", "The beginning of that day.") { $0.date },
  ])
}
