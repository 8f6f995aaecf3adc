import ValueStreamCore

/// Metrics of OpenTelemetry's semantic conventions, under their Prometheus names.
///
/// Source: `cicd.pipeline.run.*` and `vcs.change.count`, version 1.44. The label `project` is our addition, because
/// pipelines of two repositories can have the same name.
struct ConventionMetrics: Sendable {
  private let durations: MetricFamily
  private let errors: MetricFamily
  private let correctedErrors: MetricFamily
  private let active: MetricFamily
  private let changes: MetricFamily

  init(_ family: ProjectionMetrics.FamilyMaker) {
    durations = family(
      .histogram(bounds: ProjectionMetrics.durationBounds), "cicd_pipeline_run_duration_seconds",
      "Time that finished pipeline runs spent in each state.",
      ["project", "cicd_pipeline_name", "cicd_pipeline_run_state", "cicd_pipeline_result", "error_type"])
    active = family(
      .gauge, "cicd_pipeline_run_active", "Pipeline runs that go on, by state.",
      ["project", "cicd_pipeline_name", "cicd_pipeline_run_state"])
    errors = family(
      .counter, "cicd_pipeline_run_errors_total", "Pipeline runs that failed.",
      ["project", "cicd_pipeline_name", "error_type"])
    correctedErrors = family(
      .counter, "cicd_pipeline_run_errors_corrected_total",
      "Pipeline runs counted with one error that ended with another, or none.",
      ["project", "cicd_pipeline_name", "from", "to"])
    changes = family(
      .gauge, "vcs_change_count", "Changes that are open or wip, and how many were merged or closed over the life of the store.",
      Self.repositoryLabels + ["vcs_change_state"], totals: ["merged", "closed"])
  }

  static let repositoryLabels = ["vcs_repository_url_full", "vcs_repository_name", "vcs_owner_name"]

  /// Initializes series to 0 for a finished run that is not counted yet.
  func touch(_ attempt: FinishedAttempt) {
    guard let pipeline = attempt.pipeline else { return }
    let run = [attempt.labels.project, pipeline]
    active.touch(labels: run + ["executing"])
    let errorType = Self.errorType(attempt.outcomeLabel)
    errors.touch(labels: run + [errorType ?? Outcome.failure.rawValue])
    correctedErrors.preregister(labels: run + [errorType ?? Outcome.failure.rawValue, ProjectionMetrics.notCounted])
    durations.preregister(labels: run + ["executing", Self.result(attempt), errorType ?? ""])
  }

  /// Counts an end for the first time.
  func countEnd(_ attempt: FinishedAttempt) {
    count(CountedChange(attempt), times: 1)
    guard let pipeline = attempt.pipeline else { return }
    let run = [attempt.labels.project, pipeline]
    active.touch(labels: run + ["executing"])
    // Start errors at 0, so that the first one shows as an increase.
    errors.touch(labels: run + [Outcome.failure.rawValue])
    if let errorType = Self.errorType(attempt.outcomeLabel) { errors.add(labels: run + [errorType]) }
  }

  /// Corrects the metrics for a counted end that turned out to be different.
  ///
  /// - Parameter attempt: The attempt as it ended; nil if the end no longer exists.
  func correct(_ end: CountedEnd, to attempt: FinishedAttempt?) {
    let (before, after) = (CountedChange(end), attempt.flatMap(CountedChange.init))
    if before != after {
      count(before, times: -1)
      count(after, times: 1)
    }
    let from = CountedError(project: end.labels.project, pipeline: end.pipeline, outcome: end.outcome)
    let to = attempt.flatMap { CountedError(project: $0.labels.project, pipeline: $0.pipeline, outcome: $0.outcomeLabel) }
    guard from != to else { return }
    let none = ProjectionMetrics.notCounted
    switch (from, to) {
    case (let from?, let to?) where from.run == to.run: correctedErrors.add(labels: from.run + [from.errorType, to.errorType])
    default:
      if let from { correctedErrors.add(labels: from.run + [from.errorType, none]) }
      if let to { correctedErrors.add(labels: to.run + [none, to.errorType]) }
    }
  }

  /// How a finished change is counted. The metric is a gauge, so it can be corrected in place.
  private struct CountedChange: Hashable {
    var labels: [String]

    init?(_ attempt: FinishedAttempt) { self.init(attempt.repository, attempt.outcomeLabel) }
    init?(_ end: CountedEnd) { self.init(end.repository, end.outcome) }

    private init?(_ repository: [String]?, _ outcome: String) {
      guard let repository else { return nil }
      labels = repository + [outcome == Outcome.merged.rawValue ? "merged" : "closed"]
    }
  }

  private func count(_ change: CountedChange?, times: Int) {
    if let change { changes.add(Double(times), labels: change.labels) }
  }

  /// How a failed run is counted among errors.
  private struct CountedError: Hashable {
    var run: [String]
    var errorType: String

    init?(project: String, pipeline: String?, outcome: String) {
      guard let pipeline, let errorType = ConventionMetrics.errorType(outcome) else { return nil }
      run = [project, pipeline]
      self.errorType = errorType
    }
  }

  private static func errorType(_ outcome: String) -> String? {
    Outcome(rawValue: outcome).flatMap { $0.isError ? $0.rawValue : nil }
  }

  private static func result(_ attempt: FinishedAttempt) -> String {
    attempt.outline.outcome.flatMap(SemanticConventions.result) ?? ""
  }

  /// Records how long a run spent in each state. Skips states that were recorded before.
  ///
  /// - Parameters:
  ///   - phaseSeconds: The seconds in each phase, by name of the phase.
  ///   - parts: What was recorded for the attempt. Updated with what this call records.
  func observe(_ attempt: FinishedAttempt, _ phaseSeconds: [String: Double], _ parts: inout CountedEnd.Parts) {
    guard let pipeline = attempt.pipeline else { return }
    let run = [attempt.labels.project, pipeline]
    let waits = ["queue", "wait"].compactMap { phaseSeconds[$0] }
    if !waits.isEmpty, !parts.contains(.waiting) {
      durations.observe(waits.reduce(0, +), labels: run + ["pending", "", ""], of: attempt.outboxEntry)
      parts.insert(.waiting)
    }
    // A run with phases but without the phase `run` ended before it could execute. It gets no `executing` sample, not a
    // sample of 0.
    guard !parts.contains(.executing),
      let executing = phaseSeconds["run"] ?? (phaseSeconds.isEmpty ? attempt.durationSeconds : nil)
    else { return }
    let labels = ["executing", Self.result(attempt), Self.errorType(attempt.outcomeLabel) ?? ""]
    durations.observe(executing, labels: run + labels, of: attempt.outboxEntry)
    parts.insert(.executing)
  }

  /// Returns the metric family of a gauge; nil if the gauge is not part of the conventions.
  func family(of gauge: GaugeShare.Gauge) -> MetricFamily? {
    switch gauge {
    case .activeOperations: nil
    case .activePipelineRuns: active
    case .changes: changes
    }
  }

  var gauges: [MetricFamily] { [active, changes] }
}
