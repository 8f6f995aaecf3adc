import Charts

extension HTMLWriter {
  /// Writes a chart that is as wide as its place on the page, with the note below it.
  ///
  /// Links of marks are for pointers; the table below the chart has the same ones for keyboards and screen readers.
  ///
  /// - Parameter link: Returns the page of the item with this number.
  mutating func plot(_ plot: Plot, classes: String = "", link: ((Int) -> Address?)? = nil) {
    let label = plot.note.isEmpty ? plot.title : "\(plot.title): \(plot.note)"
    element(.div, .classes(classes.isEmpty ? "plot" : "plot \(classes)")) { html in
      html.element(
        .svg, .classes("canvas"), .height(.pixels(plot.height + (plot.xLabels.isEmpty ? 4 : 22))),
        link == nil ? .role("img") : .role("group"), .label(label)
      ) { html in
        html.hatches(of: plot)
        for mark in plot.marks { html.mark(mark, plot.height, link) }
        for label in plot.yLabels {
          html.element(.text, .classes("last"), .x(.pixels(-6)), .y(.pixels(label.place + 4)), text: label.text)
        }
        for label in plot.xLabels {
          let side = label.place < 0.02 ? "" : label.place > 0.98 ? "last" : "mid"
          html.element(
            .text, .classes(label.isMinor ? "\(side) wide" : side), .x(.share(label.place)), .y(.pixels(plot.height + 16)),
            text: label.text)
        }
      }
    }
  }

  private static let hatchNames: [(style: Plot.Style, name: StaticString, line: String)] = [
    (.partial, "hatch-bar", "hatch-bar"), (.hatch, "hatch-none", "hatching"), (.waitingHatch, "hatch-wait", "hatch-wait"),
  ]

  /// Defines the patterns of a chart, once in a page.
  private mutating func hatches(of plot: Plot) {
    let needed = Set(plot.marks.lazy.map(\.style).filter(\.isHatched))
    let missing = Self.hatchNames.filter { needed.contains($0.style) && !patterns.contains($0.line) }
    guard !missing.isEmpty else { return }
    element(.defs) { html in
      for hatch in missing {
        html.patterns.insert(hatch.line)
        html.element(
          .pattern, .id("\(hatch.name)"), .patternUnits(), .width(.pixels(5)), .height(.pixels(5)),
          .patternTransform("rotate(45)")
        ) { html in
          html.element(.line, .classes(hatch.line), .x1(.pixels(0)), .x2(.pixels(0)), .y1(.pixels(0)), .y2(.pixels(5)))
        }
      }
    }
  }

  private mutating func mark(_ mark: Plot.Mark, _ height: Double, _ link: ((Int) -> Address?)?) {
    guard let link, let address = mark.target.flatMap(link) else { return shape(mark, height) }
    element(.a, .href(address), .tabindex(-1), .label(mark.tip ?? "item")) { html in html.shape(mark, height) }
  }

  private mutating func shape(_ mark: Plot.Mark, _ height: Double) {
    let classes = HTMLAttribute.classes(mark.style.rawValue + (mark.isMinor ? " wide" : ""))
    let tip: (inout HTMLWriter) -> Void = { html in
      if let tip = mark.tip { html.element(.title, text: tip) }
    }
    switch mark.shape {
    case .line(let from, let to):
      element(
        .line, classes, .x1(.share(from.x)), .x2(.share(to.x)), .y1(.pixels(from.y)), .y2(.pixels(to.y)), content: tip)
    case .box(let from, let to):
      let hatch = Self.hatchNames.first { $0.style == mark.style }
      element(
        .rect, classes, .x(.share(min(from.x, to.x))), .width(.share((to.x - from.x).magnitude)), .y(.pixels(min(from.y, to.y))),
        .height(.pixels((to.y - from.y).magnitude)), hatch.map { .fill(pattern: $0.name) }, content: tip)
    case .circle(let point, let radius):
      element(.circle, classes, .cx(.share(point.x)), .cy(.pixels(point.y)), .r(.pixels(radius)), content: tip)
    case .sign(let point, let sign):
      element(.text, .classes("\(mark.style.rawValue) sign mid"), .x(.share(point.x)), .y(.pixels(point.y + 4))) { html in
        html.text(sign)
        tip(&html)
      }
    case .text(let point, let words, let anchor, let dx):
      let side = anchor == .start ? "" : anchor == .end ? " last" : " mid"
      element(
        .text, .classes(mark.style.rawValue + side + (mark.isMinor ? " wide" : "")), .x(.share(point.x)), .y(.pixels(point.y)),
        .dx(dx), text: words)
    case .dots(let points, let crowd):
      let size = crowd == .one ? classes : .classes("\(mark.style.rawValue) crowd\(crowd.rawValue)")
      stretched(height) { $0.element(.path, size, .path(dots: points)) }
    case .ticks(let shares, let from, let to):
      stretched(height) { $0.element(.path, classes, .path(ticks: shares, from: from, to: to)) }
    case .curve(let points):
      guard points.count > 1 else { return }
      stretched(height) { $0.element(.path, classes, .path(through: points, isClosed: false)) }
    case .area(let points):
      guard points.count > 2 else { return }
      stretched(height) { $0.element(.path, classes, .path(through: points, isClosed: true)) }
    }
  }

  /// Writes a path in a box that stretches to the width of the chart.
  private mutating func stretched(_ height: Double, _ content: (inout HTMLWriter) -> Void) {
    element(
      .svg, .x(.pixels(0)), .y(.pixels(0)), .width(.share(1)), .height(.pixels(height)), .stretchedBox(height: height),
      .isStretched,
      content: content)
  }

  /// Writes the table with the numbers of a chart, closed at first.
  mutating func chartTable(_ title: String, _ head: [String], rows: (inout HTMLWriter) throws -> Void) rethrows {
    try element(.details, .classes("data")) { html in
      html.element(.summary, text: "Table: \(title)")
      try html.scrollingTable(title, classes: "list") { html in
        html.tableHead(head)
        try html.element(.tbody, content: rows)
      }
    }
  }

  /// Writes a row of a table: a name, then texts. Those with numbers stand at the right.
  mutating func tableRow(_ name: String, address: Address? = nil, numbers: [String]) {
    element(.tr) { html in
      html.element(.th, .scope("row")) { html in
        if let address { html.element(.a, .href(address)) { $0.foreign(name) } } else { html.foreign(name) }
      }
      for number in numbers { html.element(.td, .classes("number"), text: number) }
    }
  }
}
