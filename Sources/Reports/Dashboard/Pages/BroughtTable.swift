import ValueStreamCore

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
