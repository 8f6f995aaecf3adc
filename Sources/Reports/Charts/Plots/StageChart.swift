/// A bar for each group whose parts are the mean times of stages, so that they add up.
package struct StageChart: Sendable {
  package enum Kind: Sendable {
    case work, mixed, waiting, unknown
  }

  package struct Stage: Sendable {
    package var name: String
    package var kind: Kind
    package var seconds: Double

    package init(name: String, kind: Kind, seconds: Double) {
      self.name = name
      self.kind = kind
      self.seconds = seconds
    }
  }

  package struct Row: Sendable {
    package var name: String
    package var detail: String
    package var stages: [Stage]
    package var median: Double?

    package init(name: String, detail: String, stages: [Stage], median: Double?) {
      self.name = name
      self.detail = detail
      self.stages = stages
      self.median = median
    }

    fileprivate var total: Double { stages.reduce(0) { $0 + $1.seconds } }
  }

  package var title: String
  package var note: String
  package var rows: [Row]

  package init(title: String, note: String, rows: [Row]) {
    self.title = title
    self.note = note
    self.rows = rows
  }

  private static let rowHeight = 56.0
  /// The pixels of a row on a page of usual width.
  private static let usualWidth = 860.0

  /// The chart. A mark's target is the number of the row times 16 plus that of the stage.
  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: Double(rows.count) * Self.rowHeight + 6)
    let scale = Scale.durations(upTo: rows.map { max($0.total, $0.median ?? 0) }.max() ?? 1)
    for tick in scale.ticks {
      let x = scale.position(of: tick.value)
      plot.add(.line(from: Plot.Point(x, 0), to: Plot.Point(x, plot.height)), tick.value == 0 ? .axis : .grid)
    }
    plot.xLabels = scale.ticks.enumerated().map { Plot.Label(scale.position(of: $1.value), $1.label, isMinor: $0 % 2 == 1) }
    for (number, row) in rows.enumerated() {
      let top = Double(number) * Self.rowHeight
      plot.write(row.name, at: Plot.Point(0, top + 14), dx: 4, .strong)
      plot.write(row.detail, at: Plot.Point(1, top + 14), .end, .note, isMinor: true)
      var start = 0.0
      for (index, stage) in row.stages.enumerated() where stage.seconds > 0 {
        let (left, right) = (scale.position(of: start), scale.position(of: start + stage.seconds))
        start += stage.seconds
        let (from, to) = (Plot.Point(left, top + 20), Plot.Point(right, top + 40))
        let text = "\(stage.name) \(PlotText.duration(stage.seconds))"
        let target = number * 16 + index
        switch stage.kind {
        case .work: plot.add(.box(from: from, to: to), .work, tip: text, target: target)
        case .mixed: plot.add(.box(from: from, to: to), .mixed, tip: text, target: target)
        case .unknown: plot.add(.box(from: from, to: to), .hatch, tip: text)
        case .waiting:
          plot.add(.box(from: from, to: to), .waiting)
          plot.add(.box(from: from, to: to), .waitingHatch, tip: text, target: target)
        }
        // A text is written only where it has room, 6.2 pixels a character on a page of usual width.
        if let place = Self.textPlace(
          of: [text, stage.name], from: left, to: right, median: row.median.map { scale.position(of: $0) })
        {
          plot.write(
            place.words, at: Plot.Point(place.x, top + 34), dx: 5,
            stage.kind == .work ? .onWork : stage.kind == .unknown ? .note : .onFill, isMinor: true)
        }
      }
      if let median = row.median {
        let x = scale.position(of: median)
        plot.add(
          .line(from: Plot.Point(x, top + 17), to: Plot.Point(x, top + 43)), .median, tip: "median \(PlotText.duration(median))")
      }
    }
    return plot
  }

  /// Where a text stands in the bar of a stage: at its start, or right of the mark of the median if that would cross the text.
  ///
  /// A text is 6.2 pixels a character long. Nil if none has room.
  ///
  /// - Parameter texts: the better ones first.
  private static func textPlace(
    of texts: [String], from left: Double, to right: Double, median: Double?
  ) -> (words: String, x: Double)? {
    for words in texts {
      let length = Double(words.count) * 6.2 + 10
      let isCrossed = median.map { $0 >= left && $0 <= right && ($0 - left) * usualWidth < length } ?? false
      let start = isCrossed ? median ?? left : left
      if (right - start) * usualWidth > length { return (words, start) }
    }
    return nil
  }
}
