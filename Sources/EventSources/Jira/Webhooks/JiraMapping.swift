import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, its time of receipt and the user's rules.
struct JiraMapping {
  let payload: JiraPayload
  let received: Timestamp
  let rules: JiraRules

  func interpretation() throws(PayloadError) -> Interpretation {
    switch payload.event {
    case "issue_created", "issue_updated", "issue_deleted": .events([try issueEvent()])
    case "comment_created": .events([try commentEvent()])
    case "worklog_created": .events([try worklogEvent()])
    case "issuelink_created": .events(try issueLinkEvents())
    case "sprint_created", "sprint_updated", "sprint_started", "sprint_closed", "sprint_deleted":
      .events([try sprintEvent()])
    case "version_created", "version_updated", "version_released", "version_unreleased", "version_deleted":
      .events([try versionEvent()])
    default: .ignored(reason: "\(payload.event) is not supported")
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
