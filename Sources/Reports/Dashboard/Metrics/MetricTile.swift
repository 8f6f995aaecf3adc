import DeliveryMetrics
import ValueStreamCore

/// One of the five metrics: its number, change, trend, and what is behind it.
struct MetricTile {
  private let metric: DORAMetric
  private let group: DORAReport.Group
  private let page: MetricContext
  private let remark: String?

  /// - Parameter remark: what is to be said about the number besides its basis.
  init(_ metric: DORAMetric, _ group: DORAReport.Group, _ page: MetricContext, remark: String? = nil) {
    self.metric = metric
    self.group = group
    self.page = page
    self.remark = remark
  }

  func write(to html: inout HTMLWriter) {
    let question = page.question
    let address = question.kept.address(Address("reports", metric.rawValue))
    var remarks = [remark].compactMap { $0 }
    if let score = metric.score(in: group.quickCheck) { remarks.append("\(score.brief) of 10 in the quick check of 2025") }
    if metric == .reworkRate { remarks.append("inferred") }
    FigureTile(
      title: metric.title, unit: metric.unit, value: metric.value(in: group),
      before: page.isBeforeKnown ? metric.previousValue(in: group) : nil,
      beforeWord: question.beforeWord, isAlone: question.comparisonText == nil, isBetterWhenHigher: metric.isBetterWhenHigher,
      door: address, counted: metric.counted(in: group), population: metric.population(in: group),
      leftOut: address.adding("part", "left_out"), remarks: remarks,
      trend: group.trend.map { FigureTile.Step(value: metric.value(in: $0), isPartial: $0.bucket.isPartial) },
      isLine: metric.isDuration
    ).write(to: &html)
  }
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

  var unit: FigureUnit {
    switch self {
    case .leadTime, .recoveryTime: .duration
    case .deploymentFrequency: .rate
    case .changeFailRate, .reworkRate: .share
    }
  }

  /// A value of the metric in words; nil if it is not known.
  func text(_ value: Double?) -> String? { unit.text(value) }
}
