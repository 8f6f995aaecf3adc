/// A histogram of durations on a logarithmic scale.
package struct DistributionChart: Sendable {
  package struct Bar: Sendable {
    /// The range of durations, in seconds.
    package var range: Range<Double>
    package var count: Int

    package init(range: Range<Double>, count: Int) {
      self.range = range
      self.count = count
    }
  }

  package var title: String
  package var note: String
  package var xTitle: String
  package var yTitle: String
  /// The name of the bars in the legend. Empty for no legend.
  package var barName: String
  package var bars: [Bar]
  /// The durations to mark with a vertical line, and their labels.
  package var marks: [Scale.Tick]

  package init(
    title: String, note: String, xTitle: String, yTitle: String, barName: String, bars: [Bar], marks: [Scale.Tick]
  ) {
    self.title = title
    self.note = note
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.barName = barName
    self.bars = bars
    self.marks = marks
  }

  package var svg: String {
    let least = bars.map(\.range.lowerBound).min() ?? 1
    let greatest = bars.map(\.range.upperBound).max() ?? 10
    let frame = ChartFrame(
      title: title, note: note, xTitle: xTitle, yTitle: yTitle, x: .durationMagnitudes(from: least, to: greatest),
      y: .counts(upTo: Double(bars.map(\.count).max() ?? 0)),
      legend: barName.isEmpty ? [] : [(.bar, barName)])
    return frame.document { svg in
      for bar in bars {
        let (left, right) = (frame.x(bar.range.lowerBound), frame.x(bar.range.upperBound))
        let top = frame.y(Double(bar.count))
        svg.element(
          "rect",
          [
            "class": "bar", "x": SVGWriter.number(left + 0.5), "y": SVGWriter.number(top),
            "width": SVGWriter.number(max(0.5, right - left - 1)), "height": SVGWriter.number(frame.y(0) - top),
          ])
      }
      for (index, mark) in marks.enumerated() {
        let place = SVGWriter.number(frame.x(mark.value))
        svg.element(
          "line",
          [
            "class": "dashed", "x1": place, "x2": place, "y1": SVGWriter.number(ChartFrame.top),
            "y2": SVGWriter.number(frame.y(0)),
          ])
        // Each label has a line of its own above the chart, and stands on the side that has room.
        let isRight = frame.x(mark.value) > ChartFrame.width * 0.6
        svg.element(
          "text",
          [
            "class": isRight ? "note end" : "note", "x": SVGWriter.number(frame.x(mark.value) + (isRight ? -4 : 4)),
            "y": SVGWriter.number(ChartFrame.top - 6 - Double(min(index, 1)) * 14),
          ], text: "\(mark.label) \(DurationUnit.text(mark.value))")
      }
    }
  }
}
