import DeliveryMetrics
import ValueStreamCore

/// Runs of CI as answers have them.
enum PipelineShapes {
  typealias Value = PipelinesReport.Value

  private static func counted(
    _ name: String, _ help: String, _ more: [ReportField<Value>] = [], _ count: @escaping @Sendable (Value) -> Int
  ) -> MetricShape<Value> {
    MetricShape(name, help, fields: [.integer("count", "How many.", isCompared: true, count)] + more) { Population(n: count($0)) }
  }

  private static let shapes: [MetricShape<Value>] = [
    counted(
      "runs", "All whole runs. Each attempt counts.",
      [
        .number("minutes", "Their run time.", isCompared: true) { $0.minutes },
        .integer("undecided", "Runs that neither passed nor failed, such as cancelled ones.", isCompared: true) { $0.undecided },
      ]
    ) { $0.runs },
    counted(
      "failed", "Failed runs.",
      [
        .number("ratio", "Their share of the runs that passed or failed.", isCompared: true) { $0.failureShare },
        .number("minutes", "The run time of failed attempts.", isCompared: true) { $0.failureMinutes },
      ]
    ) { $0.failed },
    counted("rerun", "Attempts after the first.") { $0.rerun },
    counted("of_changes", "Runs that belong to a change.") { $0.ofChanges },
    counted(
      "flaky", "Failed attempts of jobs that passed later with the same commit.",
      [.number("minutes", "The run time of flaky attempts.", isCompared: true) { $0.flakyMinutes }]
    ) { $0.flaky },
    MetricShape(
      "run_time", "The run time of runs that passed or failed, exact to 1 %.",
      fields: ReportField.durations(of: { $0.runTime })
    ) { $0.runTime.population },
    MetricShape(
      "queue_time", "The time in the queue of runs that passed or failed, exact to 1 %.",
      fields: ReportField.durations(of: { $0.queueTime })
    ) { $0.queueTime.population },
  ]

  static let members = shapes.map(\.member)
  static let columns = shapes.map { MetricColumns($0) }
  /// Come from roll-ups, which keep no rows.
  static let metricsWithoutRows: Set<String> = ["runs", "run_time", "queue_time"]

  static func cells(_ report: PipelinesReport, evidence: (String) -> String?) -> [MetricCells] {
    shapes.map { shape in
      shape.cells(
        report.current, previous: report.previous,
        evidence: metricsWithoutRows.contains(shape.name) ? nil : evidence(shape.name))
    }
  }

  private static func numbers<Row>(_ value: @escaping @Sendable (Row) -> Value) -> [ReportField<Row>] {
    [
      .integer("runs", "Attempts.") { value($0).runs },
      .integer("failed", "Failed attempts.") { value($0).failed },
      .number("failure_ratio", "The share of failed attempts of those that passed or failed.") { value($0).failureShare },
      .integer("rerun", "Attempts after the first.") { value($0).rerun },
      .integer("flaky", "Failed attempts that passed later with the same commit.") { value($0).flaky },
      .number("minutes", "The run time of all attempts.") { value($0).minutes },
      .number("failed_minutes", "The run time of failed attempts.") { value($0).failureMinutes },
      .number("flaky_minutes", "The run time of flaky attempts.") { value($0).flakyMinutes },
    ] + ReportField.durations(of: { value($0).runTime }, prefix: "run_time_")
      + ReportField.durations(of: { value($0).queueTime }, prefix: "queue_time_")
  }

  static let rows = ReportRows<PipelinesReport.Row>(
    [
      .text("repository", "The repository.") { $0.repository },
      .text("workflow", "The pipeline or workflow. Null for a repository.") { $0.workflow },
      .text("job", "The job. Null for whole runs.") { $0.job },
    ] + numbers { $0.value })

  static let runners = ReportRows<PipelinesReport.RunnerRow>(
    [.text("runner", "The runner label, group of workers or worker. Numbers in the names of workers are `*`.") { $0.runner }]
      + numbers { $0.value })

  /// The lists of the report.
  enum List: String, CaseIterable {
    case repositories, workflows, jobs, runners
    case slowestJobs = "slowest-jobs"
  }

  static func csv(_ list: List, of report: PipelinesReport) -> [UInt8] {
    switch list {
    case .repositories: rows.csv(report.repositories)
    case .workflows: rows.csv(report.workflows)
    case .jobs: rows.csv(report.jobs)
    case .slowestJobs: rows.csv(report.slowestJobs)
    case .runners: runners.csv(report.runners)
    }
  }

  static func write(_ report: PipelinesReport, to json: inout JSONWriter) {
    rows.write(report.repositories, named: "repositories", to: &json)
    rows.write(report.workflows, named: "workflows", to: &json)
    rows.write(report.jobs, named: "jobs", to: &json)
    rows.write(report.slowestJobs, named: "slowest_jobs", to: &json)
    runners.write(report.runners, named: "runners", to: &json)
  }

  /// The members that the report has beside its metrics.
  static let listMembers = [
    JSONSchema.member("repositories", .array(of: .named("PipelineRow")), "By the minutes of failures, most first."),
    JSONSchema.member("workflows", .array(of: .named("PipelineRow")), "By the minutes of failures, most first."),
    JSONSchema.member("jobs", .array(of: .named("PipelineRow")), "By the minutes of failures, most first."),
    JSONSchema.member("slowest_jobs", .array(of: .named("PipelineRow")), "By the 95th percentile of the run time."),
    JSONSchema.member("runners", .array(of: .named("RunnerRow")), "Jobs by runner, the longest queues first."),
  ]
}

/// Incidents as answers have them.
enum IncidentShapes {
  typealias Value = IncidentsReport.Value

  static let began = MetricShape<Value>(
    "began", "Incidents that began in the window.",
    fields: [.integer("count", "How many.", isCompared: true) { $0.began }],
    counts: [
      MetricShape.CountsByLabel(name: "causes", label: "basis", labels: IncidentCause.Basis.allCases.map(\.rawValue)) { value in
        value.causes.map { ($0.basis.rawValue, $0.count) }
      }
    ]
  ) { Population(n: $0.began) }

  static let timeToResolve = MetricShape<Value>(
    "time_to_resolve", "From beginning to resolution, of incidents resolved in the window.",
    fields: ReportField.durations(of: { $0.timeToResolve })
  ) { $0.timeToResolve.population }

  static let timeToDetect = MetricShape<Value>(
    "time_to_detect", "From beginning to detection, of the same incidents.",
    fields: ReportField.durations(of: { $0.timeToDetect })
  ) { $0.timeToDetect.population }

  private static let shapes = [began, timeToResolve, timeToDetect]
  static let members = shapes.map(\.member) + [DORAShapes.recoveryTime.member]
  static let columns = shapes.map { MetricColumns($0) } + [MetricColumns(DORAShapes.recoveryTime)]

  static func cells(_ report: IncidentsReport, evidence: (String) -> String?) -> [MetricCells] {
    shapes.map { $0.cells(report.current, previous: report.previous, evidence: evidence($0.name)) } + [
      DORAShapes.recoveryTime.cells(
        report.recoveryTime.current, previous: report.recoveryTime.previous, evidence: evidence(DORAShapes.recoveryTime.name))
    ]
  }

  static let incidents = ReportRows<Named<IncidentRow>>(
    Named.subjectFields { $0.incident } + [
      .text("service", "Its service.") { $0.row.service },
      .text("environment", "Its environment.") { $0.row.environment },
      .text("repository", "Its repository.") { $0.row.repository },
      .text("severity", "Its severity.") { $0.row.severity },
      .time("began", "When it began.") { $0.row.began },
      .time("detected", "When it was reported.") { $0.row.detected },
      .time("resolved", "When it was resolved. Null while it lasts.") { $0.row.resolved },
      .number("seconds", "To the resolution, or to the end of the window while it lasts. Null if nobody tells the resolution.") {
        $0.row.seconds
      },
      ReportField("cause_basis", .text(choices: IncidentCause.Basis.allCases.map(\.rawValue)), "Who or what names the cause.") {
        .text($0.row.cause.basis.rawValue)
      },
      .text("cause", "The key of the deploy that it is blamed on.") { $0.key(of: $0.row.cause.deploy) },
      .text("exclusion", "Why a person left it out of all numbers.") { $0.row.exclusion },
    ])

  static let failures = ReportRows<Named<FailureRow>>([
    .text("service", "The service.") { $0.row.service },
    .time("began", "The end of the failed release.") { $0.row.began },
    .time("recovered", "When the failure ended. Null while it lasts.") { $0.row.recovered },
    .time("detected", "When its incident was reported.") { $0.row.detected },
    .number("seconds", "Its length up to now. Null if nobody tells its end.") { $0.row.seconds },
    .texts("deploys", "The keys of the failed deploys.") { named in named.row.deploys.compactMap { named.key(of: $0) } },
    .texts("rules", "The rules that blame them.") { $0.row.rules.map(\.rawValue) },
    .text("remedied_by", "The key of the deploy that remedied the failure.") { $0.key(of: $0.row.remediedBy) },
    .texts("incidents", "The keys of its incidents.") { named in named.row.incidents.compactMap { named.key(of: $0) } },
  ])
}
