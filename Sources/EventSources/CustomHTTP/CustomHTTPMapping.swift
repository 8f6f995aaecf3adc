import ValueStreamCore

/// Turns a custom event into an event of the core; a pure function of the payload and its time of receipt.
struct CustomHTTPMapping {
  let payload: CustomHTTPPayload
  let received: Timestamp

  func event() -> Event {
    let time = EventTime.receipt(received)
    var event = Event(
      key: SpanKey(source: "customhttp", host: "", container: payload.namespace, kind: payload.type, id: payload.id),
      time: time, attempt: .counted)
    event.operation = Operation(rawValue: payload.type)
    event.name = payload.namespace.isEmpty ? payload.id : "\(payload.namespace)/\(payload.id)"
    event.project = payload.namespace.isEmpty ? nil : payload.namespace
    switch payload.action {
    case .start:
      event.state = .running
      event.marks = [.begin(time)]
    case .end:
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = payload.isError ? .failure : .success
    }
    event.publishes = [Reference(.classicID, classicID), Reference(.customID, "\(payload.namespace)/\(payload.id)")]
    if let parent = payload.parentID {
      event.follows = [FollowStatement(.explicitID, [parentReference(parent)])]
    }
    event.attributes = payload.metadata.map { Attribute($0.name, $0.value) } + classicTags
    event.classic = ClassicMark(
      eventSource: "custom_http", type: payload.type, payload.action == .start ? .start : .end,
      state: payload.action.rawValue, time: time, isError: payload.isError)
    return event
  }

  private var classicID: String {
    ClassicID.make(source: "customhttp", type: payload.type, namespace: payload.namespace, id: payload.id)
  }

  /// A bare id is that of another custom event in the same namespace.
  private func parentReference(_ parent: String) -> Reference {
    parent.hasPrefix("vstrace-")
      ? Reference(.classicID, parent) : Reference(.customID, "\(payload.namespace)/\(parent)")
  }

  private var classicTags: [Attribute] {
    var tags = payload.metadata.map { Attribute($0.name, $0.value, vocabulary: .classic) }
    tags.append(Attribute("vs.source.name", "customhttp", vocabulary: .classic))
    tags.append(Attribute("vs.span.id", .string(classicID), vocabulary: .classic))
    if let parent = payload.parentID { tags.append(Attribute("vs.parent.span.id", .string(parent), vocabulary: .classic)) }
    return tags
  }
}
