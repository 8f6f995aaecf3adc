package import ValueStreamCore

/// Gauges of the semantic conventions with one series per branch.
///
/// They are off by default, because the number of branches has no bound.
///
/// Source: `vcs.change.duration`, `vcs.change.time_to_approval` and `vcs.change.time_to_merge`, version 1.44.
package struct BranchGauges: Sendable {
  private let store: any SpanReading
  private let clock: any WallClock
  private let durations: MetricFamily
  private let approvals: MetricFamily
  private let merges: MetricFamily
  private let reading: CachedReading<Reading>

  private struct Reading {
    var opened: [(labels: [String], time: Timestamp)] = []
    var approved: [(labels: [String], value: Double)] = []
    var merged: [(labels: [String], value: Double)] = []
  }

  /// The number of changes that get series. Only the newest changes do.
  package static let changeLimit = 500

  /// - Parameter restFactor: How long a reading is reused, as a multiple of the time that it took.
  package init(
    registry: MetricRegistry, store: any SpanReading, clock: any WallClock, restFactor: Int = CachedReadings.restFactor
  ) {
    reading = CachedReading(restFactor: restFactor)
    self.store = store
    self.clock = clock
    func gauge(_ name: String, _ help: String, _ label: String) -> MetricFamily {
      registry.family(.gauge, name, help: help, labels: ConventionMetrics.repositoryLabels + ["vcs_ref_head_name", label])
    }
    durations = gauge("vcs_change_duration_seconds", "How long a change has been open.", "vcs_change_state")
    approvals = gauge(
      "vcs_change_time_to_approval_seconds", "From the opening of a change to its first approval.", "vcs_ref_base_name")
    merges = gauge("vcs_change_time_to_merge_seconds", "From the opening of a change to its merge.", "vcs_ref_base_name")
  }

  /// Updates the gauges. Blocks. If two changes have the same branch, the newer one gets the series.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read. The gauges then keep their values.
  package func refresh() throws {
    let reading = try reading.value(read)
    let now = clock.now()
    durations.replaceSeries(reading.opened.map { ($0.labels, max(0, now.seconds(since: $0.time))) })
    approvals.replaceSeries(reading.approved)
    merges.replaceSeries(reading.merged)
  }

  private func read() throws -> Reading {
    var filter = SubjectFilter()
    filter.operation = .pullRequest
    let changes = try store.subjects(matching: filter, after: nil, limit: Self.changeLimit).subjects
    var reading = Reading()
    for change in changes {
      let spans = change.spans()
      guard let times = ChangeTimes(spans), let last = spans.last, let head = change.text(AttributeName.vcsRefHeadName) else {
        continue
      }
      let branch = change.repositoryLabels + [head]
      let base = change.text(AttributeName.vcsRefBaseName) ?? ""
      if last.end == nil, let created = times.created {
        reading.opened.append((branch + [change.text(AttributeName.vcsChangeState) ?? "open"], created))
      }
      if let seconds = times.secondsOfWaiting(for: times.firstApproval) { reading.approved.append((branch + [base], seconds)) }
      if let seconds = times.seconds(to: times.merge) { reading.merged.append((branch + [base], seconds)) }
    }
    return reading
  }
}
