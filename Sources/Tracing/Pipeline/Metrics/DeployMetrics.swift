import ValueStreamCore

/// What successful deploys brought, and how long it took to get there.
struct DeployMetrics: Sendable {
  private let deploys: MetricFamily
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
    changes = family(
      .histogram(bounds: Self.batchBounds), "valuestream_deploy_changes", "Changes that a deploy forward brought.", Self.labels)
    leadTimes = family(
      .histogram(bounds: ProjectionMetrics.durationBounds), "valuestream_lead_time_seconds",
      "How long a change took until it was deployed, since its first commit, its opening or its merge.", Self.labels + ["since"])
  }

  /// What the next deploys of a service may bring begins at zero, or the first rollback would not show as an increase.
  private func foresee(_ labels: [String]) {
    for step in Self.steps { deploys.foresee(labels: labels + [step]) }
    changes.foresee(labels: labels)
    for since in Self.moments { leadTimes.foresee(labels: labels + [since]) }
  }

  /// - Parameter leadTimes: for each change the attributes of its link.
  func count(_ span: Span, leadTimes: [[Attribute]], _ announcement: Announcement) {
    func text(_ name: String) -> String { span.attributes.text(of: name) ?? "" }
    let labels = [span.source, span.project ?? "", text("deployment.environment.name"), text("valuestream.service")]
    let step = text("valuestream.deployment.step")
    if !step.isEmpty { foresee(labels) }
    deploys.add(labels: labels + [step])
    if case .int(let count) = span.attributes.value(of: "valuestream.deployment.changes.count") {
      changes.observe(Double(count), labels: labels, of: announcement)
    }
    for attribute in leadTimes.joined() where attribute.name.hasPrefix(Self.leadTimePrefix) {
      guard case .double(let seconds) = attribute.value else { continue }
      let since = String(attribute.name.dropFirst(Self.leadTimePrefix.count))
      self.leadTimes.observe(max(0, seconds), labels: labels + [since], of: announcement)
    }
  }
}
