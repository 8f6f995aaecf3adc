import DeliveryMetrics
import ValueStreamCore

/// The six questions for each team, or for each repository without teams: how often it is deployed, what share of deploys
/// succeeds, and how long issues, changes, builds and deploys take.
struct ProjectTable {
  private let page: MetricContext
  private var projects: [Project] = []
  private var hiddenCount = 0
  private let grouping: Grouping

  /// The number of projects shown.
  private static let limit = 8
  private static let deployLimit = 20_000

  private struct Project {
    var name: String
    var frequency: DeploymentFrequency.Value?
    var trend: [FigureTile.Step] = []
    var succeeded = 0
    var finished = 0
    var deploySeconds: [Double] = []
    var issues: FlowReport.Value?
    var reviews: ReviewsReport.Value?
    var builds: PipelinesReport.Value?

    /// How much is known of the project.
    var weight: Int { finished + (reviews?.merged ?? 0) + (issues?.throughput ?? 0) + (issues?.load ?? 0) }
  }

  init(_ page: MetricContext) throws {
    self.page = page
    let grouping = page.division(services: false)
    self.grouping = grouping
    let frame = page.withoutComparison
    let (facts, settings) = (page.facts, page.settings)
    var found: [String: Project] = [:]
    func update(_ name: String?, _ change: (inout Project) -> Void) {
      guard let name else { return }
      change(&found[name, default: Project(name: name)])
    }
    let releases = try DORAReport(
      DORAQuery(frame: frame, scope: page.question.scope, grouping: grouping, buckets: .week, settings: settings), from: facts)
    for group in releases.groups {
      update(group.key.name) { project in
        project.frequency = group.deploymentFrequency.current
        project.trend = group.trend.map {
          FigureTile.Step(value: Double($0.deploymentFrequency.releases), isPartial: $0.bucket.isPartial)
        }
      }
    }
    let deploys = try DeploysReport(
      DeploysQuery(frame: frame, scope: page.question.scope, limit: Self.deployLimit, settings: settings), from: facts)
    for row in deploys.rows where row.exclusion == nil && (row.outcome == .success || row.outcome == .failure) {
      let teams = settings.teams.filter { team in
        [row.service, row.repository].compactMap { $0 }.contains { team.patterns.match($0) }
      }
      for name in grouping == .team ? teams.map(\.name) : [row.repository].compactMap({ $0 }) {
        update(name) { project in
          project.finished += 1
          if row.outcome == .success { project.succeeded += 1 }
          if let start = row.started, let end = row.ended, end >= start {
            project.deploySeconds.append(end.seconds(since: start))
          }
        }
      }
    }
    let flow = try FlowReport(
      FlowQuery(frame: frame, scope: page.question.itemScope, grouping: grouping, settings: settings), from: facts)
    for group in flow.groups { update(group.key.name) { $0.issues = group.current } }
    let reviews = try ReviewsReport(
      ReviewsQuery(frame: frame, scope: page.question.itemScope, grouping: grouping, settings: settings), from: facts)
    for group in reviews.groups { update(group.key.name) { $0.reviews = group.current } }
    let sorted = found.values.filter { $0.weight > 0 }.sorted { ($1.weight, $0.name) < ($0.weight, $1.name) }
    hiddenCount = max(0, sorted.count - Self.limit)
    projects = Array(sorted.prefix(Self.limit))
    try readBuilds()
  }

  private mutating func readBuilds() throws {
    var query = PipelinesQuery(
      frame: page.withoutComparison, scope: page.question.itemScope, lists: .repositories, limit: .max, settings: page.settings)
    guard grouping == .team else {
      let rows = try PipelinesReport(query, from: page.facts).repositories
      let values = Dictionary(rows.map { ($0.repository, $0.value) }) { first, _ in first }
      for index in projects.indices { projects[index].builds = values[projects[index].name] }
      return
    }
    query.lists = .none
    for index in projects.indices {
      query.scope.team = projects[index].name
      projects[index].builds = try PipelinesReport(query, from: page.facts).current
    }
  }

  func write(to html: inout HTMLWriter) {
    guard !projects.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("Six questions, by \(noun)") { html in
        html.text("medians of the period")
        if hiddenCount > 0 { html.text("\(hiddenCount) \(noun)s with fewer deploys, changes and issues are not shown") }
      }
      html.scrollingTable("Six questions, by \(noun)", classes: "list questions") { html in
        html.tableHead([
          noun.prefix(1).uppercased() + noun.dropFirst(), ">Deploys a week", "", ">Deploys that succeed",
          ">Issues, begun to done", ">Pull requests, ready to merge",
          ">Builds",
          ">Deploys",
        ])
        html.element(.tbody) { html in
          for project in projects { writeRow(project, &html) }
        }
      }
    }
  }

  private var noun: String { grouping == .team ? "team" : "project" }

  /// The page with the scope of a project.
  private func address(_ place: Address, _ project: Project) -> Address {
    page.question.kept.with { $0[grouping == .team ? .team : .repository] = project.name }.address(place)
  }

  private func door(_ metric: String, _ project: Project) -> Address { address(Address("reports", metric), project) }

  private func writeRow(_ project: Project, _ html: inout HTMLWriter) {
    let deploys = Address("deploys").adding(grouping == .team ? "team" : "project", project.name).adding(
      "from", page.frame.window.start.rfc3339
    )
    .adding("to", page.frame.window.end.rfc3339)
    html.element(.tr) { html in
      html.element(.th, .scope("row")) { html in
        html.element(.a, .href(address(page.address, project))) { $0.foreign(project.name) }
      }
      writeCell(
        project.frequency?.perWeek.map(\.brief), project.frequency.map { Wording.count($0.releases, "release") },
        door(DORAMetric.deploymentFrequency.rawValue, project), &html)
      html.element(.td) { $0.miniature(project.trend) }
      writeCell(
        project.finished > 0 ? FigureUnit.share.text(Double(project.succeeded) / Double(project.finished)) : nil,
        project.finished > 0 ? "\(project.succeeded) of \(project.finished)" : nil, deploys, &html)
      writeDuration(project.issues?.flowTime, "done", door("flow_time", project), &html)
      writeDuration(project.reviews?.readyToMerge, "merged", door("ready_to_merge", project), &html)
      writeDuration(project.builds?.runTime, "runs", address(Address("pipelines"), project), &html)
      writeCell(
        FigureUnit.duration.text(Statistics.median(of: project.deploySeconds)),
        project.deploySeconds.isEmpty ? nil : Wording.count(project.deploySeconds.count, "deploy"), deploys, &html)
    }
  }

  private func writeDuration(_ summary: DurationSummary?, _ counted: String, _ door: Address, _ html: inout HTMLWriter) {
    let n = summary?.n ?? 0
    writeCell(FigureUnit.duration.text(summary?.median), n > 0 ? "\(Wording.grouped(Int64(n))) \(counted)" : nil, door, &html)
  }

  private func writeCell(_ figure: String?, _ basis: String?, _ door: Address, _ html: inout HTMLWriter) {
    html.element(.td, .classes("number")) { html in
      guard let figure else { return html.element(.span, .classes("quiet"), text: "–") }
      html.element(.a, .href(door), text: figure)
      if let basis { html.element(.small, text: basis) }
    }
  }
}

extension HTMLWriter {
  /// Writes a small trend of counts without numbers, which stand beside it.
  mutating func miniature(_ steps: [FigureTile.Step]) {
    let greatest = steps.compactMap(\.value).max() ?? 0
    guard greatest > 0, steps.count > 1 else { return }
    let step = 1 / Double(steps.count)
    element(.svg, .classes("trend mini"), .width(.pixels(88)), .height(.pixels(22)), .isHidden) { html in
      for (index, point) in steps.enumerated() {
        guard let value = point.value, value > 0 else { continue }
        html.element(
          .rect, .classes(point.isPartial ? "bar partial" : "bar"), .x(.share((Double(index) + 0.12) * step)),
          .width(.share(step * 0.76)), .y(.pixels(21 - 19 * value / greatest)), .height(.pixels(19 * value / greatest)))
      }
      html.element(.line, .classes("axis"), .x1(.pixels(0)), .x2(.share(1)), .y1(.pixels(21)), .y2(.pixels(21)))
    }
  }
}
