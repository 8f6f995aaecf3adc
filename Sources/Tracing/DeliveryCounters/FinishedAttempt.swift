package import ValueStreamCore

/// An attempt whose end is known, with everything that metrics need to count it.
package struct FinishedAttempt: Sendable {
  var outboxEntry: OutboxEntry
  var outline: AttemptOutline
  var labels: FinishedLabels
  /// The name of the pipeline, empty if it has none; nil if the attempt is not a pipeline run.
  var pipeline: String?
  /// Label values of the change's repository; nil if the attempt is not a change.
  var repository: [String]?

  /// The duration in seconds, never negative; nil if start or end is unknown.
  var durationSeconds: Double? {
    guard let end = outline.end, !outline.isStartUnknown, !outline.isEndUnknown else { return nil }
    return max(0, end.seconds(since: outline.start))
  }

  var outcomeLabel: String { FinishedLabels.text(of: outline.outcome) }

  /// Returns the finished attempts among the given ones, without those whose end only imported deliveries told.
  ///
  /// - Parameter time: When their ends became known.
  package static func all(_ outlines: [AttemptOutline], of subject: Subject, at time: Timestamp) -> [FinishedAttempt] {
    let outlines = outlines.filter { outline in
      outline.end.map { subject.importedEnds.isEmpty || !subject.importedEnds.contains($0) } ?? false
    }
    guard let operation = subject.operation, !outlines.isEmpty else { return [] }
    let environments = subject.attribute(AttributeName.deploymentEnvironmentName, ofAttempts: outlines.map(\.number))
    let project = subject.project ?? ""
    let pipeline = subject.pipelineName
    let repository = operation == .pullRequest ? subject.repositoryLabels : nil
    return outlines.map { outline in
      let environment = if case .string(let name) = environments[outline.number] { name } else { "" }
      return FinishedAttempt(
        outboxEntry: OutboxEntry(key: subject.key, attempt: outline.number, time: time), outline: outline,
        labels: FinishedLabels(operation: operation, source: subject.key.source, project: project, environment: environment),
        pipeline: pipeline, repository: repository)
    }
  }
}

/// The labels under which a finished operation is counted. The outcome is added separately.
package struct FinishedLabels: Sendable, Hashable {
  var operation: Operation
  var source: String
  /// The project; empty if unknown.
  var project: String
  var environment: String

  /// Operation, source and project, without environment and outcome.
  var subject: [String] { [operation.rawValue, source, project] }

  func ending(_ outcome: Outcome?) -> [String] { ending(Self.text(of: outcome)) }

  func ending(_ outcome: String) -> [String] { subject + [environment, outcome] }

  func corrected(from: String, to: String) -> [String] { subject + [environment, from, to] }

  /// The outcome label of an operation that ended with an unknown outcome.
  static let unknownOutcome = "unknown"

  static func text(of outcome: Outcome?) -> String { outcome?.rawValue ?? unknownOutcome }

  /// The most common good and bad outcome of such an operation.
  var usualOutcomes: [Outcome] {
    switch operation {
    case .pullRequest: [.merged, .abandoned]
    case .issue: [.completed, .notPlanned]
    default: [.success, .failure]
    }
  }
}

extension FinishedLabels {
  /// Creates the labels of a running subject; nil for a subject without a span.
  package init?(of subject: Subject) {
    guard let operation = subject.operation else { return nil }
    self.init(
      operation: operation, source: subject.key.source, project: subject.project ?? "",
      environment: subject.text(AttributeName.deploymentEnvironmentName) ?? "")
  }
}

extension Subject {
  /// The values of ``ConventionMetrics/repositoryLabels``; an unknown value is empty.
  var repositoryLabels: [String] {
    [AttributeName.vcsRepositoryURLFull, AttributeName.vcsRepositoryName, AttributeName.vcsOwnerName].map { text($0) ?? "" }
  }

  /// The name of the pipeline, empty if it has none; nil if the subject is not a pipeline run.
  var pipelineName: String? {
    guard let operation, operation == .build || operation == .deploy else { return nil }
    let name = text(AttributeName.cicdPipelineName)
    return SemanticConventions.isPipelineRun(operation, pipelineName: name.map { .string($0) }) ? name ?? "" : nil
  }
}
