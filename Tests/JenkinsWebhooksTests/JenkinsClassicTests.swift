import JenkinsWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the classic spans that users of the Go ValueStream know.
@Suite("Jenkins' classic spans")
struct JenkinsClassicTests {
  static func story(_ names: [String]) throws -> ClassicStory {
    try ClassicStory(names.map { try JenkinsSourceTests.delivery($0) }, of: JenkinsSourceTests.source)
  }

  @Test("A build: from INPROGRESS to any other result")
  func build() throws {
    let story = try Self.story(["statistics.start", "step.start", "step.end", "statistics.start", "statistics.end"])
    #expect(story.finished.map(\.type) == ["build"])
    #expect(story.finished.map(\.error) == [true])
    #expect(story.open.isEmpty)
    #expect(
      story.finished[0].tags == [
        "service": "jenkins", "build.result": "INPROGRESS", "build.ci.url": "https://ci.harbour.example/",
        "build.context_id": 102_490_963, "build.url": "job/shop/job/site/252/", "build.job.name": "site",
        "build.job.full_name": "shop/site", "build.cause": "Started by an SCM change", "build.number": 252,
        "build.started.user.name": "Rosa", "build.started.user.id": "rosa",
        "scm.head.url": "https://git.harbour.example/shop/site.git",
        "scm.head.sha": .string(String(repeating: "a", count: 40)), "scm.branch": "vstrace-github-issue-site-36-fix",
        "build.parameter.goal": "test", "build.parameter.count": 3, "build.parameter.DB_PASSWORD": "***",
        "build.parameter.apiToken": "***", "build.parameter.monkey": "wild",
      ])
  }

  @Test("The name of who started it is read in any letter case; a branch that is not there is null")
  func oddities() throws {
    var delivery = try JenkinsSourceTests.delivery("statistics.start")
    delivery.body = Array(
      String(decoding: delivery.body, as: UTF8.self).replacing("startedUserName", with: "startedUsername").utf8)
    let end = try JenkinsSourceTests.delivery("statistics.end")
    #expect(
      try ClassicStory([delivery, end], of: JenkinsSourceTests.source).finished[0].tags["build.started.user.name"] == "Rosa")
    let tags = try Self.story(["statistics.no_branch"]).finished[0].tags
    #expect(tags["scm.branch"] == .null)
    #expect(tags["scm.head.sha"] == "")
    #expect(try Self.story(["statistics.aborted"]).finished[0].tags["scm.branch"] == nil, "no scmInfo, no tags of it")
  }

  @Test("A deploy by parameter or name, ended by an end without the hint")
  func deploy() throws {
    let story = try Self.story(["statistics.deploy", "statistics.deployed", "statistics.by_name"])
    #expect(story.finished.map(\.type) == ["deploy"])
    #expect(story.finished.map(\.error) == [false])
    #expect(story.finished.map(\.seconds) == [120])
    #expect(story.open == ["deploy INPROGRESS"])
  }

  @Test(
    "Whatever is not SUCCESS is an error",
    arguments: [
      ("statistics.no_branch", true), ("statistics.aborted", true), ("statistics.not_built", true), ("statistics.sparse", false),
    ])
  func errors(name: String, isError: Bool) throws {
    #expect(try Self.story([name]).finished.map(\.error) == [isError])
  }

  @Test("The other plugins, whose end is told twice")
  func others() throws {
    let notification = try Self.story(
      ["notification.queued", "notification.started", "notification.completed", "notification.finalized"])
    #expect(notification.finished.map(\.type) == ["build"])
    #expect(try Self.story(["notification.started", "notification.finalized"]).finished.count == 1)
    let generic = try Self.story(["run.initialize", "run.started", "run.completed", "run.finalized", "run.deleted"])
    #expect(generic.finished.map(\.error) == [false])
    #expect(generic.finished[0].tags["build.job.full_name"] == "shop/site")
  }
}
