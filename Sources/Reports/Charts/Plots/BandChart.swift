package import ValueStreamCore

/// A line of medians over time on areas up to the 75th and 95th percentile.
package struct BandChart: Sendable {
  package struct Step: Sendable {
    package var from: Timestamp
    package var to: Timestamp
    /// In seconds. Nil if nothing is known.
    package var median: Double?
    package var p75: Double?
    package var p95: Double?
    package var isPartial: Bool

    package init(from: Timestamp, to: Timestamp, median: Double?, p75: Double?, p95: Double?, isPartial: Bool = false) {
      self.from = from
      self.to = to
      self.median = median
      self.p75 = p75
      self.p95 = p95
      self.isPartial = isPartial
    }
  }

  package var title: String
  package var note: String
  package var steps: [Step]
  package var events: TimelineEvents

  package init(title: String, note: String, steps: [Step], events: TimelineEvents = TimelineEvents()) {
    self.title = title
    self.note = note
    self.steps = steps
    self.events = events
  }

  /// A mark's target is the place of its step in ``steps``.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: 220)
    guard let first = steps.first, let last = steps.last else { return plot }
    let axis = TimeAxis(from: first.from, to: last.to)
    let all = steps.flatMap { [$0.median, $0.p75, $0.p95].compactMap { $0 } }
    let scale = Scale.durations(among: all.isEmpty ? [3600] : all)
    func point(_ step: Step, _ value: Double) -> Plot.Point {
      Plot.Point((axis.place(of: step.from) + axis.place(of: step.to)) / 2, plot.place(of: value, on: scale))
    }
    for (upper, style) in [(\Step.p95, Plot.Style.over70), (\Step.p75, .bar)] {
      for run in runs(where: { $0.median != nil && $0[keyPath: upper] != nil }) where run.count > 1 {
        let high = run.map { point(steps[$0], steps[$0][keyPath: upper] ?? 0) }
        let low = run.reversed().map { point(steps[$0], steps[$0].median ?? 0) }
        plot.add(.area(high + low), style)
      }
    }
    plot.drawAxis(scale)
    plot.xLabels = axis.labels
    plot.draw(events, on: axis)
    for run in runs(where: { $0.median != nil }) { plot.add(.curve(run.map { point(steps[$0], steps[$0].median ?? 0) }), .line) }
    for (index, step) in steps.enumerated() {
      guard let median = step.median else { continue }
      plot.add(
        .circle(point(step, median), radius: 3), step.isPartial ? .partialDot : .dot70,
        tip: "week of \(TimeAxis.dayText(step.from)): median \(PlotText.duration(median))\(step.isPartial ? ", partial" : "")",
        target: index)
    }
    if let index = steps.lastIndex(where: { $0.median != nil }), let median = steps[index].median {
      let place = point(steps[index], median)
      plot.write(
        "median \(PlotText.duration(median))", at: Plot.Point(place.x, max(10, place.y - 8)), place.x > 0.8 ? .end : .middle,
        .work70)
    }
    return plot
  }

  /// The longest runs of neighbouring steps that have a value.
  private func runs(where has: (Step) -> Bool) -> [[Int]] {
    var runs: [[Int]] = []
    for index in steps.indices where has(steps[index]) {
      if let last = runs.last?.last, last == index - 1 { runs[runs.count - 1].append(index) } else { runs.append([index]) }
    }
    return runs
  }
}
