import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/pipelines` and `/pipelines/WORKFLOW`: what CI costs.
struct PipelinesPage {
  private let page: MetricContext
  private let workflow: String?
  private static let rowLimit = 500
  private static let shownLimit = 15
  private static let listLimit = 15

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    // The name of a workflow may hold a slash, which arrives decoded.
    let path = context.request.path
    let prefix = "/pipelines/"
    let name = path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : ""
    workflow = name.isEmpty ? nil : name
    page = try MetricContext(context, reports, .pipelines, address: workflow.map { Address("pipelines", $0) })
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "pipelines", [("limit", "\(Self.rowLimit)")]) { return data }
    let report = try PipelinesReport(
      PipelinesQuery(frame: page.frame, scope: page.question.itemScope, limit: Self.rowLimit, settings: page.settings),
      from: page.facts)
    if let workflow { return try detail(workflow, report) }
    guard report.current.runs > 0 || !report.jobs.isEmpty else {
      return try page.page(title: "Pipelines", hasServices: false) { html in
        try page.writeNothing(
          "No run is known in this period",
          [
            "GitHub: add the events Workflow runs and Workflow jobs to the webhook. GitLab: add Pipeline and Job events. Jenkins: install "
              + "the notification plug-in. CDEvents and scripts: vsperf event."
          ], &html)
      }
    }
    return try page.page(title: "Pipelines", hasServices: false) { html in
      try page.writeHeading(Self.sentence(report), hasServices: false, &html) { html in
        writeWorst(report, &html)
        html.text(" \(basis(report))")
      }
      html.element(.section, .classes("tiles")) { html in writeTiles(report, &html) }
      html.element(.div, .classes("halves")) { html in
        writeFlaky(report.jobs + report.workflows.filter { $0.value.flaky > 0 && !Self.hasJobs($0, report) }, &html)
        writeSlowest(report.slowestJobs, &html)
      }
      writeRunners(report.runners, &html)
      writeRows("Workflows", report.workflows, isJob: false, jobs: report.jobs, &html)
      writeRows("Jobs", report.jobs, isJob: true, &html)
    }
  }

  /// Writes which job is slowest, and which fails most.
  private func writeWorst(_ report: PipelinesReport, _ html: inout HTMLWriter) {
    func write(_ words: String, _ row: PipelinesReport.Row, _ figure: String) {
      html.text(" \(words) ")
      let name = name(row)
      if let address = address(of: row) {
        html.element(.a, .href(address)) { $0.foreign(name) }
      } else {
        html.foreign(name)
      }
      if let repository = row.repository {
        html.text(" of ")
        html.foreign(repository)
      }
      html.text(": \(figure).")
    }
    if let slowest = report.slowestJobs.first, let p95 = slowest.value.runTime.p95 {
      write("The slowest job is", slowest, "95 % within \(FigureUnit.duration(p95))")
    }
    if let failing = report.jobs.max(by: { $0.value.failed < $1.value.failed }), failing.value.failed > 0 {
      let value = failing.value
      write("Most failures are of", failing, "\(value.failed) of \(value.runs - value.undecided)")
    }
  }

  /// What the figures count.
  private func basis(_ report: PipelinesReport) -> String {
    func day(of time: Timestamp) -> String {
      Wording.day(Timestamp(seconds: page.frame.zone.localDay(of: time) * 86_400), now: page.now)
    }
    let days = "\(day(of: report.window.start)) through \(day(of: report.window.end.advanced(bySeconds: -1)))"
    return "All runs and jobs of the whole days \(days) count, each attempt of them. Percentiles are exact to 1 %."
  }

  private static func hasJobs(_ row: PipelinesReport.Row, _ report: PipelinesReport) -> Bool {
    report.jobs.contains { $0.workflow == row.workflow && $0.repository == row.repository }
  }

  private static func sentence(_ report: PipelinesReport) -> String {
    let current = report.current
    let flaky = current.flaky > 0 ? ", flaky attempts \(minutes(current.flakyMinutes))" : ""
    return "\(Wording.count(current.runs, "run")) took \(minutes(current.minutes)) of machine time: "
      + "failed ones \(minutes(current.failureMinutes))\(flaky)."
  }

  private static func minutes(_ minutes: Double) -> String { FigureUnit.duration(minutes * 60) }

  // MARK: Tiles

  private func writeTiles(_ report: PipelinesReport, _ html: inout HTMLWriter) {
    let (current, previous) = (report.current, report.previous)
    let (word, isAlone) = (page.question.beforeWord, page.question.comparisonText == nil)
    func duration(_ title: String, _ value: DurationSummary, _ before: DurationSummary?, _ remarks: [String] = []) {
      FigureTile(
        title: title, unit: .duration, value: value.median, before: before?.median, beforeWord: word, isAlone: isAlone,
        isBetterWhenHigher: false, counted: "\(Wording.count(value.n, "run")) that passed or failed",
        population: value.population, remarks: (value.p95.map { ["95 % within \(FigureUnit.duration($0))"] } ?? []) + remarks
      ).write(to: &html)
    }
    duration("Run time, median", current.runTime, previous?.runTime)
    duration(
      "Time in the queue, median", current.queueTime, previous?.queueTime,
      ["until a run starts; its jobs wait for runners after that, see Jobs and Runners"])
    func count(_ title: String, _ name: String, _ value: Int, _ before: Int?, _ counted: String, _ remarks: [String]) {
      FigureTile(
        title: title, unit: .count, value: Double(value), before: page.before(before), beforeWord: word, isAlone: isAlone,
        isBetterWhenHigher: false, door: page.door(name), counted: counted, population: Population(n: value), leftOut: nil,
        remarks: remarks
      ).write(to: &html)
    }
    count(
      "Failed runs", "failed", current.failed, previous?.failed,
      "\(Self.failureShare(current)) of \(Wording.count(current.runs - current.undecided, "run")) that passed or failed",
      ["\(Self.minutes(current.failureMinutes)) of machine time"])
    count(
      "Flaky", "flaky", current.flaky, previous?.flaky, Wording.count(current.flaky, "failed attempt"),
      ["\(Self.minutes(current.flakyMinutes)) of machine time", "passed later with the same commit"])
    count(
      "Run again", "rerun", current.rerun, previous?.rerun, Wording.count(current.rerun, "attempt") + " after the first", [])
  }

  // MARK: Tables

  private func address(of row: PipelinesReport.Row) -> Address? {
    row.workflow.map { name in
      page.question.kept.with { $0[.repository] = row.repository ?? $0[.repository] }.address(Address("pipelines", name))
    }
  }

  private func name(_ row: PipelinesReport.Row) -> String { row.job ?? row.workflow ?? "unknown" }

  private static func failureShare(_ value: PipelinesReport.Value) -> String {
    let decided = value.runs - value.undecided
    return decided > 0 ? Wording.share(Int64(value.failed), of: Int64(decided)) : "–"
  }

  private func writeRows(
    _ title: String, _ rows: [PipelinesReport.Row], isJob: Bool, isAll: Bool = false, jobs: [PipelinesReport.Row] = [],
    _ html: inout HTMLWriter
  ) {
    guard !rows.isEmpty else { return }
    let shown = isAll ? rows[...] : rows.prefix(Self.shownLimit)
    html.element(.section) { html in
      html.sectionHeading(title) { html in
        html.text("the most expensive failures first · queue: \(isJob ? "until a runner takes the job" : "until the run starts")")
        if rows.count > shown.count {
          html.text(" · \(shown.count) of \(rows.count); all of them are in ")
          html.element(.a, .href(page.state.with { $0.format = .json }.address(page.address)), text: ".json")
        }
      }
      html.scrollingTable(title, classes: "list") { html in
        html.tableHead(
          (isJob ? ["Job", "Workflow"] : ["Workflow"]) + [
            "Repository", ">Runs", ">Failed", ">Share", ">Cost of failures", ">Run again", ">Flaky", ">Queue p50", ">Queue p95",
            ">Run p50",
            ">Run p95",
          ])
        html.element(.tbody) { html in
          for row in shown {
            html.element(.tr) { html in
              writeName(of: row, &html)
              if isJob { html.element(.td) { $0.foreign(row.workflow ?? "") } }
              html.element(.td) { html in
                guard let repository = row.repository else { return }
                html.element(.a, .classes("plain"), .href(page.scoped { $0[.repository] = repository })) {
                  $0.foreign(repository)
                }
              }
              let value = row.value
              let numbers =
                [
                  Wording.grouped(Int64(value.runs)), Wording.grouped(Int64(value.failed)), Self.failureShare(value),
                  value.failed > 0 ? Self.minutes(value.failureMinutes) : "–", Wording.grouped(Int64(value.rerun)),
                  isJob ? Wording.grouped(Int64(value.flaky)) : Self.flaky(row, jobs),
                ]
                + [value.queueTime.median, value.queueTime.p95, value.runTime.median, value.runTime.p95].map {
                  FigureUnit.duration.text($0) ?? "–"
                }
              for number in numbers { html.element(.td, .classes("number"), text: number) }
            }
          }
        }
      }
    }
  }

  /// The flaky attempts of a workflow: those of its runs, or those of its jobs where jobs are known.
  private static func flaky(_ row: PipelinesReport.Row, _ jobs: [PipelinesReport.Row]) -> String {
    let own = jobs.filter { $0.workflow == row.workflow && $0.repository == row.repository }
    let count = own.reduce(0) { $0 + $1.value.flaky }
    return count > 0 ? "\(Wording.grouped(Int64(count))) in jobs" : Wording.grouped(Int64(row.value.flaky))
  }

  /// Writes the heading of a row, which leads to the workflow.
  private func writeName(of row: PipelinesReport.Row, _ html: inout HTMLWriter) {
    html.element(.th, .scope("row")) { html in
      if let address = address(of: row) {
        html.element(.a, .href(address)) { $0.foreign(name(row)) }
      } else {
        html.foreign(name(row))
      }
    }
  }

  private func writeFlaky(_ rows: [PipelinesReport.Row], _ html: inout HTMLWriter) {
    let flaky = rows.filter { $0.value.flaky > 0 }.sorted {
      ($1.value.flakyMinutes, name($0)) < ($0.value.flakyMinutes, name($1))
    }
    html.element(.section) { html in
      html.sectionHeading("Flaky") { html in
        html.text("failed, then passed with the same commit, the most expensive first")
        html.element(.a, .href(page.door("flaky")), text: "all attempts")
      }
      if flaky.isEmpty { return html.element(.p, .classes("quiet"), text: "No job failed and then passed with the same commit.") }
      let ranking = Ranking(
        title: "Flaky jobs", columns: ["Attempts", "Cost"], measure: \.flakyMinutes, isWaiting: true,
        cells: { [Wording.grouped(Int64($0.flaky)), Self.minutes($0.flakyMinutes)] })
      write(ranking, of: flaky, &html)
    }
  }

  private func writeSlowest(_ jobs: [PipelinesReport.Row], _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("Slowest jobs") { $0.text("by the 95th percentile of the run time") }
      if jobs.isEmpty { return html.element(.p, .classes("quiet"), text: "No run time of a job is known.") }
      let ranking = Ranking(
        title: "Slowest jobs", columns: ["p50", "p95"], measure: { $0.runTime.p95 ?? 0 }, isWaiting: false,
        cells: { value in [value.runTime.median, value.runTime.p95].map { FigureUnit.duration.text($0) ?? "–" } })
      write(ranking, of: jobs, &html)
    }
  }

  /// Writes what ran the jobs, with the time that jobs waited for it.
  private func writeRunners(_ runners: [PipelinesReport.RunnerRow], _ html: inout HTMLWriter) {
    guard !runners.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("Runners") { $0.text("labels, groups of workers and workers, the longest queues first") }
      html.scrollingTable("Runners", classes: "list") { html in
        html.tableHead(["Runner", ">Jobs", ">Share that failed", ">Machine time", ">Queue p50", ">Queue p95", ""])
        let longest = runners.first?.value.queueTime.p95 ?? 0
        html.element(.tbody) { html in
          for row in runners.prefix(Self.listLimit) {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { $0.foreign(row.runner ?? "unknown") }
              let value = row.value
              let numbers =
                [Wording.grouped(Int64(value.runs)), Self.failureShare(value), Self.minutes(value.minutes)]
                + [value.queueTime.median, value.queueTime.p95].map { FigureUnit.duration.text($0) ?? "–" }
              for number in numbers { html.element(.td, .classes("number"), text: number) }
              html.element(.td) {
                $0.shareBar(longest > 0 ? (value.queueTime.p95 ?? 0) / longest : 0, isWaiting: true)
              }
            }
          }
        }
      }
    }
  }

  /// A table of jobs by one number, with a bar for its share of the greatest.
  private struct Ranking {
    var title: String
    var columns: [String]
    var measure: (PipelinesReport.Value) -> Double
    /// True if the bar is time lost, rather than work.
    var isWaiting: Bool
    /// The cells below `columns`.
    var cells: (PipelinesReport.Value) -> [String]
  }

  /// - Parameter rows: In the order of the ranking.
  private func write(_ ranking: Ranking, of rows: [PipelinesReport.Row], _ html: inout HTMLWriter) {
    let greatest = rows.first.map { ranking.measure($0.value) } ?? 0
    html.scrollingTable(ranking.title, classes: "list") { html in
      html.tableHead(["Job", "Repository"] + ranking.columns.map { ">\($0)" } + [""])
      html.element(.tbody) { html in
        for row in rows.prefix(Self.listLimit) {
          html.element(.tr) { html in
            writeName(of: row, &html)
            html.element(.td) { $0.foreign(row.repository ?? "") }
            for cell in ranking.cells(row.value) { html.element(.td, .classes("number"), text: cell) }
            html.element(.td) {
              $0.shareBar(greatest > 0 ? ranking.measure(row.value) / greatest : 0, isWaiting: ranking.isWaiting)
            }
          }
        }
      }
    }
  }

  // MARK: One workflow

  private func detail(_ workflow: String, _ report: PipelinesReport) throws -> HTTPResponse {
    let rows = report.workflows.filter { $0.workflow == workflow }
    let jobs = report.jobs.filter { $0.workflow == workflow }
    guard !rows.isEmpty || !jobs.isEmpty else {
      throw PageError(
        404, "No run of a workflow \(workflow.prefix(200)) is known in this scope and period.",
        links: report.workflows.prefix(20).compactMap { row in
          address(of: row).map { ("\(row.workflow ?? "") of \(row.repository ?? "an unknown repository")", $0) }
        })
    }
    return try page.page(title: workflow, crumb: workflow, hasServices: false) { html in
      let (runs, failed) = rows.reduce((0, 0)) { ($0.0 + $1.value.runs, $0.1 + $1.value.failed) }
      try page.writeHeading(
        rows.isEmpty ? workflow : "\(workflow): \(failed) of \(Wording.count(runs, "run")) failed",
        hasServices: false,
        &html
      ) { html in
        html.text(" \(basis(report))")
      }
      writeRows("In each repository", rows, isJob: false, isAll: true, jobs: jobs, &html)
      html.element(.div, .classes("halves")) { html in
        writeFlaky(jobs.isEmpty ? rows : jobs, &html)
        writeSlowest(report.slowestJobs.filter { $0.workflow == workflow }, &html)
      }
      writeRows("Jobs", jobs, isJob: true, isAll: true, &html)
      html.element(.section) { html in
        html.sectionHeading("Runs of the repository")
        html.element(.ul, .classes("links")) { html in
          for (name, text) in [
            ("failed", "failed runs"), ("flaky", "flaky attempts"), ("rerun", "attempts after the first"),
            ("of_changes", "runs of changes"),
          ] {
            html.element(.li) { html in html.element(.a, .href(page.door(name)), text: text) }
          }
        }
      }
    }
  }
}
