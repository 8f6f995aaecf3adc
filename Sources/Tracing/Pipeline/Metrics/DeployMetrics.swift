import ValueStreamCore

/// What successful deploys brought, and how long it took to get there.
struct DeployMetrics: Sendable {
  private let deploys: MetricFamily
  private let corrected: MetricFamily
  private let changes: MetricFamily
  private let leadTimes: MetricFamily

  private static let labels = ["source", "project", "environment", "service"]
  /// Changes in one deploy.
  static let batchBounds: [Double] = [0, 1, 2, 5, 10, 20, 50, 100, 200]
  /// Names of lead times as attributes have them, up to what they begin with.
  private static let leadTimePrefix = "valuestream.lead_time."
  /// Values of `valuestream.deployment.step`.
  private static let steps = ["first", "forward", "redeploy", "rollback", "unknown"]
  /// Since when lead times are measured.
  private static let moments = ["commit", "change", "merge"]

  init(_ family: ProjectionMetrics.FamilyMaker) {
    deploys = family(
      .counter, "valuestream_deploys_total", "Successful deploys, by how they stand to the one before.", Self.labels + ["step"])
    corrected = family(
      .counter, "valuestream_deploys_corrected_total",
      "Deploys counted with one step that turned out to have another, or none.", Self.labels + ["from", "to"])
    changes = family(
      .histogram(bounds: Self.batchBounds), "valuestream_deploy_changes", "Changes that a deploy forward brought.", Self.labels)
    leadTimes = family(
      .histogram(bounds: ProjectionMetrics.durationBounds), "valuestream_lead_time_seconds",
      "Time until a change was deployed, since its first commit, its opening or its merge.", Self.labels + ["since"])
  }

  /// Initializes series to 0 for what the next deploys of a service may bring.
  private func foresee(_ labels: [String]) {
    for step in Self.steps {
      deploys.foresee(labels: labels + [step])
      corrected.foresee(labels: labels + [step, ProjectionMetrics.notCounted])
    }
    changes.foresee(labels: labels)
    for since in Self.moments { leadTimes.foresee(labels: labels + [since]) }
  }

  /// Initializes series to 0 for a deploy that is over and awaits being counted.
  func touch(_ labels: FinishedLabels, service: String) { foresee(Self.labels(labels, service)) }

  private static func labels(_ labels: FinishedLabels, _ service: String) -> [String] {
    [labels.source, labels.project, labels.environment, service]
  }

  /// Counts a deploy that is no success any more, or another step than it was.
  ///
  /// - Parameters:
  ///   - end: what was counted.
  ///   - attempt: what its end is now; nil for one that is no more.
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
      service: span.attributes.text(of: "valuestream.service") ?? "",
      step: span.attributes.text(of: "valuestream.deployment.step") ?? "")
  }

  /// - Parameter leadTimes: for each change the attributes of its link.
  func count(_ span: Span, leadTimes: [[Attribute]], _ attempt: FinishedAttempt) {
    let step = Self.stepLabels(of: span)
    let labels = Self.labels(attempt.labels, step.service)
    if !step.step.isEmpty { foresee(labels) }
    deploys.add(labels: labels + [step.step])
    if case .int(let count) = span.attributes.value(of: "valuestream.deployment.changes.count") {
      changes.observe(Double(count), labels: labels, of: attempt.announcement)
    }
    for attribute in leadTimes.joined() where attribute.name.hasPrefix(Self.leadTimePrefix) {
      guard case .double(let seconds) = attribute.value else { continue }
      let since = String(attribute.name.dropFirst(Self.leadTimePrefix.count))
      self.leadTimes.observe(max(0, seconds), labels: labels + [since], of: attempt.announcement)
    }
  }
}
