import ValueStreamCore

/// Metrics of successful deploys: steps, number of changes, and lead times.
struct DeployMetrics: Sendable {
  private let deploys: MetricFamily
  private let corrected: MetricFamily
  private let changes: MetricFamily
  private let leadTimes: MetricFamily

  private static let labels = ["source", "project", "environment", "service"]
  /// Histogram bounds for the number of changes in one deploy.
  static let batchBounds: [Double] = [0, 1, 2, 5, 10, 20, 50, 100, 200]
  /// Prefix of lead time attributes. The rest of the attribute's name is the value of the label `since`.
  private static let leadTimePrefix = "valuestream.lead_time."
  /// The values of `valuestream.deployment.step`.
  private static let steps = ["first", "forward", "redeploy", "rollback", "unknown"]
  /// The points from which lead times are measured.
  private static let milestones = ["commit", "change", "merge"]

  init(_ family: ProjectionMetrics.FamilyMaker) {
    deploys = family(
      .counter, "valuestream_deploys_total", "Successful deploys, by how they stand to the one before.", Self.labels + ["step"])
    corrected = family(
      .counter, "valuestream_deploys_corrected_total",
      "Deploys counted with one step that turned out to have another, or none.", Self.labels + ["from", "to"])
    changes = family(
      .histogram(bounds: Self.batchBounds), "valuestream_deploy_changes", "Changes that a deploy forward brought.", Self.labels)
    leadTimes = family(
      .histogram(bounds: ProjectionMetrics.fineBounds), "valuestream_lead_time_seconds",
      "Time until a change was deployed, since its first commit, its opening or its merge.", Self.labels + ["since"],
      formerBounds: [ProjectionMetrics.durationBounds])
  }

  /// Initializes series to 0 for every step and lead time that the next deploys of a service can have.
  private func preregister(_ labels: [String]) {
    for step in Self.steps {
      deploys.preregister(labels: labels + [step])
      corrected.preregister(labels: labels + [step, ProjectionMetrics.notCounted])
    }
    changes.preregister(labels: labels)
    for since in Self.milestones { leadTimes.preregister(labels: labels + [since]) }
  }

  /// Initializes series to 0 for a finished deploy that is not counted yet.
  func touch(_ labels: FinishedLabels, service: String) { preregister(Self.labels(labels, service)) }

  private static func labels(_ labels: FinishedLabels, _ service: String) -> [String] {
    [labels.source, labels.project, labels.environment, service]
  }

  /// Corrects a counted deploy that turned out to have another step, or that is no longer a success.
  ///
  /// - Parameters:
  ///   - end: What was counted.
  ///   - new: The step as it is now; nil if the deploy is no longer a success.
  ///   - attempt: The attempt as it ended; nil if the end no longer exists.
  func correct(_ end: CountedEnd, to new: DeployStepLabels?, of attempt: FinishedAttempt?) {
    guard let counted = end.deploy else { return }
    let from = Self.labels(end.labels, counted.service)
    guard let new, let attempt else {
      return corrected.add(labels: from + [counted.step, ProjectionMetrics.notCounted])
    }
    let to = Self.labels(attempt.labels, new.service)
    if from == to {
      if counted.step != new.step { corrected.add(labels: from + [counted.step, new.step]) }
    } else {
      corrected.add(labels: from + [counted.step, ProjectionMetrics.notCounted])
      corrected.add(labels: to + [ProjectionMetrics.notCounted, new.step])
    }
  }

  static func stepLabels(of span: Span) -> DeployStepLabels {
    DeployStepLabels(
      service: span.attributes.text(of: AttributeName.valuestreamService) ?? "",
      step: span.attributes.text(of: AttributeName.valuestreamDeploymentStep) ?? "")
  }

  /// Counts a successful deploy with its changes and lead times.
  ///
  /// - Parameter leadTimes: The attributes of the link to each change.
  func count(_ span: Span, leadTimes: [[Attribute]], _ attempt: FinishedAttempt) {
    let step = Self.stepLabels(of: span)
    let labels = Self.labels(attempt.labels, step.service)
    if !step.step.isEmpty { preregister(labels) }
    deploys.add(labels: labels + [step.step])
    if case .int(let count) = span.attributes.value(of: AttributeName.valuestreamDeploymentChangesCount) {
      changes.observe(Double(count), labels: labels, of: attempt.outboxEntry)
    }
    for attribute in leadTimes.joined() where attribute.name.hasPrefix(Self.leadTimePrefix) {
      guard case .double(let seconds) = attribute.value else { continue }
      let since = String(attribute.name.dropFirst(Self.leadTimePrefix.count))
      self.leadTimes.observe(max(0, seconds), labels: labels + [since], of: attempt.outboxEntry)
    }
  }
}
