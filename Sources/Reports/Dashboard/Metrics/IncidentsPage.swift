import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/incidents`: open and past incidents, the deploys they are tied to, and recovery.
struct IncidentsPage {
  private let page: MetricContext
  private static let rowLimit = 100

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .incidents)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "incidents") { return data }
    let report = try IncidentsReport(
      IncidentsQuery(frame: page.frame, scope: page.question.scope, settings: page.settings), from: page.facts)
    guard !report.open.isEmpty || !report.resolved.isEmpty || !report.failures.isEmpty || report.current.began > 0 else {
      return try page.page(title: "Incidents") { html in
        try page.writeNothing(
          "No incident and no failed release in this period",
          [
            "Incidents come from issues with a label such as incident, from CDEvents, or from a script with vsperf event.",
            "An incident is tied to a deploy by its service and environment: send both with it.",
          ], &html)
      }
    }
    let failures = report.failures.prefix(Self.rowLimit)
    let subjects = try page.subjects(
      (report.open + report.resolved.prefix(Self.rowLimit)).flatMap { [$0.incident] + [$0.cause.deploy].compactMap { $0 } }
        + failures.flatMap { $0.deploys + $0.incidents + [$0.remediedBy].compactMap { $0 } })
    return try page.page(title: "Incidents") { html in
      try page.writeHeading(Self.sentence(report, page.now), &html)
      html.element(.section, .classes("tiles four")) { html in writeTiles(report, &html) }
      try writeTimeline(report, &html)
      if !report.open.isEmpty {
        writeIncidents("Open", "the oldest first", report.open[...], subjects, &html)
      }
      writeFailures(failures, report.failures.count, subjects, &html)
      writeIncidents(
        "Resolved",
        report.resolved.count > Self.rowLimit ? "the last \(Self.rowLimit) of \(report.resolved.count)" : "the newest first",
        report.resolved.prefix(Self.rowLimit), subjects, &html)
    }
  }

  private static func sentence(_ report: IncidentsReport, _ now: Timestamp) -> String {
    let recovery = report.recoveryTime.current.summary.median.map {
      ". Failed releases recover in \(FigureUnit.duration($0)) at the median."
    }
    if let oldest = report.open.first {
      let age = Wording.duration(from: oldest.began, to: max(oldest.began, now))
      let verb = report.open.count == 1 ? "is" : "are"
      return "\(Wording.count(report.open.count, "incident")) \(verb) open, the oldest for \(age)" + (recovery ?? ".")
    }
    return "No incident is open" + (recovery ?? ".")
  }

  private func writeTiles(_ report: IncidentsReport, _ html: inout HTMLWriter) {
    let (current, previous) = (report.current, report.previous)
    let (word, isAlone) = (page.question.beforeWord, page.question.comparisonText == nil)
    FigureTile(
      title: "Incidents", unit: .count, value: Double(current.began), before: page.before(previous?.began), beforeWord: word,
      isAlone: isAlone, isBetterWhenHigher: false, door: page.door("began"),
      counted: Wording.count(current.began, "incident") + " began", population: Population(n: current.began), leftOut: nil,
      remarks: current.causes.filter { $0.count > 0 }.map { "\($0.count) \($0.basis.words)" }
    ).write(to: &html)
    func duration(_ title: String, _ name: String, _ value: DurationSummary, _ before: DurationSummary?, _ remarks: [String]) {
      FigureTile(
        title: title, unit: .duration, value: value.median, before: before?.median, beforeWord: word, isAlone: isAlone,
        isBetterWhenHigher: false, door: page.door(name),
        counted: Wording.count(value.n, name.hasPrefix("time") ? "incident" : "failure"),
        population: value.population, leftOut: page.leftOut(name), remarks: remarks
      ).write(to: &html)
    }
    let recovery = report.recoveryTime
    duration("Time to resolve, median", "time_to_resolve", current.timeToResolve, previous?.timeToResolve, [])
    duration("Time to detect, median", "time_to_detect", current.timeToDetect, previous?.timeToDetect, [])
    var remarks: [String] = []
    if let detected = recovery.current.fromDetection.median { remarks.append("from detection \(FigureUnit.duration(detected))") }
    if !recovery.current.open.isEmpty { remarks.append("\(recovery.current.open.count) still broken, not in the median") }
    duration(
      "Failed deployment recovery", DORAMetric.recoveryTime.rawValue, recovery.current.summary, recovery.previous?.summary,
      remarks)
  }

  private func writeTimeline(_ report: IncidentsReport, _ html: inout HTMLWriter) throws {
    let events = try page.events()
    guard !events.isEmpty else { return }
    var plot = Plot(title: "Releases and incidents", note: "│ release, ◆ failed release, bar: incident", height: 44)
    let axis = page.axis
    plot.xLabels = axis.labels
    for label in axis.labels { plot.add(.line(from: Plot.Point(label.place, 0), to: Plot.Point(label.place, 44)), .grid) }
    let (deploys, failed) = (events.places(of: .deploy, on: axis), events.places(of: .failedDeploy, on: axis))
    if !deploys.isEmpty { plot.add(.ticks(deploys, from: 12, to: 26), .deploy) }
    if !failed.isEmpty { plot.add(.ticks(failed, from: 6, to: 26), .failure) }
    for place in events.places(of: .failedDeploy, on: axis, distance: TimelineEvents.signWidth) {
      plot.add(.sign(Plot.Point(place, 6), "◆"), .failure)
    }
    for span in events.incidentSpans(on: axis) {
      plot.add(.box(from: Plot.Point(span.start, 30), to: Plot.Point(span.end, 38)), .incident)
    }
    plot.add(.line(from: Plot.Point(0, 44), to: Plot.Point(1, 44)), .axis)
    html.element(.section) { html in
      html.sectionHeading("Releases and incidents") { html in
        html.text("│ release  ◆ failed  ▬ incident")
        html.element(.a, .href(page.door(DORAMetric.changeFailRate.rawValue)), text: "all releases with verdicts")
      }
      html.plot(plot)
    }
  }

  private func writeIncidents(
    _ title: String, _ remark: String, _ rows: ArraySlice<IncidentRow>, _ subjects: [FactID: FactSubject],
    _ html: inout HTMLWriter
  ) {
    html.element(.section) { html in
      html.sectionHeading(title) { $0.text(remark) }
      if rows.isEmpty { return html.element(.p, .classes("quiet"), text: "None in this period.") }
      html.scrollingTable("\(title) incidents", classes: "list") { html in
        html.tableHead([
          "Incident", "Began", ">Lasted", ">Detected after", "Severity", "Service", "Environment", "Caused by",
        ])
        html.element(.tbody) { html in
          for row in rows {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { html in
                if row.resolved == nil { html.word("", .bad) }
                html.subject(row.incident, subjects)
              }
              html.element(.td) { $0.time(row.began, now: page.now) }
              html.element(
                .td, .classes("number"), text: (FigureUnit.duration.text(row.seconds) ?? "–") + (row.resolved == nil ? " +" : ""))
              html.element(
                .td, .classes("number"),
                text: row.detected > row.began ? Wording.duration(from: row.began, to: row.detected) : "at once")
              html.element(.td) { $0.foreign(row.severity ?? "") }
              html.element(.td) { $0.foreign(row.service ?? "") }
              html.element(.td) { $0.foreign(row.environment ?? "") }
              html.element(.td, .classes("why")) { html in
                if let deploy = row.cause.deploy { html.subject(deploy, subjects, attempt: row.cause.attempt) }
                html.element(.small, .classes("below"), text: row.cause.basis.words)
                if let exclusion = row.exclusion {
                  html.element(.small, .classes("below")) { $0.foreign("excluded: \(exclusion)") }
                }
              }
            }
          }
        }
      }
    }
  }

  private func writeFailures(
    _ rows: ArraySlice<FailureRow>, _ count: Int, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter
  ) {
    html.element(.section) { html in
      html.sectionHeading("Failed releases and their recovery") { html in
        html.text("overlapping failures of a service are one")
        if count > rows.count { html.text(" · \(rows.count) of \(count)") }
        html.element(.a, .href(page.door(DORAMetric.recoveryTime.rawValue)), text: "rows behind the recovery time")
      }
      if rows.isEmpty { return html.element(.p, .classes("quiet"), text: "No release failed.") }
      html.scrollingTable("Failed releases", classes: "list") { html in
        html.tableHead(["Deploy", "Service", "Failed", ">Broken for", "Remedied by", "Incidents", "Rules"])
        html.element(.tbody) { html in
          for row in rows {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), .classes("main")) { html in
                html.word("", row.recovered == nil ? .bad : .plain)
                for (index, deploy) in row.deploys.enumerated() {
                  if index > 0 { html.text(", ") }
                  html.subject(deploy, subjects, attempt: 1)
                }
              }
              html.element(.td) { $0.foreign(row.service ?? "") }
              html.element(.td) { $0.time(row.began, now: page.now) }
              html.element(
                .td, .classes("number"), text: (FigureUnit.duration.text(row.seconds) ?? "–") + (row.recovered == nil ? " +" : "")
              )
              html.element(.td) { html in
                if let remedy = row.remediedBy {
                  html.subject(remedy, subjects, attempt: 1)
                } else {
                  html.text(row.recovered == nil ? "nothing yet" : "the end of its incident")
                }
              }
              html.element(.td) { html in
                for (index, incident) in row.incidents.enumerated() {
                  if index > 0 { html.text(", ") }
                  html.subject(incident, subjects)
                }
              }
              html.element(.td, .classes("why"), text: row.rules.map(\.words).joined(separator: ", "))
            }
          }
        }
      }
    }
  }
}

extension IncidentCause.Basis {
  /// How an incident is tied to a deploy, in words.
  var words: String {
    switch self {
    case .stated: "said by the sender"
    case .latestRelease: "latest release of the service before it"
    case .none: "no release shortly before"
    }
  }
}

extension FailureRule {
  var words: String {
    switch self {
    case .incident: "incident"
    case .rollback: "rolled back"
    case .revert: "a change was reverted"
    case .hotfix: "a hotfix followed"
    case .failed: "the deploy failed"
    }
  }
}
