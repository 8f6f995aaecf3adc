import ValueStreamCore

/// Draws the whole time of a trace on a true scale: where there was work, and where there was waiting.
struct TimeStrip {
  let rows: WaterfallRows
  /// The period that the waterfall shows.
  let window: TimeScale

  func write(to html: inout HTMLWriter) {
    let (from, to) = (rows.from, max(rows.to, rows.from.advanced(bySeconds: 1)))
    let total = Double(to.nanoseconds(since: from))
    func share(_ time: Timestamp) -> Double { min(max(Double(time.nanoseconds(since: from)) / total, 0), 1) }
    let work = WorkRules.stretches(of: [.work], in: rows.pieces, from: from, to: to)
    let hand = WorkRules.stretches(of: [.hand], in: rows.pieces, from: from, to: to)
    let waits = longestWaits(between: WorkRules.stretches(of: [.work, .hand], in: rows.pieces, from: from, to: to), from, to)
    html.element(.svg, .classes("strip"), .id("strip"), .isHidden, .data(.from, from.rfc3339), .data(.to, to.rfc3339)) { html in
      html.element(.rect, .classes("wait"), .x(.pixels(0)), .width(.share(1)), .y(.pixels(18)), .height(.pixels(14)))
      for (pieces, classes) in [(hand, "hand"), (work, "work")] {
        for piece in pieces {
          let width = share(piece.to) - share(piece.from)
          let isTiny = width < 0.002
          html.element(
            .rect, .classes(classes), .x(.share(min(share(piece.from), 0.998))), .width(isTiny ? .pixels(2) : .share(width)),
            .y(.pixels(18)), .height(.pixels(14)))
        }
      }
      for row in rows.rows {
        guard let span = row.traced?.span, span.operation == .incident else { continue }
        let width = share(row.to) - share(row.from)
        html.element(
          .rect, .classes("incident"), .x(.share(share(row.from))), .width(width < 0.003 ? .pixels(3) : .share(width)),
          .y(.pixels(14)), .height(.pixels(3)))
      }
      for wait in waits {
        let middle = (share(wait.from) + share(wait.to)) / 2
        html.element(
          .text, .classes("gap"), .x(.share(middle)), .y(.pixels(11)), text: Wording.duration(from: wait.from, to: wait.to))
      }
      let scale = TimeScale(from: from, to: to, busy: [(from, to)])
      for tick in scale.ticksOnOneLine {
        let side = tick.side + (tick.needsRoom ? " wide" : "")
        html.element(
          .line, .classes("tick"), .x1(.share(tick.place)), .x2(.share(tick.place)), .y1(.pixels(32)), .y2(.pixels(36)))
        html.element(.text, .classes("hour" + side), .x(.share(tick.labelPlace)), .y(.pixels(47)), text: tick.label)
      }
      if window.from > from || window.to < to {
        html.element(
          .rect, .classes("window"), .x(.share(share(window.from))), .width(.share(share(window.to) - share(window.from))),
          .y(.pixels(14)), .height(.pixels(22)))
      }
    }
  }

  /// Returns the waits that have room for a label.
  private func longestWaits(
    between work: [(from: Timestamp, to: Timestamp)], _ from: Timestamp, _ to: Timestamp
  ) -> [(from: Timestamp, to: Timestamp)] {
    var waits: [(from: Timestamp, to: Timestamp)] = []
    var last = from
    for piece in work {
      if piece.from > last { waits.append((last, piece.from)) }
      last = max(last, piece.to)
    }
    if to > last { waits.append((last, to)) }
    let least = to.nanoseconds(since: from) / 16
    return waits.filter { $0.to.nanoseconds(since: $0.from) > least }
  }
}
