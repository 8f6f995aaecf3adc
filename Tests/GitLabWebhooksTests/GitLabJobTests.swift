import GitLabWebhooks
import Testing
import ValueStreamCore

/// A job computes the same keys from its environment as the source does from webhooks.
@Suite("A job of GitLab CI, from within")
struct GitLabJobTests {
  static let variables = [
    "GITLAB_CI": "true", "CI_SERVER_HOST": "gitlab.example", "CI_PROJECT_ID": "15119184", "CI_PIPELINE_ID": "96963426",
    "CI_JOB_ID": "501",
  ]

  private static func event(_ name: String) throws -> Event {
    guard case .events(let events, _) = try GitLabSourceTests.source.events(in: try GitLabSourceTests.delivery(name)) else {
      throw PayloadError(.missingIdentity, reason: name)
    }
    return try #require(events.first)
  }

  @Test("pipeline and job are those of the payloads")
  func webhooks() throws {
    let context = try #require(try GitLabJob.context(in: Self.variables))
    let pipeline = try Self.event("pipeline.running")
    let job = try Self.event("build.running")
    #expect(context.run == pipeline.key)
    #expect(context.attempt == nil)
    #expect(pipeline.attempt == .counted)
    #expect(context.job == job.key)
    #expect(job.attempt == .single)
    #expect(job.follows.first?.references == [.key(context.run)])
  }

  @Test("outside, and with a variable missing")
  func absent() throws {
    #expect(try GitLabJob.context(in: [:]) == nil)
    for name in Self.variables.keys where name != "GITLAB_CI" {
      #expect(throws: RunVariables.Failure.self) { try GitLabJob.context(in: Self.variables.merging([name: ""]) { $1 }) }
    }
  }
}
