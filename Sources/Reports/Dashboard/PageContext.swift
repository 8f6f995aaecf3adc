import QueryAPI
import ValueStreamCore

/// One request for a page, with what all pages need to answer it.
struct PageContext {
  let dashboard: Dashboard
  let request: HTTPRequest
  let now: Timestamp
  /// What persons left out of all numbers.
  let exclusions: [ExcludedItem: Exclusion]

  init(_ dashboard: Dashboard, _ request: HTTPRequest) {
    self.dashboard = dashboard
    self.request = request
    now = dashboard.inputs.queries.clock.now()
    let known = dashboard.inputs.exclusions.flatMap { try? $0.service.facts.exclusions() } ?? []
    exclusions = Dictionary(known.map { ($0.item, $0) }) { first, _ in first }
  }

  var queries: SpanQueries { dashboard.inputs.queries }

  /// Waits until deliveries that were acknowledged before the request are projected, unless too many wait.
  func waitForProjection() {
    if !dashboard.inputs.arrival().isFarBehind { queries.waitForProjection() }
  }

  /// Waits until the facts of these deliveries are computed, unless too many wait.
  func waitForFacts(_ reports: Dashboard.Reports) {
    if !dashboard.inputs.arrival().isFarBehind { reports.waitForFacts() }
  }

  /// What is not on the page yet. A store that cannot be read tells nothing, and the page itself says so.
  private var arrival: HistoryArrival {
    var arrival = dashboard.inputs.arrival()
    arrival.uncountedItems = (try? dashboard.inputs.reports?.facts.factProgress().remainingSubjects) ?? 0
    return arrival
  }

  /// Makes the response of a page.
  func page(
    _ frame: PageFrame, status: Int = 200, scope: ((inout HTMLWriter) -> Void)? = nil,
    _ content: (inout HTMLWriter) throws -> Void
  ) rethrows -> HTTPResponse {
    var frame = frame
    frame.sections = dashboard.sections
    frame.signOutToken = dashboard.signOutToken(request)
    frame.arrival = arrival.sentence
    return .page(try frame.page(base: dashboard.base, scope: scope, content), status: status)
  }

  /// Makes the page that says what is wrong, and links on.
  func errorPage(_ error: PageError) -> HTTPResponse {
    var frame = PageFrame(title: error.title)
    frame.sections = dashboard.sections
    frame.search = request.query("q") ?? ""
    var response = page(frame, status: error.status) { html in
      html.pageHeading(error.title) { html in html.foreign(error.detail) }
      if !error.links.isEmpty {
        html.element(.ul, .classes("links")) { html in
          for link in error.links {
            html.element(.li) { html in html.element(.a, .href(link.address)) { $0.foreign(link.text) } }
          }
        }
      }
      html.element(.p) { html in
        html.text("Go on with ")
        for (index, section) in frame.sections.enumerated() {
          if index > 0 { html.text(index == frame.sections.count - 1 ? " or " : ", ") }
          html.element(.a, .href(section.address), text: section.title.lowercased())
        }
        html.text(", or search for a key, commit, trace id or name.")
      }
    }
    if error.status == 503 { response.headers["Retry-After"] = "1" }
    return response
  }
}
