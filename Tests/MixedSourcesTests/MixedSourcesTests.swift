import Catalog
import Foundation
import Simulator
import SourceFixtures
import Testing
import ValueStreamCore
import ValueStreamTesting

/// One project whose work is spread over the tools of several vendors.
@Suite("Several sources at once")
struct MixedSourcesTests {
  static let sources = SourceCatalog.all.map(\.plain)
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch

  /// The test folder and the name of each source.
  static let folders = SourceCatalog.all.map { ($0.module, $0.name) }

  static func fixtures(_ folder: String) -> [PayloadFixture] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return PayloadFixture.all(besideTest: tests.appendingPathComponent("\(folder)Tests/\(folder)SourceTests.swift").path)
  }

  static func delivery(_ fixture: PayloadFixture, of source: String) throws -> Delivery {
    let factory = try #require(SourceCatalog.factory(named: source))
    return Delivery(
      source: source, received: received, headers: factory.headers(ofFixture: fixture.name), body: try fixture.body())
  }

  static func delivery(_ folder: String, _ name: String) throws -> Delivery {
    let fixture = try #require(fixtures(folder).first { $0.name == name }, "no fixture \(name) of \(folder)")
    let source = try #require(folders.first { $0.0 == folder }).1
    return try delivery(fixture, of: source)
  }

  /// Returns the deliveries, with some of them repeated at the end.
  static func repeated(_ deliveries: [Delivery], seed: UInt64) -> [Delivery] {
    var random = SeededRandom(seed: seed)
    return deliveries + deliveries.filter { _ in random.oneIn(3) }
  }

  /// All payload fixtures of all sources.
  static let all = Result {
    try folders.flatMap { folder, source in try fixtures(folder).map { try delivery($0, of: source) } }
  }

  static let inOrder = Result { try DeliveryStory(try all.get(), of: sources, seed: 0).spans }

  @Test(
    "Counters of ends equal the spans after the grace period, in any order, and with their corrections also later",
    arguments: Seeds.upTo(6))
  func counters(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let deliveries = Self.repeated(try Self.all.get(), seed: seed).shuffled(using: &random)
    let within = try CountingStory(deliveries, of: Self.sources, batchSize: Int(seed))
    #expect(within.counted == within.spans)
    #expect(within.correctionCount == 0)
    #expect(within.spans.count > 50)
    let late = try CountingStory(deliveries, of: Self.sources, pause: 3)
    #expect(late.corrected == late.spans)
    #expect(late.spans == within.spans)
    #expect(late.correctionCount > 0)
  }

  @Test("Durations, phases and lead times of ends are the same in any order, too", arguments: Seeds.upTo(4))
  func sums(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let deliveries = try Self.all.get()
    let inOrder = try CountingStory(deliveries, of: Self.sources, batchSize: 100)
    let shuffled = try CountingStory(deliveries.shuffled(using: &random), of: Self.sources, batchSize: 3)
    #expect(inOrder.ends.count > 200)
    #expect(shuffled.ends == inOrder.ends, "\(Set(shuffled.ends).symmetricDifference(inOrder.ends).sorted())")
  }

  /// The deliveries of a generated history of six vendors.
  private static func generatedYear(seed: UInt64) throws -> [Delivery] {
    let year = YearHistory(HistoryConfiguration(seed: seed, days: 12, scale: 0.3, until: received)).map { delivery in
      Delivery(
        source: String(delivery.path.dropFirst()), received: delivery.time, headers: delivery.headers, body: delivery.body)
    }
    let start = received.advanced(bySeconds: -12 * 86_400)
    return try year + CDEventsHistory(seed: seed, changes: 12, from: start, received: received).deliveries
  }

  @Test(
    "In payloads of a generated history, no absent or zero time makes a duration longer, and a replay a year later shows no receipt",
    arguments: Seeds.upTo(3))
  func absentTimes(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var counts: [String: Int] = [:]
    // What scripts send needs no times.
    for delivery in try Self.generatedYear(seed: seed).shuffled(using: &random) where delivery.source != "customhttp" {
      let kind = "\(delivery.source) \(delivery.headers["X-GitHub-Event"] ?? delivery.headers["X-Gitlab-Event"] ?? "")"
      guard counts[kind, default: 0] < 3 else { continue }
      counts[kind, default: 0] += 1
      let source = try #require(Self.sources.first { $0.name == delivery.source })
      let laws = PayloadTimeLaws(source, durationUnitsPerSecond: source.name == "jenkins" ? 1000 : 1)
      try laws.checkAbsentTimes(delivery)
      try laws.checkReplay(delivery)
    }
    #expect(counts.count > 12, "\(counts)")
  }

  @Test("A generated history of six vendors is counted as its spans are, in any order", arguments: Seeds.upTo(3))
  func year(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let deliveries = try Self.generatedYear(seed: seed)
    #expect(Set(deliveries.map(\.source)).count == 6)
    let inOrder = try CountingStory(deliveries, of: Self.sources, batchSize: 50)
    #expect(inOrder.counted == inOrder.spans)
    #expect(inOrder.spans.values.reduce(0, +) > 100)
    let shuffled = try CountingStory(deliveries.shuffled(using: &random), of: Self.sources, batchSize: 50)
    #expect(shuffled.counted == shuffled.spans)
    #expect(shuffled.spans == inOrder.spans)
    #expect(shuffled.ends == inOrder.ends, "\(Set(shuffled.ends).symmetricDifference(inOrder.ends).sorted().prefix(20))")
    let late = try CountingStory(deliveries.shuffled(using: &random), of: Self.sources, pause: 4)
    #expect(late.corrected == late.spans)
    #expect(late.spans == inOrder.spans)
  }

  @Test(
    "The key of an issue behind an underscore, and before more words, ties a change to the issue of a tracker",
    arguments: ["feature_SHOP-12.fix", "feature_shop-12_fix", "FEATURE_SHOP-12", "fix/SHOP-12-discount"], UInt64(0)..<4)
  func keyInBranch(branch: String, seed: UInt64) throws {
    let request = """
      {"action":"opened","repository":{"id":9,"full_name":"acme/site","owner":{"login":"acme"}},"pull_request":{"number":39,\
      "state":"open","created_at":"2024-03-05T09:00:00Z","head":{"ref":"\(branch)"}}}
      """
    let issue = """
      {"webhookEvent":"jira:issue_created","timestamp":1709539200000,"issue":{"id":"10112","key":"SHOP-12",\
      "self":"https://acme.example.net/rest/api/2/issue/10112","fields":{"created":"2024-03-04T08:00:00.000+0000"}}}
      """
    let deliveries = [
      Delivery(source: "github", received: Self.received, headers: ["X-GitHub-Event": "pull_request"], body: Array(request.utf8)),
      Delivery(source: "jira", received: Self.received, headers: [:], body: Array(issue.utf8)),
    ]
    let story = try DeliveryStory(deliveries, of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "pull_request:39 09:00:00 to ? open under issue:10112 by issue_key", "issue:10112 08:00:00 to ? open",
      ])
    // The tracker has sent nothing, so the change has no parent yet. Its reference to the issue stays open.
    let alone = try DeliveryStory([deliveries[0]], of: Self.sources, seed: 0)
    #expect(alone.tree == ["pull_request:39 09:00:00 to ? open"])
  }

  @Test(
    "The address of an issue or card chooses the tracker, of several that have the key; a short link names the card",
    arguments: [
      ("See https://acme.example.net/browse/SHOP-12", "plain", "issue:10112"),
      ("See https://zenith.example.net/browse/SHOP-12?focused=1", "plain", "issue:20112"),
      ("See https://trello.com/c/k36dIsCo/36-discount", "plain", "issue:65e58d90a1b2c3d4e5f60c24"),
      ("nothing", "fix/k36dIsCo-discount", "issue:65e58d90a1b2c3d4e5f60c24"), ("SHOP-12", "plain", nil),
      ("See https://elsewhere.example.net/browse/SHOP-12", "plain", nil),
    ] as [(String, String, String?)], UInt64(0)..<4)
  func trackers(_ text: (body: String, branch: String, parent: String?), seed: UInt64) throws {
    let request = """
      {"action":"opened","repository":{"id":9,"full_name":"acme/site","owner":{"login":"acme"}},"pull_request":{"number":39,\
      "state":"open","created_at":"2024-03-05T09:00:00Z","author_association":"MEMBER","body":"\(text.body)",\
      "head":{"ref":"\(text.branch)"}}}
      """
    let issues = [("acme", "10112"), ("zenith", "20112")].map { tracker, id in
      """
      {"webhookEvent":"jira:issue_created","timestamp":1709539200000,"issue":{"id":"\(id)","key":"SHOP-12",\
      "self":"https://\(tracker).example.net/rest/api/2/issue/\(id)","fields":{"created":"2024-03-04T08:00:00.000+0000"}}}
      """
    }
    let deliveries =
      [
        Delivery(
          source: "github", received: Self.received, headers: ["X-GitHub-Event": "pull_request"], body: Array(request.utf8)),
        try Self.delivery("TrelloWebhooks", "createCard.to_do"),
      ] + issues.map { Delivery(source: "jira", received: Self.received, headers: [:], body: Array($0.utf8)) }
    let story = try DeliveryStory(deliveries, of: Self.sources, seed: seed)
    let change = try #require(story.tree.first { $0.hasPrefix("pull_request:39") })
    #expect(change == "pull_request:39 09:00:00 to ? open" + (text.parent.map { " under \($0) by issue_key" } ?? ""))
  }

  @Test("Shuffled and duplicated, every payload of every source gives the same spans", arguments: UInt64(1)..<30)
  func laws(seed: UInt64) throws {
    let all = try Self.all.get()
    let spans = try DeliveryStory(Self.repeated(all, seed: seed), of: Self.sources, seed: seed).spans
    let expected = try Self.inOrder.get()
    #expect(Set(expected.map(\.span.key.source)) == Set(Self.sources.map(\.name)))
    #expect(expected.count > 40)
    #expect(spans.map(\.span.id) == expected.map(\.span.id))
    for (found, expected) in zip(spans, expected) { #expect(found == expected, "\(expected.span.key)") }
  }

  @Test("A build in Jenkins joins the trace of the GitHub issue that its branch names, its deploy too", arguments: UInt64(0)..<12)
  func joined(seed: UInt64) throws {
    let story = try DeliveryStory(
      [
        try Self.delivery("GitHubWebhooks", "issues.opened"), try Self.delivery("GitHubWebhooks", "pull_request.opened"),
        try Self.delivery("JenkinsWebhooks", "statistics.start"), try Self.delivery("JenkinsWebhooks", "statistics.end"),
        try Self.delivery("JenkinsWebhooks", "statistics.deploy"), try Self.delivery("JenkinsWebhooks", "statistics.deployed"),
      ], of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "issue:36 09:00:00 to ? open", "pull_request:12 10:00:00 to ? open under issue:36 by explicit_id",
        "build:17 11:02:50 to 11:05:20 success under pull_request:12 by explicit_id",
        "build:252 10:00:30 to 10:09:00 failure under issue:36 by explicit_id",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }

  @Test("A script's deploy joins the change whose commit it names, and an incident the deploy", arguments: UInt64(0)..<30)
  func deployedByScript(seed: UInt64) throws {
    let mergeCommit: KeyValuePairs = ["9F8E7D6C5B4A39281706F5E4D3C2B1A098765432": String(repeating: "c", count: 40)]
    let deliveries = try [
      Self.delivery("GitHubWebhooks", "issues.opened"), Self.delivery("GitHubWebhooks", "pull_request.merged"),
      Self.delivery("CustomHTTP", "deploy.whole").replacing(mergeCommit), Self.delivery("CustomHTTP", "incident.start"),
      Self.delivery("CustomHTTP", "incident.end"),
    ]
    let story = try DeliveryStory(Self.repeated(deliveries, seed: seed), of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "deploy:1207 10:05:00 to 10:10:00 failure under pull_request:12 by commit",
        "incident:INC-7 10:20:00 to 11:05:00 completed under deploy:1207 by explicit_id",
        "issue:36 09:00:00 to ? open", "pull_request:12 10:00:00 to 11:00:00 merged under issue:36 by explicit_id",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }

  @Test(
    "A script names a change or an issue as people do",
    arguments: [
      ("https://github.com/acme/site/pull/12/files", "pull_request:12 by explicit_id"),
      ("acme/site#12", "pull_request:12 by issue_key"),
      ("Acme/Site#36", "issue:36 by issue_key"), ("https://github.com/acme/site/issues/36", "issue:36 by issue_key"),
      ("vstrace-github-issue-site-36", "issue:36 by explicit_id"),
      ("github:github.com:197483389:issue:36", "issue:36 by explicit_id"),
      ("https://gitlab.example/harbour/web/site/-/merge_requests/12", "pull_request:12 by explicit_id"),
      ("gitlab.example/harbour/web/site!12", "pull_request:12 by explicit_id"),
    ])
  func named(reference: String, parent: String) throws {
    let isGitLab = reference.contains("!") || reference.contains("gitlab")
    let body = #"{"id": "1", "type": "deploy", "action": "end", "references": ["\#(reference)"]}"#
    let deploy = Delivery(source: "customhttp", received: Self.received, headers: [:], body: Array(body.utf8))
    let change =
      isGitLab
      ? [("GitLabWebhooks", "merge_request.open")]
      : [("GitHubWebhooks", "issues.opened"), ("GitHubWebhooks", "pull_request.opened")]
    for seed in UInt64(0)..<6 {
      let story = try DeliveryStory(try change.map { try Self.delivery($0, $1) } + [deploy], of: Self.sources, seed: seed)
      #expect(story.tree.contains("deploy:1 00:00:00 to 00:00:00 success under \(parent)"))
    }
  }

  @Test(
    "An issue in Jira, its pull request in GitHub and its build in Jenkins are one trace: by key, by number",
    arguments: UInt64(0)..<20)
  func tracked(seed: UInt64) throws {
    let branch = ["vstrace-github-issue-site-36-fix": "feature/tp-3-spout"] as KeyValuePairs
    // A multibranch job builds its own merge commit, which no other source knows.
    let build: KeyValuePairs = [
      "origin/vstrace-github-issue-site-36-fix": "PR-12",
      "https://git.harbour.example/shop/site.git": "git@github.com:Acme/site.git",
      String(repeating: "a", count: 40): String(repeating: "7", count: 40),
    ]
    let deliveries = try [
      Self.delivery("JiraWebhooks", "issue_created.backlog"), Self.delivery("JiraWebhooks", "issue_updated.started"),
      Self.delivery("GitHubWebhooks", "pull_request.opened").replacing(branch),
      Self.delivery("JenkinsWebhooks", "statistics.start").replacing(build), Self.delivery("JenkinsWebhooks", "statistics.end"),
    ]
    let story = try DeliveryStory(Self.repeated(deliveries, seed: seed), of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "pull_request:12 10:00:00 to ? open under issue:10002 by issue_key",
        "build:252 10:00:30 to 10:09:00 failure under pull_request:12 by vendor_link", "issue:10002 08:00:00 to ? open",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }

  @Test("Without a pull request a run belongs to the issue that its commit names", arguments: UInt64(0)..<12)
  func trunk(seed: UInt64) throws {
    let completed = try Self.delivery("GitHubWebhooks", "workflow_run.completed")
    let message = #""head_commit": {"id": "1", "message": "TP-3: pour slower"}, "head_sha""#
    let pushed = try completed.replacing([#""head_sha""#: message, #""event": "pull_request""#: #""event": "push""#])
    let story = try DeliveryStory(
      [try Self.delivery("JiraWebhooks", "issue_created.backlog"), pushed], of: Self.sources, seed: seed)
    let run = "run:7001 10:00:05 to 10:09:00 failure under"
    #expect(story.tree.contains("\(run) issue:10002 by issue_key"), "\(story.tree)")
    let change = try Self.delivery("GitHubWebhooks", "pull_request.opened")
    let withChange = try DeliveryStory(
      [try Self.delivery("JiraWebhooks", "issue_created.backlog"), pushed, change], of: Self.sources, seed: seed)
    #expect(withChange.tree.contains("\(run) pull_request:12 by vendor_link"), "\(withChange.tree)")
  }

  @Test(
    "A pull request whose branch names a Trello card belongs to it, also once the card is on another board",
    arguments: UInt64(0)..<12)
  func card(seed: UInt64) throws {
    let branch = ["vstrace-github-issue-site-36-fix": "vstrace-trello-issue-HbrS1te0-36-discount"] as KeyValuePairs
    let story = try DeliveryStory(
      [
        try Self.delivery("TrelloWebhooks", "createCard.to_do"), try Self.delivery("TrelloWebhooks", "updateCard.doing"),
        try Self.delivery("GitHubWebhooks", "pull_request.opened").replacing(branch),
        try Self.delivery("TrelloWebhooks", "moveCardToBoard"),
      ], of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "pull_request:12 10:00:00 to ? open under issue:65e58d90a1b2c3d4e5f60c24 by explicit_id",
        "issue:65e58d90a1b2c3d4e5f60c24 09:00:00 to ? open",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }

  @Test("One project in GitHub, GitLab and Jenkins is one trace, in any order and with repetitions", arguments: UInt64(0)..<30)
  func everywhere(seed: UInt64) throws {
    let named = ["Closes #36": "For vstrace-github-issue-site-36"] as KeyValuePairs
    // Jenkins builds the commit of the merge request on a branch that links it to nothing.
    let mergedCommit = String(repeating: "b", count: 40)
    let build: KeyValuePairs = [
      String(repeating: "a", count: 40): mergedCommit, "origin/vstrace-github-issue-site-36-fix": "origin/main",
    ]
    let deliveries = try [
      Self.delivery("GitHubWebhooks", "issues.opened"), Self.delivery("GitLabWebhooks", "merge_request.open").replacing(named),
      Self.delivery("GitLabWebhooks", "merge_request.merge").replacing(named),
      Self.delivery("GitLabWebhooks", "deployment.failed"), Self.delivery("JenkinsWebhooks", "statistics.start").replacing(build),
      Self.delivery("JenkinsWebhooks", "statistics.end"), Self.delivery("GitHubWebhooks", "issues.closed"),
    ]
    let story = try DeliveryStory(Self.repeated(deliveries, seed: seed), of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "issue:36 09:00:00 to 12:30:00 not_planned",
        "deployment:3003 11:02:00 to 11:02:00 failure under pull_request:12 by commit",
        "pull_request:12 10:00:00 to 11:00:00 merged under issue:36 by explicit_id",
        "build:252 10:00:30 to 10:09:00 failure under pull_request:12 by commit",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }

  @Test(
    "What CDEvents tell hangs from GitHub's pull request by a commit, from its issue by a domain id", arguments: UInt64(0)..<20)
  func cdevents(seed: UInt64) throws {
    let commit = ["for vstrace-": "for ", String(repeating: "b", count: 40): String(repeating: "a", count: 40)] as KeyValuePairs
    let deliveries = try [
      Self.delivery("GitHubWebhooks", "issues.opened"), Self.delivery("GitHubWebhooks", "pull_request.opened"),
      Self.delivery("CDEvents", "pipelinerun.failed").replacing(commit),
      Self.delivery("CDEvents", "structured.data").replacing(["github::harbour:site": "github::acme:site"]),
      Self.delivery("CDEvents", "structured.base64"),
    ]
    let story = try DeliveryStory(Self.repeated(deliveries, seed: seed), of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "job:site-ci-703-compile 14:00:10 to ? open under pipelinerun:site-ci-703 by vendor_link",
        "pipelinerun:site-ci-700 09:12:00 to 09:12:00 failure under pull_request:12 by commit",
        "pipelinerun:site-ci-703 14:00:00 to ? open under issue:36 by explicit_id", "issue:36 09:00:00 to ? open",
        "pull_request:12 10:00:00 to ? open under issue:36 by explicit_id",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }
}
