import DeliveryMetrics
import ValueStreamCore

/// One of the five metrics: its number, change, trend, and what is behind it.
struct MetricTile {
  enum Direction { case up, down, same }

  private let metric: DORAMetric
  private let group: DORAReport.Group
  private let question: ReportQuestion

  init(_ metric: DORAMetric, _ group: DORAReport.Group, _ question: ReportQuestion) {
    self.metric = metric
    self.group = group
    self.question = question
  }

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
        html.element(.a, .href(question.scope.address(Address("reports", metric.rawValue))), text: metric.title)
      }
      html.element(.p, .classes("figure"), text: metric.text(value) ?? "not known")
      writeChange(&html)
      writeTrend(&html)
      writeBasis(&html)
    }
  }

  private var value: Double? { metric.value(in: group) }
  private var before: Double? { metric.previousValue(in: group) }

  private func writeChange(_ html: inout HTMLWriter) {
    html.element(.p, .classes("change")) { html in
      guard let value, let before else { return html.element(.span, .classes("quiet"), text: "nothing to compare with") }
      guard let direction = Self.change(value, before), direction != .same else {
        return html.text("as before: \(metric.text(before) ?? "")")
      }
      let isUp = direction == .up
      let isBetter = isUp == metric.isBetterWhenHigher
      html.element(.b, .classes(isBetter ? "better" : "worse")) { html in
        html.element(.span, .isHidden, text: isUp ? "▲ " : "▼ ")
        html.text(metric.comparison(value, before))
      }
      html.text(" than \(metric.text(before) ?? "") before")
    }
  }

  /// Draws the trend by weeks: bars for counts and shares, a line for durations.
  private func writeTrend(_ html: inout HTMLWriter) {
    let points = group.trend.map { (value: metric.value(in: $0), isPartial: $0.bucket.isPartial) }
    let greatest = points.compactMap(\.value).max() ?? 0
    guard greatest > 0, points.count > 1 else { return }
    let step = 1 / Double(points.count)
    html.element(.svg, .classes("trend"), .height(.pixels(44)), .isHidden) { html in
      var last: (place: Double, height: Double)?
      for (index, point) in points.enumerated() {
        guard let value = point.value, value.isFinite else {
          last = nil
          continue
        }
        let height = 40 * value / greatest
        if metric.isDuration {
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
      html.text("By week: ")
      html.text(points.map { metric.text($0.value) ?? "unknown" }.joined(separator: ", "))
    }
  }

  /// Says how many rows are behind the number, how many are left out and why, and the score.
  private func writeBasis(_ html: inout HTMLWriter) {
    let population = metric.population(in: group)
    let address = question.scope.address(Address("reports", metric.rawValue))
    html.element(.p, .classes("basis")) { html in
      html.element(.a, .href(address), text: metric.counted(in: group))
      if let coverage = population.coverage, population.n > 0 { html.text(" · covers \(Int((coverage * 100).rounded())) %") }
      let leftOut = population.leftOut.reduce(0) { $0 + $1.count }
      if leftOut > 0 {
        html.text(" · ")
        html.element(
          .a, .href(question.scope.with { $0.part = .leftOut }.address(Address("reports", metric.rawValue))),
          text: "\(Wording.grouped(Int64(leftOut))) left out")
        let reasons = population.leftOut.prefix(3).map { "\($0.count) \($0.reason.rawValue.replacing("_", with: " "))" }
        html.text(" (\(reasons.joined(separator: ", ")))")
      }
      if let score = metric.score(in: group.quickCheck) {
        html.text(" · \(score.text) of 10 in the quick check of 2025")
      }
      if metric == .reworkRate { html.text(" · inferred") }
    }
  }
}

extension Double {
  /// The number with at most one decimal.
  fileprivate var text: String { HTMLAttribute.Length.text(self, digits: 1) }
}

extension DORAMetric {
  var title: String {
    switch self {
    case .leadTime: "Lead time for changes"
    case .deploymentFrequency: "Deployment frequency"
    case .changeFailRate: "Change fail rate"
    case .recoveryTime: "Failed deployment recovery"
    case .reworkRate: "Deployment rework rate"
    }
  }

  /// What the number means, in a sentence.
  var formula: String {
    switch self {
    case .leadTime:
      "The median over changes of the time from the first commit to the end of the first release that brought the change."
    case .deploymentFrequency: "Releases to production divided by the days of the period."
    case .changeFailRate: "Failed releases divided by all releases with a verdict. A release has none in its first day."
    case .recoveryTime: "The median over failed releases of the time from the end of the release until it was remedied."
    case .reworkRate:
      "Releases that remedy another or bring a change tied to an incident, divided by all releases. Always inferred."
    }
  }

  var isDuration: Bool { self == .leadTime || self == .recoveryTime }
  var isBetterWhenHigher: Bool { self == .deploymentFrequency }

  func value(in group: DORAReport.Group) -> Double? {
    switch self {
    case .leadTime: group.leadTime.current.summary.median
    case .deploymentFrequency: group.deploymentFrequency.current.perDay
    case .changeFailRate: group.changeFailRate.current.ratio
    case .recoveryTime: group.recoveryTime.current.summary.median
    case .reworkRate: group.reworkRate.current.ratio
    }
  }

  func previousValue(in group: DORAReport.Group) -> Double? {
    switch self {
    case .leadTime: group.leadTime.previous?.summary.median
    case .deploymentFrequency: group.deploymentFrequency.previous?.perDay
    case .changeFailRate: group.changeFailRate.previous?.ratio
    case .recoveryTime: group.recoveryTime.previous?.summary.median
    case .reworkRate: group.reworkRate.previous?.ratio
    }
  }

  func value(in bucket: DORAReport.Bucket) -> Double? {
    switch self {
    case .leadTime: bucket.leadTime.summary.median
    case .deploymentFrequency: bucket.deploymentFrequency.perDay
    case .changeFailRate: bucket.changeFailRate.ratio
    case .recoveryTime: bucket.recoveryTime.summary.median
    case .reworkRate: bucket.reworkRate.ratio
    }
  }

  func population(in group: DORAReport.Group) -> Population {
    switch self {
    case .leadTime: group.leadTime.current.summary.population
    case .deploymentFrequency: group.deploymentFrequency.current.population
    case .changeFailRate: group.changeFailRate.current.population
    case .recoveryTime: group.recoveryTime.current.summary.population
    case .reworkRate: group.reworkRate.current.population
    }
  }

  /// What the number counts, with its n.
  func counted(in group: DORAReport.Group) -> String {
    switch self {
    case .leadTime: return Wording.count(group.leadTime.current.summary.n, "change")
    case .deploymentFrequency: return Wording.count(group.deploymentFrequency.current.releases, "release")
    case .changeFailRate:
      let rate = group.changeFailRate.current
      return "\(rate.failed) failed of \(rate.total) with a verdict" + (rate.pending > 0 ? ", \(rate.pending) pending" : "")
    case .recoveryTime:
      let recovery = group.recoveryTime.current
      return "\(recovery.summary.n) recovered" + (recovery.open.isEmpty ? "" : ", \(recovery.open.count) still broken")
    case .reworkRate: return "\(group.reworkRate.current.rework) of \(Wording.count(group.reworkRate.current.total, "release"))"
    }
  }

  func score(in check: QuickCheck) -> Double? {
    switch self {
    case .leadTime: check.leadTime
    case .deploymentFrequency: check.deploymentFrequency
    case .changeFailRate: check.changeFailRate
    case .recoveryTime: check.recoveryTime
    case .reworkRate: check.reworkRate
    }
  }

  /// A value of the metric in words; nil if it is not known.
  func text(_ value: Double?) -> String? {
    guard let value, value.isFinite else { return nil }
    switch self {
    case .leadTime, .recoveryTime: return Self.duration(value)
    case .deploymentFrequency: return value >= 1 ? "\(value.text) a day" : "\((value * 7).text) a week"
    case .changeFailRate, .reworkRate: return "\((value * 100).text) %"
    }
  }

  /// The difference of two values in words: `3 h shorter`, `2.1 points higher`.
  func comparison(_ value: Double, _ before: Double) -> String {
    let difference = (value - before).magnitude
    let isUp = value > before
    switch self {
    case .leadTime, .recoveryTime: return "\(Self.duration(difference)) \(isUp ? "longer" : "shorter")"
    case .deploymentFrequency:
      return before >= 1
        ? "\(difference.text) a day \(isUp ? "more" : "fewer")" : "\((difference * 7).text) a week \(isUp ? "more" : "fewer")"
    case .changeFailRate, .reworkRate: return "\((difference * 100).text) points \(isUp ? "higher" : "lower")"
    }
  }

  private static func duration(_ seconds: Double) -> String {
    Wording.duration(nanoseconds: seconds < 9e9 ? Int64(seconds * 1e9) : .max)
  }
}
