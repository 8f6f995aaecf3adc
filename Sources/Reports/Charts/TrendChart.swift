/// A chart of values per time window: a solid line and a dashed line over a band.
package struct TrendChart: Sendable {
  /// The values of one window; nil if there is no value.
  package struct Point: Sendable {
    package var label: String
    package var line: Double?
    package var dashed: Double?
    package var band: ClosedRange<Double>?

    package init(label: String, line: Double?, dashed: Double?, band: ClosedRange<Double>?) {
      self.label = label
      self.line = line
      self.dashed = dashed
      self.band = band
    }
  }

  /// What the values are, which decides on the scale.
  package enum Values: Sendable {
    /// Seconds.
    case durations
    case counts
    /// Shares of 1.
    case shares
  }

  package var title: String
  package var note: String
  package var xTitle: String
  package var yTitle: String
  package var lineName: String
  package var dashedName: String
  package var bandName: String
  /// The windows at equal distances, including those without values.
  package var points: [Point]
  package var values = Values.durations
  /// What the ids of elements begin with, so that several charts can be on a page.
  package var identifier = ""

  package init(
    title: String, note: String, xTitle: String, yTitle: String, lineName: String, dashedName: String, bandName: String,
    points: [Point]
  ) {
    self.title = title
    self.note = note
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.lineName = lineName
    self.dashedName = dashedName
    self.bandName = bandName
    self.points = points
  }

  /// The chart as an SVG document. A line or band without a name is not in the legend.
  package var svg: String {
    let all = points.flatMap { [$0.line, $0.dashed, $0.band?.lowerBound, $0.band?.upperBound].compactMap { $0 } }
    let scale =
      switch values {
      case .durations: Scale.durations(among: all)
      case .counts: Scale.counts(upTo: all.max() ?? 0)
      case .shares: Scale.shares(upTo: all.max() ?? 0)
      }
    let legend: [(mark: ChartFrame.Mark, text: String)] = [(.line, lineName), (.band, bandName), (.dashed, dashedName)]
    let frame = ChartFrame(
      title: title, note: note, xTitle: xTitle, yTitle: yTitle + (scale.kind == .logarithmic ? " (logarithmic)" : ""), x: xScale,
      y: scale,
      legend: legend.filter { !$0.text.isEmpty })
    return frame.document(identifier: identifier) { svg in
      for run in runs({ $0.band }) { drawBand(run, frame, &svg) }
      for run in runs({ $0.dashed }) { drawLine(run, "dashed", dot: "dot2", frame, &svg) }
      for run in runs({ $0.line }) { drawLine(run, "line", dot: "dot", frame, &svg) }
    }
  }

  /// The scale of the windows, with about ten labels at equal distances.
  private var xScale: Scale {
    let every = max(1, (points.count + 9) / 10)
    let ticks = points.indices.filter { $0 % every == 0 }.map { Scale.Tick(Double($0), points[$0].label) }
    // Half a step of room on both sides keeps the labels inside.
    return Scale(kind: .linear, lower: -0.5, upper: Double(max(points.count, 1)) - 0.5, ticks: ticks)
  }

  /// Groups consecutive points that have a value; a gap interrupts the line.
  private func runs<Value>(_ value: (Point) -> Value?) -> [[(place: Double, value: Value)]] {
    var runs: [[(place: Double, value: Value)]] = []
    var isOpen = false
    for (index, point) in points.enumerated() {
      guard let value = value(point) else {
        isOpen = false
        continue
      }
      if !isOpen { runs.append([]) }
      isOpen = true
      runs[runs.count - 1].append((Double(index), value))
    }
    return runs
  }

  private func drawLine(
    _ run: [(place: Double, value: Double)], _ kind: String, dot: String, _ frame: ChartFrame, _ svg: inout SVGWriter
  ) {
    if run.count == 1, let only = run.first {
      svg.element(
        "circle",
        ["class": dot, "cx": SVGWriter.number(frame.x(only.place)), "cy": SVGWriter.number(frame.y(only.value)), "r": "3.5"])
    } else {
      svg.element("path", ["class": kind, "d": "M" + Self.path(run.map { (frame.x($0.place), frame.y($0.value)) })])
    }
  }

  private func drawBand(_ run: [(place: Double, value: ClosedRange<Double>)], _ frame: ChartFrame, _ svg: inout SVGWriter) {
    // A run of a single window is drawn half a step wide, because a line needs two points.
    let wide =
      run.count == 1
      ? run.flatMap { [($0.place - 0.25, $0.value), ($0.place + 0.25, $0.value)] } : run.map { ($0.place, $0.value) }
    let upper = wide.map { (frame.x($0.0), frame.y($0.1.upperBound)) }
    let lower = wide.reversed().map { (frame.x($0.0), frame.y($0.1.lowerBound)) }
    svg.element("path", ["class": "band", "d": "M" + Self.path(upper + lower) + "Z"])
  }

  private static func path(_ points: [(Double, Double)]) -> String {
    points.map { "\(SVGWriter.number($0.0)) \(SVGWriter.number($0.1))" }.joined(separator: "L")
  }
}
