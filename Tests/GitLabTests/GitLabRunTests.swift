import GitLab
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Runs that are tried again, cancelled, left out, approved or rejected.
@Suite("GitLab runs")
struct GitLabRunTests {
  private typealias History = GitLabHistory

  private static func time(_ time: String) -> Any { GitLabHistory.time(time) }

  /// Job 12 fails and is tried again as job 13, four hours later.
  private static func retried() throws -> [Delivery] {
    let compile = History.job(
      11, "success", created: time("10:00:00"), started: time("10:00:05"), finished: time("10:04:00"))
    func pipeline(_ status: String, finished: String?, _ unit: History.Object) throws -> Delivery {
      try History.pipeline(
        status, created: time("10:00:00"), finished: History.time(finished), duration: 470, queued: 5, [compile, unit])
    }
    return [
      try pipeline("running", finished: nil, History.job(12, "created", created: time("10:00:00"))),
      try pipeline(
        "failed", finished: "10:08:00",
        History.job(12, "failed", created: time("10:00:00"), started: time("10:04:10"), finished: time("10:07:59"))),
      try pipeline("pending", finished: "10:08:00", History.job(13, "pending", created: time("14:00:00"))),
      try pipeline(
        "running", finished: "10:08:00", History.job(13, "running", created: time("14:00:00"), started: time("14:00:20"))),
      try pipeline(
        "success", finished: "14:05:00",
        History.job(13, "success", created: time("14:00:00"), started: time("14:00:20"), finished: time("14:04:59"))),
    ]
  }

  private static func jobs() throws -> [Delivery] {
    [
      try History.build(
        12, "failed", created: time("10:00:00"), started: time("10:04:10"), finished: time("10:07:59")),
      try History.build(
        13, "success", created: time("14:00:00"), started: time("14:00:20"), finished: time("14:04:59")),
    ]
  }

  @Test("A pipeline that is tried again is measured from its own jobs", arguments: UInt64(0)..<40)
  func retry(seed: UInt64) throws {
    let story = try History.story(try Self.retried() + Self.jobs(), seed: seed)
    #expect(
      story.tree == [
        "job:12 10:00:00 to 10:07:59 failure under pipeline:700 by vendor_link",
        "job:13 14:00:00 to 14:04:59 success under pipeline:700/2 by vendor_link",
        "pipeline:700 10:00:00 to 10:08:00 failure", "pipeline:700/2 14:00:00 to 14:05:00 success",
      ])
    #expect(story.phases(of: "pipeline:700") == ["queue 10:00:00 to 10:00:05", "run 10:00:05 to 10:08:00"])
    #expect(story.phases(of: "pipeline:700/2") == ["queue 14:00:00 to 14:00:20", "run 14:00:20 to 14:05:00"])
    #expect(story.spans.allSatisfy { !$0.span.isStartUnknown && !$0.span.isEndUnknown })
  }

  @Test("What any one payload of both runs tells stays the same where others are lost", arguments: 0..<5, UInt64(0)..<6)
  func lost(index: Int, seed: UInt64) throws {
    var deliveries = try Self.retried()
    deliveries.remove(at: index)
    let story = try History.story(deliveries, seed: seed)
    // The payloads of the second run tell when the first one ended, and how only its own end does.
    let first = index == 1 ? "open" : "failure"
    let second = index == 4 ? "? open" : "14:05:00 success"
    #expect(story.tree == ["pipeline:700 10:00:00 to 10:08:00 \(first)", "pipeline:700/2 14:00:00 to \(second)"])
  }

  @Test("A manual job that is started when the pipeline is over belongs to the run that it makes", arguments: UInt64(0)..<20)
  func manual(seed: UInt64) throws {
    let test = History.job(
      11, "success", created: Self.time("10:00:00"), started: Self.time("10:00:05"), finished: Self.time("10:04:00"))
    func ship(_ status: String, started: String? = nil, finished: String? = nil) -> History.Object {
      History.job(
        12, status, created: Self.time("10:00:00"), started: History.time(started), finished: History.time(finished),
        queued: started == nil ? 0 : 20, change: ["manual": true, "when": "manual", "allow_failure": true])
    }
    func pipeline(_ status: String, _ finished: String?, _ ship: History.Object) throws -> Delivery {
      try History.pipeline(status, created: Self.time("10:00:00"), finished: History.time(finished), [test, ship])
    }
    let story = try History.story(
      [
        try pipeline("success", "10:04:01", ship("manual")), try pipeline("pending", "10:04:01", ship("pending")),
        try pipeline("running", "10:04:01", ship("running", started: "14:00:20")),
        try pipeline("success", "14:05:00", ship("success", started: "14:00:20", finished: "14:04:59")),
        try History.build(12, "manual", created: Self.time("10:00:00")),
        try History.build(
          12, "success", created: Self.time("10:00:00"), started: Self.time("14:00:20"), finished: Self.time("14:04:59"),
          change: ["build_queued_duration": 20]),
      ], seed: seed)
    #expect(
      story.tree == [
        "job:12 10:00:00 to 14:04:59 success under pipeline:700/2 by vendor_link",
        "pipeline:700 10:00:00 to 10:04:01 success", "pipeline:700/2 14:00:00 to 14:05:00 success",
      ])
    #expect(story.phases(of: "pipeline:700/2") == ["queue 14:00:00 to 14:00:20", "run 14:00:20 to 14:05:00"])
    #expect(
      story.phases(of: "job:12") == [
        "wait 10:00:00 to 14:00:00", "queue 14:00:00 to 14:00:20", "run 14:00:20 to 14:04:59",
      ])
  }

  @Test("Jobs that were left out and have no times never ran, and end at no time of ours", arguments: UInt64(0)..<12)
  func leftOut(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.build(
          1, "failed", created: Self.time("10:00:00"), started: Self.time("10:00:03"), finished: Self.time("10:01:00")),
        try History.build(2, "skipped", created: Self.time("10:00:00")),
        try History.build(3, "skipped", created: Self.time("10:00:01"), change: ["environment": ["name": "production"]]),
        try History.pipeline(
          "failed", created: Self.time("10:00:00"), finished: Self.time("10:01:02"),
          [
            History.job(
              1, "failed", created: Self.time("10:00:00"), started: Self.time("10:00:03"), finished: Self.time("10:01:00")),
            History.job(2, "skipped", created: Self.time("10:00:00")), History.job(3, "skipped", created: Self.time("10:00:01")),
          ]),
      ], seed: seed)
    #expect(
      story.tree == [
        "job:1 10:00:00 to 10:01:00 failure under pipeline:700 by vendor_link",
        "job:2 10:00:00 to 10:00:00 skip under pipeline:700 by vendor_link",
        "job:3 10:00:01 to 10:00:01 skip under pipeline:700 by vendor_link", "pipeline:700 10:00:00 to 10:01:02 failure",
      ])
    #expect(story.phases(of: "job:2").isEmpty)
  }

  @Test("What is cancelled in the queue was in the queue; what is being cancelled is not over", arguments: UInt64(0)..<12)
  func cancelled(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.build(4, "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:00")),
        try History.build(5, "canceling", created: Self.time("10:00:00"), started: Self.time("10:00:10")),
        try History.pipeline(
          "canceling", created: Self.time("10:00:00"), [History.job(4, "created", created: Self.time("10:00:00"))]),
        try History.pipeline(
          "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:05"),
          [History.job(4, "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:00"))]),
        try History.build(6, "manual", created: Self.time("10:00:00")),
        try History.build(6, "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:00")),
      ], seed: seed)
    #expect(
      story.tree == [
        "job:4 10:00:00 to 10:03:00 cancellation under pipeline:700 by vendor_link",
        "job:5 10:00:00 to ? open under pipeline:700 by vendor_link",
        "job:6 10:00:00 to 10:03:00 cancellation under pipeline:700 by vendor_link",
        "pipeline:700 10:00:00 to 10:03:05 cancellation",
      ])
    #expect(story.phases(of: "job:4") == ["queue 10:00:00 to 10:03:00"])
    #expect(story.phases(of: "job:5") == ["queue 10:00:00 to 10:00:10", "run 10:00:10 to ?"])
    #expect(story.phases(of: "job:6") == ["wait 10:00:00 to 10:03:00"])
  }

  @Test("A pipeline that was cancelled before a job of it ran was in the queue", arguments: UInt64(0)..<6)
  func cancelledPipeline(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.pipeline(
          "pending", created: Self.time("10:00:00"), [History.job(4, "pending", created: Self.time("10:00:00"))]),
        try History.pipeline(
          "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:05"), duration: 0,
          [History.job(4, "canceled", created: Self.time("10:00:00"), finished: Self.time("10:03:00"))]),
      ], seed: seed)
    #expect(story.phases(of: "pipeline:700") == ["queue 10:00:00 to 10:03:05"])
  }

  @Test(
    "A deployment that somebody has to approve waits; one that is rejected is over and has not failed", arguments: UInt64(0)..<24)
  func approval(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.deployment(3001, "blocked", at: "12:00:00"), try History.deployment(3001, "approved", at: "12:30:00"),
        try History.deployment(3001, "running", at: "12:31:00"), try History.deployment(3001, "success", at: "12:35:00"),
        try History.deployment(3002, "blocked", at: "13:00:00"), try History.deployment(3002, "rejected", at: "13:30:00"),
      ], seed: seed)
    #expect(
      story.tree == [
        "deployment:3001 12:00:00 to 12:35:00 success", "deployment:3002 13:00:00 to 13:30:00 cancellation",
      ])
    #expect(
      story.phases(of: "deployment:3001") == [
        "wait 12:00:00 to 12:30:00", "queue 12:30:00 to 12:31:00", "run 12:31:00 to 12:35:00",
      ])
    #expect(story.phases(of: "deployment:3002") == ["wait 13:00:00 to 13:30:00"])
  }

  @Test(
    "GitLab lets fail what was rejected: it never ran, and has not failed", arguments: UInt64(0)..<24,
    ["blocked rejected failed", "rejected failed", "blocked failed", "blocked running failed", "failed"])
  func failedAfterRejection(seed: UInt64, statuses: String) throws {
    let words = statuses.split(separator: " ").map(String.init)
    let times = ["13:00:00", "13:30:00", "13:30:02"].suffix(words.count)
    let story = try History.story(
      try zip(words, times).map { try History.deployment(3002, $0, at: $1) }, seed: seed)
    let hasFailed = words.contains("running") || words == ["failed"]
    let span = try #require(story.span("deployment:3002"))
    #expect(span.outcome == (hasFailed ? .failure : .cancellation))
    #expect(span.attributes.value(of: "error.type") == (hasFailed ? "failed" : nil))
    #expect(span.end == Timestamp(rfc3339: "2024-03-05T13:30:02Z"))
    #expect(span.phases.contains { $0.name == "run" } == words.contains("running"))
  }

  @Test("A job that fails because its deployment was rejected has not failed either")
  func rejectedJob() throws {
    let story = try History.story(
      [
        try History.build(
          4200, "failed", created: Self.time("10:00:00"), finished: Self.time("10:06:00"),
          change: ["build_failure_reason": "deployment_rejected", "environment": ["name": "production"]])
      ], seed: 0)
    #expect(story.tree == ["job:4200 10:00:00 to 10:06:00 cancellation"])
  }

  @Test("A deploy by a job that may fail is a failed one, in its phases, too", arguments: UInt64(0)..<12)
  func mayFail(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.build(
          4200, "failed", created: Self.time("10:00:00"), started: Self.time("10:05:00"), finished: Self.time("10:06:00"),
          change: ["build_allow_failure": true, "environment": ["name": "production"]]),
        try History.deployment(3200, "failed", at: "10:06:00"),
        try History.pipeline(
          "success", created: Self.time("10:00:00"), finished: Self.time("10:06:01"),
          [
            History.job(
              4200, "failed", created: Self.time("10:00:00"), started: Self.time("10:05:00"), finished: Self.time("10:06:00"),
              change: ["allow_failure": true])
          ]),
      ], seed: seed)
    #expect(
      story.tree == [
        "deployment:3200 10:05:00 to 10:06:00 failure under job:4200 by vendor_link",
        "job:4200 10:00:00 to 10:06:00 success under pipeline:700 by vendor_link",
        "pipeline:700 10:00:00 to 10:06:01 success",
      ])
    #expect(story.span("deployment:3200")?.phases.map(\.outcome) == [.failure])
    #expect(story.span("job:4200")?.attributes.value(of: "valuestream.allowed_failure") == true)
  }

  @Test("The Test button moves nothing, and opens nothing again", arguments: UInt64(0)..<20)
  func testButton(seed: UInt64) throws {
    let story = try History.story(
      [
        try History.mergeRequest("open", "opened", updated: "08:00:00"),
        try History.mergeRequest("merge", "merged", updated: "09:00:00"),
        try History.mergeRequest(nil, "merged", updated: "16:00:00"),
        try History.mergeRequest("update", "merged", updated: "17:00:00"),
        try History.issue("close", "closed", updated: "08:00:00", closed: "08:00:00"),
        try History.issue(nil, "closed", updated: "16:00:00", closed: "08:00:00"),
        try History.issue(nil, "closed", updated: "17:00:00"),
      ], seed: seed)
    #expect(story.tree == ["issue:5 07:00:00 to 08:00:00 completed", "pull_request:11 08:00:00 to 09:00:00 merged"])
    let alone = try History.story([try History.mergeRequest(nil, "merged", updated: "16:00:00")], seed: 0)
    #expect(alone.tree == ["pull_request:11 08:00:00 to 16:00:00 merged"], "the first that is heard of it")
  }

  @Test("Durations that none can be are not stated", arguments: ["-1", "-1e300", "1e300", "\"12\"", "null", "true"])
  func durations(text: String) throws {
    let started = [
      try History.build(
        1, "success", created: Self.time("10:00:00"), started: Self.time("10:01:00"),
        change: ["build_queued_duration": "QUEUED", "build_duration": "LASTED"]
      ).replacing(["\"QUEUED\"": text, "\"LASTED\"": text]),
      try History.pipeline(
        "running", created: Self.time("10:00:00"), queued: "QUEUED",
        [
          History.job(
            1, "success", created: Self.time("10:00:00"), started: Self.time("10:01:00"), finished: Self.time("10:02:00"),
            queued: "QUEUED")
        ]
      ).replacing(["\"QUEUED\"": text]),
    ]
    let story = try History.story(started, seed: 0)
    #expect(story.phases(of: "job:1") == ["queue 10:00:00 to 10:01:00", "run 10:01:00 to 10:01:00"])
    #expect(story.phases(of: "pipeline:700") == ["queue 10:00:00 to 10:01:00", "run 10:01:00 to ?"])
  }
}
