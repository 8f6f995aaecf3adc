/// The types of Jira's events that the source reads, without the prefix `jira:`. It ignores all others.
///
/// This is the only list: the mapping switches over it, and webhooks are set up and checked by it.
enum JiraReadEvent: String, CaseIterable {
  case issueCreated = "issue_created"
  case issueUpdated = "issue_updated"
  case issueDeleted = "issue_deleted"
  case commentCreated = "comment_created"
  case worklogCreated = "worklog_created"
  case issueLinkCreated = "issuelink_created"
  case sprintCreated = "sprint_created"
  case sprintUpdated = "sprint_updated"
  case sprintStarted = "sprint_started"
  case sprintClosed = "sprint_closed"
  case sprintDeleted = "sprint_deleted"
  case versionCreated = "version_created"
  case versionUpdated = "version_updated"
  case versionReleased = "version_released"
  case versionUnreleased = "version_unreleased"
  case versionDeleted = "version_deleted"

  /// The name of the event in a webhook.
  ///
  /// Source: Atlassian Developer, "Webhooks", section on events.
  var hookEvent: String {
    switch self {
    case .issueCreated, .issueUpdated, .issueDeleted, .versionCreated, .versionUpdated, .versionReleased, .versionUnreleased,
      .versionDeleted:
      "jira:\(rawValue)"
    case .commentCreated, .worklogCreated, .issueLinkCreated, .sprintCreated, .sprintUpdated, .sprintStarted, .sprintClosed,
      .sprintDeleted:
      rawValue
    }
  }
}

extension JiraSource {
  /// The events that a webhook for this source must send, in Jira's words.
  package static let hookEvents = JiraReadEvent.allCases.map(\.hookEvent).sorted()
}
