import Foundation
import GitLabWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("GitLab source")
struct GitLabSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch
  static let source = GitLabSource()
  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    Delivery(
      source: "gitlab", received: received,
      headers: [
        "X-Gitlab-Event": "Hook", "X-Gitlab-Instance": "https://gitlab.example",
        "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
      ], body: try fixture.body())
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("Every kind of payload that Docs/sources/gitlab.md says is understood has one here")
  func sampled() {
    #expect(
      Self.samples.map(\.type) == [
        "build", "deployment", "issue", "merge_request", "note", "pipeline", "push", "release", "work_item",
      ])
  }

  // MARK: Contract

  static func contract(_ fixture: PayloadFixture) throws -> EventSourceContract {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    return EventSourceContract(
      source: source, signedSource: try GitLabSource(secrets: secrets), sample: try delivery(fixture)
    ) { _ in [("X-Gitlab-Token", "first secret")] }
  }

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    let contract = try Self.contract(fixture)
    try contract.checkReading()
  }

  @Test("What cannot be read is answered 200, or GitLab would switch the hook off")
  func unreadable() {
    #expect(Self.source.unreadableStatus == 200)
  }

  @Test("A delivery is known by the key that stays the same over retries")
  func deliveryID() throws {
    var delivery = try Self.delivery("issue.open")
    #expect(Self.source.deliveryID(of: delivery) == "f5e5f430-f57b-4e6e-9fac-d9128cd7232f")
    delivery.headers["Idempotency-Key"] = nil
    delivery.headers["X-Gitlab-Event-UUID"] = "shared by several hooks"
    delivery.headers["X-Gitlab-Webhook-UUID"] = "new each time"
    #expect(Self.source.deliveryID(of: delivery) == nil)
    delivery.headers["webhook-id"] = "msg_1"
    #expect(Self.source.deliveryID(of: delivery) == "msg_1")
  }

  @Test("The path of what is missing is named")
  func missing() throws {
    var delivery = try Self.delivery("issue.open")
    delivery.body = Array(#"{"object_kind":"issue","project":{"id":1},"object_attributes":{"iid":"36"}}"#.utf8)
    let error = #expect(throws: PayloadError.self) { try Self.source.events(in: delivery) }
    #expect(
      error
        == PayloadError(.missingIdentity, path: "$.object_attributes.iid", reason: "expected a whole number, found a text"))
  }
}
