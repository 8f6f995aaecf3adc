package import ValueStreamCore

extension GaugeShare {
  /// Returns what a subject adds to the gauges in its present state; empty once it has ended.
  ///
  /// - Parameter outlines: The attempts of the subject, in order.
  package static func all(of subject: Subject, _ outlines: [AttemptOutline]) -> [GaugeShare] {
    guard let operation = subject.operation else { return [] }
    let running = outlines.count { $0.end == nil }
    guard running > 0 else { return [] }
    let project = subject.project ?? ""
    var shares = [GaugeShare(.activeOperations, labels: [operation.rawValue, subject.key.source, project], count: running)]
    if let pipeline = subject.pipelineName {
      let state = subject.lifecycleState == .running ? "executing" : "pending"
      shares.append(GaugeShare(.activePipelineRuns, labels: [project, pipeline, state], count: running))
    }
    if operation == .pullRequest, outlines.last?.end == nil {
      let state = subject.text(AttributeName.vcsChangeState) == "wip" ? "wip" : "open"
      shares.append(GaugeShare(.changes, labels: subject.repositoryLabels + [state], count: 1))
    }
    return shares
  }
}
