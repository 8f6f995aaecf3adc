import DeliveryMetrics
import ValueStreamCore

/// A number with its change, its trend, and what is behind it.
struct FigureTile {
  enum Direction { case up, down, same }

  /// A value of the trend.
  struct Step {
    var value: Double?
    var isPartial: Bool
  }

  var title: String
  var unit: FigureUnit
  var value: Double?
  var before: Double?
  /// What stands behind the value of the compared period.
  var beforeWord = "before"
  /// True if nothing is compared, so that no value before is missed.
  var isAlone = false
  /// Nil if neither direction is better.
  var isBetterWhenHigher: Bool?
  /// The page of the rows behind the number.
  var door: Address?
  /// What the number counts, with its n.
  var counted: String
  var population: Population
  /// The page of the rows that are left out.
  var leftOut: Address?
  var remarks: [String] = []
  var trend: [Step] = []
  var trendName = "By week"
  var isLine = false

  /// Returns the direction of a change; nil if one of the values is unknown. A change of less than 2 % is none.
  static func change(_ now: Double?, _ before: Double?) -> Direction? {
    guard let now, let before else { return nil }
    let difference = now - before
    if difference.magnitude <= before.magnitude * 0.02 { return .same }
    return difference > 0 ? .up : .down
  }

  func write(to html: inout HTMLWriter) {
    html.element(.div, .classes("tile")) { html in
      html.element(.h2) { html in
        if let door { html.element(.a, .href(door), text: title) } else { html.text(title) }
      }
      html.element(.p, .classes("figure"), text: unit.text(value) ?? "not known")
      if !isAlone { writeChange(&html) }
      writeTrend(&html)
      writeBasis(&html)
    }
  }

  private func writeChange(_ html: inout HTMLWriter) {
    html.element(.p, .classes("change")) { html in
      guard let value, let before else { return html.element(.span, .classes("quiet"), text: "nothing to compare with") }
      guard let direction = Self.change(value, before), direction != .same else {
        return html.text("as \(beforeWord): \(unit.text(before) ?? "")")
      }
      let isUp = direction == .up
      let tone = isBetterWhenHigher.map { isUp == $0 ? "better" : "worse" } ?? "neither"
      html.element(.b, .classes(tone)) { html in
        html.element(.span, .isHidden, text: isUp ? "▲ " : "▼ ")
        html.text(unit.comparison(value, before))
      }
      html.text(" than \(unit.text(before) ?? "") \(beforeWord)")
    }
  }

  /// Draws the trend: bars for counts and shares, a line for durations.
  private func writeTrend(_ html: inout HTMLWriter) {
    // A week with few days may have any rate, so it does not set the scale of bars.
    let whole = isLine ? trend : trend.filter { !$0.isPartial }
    let scaling = whole.contains { $0.value.map { $0.isFinite && $0 > 0 } ?? false } ? whole : trend
    let greatest = scaling.compactMap(\.value).filter(\.isFinite).max() ?? 0
    guard greatest > 0, trend.count > 1 else { return }
    let step = 1 / Double(trend.count)
    html.element(.svg, .classes("trend"), .height(.pixels(44)), .isHidden) { html in
      var last: (place: Double, height: Double)?
      for (index, point) in trend.enumerated() {
        guard let value = point.value, value.isFinite else {
          last = nil
          continue
        }
        let height = min(40, 40 * value / greatest)
        if isLine {
          let place = (Double(index) + 0.5) * step
          if let last {
            html.element(
              .line, .classes("line"), .x1(.share(last.place)), .x2(.share(place)), .y1(.pixels(42 - last.height)),
              .y2(.pixels(42 - height)))
          }
          html.element(
            .circle, .classes(point.isPartial ? "point partial" : "point"), .cx(.share(place)), .cy(.pixels(42 - height)),
            .r(.pixels(point.isPartial ? 2.5 : 1.5)))
          last = (place, height)
        } else if height > 0 {
          html.element(
            .rect, .classes(point.isPartial ? "bar partial" : "bar"), .x(.share((Double(index) + 0.12) * step)),
            .width(.share(step * 0.76)), .y(.pixels(42 - height)), .height(.pixels(height)))
        }
      }
      html.element(.line, .classes("axis"), .x1(.pixels(0)), .x2(.share(1)), .y1(.pixels(42)), .y2(.pixels(42)))
    }
    html.element(.p, .classes("unseen")) { html in
      html.text("\(trendName): ")
      html.text(trend.map { unit.text($0.value) ?? "unknown" }.joined(separator: ", "))
    }
  }

  /// Says how many rows are behind the number, how many are left out and why.
  private func writeBasis(_ html: inout HTMLWriter) {
    html.element(.p, .classes("basis")) { html in
      if let door { html.element(.a, .href(door), text: counted) } else { html.text(counted) }
      html.coverage(of: population, leftOut: leftOut)
      for remark in remarks { html.text(" · \(remark)") }
    }
  }
}

extension HTMLWriter {
  /// Writes the coverage of a number, and how many rows it leaves out with the first reasons.
  mutating func coverage(of population: Population, leftOut address: Address?) {
    if let coverage = population.coverage, population.n > 0 { text(" · covers \(Int((coverage * 100).rounded())) %") }
    let leftOut = population.leftOut.reduce(0) { $0 + $1.count }
    guard leftOut > 0 else { return }
    text(" · ")
    let words = "\(Wording.grouped(Int64(leftOut))) left out"
    if let address { element(.a, .href(address), text: words) } else { text(words) }
    let reasons = population.leftOut.prefix(3).map { "\($0.count) \($0.reason.words)" }
    text(" (\(reasons.joined(separator: ", ")))")
  }
}
