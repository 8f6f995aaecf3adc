import PayloadReading
import ValueStreamCore

/// Builds the span tags that the Go ValueStream set for Jira. It set no tag `service` on these spans.
///
/// A group of tags is set only if the payload has its object.
enum JiraClassicTags {
  static func issue(_ issue: JiraIssue, user: PayloadObject?) -> [Attribute] {
    var tags = ClassicTags(service: nil)
    if let user {
      tags.add("user.account_id", user.string("accountId"))
      tags.add("user.account_type", user.string("accountType"))
      tags.add("user.display_name", user.string("displayName"))
    }
    tags.add("issue.id", issue.id)
    tags.add("issue.key", issue.key)
    tags.addNamed("issue.type", issue.type)
    if let project = issue.project {
      tags.add("project.id", project.string("id"))
      tags.add("project.key", project.string("key"))
      tags.add("project.name", project.string("name"))
    }
    tags.addNamed("issue.priority", issue.fields?.object("priority"))
    tags.addNamed("issue.status", issue.status)
    return tags.attributes
  }

  static func sprint(_ sprint: PayloadObject) -> [Attribute] {
    var tags = ClassicTags(service: nil)
    tags.add("state", sprint.string("state"))
    tags.add("sprint.id", sprint.int("id"))
    tags.add("sprint.name", sprint.string("name"))
    tags.add("sprint.start_date", sprint.string("startDate").map(date))
    tags.add("sprint.end_date", sprint.string("endDate").map(date))
    tags.add("sprint.origin_board_id", sprint.int("originBoardId"))
    return tags.attributes
  }

  /// Formats a date as Go does: keeps the offset, and drops zeros at the end of the fraction.
  private static func date(_ text: String) -> String {
    guard let match = text.wholeMatch(of: /(.{10}T.{8})(?:\.(\d*?)0*)?(?:(Z|[+-]00:?00)|([+-]\d\d):?(\d\d))/) else { return text }
    let (_, seconds, fraction, _, hours, minutes) = match.output
    let digits = fraction.map { $0.isEmpty ? "" : ".\($0)" } ?? ""
    let offset = hours.flatMap { hours in minutes.map { "\(hours):\($0)" } } ?? "Z"
    return seconds + digits + offset
  }
}

extension ClassicTags {
  fileprivate mutating func addNamed(_ name: String, _ object: PayloadObject?) {
    guard let object else { return }
    add("\(name).id", object.string("id"))
    add("\(name).name", object.string("name"))
  }
}
