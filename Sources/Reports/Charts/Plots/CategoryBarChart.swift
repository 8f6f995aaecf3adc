/// Vertical bars for named classes, such as those of sizes.
package struct CategoryBarChart: Sendable {
  package struct Bar: Sendable {
    package var name: String
    package var value: Double
    /// What stands above the bar.
    package var text: String

    package init(name: String, value: Double, text: String) {
      self.name = name
      self.value = value
      self.text = text
    }
  }

  package enum Values: Sendable {
    case counts
    /// Seconds.
    case durations
  }

  package var title: String
  package var note: String
  package var values: Values
  package var bars: [Bar]
  package var height = 160.0

  package init(title: String, note: String, values: Values = .counts, bars: [Bar]) {
    self.title = title
    self.note = note
    self.values = values
    self.bars = bars
  }

  /// A mark's target is the place of its bar in ``bars``.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: height)
    let greatest = bars.map(\.value).filter(\.isFinite).max() ?? 0
    let scale = values == .counts ? Scale.counts(upTo: greatest) : .durations(upTo: greatest)
    plot.drawAxis(scale, top: 16)
    let width = 1 / Double(max(1, bars.count))
    for (index, bar) in bars.enumerated() {
      let left = Double(index) * width
      let y = plot.place(of: bar.value, on: scale, top: 16)
      if bar.value > 0 {
        plot.add(
          .box(from: Plot.Point(left + width * 0.15, y), to: Plot.Point(left + width * 0.85, plot.height)), .bar,
          tip: "\(bar.name): \(bar.text)", target: index)
        plot.add(.line(from: Plot.Point(left + width * 0.15, y), to: Plot.Point(left + width * 0.85, y)), .barTop)
      }
      plot.write(bar.text, at: Plot.Point(left + width / 2, y - 4), .middle, .note, isMinor: bars.count > 6)
      plot.xLabels.append(Plot.Label(left + width / 2, bar.name, isMinor: bars.count > 6 && index % 3 != 0))
    }
    return plot
  }
}
