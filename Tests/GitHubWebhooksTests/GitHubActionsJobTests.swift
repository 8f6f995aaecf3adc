import GitHubWebhooks
import Testing
import ValueStreamCore

/// A job computes the same keys from its environment as the source does from webhooks.
@Suite("A job of GitHub Actions, from within")
struct GitHubActionsJobTests {
  static let variables = [
    "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY_ID": "197483389",
    "GITHUB_RUN_ID": "7001", "GITHUB_RUN_ATTEMPT": "2",
  ]

  private static func event(_ name: String) throws -> Event {
    guard case .events(let events, _) = try GitHubSourceTests.source.events(in: try GitHubSourceTests.delivery(name)) else {
      throw PayloadError(.missingIdentity, reason: name)
    }
    return try #require(events.first)
  }

  @Test("run, attempt and job are those of the payloads")
  func webhooks() throws {
    let context = try #require(try GitHubActionsJob.context(in: Self.variables, job: 5001))
    let run = try Self.event("workflow_run.rerun")
    let job = try Self.event("workflow_job.completed")
    #expect(context.run == run.key)
    #expect(context.attempt.map(AttemptRule.numbered) == run.attempt)
    #expect(context.job == job.key)
    #expect(job.attempt == .single)
    #expect(job.follows.first?.references == [.key(context.run)])
  }

  @Test("without the job's id, and outside")
  func absent() throws {
    #expect(try GitHubActionsJob.context(in: Self.variables, job: nil)?.job == nil)
    #expect(try GitHubActionsJob.context(in: [:], job: 1) == nil)
  }

  @Test("an Enterprise Server has its own host")
  func enterprise() throws {
    let variables = Self.variables.merging(["GITHUB_SERVER_URL": "https://Git.Acme.example:8443"]) { $1 }
    #expect(
      try GitHubActionsJob.context(in: variables, job: nil)?.run.description == "github:git.acme.example:197483389:run:7001")
  }

  @Test(
    "what is missing or wrong is named",
    arguments: [
      ("GITHUB_SERVER_URL", "", "GITHUB_SERVER_URL is not set, and GitHub Actions sets it"),
      ("GITHUB_SERVER_URL", "github.com", #"GITHUB_SERVER_URL: "github.com" is not an address"#),
      ("GITHUB_REPOSITORY_ID", "acme/site", #"GITHUB_REPOSITORY_ID: "acme/site" is not a whole number"#),
      ("GITHUB_RUN_ID", "", "GITHUB_RUN_ID is not set, and GitHub Actions sets it"),
      ("GITHUB_RUN_ATTEMPT", "0", #"GITHUB_RUN_ATTEMPT: "0" is not a number from 1 on"#),
    ])
  func mistakes(name: String, value: String, says: String) throws {
    do throws(RunVariables.Failure) {
      _ = try GitHubActionsJob.context(in: Self.variables.merging([name: value]) { $1 }, job: nil)
      Issue.record("no error")
    } catch {
      #expect(error.description == says)
    }
  }
}
