import ValueStreamCore

/// Draws the spans of a trace over time: a row each, with work, waiting, events and the critical path.
struct Waterfall {
  let rows: WaterfallRows
  let scale: TimeScale
  let selected: SpanID?
  /// The repository that needs no mention.
  let project: String?
  /// Returns the address that shows a span beside the waterfall.
  let address: (TracedSpan) -> Address

  static let rowHeight = 26.0
  /// Deeper rows are indented no further.
  private static let deepest = 12

  func write(to html: inout HTMLWriter) {
    html.element(
      .div, .classes("wf"), .id("waterfall"), .tabindex(0), .role("region"), .label("Waterfall of the trace"),
      .data(.from, scale.from.rfc3339), .data(.to, scale.to.rfc3339)
    ) { html in
      writeAxis(&html)
      html.element(.div, .classes("wf-body")) { html in
        writeBackground(&html)
        html.element(.div, .classes("wf-rows")) { html in writeRows(0..<rows.rows.count, level: 0, &html) }
        writePath(&html)
      }
    }
  }

  // MARK: Axis

  private func writeAxis(_ html: inout HTMLWriter) {
    let ticks = scale.ticks
    html.element(.div, .classes("wf-axis"), .isHidden) { html in
      html.element(.svg, .height(.pixels(40))) { html in
        html.element(.defs) { html in
          html.element(
            .pattern, .id("hatch"), .patternUnits(), .width(.pixels(6)), .height(.pixels(6)), .patternTransform("rotate(45)")
          ) { html in
            html.element(.line, .classes("hatching"), .x1(.pixels(0)), .x2(.pixels(0)), .y1(.pixels(0)), .y2(.pixels(6)))
          }
        }
        for tick in ticks.days { writeTick(tick, "day", y: 13, &html) }
        for tick in ticks.hours { writeTick(tick, "hour", y: 31, &html) }
        for tick in ticks.gaps { writeTick(tick, "gap", y: 31, &html) }
      }
    }
  }

  private func writeTick(_ tick: TimeScale.Tick, _ kind: String, y: Double, _ html: inout HTMLWriter) {
    html.element(
      .text, .classes(kind + tick.side + (tick.needsRoom ? " wide" : "")), .x(.share(tick.labelPlace)), .y(.pixels(y)),
      text: tick.label)
  }

  private func writeBackground(_ html: inout HTMLWriter) {
    let ticks = scale.ticks
    html.element(.svg, .classes("wf-back"), .isHidden) { html in
      for gap in scale.gaps {
        html.element(
          .rect, .x(.share(gap.start)), .width(.share(gap.end - gap.start)), .y(.pixels(0)), .height(.share(1)),
          .fill(pattern: "hatch"))
      }
      for tick in ticks.days + ticks.hours {
        html.element(.line, .x1(.share(tick.place)), .x2(.share(tick.place)), .y1(.pixels(0)), .y2(.share(1)))
      }
    }
  }

  // MARK: Rows

  private func writeRows(_ range: Range<Int>, level: Int, _ html: inout HTMLWriter) {
    var index = range.lowerBound
    while index < range.upperBound {
      let row = rows.rows[index]
      html.element(.div, .classes(rowClasses(row, level))) { html in writeCells(row, index, &html) }
      guard row.end > index + 1, level < Self.deepest else {
        index += 1
        continue
      }
      // The mark that folds the rows below stands beside the name, apart from its link: a control must not hold another.
      html.element(.details, row.isShut ? .classes("shut") : nil, row.isShut ? nil : .isOpen) { html in
        html.element(.summary, .classes("fold d\(level)"), .label("Below \(row.traced?.span.name ?? "this")"))
        writeRows(index + 1..<row.end, level: level + 1, &html)
      }
      index = row.end
    }
  }

  private func rowClasses(_ row: WaterfallRows.Row, _ level: Int) -> String {
    var classes = "wf-row d\(level)"
    if let traced = row.traced {
      if traced.span.id == selected { classes += " selected" }
    } else {
      classes += " phase"
    }
    return classes
  }

  private func writeCells(_ row: WaterfallRows.Row, _ index: Int, _ html: inout HTMLWriter) {
    html.element(.span, .classes("wf-name")) { html in
      switch row.content {
      case .span(let traced):
        let span = traced.span
        html.element(.span, .classes("op op-\(Self.known(span.operation))"), .isHidden, text: span.operation.symbol)
        html.element(
          .a, .href(address(traced)), .title("\(span.operation.word) \(span.name)"),
          span.id == selected ? .current("true") : nil
        ) { $0.foreign(span.shortName(in: project)) }
        if span.attempt > 1 { html.element(.small, text: " attempt \(span.attempt)") }
        html.element(.span, .classes("unseen"), text: ", \(span.operation.word), \(Self.spoken(row, span.outcome))")
      case .phase(let phase):
        html.foreign(phase.name)
        html.element(.span, .classes("unseen"), text: ", \(Self.spoken(row, phase.outcome))")
      }
    }
    html.element(
      .span, .classes(row.isOpen ? "wf-time open" : "wf-time"), text: Wording.duration(from: row.from, to: row.to))
    html.element(.svg, .classes("wf-bar"), .isHidden) { html in writeBar(row, index, &html) }
  }

  /// What the bar shows, for readers who do not see it.
  private static func spoken(_ row: WaterfallRows.Row, _ outcome: Outcome?) -> String {
    let start = "started \(Wording.weekday(row.from)) \(Wording.clock(row.from))"
    guard !row.isOpen else { return "\(start), still going on" }
    let end = "ended \(Wording.weekday(row.to)) \(Wording.clock(row.to))"
    return outcome.map { "\(start), \(end), \($0.word)" } ?? "\(start), \(end)"
  }

  /// The operations that have a style.
  private static func known(_ operation: Operation) -> String {
    [.issue, .pullRequest, .build, .job, .deploy, .incident].contains(operation) ? operation.rawValue : "other"
  }

  private func writeBar(_ row: WaterfallRows.Row, _ index: Int, _ html: inout HTMLWriter) {
    guard row.to >= scale.from, row.from <= scale.to else {
      let isEarlier = row.to < scale.from
      html.element(
        .text, .classes(isEarlier ? "note" : "note last"), .x(.share(isEarlier ? 0 : 1)), .y(.pixels(17)),
        text: isEarlier ? "‹ earlier" : "later ›")
      return
    }
    let span = row.traced?.span
    let isBad = span?.outcome?.isError ?? false
    if row.pieces.isEmpty { rect(row.from, row.to, span?.operation == .incident ? "incident" : "box", y: 10, height: 6, &html) }
    for piece in row.pieces where piece.to >= scale.from && piece.from <= scale.to {
      switch piece.kind {
      case .work: rect(piece.from, piece.to, isBad ? "work bad" : "work", y: 8, height: 10, &html)
      case .hand: rect(piece.from, piece.to, "hand", y: 8, height: 10, &html)
      case .wait: rect(piece.from, piece.to, "wait", y: 8, height: 10, &html)
      case .plain: rect(piece.from, piece.to, "box", y: 10, height: 6, &html)
      }
    }
    for mark in row.marks where mark.time >= scale.from && mark.time <= scale.to {
      html.element(
        .circle, .classes(Self.classes(of: mark.kind)), .cx(.share(scale.place(of: mark.time))), .cy(.pixels(13)),
        .r(.pixels(mark.kind == .other ? 2 : 3.5))
      ) { html in
        html.element(.title, text: "\(mark.text), \(Wording.weekday(mark.time)) \(Wording.clock(mark.time))")
      }
    }
    writeNote(row, span, &html)
    for step in rows.path where step.row == index && step.to >= scale.from && step.from <= scale.to {
      html.element(
        .line, .classes(step.isIdle ? "path idle" : "path"), .x1(.share(scale.place(of: step.from))),
        .x2(.share(scale.place(of: step.to))), .y1(.pixels(21)),
        .y2(.pixels(21)))
    }
  }

  /// Writes how a span ended beside its bar, if that is not what one expects.
  private func writeNote(_ row: WaterfallRows.Row, _ span: Span?, _ html: inout HTMLWriter) {
    guard let span else { return }
    let text: String
    let isBad = span.outcome?.isError ?? false
    switch span.outcome {
    case let outcome? where isBad || outcome == .cancellation || outcome == .actionRequired || outcome == .abandoned:
      text = outcome.word
    default:
      guard row.isOpen, span.operation != .issue || rows.rows.count == 1 else { return }
      text = "still open"
    }
    let end = scale.place(of: row.to)
    let isLeft = end > 0.85
    html.element(
      .text, .classes("note" + (isBad ? " bad" : "") + (isLeft ? " last" : "")),
      .x(.share(isLeft ? scale.place(of: row.from) : end)), .y(.pixels(17)), text: isLeft ? text + "\u{2002}" : "\u{2002}" + text)
  }

  private func rect(
    _ from: Timestamp, _ to: Timestamp, _ classes: String, y: Double, height: Double, _ html: inout HTMLWriter
  ) {
    let start = scale.place(of: from)
    let width = scale.place(of: to) - start
    // A shorter mark cannot be seen.
    let isTiny = width * TimeScale.nominalWidth < 3
    html.element(
      .rect, .classes(classes), .x(.share(min(start, isTiny ? 0.997 : 1))), .width(isTiny ? .pixels(3) : .share(width)),
      .y(.pixels(y)), .height(.pixels(height)))
  }

  private static func classes(of kind: WaterfallRows.Mark.Kind) -> String {
    switch kind {
    case .commit: "mark-commit"
    case .changesRequested: "mark-changes"
    case .good: "mark-good"
    case .bad: "mark-bad"
    case .other: "mark-other"
    }
  }

  // MARK: Critical path

  /// Draws the steps of the critical path from row to row. They fit only while all rows are as the page was made.
  private func writePath(_ html: inout HTMLWriter) {
    let places = visiblePlaces()
    html.element(.svg, .classes("wf-path"), .isHidden) { html in
      for (first, second) in zip(rows.path, rows.path.dropFirst())
      where first.row != second.row && first.to >= scale.from && first.to <= scale.to {
        guard let above = places[first.row], let below = places[second.row] else { continue }
        let place = HTMLAttribute.Length.share(scale.place(of: first.to))
        html.element(
          .line, .x1(place), .x2(place), .y1(.pixels(Double(above) * Self.rowHeight + 21)),
          .y2(.pixels(Double(below) * Self.rowHeight + 21)))
      }
    }
  }

  /// The line of each row that is not hidden at first.
  private func visiblePlaces() -> [Int: Int] {
    var places: [Int: Int] = [:]
    var index = 0
    while index < rows.rows.count {
      places[index] = places.count
      index = rows.rows[index].isShut ? rows.rows[index].end : index + 1
    }
    return places
  }
}
