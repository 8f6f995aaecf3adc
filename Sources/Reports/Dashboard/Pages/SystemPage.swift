import DeliveryMetrics
import ValueStreamCore

/// `/system`: whether vsd is well: queues, lag, store, retention, version.
struct SystemPage {
  private let context: PageContext

  init(_ context: PageContext) {
    self.context = context
  }

  func respond() throws -> HTTPResponse {
    _ = try PageState(context.request, taking: [])
    let status = try context.dashboard.inputs.status()
    let history = try context.dashboard.inputs.reports.map { try $0.history.report(of: $0.facts).rows } ?? []
    var frame = PageFrame(title: "System", section: .system)
    frame.refreshSeconds = 15
    return context.page(frame) { html in
      html.pageHeading(Self.heading(status)) { html in
        html.text(
          "vsd \(ValueStreamVersion.current), running for \(Wording.duration(from: status.start, to: max(status.start, context.now)))"
        )
      }
      if let obstacle = status.obstacle { html.element(.p, .classes("alert"), .role("alert")) { $0.foreign(obstacle) } }
      if !status.warnings.isEmpty {
        html.element(.ul, .classes("warnings")) { html in
          for warning in status.warnings {
            html.element(.li) { html in
              html.word("", .attention)
              html.foreign(warning)
            }
          }
        }
      }
      html.element(.div, .classes("columns")) { html in
        writeSection(
          "Deliveries",
          [
            ("wait to be written", Wording.grouped(Int64(status.waitingDeliveries))),
            ("written, not projected yet", Wording.grouped(Int64(clamping: status.unprojectedDeliveries))),
            (
              "projection",
              status.stallSeconds < 1 ? "keeps up" : "stalled for \(Wording.duration(seconds: status.stallSeconds))"
            ),
            ("set aside", Wording.grouped(Int64(status.setAsideDeliveries))),
          ], &html)
        writeSection(
          "Spans",
          [
            ("open", Wording.grouped(Int64(status.openSpans))),
            ("finished since counting began", Wording.grouped(Int64(status.finishedSpans))),
            ("damaged records", Wording.grouped(Int64(status.damagedRecords))),
          ], &html)
        writeSection(
          "Store",
          [
            ("place", status.store), ("log of deliveries", Wording.bytes(status.logBytes)),
            ("spans", Wording.bytes(status.spanBytes)),
          ] + (status.leader.map { [("leader, which projects and exports", $0)] } ?? []) + status.retention, &html)
        writeSection("Settings", status.settings, &html)
      }
      writeHistory(history, &html)
      html.element(.p, .classes("remark")) { html in
        html.text("The same figures for machines: ")
        html.element(.a, .href(Address("metrics")), text: "metrics")
        html.text(", ")
        html.element(.a, .href(Address("readyz")), text: "readiness")
        html.text(", ")
        html.element(.a, .href(Address("api", "v1", "stats")), text: "counts")
        html.text(".")
      }
    }
  }

  private static func heading(_ status: DaemonStatus) -> String {
    if status.obstacle != nil { return "vsd takes no deliveries" }
    if !status.warnings.isEmpty { return "vsd works, and something needs a look" }
    return "vsd is well"
  }

  private func writeSection(_ title: String, _ pairs: [(name: String, text: String)], _ html: inout HTMLWriter) {
    guard !pairs.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading(title)
      html.element(.table, .classes("figures")) { html in
        html.element(.caption, .classes("unseen"), text: title)
        html.element(.tbody) { html in
          for (name, text) in pairs {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), text: name)
              html.element(.td, .classes("number")) { $0.foreign(text) }
            }
          }
        }
      }
    }
  }

  /// The most repositories that the page lists.
  private static let historyLimit = 100

  /// Writes where the history of each repository begins, the shortest history first.
  private func writeHistory(_ rows: [HistoryReport.Row], _ html: inout HTMLWriter) {
    guard !rows.isEmpty else { return }
    let shown = rows.sorted { left, right in
      left.firstDay == right.firstDay
        ? left.repository < right.repository : (left.firstDay?.rawValue ?? 0) > (right.firstDay?.rawValue ?? 0)
    }.prefix(Self.historyLimit)
    html.element(.section) { html in
      html.sectionHeading("Where history begins")
      html.scrollingTable("The first day with each kind of item", classes: "list") { html in
        let kinds = HistoryReport.Kind.allCases.map { $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst() }
        html.tableHead(["Repository", "Source"] + kinds)
        html.element(.tbody) { html in
          for row in shown {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), .classes("main")) { $0.foreign(row.repository) }
              html.element(.td) { $0.foreign(row.source ?? "") }
              for kind in HistoryReport.Kind.allCases {
                html.element(.td) { html in
                  if let day = row.began([kind]) { html.text(Wording.day(day, now: context.now)) }
                }
              }
            }
          }
        }
      }
      if rows.count > shown.count {
        html.element(.p, .classes("remark")) { html in
          html.text("\(rows.count - shown.count) more are in the ")
          html.element(.a, .href(Address("api", "v1", "history")), text: "API")
          html.text(".")
        }
      }
    }
  }
}
