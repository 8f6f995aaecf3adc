import DeliveryMetrics
import ValueStreamCore

/// What all pages share: head, navigation, scope bar and footer.
struct PageFrame {
  /// A page of the navigation.
  enum Section: CaseIterable {
    case overview, deploys, changes, leadTime, flow, ageing, forecast, reviews, pipelines, incidents, deliveries, connect, system

    var title: String {
      switch self {
      case .overview: "Overview"
      case .deploys: "Deploys"
      case .changes: "Changes"
      case .leadTime: "Lead time"
      case .flow: "Flow"
      case .ageing: "Ageing"
      case .forecast: "Forecast"
      case .reviews: "Reviews"
      case .pipelines: "Pipelines"
      case .incidents: "Incidents"
      case .deliveries: "Deliveries"
      case .connect: "Connect"
      case .system: "System"
      }
    }

    var address: Address {
      switch self {
      case .overview: Address()
      case .deploys: Address("deploys")
      case .changes: Address("changes")
      case .leadTime: Address("lead-time")
      case .flow: Address("flow")
      case .ageing: Address("ageing")
      case .forecast: Address("forecast")
      case .reviews: Address("reviews")
      case .pipelines: Address("pipelines")
      case .incidents: Address("incidents")
      case .deliveries: Address("deliveries")
      case .connect: Address("connect")
      case .system: Address("system")
      }
    }

    /// True for pages of delivery metrics. There are none without facts.
    var isMetric: Bool {
      switch self {
      case .overview, .leadTime, .flow, .ageing, .forecast, .reviews, .pipelines, .incidents: true
      case .deploys, .changes, .deliveries, .connect, .system: false
      }
    }

    /// The items whose history limits what the page can tell. Nil for a page without numbers.
    var history: Set<HistoryReport.Kind>? {
      switch self {
      case .overview, .leadTime: [.deploys]
      case .flow, .ageing, .forecast: [.issues, .incidents]
      case .reviews: [.changes]
      case .pipelines: [.runs]
      case .incidents: [.incidents, .deploys]
      case .deploys, .changes, .deliveries, .connect, .system: nil
      }
    }

    /// True for the first page of the part of the navigation that is about running vsd.
    var startsOperation: Bool { self == .deliveries }
  }

  /// A step of the path to the page, in the scope bar.
  struct Crumb {
    var text: String
    /// Nil for the page itself.
    var address: Address?
  }

  var title: String
  var section: Section?
  var crumbs: [Crumb] = []
  /// The same content in other formats.
  var formats: [(name: String, address: Address)] = []
  /// The number of seconds after which the script reads the page again; nil for pages that do not change.
  var refreshSeconds: Int?
  /// What the page says while history arrives. Nil if all of it is there.
  var arrival: String?
  /// The search text to show in the field.
  var search = ""
  /// The pages to list in the navigation.
  var sections: [Section] = Section.allCases.filter { !$0.isMetric }
  /// Scope, window and comparison, which links to other pages of metrics keep.
  var scope: [Address.Item] = []
  /// True for a page without navigation and search, for readers who are not signed in.
  var isBare = false
  /// The value of the sign-out form; nil if nobody is signed in by a cookie.
  var signOutToken: String?

  private static let refreshWhileArriving = 5

  /// The number of seconds after which the script reads the page again. While history arrives, that is soon, on every page.
  private var refresh: Int? {
    arrival == nil ? refreshSeconds : min(refreshSeconds ?? Self.refreshWhileArriving, Self.refreshWhileArriving)
  }

  /// Writes a whole page.
  func page(
    base: String, scope: ((inout HTMLWriter) -> Void)? = nil, _ content: (inout HTMLWriter) throws -> Void
  ) rethrows -> [UInt8] {
    var html = HTMLWriter(base: base)
    html.documentType()
    try html.element(.html, .lang("en")) { html in
      writeHead(&html)
      try html.element(.body) { html in
        html.element(.a, .classes("skip"), .href(fragment: "main"), text: "Skip to the content")
        writeHeader(&html)
        if !crumbs.isEmpty || scope != nil || !formats.isEmpty { writeScopeBar(&html, scope) }
        try html.element(.main, .id("main"), .tabindex(-1), refresh.map { .data(.live, "\($0)") }) { html in
          if let arrival { html.element(.p, .classes("arrival"), .role("status"), text: arrival) }
          try content(&html)
        }
        writeFooter(&html)
      }
    }
    return html.bytes
  }

  private func writeHead(_ html: inout HTMLWriter) {
    html.element(.head) { html in
      html.void(.meta, .charset("utf-8"))
      html.void(.meta, .name("viewport"), .content("width=device-width, initial-scale=1"))
      html.void(.meta, .name("color-scheme"), .content("light dark"))
      html.element(.title, text: "\(title) · ValueStream")
      html.void(.link, .rel("icon"), .type("image/svg+xml"), .href(Asset.icon.address))
      html.void(.link, .rel("stylesheet"), .href(Asset.stylesheet.address))
      html.element(.script, .src(Asset.script.address), .isDeferred)
    }
  }

  private func writeHeader(_ html: inout HTMLWriter) {
    html.element(.header, .classes("top")) { html in
      html.element(.a, .classes("brand"), .href(sections.first?.address ?? Address())) { html in
        html.element(.svg, .classes("logo"), .viewBox("0 0 16 16"), .isHidden) { html in
          html.element(.path, .classes("ink"), .path("M1 3.5h8M1 8h14M1 12.5h6"))
          html.element(.circle, .classes("first"), .cx(.pixels(12)), .cy(.pixels(3.5)), .r(.pixels(1.9)))
          html.element(.circle, .classes("second"), .cx(.pixels(10)), .cy(.pixels(12.5)), .r(.pixels(1.9)))
        }
        html.text("ValueStream")
      }
      guard !isBare else { return }
      html.element(.nav, .label("Pages")) { html in
        html.element(.ul) { html in
          for section in sections {
            html.element(.li, section.startsOperation ? .classes("apart") : nil) { html in
              html.element(
                .a, .href(address(of: section)), section == self.section ? .current("page") : nil, text: section.title)
            }
          }
        }
      }
      html.element(.form, .classes("search"), .role("search"), .action(Address("search")), .method("get")) { html in
        html.void(
          .input, .type("search"), .name("q"), .value(search), .id("q"), .label("Search"),
          .placeholder("Key, commit, name"))
        html.element(.kbd, .isHidden, text: "/")
      }
    }
  }

  private func address(of section: Section) -> Address {
    var address = section.address
    if section.isMetric { address.query += scope }
    return address
  }

  private func writeScopeBar(_ html: inout HTMLWriter, _ scope: ((inout HTMLWriter) -> Void)?) {
    html.element(.section, .classes("scope"), .label("Scope and formats")) { html in
      if !crumbs.isEmpty {
        html.element(.nav, .classes("crumbs"), .label("Path")) { html in
          for (index, crumb) in crumbs.enumerated() {
            if index > 0 { html.element(.span, .classes("quiet"), .isHidden, text: "›") }
            if let address = crumb.address {
              html.element(.a, .href(address)) { $0.foreign(crumb.text) }
            } else {
              html.element(.b) { $0.foreign(crumb.text) }
            }
          }
        }
      }
      scope?(&html)
      html.element(.div, .classes("formats")) { html in
        if let refresh { html.element(.span, .id("live"), .classes("quiet"), .data(.live, "\(refresh)")) }
        for format in formats { html.element(.a, .href(format.address), text: format.name) }
      }
    }
  }

  private func writeFooter(_ html: inout HTMLWriter) {
    html.element(.footer) { html in
      html.element(.p, text: "Times are UTC. Durations are calendar time: nights and weekends count.")
      html.element(.p) { html in
        html.element(.span, .id("keys-hint")) { html in
          html.element(.kbd, text: "?")
          html.text(" keys")
        }
        html.element(.span, text: "vsd \(ValueStreamVersion.current)")
        if let signOutToken {
          html.element(.form, .classes("inline"), .method("post"), .action(Address("sign-out"))) { html in
            html.void(.input, .type("hidden"), .name("token"), .value(signOutToken))
            html.element(.button, .type("submit"), text: "Sign out")
          }
        }
      }
    }
  }
}
