package import ValueStreamCore

/// An attempt whose end became known, with what is counted of it.
package struct FinishedAttempt: Sendable {
  var announcement: Announcement
  var outline: AttemptOutline
  var labels: FinishedLabels
  /// The name of the pipeline, empty for one without; nil for what is no run of a pipeline.
  var pipeline: String?
  /// Label values of the repository that a change is of; nil for what is no change.
  var repository: [String]?

  /// Nil where start or end are not known.
  var durationSeconds: Double? {
    guard let end = outline.end, !outline.isStartUnknown, !outline.isEndUnknown else { return nil }
    return max(0, end.seconds(since: outline.start))
  }

  var outcomeLabel: String { FinishedLabels.text(of: outline.outcome) }

  /// The attempts that are over among these.
  ///
  /// - Parameter time: when their ends became known.
  package static func all(_ outlines: [AttemptOutline], of subject: Subject, at time: Timestamp) -> [FinishedAttempt] {
    let outlines = outlines.filter { $0.end != nil }
    guard let operation = subject.operation, !outlines.isEmpty else { return [] }
    let environments = subject.attribute("deployment.environment.name", ofAttempts: outlines.map(\.number))
    let project = subject.project ?? ""
    let pipeline = subject.pipelineName
    let repository = operation == .pullRequest ? subject.repositoryLabels : nil
    return outlines.map { outline in
      let environment = if case .string(let name) = environments[outline.number] { name } else { "" }
      return FinishedAttempt(
        announcement: Announcement(key: subject.key, attempt: outline.number, time: time), outline: outline,
        labels: FinishedLabels(operation: operation, source: subject.key.source, project: project, environment: environment),
        pipeline: pipeline, repository: repository)
    }
  }
}

/// Under which labels an operation counts when it is over.
package struct FinishedLabels: Sendable, Hashable {
  var operation: Operation
  var source: String
  /// Empty where nobody said.
  var project: String
  var environment: String

  /// Without environment and outcome.
  var thing: [String] { [operation.rawValue, source, project] }

  func ending(_ outcome: Outcome?) -> [String] { ending(Self.text(of: outcome)) }

  func ending(_ outcome: String) -> [String] { thing + [environment, outcome] }

  func corrected(from: String, to: String) -> [String] { thing + [environment, from, to] }

  /// Where nobody said how something ended, that is what is told of it.
  static let unknownOutcome = "unknown"

  static func text(of outcome: Outcome?) -> String { outcome?.rawValue ?? unknownOutcome }

  /// How such operations mostly end, well and badly.
  var usualOutcomes: [Outcome] {
    switch operation {
    case .pullRequest: [.merged, .abandoned]
    case .issue: [.completed, .notPlanned]
    default: [.success, .failure]
    }
  }
}

extension FinishedLabels {
  /// Of a thing that goes on; nil for one without a span.
  package init?(of subject: Subject) {
    guard let operation = subject.operation else { return nil }
    self.init(
      operation: operation, source: subject.key.source, project: subject.project ?? "",
      environment: subject.text("deployment.environment.name") ?? "")
  }
}

extension Subject {
  /// Values of ``ConventionMetrics/repositoryLabels``.
  var repositoryLabels: [String] {
    ["vcs.repository.url.full", "vcs.repository.name", "vcs.owner.name"].map { text($0) ?? "" }
  }

  /// Of a run of a pipeline, empty where it has none; nil for anything else.
  var pipelineName: String? {
    guard let operation, operation == .build || operation == .deploy else { return nil }
    let name = text("cicd.pipeline.name")
    return SemanticConventions.isPipelineRun(operation, pipelineName: name.map { .string($0) }) ? name ?? "" : nil
  }
}
