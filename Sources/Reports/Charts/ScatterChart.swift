/// A bubble chart of two measures of the same items, on two logarithmic scales.
///
/// The more items share a pair of values, the larger the circle.
package struct ScatterChart: Sendable {
  package struct Bubble: Sendable {
    /// The range of counts.
    package var x: Range<Double>
    /// The range of durations, in seconds.
    package var y: Range<Double>
    package var count: Int

    package init(x: Range<Double>, y: Range<Double>, count: Int) {
      self.x = x
      self.y = y
      self.count = count
    }
  }

  package var title: String
  package var note: String
  package var xTitle: String
  package var yTitle: String
  /// The plural name of the items that circles count, such as `pull requests`.
  package var items: String
  package var bubbles: [Bubble]

  package init(title: String, note: String, xTitle: String, yTitle: String, items: String, bubbles: [Bubble]) {
    self.title = title
    self.note = note
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.items = items
    self.bubbles = bubbles
  }

  /// The height of the image. It is taller than other charts because both axes need about the same space.
  private static let height = 560.0

  package var svg: String {
    let most = bubbles.map(\.count).max() ?? 1
    let x = Scale.magnitudes(
      from: bubbles.map(\.x.lowerBound).min() ?? 1, to: bubbles.map(\.x.upperBound).max() ?? 10)
    let y = Scale.durationMagnitudes(
      from: bubbles.map(\.y.lowerBound).min() ?? 1, to: bubbles.map(\.y.upperBound).max() ?? 10)
    let shown = Set([1, Self.roundCount(most / 10), Self.roundCount(most)]).filter { $0 > 0 }.sorted()
    let greatest = largestRadius(x, y)
    func radius(_ count: Int) -> Double { max(1.2, greatest * (Double(count) / Double(most)).squareRoot()) }
    let frame = ChartFrame(
      title: title, note: note, xTitle: xTitle, yTitle: yTitle, x: x, y: y,
      legend: shown.map { (.bubble(radius($0)), Scale.grouped(Double($0)) + ($0 == shown.last ? " \(items)" : "")) },
      height: Self.height)
    return frame.document { svg in
      for bubble in bubbles {
        // The middle of a step on a logarithmic scale is the geometric mean.
        let middle = (
          (bubble.x.lowerBound * bubble.x.upperBound).squareRoot(), (bubble.y.lowerBound * bubble.y.upperBound).squareRoot()
        )
        svg.element(
          "circle",
          [
            "class": "bubble", "cx": SVGWriter.number(frame.x(middle.0)), "cy": SVGWriter.number(frame.y(middle.1)),
            "r": SVGWriter.number(radius(bubble.count)),
          ])
      }
    }
  }

  /// Returns the radius of the largest circle: 60 % of the smaller distance between neighbours, within 2 to 14
  /// pixels.
  private func largestRadius(_ x: Scale, _ y: Scale) -> Double {
    guard let any = bubbles.first else { return 4 }
    let across =
      (x.position(of: any.x.upperBound) - x.position(of: any.x.lowerBound))
      * (ChartFrame.width - ChartFrame.left - ChartFrame.right)
    let up =
      (y.position(of: any.y.upperBound) - y.position(of: any.y.lowerBound))
      * (Self.height - ChartFrame.top - ChartFrame.bottom)
    return min(14, max(2, min(across, up) * 0.6))
  }

  /// Returns the greatest round number, 1, 2 or 5 times a power of ten, that is not greater than the count.
  private static func roundCount(_ count: Int) -> Int {
    var power = 1
    while power * 10 <= count { power *= 10 }
    return [5, 2, 1].map { $0 * power }.first { $0 <= count } ?? 0
  }
}
