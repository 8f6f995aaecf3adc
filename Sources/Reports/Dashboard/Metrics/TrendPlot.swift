import Charts
import DeliveryMetrics
import ValueStreamCore

/// The trend of one of the five metrics over weeks.
struct TrendPlot {
  private let metric: DORAMetric
  private let buckets: [DORAReport.Bucket]
  private let events: TimelineEvents

  init(_ metric: DORAMetric, _ buckets: [DORAReport.Bucket], _ events: TimelineEvents) {
    self.metric = metric
    self.buckets = buckets
    self.events = events
  }

  /// A mark's target is the number of its week.
  var plot: Plot {
    let title = "\(metric.title) by week"
    switch metric {
    case .leadTime, .recoveryTime:
      return BandChart(
        title: title, note: metric.trendNote,
        steps: buckets.map { bucket in
          let summary = metric == .leadTime ? bucket.leadTime.summary : bucket.recoveryTime.summary
          return BandChart.Step(
            from: bucket.bucket.window.start, to: bucket.bucket.window.end, median: summary.median, p75: summary.p75,
            p95: summary.p95, isPartial: bucket.bucket.isPartial)
        }, events: events
      ).plot
    case .deploymentFrequency: return bars(title, "releases") { (Double($0.deploymentFrequency.releases), 0) }
    case .changeFailRate:
      return bars(title, "releases") { (Double($0.changeFailRate.total), Double($0.changeFailRate.failed)) }
    case .reworkRate: return bars(title, "releases") { (Double($0.reworkRate.total), Double($0.reworkRate.rework)) }
    }
  }

  private func bars(_ title: String, _ unit: String, _ value: (DORAReport.Bucket) -> (Double, Double)) -> Plot {
    BarTimeChart(
      title: title, note: metric.trendNote, unit: unit,
      bars: buckets.map { bucket in
        let (all, bad) = value(bucket)
        return BarTimeChart.Bar(
          from: bucket.bucket.window.start, to: bucket.bucket.window.end, value: all, isPartial: bucket.bucket.isPartial, bad: bad
        )
      }
    ).plot
  }
}

extension DORAMetric {
  /// What the chart of the trend shows, in a phrase.
  var trendNote: String {
    switch self {
    case .leadTime, .recoveryTime: "line: median, dark area up to p75, light area up to p95; hollow: partial week"
    case .deploymentFrequency: "releases a week; hatched: partial week"
    case .changeFailRate: "releases with a verdict, the failed ones at the foot; hatched: partial week"
    case .reworkRate: "releases, those that are rework at the foot; hatched: partial week"
    }
  }

  func count(in bucket: DORAReport.Bucket) -> Int {
    switch self {
    case .leadTime: bucket.leadTime.summary.n
    case .deploymentFrequency: bucket.deploymentFrequency.releases
    case .changeFailRate: bucket.changeFailRate.total
    case .recoveryTime: bucket.recoveryTime.summary.n
    case .reworkRate: bucket.reworkRate.total
    }
  }
}
