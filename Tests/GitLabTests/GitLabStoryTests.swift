import GitLab
import Testing
import ValueStreamCore
import ValueStreamTesting

/// What several payloads together say, in whatever order they come.
@Suite("GitLab stories")
struct GitLabStoryTests {
  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(names.map { try GitLabSourceTests.delivery($0) }, of: GitLabSourceTests.source, seed: seed)
  }

  @Test("An issue, its merge request, the pipelines and jobs below it", arguments: UInt64(0)..<30)
  func change(seed: UInt64) throws {
    let story = try Self.story(
      [
        "issue.open", "issue.update", "merge_request.open", "merge_request.ready", "merge_request.push", "pipeline.created",
        "build.created", "build.pending", "pipeline.running", "build.running", "note.merge_request", "build.failed",
        "pipeline.failed", "pipeline.child", "merge_request.approved", "merge_request.merge", "merge_request.after",
        "issue.close",
      ], seed: seed)
    #expect(
      story.tree == [
        "issue:36 09:00:00 to 12:00:00 completed",
        "job:501 14:00:10 to 14:09:00 failure under pipeline:96963426 by vendor_link",
        "pipeline:96963426 14:00:10 to 14:09:05 failure under pull_request:12 by vendor_link",
        "pipeline:96963500 14:02:00 to 14:05:00 cancellation under job:501 by vendor_link",
        "pull_request:12 10:00:00 to 11:00:00 merged under issue:36 by closing_words",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
    #expect(story.phases(of: "pipeline:96963426") == ["queue 14:00:10 to 14:01:00", "run 14:01:00 to 14:09:05"])
    #expect(
      story.phases(of: "job:501") == [
        "wait 14:00:10 to 14:00:40", "queue 14:00:40 to 14:01:00", "run 14:01:00 to 14:09:00",
      ])
    #expect(story.phases(of: "pull_request:12") == ["draft 10:00:00 to 12:00:00", "review 12:00:00 to 11:00:00"])
    #expect(story.span("pull_request:12")?.events.map(\.name) == ["comment", "synchronize", "review"])
    #expect(story.span("issue:36")?.events.map(\.name) == ["labeled", "unlabeled"])
  }

  @Test("A pipeline whose failed job was tried again has two attempts", arguments: UInt64(0)..<12)
  func retried(seed: UInt64) throws {
    let story = try Self.story(
      ["pipeline.pending", "pipeline.running", "pipeline.failed", "pipeline.retried", "pipeline.passed"], seed: seed)
    #expect(
      story.tree == [
        "pipeline:96963426 14:00:10 to 14:09:05 failure", "pipeline:96963426/2 15:00:00 to 15:08:00 success",
      ])
  }

  @Test("A deploy is one, whether the job or the deployment tells it first", arguments: UInt64(0)..<12)
  func deploy(seed: UInt64) throws {
    let story = try Self.story(
      ["merge_request.merge", "build.deploy", "deployment.running", "deployment.success"], seed: seed)
    #expect(
      story.tree == [
        "deployment:3001 11:01:00 to 11:05:01 success under job:506 by vendor_link",
        "job:506 11:01:00 to 11:05:00 success", "pull_request:12 10:00:00 to 11:00:00 merged",
      ])
    #expect(story.span("deployment:3001")?.attributes.value(of: "deployment.environment.name") == "production")
    let byJob = try Self.story(["build.deploy"], seed: seed)
    #expect(byJob.spans.map(\.span.operation) == [.deploy, .job])
    #expect(try Self.story(["build.stop"], seed: seed).spans.map(\.span.operation) == [.job], "to stop is no deploy")
  }

  @Test("A deployment that no job made belongs to the change by its commit", arguments: UInt64(0)..<4)
  func script(seed: UInt64) throws {
    let story = try Self.story(["deployment.failed", "merge_request.merge"], seed: seed)
    #expect(
      story.tree == [
        "deployment:3003 11:02:00 to 11:02:00 failure under pull_request:12 by commit",
        "pull_request:12 10:00:00 to 11:00:00 merged",
      ])
  }

  @Test("An issue that was opened again", arguments: UInt64(0)..<6)
  func reopened(seed: UInt64) throws {
    let story = try Self.story(["issue.open", "issue.close", "issue.reopen", "note.issue"], seed: seed)
    #expect(story.tree == ["issue:36 09:00:00 to 12:00:00 completed", "issue:36/2 08:00:00 to ? open"])
  }

  @Test("Incidents, epics of groups, what is allowed to fail")
  func kinds() throws {
    #expect(try Self.story(["work_item.incident"], seed: 0).spans.map(\.span.operation) == [.incident])
    #expect(
      try Self.story(["work_item.epic"], seed: 0).spans.map(\.span.key.description) == [
        "gitlab:gitlab.example:group-880:issue:5"
      ])
    #expect(try Self.story(["build.allowed"], seed: 0).spans.map(\.span.outcome) == [.success])
    #expect(try Self.story(["build.runner_failed"], seed: 0).spans.map(\.span.outcome) == [.error])
    #expect(try Self.story(["issue.duplicate"], seed: 0).spans.map(\.span.outcome) == [.notPlanned])
  }
}
