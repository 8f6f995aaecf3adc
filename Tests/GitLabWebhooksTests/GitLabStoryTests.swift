import GitLabWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several payloads in any order.
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

  @Test("The author of a merge request is known once a payload names the account", arguments: UInt64(0)..<6)
  func author(seed: UInt64) throws {
    // GitLab gives the author as the id of an account.
    func delivery(_ name: String, author: Int, reviewers: String = "[]") throws -> Delivery {
      try GitLabSourceTests.delivery(name).replacing([
        "\"id\": 7712,": "\"id\": 7712, \"author_id\": \(author),",
        "\"object_kind\"": "\"reviewers\": \(reviewers), \"object_kind\"",
      ])
    }
    func author(_ deliveries: [Delivery]) throws -> AttributeValue? {
      try DeliveryStory(deliveries, of: GitLabSourceTests.source, seed: seed).span("pull_request:12")?.attributes
        .value(of: "valuestream.change.author")
    }
    let named = #"[{"id": 7, "name": "Max", "username": "max"}]"#
    let open = try delivery("merge_request.open", author: 61)
    #expect(try author([open]) == "rosa")
    #expect(try author([open, try delivery("note.merge_request", author: 61)]) == "rosa", "the author comments")
    #expect(try author([try delivery("note.merge_request", author: 7)]) == nil, "somebody else comments")
    #expect(try author([try delivery("merge_request.open", author: 7, reviewers: named)]) == "max")
    #expect(try author([open, try delivery("merge_request.open", author: 7)]) == "rosa", "what is not told changes nothing")
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
        "deployment:3001 11:02:00 to 11:05:01 success under job:506 by vendor_link",
        "job:506 11:01:00 to 11:05:00 success", "pull_request:12 10:00:00 to 11:00:00 merged",
      ])
    #expect(story.span("deployment:3001")?.attributes.value(of: "deployment.environment.name") == "production")
    let byJob = try Self.story(["build.deploy"], seed: seed)
    #expect(byJob.spans.map(\.span.operation) == [.deploy, .job])
    #expect(try Self.story(["build.stop"], seed: seed).spans.map(\.span.operation) == [.job], "to stop is no deploy")
  }

  @Test("A job that does not run is no deploy; one that fails is a failed one, though its pipeline may go on")
  func jobsThatDoNotDeploy() throws {
    func spans(_ changes: KeyValuePairs<String, String>) throws -> [Span] {
      let delivery = try GitLabSourceTests.delivery("build.deploy").replacing(changes)
      return try DeliveryStory([delivery], of: GitLabSourceTests.source, seed: 0).spans.map(\.span)
    }
    let (status, times) = ("\"build_status\": \"success\"", "\"build_started_at\": \"2024-03-06 11:02:00 UTC\"")
    for other in ["manual", "created", "pending", "skipped", "canceled"] {
      let found = try spans([status: "\"build_status\": \"\(other)\"", times: "\"build_started_at\": null"])
      #expect(found.map(\.operation) == [.job], "\(other)")
    }
    let failed = try spans([
      status: "\"build_status\": \"failed\"", "\"build_allow_failure\": false": "\"build_allow_failure\": true",
    ])
    #expect(failed.map(\.operation) == [.deploy, .job])
    #expect(failed.map(\.outcome) == [.failure, .success])
    #expect(failed.first?.attributes.value(of: "deployment.status") == "failed")
    let deploy = try #require(try spans([:]).first)
    #expect(deploy.start.rfc3339 == "2024-03-06T11:02:00Z", "not since the pipeline was created")
    #expect(deploy.phases.map(\.name) == ["run"])
  }

  @Test("What stands at the end of a long description or message counts")
  func longTexts() throws {
    let text = String(repeating: "更新 ", count: 25_000)
    let delivery = try GitLabHistory.mergeRequest(
      "open", "opened", updated: "09:00:00", change: ["description": "\(text)\n\nCloses #5"])
    let words = try GitLabSource().events(in: delivery).requireEvents().flatMap(\.follows).filter { $0.rule == .closingWords }
    #expect(words.flatMap(\.references).contains { $0.value.hasSuffix("5") })
    let message = try GitLabHistory.delivery(
      "pipeline",
      [
        "object_attributes": ["id": 700, "ref": "main", "source": "push", "status": "pending"] as GitLabHistory.Object,
        "commit": ["id": String(repeating: "d", count: 40), "message": "\(text)\n\nTP-3"],
      ])
    let keys = try GitLabSource().events(in: message).requireEvents().flatMap(\.follows).filter { $0.rule == .issueKey }
    #expect(keys.flatMap(\.references).contains { $0.value == "TP-3" })
  }

  @Test("A pipeline that came to a manual job was in the queue, and ran")
  func manual() throws {
    let delivery = try GitLabSourceTests.delivery("pipeline.running").replacing([
      "\"status\": \"running\"": "\"status\": \"manual\""
    ])
    let story = try DeliveryStory([delivery], of: GitLabSourceTests.source, seed: 0)
    #expect(story.phases(of: "pipeline:96963426") == ["queue 14:00:10 to 14:01:00", "run 14:01:00 to ?"])
  }

  @Test("A comment makes no issue of an incident", arguments: UInt64(0)..<6)
  func commentedIncident(seed: UInt64) throws {
    let incident = try GitLabSourceTests.delivery("issue.open").replacing(["\"type\": \"Issue\"": "\"type\": \"Incident\""])
    let note = try GitLabSourceTests.delivery("note.issue")
    let story = try DeliveryStory([incident, note], of: GitLabSourceTests.source, seed: seed)
    #expect(story.spans.map(\.span.operation) == [.incident])
    #expect(try Self.story(["note.issue"], seed: 0).spans.map(\.span.operation) == [.issue])
  }

  @Test(
    "Where a script sends no number, the id stands in",
    arguments: [("issue.open", "issue", "9036"), ("merge_request.open", "pull_request", "7712")])
  func numberless(name: String, kind: String, id: String) throws {
    let delivery = try GitLabSourceTests.delivery(name)
    let number = try #require(String(decoding: delivery.body, as: UTF8.self).firstMatch(of: /"iid": [0-9]+/))
    let changed = try delivery.replacing([String(number.output): "\"iid\": null"])
    let story = try DeliveryStory([changed], of: GitLabSourceTests.source, seed: 0)
    let key = SubjectKey(
      source: "gitlab", host: "gitlab.example", container: "15119184", kind: kind, id: SubjectKey.fallbackPart(id))
    #expect(story.spans.first?.span.key == key)
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
    #expect(story.span("issue:36/2")?.isStartUnknown == false)
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
