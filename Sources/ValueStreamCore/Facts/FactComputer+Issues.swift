/// Computes the facts of issues and incidents.
extension FactComputer {
  mutating func computeIssue(_ subject: Subject, firstChange: Timestamp?, _ computed: inout ComputedFacts) throws {
    let lives = subject.lives()
    guard let first = lives.first?.outline, let last = lives.last?.outline else { return }
    var traits: IssueFact.Traits = []
    if first.isStartUnknown { traits.insert(.isCreationUnknown) }
    if last.end != nil {
      if last.outcome == .notPlanned || last.outcome == .abandoned { traits.insert(.isNotDone) }
      if last.isEndUnknown { traits.insert(.isClosingUnknown) }
    }
    var statuses: [IssueFact.StatusStay] = []
    for phase in lives.flatMap(\.phases) where phase.track == "status" {
      let status = try name(phase.name)
      if let stay = statuses.last, stay.status == status, stay.end == phase.start {
        statuses[statuses.count - 1].end = phase.end
      } else {
        statuses.append(IssueFact.StatusStay(status: status, start: phase.start, end: phase.end))
      }
    }
    if last.end == nil {
      let spans = subject.spans()
      let words = spans.texts(AttributeName.valuestreamIssueLabels) + [spans.text(AttributeName.valuestreamIssueStatus) ?? ""]
      if words.contains(where: \.isWordForBlocked) { traits.insert(.isBlocked) }
    }
    computed.issues = [
      IssueFact(
        id: computed.subject.id, project: try name(subject.project), type: try name(Self.workType(of: subject)),
        created: first.start, firstChange: firstChange,
        firstAssignment: lives.lazy.flatMap(\.events).first { $0.name == "assigned" }?.time, closed: last.end, traits: traits,
        statuses: statuses)
    ]
  }

  mutating func computeIncident(_ subject: Subject, _ computed: inout ComputedFacts) throws {
    let spans = subject.spans()
    guard let first = spans.first, let last = spans.last else { return }
    let project = last.project
    let reported = first.events.first { $0.name == "reported" }?.time
    var fact = IncidentFact(
      id: computed.subject.id, service: try name(spans.text(AttributeName.valuestreamService) ?? project),
      environment: try name(spans.text(AttributeName.deploymentEnvironmentName)), repository: try name(project),
      severity: try name(spans.text(AttributeName.valuestreamIncidentSeverity)), began: first.start,
      detected: reported.map { max($0, first.start) } ?? first.start, resolved: last.end, isResolutionUnknown: last.isEndUnknown)
    let tie = try reader.parentTie(at: try reader.place(of: subject))
    if let tie, let parent = try reader.subject(for: tie.parent), parent.operation == .deploy {
      let outlines = parent.outlines()
      let attempt =
        outlines.first { $0.number == tie.attempt } ?? outlines.last { $0.start <= first.start } ?? outlines.first
      fact.cause = try id(of: tie.parent)
      fact.causeAttempt = UInt16(clamping: attempt?.number ?? 1)
      fact.basis = .stated
    } else if let deploy = try reader.deployBefore(first, under: tie).first {
      fact.cause = try id(of: deploy.key)
      fact.causeAttempt = UInt16(clamping: deploy.attempt)
      fact.basis = .latestDeploy
    }
    computed.incidents = [fact]
  }
}

extension String {
  /// True for a label or status such as `blocked` or `Blocked by vendor`.
  fileprivate var isWordForBlocked: Bool {
    lowercased().split { !$0.isLetter }.contains { $0 == "blocked" || $0 == "impediment" || $0 == "impeded" }
  }
}
