/// A small chart within a line of text.
package enum Sparkline {
  private static let steps: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// Returns one character for each value, scaled from 0 to the greatest value, and a space for each missing value.
  package static func text(_ values: [Double?]) -> String {
    let greatest = values.compactMap { $0 }.filter(\.isFinite).max() ?? 0
    return String(
      values.map { value in
        guard let value else { return " " }
        guard greatest > 0, value > 0 else { return steps[0] }
        return steps[Int((min(1, value / greatest) * Double(steps.count - 1)).rounded())]
      })
  }
}
