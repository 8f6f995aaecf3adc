extension Plot {
  private static let width = 900.0
  private static let left = 64.0
  private static let right = 24.0
  private static let top = 72.0
  private static let bottom = 40.0

  /// The chart as an SVG document of its own.
  package var svg: String {
    var svg = SVGWriter()
    let size = (SVGWriter.number(Self.width), SVGWriter.number(Self.top + height + Self.bottom))
    svg.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": size.0, "height": size.1, "viewBox": "0 0 \(size.0) \(size.1)",
        "role": "img", "aria-labelledby": "title note",
      ]
    ) { svg in
      svg.element("title", ["id": "title"], text: title)
      svg.element("desc", ["id": "note"], text: note)
      svg.style(ChartStyle.rules)
      svg.style(ChartStyle.plotRules)
      svg.element("rect", ["class": "paper", "width": size.0, "height": size.1])
      svg.element("text", ["class": "title", "x": SVGWriter.number(Self.left), "y": "28"], text: title)
      svg.element("text", ["class": "note", "x": SVGWriter.number(Self.left), "y": "48"], text: note)
      for mark in marks { draw(mark, &svg) }
      for label in yLabels {
        svg.element(
          "text", ["class": "tick end", "x": SVGWriter.number(Self.left - 8), "y": SVGWriter.number(Self.top + label.place + 4)],
          text: label.text)
      }
      for label in xLabels {
        svg.element(
          "text",
          [
            "class": "tick" + Self.side(of: label.place), "x": SVGWriter.number(x(label.place)),
            "y": SVGWriter.number(Self.top + height + 18),
          ], text: label.text)
      }
    }
    return svg.text
  }

  /// The class of a label that must not reach over the ends of the axis.
  private static func side(of place: Double) -> String { place < 0.02 ? "" : place > 0.98 ? " end" : " middle" }

  private func x(_ share: Double) -> Double { Self.left + share * (Self.width - Self.left - Self.right) }

  private func text(_ point: Point) -> (x: String, y: String) {
    (SVGWriter.number(x(point.x)), SVGWriter.number(Self.top + point.y))
  }

  private func path(_ points: [Point]) -> String {
    points.map { "\(text($0).x) \(text($0).y)" }.joined(separator: "L")
  }

  private func draw(_ mark: Mark, _ svg: inout SVGWriter) {
    let style = mark.style.rawValue
    switch mark.shape {
    case .line(let from, let to):
      let (start, end) = (text(from), text(to))
      svg.element("line", ["class": style, "x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y])
    case .box(let from, let to):
      let corner = text(Point(min(from.x, to.x), min(from.y, to.y)))
      let size = (abs(x(to.x) - x(from.x)), abs(to.y - from.y))
      svg.element(
        "rect",
        [
          "class": style, "x": corner.x, "y": corner.y, "width": SVGWriter.number(max(0.5, size.0)),
          "height": SVGWriter.number(max(0.5, size.1)),
        ])
    case .circle(let point, let radius):
      let place = text(point)
      svg.element("circle", ["class": style, "cx": place.x, "cy": place.y, "r": SVGWriter.number(radius)])
    case .dots(let points, let crowd):
      for point in points {
        let place = text(point)
        svg.element("circle", ["class": style, "cx": place.x, "cy": place.y, "r": SVGWriter.number(crowd.radius)])
      }
    case .ticks(let shares, let from, let to):
      for share in shares {
        let (start, end) = (text(Point(share, from)), text(Point(share, to)))
        svg.element("line", ["class": style, "x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y])
      }
    case .sign(let point, let sign):
      let place = text(Point(point.x, point.y + 4))
      svg.element("text", ["class": "\(style) middle", "x": place.x, "y": place.y], text: sign)
    case .text(let point, let words, let anchor, let dx):
      let side = anchor == .start ? "" : anchor == .end ? " end" : " middle"
      svg.element(
        "text", ["class": style + side, "x": SVGWriter.number(x(point.x) + dx), "y": text(point).y], text: words)
    case .curve(let points):
      guard points.count > 1 else { return }
      svg.element("path", ["class": style, "d": "M" + path(points)])
    case .area(let points):
      guard points.count > 2 else { return }
      svg.element("path", ["class": style, "d": "M" + path(points) + "Z"])
    }
  }
}
