import DeliveryMetrics
import ValueStreamCore

/// What a page of metrics asks: window, scope and settings, from the state of the page.
struct ReportQuestion {
  static let parameters: [PageState.Parameter] = [.service, .repository, .environment, .from, .to]

  let state: PageState
  let dora: DORAQuery
  private let now: Timestamp

  /// The window is the last 90 days unless the address says another.
  private static let usualSeconds = 90 * 86_400.0

  init(_ state: PageState, _ settings: ReportSettings, _ zone: TimeZoneRules = .utc, now: Timestamp) {
    self.state = state
    self.now = now
    let end = state.window.to ?? now
    let start = state.window.from ?? end.advanced(bySeconds: -Self.usualSeconds)
    var scope = ReportScope()
    scope.services = state[.service].map { [NamePattern($0)] } ?? []
    scope.repositories = state[.repository].map { [NamePattern($0)] } ?? []
    scope.environments = state[.environment].map { [NamePattern($0)] } ?? []
    dora = DORAQuery(
      frame: ReportFrame(window: TimeWindow(start: min(start, end), end: end), zone: zone, now: now), scope: scope,
      settings: settings)
  }

  /// The state without what belongs to one list only.
  var scope: PageState {
    state.with { state in
      state.cursor = nil
      state.part = nil
    }
  }

  var windowText: String {
    let window = dora.frame.window
    return "\(Wording.day(window.start, now: now)) to \(Wording.day(window.end, now: now)), "
      + Wording.duration(nanoseconds: window.end.nanoseconds(since: window.start))
  }

  /// The addresses of a report in the API, which come from the same computation.
  func formats(_ report: String) -> [(name: String, address: Address)] {
    let window = dora.frame.window
    let address = Address("api", "v1", "reports", report)
      .adding("from", window.start.rfc3339).adding("to", window.end.rfc3339)
      .adding("service", state[.service]).adding("repository", state[.repository]).adding("environment", state[.environment])
    return [(".csv", address.adding("format", "csv")), (".json", address)]
  }

  func writeScope(_ page: Address, _ html: inout HTMLWriter) {
    FilterForm(page, state).write(to: &html) { form, html in
      form.text(.service, "Service", &html)
      form.text(.repository, "Repository", &html)
      form.text(.environment, "Environment", &html)
      form.text(.from, "From", &html)
      form.text(.to, "To", &html)
    }
  }
}
