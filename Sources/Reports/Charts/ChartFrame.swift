/// The parts that all charts share: a title, two axes with ticks, and a legend.
struct ChartFrame {
  /// The symbol of a legend entry.
  enum Mark {
    case line, dashed, band, bar
    /// A circle with this radius.
    case bubble(Double)
  }

  var title: String
  /// A note below the title that says what was counted.
  var note: String
  var xTitle: String
  var yTitle: String
  var x: Scale
  var y: Scale
  var legend: [(mark: Mark, text: String)]
  var height = 440.0

  static let width = 900.0
  static let left = 84.0
  static let right = 24.0
  static let top = 102.0
  static let bottom = 62.0

  func x(_ value: Double) -> Double {
    Self.left + x.position(of: value) * (Self.width - Self.left - Self.right)
  }

  func y(_ value: Double) -> Double {
    height - Self.bottom - y.position(of: value) * (height - Self.top - Self.bottom)
  }

  /// Returns a complete SVG document with the frame and what `content` draws.
  func document(identifier: String = "", _ content: (inout SVGWriter) -> Void) -> String {
    var svg = SVGWriter()
    let size = (SVGWriter.number(Self.width), SVGWriter.number(height))
    svg.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": size.0, "height": size.1, "viewBox": "0 0 \(size.0) \(size.1)",
        "role": "img", "aria-labelledby": "\(identifier)title \(identifier)note",
      ]
    ) { svg in
      svg.element("title", ["id": "\(identifier)title"], text: title)
      svg.element("desc", ["id": "\(identifier)note"], text: note)
      svg.style(ChartStyle.rules)
      svg.element("rect", ["class": "paper", "width": size.0, "height": size.1])
      svg.element("text", ["class": "title", "x": SVGWriter.number(Self.left), "y": "30"], text: title)
      svg.element("text", ["class": "note", "x": SVGWriter.number(Self.left), "y": "50"], text: note)
      drawAxes(&svg)
      content(&svg)
      drawLegend(&svg)
    }
    return svg.text
  }

  private func drawAxes(_ svg: inout SVGWriter) {
    let number = SVGWriter.number
    let (floor, ceiling) = (height - Self.bottom, Self.top)
    for tick in y.ticks {
      let place = number(y(tick.value))
      svg.element(
        "line", ["class": "grid", "x1": number(Self.left), "x2": number(Self.width - Self.right), "y1": place, "y2": place])
      svg.element("text", ["class": "tick end", "x": number(Self.left - 8), "y": number(y(tick.value) + 4)], text: tick.label)
    }
    for tick in x.ticks {
      let place = number(x(tick.value))
      if x.kind == .logarithmic {
        svg.element("line", ["class": "grid", "x1": place, "x2": place, "y1": number(ceiling), "y2": number(floor)])
      }
      svg.element("line", ["class": "base", "x1": place, "x2": place, "y1": number(floor), "y2": number(floor + 5)])
      // A label at the end of the axis must not reach over the edge of the image.
      let isWide = x(tick.value) + Double(tick.label.count) * 3.3 > Self.width - 2
      svg.element(
        "text",
        ["class": isWide ? "tick end" : "tick middle", "x": isWide ? number(Self.width - 2) : place, "y": number(floor + 20)],
        text: tick.label)
    }
    svg.element(
      "line",
      ["class": "base", "x1": number(Self.left), "x2": number(Self.width - Self.right), "y1": number(floor), "y2": number(floor)])
    svg.element(
      "text", ["class": "axis middle", "x": number((Self.left + Self.width - Self.right) / 2), "y": number(height - 16)],
      text: xTitle)
    let middle = number((floor + ceiling) / 2)
    svg.element(
      "text", ["class": "axis middle", "transform": "translate(20 \(middle)) rotate(-90)"], text: yTitle)
  }

  /// Draws the legend in a row above the chart, from left to right.
  private func drawLegend(_ svg: inout SVGWriter) {
    let number = SVGWriter.number
    var x = Self.left
    let y = 70.0
    for (mark, text) in legend {
      switch mark {
      case .line: svg.element("path", ["class": "line", "d": "M\(number(x)) \(number(y))h24"])
      case .dashed: svg.element("path", ["class": "dashed", "d": "M\(number(x)) \(number(y))h24"])
      case .band, .bar:
        let kind = if case .band = mark { "band" } else { "bar" }
        svg.element("rect", ["class": kind, "x": number(x), "y": number(y - 6), "width": "24", "height": "12"])
      case .bubble(let radius):
        svg.element("circle", ["class": "bubble", "cx": number(x + 12), "cy": number(y), "r": number(radius)])
      }
      svg.element("text", ["x": number(x + 32), "y": number(y + 4)], text: text)
      x += 32 + Double(text.count) * 6.6 + 26
    }
  }
}
