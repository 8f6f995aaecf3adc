import Charts
import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// `/reports/NAME`: a number in words, and the rows behind it.
struct ReportPage {
  private let context: PageContext
  private let reports: Dashboard.Reports
  private static let usualLimit = 50
  private static let parameters: [PageState.Parameter] = [.part, .period, .group, .groupBy, .bucketStart, .place, .limit]

  init(_ context: PageContext, _ reports: Dashboard.Reports) {
    self.context = context
    self.reports = reports
  }

  func respond(name: String) throws -> HTTPResponse {
    guard let measure = Measure.named(name) else {
      throw PageError(404, "There is no report \(name).", links: Measure.all.map { ($0.title, Address("reports", $0.name)) })
    }
    let page = try MetricContext(
      context, reports, measure.page, address: Address("reports", measure.name), taking: Self.parameters)
    let own = Self.query(page.state)
    if let report = measure.report {
      if let data = page.data(of: "\(report)/\(measure.metric)/evidence", own) { return data }
    } else if let data = page.data(of: "ageing") {
      return data
    }
    let metric = DORAMetric(rawValue: measure.name)
    let breakdown = try metric.map { _ in try readBreakdown(page) }
    let rows = try rows(measure, page, own, breakdown)
    let subjects = try page.subjects(rows.rows.map(\.id) + rows.rows.flatMap { $0.related.map(\.id) })
    let hasServices = ![.flow, .ageing, .reviews, .pipelines].contains(measure.page)
    return try page.page(
      title: measure.title, crumb: measure.title, hasServices: hasServices, isCompared: measure.report != nil,
      refreshSeconds: nil
    ) { html in
      try page.writeHeading(
        measure.title, hasServices: hasServices, isCompared: measure.report != nil, &html
      ) { $0.text(" \(measure.formula)") }
      if let metric, let breakdown {
        if let group = breakdown.whole.groups.first {
          html.element(.section, .classes("tiles single")) { html in MetricTile(metric, group, page).write(to: &html) }
          writeTrend(metric, group, TimelineEvents(breakdown.events, now: page.now), page, &html)
        }
        writeGroups(metric, breakdown.divided.filter { $0.groups.count > 1 }, page, &html)
      }
      writeRows(rows, subjects, measure, page, &html)
    }
  }

  /// What the page asks about rows, in the words of the API.
  private static func query(_ state: PageState) -> [(name: String, value: String?)] {
    let part = state[.part].map { part in
      part.hasPrefix("left_out") ? "left-out" + part.dropFirst("left_out".count) : part
    }
    let bucket: String? = state[.bucketStart] == nil ? nil : "week"
    return [
      ("part", part), ("period", state[.period]), ("group-by", state[.groupBy]), ("group", state[.group]),
      ("bucket-start", state[.bucketStart]), ("bucket", bucket),
    ]
  }

  private func rows(
    _ measure: Measure, _ page: MetricContext, _ own: [(name: String, value: String?)], _ breakdown: DORABreakdown?
  ) throws -> EvidencePage {
    let limit = min(page.state.limit ?? Self.usualLimit, ItemListPage.pageLimit)
    guard let report = measure.report, let api = context.dashboard.api else {
      let isLeftOut = page.state[.part]?.hasPrefix("left_out") ?? false
      return try AgeingReport.evidence(
        isLeftOut ? .leftOut(nil) : .counted,
        AgeingQuery(frame: page.frame, scope: page.question.itemScope, settings: page.settings), from: reports.facts,
        page: PageRequest(cursor: page.state[.place], limit: limit, order: .largestFirst))
    }
    var query = page.question.apiQuery(of: report)
    for case (let name, let value?) in own { query.append((name, value)) }
    if let place = page.state[.place] { query.append(("cursor", place)) }
    query.append(("limit", "\(limit)"))
    return try api.evidence(of: measure.metric, in: report, query: query, sharing: breakdown)
  }

  // MARK: Trend and groups

  private func writeTrend(
    _ metric: DORAMetric, _ group: DORAReport.Group, _ events: TimelineEvents, _ page: MetricContext, _ html: inout HTMLWriter
  ) {
    guard group.trend.contains(where: { metric.value(in: $0) != nil }) else { return }
    html.element(.section) { html in
      html.sectionHeading("By week") { $0.text(metric.trendNote) }
      html.plot(TrendPlot(metric, group.trend, events).plot) { index in
        group.trend.indices.contains(index) ? page.door(metric.rawValue, bucket: group.trend[index].bucket.window.start) : nil
      }
      html.chartTable("\(metric.title) by week", ["Week of", ">Value", ">n"]) { html in
        for bucket in group.trend {
          html.tableRow(
            Wording.day(bucket.bucket.window.start, now: page.now) + (bucket.bucket.isPartial ? ", partial" : ""),
            address: page.door(metric.rawValue, bucket: bucket.bucket.window.start),
            numbers: [metric.text(metric.value(in: bucket)) ?? "not known", "\(metric.count(in: bucket))"])
        }
      }
    }
  }

  private func readBreakdown(_ page: MetricContext) throws -> DORABreakdown {
    var query = page.question.dora
    query.buckets = .week
    return try DORABreakdown(
      query, by: [.service, .repository] + (page.settings.teams.isEmpty ? [] : [.team]), from: reports.facts)
  }

  private static let groupLimit = 30

  private func writeGroups(
    _ metric: DORAMetric, _ divided: [(grouping: Grouping, groups: [DORAReport.Group])], _ page: MetricContext,
    _ html: inout HTMLWriter
  ) {
    guard !divided.isEmpty else { return }
    html.element(.div, .classes("columns")) { html in
      for (grouping, groups) in divided {
        html.element(.section) { html in
          html.sectionHeading("By \(grouping.rawValue)") { html in
            if groups.count > Self.groupLimit { html.text("\(groups.count - Self.groupLimit) more are not shown") }
          }
          html.scrollingTable("\(metric.title) by \(grouping.rawValue)", classes: "list") { html in
            html.tableHead([
              grouping.rawValue.prefix(1).uppercased() + grouping.rawValue.dropFirst(), ">Value", ">Before", ">Rows",
            ])
            html.element(.tbody) { html in
              for group in groups.prefix(Self.groupLimit) {
                html.tableRow(
                  group.key.name ?? "unknown",
                  address: page.door(metric.rawValue, grouping: grouping, group: group.key.name),
                  numbers: [
                    metric.text(metric.value(in: group)) ?? "–",
                    page.isBeforeKnown ? metric.text(metric.previousValue(in: group)) ?? "–" : "–",
                    Wording.grouped(Int64(metric.population(in: group).n)),
                  ])
              }
            }
          }
        }
      }
    }
  }

  // MARK: Rows

  private func writeRows(
    _ rows: EvidencePage, _ subjects: [FactID: FactSubject], _ measure: Measure, _ page: MetricContext,
    _ html: inout HTMLWriter
  ) {
    let state = page.state
    let isLeftOut = state[.part]?.hasPrefix("left_out") ?? false
    html.element(.section) { html in
      html.sectionHeading(isLeftOut ? "Left out" : "Behind the number") { html in
        html.text(Wording.count(rows.total, "row"))
        if let group = state[.group], let grouping = state[.groupBy] { html.text(" of \(grouping) \(group)") }
        if state[.period] == Period.previous.rawValue { html.text(" of the period before") }
        if let bucket = state[.bucketStart].flatMap({ Timestamp(rfc3339: $0) }) {
          html.text(" of the week of \(Wording.day(bucket, now: page.now))")
        }
        if let part = state[.part], !isLeftOut { html.text(" with \(part.replacing(":", with: " "))") }
        if measure.hasLeftOut {
          let others = state.with { state in
            state[.part] = isLeftOut ? nil : "left_out"
            state[.place] = nil
          }
          html.element(
            .a, .href(others.address(page.address)), text: isLeftOut ? "show what counts" : "show what is left out")
        }
      }
      if rows.rows.isEmpty {
        return html.element(.p, .classes("quiet"), text: isLeftOut ? "None." : "No row fits this scope and period.")
      }
      writeTable(rows.rows, subjects, measure, page, &html)
      html.element(.p, .classes("paging")) { html in
        if state[.place] != nil {
          html.element(.a, .href(state.with { $0[.place] = nil }.address(page.address)), text: "‹ first")
        }
        if let next = rows.next {
          html.element(.a, .rel("next"), .href(state.with { $0[.place] = next }.address(page.address)), text: "more ›")
        }
      }
    }
  }

  private func writeTable(
    _ rows: [EvidenceRow], _ subjects: [FactID: FactSubject], _ measure: Measure, _ page: MetricContext,
    _ html: inout HTMLWriter
  ) {
    html.scrollingTable("Rows behind the number", classes: "list") { html in
      html.tableHead(["When", "Item"] + (measure.unit != nil ? [">Contributes"] : ["Verdict"]) + ["Why"] + context.exclusionHead)
      html.element(.tbody) { html in
        for row in rows {
          html.element(.tr) { html in
            html.element(.td) { $0.time(row.time, now: page.now) }
            html.element(.th, .scope("row"), .classes("main")) { html in
              html.subject(row.id, subjects, attempt: row.kind == .deploy ? row.attempt : nil)
              for related in row.related {
                html.element(.span, .classes("quiet"), text: " · \(related.role.words) ")
                html.subject(related.id, subjects, attempt: related.role.isDeploy ? 1 : nil)
              }
            }
            if let unit = measure.unit {
              html.element(.td, .classes("number"), text: unit.text(row.value) ?? "")
            } else {
              html.element(.td) { html in html.verdict(row.verdict) }
            }
            html.element(.td, .classes("main")) { html in
              var words = measure.words(of: row)
              if let reason = row.leftOut { words.insert("left out: \(reason.words)", at: 0) }
              if let exclusion = row.exclusion { words.append("excluded: \(exclusion)") }
              html.foreign(words.joined(separator: ", "))
            }
            if let subject = subjects[row.id] {
              context.writeExclusionCell(of: ExcludedItem(row.id, key: subject.key), named: subject.name, &html)
            } else if !context.exclusionHead.isEmpty {
              html.element(.td)
            }
          }
        }
      }
    }
  }
}

extension HTMLWriter {
  mutating func verdict(_ verdict: Verdict?) {
    switch verdict {
    case .ok?: word("ok", .good)
    case .failed?: word("failed", .bad)
    case .takenBack?: word("taken back", .attention)
    case .pending?: word("pending", .plain)
    case nil: break
    }
  }

  /// Writes the name of an item as a link to its trace, or to its own page if it is a deploy.
  ///
  /// - Parameter attempt: of a deploy. Nil for other items.
  mutating func subject(_ id: FactID, _ subjects: [FactID: FactSubject], attempt: UInt16? = nil) {
    guard let subject = subjects[id] else { return element(.span, .classes("quiet"), text: "item \(id.rawValue)") }
    let trace = Address("traces", subject.traceID.description)
    element(.a, .href(attempt.map(subject.address(ofDeploy:)) ?? trace)) { $0.foreign(subject.name) }
  }
}

extension FactSubject {
  /// The page of a deploy.
  func address(ofDeploy attempt: UInt16) -> Address {
    Address("deploys", SpanID(key: key, attempt: max(1, Int(attempt))).description).adding("key", key.description)
  }
}
