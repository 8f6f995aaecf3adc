package import QueryAPI
package import ValueStreamCore

extension Dashboard {
  /// What the pages need to leave items out of all numbers, and to take them back.
  package struct Exclusions: Sendable {
    let service: ExclusionService
    let sessions: [PageSession]
    let operators: PageSession?
    let isSecure: Bool

    /// - Parameters:
    ///   - sessions: those of readers and of operators. A form of a signed-in browser carries a value that only its session has.
    ///   - operators: the session of operators; nil if no token is needed.
    ///   - isSecure: true if readers come over HTTPS.
    package init(_ service: ExclusionService, sessions: [PageSession], operators: PageSession?, isSecure: Bool) {
      self.service = service
      self.sessions = sessions
      self.operators = operators
      self.isSecure = isSecure
    }

    /// Holds the value of forms for a browser that did not sign in. Another site can neither read nor set it.
    static let cookie = "vs_write"

    func formValue(_ headers: HTTPHeaders) -> String? {
      sessions.lazy.compactMap { $0.formToken(headers) }.first
    }

    func isGenuine(_ given: String, _ headers: HTTPHeaders) -> Bool {
      for session in sessions {
        if let expected = session.formToken(headers) { return session.areEqual(expected, given) }
      }
      return !given.isEmpty && headers.cookie(Self.cookie) == given
    }
  }

  /// The path of the page with the form.
  package static let exclusionsPath = "/exclusions"
}

/// `/exclusions`: the items that persons left out of all numbers, and the form for one item.
struct ExclusionsPage {
  private let context: PageContext
  private let exclusions: Dashboard.Exclusions

  private static let limit = 500
  private static let here = Address("exclusions")

  init(_ context: PageContext, _ exclusions: Dashboard.Exclusions) {
    self.context = context
    self.exclusions = exclusions
  }

  func respond() throws -> HTTPResponse {
    if context.request.method == "POST" { return try decide() }
    for (name, _) in context.request.query where !["item", "next", "cursor"].contains(name) {
      throw PageError(unknown: name, known: ["item", "next", "cursor"])
    }
    context.queries.waitForProjection()
    guard let text = context.request.query("item"), !text.isEmpty else { return try list() }
    guard let item = ExcludedItem(text) else { throw PageError(400, "item: expected the key of an item") }
    return try form(item)
  }

  // MARK: Deciding

  private func decide() throws -> HTTPResponse {
    guard let fields = SignIn.fields(of: context.request) else { throw PageError(400, "The form could not be read.") }
    guard exclusions.isGenuine(fields["form"] ?? "", context.request.headers) else {
      throw PageError(403, "This form is too old, or came from another site. Please open it again.")
    }
    guard let action = ExclusionChange.Action(rawValue: fields["action"] ?? "") else {
      throw PageError(400, "action: expected exclude or include")
    }
    do {
      _ = try exclusions.service.decide(
        .init(action, item: fields["item"] ?? "", reason: fields["reason"] ?? "", actor: fields["actor"] ?? ""))
    } catch let rejection as ExclusionService.Rejection {
      throw PageError(rejection.status, rejection.detail)
    }
    var response = HTTPResponse.page([], status: 303)
    let next = fields["next"].flatMap { $0.isEmpty ? nil : SignIn.localPath($0) }
    response.headers["Location"] = context.dashboard.base + (next ?? Self.here.text)
    return response
  }

  // MARK: Form

  private func form(_ item: ExcludedItem) throws -> HTTPResponse {
    let known = context.exclusions[item]
    let subject = try context.queries.store.subjects([item.key])[item.key]
    let name = item.directChange == nil ? subject?.name ?? item.key.plainName : "A push to \(item.key.plainName)"
    var frame = PageFrame(title: known == nil ? "Leave out \(name)" : "Take back \(name)")
    frame.crumbs = [.init(text: "Left out", address: Self.here), .init(text: name, address: nil)]
    let value = exclusions.formValue(context.request.headers) ?? SignIn.randomValue()
    let isReader = exclusions.operators.map { !$0.isSignedIn(context.request.headers) } ?? false
    var response = context.page(frame) { html in
      html.element(.h1) { html in
        html.text(known == nil ? "Leave out " : "Take back ")
        html.foreign(name)
      }
      html.element(.p, .classes("lead")) { html in
        if let known {
          html.text("It is in no number, because: ")
          html.foreign(known.reason)
        } else {
          html.text("It then counts in no number. Lists and evidence still show it, with the reason.")
        }
      }
      if isReader {
        let back = Self.here.adding("item", item.description)
        html.element(.p) { html in
          html.text("This needs the operator token. ")
          html.element(.a, .href(Address("sign-in").adding("next", back.text)), text: "Sign in with it")
        }
      }
      html.element(.form, .classes("sign-in"), .method("post"), .action(Self.here.adding("item", item.description))) { html in
        html.void(.input, .type("hidden"), .name("form"), .value(value))
        html.void(.input, .type("hidden"), .name("item"), .value(item.description))
        html.void(.input, .type("hidden"), .name("action"), .value(known == nil ? "exclude" : "include"))
        html.void(
          .input, .type("hidden"), .name("next"), .value(SignIn.localPath(context.request.query("next") ?? "/exclusions")))
        html.element(.label, .forElement("reason"), text: known == nil ? "Reason" : "Reason (not needed)")
        html.void(.input, .type("text"), .id("reason"), .name("reason"), known == nil ? .isRequired : nil)
        html.element(.label, .forElement("actor"), text: "Your name")
        html.void(.input, .type("text"), .id("actor"), .name("actor"), .autocomplete("name"))
        html.element(.button, .type("submit"), text: known == nil ? "Leave out" : "Take back")
      }
    }
    if exclusions.formValue(context.request.headers) == nil {
      let path = context.dashboard.base.isEmpty ? "/" : context.dashboard.base
      let secure = exclusions.isSecure ? "; Secure" : ""
      response.headers.fields.append(
        .init(
          name: "Set-Cookie",
          value: "\(Dashboard.Exclusions.cookie)=\(value); Path=\(path); HttpOnly; SameSite=Strict; Max-Age=3600\(secure)"))
    }
    return response
  }

  // MARK: List

  private func list() throws -> HTTPResponse {
    let (rows, hasMore) = try exclusions.service.rows(after: context.request.query("cursor"), limit: Self.limit)
    var frame = PageFrame(title: "Left out")
    frame.formats = [
      (".csv", Address("api", "v1", "exclusions").adding("format", "csv")), (".json", Address("api", "v1", "exclusions")),
    ]
    return context.page(frame) { html in
      html.pageHeading("Left out") { html in
        html.text("Items that persons left out of all numbers. Evidence lists them with the reason.")
      }
      if rows.isEmpty {
        return html.element(.p, .classes("quiet"), text: "Nothing is left out. Lists have a link for it in each row.")
      }
      html.scrollingTable("Items left out", classes: "list") { html in
        html.tableHead(["Item", "Kind", "Reason", "By", "When", "Change"])
        html.element(.tbody) { html in
          for row in rows { write(row, &html) }
        }
      }
      if hasMore, let last = rows.last {
        html.element(.p, .classes("paging")) { html in
          html.element(
            .a, .rel("next"), .href(Self.here.adding("cursor", last.exclusion.item.description)), text: "more ›")
        }
      }
    }
  }

  private func write(_ row: ExclusionService.Row, _ html: inout HTMLWriter) {
    let (exclusion, name) = (row.exclusion, row.name ?? row.exclusion.item.description)
    html.element(.tr) { html in
      html.element(.th, .scope("row"), .classes("main")) { html in
        if row.operation != nil, exclusion.item.directChange == nil {
          html.element(.a, .href(Address("search").adding("q", exclusion.item.key.description))) { $0.foreign(name) }
        } else {
          html.foreign(name)
        }
      }
      html.element(.td, text: row.operation.map { $0.replacing("_", with: " ") } ?? "not known")
      html.element(.td, .classes("main")) { $0.foreign(exclusion.reason) }
      html.element(.td) { $0.foreign(exclusion.actor) }
      html.element(.td) { $0.time(exclusion.time, now: context.now) }
      html.element(.td) { html in
        html.element(
          .a, .href(Self.here.adding("item", exclusion.item.description)), .label("take back \(name)"), text: "take back")
      }
    }
  }
}

extension PageContext {
  /// The head of the column that ``writeExclusionCell(of:named:_:)`` fills; nothing without it.
  var exclusionHead: [String] { dashboard.inputs.exclusions == nil ? [] : [""] }

  /// Writes the last cell of a row about an item: the link by which a person leaves it out of all numbers; if it is left out, the
  /// reason, and the link by which a person takes it back.
  func writeExclusionCell(of item: ExcludedItem, named name: String, _ html: inout HTMLWriter) {
    guard dashboard.inputs.exclusions != nil else { return }
    let address = Address("exclusions").adding("item", item.description).adding("next", returnPath)
    html.element(.td, .classes("action")) { html in
      if let known = exclusions[item] {
        html.element(.span, .classes("quiet")) { html in
          html.text("excluded: ")
          html.foreign(known.reason)
          html.text(" ")
        }
        html.element(.a, .classes("quiet"), .href(address), .label("take back \(name)"), text: "take back")
      } else {
        html.element(.a, .classes("quiet"), .href(address), .label("leave out \(name)"), text: "leave out")
      }
    }
  }

  /// The address of this page, to come back to.
  private var returnPath: String {
    var address = Address()
    address.path = request.path.split(separator: "/").map(String.init)
    address.query = request.query.map { Address.Item(name: $0.name, value: $0.value) }
    return address.text
  }
}
