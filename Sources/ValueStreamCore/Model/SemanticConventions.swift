/// Attributes that follow from a span's outcome, by OpenTelemetry's semantic conventions for CI/CD.
///
/// Source: `cicd.pipeline.run.server`, `cicd.pipeline.task.internal` and the registries `cicd`, `deployment` and `error`.
package enum SemanticConventions {
  /// True for a pipeline run as the conventions define it: a build, or a deploy with a pipeline name.
  package static func isPipelineRun(_ operation: Operation, pipelineName: AttributeValue?) -> Bool {
    operation == .build || operation == .deploy && pipelineName != nil
  }

  /// The attributes that follow from operation and outcome, so that sources need not state them.
  static func attributes(of operation: Operation, pipelineName: AttributeValue?, outcome: Outcome) -> [Attribute] {
    var attributes: [Attribute] = []
    let result = result(of: outcome)
    let isPipelineRun = isPipelineRun(operation, pipelineName: pipelineName)
    if isPipelineRun { attributes.add(AttributeName.cicdPipelineResult, result) }
    if operation == .job { attributes.add(AttributeName.cicdPipelineTaskRunResult, result) }
    if isPipelineRun || operation == .job, outcome.isError { attributes.add(AttributeName.errorType, outcome.rawValue) }
    if operation == .deploy, outcome.isError || outcome == .success {
      attributes.add("deployment.status", outcome.isError ? "failed" : "succeeded")
    }
    return attributes
  }

  /// The value of `cicd.pipeline.result` and `cicd.pipeline.task.run.result`; nil for outcomes of changes and issues.
  package static func result(of outcome: Outcome) -> String? {
    switch outcome {
    case .success, .failure, .error, .timeout, .cancellation, .skip: outcome.rawValue
    // Nothing ran: somebody has to act first.
    case .actionRequired: Outcome.skip.rawValue
    // The vendor gave up waiting for the result.
    case .stale: Outcome.cancellation.rawValue
    case .merged, .abandoned, .completed, .notPlanned: nil
    }
  }
}

extension Span {
  /// True if the semantic conventions call this span a pipeline run.
  package var isPipelineRun: Bool {
    SemanticConventions.isPipelineRun(operation, pipelineName: attributes.value(of: AttributeName.cicdPipelineName))
  }
}
