import DeliveryMetrics
import ValueStreamCore

/// The reports in the description.
extension APIOperation {
  static let reports: [APIOperation] = ReportKind.allCases.map { kind in
    APIOperation(
      path: "\(ReportHandler.prefix)\(kind.rawValue)", id: "get\(name(kind))Report", summary: kind.summary,
      parameters: kind.parameters, answer: .object(head + kind.members), hasCSV: true)
  }

  static let evidence: [APIOperation] = ReportKind.allCases.flatMap { kind in
    kind.metrics.map { metric in
      APIOperation(
        path: "\(ReportHandler.prefix)\(kind.rawValue)/\(metric)/evidence", id: "get\(name(kind))\(capitalized(metric))Evidence",
        summary: "The rows behind \(metric.replacing("-", with: " ")).", parameters: kind.evidenceParameters,
        answer: .object(head + list("rows", .named("EvidenceRow"))), hasCSV: true)
    }
  }

  private static func name(_ kind: ReportKind) -> String { capitalized(kind.rawValue) }

  private static func capitalized(_ name: String) -> String {
    name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  private static let head: [JSONSchema.Member] = [
    JSONSchema.member("window", .named("Window")), JSONSchema.member("facts", .named("FactProgress")),
    JSONSchema.member("history_begins", .named("HistoryBeginning")),
  ]

  static let history = APIOperation(
    path: HistoryHandler.path, id: "listHistory", summary: "Says where the history of each source and repository begins.",
    parameters: HistoryHandler.parameters,
    answer: .object([JSONSchema.member("history", .array(of: HistoryHandler.rows.schema))]), hasCSV: true)

  fileprivate static func list(_ name: String, _ schema: JSONSchema) -> [JSONSchema.Member] {
    [
      JSONSchema.member(name, .array(of: schema)), JSONSchema.member("total", .integer, "The rows of all pages."),
      JSONSchema.member("next", .nullable(.text()), "The cursor of the next page. Null on the last page."),
    ]
  }
}

extension APISchemas {
  /// The parts of reports.
  static let reports: [(name: String, schema: JSONSchema)] = [
    (
      "Window",
      .object([
        JSONSchema.member("from", .time), JSONSchema.member("to", .time, "Does not belong to the window."),
        JSONSchema.member("timeZone", .text()),
      ])
    ),
    (
      "FactProgress",
      .object([
        JSONSchema.member("since", .nullable(.time), "The first day with facts."),
        JSONSchema.member("complete", .boolean, "False while facts of older or new deliveries are still computed."),
        JSONSchema.member("remaining_items", .integer, "Stored items whose facts are not computed yet."),
        JSONSchema.member("waiting_batches", .integer, "Batches of changes that wait to be computed."),
      ])
    ),
    (
      "HistoryBeginning",
      .object([
        JSONSchema.member("first", .nullable(.time), "Where the longest history of a repository begins. Null if there is none."),
        JSONSchema.member("last", .nullable(.time), "Where the shortest one begins: from here on, all are known."),
        JSONSchema.member("repositories", .integer, "The repositories and projects of the scope, of each source."),
        JSONSchema.member("in_window", .integer, "Those of them whose history begins after the beginning of the window."),
      ])
    ),
    (
      "LeftOut",
      .object([
        JSONSchema.member("reason", .text(choices: LeftOutReason.allCases.map(\.rawValue))),
        JSONSchema.member("count", .integer),
      ])
    ),
    ("EvidenceRow", EvidenceRows.rows.schema), ("Deploy", DeployRows.rows.schema), ("Change", ChangeRows.rows.schema),
    ("OpenReview", ChangeRows.openReviews.schema), ("Incident", IncidentShapes.incidents.schema),
    ("PipelineRow", PipelineShapes.rows.schema), ("RunnerRow", PipelineShapes.runners.schema),
    ("QuickCheck", DORAShapes.quickCheck.schema), ("Limits", FlowShapes.limits.schema),
  ]
}

extension ReportKind {
  /// The members of the answer after the window and the progress of facts.
  fileprivate var members: [JSONSchema.Member] {
    switch self {
    case .dora:
      groups(
        DORAShapes.members, bucket: DORAShapes.members,
        more: [
          JSONSchema.member("quick_check_2025", .named("QuickCheck"), "DORA's scores of 2025."),
          JSONSchema.member("open_failures", .array(of: ReportAnswer.openFailures.schema)),
        ],
        head: [JSONSchema.member("quick_check_2025_all_industries", .named("QuickCheck"))])
    case .leadTime:
      groups(
        LeadTimeShapes.members, bucket: [LeadTimeShapes.bucketMetric.member],
        more: [
          JSONSchema.member("lead_time_mean_seconds", .nullable(.number), "The mean lead time of the counted changes."),
          JSONSchema.member("stage_means", .array(of: LeadTimeShapes.means.schema)),
          JSONSchema.member("distribution", .array(of: LeadTimeShapes.distribution.schema)),
          JSONSchema.member("slowest", .array(of: LeadTimeShapes.slowest.schema)),
        ],
        head: [JSONSchema.member("lead_time_from", .text(choices: LeadTimeBasis.allCases.map(\.rawValue)))])
    case .flow:
      groups(
        FlowShapes.members, bucket: [FlowShapes.bucketMetric.member],
        more: [
          JSONSchema.member("flow_time_percentiles", .array(of: FlowShapes.percentiles.schema)),
          JSONSchema.member("distribution", .array(of: FlowShapes.distribution.schema)),
          JSONSchema.member("time_in_status", .array(of: FlowShapes.timeInStatus.schema)),
          JSONSchema.member("cumulative_flow", .array(of: FlowShapes.cumulativeFlow.schema)),
          JSONSchema.member("throughput_buckets", .array(of: FlowShapes.bucket.schema)),
          JSONSchema.member("throughput_limits", .nullable(.named("Limits"))),
          JSONSchema.member("flow_time_limits", .nullable(.named("Limits"))),
        ])
    case .reviews:
      groups(
        ReviewShapes.members, bucket: ReviewShapes.bucketShapes.map(\.member),
        more: [
          JSONSchema.member("sizes", .array(of: ReviewShapes.sizes.schema)),
          JSONSchema.member("waiting_now", .array(of: .named("OpenReview"))),
        ])
    case .pipelines:
      groups(PipelineShapes.members, more: PipelineShapes.listMembers)
    case .incidents:
      groups(
        IncidentShapes.members,
        more: ["open", "resolved"].map { JSONSchema.member($0, .array(of: .named("Incident"))) }
          + [JSONSchema.member("failures", .array(of: IncidentShapes.failures.schema))])
    case .deploys: APIOperation.list("deploys", .named("Deploy"))
    case .changes:
      APIOperation.list("changes", .named("Change")) + [
        JSONSchema.member("counts", ChangeRows.counts.schema),
        JSONSchema.member("previous_counts", .nullable(ChangeRows.counts.schema)),
      ]
    case .ageing:
      [
        JSONSchema.member("items", .array(of: AgeingShapes.items.schema)),
        JSONSchema.member("statuses", .array(of: AgeingShapes.paces.schema)),
        JSONSchema.member("reviews", .array(of: .named("OpenReview"))),
      ] + Self.counted
    case .forecast: Self.forecastMembers + Self.counted
    }
  }

  private static let counted = [
    JSONSchema.member("n", .integer), JSONSchema.member("coverage", .nullable(.number)),
    JSONSchema.member("left_out", .array(of: .named("LeftOut"))),
  ]

  private static let forecastMembers = [
    JSONSchema.member("history", .named("Window"), "The days whose throughput is sampled."),
    JSONSchema.member("throughput", .array(of: .integer), "Items done on each of these days."),
    JSONSchema.member("seed", .integer), JSONSchema.member("trials", .integer),
    JSONSchema.member("refusal", .nullable(.text(choices: ["too_few_days"])), "Why there is no number."),
    JSONSchema.member(
      "when",
      .nullable(
        .object([
          JSONSchema.member("items", .integer), JSONSchema.member("days", .array(of: ForecastShapes.days.schema)),
          JSONSchema.member("chance_by_date", .nullable(ForecastShapes.chance.schema)),
        ]))),
    JSONSchema.member(
      "how_many",
      .nullable(
        .object([
          JSONSchema.member("days", .integer), JSONSchema.member("items", .array(of: ForecastShapes.counts.schema)),
          JSONSchema.member("chance_of_items", .nullable(ForecastShapes.chance.schema)),
        ]))),
  ]

  private func groups(
    _ metrics: [JSONSchema.Member], bucket: [JSONSchema.Member] = [], more: [JSONSchema.Member],
    head: [JSONSchema.Member] = []
  ) -> [JSONSchema.Member] {
    let trend = JSONSchema.member(
      "trend",
      .array(
        of: .object([
          JSONSchema.member("from", .time), JSONSchema.member("to", .time),
          JSONSchema.member("partial", .boolean, "True if the window, the present or the beginning of history cuts the bucket."),
          JSONSchema.member("metrics", .object(bucket)),
        ])))
    let group =
      Grouping.allCases.map { JSONSchema.member($0.rawValue, .nullable(.text())) }
      + [JSONSchema.member("metrics", .object(metrics))] + (hasBuckets ? [trend] : []) + more
    return [
      JSONSchema.member("previous_window", .nullable(.named("Window"))),
      JSONSchema.member("history_began", .nullable(.time), "The first day with a deploy or issue, where the report tells."),
      JSONSchema.member(
        "left_out_groups", .integer, "The number of smaller groups that are missing, because the answer would be too large."),
    ] + head + [JSONSchema.member("groups", .array(of: .object(group)))]
  }
}
