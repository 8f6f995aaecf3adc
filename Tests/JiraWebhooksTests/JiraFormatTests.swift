import JiraWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Formats other than event webhooks: workflow post functions and issues that Automation sends.
@Suite("Jira's other formats")
struct JiraFormatTests {
  static func delivery(_ json: String) -> Delivery {
    Delivery(source: "jira", received: JiraCloudSourceTests.received, headers: [:], body: Array(json.utf8))
  }

  static func issue(_ status: String, _ category: String, updated: String, further: String = "") -> String {
    """
    {"id":"10041","key":"TP-4","self":"https://acme.example.net/rest/api/2/10041","fields":{"summary":"Spout drips",\
    "created":"2024-03-04T09:00:00.000+0000","updated":"\(updated)","statuscategorychangedate":"\(updated)",\
    "status":{"name":"\(status)","statusCategory":{"key":"\(category)"}},"project":{"key":"TP"}\(further)}}
    """
  }

  static func transition(_ from: String, _ to: String, _ category: String, at time: String) -> Delivery {
    delivery(
      """
      {"transition":{"transitionId":31,"transitionName":"Go","from_status":"\(from)","to_status":"\(to)"},"comment":"",\
      "issue":\(issue(to, category, updated: time)),"timestamp":\(Timestamp(rfc3339: time)?.seconds ?? 0)000}
      """)
  }

  @Test("A post function tells the move that its transition makes", arguments: UInt64(0)..<6)
  func postFunction(seed: UInt64) throws {
    let story = try DeliveryStory(
      [
        Self.transition("To Do", "In Progress", "indeterminate", at: "2024-03-04T10:00:00.000+0000"),
        Self.transition("In Progress", "Done", "done", at: "2024-03-04T12:00:00.000+0000"),
      ], of: JiraSource(), seed: seed)
    #expect(story.tree == ["issue:10041 09:00:00 to 12:00:00 completed"])
    #expect(story.phases(of: "issue:10041") == ["To Do 09:00:00 to 10:00:00", "In Progress 10:00:00 to 12:00:00"])
    #expect(story.spans.first?.span.isEndUnknown == false)
  }

  @Test("An issue that Automation sends is as it stands now", arguments: [true, false])
  func automation(isWrapped: Bool) throws {
    let issue = Self.issue("To Do", "new", updated: "2024-03-04T09:00:00.000+0000")
    let story = try DeliveryStory([Self.delivery(isWrapped ? #"{"issue":\#(issue)}"# : issue)], of: JiraSource(), seed: 0)
    #expect(story.tree == ["issue:10041 09:00:00 to ? open"])
    #expect(story.spans.first?.span.key.description == "jiracloud:acme.example.net::issue:10041")
    #expect(story.phases(of: "issue:10041") == ["To Do 09:00:00 to ?"])
  }

  @Test("Anything else is refused, and told what would do", arguments: ["{}", #"{"issue":{"id":"1"}}"#, #"{"fields":{}}"#])
  func others(json: String) {
    #expect(throws: PayloadError.self) { try JiraSource().events(in: Self.delivery(json)) }
  }

  @Test("An issue that moves twice at one moment is where the second move led", arguments: UInt64(0)..<8)
  func twoMoves(seed: UInt64) throws {
    let time = "2024-03-04T10:00:00.000+0000"
    let story = try DeliveryStory(
      [
        Self.delivery(Self.issue("New", "new", updated: "2024-03-04T09:00:00.000+0000")),
        Self.transition("New", "Shaping", "indeterminate", at: time),
        Self.transition("Shaping", "Doing", "indeterminate", at: time),
      ], of: JiraSource(), seed: seed)
    let span = try #require(story.spans.first?.span)
    #expect(span.attributes.value(of: "valuestream.issue.status") == .string("Doing"))
    #expect(story.phases(of: "issue:10041").last == "Doing 10:00:00 to ?")
  }

  /// A webhook of a move from one status to another.
  private static func move(_ number: Int, from: String, to: String, _ category: String, at time: String) -> Delivery {
    let resolution = category == "done" ? #","resolution":{"name":"Done"},"resolutiondate":"\#(time)""# : ""
    return delivery(
      """
      {"webhookEvent":"jira:issue_updated","timestamp":\(Timestamp(rfc3339: time)?.seconds ?? 0)000,\
      "issue":\(issue(to, category, updated: time, further: resolution)),\
      "changelog":{"id":"\(number)","items":[{"field":"status","fromString":"\(from)","toString":"\(to)"}]}}
      """)
  }

  @Test(
    "Two webhooks of moves at one moment keep their order, also where the second one ends the issue", arguments: UInt64(0)..<8)
  func twoWebhooks(seed: UInt64) throws {
    let time = "2024-03-04T10:00:00.000+0000"
    let created = Self.delivery(
      #"{"webhookEvent":"jira:issue_created","timestamp":1709542800000,"issue":"#
        + Self.issue("To Do", "new", updated: "2024-03-04T09:00:00.000+0000") + "}")
    let done = try DeliveryStory(
      [
        created, Self.move(1, from: "To Do", to: "Review", "indeterminate", at: time),
        Self.move(2, from: "Review", to: "Done", "done", at: time),
      ], of: JiraSource(), seed: seed)
    #expect(done.tree == ["issue:10041 09:00:00 to 10:00:00 completed"])
    #expect(done.phases(of: "issue:10041") == ["To Do 09:00:00 to 10:00:00", "Review 10:00:00 to 10:00:00"])
    let open = try DeliveryStory(
      [
        created, Self.move(1, from: "To Do", to: "Dev", "indeterminate", at: time),
        Self.move(2, from: "Dev", to: "Review", "indeterminate", at: time),
      ], of: JiraSource(), seed: seed)
    #expect(open.span("issue:10041")?.attributes.value(of: "valuestream.issue.status") == .string("Review"))
    #expect(open.phases(of: "issue:10041").first == "To Do 09:00:00 to 10:00:00")
    #expect(open.phases(of: "issue:10041").last == "Review 10:00:00 to ?")
  }

  @Test(
    "Sprints as Data Center writes them, with the id first or last, whatever name and goal hold",
    arguments: [
      ("id=12,rapidViewId=4,state=ACTIVE,name=a, id=7, b,goal=id=9,sequence=3", 12),
      ("rapidViewId=4,state=CLOSED,name=valid=7,sequence=3,id=13", 13),
      ("id=14,state=CLOSED,name=[x] y,goal=one\\ntwo,id=8", 14), ("rapidViewId=4,id=15,name=b,goal=", 15),
      ("rapidViewId=4,state=ACTIVE,name=no,goal=id=9,x", nil),
    ] as [(String, Int?)])
  func sprints(members: String, id: Int?) throws {
    let text = "com.atlassian.greenhopper.service.sprint.Sprint@77c1[\(members)]"
    let issue = Self.issue(
      "To Do", "new", updated: "2024-03-04T09:00:00.000+0000",
      further: #","customfield_1":[{"value":"Impediment","id":"10000"}],"customfield_2":["\#(text)"]"#)
    let span = try DeliveryStory([Self.delivery(issue)], of: JiraSource(), seed: 0).spans.first?.span
    let sprints = span?.links.filter { $0.rule == "sprint" }.map(\.reference.value)
    #expect(sprints == id.map { ["jiracloud:acme.example.net::sprint:\($0)"] } ?? [])
  }

  @Test("No time that is absent or zero makes anything longer", arguments: JiraCloudSourceTests.samples)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JiraSource()).checkAbsentTimes(try JiraCloudSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: JiraCloudSourceTests.fixtures)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JiraSource()).checkReplay(try JiraCloudSourceTests.delivery(fixture))
  }
}
