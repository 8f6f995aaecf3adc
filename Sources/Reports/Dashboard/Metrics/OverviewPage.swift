import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// `/`: the five delivery metrics with their change, what is stuck, and what came lately.
struct OverviewPage {
  private let page: MetricContext
  private var context: PageContext { page.context }
  private var reports: Dashboard.Reports { page.reports }

  private static let stuckLimit = 8
  private static let latelyLimit = 10

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .overview)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "dora") { return data }
    let question = page.question
    var query = question.dora
    query.buckets = .week
    let overview = try OverviewReport(
      OverviewQuery(dora: query, itemScope: question.itemScope, projects: ProjectTable.grouping(page)), from: reports.facts)
    let report = overview.dora
    let stuck = try stuckItems(overview, question)
    let lately = try latelyItems()
    let projects = try ProjectTable(page, overview)
    let remarks = try remarks(report)
    return try page.page(title: "Overview", refreshSeconds: 60) { html in
      guard let group = report.groups.first, report.historyBegan != nil else {
        writeNothing(&html)
        projects.write(to: &html)
        writeLately(lately, &html)
        return
      }
      try page.writeHeading(Comparison.sentence(group), &html) { html in
        guard isNothingInScope(group) else { return }
        html.text(" No release fits this scope. The names of services and environments are those of the ")
        html.element(.a, .href(Address("deploys")), text: "deploys")
        html.text("; * stands for any letters.")
      }
      html.element(.section, .classes("tiles")) { html in
        for metric in DORAMetric.allCases {
          MetricTile(metric, group, page, remark: remarks[metric]).write(to: &html)
        }
      }
      projects.write(to: &html)
      html.element(.div, .classes("with-rail")) { html in
        writeLately(lately, &html)
        writeStuck(stuck, &html)
      }
      QuestionList(page).write(to: &html)
    }
  }

  /// True if the scope names something to which no release belongs, in this period or the one before.
  private func isNothingInScope(_ group: DORAReport.Group) -> Bool {
    let frequency = group.deploymentFrequency
    return page.question.isScoped && frequency.current.population.coverage == nil
      && frequency.previous?.population.coverage == nil
  }

  /// What is to be said about metrics that are not known although there are releases.
  private func remarks(_ report: DORAReport) throws -> [DORAMetric: String] {
    guard let group = report.groups.first, group.leadTime.current.summary.population.coverage == nil,
      group.deploymentFrequency.current.releases > 0
    else { return [:] }
    return [.leadTime: try LeadTimeObstacle(page).sentence]
  }

  private func writeNothing(_ html: inout HTMLWriter) {
    html.pageHeading("No deploy is known yet") { html in
      html.text("Delivery metrics begin with the first deploy to production.")
    }
    html.element(.div, .classes("empty")) { html in
      html.element(.ul) { html in
        html.element(.li) { html in
          html.element(.a, .href(Address("connect")), text: "Connect a source")
          html.text(" that says when you deploy: GitHub or GitLab deployments, Jenkins, CDEvents, or vsperf event in a script.")
        }
        html.element(.li) { html in
          html.text("Deploys come, but none is production? See ")
          html.element(.a, .href(Address("deploys")), text: "deploys")
          html.text(" for the names of your environments.")
        }
      }
    }
  }

  // MARK: Stuck

  private struct Stuck {
    var id: FactID
    var what: String
    var since: Timestamp
    var tone: Tone
  }

  private func stuckItems(_ report: OverviewReport, _ question: ReportQuestion) throws -> [(Stuck, FactSubject)] {
    let ageing = try AgeingReport(
      AgeingQuery(frame: page.lastDay, scope: question.itemScope, settings: reports.settings), from: reports.facts)
    var items = (report.dora.groups.first?.recoveryTime.current.open ?? []).map {
      Stuck(id: $0.deploy, what: "failed, and nothing remedied it yet", since: $0.since, tone: .bad)
    }
    items += report.openIncidents.prefix(Self.stuckLimit / 2).map { incident in
      Stuck(id: incident.incident, what: "incident, open", since: incident.began, tone: .bad)
    }
    items += ageing.reviews.prefix(Self.stuckLimit / 2).map { review in
      let words = review.firstResponse == nil ? "waits for a first review" : "in review"
      return Stuck(id: review.change, what: words, since: review.ready, tone: .attention)
    }
    items += ageing.items.prefix(Self.stuckLimit / 2).map { item in
      let words = [item.status, item.isBlocked ? "blocked" : nil].compactMap { $0 }.joined(separator: ", ")
      return Stuck(id: item.issue, what: words.isEmpty ? "in progress" : words, since: item.started, tone: .attention)
    }
    let subjects = try reports.facts.factSubjects(Set(items.map(\.id)))
    return items.prefix(2 * Self.stuckLimit).compactMap { item in subjects[item.id].map { (item, $0) } }
  }

  private func writeStuck(_ items: [(Stuck, FactSubject)], _ html: inout HTMLWriter) {
    html.element(.aside, .classes("rail"), .label("What is stuck")) { html in
      html.sectionHeading("What is stuck") { $0.text("failures and incidents, then reviews and issues, the oldest first") }
      guard !items.isEmpty else { return html.element(.p, .classes("quiet"), text: "Nothing that vsd knows of.") }
      html.element(.table, .classes("figures")) { html in
        html.element(.caption, text: "What is stuck")
        html.element(.tbody) { html in
          for (item, subject) in items {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { html in
                html.word("", item.tone)
                html.element(.a, .href(Address("traces", subject.traceID.description))) { $0.foreign(subject.name) }
                html.text(" · ")
                html.foreign(item.what, .classes("quiet"))
              }
              html.element(.td, .classes("number"), text: Wording.duration(from: item.since, to: max(item.since, context.now)))
            }
          }
        }
      }
    }
  }

  // MARK: Lately

  /// Returns the newest changes, deploys and incidents, by what happened last.
  private func latelyItems() throws -> [TracedSpan] {
    var reader = context.queries.reader()
    var spans: [TracedSpan] = []
    var known: Set<SubjectKey> = []
    for operation in [Operation.deploy, .pullRequest, .incident] {
      var filter = SubjectFilter()
      filter.operation = operation
      // In the order of arrival, an import would show the oldest items, because it reads from the newest to the oldest.
      for order in [SubjectOrder.start, .end] {
        let page = try context.queries.store.subjects(matching: filter, in: order, after: nil, limit: Self.latelyLimit)
        for placed in page.subjects where known.insert(placed.subject.key).inserted {
          spans += try reader.spans(of: placed.subject).suffix(1)
        }
      }
    }
    let sorted = spans.sorted { ($1.span.end ?? $1.span.start, $0.span.key) < ($0.span.end ?? $0.span.start, $1.span.key) }
    return Array(sorted.prefix(Self.latelyLimit))
  }

  private func writeLately(_ spans: [TracedSpan], _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("Lately") { html in
        html.element(.a, .href(QuestionList.yesterday(context.now)), text: "yesterday in production")
        html.element(.a, .href(Address("deploys")), text: "all deploys")
        html.element(.a, .href(Address("changes")), text: "all changes")
      }
      guard !spans.isEmpty else { return html.element(.p, .classes("quiet"), text: "Nothing yet.") }
      html.scrollingTable("Lately", classes: "list") { html in
        html.tableHead(["When", "Item", "State", ">Took"])
        html.element(.tbody) { html in
          for traced in spans {
            let span = traced.span
            html.element(.tr) { html in
              html.element(.td) { $0.time(span.end ?? span.start, now: context.now) }
              html.element(.th, .scope("row"), .classes("main")) { html in
                html.element(.span, .classes("op"), .isHidden, text: span.operation.symbol)
                html.element(.a, .href(traced.address)) { $0.foreign(span.name) }
                if let title = span.givenTitle {
                  html.text(" ")
                  html.foreign(title, .classes("title"))
                }
              }
              html.element(.td) { $0.outcome(of: span) }
              html.element(.td, .classes("number"), text: Wording.duration(from: span.start, to: span.end ?? context.now))
            }
          }
        }
      }
    }
  }

  /// Says in a sentence how the period compares with the one before.
  private enum Comparison {
    static func sentence(_ group: DORAReport.Group) -> String {
      let changes = DORAMetric.allCases.compactMap { metric -> Bool? in
        let change = FigureTile.change(metric.value(in: group), metric.previousValue(in: group))
        guard let change, change != .same else { return nil }
        return (change == .up) == metric.isBetterWhenHigher
      }
      let worse = changes.count { !$0 }
      // Two of the figures make the sentence. It must not hide that most are worse.
      return paceAndFailures(group) + (worse >= 3 ? " \(worse) of the five figures are worse." : "")
    }

    private static func paceAndFailures(_ group: DORAReport.Group) -> String {
      let pace = FigureTile.change(group.leadTime.current.summary.median, group.leadTime.previous?.summary.median)
      let failing = FigureTile.change(group.changeFailRate.current.ratio, group.changeFailRate.previous?.ratio)
      switch (pace, failing) {
      case (.down?, .up?): return "Faster than before, and breaking more often."
      case (.down?, .down?): return "Faster than before, and breaking less often."
      case (.up?, .up?): return "Slower than before, and breaking more often."
      case (.up?, .down?): return "Slower than before, and breaking less often."
      case (.down?, _): return "Faster than before."
      case (.up?, _): return "Slower than before."
      case (_, .up?): return "As fast as before, and breaking more often."
      case (_, .down?): return "As fast as before, and breaking less often."
      case (.same?, _), (_, .same?): return "Much as before."
      case (nil, nil): return "How you deliver"
      }
    }
  }
}
