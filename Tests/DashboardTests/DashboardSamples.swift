import Catalog
import Dashboard
import QueryAPI
import ValueStreamCore
import ValueStreamTesting

/// A fixed history of a small team, and the pages over it.
struct DashboardSamples {
  /// 2026-03-10T10:00:00Z.
  static let now = StoreSamples.time(9 * 86_400 + 7200)

  /// A source that reads the first byte of a body: `u` is unreadable, `i` ignored, anything else an event.
  struct LetterSource: EventSource {
    let name = "github"
    let route = "/github"
    let keptHeaders: [String] = []
    let acceptsUnsigned = false
    let text: @Sendable (String) -> String

    func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) {}
    func deliveryID(of delivery: Delivery) -> String? { delivery.id }

    func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
      switch delivery.body.first {
      case UInt8(ascii: "u"):
        throw PayloadError(.missingIdentity, path: text("$.issue.number"), reason: text("there is no number"))
      case UInt8(ascii: "i"): return .ignored(reason: text("a ping"))
      default:
        var event = Event(key: DashboardSamples.key("issue", 36), time: .vendor(delivery.received), attempt: .single)
        event.operation = .issue
        event.name = text("acme/site#36")
        return .events([event])
      }
    }
  }

  let store: MemorySpanStore
  let log = MemoryDeliveryLog()
  let dashboard: Dashboard
  var status = DaemonStatus(start: StoreSamples.morning)

  /// - Parameter text: What each text of a payload becomes.
  init(
    _ events: [Event]? = nil, hasDeliveries: Bool = true, text: @escaping @Sendable (String) -> String = { $0 },
    base: String = "",
    reports: Dashboard.Reports? = nil, arrival: HistoryArrival = HistoryArrival(),
    change: (inout DaemonStatus) -> Void = { _ in }
  ) throws {
    store = MemorySpanStore()
    for event in events ?? Self.history(text) {
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
    }
    if hasDeliveries {
      for (index, body) in ["{\"action\":\"opened\",\"title\":\"x\"}", "unreadable", "ignored"].enumerated() {
        let delivery = Delivery(
          source: "github", id: text("delivery-\(index)"), received: StoreSamples.time(Int64(index) * 60),
          headers: HTTPHeaders([.init(name: text("X-GitHub-Event"), value: text("issues"))]), body: Array(text(body).utf8))
        var wrapped = delivery
        wrapped.body = Array(body.utf8.prefix(1)) + Array(text(body).utf8)
        _ = log.append([LoggedDelivery(index == 0 ? delivery : wrapped)])
      }
    }
    status.sources = [
      .init(
        name: "github", route: "/github", hasSecret: true, guide: SourceCatalog.factory(named: "github")?.guide,
        refusals: [.init(reason: text("signature by another secret"), count: 3, time: StoreSamples.time(60))],
        last: hasDeliveries ? (StoreSamples.time(120), .recorded) : nil),
      .init(
        name: "customhttp", route: "/customhttp", hasSecret: false, secretVariable: "VS_CUSTOMHTTP_SECRET",
        guide: SourceCatalog.factory(named: "customhttp")?.guide),
    ]
    status.exporters = [
      .init(name: "otlp", pending: 12, sent: 3400, refused: 2, dropped: 0, failingSince: StoreSamples.time(600)),
      .init(name: "logging", pending: 0, sent: 3414, refused: 0, dropped: 0),
    ]
    status.warnings = [text("2 deliveries are set aside")]
    status.store = text("/var/lib/valuestream")
    (status.logBytes, status.spanBytes) = (123_456_789, 9_876_543)
    status.retention = [("deliveries are kept", "30 days")]
    (status.openSpans, status.finishedSpans, status.setAsideDeliveries) = (4, 3414, 2)
    change(&status)
    let queries = SpanQueries(
      store: store, strategy: .nested, clock: FakeClock(Self.now), logger: Logger { _ in }, sources: ["github", "customhttp"],
      waitForProjection: {})
    let reading = DeliveryReading(log: log, sources: [LetterSource(text: text)])
    dashboard = Dashboard(
      .init(queries: queries, deliveries: reading, reports: reports, arrival: { arrival }) { [status] in status },
      base: base)
  }

  // MARK: Requests

  func get(_ address: String, headers: HTTPHeaders = ["Host": "vsd.example:5000"]) -> HTTPResponse {
    let sides = address.split(separator: "?", maxSplits: 1).map(String.init)
    let query =
      sides.count < 2
      ? []
      : sides[1].split(separator: "&").map { pair -> (name: String, value: String) in
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (
          PercentEncoding.decode(parts[0]) ?? "", parts.count > 1 ? PercentEncoding.decode(parts[1]) ?? "" : ""
        )
      }
    return dashboard.respond(
      to: HTTPRequest(
        method: "GET", path: PercentEncoding.decode(Substring(sides[0])) ?? sides[0], query: query, headers: headers))
  }

  func text(_ address: String) -> String { String(decoding: get(address).body, as: UTF8.self) }

  // MARK: History

  static func key(_ kind: String, _ number: Int) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: String(number))
  }

  private static let hour: Int64 = 3600
  private static let day: Int64 = 86_400

  /// An issue, its change, checks, a failed deploy, the deploy that helped, and an incident that is still open.
  static func history(_ text: (String) -> String) -> [Event] {
    func event(_ kind: String, _ number: Int, _ operation: Operation, _ name: String, _ start: Int64, _ end: Int64?) -> Event {
      var event = Event(
        key: key(kind, number), time: .vendor(StoreSamples.time(end ?? start)), attempt: .counted)
      event.operation = operation
      event.name = text(name)
      event.project = text("acme/site")
      event.owner = "github.com/acme"
      event.state = end == nil ? .running : .ended
      event.marks = [.begin(.vendor(StoreSamples.time(start)))]
      if let end { event.marks.append(.end(.vendor(StoreSamples.time(end)))) }
      return event
    }
    var issue = event("issue", 36, .issue, "acme/site#36", 0, 8 * day)
    issue.outcome = .completed
    issue.attributes = [
      Attribute("valuestream.issue.title", .string(text("Card captures fail on time-outs"))),
      Attribute("valuestream.issue.url", .string(text("https://github.com/acme/site/issues/36"))),
      Attribute("valuestream.issue.author", .string(text("rosa"))),
    ]
    issue.publishes = [Reference(.issue, "github.com/acme/site#36"), Reference(.classicID, "vstrace-github-issue-site-36")]
    issue.phases = [
      PhaseStatement(track: "status", name: text("Backlog"), start: StoreSamples.time(0), end: StoreSamples.time(3 * day)),
      PhaseStatement(
        track: "status", name: text("In progress"), start: StoreSamples.time(3 * day), end: StoreSamples.time(6 * day)),
    ]
    var change = event("pull_request", 37, .pullRequest, "acme/site#37", 3 * day, 6 * day)
    change.outcome = .merged
    change.attributes = [
      Attribute("vcs.change.title", .string(text("Retry card captures"))),
      Attribute("valuestream.change.author", .string(text("emil"))),
      Attribute("valuestream.change.url", .string(text("https://github.com/acme/site/pull/37"))),
    ]
    change.publishes = [
      Reference(.change, "github.com/acme/site!37"), Reference(.commit, "9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a"),
    ]
    change.follows = [FollowStatement(.closingWords, [Reference(.issue, "github.com/acme/site#36")])]
    change.phases = [
      PhaseStatement(track: "review", name: "draft", start: StoreSamples.time(3 * day), end: StoreSamples.time(4 * day)),
      PhaseStatement(track: "review", name: "review", start: StoreSamples.time(4 * day), end: StoreSamples.time(6 * day)),
    ]
    change.spanEvents = [
      SpanEvent(name: "synchronize", time: StoreSamples.time(3 * day + hour)),
      SpanEvent(
        name: "review", time: StoreSamples.time(5 * day),
        attributes: [
          Attribute("valuestream.review.state", "changes_requested"),
          Attribute("valuestream.review.author", .string(text("ines"))),
        ]),
      SpanEvent(
        name: "review", time: StoreSamples.time(6 * day - hour), attributes: [Attribute("valuestream.review.state", "approved")]),
      SpanEvent(name: text("labeled"), time: StoreSamples.time(4 * day)),
    ]
    var build = event("run", 40, .build, "acme/site CI #40", 3 * day + hour, 3 * day + hour + 720)
    build.outcome = .failure
    build.attributes = [Attribute("cicd.pipeline.name", .string(text("CI")))]
    build.phases = [
      PhaseStatement(
        track: "run", name: "queue", start: StoreSamples.time(3 * day + hour), end: StoreSamples.time(3 * day + hour + 60)),
      PhaseStatement(
        track: "run", name: "run", start: StoreSamples.time(3 * day + hour + 60), end: StoreSamples.time(3 * day + hour + 720)),
    ]
    build.follows = [FollowStatement(.vendorLink, [.key(change.key)])]
    var job = event("job", 41, .job, "acme/site CI / unit", 3 * day + hour + 60, 3 * day + hour + 700)
    job.outcome = .failure
    job.attributes = [Attribute("cicd.pipeline.task.name", .string(text("unit")))]
    job.follows = [FollowStatement(.vendorLink, [.key(build.key)], attempt: 1)]
    func deploy(_ number: Int, _ start: Int64, _ outcome: Outcome) -> Event {
      var deploy = event("deployment", number, .deploy, "acme/site to production", start, start + 660)
      deploy.outcome = outcome
      deploy.attributes = [
        Attribute("deployment.environment.name", .string(text("production"))),
        Attribute("valuestream.service", .string(text("site"))),
        Attribute("vcs.ref.head.revision", "9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a"),
        Attribute("valuestream.deployment.url", .string(text("https://site.example"))),
      ]
      deploy.follows = [FollowStatement(.commit, [Reference(.commit, "9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a9f3c2e1a")])]
      return deploy
    }
    let failed = deploy(50, 6 * day + hour, .failure)
    let helped = deploy(51, 6 * day + 3 * hour, .success)
    var incident = event("issue", 60, .incident, "acme/site#60", 7 * day, nil)
    incident.attributes = [Attribute("valuestream.issue.title", .string(text("Duplicate captures")))]
    return [issue, change, build, job, failed, helped, incident]
  }
}
