import QueryAPI
import ValueStreamCore

/// `/search`: finds items by key, name, number, branch, commit, trace id or address, or else by words of the title.
struct SearchPage {
  private let context: PageContext

  /// The most items of one kind of name that are listed.
  private static let limit = 50
  /// How many of the latest issues, changes and incidents each are searched for words of their titles.
  private static let titledLimit = 500

  init(_ context: PageContext) {
    self.context = context
  }

  private struct Finding {
    var traced: TracedSpan
    /// What the search text is to the item.
    var reason: String
  }

  func respond() throws -> HTTPResponse {
    let state = try PageState(context.request, taking: [.q], formats: PageState.Format.allCases)
    let text = (state[.q] ?? "").trimmed
    var findings: [Finding] = []
    if !text.isEmpty {
      context.waitForProjection()
      findings = try find(text)
    }
    switch state.format {
    case .json: return .data(json(findings), type: "application/json")
    case .csv: return .data(csv(findings), type: "text/csv; charset=utf-8")
    case .html: break
    }
    // A name of one item leads to it.
    if findings.count == 1, let only = findings.first {
      var response = HTTPResponse.page([], status: 303)
      response.headers["Location"] = context.dashboard.base + only.traced.address.text
      return response
    }
    return page(text, findings, state)
  }

  // MARK: Finding

  private func find(_ text: String) throws -> [Finding] {
    var reader = context.queries.reader()
    if let traceID = TraceID(text), text.utf8.count == 32, let root = try reader.trace(traceID, limit: 1)?.spans.first {
      return [Finding(traced: root, reason: "trace id")]
    }
    var keys: [SubjectKey: String] = [:]
    func add(_ found: [SubjectKey], _ reason: String) {
      for key in found.prefix(Self.limit) where keys[key] == nil { keys[key] = reason }
    }
    do {
      add([try SubjectLookup(queries: context.queries).key(text)], "name")
    } catch LookupError.ambiguous(_, let candidates) {
      add(candidates, "name")
    } catch is LookupError {}
    // A commit or branch usually means several items: the change, its builds, its deploys.
    let lower = text.lowercased()
    var references: [(Reference, String)] = [
      (Reference(.issueID, text), "id in the tracker"), (Reference(.domainID, text), "id"),
    ]
    if lower.utf8.count >= 7, lower.utf8.allSatisfy({ Hex.value($0) != nil }) {
      references.append((Reference(lower.utf8.count >= 40 ? .commit : .shortCommit, lower), "commit"))
    }
    for (reference, reason) in references {
      add(try context.queries.store.publishers(of: [reference], limit: Self.limit).values.joined().sorted(), reason)
      add(
        try context.queries.store.followers(of: [reference], limit: Self.limit).values.joined().sorted(), "follows this \(reason)"
      )
    }
    var subjects = try context.queries.store.subjects(Array(keys.keys.sorted().prefix(2 * Self.limit)))
    if subjects.isEmpty {
      for subject in try titled(lower) {
        subjects[subject.key] = subject
        keys[subject.key] = "title"
      }
    }
    return try subjects.values.sorted { $0.key < $1.key }.compactMap { subject in
      guard let span = try reader.spans(of: subject).last else { return nil }
      return Finding(traced: span, reason: keys[subject.key] ?? "name")
    }.sorted { ($1.traced.span.start, $0.traced.span.key) < ($0.traced.span.start, $1.traced.span.key) }
  }

  /// Returns the latest items whose title has all words of a text, in lower case.
  private func titled(_ text: String) throws -> [Subject] {
    let words = text.split(whereSeparator: \.isWhitespace)
    var found: [Subject] = []
    for operation in [Operation.issue, .pullRequest, .incident] {
      var filter = SubjectFilter()
      filter.operation = operation
      let page = try context.queries.store.subjects(matching: filter, in: .start, after: nil, limit: Self.titledLimit)
      found += page.subjects.lazy.map(\.subject).filter { subject in
        guard let title = subject.givenTitle?.lowercased() else { return false }
        return words.allSatisfy(title.contains)
      }.prefix(Self.limit)
    }
    return found
  }

  // MARK: Formats

  private func json(_ findings: [Finding]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("spans")
      json.array(findings) { json, finding in finding.traced.write(to: &json) }
    }
    return json.bytes
  }

  private func csv(_ findings: [Finding]) -> [UInt8] {
    var csv = CSVText()
    csv.row(SpanRecord.columns)
    for finding in findings { csv.row(SpanRecord.fields(of: finding.traced)) }
    return csv.bytes
  }

  // MARK: Page

  private func page(_ text: String, _ findings: [Finding], _ state: PageState) -> HTTPResponse {
    var frame = PageFrame(title: text.isEmpty ? "Search" : "Search for \(text)")
    frame.search = text
    if !findings.isEmpty {
      frame.formats = [
        (".csv", state.with { $0.format = .csv }.address(Address("search"))),
        (".json", state.with { $0.format = .json }.address(Address("search"))),
      ]
    }
    return context.page(frame) { html in
      html.element(.h1) { html in
        guard !findings.isEmpty else { return html.text(text.isEmpty ? "Search" : "Nothing has this name") }
        html.text("\(Wording.count(findings.count, "item")) for ")
        html.foreign(text)
      }
      guard !findings.isEmpty else { return writeHelp(text, &html) }
      html.scrollingTable("Items found", classes: "list") { html in
        html.tableHead(["Item", "Kind", "State", "Began", ">Took", "Found by"] + context.exclusionHead)
        html.element(.tbody) { html in
          for finding in findings { writeRow(finding, &html) }
        }
      }
    }
  }

  private func writeRow(_ finding: Finding, _ html: inout HTMLWriter) {
    let span = finding.traced.span
    html.element(.tr) { html in
      html.element(.th, .scope("row"), .classes("main")) { html in
        html.element(.a, .href(finding.traced.address)) { $0.foreign(span.name) }
        if let title = span.givenTitle {
          html.text(" ")
          html.foreign(title, .classes("title"))
        }
      }
      html.element(.td, text: span.operation.word)
      html.element(.td) { $0.outcome(of: span) }
      html.element(.td) { $0.time(span.start, now: context.now) }
      html.element(.td, .classes("number"), text: Wording.duration(from: span.start, to: span.end ?? context.now))
      html.element(.td, .classes("quiet"), text: finding.reason)
      context.writeExclusionCell(of: ExcludedItem(span.key), named: span.name, &html)
    }
  }

  private func writeHelp(_ text: String, _ html: inout HTMLWriter) {
    html.element(.div, .classes("empty")) { html in
      if !text.isEmpty {
        html.element(.p) { html in
          html.text("vsd knows no item called ")
          html.element(.b) { $0.foreign(text) }
          html.text(
            ", nor one with these words in its title among the latest \(Self.titledLimit) issues, changes and incidents "
              + "each. Searched are:")
        }
      }
      html.element(.ul) { html in
        for example in [
          "words of a title: basket empty input", "an issue key or number: TP-3, acme/site#36",
          "a pull or merge request: acme/site#37, group/app!8",
          "a commit, all of it or its first seven digits and more", "a trace id: 32 hexadecimal digits",
          "a subject key: github:github.com:197483389:issue:36", "the id that a script gave: shop/deploy-42",
        ] { html.element(.li, text: example) }
      }
    }
  }
}

extension String {
  /// The text without spaces at its ends.
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
