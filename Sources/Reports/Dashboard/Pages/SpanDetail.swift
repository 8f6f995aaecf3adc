import ValueStreamCore

/// What is known about one span, beside the waterfall: how it ended, why it is in this trace, its links and attributes.
struct SpanDetail {
  let traced: TracedSpan
  /// The parent in the same trace, if it was read.
  let parent: TracedSpan?
  /// Linked items and the parent.
  let items: [SubjectKey: LinkedItem]
  let now: Timestamp
  /// What became of the release of a deploy. Nil for other items, and without delivery metrics.
  var verdict: DeployVerdicts.Entry?
  /// True if the page lists the changes that a deploy brought in a table of its own.
  var hasTableOfChanges = false
  /// The number of links beside a waterfall.
  static let linkLimit = 20

  func write(to html: inout HTMLWriter) {
    let span = traced.span
    html.element(.aside, .classes("rail"), .id("detail"), .label("Details of \(span.name)")) { html in
      html.element(.div, .classes("heading")) { html in
        html.element(.h2) { $0.foreign(span.name) }
        html.element(.p, .classes("remark"), text: span.operation.word)
      }
      if let title = span.givenTitle, title != span.name { html.element(.p) { $0.foreign(title) } }
      writeLife(&html)
      if let verdict {
        html.element(.p) { html in
          html.text("Verdict: ")
          html.verdict(verdict)
        }
      }
      writeReason(&html)
      writeLinks(&html)
      writePhases(&html)
      writeAttributes(&html)
    }
  }

  private func writeLife(_ html: inout HTMLWriter) {
    let span = traced.span
    html.element(.p) { html in
      html.outcome(of: span)
      html.text(" after \(Wording.duration(from: span.start, to: span.end ?? now))")
      html.text(span.isFinished ? ", from " : " so far, since ")
      html.time(span.start, now: now)
      if let end = span.end {
        html.text(" to ")
        html.time(end, now: now)
      }
      html.text(".")
      if span.isStartUnknown { html.text(" No delivery states the start; this is the earliest time known.") }
      if span.isEndUnknown { html.text(" No delivery states the end; this is the latest time known.") }
    }
    html.element(.p, .classes("quiet")) { html in
      html.text("Said by \(span.source)")
      if let project = span.project {
        html.text(" · ")
        html.foreign(project)
      }
      if let commit = span.shortCommit {
        html.text(" · ")
        html.element(.code, text: commit)
      }
      if let link = span.webLink {
        html.text(" · ")
        html.link(to: link, text: "open at \(link.host)")
      }
    }
  }

  /// Says why the span has its parent: the rule, and the reference that led there.
  private func writeReason(_ html: inout HTMLWriter) {
    html.element(.h3, text: "Why this parent")
    guard let tie = traced.parent else {
      html.element(.p, .classes("reason"), text: "None: nothing says what this belongs to, so it begins the trace.")
      return
    }
    html.element(.div, .classes("reason")) { html in
      html.element(.p) { html in
        if let parent {
          html.element(.a, .href(parent.address)) { $0.foreign(parent.span.name) }
        } else {
          html.element(.a, .href(Address("search").adding("q", tie.parent.description))) {
            $0.foreign(items[tie.parent]?.name ?? tie.parent.plainName)
          }
        }
        // The key of the parent says nothing that its name does not.
        guard tie.reference != .key(tie.parent) else { return }
        html.text(" through \(tie.reference.kind.word) ")
        html.element(.code) { $0.foreign(tie.reference.value) }
      }
      html.element(.p, .classes("quiet")) { html in
        html.text("rule ")
        html.element(.b, text: tie.rule.name)
        html.text(": \(tie.rule.explanation)")
        if let attempt = tie.attempt { html.text(", attempt \(attempt)") }
        if parent == nil { html.text(". The parent is in another trace") }
        html.text(".")
      }
    }
  }

  private func writeLinks(_ html: inout HTMLWriter) {
    if traced.span.operation == .deploy, traced.span.deployStep == "first" {
      html.element(.h3, text: "Brings")
      html.element(
        .p, .classes("quiet"),
        text: "Not known: this is the first deploy of its service to this environment. Changes count from the next one on.")
    }
    if traced.span.operation == .deploy,
      traced.span.attributes.value(of: AttributeName.valuestreamDeploymentChangesCount) == .int(0)
    {
      html.element(.h3, text: "Brings")
      html.element(
        .p, .classes("quiet"),
        text: "No change: the commits since the deploy before it belong to no pull or merge request that vsd knows.")
    }
    let links = hasTableOfChanges ? traced.links.filter { !$0.isBrought } : traced.links
    guard !links.isEmpty else { return }
    let isDeploy = traced.span.operation == .deploy && !hasTableOfChanges
    let total = links.count + traced.droppedLinkCount
    html.element(.h3) { html in
      html.text(isDeploy ? "Brings and links" : "Links")
      html.element(.small, text: " \(Wording.grouped(Int64(total)))")
    }
    html.element(.ul, .classes("links")) { html in
      for link in links.prefix(Self.linkLimit) {
        html.element(.li) { html in writeLink(link, &html) }
      }
    }
    if total > Self.linkLimit {
      html.element(
        .p, .classes("quiet"), text: "\(Wording.grouped(Int64(total - Self.linkLimit))) more are in the JSON of this page.")
    }
  }

  private func writeLink(_ link: TracedLink, _ html: inout HTMLWriter) {
    let item = items[link.key]
    let name = item?.name ?? link.key.plainName
    html.element(.a, .href(Address("traces", link.traceID.description).adding("span", link.spanID.description))) {
      $0.foreign(item?.title ?? name)
    }
    if item?.title != nil {
      html.text(" ")
      html.foreign(name, .classes("quiet"))
    }
    let change = BroughtChange(link, of: traced.span, items)
    if link.isBrought {
      if let words = change.aheadWords { html.element(.span, .classes("quiet"), text: " · \(words)") }
      for (milestone, words) in BroughtChange.milestones {
        guard let duration = change.duration(since: milestone) else { continue }
        html.element(.span, .classes("quiet"), text: " · \(duration) \(words)")
      }
      return
    }
    html.element(.span, .classes("quiet"), text: " \(link.rule.replacing("_", with: " "))")
    for attribute in link.attributes where attribute.vocabulary == .semantic {
      guard let text = Self.text(of: attribute) else { continue }
      html.element(.span, .classes("quiet"), text: " · \(text)")
    }
  }

  /// Returns a fact of a link in words: seconds as a duration, a flag by its name.
  private static func text(of attribute: Attribute) -> String? {
    let name = attribute.name.split(separator: ".").last.map { String($0).replacing("_", with: " ") } ?? attribute.name
    let isSeconds = attribute.name.hasSuffix("seconds")
    switch attribute.value {
    case .double(let seconds) where isSeconds:
      return seconds.isFinite ? "\(name.replacing(" seconds", with: "")) \(Wording.duration(seconds: seconds))" : nil
    case .int(let seconds) where isSeconds:
      return "\(name.replacing(" seconds", with: "")) \(Wording.duration(seconds: Double(seconds)))"
    case .bool(let flag): return flag ? name : nil
    default: return attribute.value.text.map { "\(name) \($0)" }
    }
  }

  private func writePhases(_ html: inout HTMLWriter) {
    let phases = traced.span.phases
    guard !phases.isEmpty else { return }
    html.element(.h3, text: "Phases")
    html.element(.table, .classes("figures")) { html in
      html.element(.caption, .classes("unseen"), text: "Phases")
      html.element(.tbody) { html in
        for phase in phases.prefix(50) {
          html.element(.tr) { html in
            html.element(.th, .scope("row")) { $0.foreign(phase.name) }
            html.element(.td) { $0.time(phase.start, now: now) }
            html.element(.td, .classes("number"), text: Wording.duration(from: phase.start, to: phase.end ?? now))
          }
        }
      }
    }
    if phases.count > 50 { html.element(.p, .classes("quiet"), text: "\(phases.count - 50) more are in the JSON of this page.") }
  }

  private func writeAttributes(_ html: inout HTMLWriter) {
    let span = traced.span
    html.element(.details, .classes("attributes")) { html in
      html.element(.summary, text: "Attributes and ids")
      html.element(.dl) { html in
        func pair(_ name: String, _ value: String) {
          html.element(.dt, text: name)
          html.element(.dd) { $0.foreign(value) }
        }
        pair("key", span.key.description)
        pair("span id", span.id.description)
        pair("trace id", traced.traceID.description)
        if let classicID = traced.classicID { pair("classic id", classicID) }
        for attribute in span.attributes where attribute.vocabulary == .semantic {
          if let text = attribute.value.text { pair(attribute.name, text) }
        }
      }
    }
  }
}
