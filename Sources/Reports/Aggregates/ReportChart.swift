import Charts

/// A chart of a report: the view and tally that it needs, and its titles and labels.
package struct ReportChart: Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case trend, distribution, scatter
  }

  private let kind: Kind
  private let report: Report
  private let calendar: Calendar
  private let windowName: @Sendable (Int) -> String

  /// - Parameter windowName: Returns the name of a window, see ``Layout/chartName(_:)``.
  package init(kind: Kind, report: Report, calendar: Calendar, windowName: @escaping @Sendable (Int) -> String) {
    self.kind = kind
    self.report = report
    self.calendar = calendar
    self.windowName = windowName
  }

  /// The view of a trend chart, with all rows of a window in one group; nil for other charts.
  package var view: View? {
    kind == .trend ? View(groups: [], statistics: [.count] + Self.percentiles.map(Self.percentile)) : nil
  }

  /// The tally of a distribution or scatter chart; nil for a trend.
  package var tally: Tally? {
    switch kind {
    case .trend: nil
    case .distribution: .distribution(Report.duration)
    case .scatter: report.size.map { .scatter(x: $0, y: Report.duration) }
    }
  }

  private static let percentiles = [25, 50, 75, 90]

  private static func percentile(_ percent: Int) -> Statistic { .percentile(Report.duration, percent, of: .values) }

  /// Returns the chart as an SVG document.
  ///
  /// - Parameters:
  ///   - windows: The groups of ``view``.
  ///   - bins: The bins of ``tally``.
  ///   - unbinned: The number of rows without a bin.
  package func svg(windows: [AggregatedGroup], bins: [SizeBin: Int], unbinned: Int) -> String {
    switch kind {
    case .trend: trend(windows).svg
    case .distribution: distribution(bins, unbinned: unbinned).svg
    case .scatter: scatter(bins, unbinned: unbinned).svg
    }
  }

  // MARK: Kinds

  private func trend(_ windows: [AggregatedGroup]) -> TrendChart {
    let found = Dictionary(windows.map { ($0.window, $0) }) { first, _ in first }
    let indices = (found.keys.min() ?? 0)..<((found.keys.max() ?? -1) + 1)
    let points = indices.map { index in
      let group = found[index]
      func value(_ percent: Int) -> Double? { group?.result(of: Self.percentile(percent)) }
      let band = value(25).flatMap { low in value(75).map { low...max(low, $0) } }
      return TrendChart.Point(label: windowName(index), line: value(50), dashed: value(90), band: band)
    }
    return TrendChart(
      title: "How long \(report.items) take", note: Self.count(windows.reduce(0) { $0 + $1.rows }, report.items),
      xTitle: "\(calendar.window.rawValue) of creation", yTitle: "duration", lineName: "median", dashedName: "90th percentile",
      bandName: "middle half", points: points)
  }

  private func distribution(_ bins: [SizeBin: Int], unbinned: Int) -> DistributionChart {
    let steps = bins.map { (index: $0.key.x, count: $0.value) }.sorted { $0.index < $1.index }
    let total = steps.reduce(0) { $0 + $1.count }
    let marks = [(50, "half within"), (90, "90 % within")].compactMap { percent, label in
      Self.bound(of: percent, steps, total).map { Scale.Tick($0, label) }
    }
    return DistributionChart(
      title: "How long \(report.items) take",
      note: Self.count(total, report.items, without: unbinned, "a duration")
        + "; each bar covers durations up to 1.26 times its start",
      xTitle: "duration (logarithmic)", yTitle: report.items, barName: "",
      bars: steps.map { DistributionChart.Bar(range: Self.range($0.index), count: $0.count) }, marks: marks)
  }

  private func scatter(_ bins: [SizeBin: Int], unbinned: Int) -> ScatterChart {
    // Merges two bins in each direction into one, so that circles have room.
    let coarse = bins.reduce(into: [SizeBin: Int]()) { $0[SizeBin(x: $1.key.x >> 1, y: $1.key.y >> 1), default: 0] += $1.value }
    let bubbles = coarse.sorted { ($0.key.x, $0.key.y) < ($1.key.x, $1.key.y) }.map {
      ScatterChart.Bubble(x: Self.range($0.key.x * 2, 2), y: Self.range($0.key.y * 2, 2), count: $0.value)
    }
    return ScatterChart(
      title: "Size and duration of \(report.items)",
      note: Self.count(bubbles.reduce(0) { $0 + $1.count }, report.items, without: unbinned, "size or duration"),
      xTitle: report.sizeTitle, yTitle: "duration", items: report.items, bubbles: bubbles)
  }

  private static func range(_ step: Int, _ count: Int = 1) -> Range<Double> {
    SizeStep.lowerBound(of: step)..<SizeStep.lowerBound(of: step + count)
  }

  /// Returns the approximate duration below which a share of all rows lies, interpolated within its bin; nil if there
  /// are no rows.
  private static func bound(of percent: Int, _ steps: [(index: Int, count: Int)], _ total: Int) -> Double? {
    var reached = 0
    for step in steps {
      let wanted = Double(total) * Double(percent) / 100 - Double(reached)
      reached += step.count
      guard Double(reached) * 100 >= Double(total) * Double(percent), step.count > 0 else { continue }
      return SizeStep.number(at: Double(step.index) + wanted / Double(step.count))
    }
    return nil
  }

  private static func count(_ count: Int, _ items: String, without others: Int = 0, _ what: String = "") -> String {
    "\(Scale.grouped(Double(count))) \(items)"
      + (others > 0 ? "; \(Scale.grouped(Double(others))) without \(what) are not shown" : "")
  }
}
