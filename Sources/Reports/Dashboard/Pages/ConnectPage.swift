import QueryAPI
import ValueStreamCore

/// `/connect`: the address of each source, whether deliveries arrive, and whether exporters deliver.
struct ConnectPage {
  private let context: PageContext
  /// How far back the log is searched for the last delivery of each source.
  private static let searchLimit = 200
  private static let searchBytes = 4 << 20

  init(_ context: PageContext) {
    self.context = context
  }

  private struct Last {
    var time: Timestamp
    var result: DeliveryResult
  }

  func respond() throws -> HTTPResponse {
    _ = try PageState(context.request, taking: [])
    let status = try context.dashboard.inputs.status()
    let last = try lastDeliveries(status)
    var frame = PageFrame(title: "Connect", section: .connect)
    frame.refreshSeconds = 15
    return context.page(frame) { html in
      html.pageHeading("Connect") { html in
        html.text("Paste the address of a source into its webhook settings. Deliveries then show here within seconds.")
        guard status.publicURL == nil else { return }
        if Self.isLocal(host) {
          html.text(" Only this machine reaches ")
          html.foreign(host)
          html.text(".")
        } else {
          html.text(" The addresses begin as the one in your browser does.")
        }
        html.text(" If senders reach vsd by another address, such as that of a proxy, name it with ")
        html.element(.code, text: "--public-url")
        html.text(".")
      }
      if let obstacle = status.obstacle {
        html.element(.p, .classes("alert"), .role("alert")) { $0.foreign("No deliveries are taken: \(obstacle)") }
      }
      html.element(.section) { html in
        html.sectionHeading("Sources") { html in
          html.text("refused deliveries since vsd started ")
          html.time(status.start, now: context.now)
        }
        html.scrollingTable("Sources", classes: "list tall") { html in
          html.tableHead(["Source and address to paste", "Secret", "Last delivery", "Refused"])
          html.element(.tbody) { html in
            for source in status.sources { writeSource(source, last[source.name], status, &html) }
          }
        }
      }
      writeExporters(status, &html)
    }
  }

  /// Returns the last delivery of each source: from the daemon's memory, or from the end of the log.
  private func lastDeliveries(_ status: DaemonStatus) throws -> [String: Last] {
    var last: [String: Last] = [:]
    var missing = Set(status.sources.map(\.name))
    for source in status.sources {
      guard let known = source.last else { continue }
      last[source.name] = Last(time: known.time, result: known.result)
      missing.remove(source.name)
    }
    let logged = try context.dashboard.inputs.deliveries.last(of: missing, limit: Self.searchLimit, byteLimit: Self.searchBytes)
    for (source, entry) in logged {
      let found = entry.logged
      last[source] = Last(time: found.delivery.received, result: found.unreadable == nil ? .recorded : .unreadable)
    }
    return last
  }

  /// The address of this daemon as the reader reaches it, unless the operator has set another.
  private func origin(_ status: DaemonStatus) -> String {
    if let url = status.publicURL { return url.hasSuffix("/") ? String(url.dropLast()) : url }
    return "http://\(host)"
  }

  /// The host and port by which the reader reaches this daemon.
  private var host: String { context.request.headers["Host"] ?? "localhost" }

  /// True if a host, with or without a port, is that of the machine itself.
  private static func isLocal(_ host: String) -> Bool {
    host.hasPrefix("localhost") || host.hasPrefix("127.") || host.hasPrefix("[::1]")
  }

  private func writeSource(_ source: DaemonStatus.Source, _ last: Last?, _ status: DaemonStatus, _ html: inout HTMLWriter) {
    let guide = source.guide
    html.element(.tr) { html in
      html.element(.th, .scope("row"), .classes("main")) { html in
        html.text(guide?.title ?? source.name)
        html.element(.p) { html in html.element(.code, .classes("copy")) { $0.foreign(origin(status) + source.route) } }
        if let guide {
          html.element(.p, .classes("quiet")) { html in
            html.text(guide.steps)
            if let link = WebLink(guide.link) {
              html.text(" ")
              html.link(to: link, text: "How to")
            }
          }
          if let command = guide.command {
            html.element(.p, .classes("quiet")) { html in
              switch command {
              case .creation: html.text("Or with a token in its variable: ")
              case .sending: html.text("Around a command: ")
              }
              html.element(.code) { $0.foreign(command.line(address: origin(status) + source.route)) }
            }
          }
        }
      }
      html.element(.td) { html in
        if source.hasSecret {
          html.word("set", .good)
        } else {
          html.word("none", .attention)
          html.element(.p, .classes("quiet")) { html in
            html.text("Anybody who reaches the address may send. Set ")
            html.element(.code, text: source.secretVariable ?? "a secret")
            html.text(".")
          }
        }
      }
      html.element(.td) { html in
        guard let last else { return html.element(.span, .classes("quiet"), text: "none lately") }
        html.time(last.time, now: context.now)
        html.element(.p) { html in
          switch last.result {
          case .recorded, .duplicate: html.word(last.result == .duplicate ? "known already" : "recorded", .good)
          case .ignored: html.word("ignored", .quiet)
          case .unreadable: html.word("unreadable", .bad)
          case .unauthenticated, .refused: html.word("refused", .bad)
          }
        }
        html.element(.a, .href(Address("deliveries").adding("source", source.name)), text: "all of them")
      }
      html.element(.td) { html in
        guard !source.refusals.isEmpty else { return html.element(.span, .classes("quiet"), text: "none") }
        for refusal in source.refusals {
          html.element(.p) { html in
            html.word(Wording.grouped(Int64(refusal.count)), .bad)
            html.text(" ")
            html.foreign(refusal.reason)
          }
          html.element(.p, .classes("quiet")) { html in
            html.text("last ")
            html.time(refusal.time, now: context.now)
          }
        }
      }
    }
  }

  private func writeExporters(_ status: DaemonStatus, _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("Exporters") { html in html.text("finished spans, over the life of the store") }
      guard !status.exporters.isEmpty else {
        html.element(.p, .classes("quiet"), text: "None: spans stay here. --tracer names where else they go.")
        return
      }
      html.scrollingTable("Exporters", classes: "list") { html in
        html.tableHead(["Exporter", "State", ">Sent", ">Waiting", ">Rejected", ">Dropped"])
        html.element(.tbody) { html in
          for exporter in status.exporters {
            html.element(.tr) { html in
              html.element(.th, .scope("row"), text: exporter.name)
              html.element(.td) { html in writeState(of: exporter, &html) }
              for count in [exporter.sent, Int64(exporter.pending), exporter.refused, exporter.dropped] {
                html.element(.td, .classes("number"), text: Wording.grouped(count))
              }
            }
          }
        }
      }
      let rejections = (try? context.queries.store.exportRejections(of: nil, before: nil, limit: 5)) ?? []
      guard !rejections.isEmpty else { return }
      html.element(.h3, text: "Last rejections")
      html.element(.ul) { html in
        for rejection in rejections.map(\.rejection) {
          html.element(.li) { html in
            html.time(rejection.time, now: context.now)
            html.text(" \(rejection.exporter), \(Wording.count(rejection.count, "span")): ")
            html.foreign(String(rejection.reason.prefix(500)))
          }
        }
      }
    }
  }

  private func writeState(of exporter: DaemonStatus.Exporter, _ html: inout HTMLWriter) {
    if let since = exporter.failingSince {
      html.word("accepts nothing", .bad)
      html.text(" since ")
      html.time(since, now: context.now)
    } else if let oldest = exporter.oldestPending {
      html.word("working", .good)
      html.text(", oldest waits \(Wording.duration(from: oldest, to: max(oldest, context.now)))")
    } else {
      html.word("up to date", .good)
    }
  }
}
