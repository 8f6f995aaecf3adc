import GitHubWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several payloads in any order.
@Suite("GitHub stories")
struct GitHubStoryTests {
  /// - Parameter names: Names of fixtures.
  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(names.map { try GitHubSourceTests.delivery($0) }, of: GitHubSourceTests.source, seed: seed)
  }

  @Test("A run with its jobs, run again, below its pull request", arguments: UInt64(0)..<40)
  func run(seed: UInt64) throws {
    let story = try Self.story(
      [
        "pull_request.opened", "workflow_run.requested", "workflow_job.queued", "workflow_job.skipped",
        "workflow_run.in_progress", "workflow_job.in_progress", "check_run.actions_queued", "workflow_job.completed",
        "check_run.actions", "workflow_run.completed", "workflow_run.rerun", "check_suite.app", "check_run.app",
      ], seed: seed)
    #expect(
      story.tree == [
        "check:128620 10:00:20 to 10:02:20 success under suite:6009 by vendor_link",
        "job:5001 10:00:10 to 10:08:55 failure under run:7001 by vendor_link",
        "job:5002 10:00:11 to 10:00:12 skip under run:7001 by vendor_link",
        "pull_request:12 10:00:00 to ? open",
        "run:7001 10:00:05 to 10:09:00 failure under pull_request:12 by vendor_link",
        "run:7001/2 11:00:00 to 11:08:00 success under pull_request:12 by vendor_link",
        "suite:6009 10:00:08 to 10:02:30 timeout under pull_request:12 by vendor_link",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
    #expect(story.phases(of: "run:7001") == ["queue 10:00:05 to 10:01:30", "run 10:01:30 to 10:09:00"])
    #expect(story.phases(of: "run:7001/2") == ["run 11:00:00 to 11:08:00"])
    #expect(
      story.phases(of: "job:5001") == [
        "queue 10:00:10 to 10:01:30", "run 10:01:30 to 10:08:55", "Set up job 10:01:30 to 10:01:32",
        "Unit tests 10:01:32 to 10:08:50",
      ])
    #expect(story.phases(of: "job:5002").isEmpty)
  }

  @Test("A run of which only the end was seen ran all the time", arguments: UInt64(0)..<4)
  func lateHook(seed: UInt64) throws {
    let story = try Self.story(["workflow_run.requested", "workflow_run.completed"], seed: seed)
    #expect(story.phases(of: "run:7001") == ["queue 10:00:05 to 10:00:05", "run 10:00:05 to 10:09:00"])
  }

  @Test(
    "A run that was cancelled in the queue was queued all the time, and one that had begun ran until then",
    arguments: UInt64(0)..<6)
  func cancelledInQueue(seed: UInt64) throws {
    let requested = try GitHubSourceTests.delivery("workflow_run.requested")
    let cancelled = try GitHubSourceTests.delivery("workflow_run.completed").replacing([
      #""conclusion": "failure""#: #""conclusion": "cancelled""#
    ])
    let waited = try DeliveryStory([requested, cancelled], of: GitHubSourceTests.source, seed: seed)
    #expect(waited.tree == ["run:7001 10:00:05 to 10:09:00 cancellation"])
    #expect(waited.phases(of: "run:7001") == ["queue 10:00:05 to 10:09:00"])
    let begun = try DeliveryStory(
      [requested, try GitHubSourceTests.delivery("workflow_run.in_progress"), cancelled], of: GitHubSourceTests.source, seed: seed
    )
    #expect(begun.phases(of: "run:7001") == ["queue 10:00:05 to 10:01:30", "run 10:01:30 to 10:09:00"])
  }

  @Test("A run that somebody has to approve is not over, and goes on in the same attempt", arguments: UInt64(0)..<12)
  func approvedRun(seed: UInt64) throws {
    let waiting = try GitHubSourceTests.delivery("workflow_run.action_required")
    #expect(try DeliveryStory([waiting], of: GitHubSourceTests.source, seed: 0).tree == ["run:7003 10:00:05 to ? open"])
    let approved = try [
      waiting, GitHubSourceTests.delivery("workflow_run.in_progress").replacing(["\"id\": 7001": "\"id\": 7003"]),
      GitHubSourceTests.delivery("workflow_run.completed").replacing(["\"id\": 7001": "\"id\": 7003"]),
    ]
    let story = try DeliveryStory(approved, of: GitHubSourceTests.source, seed: seed)
    #expect(story.tree == ["run:7003 10:00:05 to 10:09:00 failure"])
    #expect(story.phases(of: "run:7003") == ["wait 10:00:05 to 10:01:30", "run 10:01:30 to 10:09:00"])
  }

  @Test("What a check says of a job yields to what the job says", arguments: UInt64(0)..<6)
  func jobAndCheck(seed: UInt64) throws {
    let story = try Self.story(["workflow_run.rerun", "check_run.actions", "workflow_job.completed"], seed: seed)
    #expect(story.span("job:5001")?.name == "acme/site CI / test")
    let alone = try Self.story(["check_run.actions"], seed: seed)
    #expect(alone.span("job:5001")?.name == "acme/site test")
  }

  @Test("A job that is queued without any time is queued since it was received")
  func queuedWithoutTimes() throws {
    let sparse = Delivery(
      source: "github", received: GitHubSourceTests.received, headers: ["X-GitHub-Event": "workflow_job"],
      body: Array(#"{"action":"queued","workflow_job":{"id":1,"status":"queued"},"repository":{"name":"site"}}"#.utf8))
    let story = try DeliveryStory([sparse], of: GitHubSourceTests.source, seed: 0)
    #expect(story.spans.first?.span.phases.map(\.start) == [GitHubSourceTests.received])
  }

  @Test("The last label, and the type, can be taken away", arguments: UInt64(0)..<6)
  func unlabeled(seed: UInt64) throws {
    let opened = try GitHubSourceTests.delivery("issues.opened")
    let later = try opened.replacing([
      "\"action\": \"opened\"": "\"action\": \"unlabeled\"",
      "[{ \"id\": 1, \"name\": \"bug\" }, { \"id\": 2, \"name\": \"checkout\" }]": "[]",
      "\"updated_at\": \"2024-03-04T09:00:00Z\"": "\"updated_at\": \"2024-03-04T09:30:00Z\", \"type\": null",
    ])
    let before = try DeliveryStory([opened], of: GitHubSourceTests.source, seed: 0).spans.first?.span.attributes
    #expect(before?.value(of: "valuestream.issue.labels") == .strings(["bug", "checkout"]))
    let story = try DeliveryStory([opened, later], of: GitHubSourceTests.source, seed: seed)
    let attributes = try #require(story.spans.first?.span.attributes)
    #expect(attributes.value(of: "valuestream.issue.labels") == nil)
    #expect(attributes.value(of: "valuestream.issue.type") == nil)
    #expect(story.spans.first?.span.events.map(\.name) == ["unlabeled"])
  }

  @Test("A deployment of which only its replacement was seen is over")
  func inactive() throws {
    let story = try Self.story(["deployment_status.inactive"], seed: 0)
    #expect(story.tree == ["deployment:3001 11:10:00 to 11:15:00 open"])
    #expect(story.spans.map(\.span.isEndUnknown) == [true], "it was over before it was replaced")
  }

  @Test("All commits of a long push are read, up to the most that GitHub lists", arguments: [1, 1001, 2047, 2048, 2049])
  func longPush(count: Int) throws {
    let commits = (0..<count).map { #"{"id": "\#(String($0, radix: 16))", "distinct": true}"# }.joined(separator: ", ")
    let push = Delivery(
      source: "github", received: GitHubSourceTests.received, headers: ["X-GitHub-Event": "push"],
      body: Array(
        #"""
        {"ref": "refs/heads/main", "before": "aa", "after": "bb", "commits": [\#(commits)],
         "repository": {"id": 1, "name": "site", "full_name": "acme/site", "owner": {"login": "acme"}}}
        """#.utf8))
    guard case .events(_, let updates) = try GitHubSourceTests.source.events(in: push) else {
      Issue.record("no update")
      return
    }
    #expect(updates.map(\.commits.count) == [min(count, 2048)])
    #expect(updates.map(\.isCutShort) == [count >= 2048], "GitHub does not say whether there were more")
  }

  @Test("Closing words find an issue that was seen before the repository got its name", arguments: UInt64(0)..<6)
  func renamed(seed: UInt64) throws {
    let issue = try GitHubSourceTests.delivery("issues.opened").replacing(["acme/site": "acme/oldsite"])
    let request = try GitHubSourceTests.delivery("pull_request.closing_words")
    let story = try DeliveryStory([issue, request], of: GitHubSourceTests.source, seed: seed)
    #expect(story.tree.contains { $0.hasSuffix("under issue:36 by closing_words") }, "\(story.tree)")
  }

  @Test("Closing words at the end of the longest body tie a change to its issue", arguments: ["x", "\u{6F22}"])
  func longBody(character: String) throws {
    let filler = String(repeating: character, count: 65_000)
    let request = try GitHubSourceTests.delivery("pull_request.closing_words").replacing(["Keeps it through checkout.": filler])
    let issue = try GitHubSourceTests.delivery("issues.opened")
    let story = try DeliveryStory([issue, request], of: GitHubSourceTests.source, seed: 0)
    #expect(story.tree.contains { $0.hasSuffix("under issue:36 by closing_words") }, "\(story.tree)")
  }

  @Test("A job that waited for approval, then in the queue", arguments: UInt64(0)..<12)
  func approval(seed: UInt64) throws {
    let waiting = try Self.story(["workflow_job.waiting", "workflow_job.completed"], seed: seed)
    #expect(waiting.phases(of: "job:5001").prefix(2) == ["wait 10:00:10 to 10:01:30", "run 10:01:30 to 10:08:55"])
    let approved = try Self.story(["workflow_job.waiting", "workflow_job.approved"], seed: seed)
    #expect(approved.phases(of: "job:5001") == ["wait 10:00:10 to 10:20:00", "queue 10:20:00 to ?"])
  }

  @Test("A deployment of a merged change: waiting, running, done, later replaced", arguments: UInt64(0)..<30)
  func deployment(seed: UInt64) throws {
    let story = try Self.story(
      [
        "pull_request.merged", "workflow_run.deploy", "deployment.created", "deployment_status.waiting",
        "deployment_status.in_progress", "workflow_job.environment", "deployment_status.success",
        "deployment_status.inactive",
      ], seed: seed)
    #expect(
      story.tree == [
        "deployment:3001 11:10:00 to 11:15:00 success under job:5003 by vendor_link",
        "job:5003 11:10:00 to 11:15:00 success under run:7004 by vendor_link",
        "pull_request:12 10:00:00 to 11:00:00 merged",
        "run:7004 10:00:05 to 10:09:00 error under pull_request:12 by commit",
      ])
    #expect(
      story.phases(of: "deployment:3001") == [
        "queue 11:10:00 to 11:10:05", "wait 11:10:05 to 11:12:00", "run 11:12:00 to 11:15:00",
      ])
    #expect(story.spans[0].span.events.map(\.name) == ["inactive"])
    #expect(story.spans[0].span.attributes.value(of: "deployment.environment.name") == "production")
    #expect(story.spans[3].span.operation == .deploy)
    #expect(story.spans[3].span.attributes.value(of: "deployment.environment.name") == "production")
  }

  @Test("A deployment that a script made belongs to the change by its commit", arguments: UInt64(0)..<6)
  func script(seed: UInt64) throws {
    let story = try Self.story(["deployment.by_script", "pull_request.merged"], seed: seed)
    #expect(
      story.tree == [
        "deployment:3002 11:10:00 to ? open under pull_request:12 by commit", "pull_request:12 10:00:00 to 11:00:00 merged",
      ])
  }

  @Test("A sub-issue, its pull request by closing words, and the queue it went through", arguments: UInt64(0)..<30)
  func issues(seed: UInt64) throws {
    let story = try Self.story(
      [
        "issues.opened", "pull_request.closing_words", "pull_request.enqueued", "merge_group.checks_requested",
        "workflow_run.deploy", "merge_group.destroyed", "issue_comment.issue", "issue_comment.pull_request",
      ], seed: seed)
    #expect(
      story.tree == [
        "issue:36 09:00:00 to ? open",
        "pull_request:12 10:00:00 to 11:00:00 merged under issue:36 by closing_words",
        "run:7004 10:00:05 to 10:09:00 error under pull_request:12 by commit",
      ])
    #expect(story.phases(of: "pull_request:12") == ["merge_queue 10:30:00 to 11:00:00"])
    #expect(story.spans[0].span.events.map(\.name) == ["comment"])
    #expect(
      story.spans[1].span.events.map(\.name) == [
        "enqueued", "merge_group_checks_requested", "comment", "merge_group_destroyed",
      ])
  }

  @Test("An issue is an incident while its label says so", arguments: UInt64(0)..<6)
  func incident(seed: UInt64) throws {
    let story = try Self.story(["issues.opened", "issues.labeled_incident"], seed: seed)
    #expect(story.spans.map(\.span.operation) == [.incident])
    #expect(try Self.story(["issues.opened"], seed: 0).spans.map(\.span.operation) == [.issue])
  }

  @Test("A status that is reported again", arguments: UInt64(0)..<6)
  func status(seed: UInt64) throws {
    let story = try Self.story(["status.pending", "status.failure"], seed: seed)
    #expect(story.spans.map { $0.span.end?.seconds(since: $0.span.start) } == [360])
    #expect(story.spans.map(\.span.outcome) == [.failure])
  }

  @Test("A release is a draft until it is published", arguments: UInt64(0)..<6)
  func release(seed: UInt64) throws {
    #expect(try Self.story(["release.draft"], seed: seed).spans.map(\.span.end) == [nil])
    let story = try Self.story(["release.draft", "release.published", "release.unpublished"], seed: seed)
    #expect(story.tree == ["release:1701 09:00:00 to 09:00:00 success"])
    #expect(story.spans[0].span.events.map(\.name) == ["unpublished"])
    #expect(try Self.story(["release.deleted_draft"], seed: seed).spans.map(\.span.outcome) == [.abandoned])
  }
}
