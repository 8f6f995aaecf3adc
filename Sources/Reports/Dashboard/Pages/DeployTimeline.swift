import ValueStreamCore

/// Draws deploys over time, a line for each environment.
struct DeployTimeline {
  private let deploys: [Span]
  private let now: Timestamp
  private static let lineLimit = 8
  private static let lineHeight = 28.0

  init(_ deploys: [Span], now: Timestamp) {
    self.deploys = deploys
    self.now = now
  }

  func write(to html: inout HTMLWriter) {
    guard deploys.count > 1, let from = deploys.map(\.start).min(), let to = deploys.map({ $0.end ?? now }).max() else { return }
    let lines = Dictionary(grouping: deploys) { $0.environment ?? "no environment" }
      .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    let scale = TimeScale(from: from, to: to, busy: [(from, to)])
    let ticks = scale.ticks
    html.element(.section) { html in
      html.sectionHeading("By environment") { html in
        html.text("│ deploy  ◆ failed")
        if lines.count > Self.lineLimit {
          html.text("  · \(lines.count - Self.lineLimit) environments with fewer deploys left out")
        }
      }
      html.element(.div, .classes("lanes"), .isHidden) { html in
        for (environment, spans) in lines.prefix(Self.lineLimit) {
          let failed = spans.count { $0.outcome?.isError ?? false }
          html.element(.div, .classes("lane-name")) { html in
            html.element(.b) { $0.foreign(environment) }
          }
          html.element(.svg, .classes("lane"), .height(.pixels(Self.lineHeight))) { html in
            for tick in ticks.days {
              html.element(
                .line, .classes("grid"), .x1(.share(tick.place)), .x2(.share(tick.place)), .y1(.pixels(0)), .y2(.share(1)))
            }
            for span in spans { writeMark(span, scale, &html) }
          }
          html.element(
            .div, .classes("lane-count"), text: Wording.count(spans.count, "deploy") + (failed > 0 ? ", \(failed) failed" : ""))
        }
        html.element(.div)
        html.element(.svg, .classes("lane"), .height(.pixels(18))) { html in
          for tick in scale.ticksOnOneLine {
            let side = tick.side + (tick.needsRoom ? " wide" : "")
            html.element(.text, .classes("hour" + side), .x(.share(tick.labelPlace)), .y(.pixels(13)), text: tick.label)
          }
        }
        html.element(.div)
      }
    }
  }

  private func writeMark(_ span: Span, _ scale: TimeScale, _ html: inout HTMLWriter) {
    let place = HTMLAttribute.Length.share(scale.place(of: span.end ?? span.start))
    let isBad = span.outcome?.isError ?? false
    html.element(
      .line, .classes(isBad ? "deploy bad" : span.isFinished ? "deploy" : "deploy pending"), .x1(place), .x2(place),
      .y1(.pixels(8)), .y2(.pixels(22))
    ) { html in
      html.element(.title, text: "\(span.name), \(Wording.time(span.start, now: now)), \(span.outcome?.word ?? "running")")
    }
    if isBad { html.element(.text, .classes("failed-mark"), .x(place), .y(.pixels(12)), text: "◆") }
  }
}
