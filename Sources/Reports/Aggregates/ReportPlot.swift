import Charts

/// The sparklines below a table that show the trend of each group.
package enum ReportPlot {
  /// Returns a line for each group, with the report's first mean duration as one character per window, from the first
  /// window to the last.
  package static func text(_ groups: [AggregatedGroup], layout: Layout) -> String {
    guard let column = layout.columns.first(where: { if case .mean(Report.duration, _) = $0.statistic { true } else { false } }),
      let first = groups.first?.window, let last = groups.last?.window
    else { return "" }
    var series: [[String]: [Int: Double]] = [:]
    for group in groups { series[group.values, default: [:]][group.window] = group.result(of: column.statistic) }
    let names = series.keys.sorted { $0.lexicographicallyPrecedes($1) }
    let titles = names.map { $0.isEmpty ? "all" : $0.joined(separator: " ") }
    let width = titles.map(\.count).max() ?? 0
    let head = "\n\(column.name), \(layout.windowName(first)) to \(layout.windowName(last))\n"
    return head
      + zip(names, titles).map { name, title in
        let values = (first...last).map { series[name]?[$0] }
        let greatest = DurationUnit.text(values.compactMap { $0 }.max() ?? 0)
        return "\(title)\(String(repeating: " ", count: width - title.count))  \(Sparkline.text(values))  up to \(greatest)\n"
      }.joined()
  }
}
