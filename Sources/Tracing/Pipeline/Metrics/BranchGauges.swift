package import ValueStreamCore

/// The gauges of the semantic conventions that have a series for each branch: only for those who ask for them, because there is no end
/// of branches.
///
/// Source: `vcs.change.duration`, `vcs.change.time_to_approval` and `vcs.change.time_to_merge`, version 1.44.
package struct BranchGauges: Sendable {
  private let store: any SpanStore
  private let clock: any WallClock
  private let durations: MetricFamily
  private let approvals: MetricFamily
  private let merges: MetricFamily

  /// The newest changes, so many of them, have series.
  package static let changeLimit = 500

  package init(registry: MetricRegistry, store: any SpanStore, clock: any WallClock) {
    self.store = store
    self.clock = clock
    func gauge(_ name: String, _ help: String, _ label: String) -> MetricFamily {
      registry.family(.gauge, name, help: help, labels: Self.repositoryLabels + ["vcs_ref_head_name", label])
    }
    durations = gauge("vcs_change_duration_seconds", "How long a change has been open.", "vcs_change_state")
    approvals = gauge(
      "vcs_change_time_to_approval_seconds", "From the opening of a change to its first approval.", "vcs_ref_base_name")
    merges = gauge("vcs_change_time_to_merge_seconds", "From the opening of a change to its merge.", "vcs_ref_base_name")
  }

  private static let repositoryLabels = ["vcs_repository_url_full", "vcs_repository_name", "vcs_owner_name"]

  /// Brings the gauges up to date. Blocks. Of two changes of one branch the newer has the series.
  package func refresh() throws {
    var filter = SubjectFilter()
    filter.operation = .pullRequest
    let changes = try store.subjects(matching: filter, after: nil, limit: Self.changeLimit).subjects
    let now = clock.now()
    var open: [(labels: [String], value: Double)] = []
    var approved: [(labels: [String], value: Double)] = []
    var merged: [(labels: [String], value: Double)] = []
    for change in changes {
      let spans = change.spans()
      guard let times = ChangeTimes(spans), let last = spans.last, let head = change.text("vcs.ref.head.name") else { continue }
      let branch = ["vcs.repository.url.full", "vcs.repository.name", "vcs.owner.name"].map { change.text($0) ?? "" } + [head]
      let base = change.text("vcs.ref.base.name") ?? ""
      if last.end == nil, let created = times.created {
        open.append((branch + [change.text("vcs.change.state") ?? "open"], max(0, now.seconds(since: created))))
      }
      if let seconds = times.seconds(to: times.firstApproval) { approved.append((branch + [base], seconds)) }
      if let seconds = times.seconds(to: times.merge) { merged.append((branch + [base], seconds)) }
    }
    durations.replaceSeries(open)
    approvals.replaceSeries(approved)
    merges.replaceSeries(merged)
  }
}
