import QueryAPI
import ValueStreamCore

/// `/deliveries`: what arrived, the newest first, and what each delivery became. `/deliveries/ID` is a single one.
struct DeliveriesPage {
  private let context: PageContext
  private static let address = Address("deliveries")
  private static let usualLimit = 50
  /// Limits on what one page reads and shows.
  private static let searchLimit = 500
  private static let byteLimit = 8 << 20
  private static let shownBody = 256 << 10
  private static let shownItems = 3

  private var reading: DeliveryReading { context.dashboard.inputs.deliveries }

  init(_ context: PageContext) {
    self.context = context
  }

  // MARK: List

  func respond() throws -> HTTPResponse {
    let state = try PageState(context.request, taking: [.source, .result, .cursor, .limit], formats: PageState.Format.allCases)
    let sources = reading.sourceNames
    if let source = state[.source], !sources.contains(source) {
      throw PageError(.source, source, expected: "one of \(sources.joined(separator: ", "))")
    }
    var entries: [DeliveryReading.Entry] = []
    let next = try reading.visit(
      DeliveryReading.Filter(source: state[.source], result: state.result), before: state.cursor.map(LogPosition.init(rawValue:)),
      limit: state.limit ?? Self.usualLimit, searchLimit: Self.searchLimit, byteLimit: Self.byteLimit
    ) { entry in
      // The list needs no body, and a page of bodies can be large.
      var entry = entry
      entry.logged.delivery.body = []
      entries.append(entry)
      return true
    }
    switch state.format {
    case .json: return .data(json(entries, next), type: "application/json")
    case .csv: return .data(csv(entries), type: "text/csv; charset=utf-8")
    case .html: return page(entries, next, state, sources)
    }
  }

  private func json(_ entries: [DeliveryReading.Entry], _ next: LogPosition?) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("deliveries")
      json.array(entries) { json, entry in
        json.object { json in
          json.member("id", String(entry.position.rawValue))
          json.member("source", entry.logged.delivery.source)
          json.member("received", entry.logged.delivery.received.rfc3339)
          json.member("deliveryID", entry.logged.delivery.id)
          json.members(of: entry.understood)
        }
      }
      json.member("next", next.map { String($0.rawValue) })
    }
    return json.bytes
  }

  private func csv(_ entries: [DeliveryReading.Entry]) -> [UInt8] {
    var csv = CSVText()
    csv.row(["id", "source", "received", "delivery_id", "result", "reason", "path", "items"])
    for entry in entries {
      let delivery = entry.logged.delivery
      let (reason, path) = Self.reason(of: entry)
      csv.row([
        String(entry.position.rawValue), delivery.source, delivery.received.rfc3339, delivery.id, entry.result.rawValue, reason,
        path,
        Self.items(of: entry).map(\.key.description).joined(separator: " "),
      ])
    }
    return csv.bytes
  }

  private static func reason(of entry: DeliveryReading.Entry) -> (reason: String?, path: String?) {
    switch entry.understood {
    case .success(.events), .success(.exclusion): (nil, nil)
    case .success(.ignored(let reason)): (reason, nil)
    case .failure(let error): (error.reason, error.path)
    }
  }

  /// The items that a delivery is about, each once.
  private static func items(of entry: DeliveryReading.Entry) -> [Event] {
    guard case .success(.events(let events, _)) = entry.understood else { return [] }
    var seen: Set<SubjectKey> = []
    return events.filter { seen.insert($0.key).inserted }
  }

  private func page(
    _ entries: [DeliveryReading.Entry], _ next: LogPosition?, _ state: PageState, _ sources: [String]
  ) -> HTTPResponse {
    var frame = PageFrame(title: "Deliveries", section: .deliveries)
    let data = state.with { $0.limit = 200 }
    frame.formats = [
      (".csv", data.with { $0.format = .csv }.address(Self.address)),
      (".json", data.with { $0.format = .json }.address(Self.address)),
    ]
    if state.cursor == nil { frame.refreshSeconds = 15 }
    let scope: (inout HTMLWriter) -> Void = { html in
      FilterForm(Self.address, state).write(to: &html) { form, html in
        form.choice(.source, "Source", sources.map { ($0, $0) }, &html)
        form.choice(.result, "Became", [("recorded", "spans"), ("ignored", "ignored"), ("unreadable", "unreadable")], &html)
      }
    }
    return context.page(frame, scope: scope) { html in
      html.pageHeading("Deliveries") { html in
        html.text("What senders told vsd, the newest first, and what each became by the rules of today.")
      }
      if entries.isEmpty { return writeNothing(next, state, &html) }
      html.scrollingTable("Deliveries", classes: "list") { html in
        html.tableHead(["Received", "Source", "Became", "About", "Id of the sender"])
        html.element(.tbody) { html in
          for entry in entries { writeRow(entry, &html) }
        }
      }
      html.element(.p, .classes("paging")) { html in
        if state.cursor != nil { html.element(.a, .href(state.with { $0.cursor = nil }.address(Self.address)), text: "‹ newest") }
        if let next {
          html.element(.a, .rel("next"), .href(state.with { $0.cursor = next.rawValue }.address(Self.address)), text: "older ›")
        } else {
          html.element(.span, .classes("quiet"), text: "That is all that is kept.")
        }
      }
    }
  }

  private func writeNothing(_ next: LogPosition?, _ state: PageState, _ html: inout HTMLWriter) {
    html.element(.div, .classes("empty")) { html in
      if let next {
        html.element(.p, text: "None of the last deliveries that were examined fits.")
        html.element(.p) { html in
          html.element(.a, .href(state.with { $0.cursor = next.rawValue }.address(Self.address)), text: "Look further back")
        }
      } else if state[.source] != nil || state.result != nil {
        let text =
          state.result == .unreadable
          ? "No delivery that is kept is unreadable. That is how it should be." : "No delivery fits these conditions."
        html.element(.p, text: text)
        html.element(.p) { html in html.element(.a, .href(Self.address), text: "Show all") }
      } else {
        html.element(.p, text: "Nothing has arrived yet.")
        html.element(.p) { html in
          html.element(.a, .href(Address("connect")), text: "Connect a source")
          html.text(": each has an address to paste into its webhook settings.")
        }
      }
    }
  }

  private func writeRow(_ entry: DeliveryReading.Entry, _ html: inout HTMLWriter) {
    let delivery = entry.logged.delivery
    html.element(.tr) { html in
      html.element(.th, .scope("row")) { html in
        html.element(.a, .href(Address("deliveries", String(entry.position.rawValue)))) {
          $0.time(delivery.received, now: context.now)
        }
      }
      html.element(.td, text: delivery.source)
      html.element(.td) { Self.writeResult(of: entry, &$0) }
      html.element(.td, .classes("main")) { html in
        let items = Self.items(of: entry)
        for (index, event) in items.prefix(Self.shownItems).enumerated() {
          if index > 0 { html.text(", ") }
          Self.writeItem(event, &html)
        }
        if items.count > Self.shownItems { html.text(" and \(items.count - Self.shownItems) more") }
        let (reason, path) = Self.reason(of: entry)
        if let reason {
          html.foreign(reason)
          if let path {
            html.text(" at ")
            html.element(.code) { $0.foreign(path) }
          }
        }
        if case .success(.events([], let updates)) = entry.understood {
          html.text(updates.isEmpty ? "" : "moves \(Wording.count(updates.count, "branch", "branches"))")
        }
      }
      html.element(.td) { html in html.element(.code) { $0.foreign(delivery.id.map { String($0.prefix(40)) } ?? "") } }
    }
  }

  private static func writeResult(of entry: DeliveryReading.Entry, _ html: inout HTMLWriter) {
    switch entry.understood {
    case .success(.events(let events, let updates)):
      html.word(events.isEmpty && !updates.isEmpty ? "commits" : Wording.count(events.count, "event"), .good)
    case .success(.exclusion(let change)):
      html.word(change.action == .exclude ? "leaves out an item" : "takes back an item", .good)
    case .success(.ignored): html.word("ignored", .quiet)
    case .failure: html.word("unreadable", .bad)
    }
  }

  private static func writeItem(_ event: Event, _ html: inout HTMLWriter) {
    if let operation = event.operation ?? event.usualOperation { html.text("\(operation.word) ") }
    html.element(.a, .href(Address("search").adding("q", event.key.description))) {
      $0.foreign(event.name ?? event.key.plainName)
    }
  }

  // MARK: Single delivery

  func respond(id: String) throws -> HTTPResponse {
    _ = try PageState(context.request, taking: [])
    guard let number = UInt64(id), let entry = try reading.entry(at: LogPosition(rawValue: number)) else {
      throw PageError(
        404, "There is no delivery \(id), or it is not kept any more.", links: [("The last deliveries", Self.address)])
    }
    let delivery = entry.logged.delivery
    var frame = PageFrame(title: "Delivery \(id)", section: .deliveries)
    frame.crumbs = [.init(text: "Deliveries", address: Self.address), .init(text: id, address: nil)]
    return context.page(frame) { html in
      html.pageHeading("Delivery \(id) of \(delivery.source)") { html in
        html.text("Received ")
        html.time(delivery.received, now: context.now)
        html.text(" · \(Wording.bytes(Int64(delivery.body.count))) · ")
        Self.writeResult(of: entry, &html)
      }
      html.element(.section) { html in
        html.sectionHeading("What it became")
        writeMeaning(entry, &html)
      }
      html.element(.section) { html in
        html.sectionHeading("Headers") { html in html.text("those that vsd keeps; signatures and tokens are not among them") }
        html.element(.dl, .classes("pairs")) { html in
          if let id = delivery.id {
            html.element(.dt, text: "delivery id")
            html.element(.dd) { $0.foreign(id) }
          }
          for field in delivery.headers.fields {
            html.element(.dt) { $0.foreign(field.name) }
            html.element(.dd) { $0.foreign(field.value) }
          }
        }
      }
      html.element(.section) { html in
        html.sectionHeading("Body") { html in
          guard delivery.body.count > Self.shownBody else { return html.text("as it came") }
          html.text("the first \(Wording.bytes(Int64(Self.shownBody))); the API has the whole of it")
        }
        let body = String(decoding: delivery.body.prefix(Self.shownBody), as: UTF8.self)
        html.preformatted(.classes("body"), .tabindex(0), text: IndentedJSON.text(body))
      }
    }
  }

  private func writeMeaning(_ entry: DeliveryReading.Entry, _ html: inout HTMLWriter) {
    if let unread = reading.unreadValues(of: entry) { html.element(.p, .classes("remark")) { $0.foreign(unread.explanation) } }
    switch entry.understood {
    case .success(.exclusion(let change)):
      html.element(.p) { html in
        html.text(change.action == .exclude ? "Leaves out of all numbers: " : "Takes back: ")
        html.element(.a, .href(Address("exclusions").adding("item", change.item.description))) {
          $0.foreign(change.item.description)
        }
      }
    case .failure(let error):
      html.element(.p) { html in
        html.word("unreadable", .bad)
        html.text(" at ")
        html.element(.code) { $0.foreign(error.path) }
        html.text(": ")
        html.foreign(error.reason)
      }
      html.element(.p, .classes("quiet"), text: "The delivery is kept. Once vsd can read it, a replay counts it.")
    case .success(.ignored(let reason)):
      html.element(.p) { html in
        html.word("ignored", .quiet)
        html.text(": ")
        html.foreign(reason)
      }
    case .success(.events):
      let items = Self.items(of: entry)
      if !items.isEmpty {
        html.element(.ul, .classes("links")) { html in
          for event in items.prefix(50) { html.element(.li) { Self.writeItem(event, &$0) } }
        }
      }
      if case .success(let interpretation) = entry.understood {
        html.preformatted(.classes("body"), .tabindex(0), text: String(interpretation.explanation.prefix(Self.shownBody)))
      }
    }
  }
}
