import ReportClient

extension Command {
  /// The commands that show a report of a vsd, in the order of the help page.
  static let deliveryReports: [Command] = [
    report(
      .dora, "show the five delivery metrics of DORA, compared with the window before",
      """
      Asks a vsd for lead time for changes, deployment frequency, change fail rate, failed deployment
      recovery time and rework rate. Each number says how many items it counts, of how many.
      """,
      [
        ("The last 90 days, compared with the 90 days before", "vsperf dora --server http://127.0.0.1:5000"),
        ("A row for each team, as Markdown", "vsperf dora --since 30d --group-by team --format markdown --server $VSD"),
        ("The changes behind the lead time", "vsperf dora --evidence lead-time --service shop --server $VSD"),
      ]),
    report(
      .leadTime, "show how long changes take from the first commit to production, by stage",
      """
      Asks a vsd for the lead time for changes and its stages: coding, pickup, review, merge, release and
      deploy.
      """,
      [
        (
          "By service, from the opening of the change",
          "vsperf lead-time --group-by service --lead-time-from opened --server $VSD"
        )
      ]),
    report(
      .deploys, "list deploys with what they brought and how they ended",
      "Asks a vsd for the deploys of a window, their changes and their verdicts.",
      [("All deploys of a service to staging", "vsperf deploys --service shop --environment staging --server $VSD")]),
    report(
      .changes, "list merged changes with their stages and first deploy",
      "Asks a vsd for the changes of a window.",
      [("The changes of a repository, as CSV", "vsperf changes --repository acme/shop --format csv --server $VSD")]),
    report(
      .incidents, "list incidents with what caused them and how long they lasted",
      "Asks a vsd for the incidents of a window.", [("Of a year", "vsperf incidents --since 365d --server $VSD")]),
    report(
      .flow, "show flow time, throughput and work in progress of issues",
      "Asks a vsd how issues flow: from the first status in which they are started until they are done.",
      [("By month", "vsperf flow --bucket month --since 365d --server $VSD")]),
    report(
      .ageing, "list what is in progress, by age",
      "Asks a vsd which work is started and not done, and how old it is.",
      [("Of a team", "vsperf ageing --team payments --server $VSD")]),
    report(
      .forecast, "show how much will be done by when, from the throughput so far",
      """
      Asks a vsd for a simulation with the daily throughput so far: when a number of items is done, and how
      many are done by a date.
      """,
      [("When will 20 items be done?", "vsperf forecast --items 20 --server $VSD")]),
    report(
      .reviews, "show how long reviews take and who waits for whom",
      "Asks a vsd for the time to the first response, rounds, and sizes of reviewed changes.",
      [("By team", "vsperf reviews --group-by team --server $VSD")]),
    report(
      .pipelines, "show how often and how long workflows and jobs run, fail and are flaky",
      "Asks a vsd for runs, failures, re-runs, and times in the queue, by workflow and job.",
      [
        ("Of a repository", "vsperf pipelines --repository acme/shop --server $VSD"),
        ("The slowest jobs", "vsperf pipelines --with list=slowest-jobs --server $VSD"),
      ]),
  ]

  private static func report(
    _ report: ReportName, _ summary: String, _ description: String, _ examples: [(text: String, command: String)]
  ) -> Command {
    Command(
      words: [report.rawValue], summary: summary, description: description,
      declarations: ShowDeliveryReport.declarations(of: report),
      examples: examples, run: { try await ShowDeliveryReport(report, $0).run() })
  }
}
