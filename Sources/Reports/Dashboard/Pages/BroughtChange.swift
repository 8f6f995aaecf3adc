import ValueStreamCore

/// What pages say about an item that a span links to, such as a change that a deploy brought.
struct LinkedItem {
  let name: String
  /// The title that people gave to the item; nil if it has none.
  var title: String?
  var author: String?
  var project: String?
  /// Nil if the item has no span.
  var start: Timestamp?
  var end: Timestamp?
}

extension LinkedItem {
  init(_ subject: Subject) {
    let span = subject.spans().last
    self.init(
      name: subject.name, title: subject.givenTitle, author: span?.author, project: span?.project,
      start: span.flatMap { $0.isStartUnknown ? nil : $0.start }, end: span?.end)
  }
}

/// A change that a deploy brought, with its times from several milestones to the end of the deploy.
struct BroughtChange {
  let link: TracedLink
  let item: LinkedItem?
  /// The end of the deploy.
  let deployed: Timestamp?

  /// True if the deploy ended before the change was opened or merged, such as a deploy of its branch to staging.
  var isAhead: Bool {
    guard let deployed else { return false }
    return [item?.start, item?.end].contains { $0.map { $0 > deployed } ?? false }
  }

  init(_ link: TracedLink, of deploy: Span, _ items: [SubjectKey: LinkedItem]) {
    self.link = link
    item = items[link.key]
    deployed = deploy.end
  }

  /// The page of the change.
  var address: Address { Address("changes", link.spanID.description).adding("key", link.key.description) }

  /// The time since a milestone of the change: `commit`, `change` for its opening, or `merge`. Nil if it is unknown, or later than
  /// the deploy.
  func duration(since milestone: String) -> String? {
    let later = milestone == "merge" ? item?.end : milestone == "change" ? item?.start : nil
    if let later, let deployed, later > deployed { return nil }
    guard case .double(let seconds)? = link.attributes.value(of: "valuestream.lead_time.\(milestone)"), seconds.isFinite else {
      return nil
    }
    return Wording.duration(seconds: seconds)
  }

  /// The milestones of a change, and how pages name the time since each.
  static let milestones = [("commit", "since the first commit"), ("change", "since it was opened"), ("merge", "since its merge")]

  /// What the change still lacked when the deploy ended.
  var aheadWords: String? {
    guard let deployed, isAhead else { return nil }
    return item?.start.map { $0 > deployed } ?? false ? "deployed before it was opened" : "deployed before merge"
  }
}

extension TracedLink {
  /// True if the link leads from a deploy to a change that it brought.
  var isBrought: Bool { rule == "deploys" }
}

/// The changes that a deploy brought, as a table.
struct BroughtTable {
  private let changes: [BroughtChange]
  /// The changes beyond those that the span links to, and those that the table leaves out.
  private let hiddenCount: Int
  /// The number of changes that a page lists of a deploy.
  static let limit = 50

  init(_ deploy: TracedSpan, _ items: [SubjectKey: LinkedItem]) {
    let links = deploy.links.filter(\.isBrought)
    changes = links.prefix(Self.limit).map { BroughtChange($0, of: deploy.span, items) }
    hiddenCount = links.count - changes.count + deploy.droppedLinkCount
  }

  var isEmpty: Bool { changes.isEmpty }

  func write(to html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("What it brought") { html in
        html.text(Wording.count(changes.count + hiddenCount, "change"))
        if hiddenCount > 0 { html.text(" · \(hiddenCount) more are in the JSON of this page") }
        if changes.contains(where: { $0.isAhead }) { html.text(" · some were deployed from their branch, before the merge") }
      }
      html.scrollingTable("Changes that the deploy brought", classes: "list") { html in
        html.tableHead(["Change", "Author", ">Since first commit", ">Since opening", ">Since merge", "Repository"])
        html.element(.tbody) { html in
          for change in changes { writeRow(change, &html) }
        }
      }
    }
  }

  private func writeRow(_ change: BroughtChange, _ html: inout HTMLWriter) {
    let name = change.item?.name ?? change.link.key.plainName
    html.element(.tr) { html in
      html.element(.th, .scope("row"), .classes("main")) { html in
        html.element(.a, .href(change.address)) { $0.foreign(change.item?.title ?? name) }
        if change.item?.title != nil {
          html.text(" ")
          html.foreign(name, .classes("title"))
        }
      }
      html.element(.td) { $0.foreign(change.item?.author ?? "") }
      for (milestone, _) in BroughtChange.milestones {
        html.element(.td, .classes("number")) { html in
          if let duration = change.duration(since: milestone) {
            html.text(duration)
          } else {
            html.element(.span, .classes("quiet"), text: milestone == "merge" ? change.aheadWords ?? "–" : "–")
          }
        }
      }
      html.element(.td) { $0.foreign(change.item?.project ?? "") }
    }
  }
}
