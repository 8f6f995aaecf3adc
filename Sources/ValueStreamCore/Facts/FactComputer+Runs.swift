/// Computes the facts of CI runs and of their jobs, and what they add to roll-ups.
extension FactComputer {
  /// Only attempts that have ended count. Those that failed, were run again or belong to a change become facts, too.
  mutating func computeRun(_ subject: Subject, _ computed: inout ComputedFacts) throws {
    let change = try change(above: subject)
    computed.change = change
    let outlines = subject.outlines()
    guard outlines.contains(where: { $0.end != nil }) else {
      computed.mayReplaceFacts = outlines.count > 1
      return
    }
    let hasFailed = outlines.contains { $0.outcome?.isError ?? false }
    let isFact = change != nil || hasFailed || outlines.count > 1 || subject.wasRunBefore(outlines)
    let isJob = computed.operation == .job
    for span in subject.spans(with: Self.partsOfRuns) {
      guard let end = span.end else { continue }
      func text(_ name: String) -> String? { span.attributes.text(of: name) }
      let run = isJob ? try self.run(above: subject) : nil
      // The branches of a multibranch project are one workflow.
      let pipeline = text(AttributeName.valuestreamPipelineProject) ?? text(AttributeName.cicdPipelineName)
      let (group, worker) = (text(AttributeName.valuestreamWorkerGroup), text(AttributeName.cicdWorkerName))
      var fact = RunFact(
        id: computed.subject.id, attempt: UInt16(clamping: Self.attempt(of: span)), repository: try name(span.project),
        workflow: try name(pipeline ?? run?.text(AttributeName.cicdPipelineName)),
        job: try isJob ? name(text(AttributeName.cicdPipelineTaskName) ?? span.name) : .none,
        runner: try name(group ?? worker), created: span.start, started: span.runStart, ended: end,
        outcome: Self.outcome(of: span), change: change)
      let runner = try name(group ?? worker.map(Self.withoutNumbers))
      if let tally = RunTally(fact, day: rules.days.day(of: end), runner: runner) { computed.tallies.append(tally) }
      guard isFact else { continue }
      fact.commit = try reader.statedRevision(of: span).map { CommitPrefix(hash: $0) } ?? .none
      computed.runs.append(fact)
    }
  }

  /// What facts need of a run, its commit included.
  private static let partsOfRuns = SpanParts(
    attributes: [
      AttributeName.valuestreamPipelineProject, AttributeName.cicdPipelineName, AttributeName.valuestreamWorkerGroup,
      AttributeName.cicdWorkerName, AttributeName.cicdPipelineTaskName, AttributeName.valuestreamBuildAttempt,
      AttributeName.vcsRefHeadRevision,
    ], track: "run")

  /// Replaces numbers in the name of a worker, because workers that run one job each have names like `agent-8f2c01`.
  ///
  /// A word of letters and digits with a digit in it is a number.
  static func withoutNumbers(_ worker: String) -> String {
    var result = ""
    for part in worker.split(omittingEmptySubsequences: false, whereSeparator: { !$0.isLetter && !$0.isNumber }) {
      if !result.isEmpty || part.startIndex > worker.startIndex {
        result.append(worker[worker.index(before: part.startIndex)])
      }
      result += part.contains(where: \.isNumber) ? "*" : part
    }
    return result
  }

  /// GitHub makes another job for each attempt of a run, and tells that attempt in an attribute.
  private static func attempt(of span: Span) -> Int {
    if case .int(let attempt) = span.attributes.value(of: AttributeName.valuestreamBuildAttempt) {
      return max(span.attempt, Int(clamping: attempt))
    }
    return span.attempt
  }

  private static func outcome(of span: Span) -> RunOutcome {
    switch span.outcome {
    case .success: .success
    case .some(let outcome) where outcome.isError: .failure
    default: .other
    }
  }

  /// Returns the nearest change above a subject.
  mutating func change(above subject: Subject) throws -> FactID? {
    guard subject.parent != nil else { return nil }
    for key in try reader.place(of: subject).path.dropFirst() {
      switch try reader.subject(for: key)?.operation {
      case .pullRequest: return try id(of: key)
      case .issue, .incident: return nil
      default: continue
      }
    }
    return nil
  }

  /// Returns the nearest run above a job.
  private mutating func run(above subject: Subject) throws -> Subject? {
    for key in try reader.place(of: subject).path.dropFirst() {
      guard let above = try reader.subject(for: key) else { return nil }
      if above.operation == .build || above.operation == .deploy { return above }
    }
    return nil
  }
}

extension Subject {
  /// True if the first known attempt was not the first one.
  fileprivate func wasRunBefore(_ outlines: [AttemptOutline]) -> Bool {
    if let first = outlines.first, first.number > 1 { return true }
    func isPositive(_ name: String, beyond least: Int64) -> Bool {
      register { event -> Int64? in
        if case .int(let number) = event.attributes.value(of: name) { number } else { nil }
      }.map { $0 > least } ?? false
    }
    return isPositive(AttributeName.valuestreamBuildAttempt, beyond: 1)
      || isPositive(AttributeName.valuestreamBuildRetries, beyond: 0)
  }
}
