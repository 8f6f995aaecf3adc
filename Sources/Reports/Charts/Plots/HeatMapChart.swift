/// A table of cells whose shade and number tell a count.
package struct HeatMapChart: Sendable {
  package var title: String
  package var note: String
  package var rows: [String]
  package var columns: [String]
  /// By row, then by column. Nil for a cell outside the period.
  package var values: [[Int?]]
  /// What the numbers count, such as `items`.
  package var unit: String

  package init(title: String, note: String, rows: [String], columns: [String], values: [[Int?]], unit: String) {
    self.title = title
    self.note = note
    self.rows = rows
    self.columns = columns
    self.values = values
    self.unit = unit
  }

  private static let cell = 22.0

  package var plot: Plot {
    var plot = Plot(title: title, note: note, height: Double(rows.count) * Self.cell)
    let greatest = values.joined().compactMap { $0 }.max() ?? 0
    let width = 1 / Double(max(1, columns.count))
    let shades: [Plot.Style] = [.heat0, .heat1, .heat2, .heat3, .heat4]
    for (row, cells) in values.enumerated() where row < rows.count {
      plot.yLabels.append(Plot.Label((Double(row) + 0.5) * Self.cell, rows[row]))
      for (column, value) in cells.enumerated() where column < columns.count {
        guard let value else { continue }
        let shade = value == 0 || greatest == 0 ? 0 : min(4, 1 + Int(Double(value) * 4 / (Double(greatest) + 1)))
        let (left, top) = (Double(column) * width, Double(row) * Self.cell)
        plot.add(
          .box(from: Plot.Point(left + width * 0.04, top + 1), to: Plot.Point(left + width * 0.96, top + Self.cell - 1)),
          shades[shade],
          tip: "\(rows[row]), \(columns[column]): \(value) \(unit)")
        if value > 0 {
          plot.write(
            "\(value)", at: Plot.Point(left + width / 2, top + 15), .middle, shade >= 3 ? .onWork : .onFill,
            isMinor: columns.count > 16)
        }
      }
    }
    let step = max(1, (columns.count + 11) / 12)
    plot.xLabels = columns.enumerated().filter { $0.offset % step == 0 }.map { index, name in
      Plot.Label((Double(index) + 0.5) * width, name, isMinor: index / step % 2 == 1)
    }
    return plot
  }
}
