package import ValueStreamCore

/// Fixed sample spans for export.
package enum ExportSamples {
  static let start = Timestamp(seconds: 1_772_352_000)

  /// Returns the time this many seconds after 2026-03-01T08:00:00Z.
  private static func time(_ seconds: Int64) -> Timestamp { start.advanced(byNanoseconds: seconds * 1_000_000_000) }

  static func key(_ kind: String, _ id: String, source: String = "github") -> SubjectKey {
    SubjectKey(source: source, host: "github.com", container: "1", kind: kind, id: id)
  }

  /// Makes a store with this many finished subjects.
  package static func store(finished count: Int, text: String = "") throws -> any SpanStore {
    try store((0..<count).map { plain($0, text: text) })
  }

  /// Returns the spans of ``store(finished:text:)``.
  package static func spans(_ count: Int, text: String = "") throws -> [TracedSpan] {
    var reader = TraceReader(store: try store(finished: count, text: text), strategy: .nested)
    return try (0..<count).flatMap { try reader.spans(of: key("run", "\($0)")) }
  }

  package static func id(_ number: Int) -> SpanID { SpanID(key: key("run", "\(number)"), attempt: 1) }

  private static func plain(_ number: Int, text: String) -> Event {
    var event = Event(key: key("run", "\(number)"), time: .vendor(time(60)), attempt: .numbered(1))
    event.operation = .build
    event.name = "run \(number)"
    event.marks = [.begin(.vendor(time(0))), .end(.vendor(time(60)))]
    event.outcome = .success
    if !text.isEmpty { event.attributes.add("text", text) }
    return event
  }

  /// Returns a sample of each kind of span.
  ///
  /// These are a change below its issue, a failed second run of a build with a job below it, a run that is a deploy, a
  /// script's span with values of every type, and a span with an unknown start.
  package static func story() throws -> [TracedSpan] {
    var issue = event("issue", "36", .issue, "acme/site#36", .completed, from: -86_400, to: 7200)
    issue.publishes = [Reference(.classicID, "vstrace-github-issue-site-36")]
    issue.attributes = [
      Attribute("vcs.repository.name", "site"), Attribute("vs.span.id", "vstrace-github-issue-site-36", vocabulary: .classic),
    ]
    var change = event("pull_request", "37", .pullRequest, "acme/site!37", .merged, from: 0, to: 3600)
    change.follows = [FollowStatement(.explicitID, [Reference(.classicID, "vstrace-github-issue-site-36")])]
    change.publishes = [Reference(.commit, "c1")]
    change.spanEvents = [
      SpanEvent(
        name: "review", time: time(900),
        attributes: [Attribute("valuestream.review.state", "approved"), Attribute("valuestream.review.comments", 3)]),
      SpanEvent(name: "label", time: time(30)),
    ]
    change.phases = [
      PhaseStatement(track: "state", name: "draft", start: time(0), end: time(600)),
      PhaseStatement(track: "state", name: "review", start: time(600)),
    ]
    var build = event("run", "9", .build, "CI 9", .timeout, from: 60, to: 660, attempt: .numbered(2))
    build.follows = [FollowStatement(.commit, [Reference(.commit, "c1")])]
    build.attributes = [
      Attribute("cicd.pipeline.name", "CI"), Attribute("cicd.pipeline.action.name", "RUN"), Attribute("error.type", "timed_out"),
    ]
    build.phases = [
      PhaseStatement(track: "run", name: "queue", start: time(60), end: time(75)),
      PhaseStatement(track: "run", name: "run", start: time(75), end: time(660), outcome: .timeout),
    ]
    var job = event("job", "91", .job, "CI 9 / test", .failure, from: 80, to: 600, attempt: .numbered(2))
    job.follows = [FollowStatement(.vendorLink, [.key(build.key)])]
    job.attributes = [Attribute("cicd.pipeline.name", "CI"), Attribute("cicd.pipeline.task.name", "test (linux)")]
    var deploy = event("run", "10", .deploy, "Deploy 10", .success, from: 4000, to: 4100, attempt: .numbered(1))
    deploy.attributes = [Attribute("cicd.pipeline.name", "Deploy site"), Attribute("cicd.pipeline.action.name", "RUN")]
    deploy.links = [LinkStatement(.key(change.key), rule: "deploys")]
    var script = event("backup", "1", "backup", "nightly", .failure, from: 10, to: 20, source: "customhttp")
    script.project = nil
    script.attributes = [
      Attribute("bool", true), Attribute("double", .double(0.5)), Attribute("empty", ""), Attribute("int", -7),
      Attribute("list", .strings(["a", "", "ü"])), Attribute("null", .null, vocabulary: .classic),
      Attribute("shared", "semantic"), Attribute("shared", "classic", vocabulary: .classic),
    ]
    var old = Event(key: key("old", "1"), time: .vendor(.epoch))
    old.operation = .release
    old.marks = [.end(.vendor(.epoch))]
    let events = [issue, change, build, job, deploy, script, old]
    var reader = TraceReader(store: try store(events), strategy: .nested)
    return try events.flatMap { try reader.spans(of: $0.key) }
  }

  private static func event(
    _ kind: String, _ id: String, _ operation: Operation, _ name: String, _ outcome: Outcome, from begin: Int64,
    to end: Int64, attempt: AttemptRule = .counted, source: String = "github"
  ) -> Event {
    var event = Event(key: key(kind, id, source: source), time: .vendor(time(end)), attempt: attempt)
    event.operation = operation
    event.name = name
    event.owner = "github.com/acme"
    event.project = "acme/site"
    event.state = .ended
    event.outcome = outcome
    event.marks = [.begin(.vendor(time(begin))), .end(.vendor(time(end)))]
    return event
  }

  private static func store(_ events: [Event]) throws -> any SpanStore {
    let store: any SpanStore = MemorySpanStore()
    var correlation = Correlation(store: store)
    for event in events { _ = try correlation.take(event) }
    var changes = correlation.finish()
    changes.outboxEntries = events.map { event in
      OutboxEntry(key: event.key, attempt: 1, time: start)
    }
    try store.write(changes)
    return store
  }
}
