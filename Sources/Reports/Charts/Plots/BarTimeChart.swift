package import ValueStreamCore

/// Bars of counts over buckets of time, with a mean and limits.
package struct BarTimeChart: Sendable {
  package struct Bar: Sendable {
    package var from: Timestamp
    package var to: Timestamp
    /// Nil if nothing is known.
    package var value: Double?
    /// True if the period, the present or the beginning of history cuts the bucket.
    package var isPartial: Bool
    /// True to mark the value as unusual.
    package var isOutside: Bool
    /// The part of the value that is shown as bad.
    package var bad: Double

    package init(
      from: Timestamp, to: Timestamp, value: Double?, isPartial: Bool = false, isOutside: Bool = false, bad: Double = 0
    ) {
      self.from = from
      self.to = to
      self.value = value
      self.isPartial = isPartial
      self.isOutside = isOutside
      self.bad = bad
    }
  }

  package var title: String
  package var note: String
  /// What the bars count, such as `items`.
  package var unit: String
  package var bars: [Bar]
  package var mean: Double?
  package var limits: ClosedRange<Double>?
  package var events: TimelineEvents
  package var height = 200.0

  package init(
    title: String, note: String, unit: String, bars: [Bar], mean: Double? = nil, limits: ClosedRange<Double>? = nil,
    events: TimelineEvents = TimelineEvents()
  ) {
    self.title = title
    self.note = note
    self.unit = unit
    self.bars = bars
    self.mean = mean
    self.limits = limits
    self.events = events
  }

  /// A mark's target is the place of its bar in ``bars``.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: height)
    guard let first = bars.first, let last = bars.last else { return plot }
    let axis = TimeAxis(from: first.from, to: last.to)
    let top = ([limits?.upperBound, mean] + bars.map(\.value)).compactMap { $0 }.max() ?? 1
    let scale = Scale.counts(upTo: top)
    plot.drawAxis(scale, top: 14)
    plot.xLabels = axis.labels
    let isRoomy = bars.count <= 27
    let names = lineNames(on: scale, plot)
    for (index, bar) in bars.enumerated() {
      guard let value = bar.value else { continue }
      let (start, end) = (axis.place(of: bar.from), axis.place(of: bar.to))
      let gap = (end - start) * 0.12
      let y = plot.place(of: value, on: scale, top: 14)
      let text = "\(DurationUnit.brief(value)) \(unit)"
      let tip =
        "\(TimeAxis.dayText(bar.from)) to \(TimeAxis.dayText(bar.to.advanced(bySeconds: -1))): \(text)\(bar.isPartial ? ", partial" : "")"
      if value > 0 {
        plot.add(
          .box(from: Plot.Point(start + gap, y), to: Plot.Point(end - gap, plot.height)), bar.isPartial ? .partial : .bar,
          tip: tip, target: index)
        if !bar.isPartial { plot.add(.line(from: Plot.Point(start + gap, y), to: Plot.Point(end - gap, y)), .barTop) }
      }
      if bar.bad > 0 {
        let low = plot.place(of: bar.bad, on: scale, top: 14)
        plot.add(
          .box(from: Plot.Point(start + gap, low), to: Plot.Point(end - gap, plot.height)), .incident, tip: tip, target: index)
      }
      // A week that is not over tells nothing by being empty.
      let isHidden = !bar.isOutside && names.contains { $0.covers(place: (start + end) / 2, y: y - 4) }
      if !isHidden && (isRoomy || bar.isOutside) && (value > 0 || !bar.isPartial) {
        plot.write(
          DurationUnit.brief(value) + (bar.isOutside ? " ▲" : ""), at: Plot.Point((start + end) / 2, y - 4), .middle,
          bar.isOutside ? .bad : .note, isMinor: !bar.isOutside)
      }
    }
    plot.draw(events, on: axis)
    if let mean {
      let y = plot.place(of: mean, on: scale, top: 14)
      plot.add(.line(from: Plot.Point(0, y), to: Plot.Point(1, y)), .mean)
    }
    if let limits {
      for value in [limits.upperBound, limits.lowerBound] where value > 0 {
        let y = plot.place(of: value, on: scale, top: 14)
        plot.add(.line(from: Plot.Point(0, y), to: Plot.Point(1, y)), .limit)
      }
    }
    for name in names { plot.write(name.text, at: Plot.Point(0, name.y), dx: 2, name.style) }
    return plot
  }

  /// The name of a line across the chart, at its left end.
  private struct LineName {
    var text: String
    /// The base line of the text.
    var y: Double
    var style: Plot.Style

    /// True if the value of a bar would run into the name, on a chart half as wide as a page.
    func covers(place: Double, y: Double) -> Bool {
      place * 420 < Double(text.count) * 6.4 + 14 && (y - self.y).magnitude < 12
    }
  }

  private func lineNames(on scale: Scale, _ plot: Plot) -> [LineName] {
    let lines: [(name: String, value: Double?, style: Plot.Style)] = [
      ("mean", mean, .strong), ("upper limit", limits?.upperBound, .note), ("lower limit", limits?.lowerBound, .note),
    ]
    return lines.compactMap { line in
      guard let value = line.value, line.name == "mean" || value > 0 else { return nil }
      return LineName(
        text: "\(line.name) \(DurationUnit.brief(value))", y: plot.place(of: value, on: scale, top: 14) - 4, style: line.style)
    }
  }
}
