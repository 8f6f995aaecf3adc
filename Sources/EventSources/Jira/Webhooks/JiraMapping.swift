import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, its time of receipt and the user's rules.
struct JiraMapping {
  let payload: JiraPayload
  let received: Timestamp
  let rules: JiraRules

  func interpretation() throws(PayloadError) -> Interpretation {
    guard let event = JiraReadEvent(rawValue: payload.event) else {
      return .ignored(reason: "\(payload.event) is not supported")
    }
    return switch event {
    case .issueCreated, .issueUpdated, .issueDeleted: .events([try issueEvent()])
    case .commentCreated: .events([try commentEvent()])
    case .worklogCreated: .events([try worklogEvent()])
    case .issueLinkCreated: .events(try issueLinkEvents())
    case .sprintCreated, .sprintUpdated, .sprintStarted, .sprintClosed, .sprintDeleted: .events([try sprintEvent()])
    case .versionCreated, .versionUpdated, .versionReleased, .versionUnreleased, .versionDeleted:
      .events([try versionEvent()])
    }
  }

  /// The time of the event by Jira's clock, else the time of receipt.
  var time: EventTime { .vendor(payload.timestamp, orReceipt: received) }

  // MARK: Identity

  /// Returns the key of a subject.
  ///
  /// - Parameter id: an id that never changes over the life of the subject.
  func key(_ kind: String, _ id: String) -> SubjectKey {
    SubjectKey(
      source: "jiracloud", host: payload.host ?? SubjectKey.fallbackPart(""), container: "", kind: kind, id: id)
  }

  func classicID(_ type: String, _ id: String) -> Reference {
    Reference(.classicID, "vstrace-jiracloud-\(type)-\(id)")
  }

  // MARK: Descriptions

  func describe(_ event: inout Event) {
    event.owner = payload.host
  }

  /// Returns the value of a field that may be empty. Nil if the payload does not have the field.
  ///
  /// An empty field gives an empty list, which removes the earlier value.
  func value(_ name: StaticString, of object: PayloadObject?, text: (PayloadObject) -> String?) -> AttributeValue? {
    guard let object, object.has(name) else { return nil }
    return object.object(name).flatMap(text).map(AttributeValue.string) ?? .strings([])
  }
}
