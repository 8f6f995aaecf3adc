package import ValueStreamCore

/// A scatter chart of durations over time, with lines at percentiles.
///
/// Each dot is an item at the time of its end. The scale of durations is logarithmic.
package struct CycleTimeChart: Sendable {
  package struct Item: Sendable {
    package var time: Timestamp
    package var seconds: Double
    package var name: String

    package init(time: Timestamp, seconds: Double, name: String) {
      self.time = time
      self.seconds = seconds
      self.name = name
    }
  }

  package struct Limit: Sendable, Hashable {
    package var percent: Int
    package var seconds: Double

    package init(percent: Int, seconds: Double) {
      self.percent = percent
      self.seconds = seconds
    }
  }

  package var title: String
  package var note: String
  package var axis: TimeAxis
  package var items: [Item]
  /// By ascending percent.
  package var limits: [Limit]
  package var events: TimelineEvents

  package init(
    title: String, note: String, axis: TimeAxis, items: [Item], limits: [Limit], events: TimelineEvents = TimelineEvents()
  ) {
    self.title = title
    self.note = note
    self.axis = axis
    self.items = items
    self.limits = limits
    self.events = events
  }

  /// Up to this number of items, each dot has a name and leads to its item. Beyond, only the slowest.
  private static let namedLimit = 200
  private static let slowestLimit = 60
  /// Up to this number of dots without a name, each item has its own. Beyond, dots stand for the items in a cell of a grid.
  private static let singleLimit = 500
  private static let cells = 160
  private static let cellHeight = 7.0
  private static let styles: [Int: (line: Plot.Style, dot: Plot.Style, text: Plot.Style)] = [
    50: (.p50, .dot, .note), 70: (.p70, .dot70, .work70), 85: (.p85, .dot85, .warn), 95: (.p95, .dot95, .bad),
  ]

  /// The places of the items whose dots have a name: all of a few, or else the slowest.
  ///
  /// - Parameters:
  ///   - seconds: of each item.
  ///   - slow: what counts as slow among many.
  package static func named(_ seconds: [Double], above slow: Double) -> Set<Int> {
    guard seconds.count > namedLimit else { return Set(seconds.indices) }
    let slowest = seconds.indices.filter { seconds[$0] > slow }.sorted { (seconds[$1], $0) < (seconds[$0], $1) }
    return Set(slowest.prefix(slowestLimit))
  }

  /// True if dots stand for several items, because there are too many for one each.
  package var isCrowded: Bool { items.count > Self.singleLimit + Self.slowestLimit }

  /// The chart. A mark's target is the place of its item in ``items``.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: 280)
    let positive = items.map(\.seconds).filter { $0 > 0 && $0.isFinite }
    let scale = Scale.durationMagnitudes(
      from: max(60, (positive.min() ?? 3600) / 1.3), to: max(7200, (positive.max() ?? 86_400) * 1.3))
    plot.drawAxis(scale)
    plot.xLabels = axis.labels
    plot.draw(events, on: axis)
    let slow = limits.first { $0.percent == 85 }?.seconds ?? .infinity
    let named = Self.named(items.map(\.seconds), above: slow)
    var crowd: [Plot.Style: [Plot.Point]] = [:]
    for (index, item) in items.enumerated() where axis.contains(item.time) {
      let passed = limits.last { item.seconds > $0.seconds }?.percent
      let style = passed.flatMap { Self.styles[$0]?.dot } ?? .dot
      let point = Plot.Point(axis.place(of: item.time), plot.place(of: item.seconds, on: scale))
      if named.contains(index) {
        plot.add(
          .circle(point, radius: item.seconds > slow ? 3.5 : 3), style,
          tip: "\(item.name), \(PlotText.duration(item.seconds)), \(TimeAxis.dayText(item.time))", target: index)
      } else {
        crowd[style, default: []].append(point)
      }
    }
    for (style, points) in crowd.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      if isCrowded {
        plot.drawCrowd(points, style, cells: Self.cells, cellHeight: Self.cellHeight)
      } else {
        plot.add(.dots(points, .one), style)
      }
    }
    let heights = limits.map { plot.place(of: $0.seconds, on: scale) }
    let labels = Self.labelPlaces(at: heights, lowest: plot.height - 4)
    for (index, limit) in limits.enumerated() {
      guard let style = Self.styles[limit.percent]?.line else { continue }
      plot.add(.line(from: Plot.Point(0, heights[index]), to: Plot.Point(1, heights[index])), style)
    }
    for (index, limit) in limits.enumerated() {
      guard let style = Self.styles[limit.percent]?.text else { continue }
      plot.write(
        "p\(limit.percent) \(PlotText.duration(limit.seconds))", at: Plot.Point(1, labels[index]), .end, style)
    }
    return plot
  }

  /// The base lines of the names of percentiles: above each line, or below it where the next line is too close above.
  ///
  /// - Parameter heights: of the lines, the lowest percentile and so the lowest line first.
  static func labelPlaces(at heights: [Double], lowest: Double) -> [Double] {
    let (above, below) = (4.0, 11.0)
    let isBelow = heights.indices.map { index in
      let next = index + 1 < heights.count ? heights[index + 1] : -.infinity
      let previous = index > 0 ? heights[index - 1] : .infinity
      let isCrossed = heights[index] - next < 13
      return isCrossed && previous - heights[index] > below + 13 && heights[index] + below < lowest
    }
    let others = heights.indices.filter { !isBelow[$0] }
    var places = heights.map { $0 + below }
    for (index, place) in zip(others, Plot.spread(others.map { heights[$0] }, distance: 13, lowest: lowest)) {
      places[index] = place - above
    }
    return places
  }
}

extension Plot {
  /// Draws a dot for all points in a cell of a grid, the larger the more there are.
  fileprivate mutating func drawCrowd(_ points: [Point], _ style: Style, cells: Int, cellHeight: Double) {
    let counts = points.reduce(into: [Point: Int]()) { counts, point in
      let cell = Point((point.x * Double(cells)).rounded(), (point.y / cellHeight).rounded())
      counts[cell, default: 0] += 1
    }
    let dots = Dictionary(grouping: counts.keys) { Crowd(of: counts[$0] ?? 1) }
    for crowd in Crowd.allCases {
      guard let crowded = dots[crowd] else { continue }
      let sorted = crowded.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
      add(.dots(sorted.map { Point($0.x / Double(cells), min($0.y * cellHeight, height)) }, crowd), style)
    }
  }
}
