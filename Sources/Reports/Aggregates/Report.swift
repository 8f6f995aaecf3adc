/// The columns and metrics that are available for one kind of exported item, such as pull requests.
package struct Report: Sendable {
  /// The name of the report on the command line, such as `pull-request`.
  package var name: String
  /// The plural name of the items in charts, such as `pull requests`.
  package var items: String
  /// The columns that every report of this kind has.
  package var columns: [ReportColumn]
  package var metrics: [Metric]
  /// The size of an item, for scatter charts; nil if there is no such measure.
  package var size: Measure?
  package var sizeTitle = ""

  /// The column whose time decides on the window of a row.
  package static let timeColumn = "created_at"
  package static let owner = GroupColumn("owner")
  package static let repository = GroupColumn("repo")
  /// The duration of an item, in seconds.
  package static let duration = Measure.number(column: "duration")

  package static let all = [pullRequest, issue, build, deploy]

  package func metric(named name: String) -> Metric? {
    metrics.first { $0.name == name }
  }

  private static let percentiles = [50, 75, 90, 95, 99].map { percent in
    Metric(
      "p\(percent)", [ReportColumn("DurationP\(percent)Hours", .percentile(duration, percent, of: .values), dividedBy: 3600)])
  }

  // MARK: Pull requests

  private static let merged = Condition.isTrue(column: "merged")
  private static let lines = Measure.number(column: "total_changes")

  private static func mean(_ column: String) -> Statistic { .mean(.number(column: column), of: .rows) }

  package static let pullRequest = Report(
    name: "pull-request", items: "pull requests",
    columns: [
      ReportColumn("TotalPullRequests", .count), ReportColumn("NumMerged", .countOf(merged)),
      ReportColumn("MergeRatio", .share(merged), decimals: 2), ReportColumn("AvgTotalLinesChanged", mean("total_changes")),
      ReportColumn("AvgDurationHours", mean("duration"), dividedBy: 3600),
      ReportColumn("AvgDurationSecondsPerLine", mean("duration_per_line")),
      ReportColumn("AvgDurationSecondsPerComment", mean("duration_per_comment")),
    ],
    metrics: percentiles + [
      .hours("time-to-first-review", "TimeToFirstReview", .seconds(from: "created_at", to: ["first_review_at"])),
      .hours("review-time", "Review", .seconds(from: "first_review_at", to: ["merged_at", "closed_at"])),
      Metric("comments", [ReportColumn("AvgNumberOfComments", mean("comments"))]), Metric("size", sizes),
    ],
    size: lines, sizeTitle: "lines changed")

  /// Counts pull requests by size, with the usual bounds of size labels.
  private static let sizes: [ReportColumn] = {
    let bounds: [(String, Double)] = [("XS", 0), ("S", 10), ("M", 30), ("L", 100), ("XL", 500), ("XXL", 1000)]
    return bounds.enumerated().map { index, bound in
      let next = index + 1 < bounds.count ? bounds[index + 1].1 : .infinity
      return ReportColumn(
        "Size\(bound.0)", .countOf(.isWithin(column: "total_changes", least: bound.1, below: next)))
    }
  }()

  /// The pull-request columns of the 2020 version of the original program.
  static let pullRequestColumnsOf2020: [ReportColumn] =
    pullRequest.columns.map { column in
      guard case .mean = column.statistic else { return column }
      var column = column
      column.decimals = 1
      return column
    } + [ReportColumn("AvgNumberOfComments", mean("comments"))]
    + [50, 95, 99].map { percent in
      ReportColumn(
        "DurationP\(percent)RunningHours", .percentile(duration, percent, of: .rows), dividedBy: 3600, decimals: 1, fallback: 0)
    }

  // MARK: Issues, builds and deploys

  private static let averageHours = ReportColumn("AvgDurationHours", .mean(duration, of: .values), dividedBy: 3600)
  private static let averageMinutes = ReportColumn("AvgDurationMinutes", .mean(duration, of: .values), dividedBy: 60)

  private static let finished = Condition.hasInstant(column: "finished_at")

  package static let issue = Report(
    name: "issue", items: "issues",
    columns: [
      ReportColumn("TotalIssues", .count), ReportColumn("NumClosed", .countOf(finished)),
      ReportColumn("ClosedRatio", .share(finished), decimals: 2), averageHours,
    ],
    metrics: percentiles + [
      .hours("time-to-start", "TimeToStart", .seconds(from: "created_at", to: ["started_at"])),
      .hours("work-time", "Work", .seconds(from: "started_at", to: ["finished_at"])),
    ])

  private static let succeeded = Condition.isOneOf(
    column: "outcome", words: ["success", "succeeded", "successful", "passed", "completed"])
  private static let failed = Condition.isOneOf(
    column: "outcome", words: ["failure", "failed", "error", "timeout", "timed_out", "startup_failure", "unstable"])

  private static let queueTime = Metric.hours("queue-time", "Queue", .seconds(from: "created_at", to: ["started_at"]))

  package static let build = Report(
    name: "build", items: "builds",
    columns: [
      ReportColumn("TotalBuilds", .count), ReportColumn("NumSucceeded", .countOf(succeeded)),
      ReportColumn("NumFailed", .countOf(failed)), ReportColumn("SuccessRatio", .share(succeeded), decimals: 2), averageMinutes,
    ],
    metrics: percentiles + [queueTime])

  package static let deploy = Report(
    name: "deploy", items: "deploys",
    columns: [
      ReportColumn("TotalDeploys", .count), ReportColumn("NumSucceeded", .countOf(succeeded)),
      ReportColumn("NumFailed", .countOf(failed)), ReportColumn("FailureRatio", .share(failed), decimals: 2), averageMinutes,
    ],
    metrics: percentiles + [queueTime])
}
