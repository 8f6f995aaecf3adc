import PayloadReading
package import ValueStreamCore

/// Receives CDEvents of any tool, in CloudEvents over HTTP.
package struct CDEventsSource: EventSource {
  private let authentication: TokenCheck
  private let rules: CDEventsRules

  /// Creates the source.
  ///
  /// - Parameters:
  ///   - secrets: tokens that senders must show. Any of them is valid. If empty, every delivery is accepted.
  ///   - rules: the user's rules for distinctions that CDEvents do not make.
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

  /// Returns source and id, which identify an event.
  ///
  /// For a batch, returns those of its first event and the number of the others.
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
      // Only operators decide so.
      case .exclusion: break
      }
    }
    if events.isEmpty, updates.isEmpty { return .ignored(reason: Self.joined(reasons)) }
    return .events(events, branchUpdates: updates)
  }

  /// The most reasons to list for a batch. The others are only counted.
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

  /// Ignores an event of another specification. The reason has at most 100 characters of the type, because senders
  /// choose it.
  private static func notOurs(_ type: String) -> Interpretation {
    .ignored(reason: "\(type.prefix(100)) is no type of CDEvents")
  }
}

/// The user's rules for distinctions that CDEvents do not make, such as which tickets are incidents.
package struct CDEventsRules: Sendable {
  /// Labels and types that make a ticket an incident.
  package var incidentLabels: [NamePattern]

  package init(incidentLabels: [NamePattern] = ClassificationSettings.incidentLabels.defaultValue) {
    self.incidentLabels = incidentLabels
  }

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels))
  }
}
