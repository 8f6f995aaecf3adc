import DeliveryMetrics
import QueryAPI
import ValueStreamCore

/// `/traces/ID`, `/changes/ID` and `/deploys/ID`: a whole trace as a waterfall, with one span beside it.
struct TracePage {
  private let context: PageContext

  private static let parameters: [PageState.Parameter] = [.key, .span, .from, .to, .rows]
  /// The number of spans shown unless the address asks for more.
  private static let usualRows = 500

  init(_ context: PageContext) {
    self.context = context
  }

  /// Answers `/traces/ID`.
  func respond(name: String) throws -> HTTPResponse {
    let state = try PageState(context.request, taking: Self.parameters, formats: PageState.Format.allCases)
    var span: SpanID?
    if let text = state[.span] {
      span = SpanID(text)
      if span == nil { throw PageError(.span, text, expected: "16 hexadecimal digits") }
    }
    context.waitForProjection()
    var reader = context.queries.reader()
    let traceID = try TraceID(name) ?? reader.traceID(of: SubjectLookup(queries: context.queries).key(name))
    return try respond(traceID, name, span, nil, state, &reader)
  }

  /// Answers `/changes/ID` and `/deploys/ID`. The parameter `key` says which item it is; without it, the ID is taken as a name.
  func respond(item name: String, in section: PageFrame.Section) throws -> HTTPResponse {
    let state = try PageState(context.request, taking: Self.parameters, formats: PageState.Format.allCases)
    context.waitForProjection()
    var reader = context.queries.reader()
    if state[.key] == nil, SpanID(name) != nil {
      throw PageError(
        404, "A span id alone does not lead to its item. Add ?key= with the key of the item, or search for its name.")
    }
    let key = try SubjectLookup(queries: context.queries).key(state[.key] ?? name)
    let spans = try reader.spans(of: key)
    let span = spans.first { $0.span.id.description == name } ?? spans.last
    guard let span else { throw PageError(404, "No span has the key \(key).") }
    return try respond(span.traceID, key.description, span.span.id, section, state, &reader)
  }

  private func respond(
    _ traceID: TraceID?, _ name: String, _ selected: SpanID?, _ section: PageFrame.Section?, _ state: PageState,
    _ reader: inout TraceReader
  ) throws -> HTTPResponse {
    let limit = state.rows ?? Self.usualRows
    guard let trace = try traceID.flatMap({ try reader.trace($0, limit: limit) }), let root = trace.spans.first else {
      throw PageError(404, "No span has, or was exported under, the trace id \(name). It may be older than spans are kept.")
    }
    switch state.format {
    case .json: return .data(json(trace), type: "application/json")
    case .csv: return .data(csv(trace), type: "text/csv; charset=utf-8")
    case .html: break
    }
    let detail =
      try selected.map { id in
        // A large trace may be cut before the span that the address names.
        guard let span = trace.spans.first(where: { $0.span.id == id }) else {
          throw PageError(
            404,
            trace.isTruncated
              ? "The span \(id) is not among the first \(limit) of this trace." : "No span \(id) is in this trace.",
            links: trace.isTruncated
              ? [("Show 5,000 spans", state.with { $0.rows = 5000 }.address(Address("traces", trace.id.description)))]
              : [("Show the trace", Address("traces", trace.id.description))])
        }
        return span
      } ?? root
    var items: [SubjectKey: LinkedItem] = [:]
    let linked = detail.links.prefix(section == .deploys ? BroughtTable.limit : SpanDetail.linkLimit).map(\.key)
    for key in linked + [detail.parent?.parent].compactMap({ $0 }) {
      items[key] = try reader.subject(for: key).map { LinkedItem($0) }
    }
    return page(of: trace, detail, items, verdict: try verdict(on: detail.span), section, state)
  }

  /// What became of the release of a deploy; nil for other items, and without delivery metrics.
  private func verdict(on span: Span) throws -> DeployVerdicts.Entry? {
    guard span.operation == .deploy, let reports = context.dashboard.inputs.reports else { return nil }
    let end = span.end ?? span.start
    // What it remedied is as much before it as what remedies it may be after.
    let reach = reports.settings.blameWithinSeconds
    let window = (span.start.advanced(bySeconds: -reach), min(max(end, context.now), end.advanced(bySeconds: reach)))
    return try DeployVerdicts(from: window.0, to: window.1, reports, now: context.now)[span.id]
  }

  // MARK: Formats

  private func json(_ trace: Trace) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("traceID", trace.id.description)
      json.name("spans")
      json.array(trace.spans) { json, span in span.write(to: &json) }
      if trace.isTruncated { json.member("truncated", true) }
    }
    return json.bytes
  }

  private func csv(_ trace: Trace) -> [UInt8] {
    var csv = CSVText()
    csv.row(SpanRecord.columns)
    for span in trace.spans { csv.row(SpanRecord.fields(of: span)) }
    return csv.bytes
  }

  // MARK: Page

  private func page(
    of trace: Trace, _ detail: TracedSpan, _ items: [SubjectKey: LinkedItem], verdict: DeployVerdicts.Entry?,
    _ section: PageFrame.Section?, _ state: PageState
  ) -> HTTPResponse {
    let root = trace.spans[0]
    let here = Address("traces", trace.id.description)
    let focus = section == nil ? root : detail
    var frame = PageFrame(title: focus.span.name, section: section ?? Self.section(of: root.span))
    if let section { frame.crumbs.append(.init(text: section.title, address: section.address)) }
    if let project = focus.span.project { frame.crumbs.append(.init(text: project, address: nil)) }
    frame.crumbs.append(.init(text: focus.span.name, address: nil))
    let data = state.with {
      $0[.span] = nil
      $0[.key] = nil
    }
    frame.formats = [
      (".csv", data.with { $0.format = .csv }.address(here)), (".json", data.with { $0.format = .json }.address(here)),
    ]
    let rows = WaterfallRows(of: trace, selected: detail.span.id, now: context.now)
    let scale = rows.scale(from: max(state.window.from ?? rows.from, .epoch), to: state.window.to ?? rows.to)
    let parent = detail.parent.flatMap { tie in
      trace.spans.first { $0.span.id == detail.parentSpanID } ?? trace.spans.last { $0.span.key == tie.parent }
    }
    let table = BroughtTable(detail, items)
    let brought = section == .deploys && !table.isEmpty ? table : nil
    let scope: (inout HTMLWriter) -> Void = { html in
      html.element(.span, .classes("quiet")) { html in
        html.text("trace ")
        html.element(.code, text: trace.id.description)
      }
    }
    return context.page(frame, scope: scope) { html in
      html.pageHeading(focus.span.givenTitle ?? focus.span.name, isForeign: true) { html in
        writeLead(trace, rows, focus, &html)
      }
      if let brought { brought.write(to: &html) }
      html.element(.section, .classes("time-went")) { html in
        writeTotals(rows, &html)
        TimeStrip(rows: rows, window: scale).write(to: &html)
      }
      html.element(.div, .classes("with-rail")) { html in
        html.element(.section) { html in
          html.sectionHeading("Waterfall") { html in writeKey(&html) }
          writeZoom(rows, scale, state, here, &html)
          Waterfall(rows: rows, scale: scale, selected: detail.span.id, project: root.span.project) { traced in
            state.with {
              $0[.span] = traced.span.id.description
              $0[.key] = nil
            }.address(here)
          }.write(to: &html)
          if trace.isTruncated { writeTruncation(trace, state, here, &html) }
        }
        SpanDetail(
          traced: detail, parent: parent, items: items, now: context.now, verdict: verdict, hasTableOfChanges: brought != nil
        ).write(to: &html)
      }
    }
  }

  private static func section(of span: Span) -> PageFrame.Section? {
    switch span.operation {
    case .deploy: .deploys
    case .pullRequest: .changes
    default: nil
    }
  }

  private func writeLead(_ trace: Trace, _ rows: WaterfallRows, _ focus: TracedSpan, _ html: inout HTMLWriter) {
    html.element(.b) { $0.foreign(focus.span.name) }
    let root = trace.spans[0]
    if root.span.id != focus.span.id {
      html.text(" for ")
      html.element(.b) { $0.foreign(root.span.name) }
      if let title = root.span.givenTitle {
        html.text(" ")
        html.foreign(title)
      }
    }
    let isOpen = trace.spans.contains { !$0.span.isFinished }
    html.text(" · \(Wording.duration(from: rows.from, to: rows.to)) from first to last\(isOpen ? ", and still going on" : "")")
    // The attempts of an item are one item.
    var seen: Set<SubjectKey> = []
    let items = trace.spans.filter { seen.insert($0.span.key).inserted }
    let counts = Dictionary(items.map { ($0.span.operation, 1) }, uniquingKeysWith: +)
    let known: [Operation] = [.issue, .pullRequest, .build, .job, .deploy, .release, .incident]
    let others = counts.filter { !known.contains($0.key) }.map(\.value).reduce(0, +)
    var words = known.compactMap { operation in counts[operation].map { Wording.count($0, operation.word) } }
    if others > 0 { words.append(Wording.count(others, "other item")) }
    html.text(" · \(words.joined(separator: ", "))")
  }

  private func writeTotals(_ rows: WaterfallRows, _ html: inout HTMLWriter) {
    let total = rows.to.nanoseconds(since: rows.from)
    func length(_ kinds: Set<WorkPiece.Kind>) -> Int64 {
      WorkRules.stretches(of: kinds, in: rows.pieces, from: rows.from, to: rows.to).reduce(0) {
        $0 + $1.to.nanoseconds(since: $1.from)
      }
    }
    let work = length([.work])
    let active = length([.work, .hand])
    html.sectionHeading("Where the time went") { html in
      func part(_ length: Int64, _ words: String, _ classes: String, _ html: inout HTMLWriter) {
        html.element(.b, .classes(classes), text: "\(Wording.duration(nanoseconds: length)) \(words)")
        html.text(", \(Wording.share(length, of: total)) · ")
      }
      part(work, "of runs", "work-word", &html)
      if active > work { part(active - work, "in hand", "work-word", &html) }
      part(total - active, "of waiting", "wait-word", &html)
      html.text("true scale")
    }
    html.element(.details, .classes("data")) { html in
      html.element(.summary, text: "What counts?")
      html.element(
        .p,
        text:
          "Runs: a build, job or deploy ran. In hand: a change was a draft, or the status of an issue says that somebody works "
          + "on it. All other time is waiting.")
    }
  }

  private func writeKey(_ html: inout HTMLWriter) {
    for (classes, text) in [
      ("work", "runs"), ("hand", "in hand"), ("wait", "waiting"), ("work bad", "failed"), ("incident", "incident"),
    ] {
      html.element(.span, .classes("key")) { html in
        html.element(.svg, .width(.pixels(16)), .height(.pixels(10)), .isHidden) { html in
          html.element(.rect, .classes(classes), .x(.pixels(0.5)), .y(.pixels(0.5)), .width(.pixels(15)), .height(.pixels(9)))
        }
        html.text(text)
      }
    }
    html.element(.span, .classes("key")) { html in
      html.element(.svg, .width(.pixels(16)), .height(.pixels(10)), .isHidden) { html in
        html.element(.line, .classes("path"), .x1(.pixels(0)), .x2(.pixels(16)), .y1(.pixels(5)), .y2(.pixels(5)))
      }
      html.text("critical path")
    }
    for (classes, text) in [
      ("mark-commit", "commits"), ("mark-changes", "changes requested"), ("mark-good", "approved, merged, done"),
    ] {
      html.element(.span, .classes("key")) { html in
        html.element(.svg, .width(.pixels(10)), .height(.pixels(10)), .isHidden) { html in
          html.element(.circle, .classes(classes), .cx(.pixels(5)), .cy(.pixels(5)), .r(.pixels(3.5)))
        }
        html.text(text)
      }
    }
    html.element(.span, .classes("key")) { html in
      html.element(.svg, .width(.pixels(16)), .height(.pixels(10)), .isHidden) { html in
        html.element(.rect, .x(.pixels(0)), .y(.pixels(0)), .width(.pixels(16)), .height(.pixels(10)), .fill(pattern: "hatch"))
      }
      html.text("shortened")
    }
  }

  /// Writes the links that zoom and pan. The keys and the strip use the same addresses.
  private func writeZoom(
    _ rows: WaterfallRows, _ scale: TimeScale, _ state: PageState, _ here: Address, _ html: inout HTMLWriter
  ) {
    let length = scale.to.nanoseconds(since: scale.from)
    func link(_ text: String, _ from: Timestamp, _ to: Timestamp, _ html: inout HTMLWriter) {
      let address = state.with {
        $0.window = .init(from: max(from, rows.from), to: min(to, rows.to))
        $0[.key] = nil
      }.address(here)
      html.element(.a, .href(address), text: text)
    }
    html.element(.p, .classes("zoom")) { html in
      link("zoom in", scale.from.advanced(byNanoseconds: length / 4), scale.to.advanced(byNanoseconds: -(length / 4)), &html)
      guard scale.from > rows.from || scale.to < rows.to else { return }
      link("zoom out", scale.from.advanced(byNanoseconds: -(length / 2)), scale.to.advanced(byNanoseconds: length / 2), &html)
      if scale.from > rows.from {
        link(
          "‹ earlier", scale.from.advanced(byNanoseconds: -(length / 2)), scale.to.advanced(byNanoseconds: -(length / 2)), &html)
      }
      if scale.to < rows.to {
        link("later ›", scale.from.advanced(byNanoseconds: length / 2), scale.to.advanced(byNanoseconds: length / 2), &html)
      }
      html.element(
        .a,
        .href(
          state.with {
            $0.window = .init()
            $0[.key] = nil
          }.address(here)), text: "fit")
    }
  }

  private func writeTruncation(_ trace: Trace, _ state: PageState, _ here: Address, _ html: inout HTMLWriter) {
    html.element(.p, .classes("remark")) { html in
      html.text("These are the \(Wording.count(trace.spans.count, "span")) nearest to the root; the trace has more. ")
      if trace.spans.count < 5000 {
        html.element(
          .a,
          .href(
            state.with {
              $0.rows = 5000
              $0[.key] = nil
            }.address(here)), text: "Show up to 5,000")
      } else {
        html.text("The API and the exporters have all of them.")
      }
    }
  }
}
