import GitHubWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Absent or zero times, unreported ends and unknown outcomes must not become facts.
@Suite("Times that GitHub does not tell")
struct GitHubTimeTests {
  static let received = Timestamp(rfc3339: "2025-05-05T00:00:00Z") ?? .epoch

  static func delivery(_ type: String, _ json: String) -> Delivery {
    let repository = #""repository":{"id":9,"name":"site","full_name":"acme/site","owner":{"login":"acme"}}"#
    return Delivery(
      source: "github", received: received, headers: ["X-GitHub-Event": type], body: Array("{\(json),\(repository)}".utf8))
  }

  /// - Parameter times: Further JSON members of the pull request.
  static func request(_ number: Int, action: String, state: String, _ times: String) -> Delivery {
    delivery(
      "pull_request",
      """
      "action":"\(action)","pull_request":{"number":\(number),"state":"\(state)","created_at":"2024-03-04T09:00:00Z",\(times)}
      """)
  }

  static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(deliveries, of: GitHubSourceTests.source, seed: seed)
  }

  // MARK: Laws

  /// Release drafts without `updated_at` carry only the time of a commit.
  static let sparse = ["release.draft", "release.deleted_draft"]

  @Test("No time that is absent or zero makes anything longer", arguments: GitHubSourceTests.samples)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(GitHubSourceTests.source).checkAbsentTimes(try GitHubSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: GitHubSourceTests.fixtures)
  func replay(fixture: PayloadFixture) throws {
    let laws = PayloadTimeLaws(GitHubSourceTests.source)
    let delivery = try GitHubSourceTests.delivery(fixture)
    if Self.sparse.contains(fixture.name) { try laws.checkReplayOfSparse(delivery) } else { try laws.checkReplay(delivery) }
  }

  // MARK: Pull requests

  @Test("A merge without closed_at ends when it was merged; a close without it has no known end", arguments: UInt64(0)..<4)
  func withoutClosedAt(seed: UInt64) throws {
    let merged = Self.request(
      1, action: "closed", state: "closed",
      #""closed_at":null,"merged":true,"merged_at":"2024-03-04T15:00:00Z","updated_at":"2024-03-04T15:00:00Z""#)
    let closed = Self.request(
      2, action: "closed", state: "closed",
      #""closed_at":null,"merged":false,"merged_at":null,"updated_at":"2024-03-04T12:00:00Z""#)
    let story = try Self.story([merged, closed], seed: seed)
    #expect(
      story.tree == ["pull_request:1 09:00:00 to 15:00:00 merged", "pull_request:2 09:00:00 to 12:00:00 abandoned"])
    #expect(story.spans.map(\.span.isEndUnknown) == [false, true])
    #expect(story.spans.map { $0.span.attributes.value(of: "valuestream.end.unknown") } == [nil, .bool(true)])
  }

  @Test("The receipt of a change to a draft is no border of a phase, where the payload has other times", arguments: UInt64(0)..<6)
  func draftWithoutTime(seed: UInt64) throws {
    let opened = Self.request(1, action: "opened", state: "open", #""updated_at":"2024-03-04T09:00:00Z""#)
    let draft = Self.request(1, action: "converted_to_draft", state: "open", #""updated_at":null"#)
    let story = try Self.story([opened, draft], seed: seed)
    #expect(story.phases(of: "pull_request:1") == ["review 09:00:00 to ?"])
  }

  @Test("A close that GitHub read too early does not say that it was not merged", arguments: UInt64(0)..<6)
  func staleClose(seed: UInt64) throws {
    let opened = Self.request(1, action: "opened", state: "open", #""updated_at":"2024-03-04T09:00:00Z""#)
    let stale = Self.request(
      1, action: "closed", state: "open",
      #""closed_at":null,"merged":false,"merged_at":null,"updated_at":"2024-03-04T12:00:02Z""#)
    let labeled = Self.request(
      1, action: "labeled", state: "closed",
      #""closed_at":"2024-03-04T12:00:00Z","merged":true,"merged_at":"2024-03-04T12:00:00Z","updated_at":"2024-03-04T12:01:00Z""#)
    let story = try Self.story([opened, stale, labeled], seed: seed)
    #expect(story.tree == ["pull_request:1 09:00:00 to 12:00:00 merged"])
    #expect(story.spans.map(\.span.isEndUnknown) == [false])
    let alone = try Self.story([opened, stale], seed: seed)
    #expect(alone.tree == ["pull_request:1 09:00:00 to 12:00:02 open"], "it is over, nobody knows how")
    #expect(alone.spans.map(\.span.isEndUnknown) == [true])
  }

  @Test("merged_at says that it was merged, whatever merged says")
  func mergedAt() throws {
    let merged = Self.request(
      1, action: "closed", state: "closed",
      #""closed_at":"2024-03-04T12:00:00Z","merged":false,"merged_at":"2024-03-04T12:00:00Z","updated_at":"2024-03-04T12:00:00Z""#
    )
    #expect(try Self.story([merged], seed: 0).spans.map(\.span.outcome) == [.merged])
  }

  @Test("A comment does not say how a pull request ended, unless it tells the merge", arguments: UInt64(0)..<4)
  func comment(seed: UInt64) throws {
    let merged = Self.request(
      1, action: "closed", state: "closed",
      #""closed_at":"2024-03-04T15:00:00Z","merged":true,"merged_at":"2024-03-04T15:00:00Z","updated_at":"2024-03-04T15:00:00Z""#)
    func comment(_ number: Int, _ request: String) -> Delivery {
      Self.delivery(
        "issue_comment",
        """
        "action":"created","comment":{"id":5,"created_at":"2024-03-05T10:00:00Z","user":{"login":"rosa"}},\
        "issue":{"number":\(number),"state":"closed","created_at":"2024-03-04T09:00:00Z","closed_at":"2024-03-04T15:00:00Z",\
        "updated_at":"2024-03-05T10:00:00Z","pull_request":{"url":"x"\(request)}}
        """)
    }
    let story = try Self.story(
      [
        merged, comment(1, ""), comment(2, ""), comment(3, #","merged_at":"2024-03-04T15:00:00Z""#),
        comment(4, #","merged_at":null"#),
      ],
      seed: seed)
    #expect(story.spans.map(\.span.outcome) == [.merged, nil, .merged, .abandoned])
    #expect(Set(story.spans.map { $0.span.end?.rfc3339 }) == ["2024-03-04T15:00:00Z"])
  }

  // MARK: Jobs and runs

  static func job(_ id: Int, conclusion: String?, _ created: String, _ started: String, _ completed: String) -> Delivery {
    let state = conclusion == nil ? "queued" : "completed"
    return delivery(
      "workflow_job",
      """
      "action":"\(state)","workflow_job":{"id":\(id),"run_id":3,"status":"\(state)",\
      "conclusion":\(conclusion.map { "\"\($0)\"" } ?? "null"),"created_at":"\(created)","started_at":"\(started)",\
      "completed_at":"\(completed)","steps":[{"name":"Set up","conclusion":"success","started_at":"\(started)","completed_at":"\(started)"}]}
      """)
  }

  @Test("Zero times of Go and of Unix stand for none", arguments: UInt64(0)..<6)
  func zeroTimes(seed: UInt64) throws {
    let (zero, epoch) = ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z")
    let (created, started, completed) = ("2024-03-04T09:00:00Z", "2024-03-04T09:00:10Z", "2024-03-04T09:01:00Z")
    let story = try Self.story(
      [
        Self.job(1, conclusion: nil, created, zero, zero), Self.job(2, conclusion: "cancelled", created, epoch, completed),
        Self.job(3, conclusion: "cancelled", created, started, epoch),
        Self.job(4, conclusion: "failure", epoch, started, completed),
      ], seed: seed)
    #expect(
      story.tree == [
        "job:1 09:00:00 to ? open", "job:2 09:00:00 to 09:01:00 cancellation", "job:3 09:00:00 to 09:00:10 cancellation",
        "job:4 09:00:10 to 09:01:00 failure",
      ])
    #expect(story.spans.map(\.span.isEndUnknown) == [false, false, true, false])
    #expect(story.phases(of: "job:4") == ["run 09:00:10 to 09:01:00", "Set up 09:00:10 to 09:00:10"])
  }

  @Test("A job that ended before it began never ran, and no phase of it lies outside of it", arguments: UInt64(0)..<4)
  func neverRan(seed: UInt64) throws {
    let story = try Self.story(
      [
        Self.job(1, conclusion: "skipped", "2024-03-04T09:00:05Z", "2024-03-04T09:00:05Z", "2024-02-11T09:00:00Z"),
        Self.job(2, conclusion: "success", "2024-03-04T09:00:06Z", "2024-03-04T09:00:05Z", "2024-03-04T09:03:05Z"),
        Self.job(3, conclusion: "cancelled", "2024-03-04T09:00:06Z", "2024-03-04T09:00:10Z", "2024-03-04T09:00:08Z"),
      ], seed: seed)
    #expect(
      story.tree == [
        "job:1 09:00:05 to 09:00:05 skip", "job:2 09:00:05 to 09:03:05 success", "job:3 09:00:06 to 09:00:08 cancellation",
      ])
    #expect(story.phases(of: "job:3") == ["queue 09:00:06 to 09:00:08"])
  }

  // MARK: Ends replaced by later ones

  @Test("A deployment that fails and then succeeds says nothing of the failure", arguments: UInt64(0)..<6)
  func failedThenSuccessful(seed: UInt64) throws {
    func status(_ state: String, _ time: String) -> Delivery {
      Self.delivery(
        "deployment_status",
        """
        "action":"created","deployment":{"id":7,"environment":"production","created_at":"2024-03-04T09:00:00Z"},\
        "deployment_status":{"state":"\(state)","created_at":"2024-03-04T\(time)Z"}
        """)
    }
    let deliveries = [status("in_progress", "09:00:05"), status("failure", "09:05:00"), status("success", "09:09:00")]
    let span = try #require(try Self.story(deliveries, seed: seed).span("deployment:7"))
    #expect(span.outcome == .success)
    #expect(span.attributes.value(of: "error.type") == nil)
    #expect(span.attributes.value(of: "deployment.status") == .string("succeeded"))
    let failed = try #require(try Self.story(Array(deliveries.prefix(2)), seed: seed).span("deployment:7"))
    #expect(failed.attributes.value(of: "error.type") == .string("failure"))
  }

  @Test("A status that fails between two that succeed", arguments: UInt64(0)..<6)
  func flippingStatus(seed: UInt64) throws {
    func status(_ state: String, _ time: String) -> Delivery {
      let sha = String(repeating: "c", count: 40)
      return Self.delivery(
        "status", #""sha":"\#(sha)","context":"coverage","state":"\#(state)","created_at":"2024-03-04T\#(time)Z""#)
    }
    let story = try Self.story(
      [status("success", "09:00:00"), status("failure", "09:10:00"), status("success", "09:20:00")], seed: seed)
    #expect(story.spans.map(\.span.outcome) == [.success])
    #expect(story.spans.map(\.span.isStartUnknown) == [true], "nothing was pending, so it has no duration")
    #expect(story.spans.map { $0.span.attributes.value(of: "error.type") } == [nil])
    let dateless = Self.delivery(
      "status", #""sha":"\#(String(repeating: "d", count: 40))","context":"coverage","state":"failure""#)
    #expect(try Self.story([dateless], seed: seed).spans.map(\.span.end) == [Self.received])
  }

  @Test(
    "A deployment that waits for somebody and fails without having run was not approved", arguments: UInt64(0)..<12,
    ["failure", "error"])
  func rejectedDeployment(seed: UInt64, state: String) throws {
    func status(_ id: Int, _ state: String, _ time: String) -> Delivery {
      Self.delivery(
        "deployment_status",
        """
        "action":"created","deployment":{"id":\(id),"environment":"production","created_at":"2024-03-04T09:00:00Z"},\
        "deployment_status":{"state":"\(state)","created_at":"2024-03-04T\(time)Z"}
        """)
    }
    let story = try Self.story(
      [
        status(7, "waiting", "09:00:00"), status(7, state, "09:30:00"),
        status(8, "waiting", "09:00:00"), status(8, "in_progress", "09:20:00"), status(8, state, "09:30:00"),
        status(9, "waiting", "09:00:00"), status(9, "queued", "09:20:00"), status(9, state, "09:30:00"),
      ], seed: seed)
    #expect(
      story.tree == [
        "deployment:7 09:00:00 to 09:30:00 cancellation", "deployment:8 09:00:00 to 09:30:00 \(state)",
        "deployment:9 09:00:00 to 09:30:00 \(state)",
      ])
    #expect(story.phases(of: "deployment:7") == ["wait 09:00:00 to 09:30:00"])
    #expect(story.span("deployment:7")?.attributes.value(of: "error.type") == nil)
    #expect(story.span("deployment:8")?.attributes.value(of: "error.type") == .string(state))
  }

  // MARK: Triggers

  @Test(
    "Only a run that is about its commit belongs to the change of it",
    arguments: [
      ("push", true), ("pull_request", true), ("merge_group", true), ("workflow_dispatch", true), ("release", true),
      ("dynamic", true), ("workflow_run", false), ("repository_dispatch", false), ("schedule", false), ("issues", false),
      ("issue_comment", false), ("check_run", false), ("status", false), ("discussion", false), ("watch", false),
    ])
  func triggers(trigger: String, isTied: Bool) throws {
    let sha = String(repeating: "b", count: 40)
    let change = Self.request(
      1, action: "closed", state: "closed",
      #""closed_at":"2024-03-04T12:00:00Z","merged":true,"merged_at":"2024-03-04T12:00:00Z","merge_commit_sha":"\#(sha)""#)
    func run(_ id: Int, _ name: String) -> Delivery {
      Self.delivery(
        "workflow_run",
        """
        "action":"requested","workflow_run":{"id":\(id),"name":"\(name)","event":"\(trigger)","status":"queued","head_sha":"\(sha)",\
        "run_started_at":"2024-03-05T09:00:00Z","updated_at":"2024-03-05T09:00:00Z"}
        """)
    }
    let story = try Self.story([change, run(5, "ci"), run(6, "deploy site")], seed: 0)
    let parents = story.spans.filter { $0.span.operation != .pullRequest }.map(\.parent?.rule)
    let isDeployTied = isTied || ["workflow_run", "repository_dispatch"].contains(trigger)
    #expect(parents == [isTied ? .commit : nil, isDeployTied ? .commit : nil])
  }

  @Test(
    "A run that another workflow started belongs to the change of its commit once it has made a deployment",
    arguments: 0..<6 as Range<UInt64>)
  func deployingRun(seed: UInt64) throws {
    let sha = String(repeating: "b", count: 40)
    let change = Self.request(
      1, action: "closed", state: "closed",
      #""closed_at":"2024-03-04T12:00:00Z","merged":true,"merged_at":"2024-03-04T12:00:00Z","merge_commit_sha":"\#(sha)""#)
    func run(_ id: Int) -> String {
      """
      "workflow_run":{"id":\(id),"name":"rollout","event":"workflow_run","status":"queued","head_sha":"\(sha)",\
      "run_started_at":"2024-03-05T09:00:00Z","updated_at":"2024-03-05T09:00:00Z"}
      """
    }
    let deployment = Self.delivery(
      "deployment",
      """
      "action":"created",\(run(5)),"deployment":{"id":9,"sha":"\(sha)","environment":"production",\
      "created_at":"2024-03-05T09:01:00Z"}
      """)
    let runs = [5, 6].map { Self.delivery("workflow_run", #""action":"requested",\#(run($0))"#) }
    let story = try Self.story([change] + runs + [deployment], seed: seed)
    func rule(_ suffix: String) -> CorrelationRule? {
      story.spans.first { $0.span.key.description.hasSuffix(suffix) }?.parent?.rule
    }
    #expect(rule(":run:5") == .commit)
    #expect(rule(":run:6") == nil)
    #expect(rule(":deployment:9") == .vendorLink)
  }

  // MARK: Bots

  @Test("What a program says is marked: an app, an account of its own, one that the user names")
  func bots() throws {
    func isBot(_ login: String, _ type: String) throws -> Bool {
      let review = Self.delivery(
        "pull_request_review",
        """
        "action":"submitted","pull_request":{"number":1,"state":"open","created_at":"2024-03-04T09:00:00Z"},\
        "review":{"id":1,"state":"commented","submitted_at":"2024-03-04T09:00:30Z","user":{"login":"\(login)","type":"\(type)"}}
        """)
      let source = GitHubSource(rules: GitHubRules(bots: Bots(names: [NamePattern("harbour-*")])))
      let event = try DeliveryStory([review], of: source, seed: 0).spans.first?.span.events.first
      return event?.attributes.value(of: "valuestream.author.bot") == .bool(true)
    }
    #expect(try isBot("review-helper[bot]", "Bot"))
    #expect(try isBot("review-helper[bot]", "User"))
    #expect(try isBot("reviewer", "Bot"))
    #expect(try isBot("harbour-ci", "User"))
    #expect(try !isBot("rosa", "User"))
  }
}
