import Aggregates

extension Command {
  static let aggregatePullRequests = aggregate(
    .pullRequest, "report how many pull requests there were, how long they took, how large they were",
    """
    Reads the files that vsperf github pull-requests or the Go program wrote, and prints one row per week,
    owner and repository: how many pull requests there were, how many were merged, their mean size and
    duration. Columns are found by name, in any order. Files compressed with gzip or zstd are read as they
    are.
    """,
    examples: [
      ("By week, owner and repository", "vsperf agg --in prs.csv pull-request"),
      (
        "By month and author, with percentiles",
        "vsperf agg pull-request --agg-window month --group-by author --metrics p50,p90 prs.csv"
      ),
      (
        "In the layout of the Go program's last version",
        "vsperf agg --in prs.csv --layout=2020 --calc-percentiles-gte-unix=1577836800 pull-request"
      ),
      ("All files of a folder, as JSON", "vsperf agg pull-request --format json exports/"),
    ])

  static let aggregateIssues = aggregate(
    .issue, "report how many issues there were and how long they took",
    """
    Reads issues with the columns owner, repo, created_at, finished_at and duration (in seconds), and
    prints one row per week, owner and repository.
    """,
    examples: [
      ("Time to start and time of work", "vsperf agg issue --metrics time-to-start,work-time issues.csv")
    ])

  static let aggregateBuilds = aggregate(
    .build, "report how many builds there were, how they ended, how long they took",
    """
    Reads builds with the columns owner, repo, created_at, outcome and duration (in seconds), and prints
    one row per week, owner and repository.
    """,
    examples: [("By day, with the time in the queue", "vsperf agg build --agg-window day --metrics queue-time,p90 builds.csv")])

  static let aggregateDeploys = aggregate(
    .deploy, "report how many deploys there were, how they ended, how long they took",
    """
    Reads deploys with the columns owner, repo, created_at, outcome and duration (in seconds), and prints
    one row per week, owner and repository.
    """,
    examples: [("By quarter and environment", "vsperf agg deploy --agg-window quarter --group-by environment deploys.csv")])

  private static func aggregate(
    _ report: Report, _ summary: String, _ description: String, examples: [(text: String, command: String)]
  ) -> Command {
    Command(
      words: ["agg", report.name], summary: summary,
      description: description, declarations: AggregateSettings.declarations(of: report), operands: "FILE...", examples: examples,
      run: { try await Aggregate(report, $0).run() })
  }
}
