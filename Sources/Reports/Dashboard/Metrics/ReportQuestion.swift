import DeliveryMetrics
import ValueStreamCore

/// What a page of metrics asks: window, comparison, scope and settings, from the state of the page.
struct ReportQuestion {
  /// The parameters of all pages of metrics. Pages whose items have no service or environment keep those for the other pages.
  static let parameters: [PageState.Parameter] = [.team, .service, .repository, .environment, .workType, .from, .to, .compare]

  let state: PageState
  let frame: ReportFrame
  /// The scope of releases and of what belongs to them.
  let scope: ReportScope
  let settings: ReportSettings
  private let now: Timestamp

  /// The window is the last 90 days unless the address says another.
  private static let usualSeconds = 90 * 86_400.0

  init(_ state: PageState, _ settings: ReportSettings, _ zone: TimeZoneRules = .utc, now: Timestamp) {
    self.state = state
    self.settings = settings
    self.now = now
    let end = state.window.to ?? now
    let start = state.window.from ?? end.advanced(bySeconds: -Self.usualSeconds)
    let window = TimeWindow(start: min(start, end), end: end)
    var scope = ReportScope()
    scope.team = state[.team]
    scope.services = state[.service].map { [NamePattern($0)] } ?? []
    scope.repositories = state[.repository].map { [NamePattern($0)] } ?? []
    scope.environments = state[.environment].map { [NamePattern($0)] } ?? []
    scope.workTypes = state[.workType].map { [NamePattern($0)] } ?? []
    self.scope = scope
    let comparison: ReportFrame.Comparison =
      switch state.comparison {
      case .none?: .none
      case .year?: .window(window.yearBefore)
      case .previous?, nil: .previousPeriod
      }
    frame = ReportFrame(window: window, comparison: comparison, zone: zone, now: now)
  }

  var dora: DORAQuery { DORAQuery(frame: frame, scope: scope, settings: settings) }

  /// The scope of issues and reviews, which have no service or environment.
  var itemScope: ReportScope {
    var scope = scope
    scope.services = []
    scope.environments = []
    return scope
  }

  /// The state without what belongs to one page only.
  var kept: PageState {
    var kept = PageState()
    for parameter in Self.parameters { kept[parameter] = state[parameter] }
    kept.window = state.window
    kept.comparison = state.comparison
    return kept
  }

  /// True if the scope is not everything.
  var isScoped: Bool { Self.parameters.contains { state[$0] != nil } }

  var windowText: String {
    let window = frame.window
    return "\(Wording.day(window.start, now: now)) to \(Wording.day(window.end.advanced(bySeconds: -1), now: now)), "
      + Wording.duration(nanoseconds: window.end.nanoseconds(since: window.start))
  }

  /// What the window is compared with, as the end of a sentence; nil if with nothing.
  var comparisonText: String? {
    switch state.comparison {
    case .none?: nil
    case .year?: "compared with the same period a year before"
    case .previous?, nil: "compared with the period of the same length before"
    }
  }

  /// What stands behind a value of the compared period: `before`, or `a year before`.
  var beforeWord: String { state.comparison == .year ? "a year before" : "before" }

  // MARK: API

  /// The query of a report in the API that asks the same.
  func apiQuery(of report: String) -> [(name: String, value: String)] {
    var query: [(name: String, value: String)] = [
      ("from", frame.window.start.rfc3339), ("to", frame.window.end.rfc3339),
    ]
    func add(_ parameter: PageState.Parameter, unless others: [String] = []) {
      if let value = state[parameter], !others.contains(report) { query.append((parameter.rawValue, value)) }
    }
    let withoutService = ["flow", "ageing", "forecast", "reviews", "pipelines"]
    add(.team)
    add(.service, unless: withoutService)
    add(.repository)
    add(.environment, unless: withoutService)
    add(.workType, unless: ["deploys", "pipelines", "incidents"])
    if let comparison = state.comparison, !["deploys", "ageing", "forecast"].contains(report) {
      query.append(("compare", comparison.rawValue))
    }
    return query
  }

  /// The addresses of a page in other formats.
  func formats(_ page: Address) -> [(name: String, address: Address)] {
    [PageState.Format.csv, .json].map { format in
      (".\(format.rawValue)", state.with { $0.format = format }.address(page))
    }
  }

  // MARK: Scope

  private static func date(_ time: Timestamp) -> String { String(time.rfc3339.prefix(10)) }

  /// Writes links to the same page with the usual periods up to now.
  private func writePeriods(_ page: Address, _ html: inout HTMLWriter) {
    html.element(.span, .classes("periods")) { html in
      for days in [7, 30, 90] as [Int64] {
        let today = now.seconds / 86_400
        let from: Timestamp? = days * 86_400 == Int64(Self.usualSeconds) ? nil : Timestamp(seconds: (today - days) * 86_400)
        let address = state.with {
          $0.window = .init(from: from, to: nil)
          // The rows of a week, and the place among them, are those of the old period.
          $0[.bucketStart] = nil
          $0[.place] = nil
        }.address(page)
        let isCurrent = state.window == .init(from: from, to: nil)
        html.element(
          .a, .href(address), isCurrent ? .current("true") : nil, .label("the last \(days) days"), text: "\(days) d")
      }
    }
  }

  /// Writes the form of the scope.
  ///
  /// - Parameters:
  ///   - hasServices: False on pages whose items have no service and no environment.
  ///   - isCompared: False on pages that compare with nothing.
  ///   - hasWindow: False on pages about the present only.
  func writeScope(
    _ page: Address, hasServices: Bool = true, hasTypes: Bool = false, isCompared: Bool = true, hasWindow: Bool = true,
    more: (FilterForm, inout HTMLWriter) -> Void = { _, _ in }, _ html: inout HTMLWriter
  ) {
    FilterForm(page, state).write(to: &html) { form, html in
      if !settings.teams.isEmpty || state[.team] != nil {
        form.choice(.team, "Team", settings.teams.map { ($0.name, $0.name) }, unset: "all", &html)
      }
      if hasServices { form.text(.service, "Service", &html) } else { form.keep(.service, &html) }
      form.text(.repository, hasServices ? "Repository" : "Repository or project", &html)
      if hasServices { form.text(.environment, "Environment", &html) } else { form.keep(.environment, &html) }
      if hasTypes { form.text(.workType, "Type", &html) } else { form.keep(.workType, &html) }
      for (parameter, title, time) in [
        (PageState.Parameter.from, "From", frame.window.start), (.to, "To", frame.window.end.advanced(bySeconds: -1)),
      ] {
        if hasWindow {
          form.text(parameter, title, placeholder: Self.date(time), &html)
        } else {
          form.keep(parameter, &html)
        }
      }
      if hasWindow { writePeriods(page, &html) }
      if isCompared {
        form.choice(
          .compare, "Compare", [("year", "a year before"), ("none", "nothing")], unset: "period before", &html)
      } else {
        form.keep(.compare, &html)
      }
      more(form, &html)
    }
  }
}
