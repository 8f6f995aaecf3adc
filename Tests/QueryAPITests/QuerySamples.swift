import QueryAPI
import ValueStreamCore
import ValueStreamTesting

/// Sample subjects for the tests of the query API.
enum QuerySamples {
  /// The current time, 2026-03-01T10:00:00Z, two hours after the first sample.
  static let now = StoreSamples.time(7200)

  static func queries(
    _ store: any SpanStore, _ strategy: TraceStrategy = .nested, sources: [String] = [],
    byteBudget: Int = SpanQueries.byteBudget, wait: @escaping @Sendable () -> Void = {}
  ) -> SpanQueries {
    SpanQueries(
      store: store, strategy: strategy, clock: FakeClock(now), logger: Logger { _ in }, sources: sources, byteBudget: byteBudget,
      waitForProjection: wait)
  }

  static func get(
    _ handler: any HTTPHandler, _ path: String, _ query: [(name: String, value: String)] = []
  ) -> (status: Int, body: String) {
    let response = handler.respond(to: HTTPRequest(method: "GET", path: path, query: query))
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// Projects events one by one into a new store.
  static func store(_ events: [Event]) throws -> MemorySpanStore {
    let store = MemorySpanStore()
    for event in events {
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
    }
    return store
  }

  // MARK: Story of a change

  /// Issue n in its own trace, with a change below it, a build of the change, and a failed job of the build.
  ///
  /// The issue is open, and the other subjects have ended. All times are n minutes later than those of issue 0.
  static func story(_ number: Int) -> [Event] {
    let start = Int64(number * 60)
    var issue = event(issueKey(number), .issue, "acme/site#\(number)", from: start, to: nil)
    issue.publishes = [
      Reference(.classicID, "vstrace-github-issue-site-\(number)"), Reference(.issue, "github.com/acme/site#\(number)"),
    ]
    var change = event(
      key("pull_request", 100 + number), .pullRequest, "acme/site#\(100 + number)", from: start + 10, to: start + 1800)
    change.outcome = .merged
    change.publishes = [Reference(.change, "github.com/acme/site!\(100 + number)")]
    change.follows = [FollowStatement(.closingWords, [.key(issue.key)])]
    change.spanEvents = [SpanEvent(name: "review", time: StoreSamples.time(start + 900), attributes: [Attribute("by", "rosa")])]
    change.phases = [
      PhaseStatement(track: "review", name: "draft", start: StoreSamples.time(start + 10), end: StoreSamples.time(start + 60))
    ]
    change.links = [LinkStatement(Reference(.classicID, "vstrace-github-issue-site-9"), rule: "epic")]
    var build = event(key("run", 200 + number), .build, "acme/site CI #\(number)", from: start + 20, to: start + 620)
    build.outcome = .failure
    build.attributes = [
      Attribute("cicd.pipeline.name", "CI"), Attribute("cicd.pipeline.action.name", "BUILD"),
      Attribute("labels", .strings(["a", "b"])), Attribute("lines", 12), Attribute("ratio", .double(0.5)),
    ]
    build.follows = [FollowStatement(.vendorLink, [.key(change.key)])]
    var job = event(key("job", 300 + number), .job, "acme/site CI #\(number) test", from: start + 30, to: start + 600)
    job.outcome = .failure
    job.attributes = [Attribute("cicd.pipeline.task.name", "test")]
    job.follows = [FollowStatement(.vendorLink, [.key(build.key)])]
    return [issue, change, build, job]
  }

  static func issueKey(_ number: Int) -> SubjectKey { key("issue", number) }

  static func key(_ kind: String, _ number: Int) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: String(number))
  }

  static func event(_ key: SubjectKey, _ operation: Operation, _ name: String, from start: Int64, to end: Int64?) -> Event {
    let times = [start] + (end.map { [$0] } ?? [])
    var event = Event(key: key, time: .vendor(StoreSamples.time(times[times.count - 1])), attempt: .counted)
    event.operation = operation
    event.name = name
    event.project = "acme/site"
    event.owner = "github.com/acme"
    event.state = end == nil ? .running : .ended
    event.marks = [.begin(.vendor(StoreSamples.time(start)))]
    if let end { event.marks.append(.end(.vendor(StoreSamples.time(end)))) }
    return event
  }
}
