import ValueStreamCore

/// Turns a custom event into an event of the core. The result depends only on the custom event and its time of
/// receipt.
struct CustomHTTPMapping {
  let payload: CustomHTTPEvent
  let received: Timestamp

  func event() -> Event {
    let life = payload.life
    var event = Event(
      key: SubjectKey(source: "customhttp", host: "", container: payload.namespace, kind: payload.type, id: payload.id),
      time: time, attempt: .counted)
    event.name = payload.name ?? event.key.plainName
    event.project = payload.namespace.isEmpty ? nil : payload.namespace
    switch life.action {
    case .start:
      event.operation = operation
      event.state = .running
      event.marks = [.begin(time)]
    case .end:
      event.operation = operation
      event.state = .ended
      event.marks = (life.begin.map { [.begin(.vendor($0))] } ?? []) + [.end(time)]
    case .annotate:
      // An annotation alone makes no span: it has no operation, and gives no name unless it has one.
      event.name = payload.name
    }
    event.outcome = life.outcome
    event.phases = payload.phases
    event.spanEvents = payload.spanEvents.map {
      SpanEvent(name: $0.name, time: $0.time ?? time.timestamp, attributes: $0.attributes)
    }
    event.publishes = [Reference(.classicID, classicID), Reference(.customID, "\(payload.namespace)/\(payload.id)")]
    event.follows = follows
    event.attributes = attributes + classicTags
    event.classic = classicMark
    return event
  }

  private var operation: Operation { Operation(rawValue: payload.type) }

  /// The sender's time, else the time of receipt. An end without a time is never before its start.
  private var time: EventTime {
    guard payload.life.action == .end, payload.life.end == nil, let begin = payload.life.begin else {
      return .vendor(payload.life.time, orReceipt: received)
    }
    return .receipt(max(received, begin))
  }

  // MARK: References

  private var classicID: String {
    ClassicID.make(source: "customhttp", type: payload.type, namespace: payload.namespace, id: payload.id)
  }

  /// One statement for each rule. Within a rule, references keep the sender's order.
  private var follows: [FollowStatement] {
    let parent = payload.parentID.map { CustomHTTPReference(parent: $0, namespace: payload.namespace) }
    let named = (parent.map { [$0] } ?? []) + payload.references
    return CorrelationRule.allCases.compactMap { rule in
      let references = named.filter { $0.rule == rule }.flatMap(\.references)
      return references.isEmpty ? nil : FollowStatement(rule, references)
    }
  }

  // MARK: Attributes

  /// If an attribute is sent twice, members of the event win over `attributes`, and those over `metadata`.
  private var attributes: [Attribute] {
    var attributes = payload.metadata
    for attribute in payload.attributes + described {
      attributes.removeAll { $0.name == attribute.name }
      attributes.append(attribute)
    }
    return attributes
  }

  /// Members of the event, under the attribute names that other sources use.
  private var described: [Attribute] {
    var attributes: [Attribute] = []
    attributes.add(AttributeName.deploymentEnvironmentName, payload.environment)
    attributes.add(AttributeName.valuestreamService, payload.service)
    switch operation {
    case .build: attributes.add(AttributeName.cicdPipelineRunURLFull, payload.url)
    case .job: attributes.add(AttributeName.cicdPipelineTaskRunURLFull, payload.url)
    default: attributes.add(AttributeName.valuestreamURL, payload.url)
    }
    let commit = payload.references.first { $0.rule == .commit }?.references.first
    attributes.add(AttributeName.vcsRefHeadRevision, commit?.value)
    return attributes
  }

  // MARK: Classic spans

  private var classicTags: [Attribute] {
    var tags = payload.metadata.map { Attribute($0.name, $0.value, vocabulary: .classic) }
    tags.append(Attribute("vs.source.name", "customhttp", vocabulary: .classic))
    tags.append(Attribute("vs.span.id", .string(classicID), vocabulary: .classic))
    if let parent = payload.parentID { tags.append(Attribute("vs.parent.span.id", .string(parent), vocabulary: .classic)) }
    return tags
  }

  private var classicMark: ClassicMark? {
    let life = payload.life
    guard life.action != .annotate else { return nil }
    return ClassicMark(
      eventSource: "custom_http", type: payload.type, life.action == .start ? .start : .end, state: life.action.rawValue,
      time: time, begin: life.action == .start ? nil : life.begin.map(EventTime.vendor),
      isError: life.outcome?.isError ?? life.isError)
  }
}
