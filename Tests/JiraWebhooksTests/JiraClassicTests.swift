import JiraWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the classic spans row by row against the table that users of the Go ValueStream know.
@Suite("Jira's classic spans")
struct JiraClassicTests {
  static func story(_ names: [String], rules: JiraRules = JiraRules()) throws -> ClassicStory {
    try ClassicStory(names.map { try JiraCloudSourceTests.delivery($0) }, of: JiraSource(rules: rules))
  }

  static func tags(_ status: String, _ id: String, key: String = "TP-3") -> [String: AttributeValue] {
    [
      "user.account_id": "5a02", "user.account_type": "atlassian", "user.display_name": "Tom", "issue.id": "10002",
      "issue.key": .string(key), "issue.type.id": "10007", "issue.type.name": "Story", "project.id": "10100",
      "project.key": "TP", "project.name": "Teapots", "issue.priority.id": "3", "issue.priority.name": "Medium",
      "issue.status.id": .string(id), "issue.status.name": .string(status),
    ]
  }

  @Test("An issue: one span per started status, none in the backlog, whatever is edited in between")
  func issue() throws {
    let story = try Self.story([
      "issue_created.backlog", "issue_updated.selected", "issue_updated.started", "issue_updated.edited",
      "comment_created.cloud", "issue_updated.sprint", "issue_updated.review", "issue_updated.done", "issue_updated.released",
    ])
    #expect(story.finished.map(\.type) == ["issue", "issue", "issue"])
    #expect(story.finished.map(\.error) == [false, false, false])
    #expect(story.open.isEmpty)
    #expect(
      story.finished.map(\.tags) == [
        Self.tags("Selected for Development", "10001"), Self.tags("In Progress", "3"), Self.tags("In Review", "10004"),
      ])
    #expect(story.finished.map { $0.seconds?.rounded() } == [84_600, 102_600, 93_600])
  }

  @Test("Created in the backlog it has no span; back in the backlog its span ends; deleted too")
  func backlog() throws {
    #expect(try Self.story(["issue_created.backlog"]).open.isEmpty)
    #expect(try Self.story(["issue_created.backlog", "issue_updated.moved"]).finished.isEmpty)
    let back = try Self.story(["issue_updated.reopened", "issue_updated.backlog"])
    #expect(back.finished.map(\.tags) == [Self.tags("In Progress", "3")])
    #expect(back.open.isEmpty)
    #expect(try Self.story(["issue_deleted.open"]).finished.isEmpty)
    let started = try JiraCloudSourceTests.delivery("issue_updated.started")
    let deleted = try started.replacing(["jira:issue_updated": "jira:issue_deleted"])
    let story = try ClassicStory([started, deleted], of: JiraSource())
    #expect(story.finished.count == 1)
    #expect(story.open.isEmpty)
  }

  @Test("Which statuses of the category To Do are started can be set")
  func startedStatuses() throws {
    let none = JiraRules(startedStatuses: [])
    #expect(try Self.story(["issue_updated.selected"], rules: none).open.isEmpty)
    let backlog = JiraRules(startedStatuses: [NamePattern("back*")])
    #expect(try Self.story(["issue_created.backlog"], rules: backlog).open == ["issue Backlog"])
    #expect(try Self.story(["issue_updated.selected"]).open == ["issue Selected for Development"])
  }

  @Test("An end whose start was missed is a span without length")
  func lateEnd() throws {
    let story = try Self.story(["issue_updated.done", "issue_updated.released"])
    #expect(story.finished.map(\.seconds) == [nil])
  }

  @Test("An incident has spans of its own type")
  func incident() throws {
    #expect(try Self.story(["issue_created.incident"]).open == ["incident In Progress"])
  }

  @Test("A sprint: from active to closed, with the dates as Go prints them")
  func sprint() throws {
    let story = try Self.story([
      "sprint_created.planned", "sprint_started.active", "sprint_started.active", "sprint_closed.closed",
    ])
    #expect(story.finished.map(\.type) == ["sprint"])
    #expect(story.open.isEmpty)
    let seconds: Double = 980_700
    #expect(story.finished[0].seconds == seconds)
    #expect(
      story.finished[0].tags == [
        "state": "active", "sprint.id": 12, "sprint.name": "Steam 12", "sprint.start_date": "2024-03-04T08:00:00Z",
        "sprint.end_date": "2024-03-15T16:00:00.5Z", "sprint.origin_board_id": 4,
      ])
    let offset = try JiraCloudSourceTests.delivery("sprint_started.active").replacing([
      "2024-03-04T08:00:00.000Z": "2024-03-04T09:00:00.120+0100", "2024-03-15T16:00:00.500Z": "2024-03-15T16:00:00+00:00",
    ])
    let closed = try JiraCloudSourceTests.delivery("sprint_closed.closed")
    let tags = try ClassicStory([offset, closed], of: JiraSource()).finished[0].tags
    #expect(tags["sprint.start_date"] == "2024-03-04T09:00:00.12+01:00")
    #expect(tags["sprint.end_date"] == "2024-03-15T16:00:00Z")
  }

  @Test("A version: a release from creation to release, which the Go ValueStream did not have")
  func version() throws {
    let story = try Self.story(["version_created.planned", "version_released.planned", "version_updated.released"])
    #expect(story.finished.map(\.type) == ["release"])
    #expect(story.finished[0].tags == ["service": "jira"])
    #expect(try Self.story(["version_deleted.merged"]).finished.isEmpty)
  }
}
