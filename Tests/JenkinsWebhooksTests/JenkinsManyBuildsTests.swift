import Foundation
import JenkinsWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Different builds with the same name or number, and builds that start other builds.
@Suite("Jenkins builds that resemble each other")
struct JenkinsManyBuildsTests {
  private static let received = Timestamp(rfc3339: "2026-11-29T12:00:00Z") ?? .epoch
  /// 5 March 2024, 10:00 UTC, in milliseconds since 1970.
  private static let start: Int64 = 1_709_632_800_000

  private static func delivery(_ body: [String: Any], referrer: String? = nil) throws -> Delivery {
    var headers: HTTPHeaders = ["Content-Type": "application/json"]
    if let referrer { headers["Referrer"] = referrer }
    let bytes = try JSONSerialization.data(withJSONObject: body, options: .sortedKeys)
    return Delivery(source: "jenkins", received: received, headers: headers, body: Array(bytes))
  }

  /// A Generic Event payload. Times are in seconds after 10:00.
  private static func run(
    _ type: String, _ job: String, _ number: Int, from start: Int64, lasting seconds: Int64 = 0, _ result: String? = nil,
    causes: [[String: Any]] = [], hasURL: Bool = true, referrer: String? = nil
  ) throws -> Delivery {
    var body: [String: Any] = [
      "type": "run.\(type)", "source": "job/\(job)/", "time": "2024-03-05T10:30:00.400+0000",
      "data": [
        "number": number, "timestamp": Self.start + start * 1000, "duration": seconds * 1000, "result": result ?? NSNull(),
        "actions": [["causes": causes]],
      ] as [String: Any],
    ]
    if hasURL { body["url"] = "job/\(job)/\(number)/" }
    return try delivery(body, referrer: referrer)
  }

  private static func statistics(_ members: [String: Any]) throws -> Delivery {
    try delivery(
      ["ciUrl": "https://ci.acme.example/", "number": 5, "result": "INPROGRESS", "startTime": start].merging(members) { $1 })
  }

  private static func story(
    _ deliveries: [Delivery], seed: UInt64, rules: JenkinsRules = JenkinsRules(host: "ci.acme.example")
  ) throws -> DeliveryStory {
    var random = SeededRandom(seed: seed)
    let repeated = seed == 0 ? [] : deliveries.filter { _ in random.oneIn(3) }
    return try DeliveryStory(deliveries + repeated, of: JenkinsSource(rules: rules), seed: seed)
  }

  private static func keysAndTimes(_ story: DeliveryStory) -> [String] {
    story.spans.map { traced in
      let span = traced.span
      let times = [span.start, span.end].map { $0.map { String($0.rfc3339.dropFirst(11).prefix(8)) } ?? "?" }
      let id = span.key.description.replacing("jenkins:", with: "")
      return "\(id) \(times.joined(separator: " to ")) \(span.outcome?.rawValue ?? "open")"
    }
  }

  @Test(
    "Configurations of a matrix job and modules of a Maven job are builds of their own", arguments: UInt64(0)..<24, [true, false])
  func children(seed: UInt64, hasURL: Bool) throws {
    let story = try Self.story(
      [
        try Self.run("started", "matrix", 12, from: 0, hasURL: hasURL),
        try Self.run("started", "matrix/label=linux", 12, from: 5, hasURL: hasURL),
        try Self.run("completed", "matrix/label=linux", 12, from: 5, lasting: 235, "SUCCESS", hasURL: hasURL),
        try Self.run("completed", "matrix/label=windows,jdk=21", 12, from: 5, lasting: 535, "FAILURE", hasURL: hasURL),
        try Self.run("completed", "matrix", 12, from: 0, lasting: 600, "FAILURE", hasURL: hasURL),
        try Self.run("completed", "maven", 3, from: 0, lasting: 300, "SUCCESS", hasURL: hasURL),
        try Self.run("completed", "maven/com.acme$core", 3, from: 1, lasting: 100, "UNSTABLE", hasURL: hasURL),
        try Self.statistics([
          "jobName": "label=linux", "fullJobName": NSNull(), "number": 13, "result": "SUCCESS", "duration": 60_000,
          "buildUrl": "job/matrix/label=linux/13/",
        ]),
      ], seed: seed)
    #expect(
      Self.keysAndTimes(story) == [
        "ci.acme.example:matrix%2Flabel=linux:build:12 10:00:05 to 10:04:00 success",
        "ci.acme.example:matrix%2Flabel=linux:build:13 10:00:00 to 10:01:00 success",
        "ci.acme.example:matrix%2Flabel=windows%2Cjdk=21:build:12 10:00:05 to 10:09:00 failure",
        "ci.acme.example:matrix:build:12 10:00:00 to 10:10:00 failure",
        "ci.acme.example:maven%2Fcom.acme%24core:build:3 10:00:01 to 10:01:41 failure",
        "ci.acme.example:maven:build:3 10:00:00 to 10:05:00 success",
      ])
    #expect(story.spans.allSatisfy { $0.span.phases.count == 1 })
    #expect(
      story.spans.map { $0.parent.map { "\($0.parent) \($0.rule.name)" } } == [
        "jenkins:ci.acme.example:matrix:build:12 vendor_link", nil, "jenkins:ci.acme.example:matrix:build:12 vendor_link", nil,
        "jenkins:ci.acme.example:maven:build:3 vendor_link", nil,
      ], "a configuration is below the build of its job that has the same number")
  }

  @Test(
    "The jobs of a multibranch project are those named after their branch",
    arguments: [
      ("shop/site/main", "origin/main", "shop/site"), ("site/feature%2Fnew", "feature/new", "site"),
      ("site/PR-12", "PR-12", "site"),
      ("shop/deploy", "main", nil), ("main", "main", nil), ("shop/main", nil, nil),
    ] as [(String, String?, String?)])
  func multibranch(job: String, branch: String?, project: String?) throws {
    let build: [String: Any] = [
      "number": 7, "phase": "COMPLETED", "status": "SUCCESS", "scm": branch.map { ["branch": $0] } ?? [:],
    ]
    let path = job.split(separator: "/").map { "job/\($0.replacing("%", with: "%25"))/" }.joined()
    let delivery = try Self.delivery(["name": "x", "url": path, "build": build])
    let event = try #require(try JenkinsSource().events(in: delivery).requireEvents().first)
    #expect(event.attributes.value(of: "cicd.pipeline.name") == .string(job))
    #expect(event.attributes.value(of: "valuestream.pipeline.project") == project.map { .string($0) })
  }

  @Test("A job in a folder is no configuration of it, and pages of a job are none")
  func wholeJobs() throws {
    for address in ["job/site/job/label=linux/12/", "job/site/12/", "job/site/", "job/site/ws/", "label=linux/12/"] {
      let events = try JenkinsSource().events(in: try Self.statistics(["jobName": "a", "buildUrl": address])).requireEvents()
      #expect(events.flatMap(\.follows).isEmpty, "\(address)")
    }
  }

  @Test("Two servers have jobs of one name: the header Referrer tells them apart", arguments: UInt64(0)..<12)
  func servers(seed: UInt64) throws {
    let story = try Self.story(
      [
        try Self.run("started", "deploy", 7, from: 0, referrer: "https://ci-a.example.org/"),
        try Self.run("completed", "deploy", 7, from: 0, lasting: 300, "SUCCESS", referrer: "https://ci-a.example.org/"),
        try Self.run("completed", "deploy", 7, from: 3600, lasting: 1200, "FAILURE", referrer: "https://CI-B.example.org:8443/"),
        try Self.run("completed", "deploy", 7, from: 7200, lasting: 60, "SUCCESS", referrer: "not an address"),
      ], seed: seed)
    #expect(
      Self.keysAndTimes(story) == [
        "ci-a.example.org:deploy:build:7 10:00:00 to 10:05:00 success",
        "ci-b.example.org:deploy:build:7 11:00:00 to 11:20:00 failure",
        "ci.acme.example:deploy:build:7 12:00:00 to 12:01:00 success",
      ])
    #expect(JenkinsSource().keptHeaders.contains("Referrer"), "replay reads it again")
  }

  @Test("Each server's build is below the one of its own that started it", arguments: UInt64(0)..<12)
  func upstreamOfServer(seed: UInt64) throws {
    let causes: [[String: Any]] = [["upstreamProject": "build", "upstreamBuild": 1]]
    let (one, other) = ("https://ci-a.example.org/", "https://ci-b.example.org/")
    let story = try Self.story(
      [
        try Self.run("completed", "build", 1, from: 0, lasting: 60, "SUCCESS", referrer: one),
        try Self.run("completed", "build", 1, from: 10, lasting: 60, "SUCCESS", referrer: other),
        try Self.run("completed", "ship", 1, from: 70, lasting: 60, "SUCCESS", causes: causes, referrer: one),
        try Self.run("completed", "ship", 1, from: 80, lasting: 60, "SUCCESS", causes: causes, referrer: other),
      ], seed: seed)
    let parents = story.spans.map { $0.parent?.parent.host ?? "" }
    #expect(parents == ["", "ci-a.example.org", "", "ci-b.example.org"])
  }

  @Test(
    "A build is below the one that started it, in whatever language Jenkins says so",
    arguments: [
      "Started by upstream project \"shop/build\" build number 7", "Gestartet durch vorgelagertes Projekt „shop/build“, Build 7",
      "Démarré par le projet amont « shop/build » de numéro 7", "上流プロジェクト\"shop/build\"のビルド番号7が実行",
    ])
  func languages(cause: String) throws {
    let parent = try Self.run("completed", "shop/job/build", 7, from: 0, lasting: 300, "SUCCESS")
    let child = try Self.statistics([
      "jobName": "report", "fullJobName": "shop/report", "buildUrl": "job/shop/job/report/5/", "buildCause": cause,
    ])
    let structured = try Self.run(
      "started", "shop/job/deploy", 3, from: 301,
      causes: [
        ["shortDescription": cause],
        ["shortDescription": cause, "upstreamBuild": 7, "upstreamProject": "shop/build", "upstreamUrl": "job/shop/job/build/"],
      ])
    for seed in UInt64(0)..<8 {
      let story = try Self.story([parent, child, structured], seed: seed)
      #expect(
        story.tree == [
          "build:7 10:00:00 to 10:05:00 success", "build:3 10:05:01 to ? open under build:7 by vendor_link",
          "build:5 10:00:00 to ? open under build:7 by vendor_link",
        ])
    }
  }

  @Test(
    "Other causes name no build",
    arguments: [
      "Started by user \"Ada\"", "Replayed #7", "\"\" 7", "\"a\" \"b\" 7", "\"a 7", "Pull request #5 \"Say 7\" updated to 9",
      "Push event to branch \"a#b\" at 7", "Change \"Fix: 7\" updated to 9", "Build \"a\" 0", "Started by \"a*\" 7",
    ])
  func otherCauses(cause: String) throws {
    let build = try Self.statistics(["jobName": "report", "buildCause": cause])
    let events = try JenkinsSource().events(in: build).requireEvents()
    #expect(events.flatMap(\.follows).allSatisfy { $0.rule != .vendorLink })
  }

  // MARK: Ends

  private static func notification(_ phase: String, at seconds: Int64) throws -> Delivery {
    try delivery([
      "name": "site", "url": "job/site/",
      "build": [
        "full_url": "https://ci.acme.example/job/site/8/", "number": 8, "phase": phase, "status": "SUCCESS",
        "timestamp": start + seconds * 1000, "duration": 300_000,
      ] as [String: Any],
    ])
  }

  @Test("What Jenkins does after the end moves no end", arguments: UInt64(0)..<12)
  func finalized(seed: UInt64) throws {
    let deliveries = [
      try Self.notification("STARTED", at: 0), try Self.notification("COMPLETED", at: 300),
      try Self.notification("FINALIZED", at: 420),
    ]
    let story = try Self.story(deliveries, seed: seed)
    #expect(story.tree == ["build:8 10:00:00 to 10:05:00 success"])
    #expect(story.phases(of: "build:8") == ["run 10:00:00 to 10:05:00"])
    let late = try Self.story([deliveries[0], deliveries[2]], seed: seed)
    #expect(late.tree == ["build:8 10:00:00 to 10:07:00 success"], "the only end that is told")
    #expect(late.spans.allSatisfy { !$0.span.isEndUnknown })
    let generic = [
      try Self.run("completed", "site", 9, from: 0, lasting: 300, "SUCCESS"),
      try Self.run("finalized", "site", 9, from: 0, "SUCCESS"),
    ]
    #expect(try Self.story(generic, seed: seed).tree == ["build:9 10:00:00 to 10:05:00 success"])
  }

  @Test("Durations that none can be are not stated", arguments: [-1, -1e300, 1e300, 3e14])
  func durations(number: Double) throws {
    let story = try Self.story(
      [try Self.statistics(["jobName": "site", "result": "SUCCESS", "queueTime": number, "duration": number, "endTime": 0])],
      seed: 0)
    #expect(story.tree == ["build:5 10:00:00 to 10:00:00 success"])
    #expect(story.phases(of: "build:5").allSatisfy { $0 == "run 10:00:00 to 10:00:00" })
  }
}
