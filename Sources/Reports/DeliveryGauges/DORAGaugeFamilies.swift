import DeliveryMetrics
import ValueStreamCore

/// One gauge for each number of the five metrics.
struct DORAGaugeFamilies: Sendable {
  typealias LabeledGroup = (labels: [String], group: DORAReport.Group)

  private struct Gauge: Sendable {
    var family: MetricFamily
    var value: @Sendable (DORAReport.Group, _ now: Timestamp) -> Double?
  }

  private let gauges: [Gauge]

  /// - Parameters:
  ///   - prefix: The beginning of all names.
  ///   - subject: What each series is about, for the help texts.
  init(_ registry: MetricRegistry, prefix: String, of subject: String, labels: [String]) {
    var gauges: [Gauge] = []
    func timed(_ name: String, _ help: String, _ value: @escaping @Sendable (DORAReport.Group, Timestamp) -> Double?) {
      let family = registry.family(
        .gauge, prefix + name, help: "\(help), in the last \(DeliveryGauges.days) days, for \(subject).", labels: labels)
      gauges.append(Gauge(family: family, value: value))
    }
    func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (DORAReport.Group) -> Double?) {
      timed(name, help) { group, _ in value(group) }
    }
    gauge("lead_time_median_seconds", "Median lead time for changes, from the first commit to the release") {
      $0.leadTime.current.summary.median
    }
    gauge("lead_time_p85_seconds", "Lead time for changes that 85 % of the changes do not exceed") {
      $0.leadTime.current.summary.p85
    }
    gauge("lead_time_changes", "Changes behind the lead time") { Double($0.leadTime.current.summary.n) }
    gauge("releases", "Releases, which the deployment frequency counts") { Double($0.deploymentFrequency.current.releases) }
    gauge("releases_per_day", "Deployment frequency as releases for each day") { $0.deploymentFrequency.current.perDay }
    gauge("last_release_timestamp_seconds", "When the last release ended, in twice that time at most") { group in
      let last = group.deploymentFrequency.current.lastRelease ?? group.deploymentFrequency.previous?.lastRelease
      return last.map { Double($0.nanoseconds) / 1e9 }
    }
    gauge("change_fail_ratio", "Share of the releases with a verdict that failed") { $0.changeFailRate.current.ratio }
    gauge("change_fail_releases", "Releases with a verdict, behind the change fail ratio") {
      Double($0.changeFailRate.current.total)
    }
    gauge("recovery_time_median_seconds", "Median time from a failed release to its remedy") {
      $0.recoveryTime.current.summary.median
    }
    gauge("recovery_time_failures", "Failures that ended, behind the recovery time") {
      Double($0.recoveryTime.current.summary.n)
    }
    gauge("open_failures", "Failures that last") { Double($0.recoveryTime.current.open.count) }
    timed("open_failure_oldest_seconds", "Age of the oldest failure that lasts") { group, now in
      group.recoveryTime.current.open.map { now.seconds(since: $0.since) }.max().map { max(0, $0) }
    }
    gauge("rework_ratio", "Share of the releases that were rework") { $0.reworkRate.current.ratio }
    gauge("rework_releases", "Releases behind the rework ratio") { Double($0.reworkRate.current.total) }
    self.gauges = gauges
  }

  /// Shows these groups and no others.
  func show(_ groups: [LabeledGroup], now: Timestamp) {
    for gauge in gauges {
      gauge.family.replaceSeries(
        groups.compactMap { labels, group in gauge.value(group, now).map { (labels: labels, value: $0) } })
    }
  }
}
