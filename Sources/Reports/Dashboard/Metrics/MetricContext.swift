import Charts
import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// One request for a page of metrics, with what all of these pages need to answer it.
struct MetricContext {
  let context: PageContext
  let reports: Dashboard.Reports
  let state: PageState
  let question: ReportQuestion
  let address: Address
  let section: PageFrame.Section
  /// False if the history of the scope begins after the compared period, of which nothing is known.
  let isBeforeKnown: Bool

  /// - Parameter more: The parameters that only this page takes.
  /// - Throws: ``PageError`` for an unknown, repeated or invalid parameter.
  init(
    _ context: PageContext, _ reports: Dashboard.Reports, _ section: PageFrame.Section, address: Address? = nil,
    taking more: [PageState.Parameter] = []
  ) throws {
    self.context = context
    self.reports = reports
    self.section = section
    self.address = address ?? section.address
    state = try PageState(
      context.request, taking: ReportQuestion.parameters + more, formats: PageState.Format.allCases)
    question = ReportQuestion(state, reports.settings, reports.zone, now: context.now)
    context.waitForFacts(reports)
    // Other formats have the numbers of the API.
    isBeforeKnown = try state.format != .html || Self.isBeforeKnown(question, section, reports)
  }

  var facts: any FactSource { reports.facts }
  var frame: ReportFrame { question.frame }
  var settings: ReportSettings { reports.settings }
  var now: Timestamp { context.now }

  private static func isBeforeKnown(
    _ question: ReportQuestion, _ section: PageFrame.Section, _ reports: Dashboard.Reports
  ) throws -> Bool {
    guard let compared = question.frame.comparedWindow, let kinds = section.history,
      let first = try reports.history.report(of: reports.facts).beginning(of: kinds, in: question.scope, reports.settings).first
    else { return true }
    return first < compared.end
  }

  /// A count of the compared period; nil if nothing is known of that period, which is not the same as none.
  func before(_ count: Int?) -> Double? { isBeforeKnown ? count.map { Double($0) } : nil }

  // MARK: Formats

  /// The most rows behind a number in another format: those of a page are paged, but a table for a spreadsheet is whole.
  private static let rowLimit = 10_000

  /// The answer in another format, from the API; nil if the page is asked for.
  ///
  /// - Parameters:
  ///   - path: The path below that of reports, such as `flow`.
  ///   - more: What the page asks beyond scope and window.
  func data(of path: String, _ more: [(name: String, value: String?)] = []) -> HTTPResponse? {
    guard state.format != .html, let api = context.dashboard.api else { return nil }
    let report = path.prefix { $0 != "/" }
    var query = question.apiQuery(of: String(report))
    for case (let name, let value?) in more { query.append((name, value)) }
    if state.format == .csv { query.append(("format", "csv")) }
    var response = api.respond(
      to: HTTPRequest(
        method: "GET", path: ReportHandler.prefix + path, query: query, headers: context.request.headers), rows: Self.rowLimit)
    // A link in the headers leads to the next page of the API, which this page is not.
    response.headers["Link"] = nil
    return response.isPrivate
  }

  // MARK: Addresses

  /// The page of the rows behind a number.
  func door(
    _ name: String, part: String? = nil, grouping: Grouping? = nil, group: String? = nil, bucket: Timestamp? = nil,
    period: Period? = nil
  ) -> Address {
    var state = question.kept
    state[.part] = part
    state[.groupBy] = grouping?.rawValue
    state[.group] = group
    state[.bucketStart] = bucket?.rfc3339
    state[.period] = period == .previous ? period?.rawValue : nil
    return state.address(Address("reports", name))
  }

  /// The page of the rows that a number leaves out; nil if it leaves out none.
  func leftOut(_ name: String) -> Address? {
    Measure.named(name)?.hasLeftOut ?? false ? door(name, part: "left_out") : nil
  }

  /// The page of an item; nil if it is unknown.
  func address(of subject: FactSubject?) -> Address? {
    subject.map { Address("traces", $0.traceID.description) }
  }

  /// The same page with another scope.
  func scoped(_ change: (inout PageState) -> Void) -> Address { question.kept.with(change).address(address) }

  // MARK: Data

  func subjects(_ ids: some Sequence<FactID>) throws -> [FactID: FactSubject] {
    let ids = Set(ids)
    return ids.isEmpty ? [:] : try facts.factSubjects(ids)
  }

  /// What divides a page by teams: teams if there are any, or else services or repositories.
  func division(services: Bool) -> Grouping {
    settings.teams.isEmpty || state[.team] != nil ? (services ? .service : .repository) : .team
  }

  /// The releases and incidents of the window, for the time axes of charts.
  func events() throws -> TimelineEvents {
    TimelineEvents(
      try DeliveryEvents(DORAQuery(frame: withoutComparison, scope: question.scope, settings: settings), from: facts), now: now)
  }

  var withoutComparison: ReportFrame {
    var frame = frame
    frame.comparison = .none
    return frame
  }

  /// The last day up to now, which has all that is open, and takes less reading than the window.
  var lastDay: ReportFrame {
    var frame = withoutComparison
    frame.window = TimeWindow(start: now.advanced(bySeconds: -86_400), end: now)
    return frame
  }

  var axis: TimeAxis { TimeAxis(from: frame.window.start, to: frame.window.end) }

  // MARK: Page

  /// Makes the page.
  ///
  /// - Parameter crumb: What follows the section's name in the path to the page.
  func page(
    title: String, crumb: String? = nil, hasServices: Bool = true, hasTypes: Bool = false, isCompared: Bool = true,
    hasWindow: Bool = true, refreshSeconds: Int? = 120, fields: @escaping (FilterForm, inout HTMLWriter) -> Void = { _, _ in },
    _ content: (inout HTMLWriter) throws -> Void
  ) rethrows -> HTTPResponse {
    var frame = PageFrame(title: title, section: section)
    frame.scope = question.kept.query
    frame.formats = question.formats(address)
    frame.refreshSeconds = refreshSeconds
    if let crumb {
      frame.crumbs = [
        .init(text: section.title, address: question.kept.address(section.address)), .init(text: crumb, address: nil),
      ]
    }
    return try context.page(
      frame,
      scope: { html in
        question.writeScope(
          address, hasServices: hasServices, hasTypes: hasTypes, isCompared: isCompared, hasWindow: hasWindow, more: fields, &html
        )
      }, content)
  }

  /// Writes the heading, and below it the window and where history begins.
  func writeHeading(
    _ sentence: String, window: String? = nil, hasServices: Bool = true, isCompared: Bool = true,
    _ html: inout HTMLWriter,
    more: (inout HTMLWriter) -> Void = { _ in }
  ) throws {
    html.element(.h1, text: sentence)
    try html.element(.p, .classes("lead")) { html in
      html.text(window ?? question.windowText)
      if isCompared, let comparison = question.comparisonText { html.text(", \(comparison)") }
      html.text(".")
      try writeHistory(&html)
      if !hasServices, state[.service] != nil || state[.environment] != nil {
        html.text(" These items have no service and no environment, so this page ignores that part of the scope.")
      }
      more(&html)
    }
  }

  /// Writes where the history of the scope begins, if that is in the window.
  private func writeHistory(_ html: inout HTMLWriter) throws {
    guard let kinds = section.history else { return }
    let history = try reports.history.report(of: facts).beginning(of: kinds, in: question.scope, settings)
    guard let first = history.first, let last = history.last else { return }
    let late = history.count(after: frame.window.start)
    if first > frame.window.start {
      html.text(" History begins on \(Wording.day(first, now: now))")
      let later = history.count(after: first)
      if later > 0 { html.text(", that of \(later) of \(history.repositoryCount) repositories later") }
      html.text(".")
    } else if late > 0 {
      html.text(
        " The history of \(late) of \(history.repositoryCount) repositories begins within this period, on \(Wording.day(last, now: now)) at the latest."
      )
    } else {
      return
    }
    html.text(" ")
    html.element(.a, .href(Address("system")), text: "Where each begins")
    html.text(".")
  }

  /// Writes why a page is empty and what to do about it.
  func writeNothing(_ sentence: String, _ reasons: [String], _ html: inout HTMLWriter) throws {
    let isScoped = !question.kept.query.isEmpty
    try writeHeading(sentence, isCompared: false, &html)
    html.element(.div, .classes("empty")) { html in
      html.element(.ul) { html in
        if isScoped {
          html.element(.li) { html in
            html.text("Nothing fits this scope and period? ")
            html.element(.a, .href(address), text: "Show all of the last 90 days")
            html.text(".")
          }
        }
        for reason in reasons { html.element(.li, text: reason) }
        html.element(.li) { html in
          html.text("See ")
          html.element(.a, .href(Address("connect")), text: "what is connected")
          html.text(" and ")
          html.element(.a, .href(Address("deliveries")), text: "what arrived")
          html.text(".")
        }
      }
    }
  }
}

extension TimelineEvents {
  /// - Parameter now: the end of incidents that last.
  init(_ events: DeliveryEvents, now: Timestamp) {
    self.init(
      deploys: events.releases.map { ($0.ended, $0.isFailed ? .failedDeploy : .deploy) },
      incidents: events.incidents.map { ($0.began, $0.resolved ?? now) })
  }
}

extension HTTPResponse {
  /// The response with the headers of pages, which no cache may keep.
  fileprivate var isPrivate: HTTPResponse {
    var response = self
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
  }
}
