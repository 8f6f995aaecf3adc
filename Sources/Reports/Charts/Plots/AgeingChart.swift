/// Open items by status and age, over the ages at which finished items left each status.
package struct AgeingChart: Sendable {
  package struct Column: Sendable {
    package var name: String
    package var detail: String
    /// The ages of 50, 70, 85 and 95 % of finished items, in seconds. Empty for too few items.
    package var bands: [Double]

    package init(name: String, detail: String, bands: [Double]) {
      self.name = name
      self.detail = detail
      self.bands = bands
    }
  }

  package struct Item: Sendable {
    package var column: Int
    package var seconds: Double
    package var name: String
    /// How many of the bands its age has passed, from 0 to 4. Nil without bands.
    package var band: Int?
    /// The sign of the item's type.
    package var sign: String
    package var isBlocked: Bool
    package var isStale: Bool

    package init(
      column: Int, seconds: Double, name: String, band: Int?, sign: String, isBlocked: Bool = false, isStale: Bool = false
    ) {
      self.column = column
      self.seconds = seconds
      self.name = name
      self.band = band
      self.sign = sign
      self.isBlocked = isBlocked
      self.isStale = isStale
    }
  }

  package var title: String
  package var note: String
  package var columns: [Column]
  package var items: [Item]

  package init(title: String, note: String, columns: [Column], items: [Item]) {
    self.title = title
    self.note = note
    self.columns = columns
    self.items = items
  }

  private static let limits: [(line: Plot.Style, over: Plot.Style, text: Plot.Style, name: String)] = [
    (.p50, .over50, .note, "p50"), (.p70, .over70, .work70, "p70"), (.p85, .over85, .warn, "p85"), (.p95, .over95, .bad, "p95"),
  ]
  private static let dots: [Plot.Style] = [.dot, .dot, .dot70, .dot85, .dot95]
  /// The items of one column whose names are written, the oldest first.
  private static let namedCount = 4
  private static let head = 38.0

  /// The chart. A mark's target is the place of its item in ``items``.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: 400)
    let greatest = max(items.map(\.seconds).max() ?? 0, columns.flatMap(\.bands).max() ?? 0, 86_400)
    let least = max(columns.flatMap(\.bands).filter { $0 > 0 }.min() ?? greatest, 3600)
    let scale =
      greatest > least * 25
      ? Scale.durationMagnitudes(from: max(600, least / 4), to: greatest * 1.25) : .durations(upTo: greatest * 1.06)
    let width = 1 / Double(max(1, columns.count))
    for (number, column) in columns.enumerated() {
      let (left, right) = (Double(number) * width, Double(number + 1) * width)
      for (index, bound) in column.bands.prefix(Self.limits.count).enumerated() {
        let next = index + 1 < column.bands.count ? column.bands[index + 1] : scale.upper
        plot.add(
          .box(
            from: Plot.Point(left, plot.place(of: bound, on: scale, top: Self.head)),
            to: Plot.Point(right, plot.place(of: max(bound, next), on: scale, top: Self.head))), Self.limits[index].over)
      }
    }
    plot.drawAxis(scale, top: Self.head)
    for (number, column) in columns.enumerated() {
      let (left, right) = (Double(number) * width, Double(number + 1) * width)
      if number > 0 { plot.add(.line(from: Plot.Point(left, 0), to: Plot.Point(left, plot.height)), .grid) }
      plot.write(column.name, at: Plot.Point(left, 12), dx: 3, .strong)
      plot.write(column.detail, at: Plot.Point(left, 27), dx: 3, .note)
      let heights = column.bands.prefix(4).map { plot.place(of: $0, on: scale, top: Self.head) }
      let places = Plot.spread(heights, distance: 12, lowest: plot.height - 2)
      for (index, bound) in column.bands.prefix(4).enumerated() {
        plot.add(.line(from: Plot.Point(left, heights[index]), to: Plot.Point(right, heights[index])), Self.limits[index].line)
        plot.write(
          "\(Self.limits[index].name) \(PlotText.duration(bound))", at: Plot.Point(right, places[index] - 3), .end, dx: -3,
          Self.limits[index].text, isMinor: columns.count > 2)
      }
      draw(number, left, width, scale, &plot)
    }
    return plot
  }

  private func draw(_ column: Int, _ left: Double, _ width: Double, _ scale: Scale, _ plot: inout Plot) {
    let own = items.indices.filter { items[$0].column == column }.sorted { items[$0].seconds > items[$1].seconds }
    var lowestName = -Double.infinity
    for (rank, index) in own.enumerated() {
      let item = items[index]
      let y = plot.place(of: item.seconds, on: scale, top: Self.head)
      let isNamed = rank < Self.namedCount && (item.band ?? 0) >= 3 && y - lowestName >= 13
      // Named items stand at the left, with their names beside them; the others in a crowd whose order tells nothing.
      let share = isNamed ? 0.06 : 0.14 + Double((rank * 37) % 100) / 100 * 0.5
      let point = Plot.Point(left + width * share, y)
      let words = [item.name, PlotText.duration(item.seconds), item.isBlocked ? "blocked" : nil, item.isStale ? "stale" : nil]
      let style = Self.dots[min(max(item.band ?? 0, 0), 4)]
      plot.add(.sign(point, item.sign), style, tip: words.compactMap { $0 }.joined(separator: ", "), target: index)
      if item.isBlocked { plot.add(.circle(point, radius: 8), .blocked) }
      if item.isStale { plot.add(.circle(point, radius: item.isBlocked ? 10.5 : 8), .stale) }
      if isNamed {
        plot.write(item.name, at: Plot.Point(point.x, point.y + 4), dx: 13, .strong, isMinor: true)
        lowestName = point.y
      }
    }
  }
}
