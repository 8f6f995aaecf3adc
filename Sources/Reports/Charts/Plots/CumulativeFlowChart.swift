package import ValueStreamCore

/// Stacked areas over days: items done, in progress, and created but not begun.
package struct CumulativeFlowChart: Sendable {
  package struct Day: Sendable {
    package var end: Timestamp
    package var created: Int
    package var started: Int
    package var done: Int
    package var isPartial: Bool

    package init(end: Timestamp, created: Int, started: Int, done: Int, isPartial: Bool = false) {
      self.end = end
      self.created = created
      self.started = started
      self.done = done
      self.isPartial = isPartial
    }
  }

  package var title: String
  package var note: String
  package var axis: TimeAxis
  package var days: [Day]
  package var events: TimelineEvents

  package init(title: String, note: String, axis: TimeAxis, days: [Day], events: TimelineEvents = TimelineEvents()) {
    self.title = title
    self.note = note
    self.axis = axis
    self.days = days
    self.events = events
  }

  private static let longest = 200

  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: 260)
    guard let last = days.last else { return plot }
    // A long period is drawn in steps of several days, which no eye can tell from single ones.
    let step = max(1, days.count / Self.longest)
    let shown = days.enumerated().filter { $0.offset % step == 0 || $0.offset == days.count - 1 }.map(\.element)
    let scale = Scale.counts(upTo: Double(days.map { max($0.created, $0.started) }.max() ?? 1))
    plot.xLabels = axis.labels
    func area(_ low: (Day) -> Int, _ high: (Day) -> Int, _ style: Plot.Style) {
      func points(_ value: (Day) -> Int) -> [Plot.Point] {
        shown.map { Plot.Point(axis.place(of: min($0.end, axis.to)), plot.place(of: Double(value($0)), on: scale)) }
      }
      plot.add(.area(points(high) + points(low).reversed()), style)
    }
    area({ _ in 0 }, { $0.done }, .done)
    area({ $0.done }, { max($0.started, $0.done) }, .progress)
    area({ max($0.started, $0.done) }, { max($0.created, $0.started, $0.done) }, .queued)
    plot.drawAxis(scale)
    plot.draw(events, on: axis)
    func count(_ number: Int) -> String { Scale.grouped(Double(max(0, number))) }
    let (created, started, done) = (Double(last.created), Double(last.started), Double(last.done))
    let middles = [
      (done / 2, "done \(count(last.done))"), ((done + started) / 2, "in progress \(count(last.started - last.done))"),
      ((started + created) / 2, "not begun \(count(last.created - last.started))"),
    ]
    let places = Plot.spread(middles.map { plot.place(of: $0.0, on: scale) + 4 }, distance: 14, lowest: plot.height - 6)
    for (place, middle) in zip(places, middles) { plot.write(middle.1, at: Plot.Point(1, place), .end, dx: -4, .strong) }
    return plot
  }
}
