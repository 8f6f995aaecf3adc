import APIClient
import GitHubAPI
import GitHubHooks
import GitLabHooks
import GitLabWebhooks
import Hooks
import JiraHooks
import JiraWebhooks
import Synchronization
import Testing
import TrelloHooks
import ValueStreamCore
import ValueStreamTesting

struct GitLabHooksTests {
  private static let address = "https://vs.example.org/gitlab"

  private static func service(
    _ server: GitLabHookServer, _ owner: GitLabHooks.Owner = .project("acme/site")
  ) throws -> GitLabHooks {
    let client = APIClient(transport: TransportFake { server.answer($0) }, clock: FakeClock(), sleep: { _ in })
    return GitLabHooks(owner, at: "https://git.acme.example", token: try #require(Secret("t")), client: client)
  }

  private static func plan(_ secret: String = "wave") -> HookPlan {
    HookPlan(address: address, events: GitLabSource.hookEvents, secret: Secret(secret))
  }

  @Test(
    "The webhook has the events that vsd reads and its secret",
    arguments: [GitLabHooks.Owner.project("acme/site"), .group("acme")])
  func create(owner: GitLabHooks.Owner) async throws {
    let server = GitLabHookServer()
    let setup = HookSetup(try Self.service(server, owner), sleep: { _ in })
    let outcome = try await setup.create(Self.plan(), updates: false)
    #expect(outcome == .created(outcome.hook) && outcome.hook.hasSecret == true)
    #expect(
      outcome.hook.events == [
        "deployment_events", "issues_events", "job_events", "merge_requests_events", "note_events", "pipeline_events",
        "push_events", "releases_events",
      ])
    #expect(server.state.hooks[0]["token"] as? String == "wave" && server.state.hooks[0]["signing_token"] == nil)
    #expect(await setup.ping(outcome.hook) == ("its ping was answered 200", true))
    #expect(try await setup.check(address: nil).flatMap(\.findings).isEmpty)
    let again = try await setup.create(Self.plan(), updates: false)
    #expect(again == .unchanged(again.hook) && server.state.hooks.count == 1)
  }

  @Test("A signing token becomes one, and a server that does not know it is told", arguments: [true, false])
  func signing(signs: Bool) async throws {
    let server = GitLabHookServer { $0.signs = signs }
    let service = try Self.service(server)
    let plan = Self.plan("whsec_d2F2ZQ==")
    let hook = try await HookSetup(service).create(plan, updates: false).hook
    #expect(server.state.hooks[0]["signing_token"] as? String == "whsec_d2F2ZQ==" && server.state.hooks[0]["token"] == nil)
    #expect(HookFinding.settings(of: hook, against: plan, at: service).map(\.kind) == (signs ? [] : [.secret]))
  }

  @Test("What is missing is added; what GitLab has switched off is told")
  func update() async throws {
    let server = GitLabHookServer { state in
      state.hooks = [
        [
          "id": 3, "url": Self.address, "push_events": true, "wiki_page_events": true, "enable_ssl_verification": false,
          "token_present": false, "alert_status": "disabled",
        ]
      ]
    }
    let setup = HookSetup(try Self.service(server), sleep: { _ in })
    let findings = try await setup.check(address: nil).flatMap(\.findings)
    #expect(findings.map(\.kind) == [.events, .secret, .certificate, .held])
    let hook = try await setup.create(Self.plan(), updates: true).hook
    #expect(hook.events?.contains("wiki_page_events") == true && hook.hasSecret == true)
    _ = await setup.ping(hook)
    #expect(try await setup.check(address: nil).flatMap(\.findings).isEmpty)
  }

  @Test("Events without a success are resent, over the limit of five a minute")
  func heal() async throws {
    let server = GitLabHookServer { state in
      state.hooks = [["id": 3, "url": Self.address]]
      state.events = (1...50).map { .init(id: $0, key: "k\($0)", kind: "push", status: "200") }
      state.events += (51...58).map {
        .init(id: $0, key: "k\($0)", kind: "pipeline", status: $0 == 51 ? "internal error" : "502")
      }
      state.events += [
        .init(id: 59, key: "wiki", kind: "wiki_page", status: "500"), .init(id: 60, key: "k52", kind: "pipeline", status: "200"),
      ]
      state.resendsUntilLimit = 5
    }
    let waits = FakeClock()
    let client = APIClient(transport: TransportFake { server.answer($0) }, clock: waits, sleep: { waits.sleep($0) })
    let service = GitLabHooks(
      .project("acme/site"), at: "https://git.acme.example", token: try #require(Secret("t")), client: client)
    let hook = try #require(try await service.hooks().first)
    var memory = HookHealing.Memory()
    var report = HookHealing.Report()
    try await HookHealing(service).run(hook, memory: &memory, report: &report)
    #expect(server.state.resent == [51, 53, 54, 55, 56, 57, 58])
    #expect(report.asked == 7 && report.delivered == 7 && report.unread == 1 && report.deliveries == 60)
    #expect(waits.sleeps == [60])
    var again = HookHealing.Report()
    memory = HookHealing.Memory()
    try await HookHealing(service).run(hook, memory: &memory, report: &again)
    #expect(again.failed == 0)
  }

  @Test("A token without the right is told which", arguments: [403, 404])
  func rights(status: Int) async throws {
    let server = GitLabHookServer { $0.refusal = status }
    let error = await #expect(throws: APIError.self) { try await Self.service(server).hooks() }
    #expect(error?.description.contains("the scope api, and its user must be a maintainer of acme/site") == true)
    let group = await #expect(throws: APIError.self) { try await Self.service(server, .group("acme")).hooks() }
    #expect(group?.description.contains("owner of acme") == true)
  }
}

struct JiraHooksTests {
  private static let address = "https://vs.example.org/jira"

  private static func service(_ answer: @escaping @Sendable (HTTPTransportRequest) -> HTTPResponse) -> (JiraHooks, TransportFake)
  {
    let transport = TransportFake(answer)
    let client = APIClient(transport: transport, clock: FakeClock(), sleep: { _ in })
    return (JiraHooks("https://acme.atlassian.net", authorization: "Basic eA==", client: client), transport)
  }

  /// A webhook as Jira shows it.
  private static func shown(_ events: [String], enabled: Bool = true, filter: String = "project = TP") -> String {
    """
    {"name":"x","url":"\(address)","excludeBody":\(!enabled),"filters":{"issue-related-events-section":"\(filter)"},
    "events":[\(events.map { "\"\($0)\"" }.joined(separator: ","))],"enabled":\(enabled),
    "self":"https://acme.atlassian.net/rest/webhooks/1.0/webhook/72","lastUpdated":1383247225784}
    """
  }

  @Test("The webhook has the events that vsd reads, its secret and the filter")
  func create() async throws {
    let (service, transport) = Self.service { request in
      request.method == "POST" ? .json(Self.shown(JiraSource.hookEvents), status: 201) : .json("[]")
    }
    let plan = HookPlan(address: Self.address, events: JiraSource.hookEvents, secret: Secret("wave"), scope: "project = TP")
    let outcome = try await HookSetup(service).create(plan, updates: false)
    #expect(outcome == .created(outcome.hook) && outcome.hook.id == "72" && outcome.hook.hasSecret == nil)
    let request = try #require(transport.requests.last)
    #expect(request.url == "https://acme.atlassian.net/rest/webhooks/1.0/webhook")
    let body = String(decoding: request.body, as: UTF8.self)
    #expect(body.contains(#""filters":{"issue-related-events-section":"project = TP"}"#) && body.contains(#""secret":"wave""#))
    #expect(body.contains(#""jira:version_unreleased""#) && body.contains(#""sprint_closed""#))
    #expect(JiraSource.hookEvents.count == 16)
  }

  @Test("What a webhook lacks is told, and changed without losing its filter and events of others")
  func update() async throws {
    let (service, transport) = Self.service { request in
      let webhook = Self.shown(["jira:issue_created", "board_created"], enabled: false)
      return .json(request.method == "GET" ? "[\(webhook)]" : Self.shown(JiraSource.hookEvents))
    }
    let plan = HookPlan(address: Self.address, events: JiraSource.hookEvents, secret: Secret("wave"))
    guard case .different(_, let findings) = try await HookSetup(service).create(plan, updates: false) else {
      Issue.record("the difference was not seen")
      return
    }
    #expect(findings.map(\.kind) == [.inactive, .events, .body])
    _ = try await HookSetup(service).create(plan, updates: true)
    let request = try #require(transport.requests.last)
    #expect(request.method == "PUT" && request.url.hasSuffix("/webhook/72"))
    let body = String(decoding: request.body, as: UTF8.self)
    #expect(body.contains("project = TP") && body.contains("board_created") && body.contains(#""enabled":true"#))
    #expect(service.history == nil)
  }

  @Test("Who is no administrator is told", arguments: [401, 403, 404])
  func rights(status: Int) async throws {
    let (service, _) = Self.service { _ in .json("{}", status: status) }
    let error = await #expect(throws: APIError.self) { try await service.hooks() }
    #expect(error?.description.contains(status == 404 ? "Data Center 10" : "Administer Jira") == true)
  }
}

struct TrelloHooksTests {
  private static let address = "https://vs.example.org/trello"
  private static let token = "ATTA1234secret"

  private static func service(_ answer: @escaping @Sendable (HTTPTransportRequest) -> HTTPResponse) throws -> (
    TrelloHooks, TransportFake
  ) {
    let transport = TransportFake(answer)
    let client = APIClient(transport: transport, clock: FakeClock(), sleep: { _ in })
    return (TrelloHooks("https://api.trello.com", key: "k", token: try #require(Secret(token)), client: client), transport)
  }

  private static func shown(_ id: String, board: String, active: Bool = true, failures: Int = 0) -> String {
    #"{"id":"\#(id)","idModel":"\#(board)","callbackURL":"\#(address)","active":\#(active),"consecutiveFailures":\#(failures)}"#
  }

  @Test("Each board gets a webhook of its own")
  func create() async throws {
    let (service, transport) = try Self.service { request in
      if request.url.contains("/boards/HbrS1te0?") { return .json(#"{"id":"b2","name":"Harbour"}"#) }
      return .json(request.method == "POST" ? Self.shown("w2", board: "b2") : "[\(Self.shown("w1", board: "b1"))]")
    }
    let board = try await service.board("HbrS1te0")
    let plan = HookPlan(address: Self.address, events: [], secret: nil, scope: board)
    let outcome = try await HookSetup(service).create(plan, updates: false)
    #expect(outcome == .created(outcome.hook) && outcome.hook.id == "w2")
    let body = String(decoding: try #require(transport.requests.last).body, as: UTF8.self)
    #expect(body.contains(#""idModel":"b2""#))
    #expect(transport.requests.last?.headers["Authorization"] == #"OAuth oauth_consumer_key="k", oauth_token="ATTA1234secret""#)
    let other = HookPlan(address: Self.address, events: [], secret: nil, scope: "b1")
    #expect(try await HookSetup(service).create(other, updates: false) == .unchanged(outcome.hook.with(id: "w1", scope: "b1")))
  }

  @Test("A board without a webhook is told, whatever others have; a webhook can be deleted")
  func perBoard() async throws {
    let (service, transport) = try Self.service { _ in
      .json("[\(Self.shown("w1", board: "b1")),\(Self.shown("w2", board: "b2"))]")
    }
    let setup = HookSetup(service)
    let judgements = try await setup.check(address: nil, scope: "b2")
    #expect(judgements.map(\.hook?.id) == ["w2"] && judgements.allSatisfy(\.findings.isEmpty))
    #expect(try await setup.check(address: nil, scope: "b3").flatMap(\.findings).map(\.kind) == [.missing])
    try await service.delete("w1")
    #expect(transport.requests.last?.method == "DELETE" && transport.requests.last?.url == "https://api.trello.com/1/webhooks/w1")
  }

  @Test("A webhook that is off or fails is told")
  func check() async throws {
    let (service, _) = try Self.service { _ in .json("[\(Self.shown("w1", board: "b1", active: false, failures: 12))]") }
    let findings = try await HookSetup(service).check(address: nil).flatMap(\.findings)
    #expect(findings.map(\.kind) == [.inactive, .held] && findings[1].problem.contains("12 deliveries"))
  }

  @Test("No message shows the token, which the path of a request holds", arguments: [401, 404, 429, 500])
  func secrecy(status: Int) async throws {
    let told = Mutex<[String]>([])
    let transport = TransportFake { _ in
      HTTPResponse(status: status, headers: ["Content-Type": "text/plain"], body: Array("invalid token".utf8))
    }
    let client = APIClient(transport: transport, sleep: { _ in }, report: { wait in told.withLock { $0.append(wait.reason) } })
    let service = TrelloHooks("https://api.trello.com", key: "k", token: try #require(Secret(Self.token)), client: client)
    if status == 429 {
      // The pause outlasts the test; what it says is what counts.
      let asking = Task { try? await service.hooks() }
      while told.withLock(\.isEmpty) { await Task.yield() }
      asking.cancel()
    } else {
      let error = await #expect(throws: APIError.self) { try await service.hooks() }
      told.withLock { $0.append(error?.description ?? "") }
    }
    let texts = told.withLock { $0 }
    #expect(!texts.isEmpty && texts.allSatisfy { !$0.contains("ATTA") })
    #expect(texts.contains { $0.contains("Trello's list of the token's webhooks") && $0.contains("invalid token") })
  }
}

extension Hook {
  fileprivate func with(id: String, scope: String) -> Hook {
    var hook = self
    (hook.id, hook.scope) = (id, scope)
    return hook
  }
}

/// What a server may answer that is broken, old or not the vendor's.
struct BrokenAnswerTests {
  private static func services(_ transport: any HTTPTransport) throws -> [any HookService] {
    let client = APIClient(transport: transport, clock: FakeClock(), sleep: { _ in })
    let token = try #require(Secret("t"))
    return [
      GitHubHooks(.organization("acme"), GitHubHookRequests(.gitHub, token: token, client: client)),
      GitLabHooks(.group("acme"), at: "https://git.acme.example", token: token, client: client),
      JiraHooks("https://acme.atlassian.net", authorization: "Basic eA==", client: client),
      TrelloHooks("https://api.trello.com", key: "k", token: token, client: client),
    ]
  }

  @Test("A list whose next page is itself has an end")
  func circle() async throws {
    let transport = TransportFake { _ in
      var response = HTTPResponse.json(#"[{"id":1,"status_code":200}]"#)
      response.headers["Link"] = #"<https://x.example/y?page=2>; rel="next""#
      response.headers["X-Next-Page"] = "2"
      return response
    }
    for service in try Self.services(transport).prefix(2) {
      let error = await #expect(throws: APIError.self) { try await service.hooks() }
      #expect(error?.code == .malformed)
      var memory = HookHealing.Memory()
      var report = HookHealing.Report()
      let healed = await #expect(throws: APIError.self) {
        try await HookHealing(try #require(service.history)).run(Hook(id: "1", address: "x"), memory: &memory, report: &report)
      }
      #expect(healed?.code == .malformed)
    }
  }

  @Test("Members that are missing, null or of another type crash nothing")
  func garbage() async throws {
    let values = [
      "null", "0", "-1", "9223372036854775807", "1e300", "true", "[]", "{}", #""""#, #""https://vs.example.org/github""#,
      #"["push"]"#,
      #""2026-11-30T00:00:00Z""#, #"{"url":7,"secret":null,"object_kind":[]}"#,
    ]
    let members = [
      "id", "url", "events", "active", "config", "last_response", "guid", "delivered_at", "status_code", "event", "redelivery",
      "request_headers", "request_data", "response_status", "self", "filters", "enabled", "idModel", "callbackURL",
      "consecutiveFailures", "alert_status", "disabled_until", "push_events", "token_present",
    ]
    var random = SeededRandom(seed: 7)
    for _ in 0..<400 {
      let objects = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        let some = members.filter { _ in Bool.random(using: &random) }
        return "{\(some.map { "\"\($0)\":\(values.randomElement(using: &random) ?? "null")" }.joined(separator: ","))}"
      }
      let text = "[\((objects + [values.randomElement(using: &random) ?? "null"]).joined(separator: ","))]"
      let transport = TransportFake { $0.method == "GET" ? .json(text) : .json(objects.first ?? "{}") }
      for service in try Self.services(transport) {
        let hooks = try await service.hooks()
        for hook in hooks {
          _ = HookFinding.settings(of: hook, against: HookPlan(address: "", events: ["a"], secret: nil), at: service)
        }
        _ = try? await service.create(HookPlan(address: "x", events: [], secret: nil))
        guard let history = service.history else { continue }
        var memory = HookHealing.Memory()
        var report = HookHealing.Report()
        try await HookHealing(history, clock: FakeClock()).run(Hook(id: "1", address: "x"), memory: &memory, report: &report)
        #expect(report.asked + report.refused >= report.failed)
      }
    }
  }
}
