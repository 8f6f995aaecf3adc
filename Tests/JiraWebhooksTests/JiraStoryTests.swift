import JiraWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several payloads in any order.
@Suite("Jira stories")
struct JiraStoryTests {
  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(names.map { try JiraCloudSourceTests.delivery($0) }, of: JiraCloudSourceTests.source, seed: seed)
  }

  @Test("An issue from the backlog until it is done, with every status on the way", arguments: UInt64(0)..<20)
  func life(seed: UInt64) throws {
    let story = try Self.story(
      [
        "issue_created.backlog", "issue_updated.selected", "issue_updated.started", "issue_updated.edited",
        "issue_updated.review", "issue_updated.done", "comment_created.cloud", "comment_created.server", "worklog_created.hour",
      ], seed: seed)
    #expect(story.tree == ["issue:10002 08:00:00 to 15:00:00 completed"])
    #expect(
      story.phases(of: "issue:10002") == [
        "Backlog 08:00:00 to 09:00:00", "Selected for Development 09:00:00 to 08:30:00", "In Progress 08:30:00 to 13:00:00",
        "In Review 13:00:00 to 15:00:00",
      ])
    let span = try #require(story.span("issue:10002"))
    #expect(span.phases.last?.end == span.end)
    #expect(span.events.map(\.name) == ["labeled", "unlabeled", "worklog", "comment"], "a comment that is told twice is one")
    #expect(span.project == "TP")
    #expect(span.attributes.value(of: "valuestream.issue.url") == "https://harbour.example/browse/TP-3")
    #expect(span.attributes.value(of: "valuestream.issue.status") == "Done")
    #expect(span.links.map(\.rule).sorted() == ["blocks", "epic", "fix_version", "sprint"])
  }

  @Test("Opened again it is another attempt; a status after the end changes nothing", arguments: UInt64(0)..<20)
  func reopened(seed: UInt64) throws {
    let story = try Self.story(
      [
        "issue_created.backlog", "issue_updated.started", "issue_updated.done", "issue_updated.released",
        "issue_updated.reopened", "issue_updated.backlog",
      ], seed: seed)
    #expect(story.tree == ["issue:10002 08:00:00 to 15:00:00 completed", "issue:10002/2 08:00:00 to ? open"])
    #expect(story.phases(of: "issue:10002/2") == ["In Progress 08:00:00 to 11:00:00", "Backlog 11:00:00 to ?"])
    #expect(story.span("issue:10002/2")?.isStartUnknown == false)
  }

  @Test("Missed: done and opened again are known from what came later", arguments: UInt64(0)..<6)
  func missed(seed: UInt64) throws {
    // `released` tells when the issue became done, and `moved` tells when it was reopened.
    let story = try Self.story(["issue_created.backlog", "issue_updated.released", "issue_updated.moved"], seed: seed)
    #expect(story.tree == ["issue:10002 08:00:00 to 15:00:00 completed", "issue:10002/2 11:00:00 to ? open"])
    #expect(story.phases(of: "issue:10002/2") == ["Backlog 11:00:00 to ?"])
  }

  @Test("Moved to another project it has another key, and stays itself under both", arguments: UInt64(0)..<6)
  func moved(seed: UInt64) throws {
    let story = try Self.story(["issue_created.backlog", "issue_updated.moved", "issue_updated.started"], seed: seed)
    let span = try #require(story.spans.first?.span)
    #expect(story.spans.count == 1)
    #expect(span.key.description == "jiracloud:harbour.example::issue:10002")
    #expect(span.name == "OPS-9")
    #expect(span.project == "OPS")
    #expect(span.events.map(\.name) == ["moved"])
    #expect(span.events.first?.attributes.value(of: "valuestream.issue.previous_key") == "TP-3")
    let event = try JiraCloudSourceTests.source.events(in: JiraCloudSourceTests.delivery("issue_updated.moved"))
      .requireEvents()[0]
    #expect(
      event.publishes.map(\.description) == [
        "classic:vstrace-jiracloud-issue-OPS-9", "issue:OPS-9", "classic:vstrace-jiracloud-issue-TP-3", "issue:TP-3",
        "address:https://harbour.example/browse/OPS-9", "issue_id:10002",
      ])
  }

  @Test("A subtask belongs to its issue; an epic is a link", arguments: UInt64(0)..<6)
  func parents(seed: UInt64) throws {
    let story = try Self.story(["issue_created.backlog", "issue_created.subtask", "issue_deleted.open"], seed: seed)
    #expect(
      story.tree == [
        "issue:10002 08:00:00 to ? open", "issue:10003 09:00:00 to 11:00:00 abandoned under issue:10002 by vendor_link",
      ])
  }

  @Test("A sprint runs from its start to its close, and issues are linked to it", arguments: UInt64(0)..<12)
  func sprint(seed: UInt64) throws {
    let story = try Self.story(
      [
        "sprint_created.planned", "sprint_started.active", "sprint_closed.closed", "issue_created.backlog",
        "issue_updated.selected", "issue_updated.sprint",
      ], seed: seed)
    #expect(story.tree == ["issue:10002 08:00:00 to ? open", "sprint:12 08:05:00 to 16:30:00 completed"])
    let links = story.spans[0].links.map { "\($0.rule) \($0.key)" }
    #expect(links == ["sprint jiracloud:harbour.example::sprint:12"])
    #expect(story.span("sprint:12")?.isStartUnknown == false)
    let stated = Set(story.spans[0].span.links.map(\.reference.value))
    #expect(stated.contains("jiracloud:harbour.example::sprint:13"), "not known yet")
    #expect(
      try Self.story(["sprint_created.planned", "sprint_deleted.planned"], seed: seed).tree == [
        "sprint:12 08:00:00 to 08:00:00 abandoned"
      ])
  }

  @Test("A version is a release, opened again when it is taken back", arguments: UInt64(0)..<12)
  func version(seed: UInt64) throws {
    let names = ["version_created.planned", "version_released.planned", "version_updated.released"]
    #expect(try Self.story(names, seed: seed).tree == ["version:20001 09:00:00 to 17:00:00 success"])
    let again = try Self.story(names + ["version_unreleased.again", "version_deleted.merged"], seed: seed)
    #expect(again.tree == ["version:20001 09:00:00 to 17:00:00 success", "version:20001/2 18:00:00 to 17:00:00 abandoned"])
    #expect(again.spans[1].span.links.map(\.rule) == ["merged_to"])
  }

  @Test("A link between issues, told without a tenant, finds both", arguments: UInt64(0)..<12)
  func issueLink(seed: UInt64) throws {
    let story = try Self.story(["issue_created.backlog", "issue_created.incident", "issuelink_created.blocks"], seed: seed)
    #expect(
      story.spans.map(\.span.key.description).sorted() == [
        "jiracloud:harbour.example::issue:10002", "jiracloud:harbour.example::issue:10010",
      ])
    let links = story.spans.flatMap { traced in traced.links.map { "\(traced.span.name) \($0.rule) \($0.key.encodedID)" } }
    #expect(links.sorted() == ["TP-10 is_caused_by 10002", "TP-3 causes 10010"])
    #expect(story.span("issue:10010")?.operation == .incident)
  }

  @Test("What was not carried out was not planned; which resolutions these are can be set")
  func resolutions() throws {
    let delivery = try JiraCloudSourceTests.delivery("issue_updated.wont_do")
    #expect(try DeliveryStory([delivery], of: JiraSource(), seed: 0).spans.map(\.span.outcome) == [.notPlanned])
    let other = JiraSource(rules: JiraRules(undeliveredResolutions: [NamePattern("Abgelehnt")]))
    #expect(try DeliveryStory([delivery], of: other, seed: 0).spans.map(\.span.outcome) == [.completed])
  }

  @Test("A label makes an incident too, and which types and labels do can be set")
  func incidents() throws {
    func operation(_ name: String, _ patterns: [String]) throws -> [ValueStreamCore.Operation] {
      let source = JiraSource(rules: JiraRules(incidentLabels: patterns.map(NamePattern.init)))
      return try DeliveryStory([JiraCloudSourceTests.delivery(name)], of: source, seed: 0).spans.map(\.span.operation)
    }
    #expect(try operation("issue_created.incident", ["incident"]) == [.incident])
    #expect(try operation("issue_created.backlog", ["spou?"]) == [.incident])
    #expect(try operation("issue_created.incident", ["outage"]) == [.issue])
  }
}
