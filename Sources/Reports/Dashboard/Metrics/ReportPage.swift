import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// `/reports/NAME`: one of the five metrics in words, and the rows behind it.
struct ReportPage {
  private let context: PageContext
  private let reports: Dashboard.Reports
  private static let usualLimit = 50

  init(_ context: PageContext, _ reports: Dashboard.Reports) {
    self.context = context
    self.reports = reports
  }

  func respond(name: String) throws -> HTTPResponse {
    guard let metric = DORAMetric(rawValue: name) else {
      throw PageError(
        404, "There is no report \(name).", links: DORAMetric.allCases.map { ($0.title, Address("reports", $0.rawValue)) })
    }
    let state = try PageState(context.request, taking: ReportQuestion.parameters + [.part, .place, .limit])
    let question = ReportQuestion(state, reports.settings, reports.zone, now: context.now)
    reports.waitForFacts()
    var query = question.dora
    query.buckets = .week
    let report = try DORAReport(query, from: reports.facts)
    let part: DORAEvidence.Part = state.part == .leftOut ? .leftOut(nil) : .counted
    let page = try DORAReport.evidence(
      DORAEvidence(metric, part: part), question.dora, from: reports.facts,
      page: PageRequest(cursor: state[.place], limit: state.limit ?? Self.usualLimit))
    let subjects = try reports.facts.factSubjects(Set(page.rows.map(\.id) + page.rows.flatMap { $0.related.map(\.id) }))
    var frame = PageFrame(title: metric.title, section: .overview)
    frame.crumbs = [.init(text: "Overview", address: question.scope.address(Address())), .init(text: metric.title, address: nil)]
    frame.formats = question.formats("dora")
    let here = Address("reports", metric.rawValue)
    let scope: (inout HTMLWriter) -> Void = { html in question.writeScope(here, &html) }
    return context.page(frame, scope: scope) { html in
      html.pageHeading(metric.title) { html in
        html.text("\(metric.formula) \(question.windowText).")
      }
      if let group = report.groups.first {
        html.element(.section, .classes("tiles single")) { html in MetricTile(metric, group, question).write(to: &html) }
      }
      html.element(.section) { html in
        html.sectionHeading(state.part == .leftOut ? "Left out" : "Behind the number") { html in
          html.text(Wording.count(page.total, "row"))
          html.element(
            .a, .href(question.scope.with { $0.part = state.part == .leftOut ? nil : .leftOut }.address(here)),
            text: state.part == .leftOut ? "show what counts" : "show what is left out")
        }
        if page.rows.isEmpty { return html.element(.p, .classes("quiet"), text: "None.") }
        writeRows(page.rows, subjects, metric, &html)
        html.element(.p, .classes("paging")) { html in
          if state[.place] != nil {
            html.element(.a, .href(state.with { $0[.place] = nil }.address(here)), text: "‹ first")
          }
          if let next = page.next {
            html.element(.a, .rel("next"), .href(state.with { $0[.place] = next }.address(here)), text: "more ›")
          }
        }
      }
    }
  }

  private func writeRows(
    _ rows: [EvidenceRow], _ subjects: [FactID: FactSubject], _ metric: DORAMetric, _ html: inout HTMLWriter
  ) {
    html.scrollingTable("Rows behind the number", classes: "list") { html in
      html.tableHead(["When", "Item"] + (metric.isDuration ? [">Contributes"] : ["Verdict"]) + ["Why"])
      html.element(.tbody) { html in
        for row in rows {
          html.element(.tr) { html in
            html.element(.td) { $0.time(row.time, now: context.now) }
            html.element(.th, .scope("row"), .classes("main")) { html in
              writeSubject(row.id, subjects, &html)
              for related in row.related {
                html.element(.span, .classes("quiet"), text: " \(related.role.rawValue.replacing("_", with: " ")) ")
                writeSubject(related.id, subjects, &html)
              }
            }
            if metric.isDuration {
              html.element(.td, .classes("number"), text: metric.text(row.value) ?? "")
            } else {
              html.element(.td) { html in writeVerdict(row.verdict, &html) }
            }
            html.element(.td, .classes("main")) { html in
              var words = row.reasons
              if let reason = row.leftOut { words.insert("left out: \(reason.rawValue.replacing("_", with: " "))", at: 0) }
              if let exclusion = row.exclusion { words.append("excluded: \(exclusion)") }
              html.foreign(words.joined(separator: ", "))
              if let subject = subjects[row.id] {
                context.writeExclusion(of: ExcludedItem(row.id, key: subject.key), named: subject.name, &html)
              }
            }
          }
        }
      }
    }
  }

  private func writeVerdict(_ verdict: Verdict?, _ html: inout HTMLWriter) {
    switch verdict {
    case .ok?: html.word("ok", .good)
    case .failed?: html.word("failed", .bad)
    case .takenBack?: html.word("taken back", .attention)
    case .pending?: html.word("pending", .plain)
    case nil: break
    }
  }

  private func writeSubject(_ id: FactID, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    guard let subject = subjects[id] else { return html.element(.span, .classes("quiet"), text: "item \(id.rawValue)") }
    html.element(.a, .href(Address("traces", subject.traceID.description))) { $0.foreign(subject.name) }
  }
}
