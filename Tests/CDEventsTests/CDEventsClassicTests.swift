import CDEvents
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that the Go ValueStream would have shown if it had supported CDEvents.
@Suite("CDEvents' classic spans")
struct CDEventsClassicTests {
  static func story(_ names: [String]) throws -> ClassicStory {
    try ClassicStory(names.map { try CDEventsSourceTests.delivery($0) }, of: CDEventsSourceTests.source)
  }

  @Test("A run: a span while it waits, a span while it runs; late news restart nothing")
  func run() throws {
    let story = try Self.story([
      "pipelinerun.queued", "pipelinerun.started", "pipelinerun.started", "pipelinerun.queued", "custom.paused",
      "pipelinerun.finished",
    ])
    #expect(story.finished.map(\.type) == ["build", "build"])
    #expect(story.finished.map(\.error) == [false, false])
    #expect(story.finished.map(\.seconds) == [55.25, 539.75])
    #expect(story.open.isEmpty)
    #expect(
      story.finished[1].tags == [
        "service": "cdevents", "event.type": "pipelinerun", "event.state": "started", "subject.id": "site-ci-701",
        "subject.source": "/staging/tekton",
      ])
  }

  @Test("Ends without a start: an error is what failed")
  func ends() throws {
    let story = try Self.story(["pipelinerun.failed", "taskrun.cancelled", "build.finished"])
    #expect(story.finished.map(\.type) == ["build", "build", "build"])
    #expect(story.finished.map(\.error) == [true, false, false])
    #expect(story.finished.map(\.seconds) == [nil, nil, nil])
  }

  @Test("Of deploys and releases only the end is told, so they have no length that could be measured")
  func spanEvents() throws {
    let story = try Self.story(["artifact.packaged", "artifact.published", "service.deployed", "service.rolledback"])
    #expect(story.finished.map(\.type) == ["release", "deploy", "deploy"])
    #expect(story.finished.map(\.seconds) == [nil, nil, nil])
    #expect(story.open.isEmpty)
  }

  @Test("Tickets and incidents, from their beginning to their end")
  func tickets() throws {
    let story = try Self.story([
      "ticket.created", "ticket.updated", "incident.detected", "incident.reported", "incident.resolved", "ticket.closed",
      "ticket.incident",
    ])
    #expect(story.finished.map(\.type) == ["incident", "issue"])
    #expect(story.finished.map(\.seconds) == [35 * 60, 51 * 3600])
    #expect(story.open == ["incident created"])
  }

  @Test("Nothing else has a classic span")
  func others() throws {
    let story = try Self.story([
      "change.created", "change.merged", "testsuiterun.started", "testcaserun.finished", "environment.created", "branch.created",
    ])
    #expect(story.finished.isEmpty)
    #expect(story.open.isEmpty)
  }
}
