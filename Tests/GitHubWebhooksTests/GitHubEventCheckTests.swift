import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubWebhooks

@Suite("The event of a GitHub delivery") struct GitHubEventCheckTests {
  private static let types = [
    "issues", "issue_comment", "sub_issues", "pull_request", "pull_request_review", "pull_request_review_comment", "merge_group",
    "push", "create", "delete", "repository", "workflow_run", "workflow_job", "check_run", "check_suite", "status", "deployment",
    "deployment_status", "release", "ping",
  ]

  private static func interpretation(of body: [UInt8], as type: String) throws -> Interpretation {
    let received = try #require(Timestamp(rfc3339: "2024-03-05T10:00:00Z"))
    return try GitHubSource().events(
      in: Delivery(source: "github", received: received, headers: ["X-GitHub-Event": type], body: body))
  }

  @Test("a delivery sent again under another event's name changes nothing", arguments: PayloadFixture.all(besideTest: #filePath))
  func replayed(fixture: PayloadFixture) throws {
    let body = try fixture.body()
    for type in Self.types where type != fixture.type {
      guard let interpretation = try? Self.interpretation(of: body, as: type) else { continue }
      guard case .ignored = interpretation else {
        Issue.record("\(fixture.name) is taken as \(type)")
        continue
      }
    }
  }

  @Test("under its own name it is what it was, and the reason for ignoring it names both")
  func reason() throws {
    let body = Array(#"{"action":"deleted","issue":{"number":1},"comment":{"id":2},"repository":{"id":3}}"#.utf8)
    #expect(
      try Self.interpretation(of: body, as: "issues")
        == .ignored(reason: "the header X-GitHub-Event says issues, and the body is of issue_comment"))
  }
}
