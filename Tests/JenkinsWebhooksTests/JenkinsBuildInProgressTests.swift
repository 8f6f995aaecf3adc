import JenkinsWebhooks
import Testing
import ValueStreamCore

/// A build computes the same key from its environment as the source does from webhooks.
@Suite("A build of Jenkins, from within")
struct JenkinsBuildInProgressTests {
  static let variables = [
    "JENKINS_URL": "https://ci.harbour.example/", "BUILD_URL": "https://ci.harbour.example/job/shop/job/site/252/",
    "JOB_NAME": "shop/site", "BUILD_NUMBER": "252",
  ]

  @Test("the key is that of the payloads", arguments: ["notification.started", "notification.completed", "statistics.start"])
  func webhooks(name: String) throws {
    guard case .events(let events, _) = try JenkinsSourceTests.source.events(in: try JenkinsSourceTests.delivery(name)) else {
      throw PayloadError(.missingIdentity, reason: name)
    }
    let event = try #require(events.first)
    let context = try #require(try JenkinsBuildInProgress.context(in: Self.variables))
    #expect(context == RunContext(run: event.key, attempt: 1))
    #expect(event.attempt == .single)
    let withoutAddress = try JenkinsBuildInProgress.context(in: Self.variables.filter { $0.key != "BUILD_URL" })
    #expect(withoutAddress == context)
  }

  @Test("a Jenkins that does not know its own address")
  func unnamed() throws {
    let variables = Self.variables.filter { !$0.key.hasSuffix("_URL") }
    #expect(try JenkinsBuildInProgress.context(in: variables)?.run.description == "jenkins::=shop%2Fsite:build:252")
  }

  @Test("a branch of a multibranch job")
  func branch() throws {
    let name = "shop/site/feature%2Fx"
    let variables = [
      "JENKINS_URL": "https://ci.harbour.example/", "JOB_NAME": name, "BUILD_NUMBER": "3",
      "BUILD_URL": "https://ci.harbour.example/job/shop/job/site/job/feature%252Fx/3/",
    ]
    let context = try JenkinsBuildInProgress.context(in: variables)
    #expect(context == (try JenkinsBuildInProgress.context(in: variables.filter { $0.key != "BUILD_URL" })))
    #expect(context?.run.description == "jenkins:ci.harbour.example:shop%2Fsite%2Ffeature%252Fx:build:3")
  }

  @Test("outside, and with an address that is none")
  func absent() throws {
    #expect(try JenkinsBuildInProgress.context(in: ["JENKINS_URL": "https://ci.harbour.example/"]) == nil)
    #expect(throws: RunVariables.Failure.self) {
      try JenkinsBuildInProgress.context(in: Self.variables.merging(["BUILD_URL": "here"]) { $1 })
    }
  }
}
