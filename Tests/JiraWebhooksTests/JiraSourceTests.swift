import JiraWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Jira source")
struct JiraCloudSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-20T00:00:00Z") ?? .epoch
  static let source = JiraSource()
  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    Delivery(
      source: "jira", received: received,
      headers: ["Content-Type": "application/json", "X-Atlassian-Webhook-Identifier": "5f4de1a4-once"],
      body: try fixture.body())
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("Every kind of payload that Docs/sources/jira.md says is understood has one here")
  func sampled() {
    #expect(
      Self.samples.map(\.type) == [
        "comment_created", "issue_created", "issue_deleted", "issue_updated", "issuelink_created", "sprint_closed",
        "sprint_created", "sprint_deleted", "sprint_started", "sprint_updated", "version_created", "version_deleted",
        "version_released",
        "version_unreleased", "version_updated", "worklog_created",
      ])
  }

  // MARK: Contract

  static func contract(_ fixture: PayloadFixture) throws -> EventSourceContract {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    return EventSourceContract(
      source: source, signedSource: JiraSource(secrets: secrets), sample: try delivery(fixture)
    ) { body in
      let code = SwiftMessageAuthenticator().authenticationCode(.sha256, of: body, key: Array("first secret".utf8))
      return [("X-Hub-Signature", "sha256=\(Hex.text(of: code))")]
    }
  }

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    try Self.contract(fixture).checkReading()
  }

  @Test("The contract of signatures")
  func signatures() throws {
    try Self.contract(try #require(Self.samples.first)).checkSignatures()
  }

  @Test("Atlassian's published signature is accepted; other methods than sha256 are not")
  func vector() throws {
    let source = JiraSource(secrets: ["other", "It's a Secret to Everybody"].compactMap(Secret.init))
    func check(_ signature: String, _ body: String = "Hello World!") -> AuthenticationError.Code? {
      let delivery = Delivery(
        source: "jira", received: Self.received, headers: ["X-Hub-Signature": signature], body: Array(body.utf8))
      do throws(AuthenticationError) {
        try source.authenticate(delivery, using: SwiftMessageAuthenticator())
        return nil
      } catch {
        return error.code
      }
    }
    let digits = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    #expect(check("sha256=\(digits)") == nil)
    #expect(check("sha256=\(digits)", "Hello, World!") == .mismatch)
    #expect(check("sha1=\(digits)") == .malformed)
    #expect(check(digits) == .malformed)
  }

  @Test("A delivery is known by the identifier that stays the same over retries")
  func deliveryID() throws {
    var delivery = try Self.delivery("issue_created.backlog")
    #expect(Self.source.deliveryID(of: delivery) == "5f4de1a4-once")
    delivery.headers["X-Atlassian-Webhook-Retry"] = "2"
    #expect(Self.source.deliveryID(of: delivery) == "5f4de1a4-once")
    delivery.headers["X-Atlassian-Webhook-Identifier"] = nil
    #expect(Self.source.deliveryID(of: delivery) == nil)
  }

  @Test(
    "The path of what is missing is named",
    arguments: [
      (#"{"issue":{"id":"1"}}"#, "$.webhookEvent"), (#"{"webhookEvent":"jira:issue_updated"}"#, "$.issue"),
      (#"{"webhookEvent":"jira:issue_updated","issue":{}}"#, "$.issue.id"),
      (#"{"webhookEvent":"sprint_started","sprint":{"id":"x"}}"#, "$.sprint.id"),
      (#"{"webhookEvent":"jira:version_released","version":{}}"#, "$.version.id"),
      (#"{"webhookEvent":"worklog_created","worklog":{}}"#, "$.worklog.issueId"),
      (#"{"webhookEvent":"comment_created","comment":{"self":"https://a/b"}}"#, "$.comment.self"),
      (#"{"webhookEvent":"issuelink_created","issueLink":{"sourceIssueId":1}}"#, "$.issueLink.destinationIssueId"),
    ])
  func missing(body: String, path: String) {
    let delivery = Delivery(source: "jira", received: Self.received, headers: [:], body: Array(body.utf8))
    let error = #expect(throws: PayloadError.self) { try Self.source.events(in: delivery) }
    #expect(error?.path == path)
    #expect(error?.code == .missingIdentity)
  }

  @Test("A key is enough for an issue; what it says of itself later makes them one", arguments: UInt64(0)..<6)
  func sparse(seed: UInt64) throws {
    let body = #"{"webhookEvent":"jira:issue_updated","issue":{"key":"TP-3","fields":{"status":{"name":"In Progress"}}}}"#
    let script = Delivery(source: "jira", received: Self.received, headers: [:], body: Array(body.utf8))
    let alone = try DeliveryStory([script], of: Self.source, seed: 0)
    #expect(alone.spans.map(\.span.key.description) == ["jiracloud:=::issue:=TP-3"])
    #expect(alone.spans.map(\.span.source) == ["jira"])
    let story = try DeliveryStory([script, try Self.delivery("issue_created.backlog")], of: Self.source, seed: seed)
    #expect(story.spans.map(\.span.key.description) == ["jiracloud:harbour.example::issue:10002"])
  }
}
