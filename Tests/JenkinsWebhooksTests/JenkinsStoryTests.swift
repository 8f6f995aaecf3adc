import JenkinsWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several payloads in any order.
@Suite("Jenkins stories")
struct JenkinsStoryTests {
  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(names.map { try JenkinsSourceTests.delivery($0) }, of: JenkinsSourceTests.source, seed: seed)
  }

  @Test("A build with its queue, steps and checkout, and the deploy it started", arguments: UInt64(0)..<40)
  func statistics(seed: UInt64) throws {
    let story = try Self.story(
      [
        "queue.entered", "queue.left", "statistics.start", "checkout.start", "checkout.end", "step.start", "step.end",
        "statistics.end", "statistics.deploy", "statistics.deployed",
      ], seed: seed)
    #expect(
      story.tree == [
        "build:17 11:02:50 to 11:05:20 success under build:252 by vendor_link", "build:252 10:00:25 to 10:09:00 failure",
      ])
    #expect(story.spans.map(\.span.operation) == [.deploy, .build])
    #expect(story.spans.map(\.classicID) == ["vstrace-jenkins-deploy-rollout-17", "vstrace-jenkins-build-site-252"])
    #expect(story.span("build:17")?.attributes.value(of: "deployment.environment.name") == "production")
    #expect(
      story.phases(of: "build:252").filter { !$0.hasPrefix("queue") } == [
        "run 10:01:00 to 10:09:00", "checkout 10:01:01 to 10:01:09", "Shell 10:01:10 to 10:08:50",
      ])
  }

  @Test("The other plugins tell the same build the same way", arguments: UInt64(0)..<20)
  func others(seed: UInt64) throws {
    let notification = try Self.story(
      ["notification.queued", "notification.started", "notification.completed", "notification.finalized"], seed: seed)
    #expect(notification.tree == ["build:252 10:00:59 to 10:09:00 failure"])
    #expect(notification.phases(of: "build:252") == ["queue 10:00:59 to 10:01:00", "run 10:01:00 to 10:09:00"])
    #expect(notification.span("build:252")?.attributes.value(of: "error.type") == "unstable")
    let generic = try Self.story(["run.initialize", "run.started", "run.completed", "run.finalized"], seed: seed)
    #expect(generic.tree == ["build:252 10:01:00 to 10:09:00 success"])
    let both = try Self.story(
      ["run.started", "run.completed", "queue.entered", "notification.started", "notification.completed"], seed: seed)
    #expect(both.spans.map(\.span.key.description) == ["jenkins:ci.harbour.example:shop%2Fsite:build:252"])
  }

  @Test("An end that knows nothing of the parameters ends the deploy", arguments: UInt64(0)..<4)
  func hints(seed: UInt64) throws {
    let story = try Self.story(["statistics.deploy", "statistics.deployed"], seed: seed)
    #expect(story.spans.map(\.span.operation) == [.deploy])
    #expect(try Self.story(["statistics.deployed"], seed: 0).spans.map(\.span.operation) == [.build])
    #expect(try Self.story(["statistics.by_name"], seed: 0).spans.map(\.span.operation) == [.deploy])
  }

  @Test("Only the end: the start follows from the duration")
  func endOnly() throws {
    #expect(try Self.story(["statistics.end"], seed: 0).tree == ["build:252 10:01:00 to 10:09:00 failure"])
    #expect(try Self.story(["statistics.sparse"], seed: 0).spans.map(\.span.isStartUnknown) == [true])
  }

  @Test("An item of the queue alone is no span: it may be cancelled")
  func queue() throws {
    #expect(try Self.story(["queue.entered", "queue.left"], seed: 0).spans.isEmpty)
  }
}
