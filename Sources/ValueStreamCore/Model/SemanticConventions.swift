/// What follows from how a span ended, in the words of OpenTelemetry's semantic conventions for CI/CD.
///
/// Source: `cicd.pipeline.run.server`, `cicd.pipeline.task.internal` and the registries `cicd`, `deployment` and `error`.
package enum SemanticConventions {
  /// True for what the conventions call a pipeline run: a build, and a deploy that is one.
  package static func isPipelineRun(_ operation: Operation, pipelineName: AttributeValue?) -> Bool {
    operation == .build || operation == .deploy && pipelineName != nil
  }

  /// Attributes that a source need not state.
  static func attributes(of operation: Operation, pipelineName: AttributeValue?, outcome: Outcome) -> [Attribute] {
    var attributes: [Attribute] = []
    let result = result(of: outcome)
    let isPipelineRun = isPipelineRun(operation, pipelineName: pipelineName)
    if isPipelineRun { attributes.add("cicd.pipeline.result", result) }
    if operation == .job { attributes.add("cicd.pipeline.task.run.result", result) }
    if isPipelineRun || operation == .job, outcome.isError { attributes.add("error.type", outcome.rawValue) }
    if operation == .deploy, outcome.isError || outcome == .success {
      attributes.add("deployment.status", outcome.isError ? "failed" : "succeeded")
    }
    return attributes
  }

  /// A value of `cicd.pipeline.result` and `cicd.pipeline.task.run.result`; nil for outcomes of changes and issues.
  package static func result(of outcome: Outcome) -> String? {
    switch outcome {
    case .success, .failure, .error, .timeout, .cancellation, .skip: outcome.rawValue
    // Nothing ran, and somebody has to act first.
    case .actionRequired: Outcome.skip.rawValue
    // The vendor gave up waiting for it.
    case .stale: Outcome.cancellation.rawValue
    case .merged, .abandoned, .completed, .notPlanned: nil
    }
  }
}

extension Span {
  /// True for what the semantic conventions call a pipeline run.
  package var isPipelineRun: Bool {
    SemanticConventions.isPipelineRun(operation, pipelineName: attributes.value(of: "cicd.pipeline.name"))
  }
}
