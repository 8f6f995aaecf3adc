import PayloadReading
package import ValueStreamCore

/// CDEvents, carried by CloudEvents over HTTP: whatever delivery tool speaks the common language.
package struct CDEventsSource: EventSource {
  package static let secretSetting = SecretSetting("cdevents-secret", of: "CDEvents producers")

  private let authentication: TokenCheck
  private let rules: CDEventsRules

  /// - Parameters:
  ///   - secrets: tokens that senders show; any of them is accepted. None accepts everybody.
  ///   - rules: what CDEvents do not tell apart.
  package init(secrets: [Secret] = [], rules: CDEventsRules = CDEventsRules()) {
    authentication = TokenCheck(secrets: secrets)
    self.rules = rules
  }

  package var name: String { "cdevents" }
  package var route: String { "/cdevents" }
  package var acceptsUnsigned: Bool { authentication.secrets.isEmpty }
  package var keptHeaders: [String] { ["Content-Type"] + CloudEventHeader.all }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try authentication.authenticate(delivery, using: authenticator)
  }

  /// Source and id, which name an event for good. Of a batch those of its first event.
  package func deliveryID(of delivery: Delivery) -> String? {
    if let id = CloudEventAttributes(delivery.headers).deliveryID { return id }
    guard let events = try? CloudEvent.events(in: delivery), let first = events.first,
      let id = CDEventsContext(first).deliveryID
    else { return nil }
    return events.count == 1 ? id : "\(id) and \(events.count - 1) more"
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    var events: [Event] = []
    var updates: [BranchUpdate] = []
    var reasons: [String] = []
    for cloudEvent in try CloudEvent.events(in: delivery) {
      switch try interpretation(of: cloudEvent, received: delivery.received) {
      case .events(let more, let moreUpdates):
        events += more
        updates += moreUpdates
      case .ignored(let reason): if !reasons.contains(reason) { reasons.append(reason) }
      }
    }
    if events.isEmpty, updates.isEmpty { return .ignored(reason: Self.joined(reasons)) }
    return .events(events, branchUpdates: updates)
  }

  /// More reasons of one batch are only counted.
  private static let reasonLimit = 10

  private static func joined(_ reasons: [String]) -> String {
    let rest = reasons.count - reasonLimit
    return reasons.prefix(reasonLimit).joined(separator: "; ") + (rest > 0 ? "; and \(rest) others" : "")
  }

  private func interpretation(of cloudEvent: CloudEvent, received: Timestamp) throws(PayloadError) -> Interpretation {
    guard let data = cloudEvent.data else { return Self.notOurs(cloudEvent.attributes.type ?? "") }
    if let link = CDEventsLink(alone: data, source: cloudEvent.attributes.source) {
      return link.interpretation(received: received)
    }
    let context = CDEventsContext(cloudEvent)
    let text = try context.requireType()
    guard let type = CDEventsType(text) else { return Self.notOurs(text) }
    let payload = try CDEventsPayload(data, envelope: cloudEvent.attributes, context, type: type)
    return try CDEventsMapping(payload: payload, received: received, rules: rules).interpretation()
  }

  /// Anybody may send what they like: of a type that nobody knows the beginning will do.
  private static func notOurs(_ type: String) -> Interpretation {
    .ignored(reason: "\(type.prefix(100)) is no type of CDEvents")
  }
}

/// What a user says of things that CDEvents do not tell apart.
package struct CDEventsRules: Sendable {
  /// Labels and types of tickets that are incidents.
  package var incidentLabels: [NamePattern]

  package init(incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue) {
    self.incidentLabels = incidentLabels
  }
}
