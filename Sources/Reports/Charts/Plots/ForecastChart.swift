package import ValueStreamCore

/// The days by which a share of trials is done, as one bar over time.
package struct ForecastChart: Sendable {
  package struct Day: Sendable, Hashable {
    package var percent: Int
    package var date: Timestamp

    package init(percent: Int, date: Timestamp) {
      self.percent = percent
      self.date = date
    }
  }

  package var title: String
  package var note: String
  package var now: Timestamp
  /// By ascending percent.
  package var days: [Day]

  package init(title: String, note: String, now: Timestamp, days: [Day]) {
    self.title = title
    self.note = note
    self.now = now
    self.days = days
  }

  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: 24 + Double(days.count) * 26)
    guard let last = days.last else { return plot }
    let axis = TimeAxis(from: now, to: last.date.advanced(bySeconds: max(86_400, last.date.seconds(since: now) * 0.15)))
    plot.xLabels = axis.labels
    for (index, day) in days.enumerated() {
      let y = 8 + Double(index) * 26
      let x = axis.place(of: day.date)
      let share = Double(day.percent) / 100
      plot.add(
        .box(from: Plot.Point(0, y), to: Plot.Point(x, y + 18)), share > 0.8 ? .bar : .over70,
        tip: "\(day.percent) %: \(TimeAxis.dateText(day.date))")
      plot.add(.line(from: Plot.Point(x, y - 3), to: Plot.Point(x, y + 21)), .median)
      plot.write("\(day.percent) %", at: Plot.Point(0, y + 13), dx: 6, .strong)
      plot.write(TimeAxis.dayText(day.date), at: Plot.Point(x, y + 13), dx: 6, .label)
    }
    plot.add(.line(from: Plot.Point(0, plot.height), to: Plot.Point(1, plot.height)), .axis)
    return plot
  }
}
