import DeliveryMetrics
import ValueStreamCore

/// The six questions for each team, or for each repository without teams: how often it is deployed, what share of deploys
/// succeeds, and how long issues, changes, builds and deploys take.
struct ProjectTable {
  private let page: MetricContext
  private let projects: [OverviewReport.Project]
  private let hiddenCount: Int
  private let grouping: Grouping
  /// How long the runs of CI took, by name of the project.
  private let runTimes: [String: DurationSummary]

  /// - Parameter report: grouped by ``grouping(_:)``.
  init(_ page: MetricContext, _ report: OverviewReport) throws {
    self.page = page
    grouping = Self.grouping(page)
    projects = report.projects
    hiddenCount = report.hiddenProjects
    runTimes = try PipelinesReport.runTimes(
      PipelinesQuery(frame: page.withoutComparison, scope: page.question.itemScope, settings: page.settings), by: grouping,
      from: page.facts)
  }

  /// What a project is.
  static func grouping(_ page: MetricContext) -> Grouping { page.division(services: false) }

  func write(to html: inout HTMLWriter) {
    guard !projects.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("Six questions, by \(noun)") { html in
        html.text("medians of the period")
        if hiddenCount > 0 { html.text(" · \(hiddenCount) \(noun)s with fewer deploys, changes and issues are not shown") }
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
  private func address(_ place: Address, _ project: OverviewReport.Project) -> Address {
    page.question.kept.with { $0[grouping == .team ? .team : .repository] = project.name }.address(place)
  }

  private func door(_ metric: String, _ project: OverviewReport.Project) -> Address {
    address(Address("reports", metric), project)
  }

  private func writeRow(_ project: OverviewReport.Project, _ html: inout HTMLWriter) {
    var state = PageState()
    state[grouping == .team ? .team : .project] = project.name
    state.isProduction = true
    state.isOpen = false
    state.window = .init(from: page.frame.window.start, to: page.frame.window.end)
    let deploys = state.address(Address("deploys"))
    html.element(.tr) { html in
      html.element(.th, .scope("row")) { html in
        html.element(.a, .href(address(page.address, project))) { $0.foreign(project.name) }
      }
      writeCell(
        project.frequency?.perWeek.map(\.brief), project.frequency.map { Wording.count($0.releases, "release") },
        door(DORAMetric.deploymentFrequency.rawValue, project), &html)
      html.element(.td) { html in
        html.miniature(
          project.weeks.map { FigureTile.Step(value: Double($0.releases), isPartial: $0.bucket.isPartial) })
      }
      writeCell(
        project.finished > 0 ? FigureUnit.share.text(Double(project.succeeded) / Double(project.finished)) : nil,
        project.finished > 0 ? "\(project.succeeded) of \(project.finished)" : nil, deploys, &html)
      writeDuration(project.issues?.flowTime, "done", door("flow_time", project), &html)
      writeDuration(project.reviews?.readyToMerge, "merged", door("ready_to_merge", project), &html)
      writeDuration(runTimes[project.name], "runs", address(Address("pipelines"), project), &html)
      writeCell(
        FigureUnit.duration.text(project.deployTime.median),
        project.deployTime.n > 0 ? Wording.count(project.deployTime.n, "deploy") : nil, deploys, &html)
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
