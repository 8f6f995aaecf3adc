import DeliveryMetrics

/// A number of a report that has rows behind it: `/reports/NAME` shows them.
struct Measure {
  /// The name in addresses of pages.
  let name: String
  /// The report of the API that has the number. Nil for the ages of open items, which the API lists whole.
  let report: String?
  let title: String
  /// What the number means, in a sentence.
  let formula: String
  /// The unit of what a row contributes; nil if only its existence counts.
  let unit: FigureUnit?
  let page: PageFrame.Section

  private init(
    _ name: String, _ report: String?, _ page: PageFrame.Section, _ title: String, _ unit: FigureUnit?, _ formula: String
  ) {
    self.name = name
    self.report = report
    self.title = title
    self.formula = formula
    self.unit = unit
    self.page = page
  }

  /// The measures that leave nothing out: each of their rows counts.
  private static let whole: Set<String> = [
    "throughput", "load", "waiting_for_reviewer", "waiting_for_author", "unreviewed", "failed", "rerun", "of_changes", "flaky",
    "began",
  ]

  /// True if the API tells which rows the number leaves out.
  var hasLeftOut: Bool { !Self.whole.contains(name) }

  /// The name of the metric in addresses of the API.
  var metric: String { name.replacing("_", with: "-") }

  static let all: [Measure] =
    DORAMetric.allCases.map {
      Measure($0.rawValue, "dora", .overview, $0.title, $0.isDuration ? .duration : nil, $0.formula)
    } + [
      Measure(
        "coding", "lead-time", .leadTime, "Coding", .duration,
        "The time from the first commit until the change is ready for review, as a draft, too."),
      Measure(
        "pickup", "lead-time", .leadTime, "Pickup", .duration,
        "The time from ready for review to the first response by a person other than the author."),
      Measure(
        "review", "lead-time", .leadTime, "Review", .duration, "The time from the first response to the last approval."),
      Measure(
        "merge", "lead-time", .leadTime, "Merge", .duration,
        "The time from the last approval to the merge. Of a change without a review: from ready for review."),
      Measure(
        "release", "lead-time", .leadTime, "Release", .duration, "The time from the merge to the start of the deploy's run."),
      Measure(
        "deploy", "lead-time", .leadTime, "Deploy", .duration, "The time from the start of the run to the end of the release."),
      Measure(
        "flow_time", "flow", .flow, "Flow time", .duration,
        "The time from the first entry into a started status until the item is done. Moving back wipes later steps."),
      Measure(
        "open_time", "flow", .flow, "Time open", .duration,
        "The time from the creation of an issue or other item until it is done."),
      Measure("throughput", "flow", .flow, "Throughput", .duration, "Items done in the period, each with its flow time."),
      Measure(
        "load", "flow", .flow, "Items in progress", .duration,
        "Items that are begun and not done at the end of the period, each with its age."),
      Measure(
        "efficiency", "flow", .flow, "Flow efficiency", .duration,
        "The time in active statuses divided by the flow time, over all items done. The rows show the active time."),
      Measure(
        "merged", "reviews", .reviews, "Merged changes", nil, "Changes by people that were merged in the period."),
      Measure(
        "first_response", "reviews", .reviews, "First response", .duration,
        "The time from ready for review to the first response by a person other than the author."),
      Measure(
        "ready_to_merge", "reviews", .reviews, "Ready to merge", .duration, "The time from ready for review to the merge."),
      Measure(
        "waiting_for_reviewer", "reviews", .reviews, "Waiting for a reviewer", .duration,
        "The time in which the next step was up to a reviewer."),
      Measure(
        "waiting_for_author", "reviews", .reviews, "Waiting for the author", .duration,
        "The time in which the next step was up to the author."),
      Measure(
        "unreviewed", "reviews", .reviews, "Merged without review", nil,
        "Changes that were merged without an approval or any other response by a person."),
      Measure("failed", "pipelines", .pipelines, "Failed runs", .duration, "Runs that failed, each with its run time."),
      Measure("rerun", "pipelines", .pipelines, "Run again", nil, "Attempts after the first."),
      Measure("of_changes", "pipelines", .pipelines, "Runs of changes", nil, "Runs that belong to a change."),
      Measure(
        "flaky", "pipelines", .pipelines, "Flaky", .duration,
        "Failed attempts of jobs that passed later with the same commit, each with its run time."),
      Measure("began", "incidents", .incidents, "Incidents", nil, "Incidents that began in the period."),
      Measure(
        "time_to_resolve", "incidents", .incidents, "Time to resolve", .duration,
        "The time from the beginning of an incident to its resolution, of incidents resolved in the period."),
      Measure(
        "time_to_detect", "incidents", .incidents, "Time to detect", .duration,
        "The time from the beginning of an incident to its report, of incidents resolved in the period."),
      Measure(
        "age", nil, .ageing, "Age of items in progress", .duration,
        "The time since work on an item began, of items that are not done."),
    ]

  static func named(_ name: String) -> Measure? { all.first { $0.name == name } }
}
