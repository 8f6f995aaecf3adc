import PayloadReading
import ValueStreamCore

/// Turns a CDEvent into events of the core. The result depends only on the payload, its time of receipt and the
/// user's rules.
///
/// This file holds what all subjects share. Each extension handles some of them.
struct CDEventsMapping {
  let payload: CDEventsPayload
  let received: Timestamp
  let rules: CDEventsRules

  var predicate: String { payload.type.predicate }
  var content: PayloadObject { payload.content }
  var time: EventTime { .vendor(payload.context.time, orReceipt: received) }

  func interpretation() throws(PayloadError) -> Interpretation {
    if let tool = payload.type.tool { return customInterpretation(tool: tool) }
    let type = "\(payload.type.subject).\(predicate)"
    guard let subject = CDEventsSubject(rawValue: payload.type.subject) else {
      return .ignored(reason: "\(type) is not supported")
    }
    let events: [Event]? =
      switch subject {
      case .ticket: ticketEvents()
      case .change: changeEvents()
      case .pipelineRun, .build: runEvents(of: subject)
      case .taskRun: taskEvents()
      case .testSuiteRun, .testCaseRun: testEvents(of: subject)
      case .testOutput: testOutputEvents()
      case .artifact: artifactEvents()
      case .environment: environmentEvents()
      case .service: try deployEvents()
      case .incident: incidentEvents()
      case .branch, .repository: nil
      }
    if let events { return .events(events) }
    switch (subject, predicate) {
    case (.branch, "created"), (.branch, "deleted"): return .events([], branchUpdates: [branchUpdate()])
    case (.repository, _): return .ignored(reason: "a repository, which is no step of delivery")
    case (.service, "published"): return .ignored(reason: "a service that can be reached now, which deploys nothing")
    case (.service, "removed"): return .ignored(reason: "a service that was removed, which deploys nothing")
    case (.testOutput, "published"): return .ignored(reason: "an output of no test case run")
    default: return .ignored(reason: "\(type) is not supported")
    }
  }

  // MARK: Identity

  func key(_ subject: CDEventsSubject, _ id: String, at origin: CDEventsOrigin) -> SubjectKey {
    // An artifact is the same subject wherever it is stored and whoever reports it, so its key has no origin.
    if subject == .artifact, let package = PackageURL(id) {
      return SubjectKey(source: "cdevents", host: "", container: "", kind: subject.kind, id: package.identity)
    }
    return SubjectKey(source: "cdevents", host: origin.host, container: origin.container, kind: subject.kind, id: id)
  }

  func key(_ subject: CDEventsSubject) -> SubjectKey { key(subject, payload.id, at: payload.origin) }

  /// Returns the key of an artifact that the content of another subject names.
  func artifactKey(_ id: String) -> SubjectKey { key(.artifact, id, at: payload.origin) }

  // MARK: Content

  func spanEvent(_ name: String, _ attributes: [Attribute] = []) -> SpanEvent {
    SpanEvent(name: name, time: time.timestamp, attributes: attributes)
  }

  /// The environment in the content: an object with an id, or the id alone, as some tools send it.
  var environment: String? {
    if let object = content.object("environment") { return CDEventsPayload.identifier(object) }
    return content.identifier("environment").map(CDEventsIdentifier.withoutUser)
  }

  static func outcome(_ text: String?) -> Outcome? {
    switch text?.lowercased() {
    case "success", "succeeded", "pass", "passed": .success
    case "failure", "failed", "fail": .failure
    case "error": .error
    case "cancel", "canceled", "cancelled": .cancellation
    case "timeout", "timed_out": .timeout
    case "skip", "skipped": .skip
    default: nil
    }
  }

  // MARK: Custom events of tools

  /// Maps a custom event of a tool to a span event of its subject: `dev.cdeventsx.argo-pipelinerun.paused.0.1.0`.
  private func customInterpretation(tool: String) -> Interpretation {
    let subject =
      CDEventsSubject(rawValue: payload.type.subject) ?? (PackageURL(payload.id) == nil ? nil : .artifact)
    guard let subject, subject != .repository, subject != .branch, subject != .service else {
      return .ignored(reason: "\(payload.type.subject).\(predicate) of \(tool) is about no thing that is known here")
    }
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamEventTool, tool)
    attributes.add(AttributeName.valuestreamEventSubject, payload.type.subject)
    attributes.add(AttributeName.valuestreamEventDescription, content.text("description"))
    var event = Event(key: key(subject), time: time)
    event.spanEvents = [spanEvent(predicate, attributes)]
    return .events(tied(event, subject, as: .later))
  }

  // MARK: Branches

  private func branchUpdate() -> BranchUpdate {
    let repository = payload.other("repository") ?? ("", payload.origin)
    let isCreated = predicate == "created"
    return BranchUpdate(
      branch: SubjectKey(
        source: "cdevents", host: repository.origin.host,
        container: [repository.origin.container, repository.id].filter { !$0.isEmpty }.joined(separator: "/"),
        kind: CDEventsSubject.branch.kind, id: payload.id),
      kind: isCreated ? .created : .deleted, time: time, before: nil, after: isCreated ? payload.commit : nil, commits: [],
      isForced: false, isDefaultBranch: false)
  }
}
