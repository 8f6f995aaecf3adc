import PayloadReading
import ValueStreamCore

/// A custom event as it was sent. Docs/sources/custom-http.schema.json is the schema.
struct CustomHTTPEvent {
  let id: String
  let type: String
  let namespace: String
  let parentID: String?
  let life: CustomHTTPLife
  let name: String?
  let url: String?
  let environment: String?
  let service: String?
  /// Become attributes of both the semantic and the classic vocabulary.
  let metadata: [Attribute]
  /// Become attributes of the semantic vocabulary only.
  let attributes: [Attribute]
  let references: [CustomHTTPReference]
  let phases: [PhaseStatement]
  let spanEvents: [CustomHTTPSpanEvent]

  /// The most elements of each list. Longer lists are an error.
  static let listLimit = 100

  init(_ value: JSONValue, path: String) throws(PayloadError) {
    let members = try CustomHTTPMembers(value, path: path)
    id = try members.requireText("id")
    type = try members.requireText("type")
    life = try CustomHTTPLife(members)
    let namespace = try members.textIfAny("namespace") ?? ""
    self.namespace = namespace
    parentID = try members.textIfAny("parentId")
    name = try members.text("name")
    url = try members.address("url")
    environment = try members.text("environment")
    service = try members.text("service")
    metadata = members["metadata"].map(CustomHTTPAttributes.flatten) ?? []
    attributes = try members.attributes("attributes")
    var references: [CustomHTTPReference] = []
    for element in try members.elements("references", atMost: Self.listLimit) {
      references.append(try CustomHTTPReference(element.value, path: element.path, namespace: namespace))
    }
    self.references = references
    var phases: [PhaseStatement] = []
    for phase in try members.objects("phases", atMost: Self.listLimit) { phases.append(try PhaseStatement(phase)) }
    self.phases = phases
    var spanEvents: [CustomHTTPSpanEvent] = []
    for spanEvent in try members.objects("moments", atMost: Self.listLimit) {
      spanEvents.append(try CustomHTTPSpanEvent(spanEvent))
    }
    self.spanEvents = spanEvents
  }
}

/// An element of `spanEvents`: a point in the life of the subject, which becomes a span event.
struct CustomHTTPSpanEvent {
  let name: String
  /// Nil for the time of the custom event.
  let time: Timestamp?
  let attributes: [Attribute]

  init(_ members: CustomHTTPMembers) throws(PayloadError) {
    name = try members.requireText("name")
    time = try members.time("time")
    attributes = try members.attributes("attributes")
  }
}

extension PhaseStatement {
  fileprivate init(_ members: CustomHTTPMembers) throws(PayloadError) {
    let name = try members.requireText("name")
    let start = try members.time("startedAt")
    let end = try members.end(try members.time("endedAt"), in: "endedAt", of: start)
    if start == nil, end == nil { throw members.error("startedAt", "expected a time here or in endedAt") }
    let outcome = try members.word("outcome", of: Outcome.self)
    if outcome != nil, end == nil { throw members.error("outcome", "expected none without endedAt: only what is over has one") }
    self.init(track: "custom", name: name, start: start, end: end, outcome: outcome)
  }
}
