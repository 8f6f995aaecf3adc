import ValueStreamCore

/// The metrics of OpenTelemetry's semantic conventions, under the names that Prometheus gives them.
///
/// Source: `cicd.pipeline.run.*` and `vcs.change.count`, version 1.44. The project is ours: pipelines of two repositories may have one name.
struct ConventionMetrics: Sendable {
  private let durations: MetricFamily
  private let errors: MetricFamily
  private let active: MetricFamily
  private let changes: MetricFamily

  init(_ family: ProjectionMetrics.FamilyMaker) {
    durations = family(
      .histogram(bounds: ProjectionMetrics.durationBounds), "cicd_pipeline_run_duration_seconds",
      "How long finished pipeline runs were in each state.",
      ["project", "cicd_pipeline_name", "cicd_pipeline_run_state", "cicd_pipeline_result", "error_type"])
    active = family(
      .gauge, "cicd_pipeline_run_active", "Pipeline runs that go on, by state.",
      ["project", "cicd_pipeline_name", "cicd_pipeline_run_state"])
    errors = family(
      .counter, "cicd_pipeline_run_errors_total", "Pipeline runs that failed.",
      ["project", "cicd_pipeline_name", "error_type"])
    changes = family(
      .gauge, "vcs_change_count", "Changes that are open or wip, and how many were merged or closed over the life of the store.",
      Self.repositoryLabels + ["vcs_change_state"], totals: ["merged", "closed"])
  }

  static let repositoryLabels = ["vcs_repository_url_full", "vcs_repository_name", "vcs_owner_name"]

  func count(_ attempt: FinishedAttempt) {
    if let repository = attempt.repository {
      changes.add(labels: repository + [attempt.outline.outcome == .merged ? "merged" : "closed"])
    }
    guard let pipeline = attempt.pipeline else { return }
    let run = [attempt.labels.project, pipeline]
    active.touch(labels: run + ["executing"])
    // Errors begin at zero, or the first would not show as an increase.
    errors.touch(labels: run + [Outcome.failure.rawValue])
    let outcome = attempt.outline.outcome
    let errorType = outcome.flatMap { $0.isError ? $0.rawValue : nil } ?? ""
    if !errorType.isEmpty { errors.add(labels: run + [errorType]) }
    let waits = ["queue", "wait"].compactMap { attempt.phaseSeconds[$0] }
    if !waits.isEmpty { durations.observe(waits.reduce(0, +), labels: run + ["pending", "", ""], of: attempt.announcement) }
    // One that has phases and none in which it ran was ended before it could: it did not execute for no time at all.
    guard let executing = attempt.phaseSeconds["run"] ?? (attempt.phaseSeconds.isEmpty ? attempt.durationSeconds : nil) else {
      return
    }
    let result = outcome.flatMap(SemanticConventions.result) ?? ""
    durations.observe(executing, labels: run + ["executing", result, errorType], of: attempt.announcement)
  }

  /// Nil for a gauge that is not of the conventions.
  func family(of gauge: GaugeShare.Gauge) -> MetricFamily? {
    switch gauge {
    case .activeOperations: nil
    case .activePipelineRuns: active
    case .changes: changes
    }
  }

  var gauges: [MetricFamily] { [active, changes] }
}
