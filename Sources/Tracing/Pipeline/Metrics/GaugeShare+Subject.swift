import ValueStreamCore

extension GaugeShare {
  /// What a thing adds to the gauges as it is.
  static func all(of subject: Subject, _ outlines: [AttemptOutline]) -> [GaugeShare] {
    guard let operation = subject.operation else { return [] }
    let running = outlines.count { $0.end == nil }
    var shares: [GaugeShare] = []
    if running > 0 {
      let project = subject.project ?? ""
      shares.append(
        GaugeShare(.activeOperations, labels: [operation.rawValue, subject.key.source, project], count: running))
      if let pipeline = subject.pipelineName {
        let state = subject.lifecycleState == .running ? "executing" : "pending"
        shares.append(GaugeShare(.activePipelineRuns, labels: [project, pipeline, state], count: running))
      }
    }
    if operation == .pullRequest, let last = outlines.last {
      let repository = ["vcs.repository.url.full", "vcs.repository.name", "vcs.owner.name"].map { subject.text($0) ?? "" }
      shares.append(GaugeShare(.changes, labels: repository + [subject.changeState(in: last)], count: 1))
    }
    return shares
  }
}

extension Subject {
  /// A value of `vcs.change.state`.
  fileprivate func changeState(in last: AttemptOutline) -> String {
    if last.end != nil { return last.outcome == .merged ? "merged" : "closed" }
    return text("vcs.change.state") == "wip" ? "wip" : "open"
  }
}
