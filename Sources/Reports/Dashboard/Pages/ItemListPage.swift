import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// `/changes` and `/deploys`: pages of items, the latest start first.
struct ItemListPage {
  private let context: PageContext
  private let section: PageFrame.Section

  private static let usualLimit = 50
  /// The most rows of a page. Other formats have more.
  static let pageLimit = 100
  /// The most items that are examined for one page. Only a filter that the store cannot evaluate reaches it.
  private static let searchLimit = 1000
  private static let stepLimit = 50

  private var operation: Operation { section == .deploys ? .deploy : .pullRequest }

  init(_ context: PageContext, _ section: PageFrame.Section) {
    self.context = context
    self.section = section
  }

  private struct Items {
    var rows: [TracedSpan] = []
    /// The names of the subjects that the rows belong to.
    var parentNames: [SubjectKey: String] = [:]
    var next: SubjectPlace?
    var damagedCount = 0
    /// True if the page ended because too many items were examined.
    var isCut = false
  }

  func respond() throws -> HTTPResponse {
    var known: [PageState.Parameter] = [.source, .project, .outcome, .state, .from, .to, .place, .limit]
    if section == .deploys { known += [.environment, .tier] }
    if !teams.isEmpty { known.append(.team) }
    let state = try PageState(context.request, taking: known, formats: PageState.Format.allCases)
    context.waitForProjection()
    var filter = SubjectFilter()
    filter.operation = operation
    filter.source = state[.source]
    filter.project = state[.project]
    filter.outcome = state.outcome
    filter.isOpen = state.isOpen
    filter.endedAfter = state.window.from
    filter.startedBefore = state.window.to
    let sources = try context.queries.knownSources()
    if let source = filter.source, !sources.contains(source) {
      throw PageError(.source, source, expected: "one of \(sources.joined(separator: ", "))")
    }
    if let team = state[.team], !teams.contains(where: { $0.name == team }) {
      throw PageError(.team, team, expected: "one of \(teams.map(\.name).joined(separator: ", "))")
    }
    let place = state[.place].map { SubjectPlace($0) }
    if case .some(nil) = place {
      throw PageError(.place, state[.place] ?? "", expected: "the place that a link of a list gives")
    }
    var items = try read(filter, state, after: place ?? nil)
    if section == .changes { items.parentNames = try parentNames(items.rows) }
    switch state.format {
    case .json: return .data(json(items), type: "application/json")
    case .csv: return .data(csv(items), type: "text/csv; charset=utf-8")
    case .html: return try page(items, state, sources)
    }
  }

  private func parentNames(_ rows: [TracedSpan]) throws -> [SubjectKey: String] {
    let keys = Set(rows.compactMap { $0.parent?.parent })
    return try context.queries.store.subjects(keys.sorted()).mapValues(\.name)
  }

  /// Reads a page in small steps, so that a filter by environment stops early.
  private func read(_ filter: SubjectFilter, _ state: PageState, after place: SubjectPlace?) throws -> Items {
    var items = Items(next: place)
    let limit = min(state.limit ?? Self.usualLimit, state.format == .html ? Self.pageLimit : .max)
    var reader = context.queries.reader()
    var looked = 0
    while true {
      let step = try context.queries.store.subjects(
        matching: filter, in: .start, after: items.next, limit: min(Self.stepLimit, limit))
      items.damagedCount += step.damagedCount
      // The store looks at a bounded number of subjects, and may find none among them.
      looked += max(step.subjects.count, Self.stepLimit)
      for (index, placed) in step.subjects.enumerated() {
        guard let span = try reader.spans(of: placed.subject).last, matches(span.span, state) else { continue }
        items.rows.append(span)
        guard items.rows.count == limit else { continue }
        items.next = index == step.subjects.count - 1 ? step.next : placed.place
        return items
      }
      items.next = step.next
      guard step.next != nil else { return items }
      if looked >= Self.searchLimit {
        items.isCut = true
        return items
      }
      reader.forget(beyond: SpanQueries.spanLimit)
    }
  }

  private func matches(_ span: Span, _ state: PageState) -> Bool {
    if let environment = state[.environment], !(span.environment.map(NamePattern(environment).matches) ?? false) { return false }
    if state.isProduction, !production.includes(span) { return false }
    guard let name = state[.team], let team = teams.first(where: { $0.name == name }) else { return true }
    return [span.service, span.project].compactMap { $0 }.contains { team.patterns.match($0) }
  }

  private var production: ProductionRule { ProductionRule(context.dashboard.inputs.reports?.settings.production ?? []) }

  private var teams: [ReportSettings.Team] { context.dashboard.inputs.reports?.settings.teams ?? [] }

  /// The verdicts on the deploys of a page. Nil for changes, and without delivery metrics.
  private func verdicts(_ items: Items) throws -> DeployVerdicts? {
    let spans = items.rows.map(\.span)
    guard section == .deploys, let reports = context.dashboard.inputs.reports, let from = spans.map(\.start).min(),
      let to = spans.map({ $0.end ?? $0.start }).max()
    else { return nil }
    // What remedied the last of them may come later.
    let end = min(max(to, context.now), to.advanced(bySeconds: reports.settings.blameWithinSeconds))
    return try DeployVerdicts(from: from, to: end, reports, now: context.now)
  }

  // MARK: Formats

  private func json(_ items: Items) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("spans")
      json.array(items.rows) { json, span in span.write(to: &json) }
      json.member("next", items.next?.description)
      if items.damagedCount > 0 { json.member("damaged", items.damagedCount) }
    }
    return json.bytes
  }

  private func csv(_ items: Items) -> [UInt8] {
    var csv = CSVText()
    csv.row(SpanRecord.columns)
    for span in items.rows { csv.row(SpanRecord.fields(of: span)) }
    return csv.bytes
  }

  // MARK: Page

  private func page(_ items: Items, _ state: PageState, _ sources: [String]) throws -> HTTPResponse {
    let verdicts = try verdicts(items)
    var frame = PageFrame(title: section.title, section: section)
    let data = state.with { $0.limit = 200 }
    frame.formats = [
      (".csv", data.with { $0.format = .csv }.address(section.address)),
      (".json", data.with { $0.format = .json }.address(section.address)),
    ]
    if state[.place] == nil { frame.refreshSeconds = 30 }
    let scope: (inout HTMLWriter) -> Void = { html in
      FilterForm(section.address, state).write(to: &html) { form, html in
        if !teams.isEmpty { form.choice(.team, "Team", teams.map { ($0.name, $0.name) }, unset: "all", &html) }
        form.choice(.source, "Source", sources.map { ($0, $0) }, &html)
        form.text(.project, "Repository", &html)
        if section == .deploys {
          form.text(.environment, "Environment", &html)
          form.keep(.tier, &html)
        }
        form.choice(.state, "State", [("open", section == .deploys ? "running" : "open"), ("finished", "finished")], &html)
        let outcomes: [Outcome] = section == .deploys ? [.success, .failure, .error, .cancellation] : [.merged, .abandoned]
        form.choice(.outcome, "Outcome", outcomes.map { ($0.rawValue, $0.word) }, &html)
        form.text(.from, "From", &html)
        form.text(.to, "To", &html)
      }
    }
    return context.page(frame, scope: scope) { html in
      html.pageHeading(heading(state)) { html in writeLead(items, state, verdicts != nil, &html) }
      guard !items.rows.isEmpty else { return writeNothing(items, state, &html) }
      if section == .deploys { DeployTimeline(items.rows.map(\.span), now: context.now).write(to: &html) }
      html.element(.section) { html in
        html.scrollingTable(section.title, classes: "list") { html in
          if section == .deploys {
            writeDeploys(items.rows, verdicts, state, &html)
          } else {
            writeChanges(items, state, &html)
          }
        }
        writePaging(items, state, &html)
      }
    }
  }

  /// The title with the period that is asked for.
  private func heading(_ state: PageState) -> String {
    func day(_ time: Timestamp) -> String { Wording.day(time, now: context.now) }
    switch (state.window.from, state.window.to) {
    case (let from?, let to?):
      let isDay = from.seconds % 86_400 == 0 && to == from.advanced(bySeconds: 86_400)
      return "\(section.title) " + (isDay ? "on \(day(from))" : "from \(day(from)) to \(day(to.advanced(bySeconds: -1)))")
    case (let from?, nil): return "\(section.title) since \(day(from))"
    case (nil, let to?): return "\(section.title) up to \(day(to.advanced(bySeconds: -1)))"
    case (nil, nil): return section.title
    }
  }

  private func writeLead(_ items: Items, _ state: PageState, _ hasVerdicts: Bool, _ html: inout HTMLWriter) {
    html.text("\(Wording.count(items.rows.count, section == .deploys ? "deploy" : "change")) on this page")
    if let first = items.rows.map(\.span.start).min(), let last = items.rows.map(\.span.start).max() {
      html.text(", begun from \(Wording.time(first, now: context.now)) to \(Wording.time(last, now: context.now))")
    }
    html.text(", the newest first.")
    let ended = items.rows.filter(\.span.isFinished)
    if section == .deploys, !ended.isEmpty {
      html.text(" Of \(ended.count) that ended, \(ended.count { $0.span.outcome == .success }) succeeded.")
    }
    if hasVerdicts {
      html.text(" The outcome is what the tool reported. The verdict is whether what it released then failed in production.")
    }
    if section == .deploys { writeDays(state, &html) }
    if items.damagedCount > 0 {
      html.text(" \(Wording.count(items.damagedCount, "damaged item")) cannot be read and left out; vsd check lists them.")
    }
  }

  /// Writes links to the deploys to production of some days.
  private func writeDays(_ state: PageState, _ html: inout HTMLWriter) {
    func address(_ from: Int64, _ to: Int64?) -> Address {
      func midnight(_ days: Int64) -> Timestamp { Timestamp(seconds: (context.now.seconds / 86_400 + days) * 86_400) }
      return state.with {
        $0.window = .init(from: midnight(from), to: to.map(midnight))
        $0.isProduction = true
        $0[.environment] = nil
        $0[.place] = nil
      }.address(section.address)
    }
    html.text(state.isProduction ? " Only production: " : " Production: ")
    for (index, day) in [("today", address(0, nil)), ("yesterday", address(-1, 0)), ("the last 7 days", address(-7, nil))]
      .enumerated()
    {
      if index > 0 { html.text(", ") }
      html.element(.a, .href(day.1), state.address(section.address) == day.1 ? .current("true") : nil, text: day.0)
    }
    if state.isProduction {
      html.text("; ")
      html.element(.a, .href(state.with { $0.isProduction = false }.address(section.address)), text: "all environments")
    }
    html.text(".")
  }

  private func writeNothing(_ items: Items, _ state: PageState, _ html: inout HTMLWriter) {
    html.element(.div, .classes("empty")) { html in
      let isFiltered = !state.with {
        $0.limit = nil
        $0[.place] = nil
      }.query.isEmpty
      if items.isCut {
        html.element(.p, text: "None of the last \(Wording.grouped(Int64(Self.searchLimit))) fits. ")
        html.element(.p) { html in
          let further = state.with { $0[.place] = items.next?.description }.address(section.address)
          html.element(.a, .href(further), text: "Look further back")
        }
      } else if isFiltered {
        html.element(.p, text: "Nothing fits these conditions.")
        html.element(.p) { html in html.element(.a, .href(section.address), text: "Show all") }
      } else if section == .deploys {
        html.element(.p, text: "vsd has heard of no deploy yet.")
        html.element(.ul) { html in
          html.element(
            .li,
            text: "GitHub: add the events Deployments and Deployment statuses to the webhook, or name the workflows that deploy "
              + "with --github-deploy-workflows.")
          html.element(
            .li,
            text: "GitLab: add Deployment events to the webhook. Jenkins and scripts: send a deploy with vsperf event, or with "
              + "CDEvents.")
        }
        html.element(.p) { html in
          html.element(.a, .href(Address("connect")), text: "See what is connected")
          html.text(" and ")
          html.element(.a, .href(Address("deliveries")), text: "what arrived")
          html.text(".")
        }
      } else {
        html.element(.p, text: "vsd has heard of no change yet: no pull or merge request.")
        html.element(.p) { html in
          html.element(.a, .href(Address("connect")), text: "Connect a source")
          html.text(", or see ")
          html.element(.a, .href(Address("deliveries")), text: "what arrived")
          html.text(".")
        }
      }
    }
  }

  private func writeChanges(_ items: Items, _ state: PageState, _ html: inout HTMLWriter) {
    html.tableHead(["Change", "State", "Opened", ">Took", "Author", "Repository", "Belongs to"] + context.exclusionHead)
    html.element(.tbody) { html in
      for traced in items.rows {
        let span = traced.span
        html.element(.tr) { html in
          html.element(.th, .scope("row"), .classes("main")) { html in
            html.element(.a, .href(traced.address)) { $0.foreign(span.name) }
            if let title = span.givenTitle {
              html.text(" ")
              html.foreign(title, .classes("title"))
            }
          }
          html.element(.td) { $0.outcome(of: span) }
          html.element(.td) { $0.time(span.start, now: context.now) }
          html.element(
            .td, .classes("number"),
            text: Wording.duration(from: span.start, to: span.end ?? context.now) + (span.isFinished ? "" : " +"))
          html.element(.td) { $0.foreign(span.author ?? "") }
          html.element(.td) { html in writeProject(span, state, &html) }
          html.element(.td) { html in
            guard let tie = traced.parent else { return }
            html.element(.a, .href(Address("traces", traced.traceID.description)), .title("by rule \(tie.rule.name)")) {
              $0.foreign(items.parentNames[tie.parent] ?? tie.parent.plainName)
            }
          }
          context.writeExclusionCell(of: ExcludedItem(span.key), named: span.name, &html)
        }
      }
    }
  }

  private func writeDeploys(
    _ rows: [TracedSpan], _ verdicts: DeployVerdicts?, _ state: PageState, _ html: inout HTMLWriter
  ) {
    html.tableHead(
      ["Deploy", "Outcome"] + (verdicts == nil ? [] : ["Verdict"]) + [
        "Environment", "Began", ">Took", ">Brings", "Commit", "Repository",
      ] + context.exclusionHead)
    html.element(.tbody) { html in
      for traced in rows {
        let span = traced.span
        html.element(.tr) { html in
          html.element(.th, .scope("row"), .classes("main")) { html in
            html.element(.a, .href(traced.address)) { $0.foreign(span.name) }
          }
          html.element(.td) { $0.outcome(of: span) }
          if let verdicts { html.element(.td, .classes("why")) { $0.verdict(verdicts[span.id]) } }
          html.element(.td) { html in
            guard let environment = span.environment else { return }
            html.element(
              .a,
              .href(
                state.with {
                  $0[.environment] = environment
                  $0[.place] = nil
                }.address(section.address))
            ) {
              $0.foreign(environment)
            }
          }
          html.element(.td) { $0.time(span.start, now: context.now) }
          html.element(
            .td, .classes("number"),
            text: Wording.duration(from: span.start, to: span.end ?? context.now) + (span.isFinished ? "" : " +"))
          html.element(.td, .classes("number")) { html in
            guard case .int(let count)? = span.attributes.value(of: AttributeName.valuestreamDeploymentChangesCount) else {
              return writeNothingBrought(by: span, &html)
            }
            html.element(.a, .href(traced.address), text: Wording.count(Int(clamping: count), "change"))
          }
          html.element(.td) { html in
            if let commit = span.shortCommit { html.element(.code) { $0.foreign(commit) } }
          }
          html.element(.td) { html in writeProject(span, state, &html) }
          context.writeExclusionCell(of: ExcludedItem(span.key), named: span.name, &html)
        }
      }
    }
  }

  private func writeNothingBrought(by span: Span, _ html: inout HTMLWriter) {
    let (words, reason) =
      switch span.deployStep {
      case "first": ("first deploy", "Nothing tells what was there before. Changes count from the next deploy on.")
      case "rollback": ("rollback", "An earlier version came back.")
      default: ("–", "No commit range is known")
      }
    html.element(.span, .classes("quiet"), .title(reason), text: words)
  }

  private func writeProject(_ span: Span, _ state: PageState, _ html: inout HTMLWriter) {
    guard let project = span.project else { return }
    html.element(
      .a, .classes("plain"),
      .href(
        state.with {
          $0[.project] = project
          $0[.place] = nil
        }.address(section.address))
    ) {
      $0.foreign(project)
    }
  }

  private func writePaging(_ items: Items, _ state: PageState, _ html: inout HTMLWriter) {
    html.element(.p, .classes("paging")) { html in
      if state[.place] != nil {
        html.element(.a, .href(state.with { $0[.place] = nil }.address(section.address)), text: "‹ newest")
      }
      if let next = items.next {
        let older = state.with { $0[.place] = next.description }.address(section.address)
        html.element(.a, .rel("next"), .href(older), text: "older ›")
      } else {
        html.element(.span, .classes("quiet"), text: "That is all.")
      }
    }
  }
}
