import PayloadReading
import ValueStreamCore

/// Maps runs of pipelines, builds, tasks and tests.
extension CDEventsMapping {
  /// Maps a pipeline run or a build. A build is a subject of its own, and only links and chains connect it to the run
  /// that contains it.
  func runEvents(of subject: CDEventsSubject) -> [Event]? {
    guard let run = run() else { return nil }
    var event = Event(key: key(subject), time: time)
    event.operation = .build
    let pipeline = content.text("pipelineName") ?? content.text("name")
    event.name = [pipeline, payload.id].compactMap { $0 }.joined(separator: " ")
    event.project = pipeline
    let artifact = payload.artifact
    // CDEvents have no outcome of a build. A build that made an artifact has succeeded.
    apply(run, to: &event, outcome: artifact == nil ? nil : .success)
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, subject == .build ? "BUILD" : "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, pipeline)
    event.attributes.add(AttributeName.cicdPipelineRunID, payload.id)
    event.attributes.add(AttributeName.cicdPipelineRunURLFull, payload.address)
    event.attributes.add(AttributeName.vcsRefHeadRevision, payload.commit)
    event.attributes.add(AttributeName.valuestreamBuildErrors, content.text("errors"))
    if let artifact {
      event.publishes = [Reference(.artifactOfBuild, artifactKey(artifact).description)]
      event.attributes.add(AttributeName.artifactPurl, PackageURL(artifact)?.text)
    }
    event.classic = classicMark(of: run, event)
    event.attributes += CDEventsClassicTags.all(payload)
    return tied(event, subject, as: run.standing)
  }

  func taskEvents() -> [Event]? {
    guard let run = run() else { return nil }
    let pipelineRun = payload.other("pipelineRun")
    var event = Event(key: key(.taskRun), time: time)
    event.operation = .job
    event.name = [content.text("taskName"), payload.id].compactMap { $0 }.joined(separator: " ")
    apply(run, to: &event)
    event.attributes.add(AttributeName.cicdPipelineRunID, pipelineRun?.id)
    event.attributes.add(AttributeName.cicdPipelineTaskName, content.text("taskName") ?? payload.id)
    event.attributes.add(AttributeName.cicdPipelineTaskRunID, payload.id)
    event.attributes.add(AttributeName.cicdPipelineTaskRunURLFull, payload.address)
    event.attributes.add(AttributeName.vcsRefHeadRevision, payload.commit)
    event.attributes.add(AttributeName.valuestreamBuildErrors, content.text("errors"))
    event.classic = classicMark(of: run, event)
    event.attributes += CDEventsClassicTags.all(payload)
    let parents = pipelineRun.map { [Reference.key(key(.pipelineRun, $0.id, at: $0.origin))] } ?? []
    // Before version 0.6, a task is never queued, so `started` is its first event.
    let standing = run == .started ? Standing.first : run.standing
    return tied(event, .taskRun, as: standing, to: parents, isContained: pipelineRun != nil)
  }

  // MARK: Tests

  /// Maps a run of a test suite or test case. A suite is part of a pipeline run, and a case is part of its suite.
  func testEvents(of subject: CDEventsSubject) -> [Event]? {
    guard let run = run() else { return nil }
    let definition = content.object(subject == .testSuiteRun ? "testSuite" : "testCase")
    let name = definition?.text("name") ?? definition.flatMap(CDEventsPayload.identifier)
    let suite = payload.other("testSuiteRun")
    var event = Event(key: key(subject), time: time)
    event.operation = .job
    event.name = [name, payload.id].compactMap { $0 }.joined(separator: " ")
    apply(run, to: &event)
    event.attributes.append(Attribute(AttributeName.cicdPipelineTaskType, "test"))
    event.attributes.add(AttributeName.cicdPipelineTaskName, name ?? payload.id)
    event.attributes.add(AttributeName.cicdPipelineTaskRunID, payload.id)
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment)
    if subject == .testSuiteRun {
      event.attributes.add("test.suite.name", name)
      event.attributes.add("test.suite.run.status", event.outcome.flatMap(Self.suiteStatus))
    } else {
      event.attributes.add("test.case.name", name)
      event.attributes.add("test.case.result.status", event.outcome.flatMap(Self.caseStatus))
      event.attributes.add(AttributeName.valuestreamTestType, definition?.text("type"))
    }
    event.attributes.add(AttributeName.valuestreamTestSeverity, content.text("severity"))
    event.attributes.add(AttributeName.valuestreamTestReason, content.text("reason"))
    event.attributes.add(AttributeName.valuestreamBuildTrigger, content.object("trigger")?.text("type"))
    let parents = suite.map { [Reference.key(key(.testSuiteRun, $0.id, at: $0.origin))] } ?? []
    return tied(event, subject, as: run.standing, to: parents, isContained: suite != nil)
  }

  /// Maps an output such as a report, log or video to a span event of its test case run.
  func testOutputEvents() -> [Event]? {
    guard predicate == "published", let run = payload.other("testCaseRun") else { return nil }
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamOutputID, payload.id)
    attributes.add(AttributeName.valuestreamOutputType, content.text("outputType"))
    attributes.add(AttributeName.valuestreamOutputFormat, content.text("format"))
    attributes.add(AttributeName.valuestreamOutputURL, payload.address)
    var event = Event(key: key(.testCaseRun, run.id, at: run.origin), time: time)
    event.spanEvents = [spanEvent("output", attributes)]
    return tied(event, .testCaseRun, as: .later)
  }

  private static func suiteStatus(_ outcome: Outcome) -> String? {
    switch outcome {
    case .success: "success"
    case .failure, .error: "failure"
    case .cancellation: "aborted"
    case .skip: "skipped"
    case .timeout: "timed_out"
    default: nil
    }
  }

  private static func caseStatus(_ outcome: Outcome) -> String? {
    switch outcome {
    case .success: "pass"
    case .failure, .error, .timeout: "fail"
    default: nil
    }
  }

  // MARK: Life of a run

  enum Run {
    case queued, started, finished, skipped

    var standing: Standing {
      switch self {
      case .queued, .skipped: .first
      case .started: .second
      case .finished: .later
      }
    }
  }

  private func run() -> Run? {
    switch predicate {
    case "queued": .queued
    case "started": .started
    case "finished": .finished
    case "skipped": .skipped
    default: nil
    }
  }

  /// Adds state, start, end and phases to an event.
  ///
  /// - Parameter outcome: the outcome of a finished run whose event has none.
  private func apply(_ run: Run, to event: inout Event, outcome: Outcome? = nil) {
    let now = time.timestamp
    switch run {
    case .queued:
      event.state = .pending
      event.marks = [.begin(time)]
      event.phases = [PhaseStatement(track: "run", name: "queue", start: now)]
    case .started:
      event.state = .running
      event.marks = [.begin(time)]
      event.phases = [PhaseStatement(track: "run", name: "run", start: now)]
    case .finished:
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = Self.outcome(content.text("outcome") ?? content.text("status")) ?? outcome
      event.phases = [PhaseStatement(track: "run", name: "run", end: now, outcome: event.outcome)]
    case .skipped:
      event.state = .ended
      event.marks = [.begin(time), .end(time)]
      event.outcome = .skip
    }
  }

  /// Returns how a run changes the classic spans: one span while it waits, one while it runs.
  private func classicMark(of run: Run, _ event: Event) -> ClassicMark? {
    let transition: ClassicMark.Transition
    switch run {
    case .queued: transition = .start
    case .started: transition = .transition
    case .finished, .skipped: transition = .end
    }
    return ClassicMark(
      eventSource: "cdevents", type: "build", transition, state: predicate, time: time,
      isError: event.outcome?.isError == true)
  }
}
