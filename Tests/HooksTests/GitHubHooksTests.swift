import APIClient
import GitHubAPI
import GitHubWebhooks
import Hooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubHooks

/// A clock that stands still.
struct GitHubHooksTests {
  private static let address = "https://vs.example.org/github"
  private static let secret = Secret("wave")
  private static let needed = GitHubSource.hookEvents

  private static func service(
    _ server: GitHubHookServer, _ owner: GitHubHooks.Owner = .repository("acme/site")
  ) throws -> GitHubHooks {
    let client = APIClient(transport: TransportFake { server.answer($0) }, clock: FakeClock(), sleep: { _ in })
    return GitHubHooks(owner, GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client))
  }

  private static func setup(
    _ server: GitHubHookServer, _ owner: GitHubHooks.Owner = .repository("acme/site")
  ) throws -> HookSetup {
    HookSetup(try service(server, owner), sleep: { _ in })
  }

  private static let plan = HookPlan(address: address, events: needed, secret: secret)

  // MARK: Create

  @Test("The webhook has the events that vsd reads, its secret and JSON, and is pinged", arguments: [true, false])
  func create(isOrganization: Bool) async throws {
    let server = GitHubHookServer()
    let setup = try Self.setup(server, isOrganization ? .organization("acme") : .repository("acme/site"))
    let outcome = try await setup.create(Self.plan, updates: false)
    let hook = try #require(server.state.hooks.first)
    #expect(outcome == .created(outcome.hook) && server.state.hooks.count == 1)
    #expect(hook.events == Self.needed && hook.url == Self.address && hook.secret == "wave" && hook.contentType == "json")
    #expect(outcome.hook.hasSecret == true && outcome.hook.verifiesCertificate == true)
    #expect(await setup.ping(outcome.hook) == ("its ping was answered 200", true))
    server.change { $0.receiverStatus = 401 }
    let ping = await setup.ping(outcome.hook)
    #expect(ping.text.contains("401: the secrets differ") && !ping.isFine)
  }

  @Test("There is one list of events: what the mapping reads is what a webhook sends")
  func events() {
    #expect(Self.needed.count == 19 && Self.needed == Self.needed.sorted())
    #expect(Set(Self.needed).isSubset(of: GitHubEventType.all) && !Self.needed.contains("ping"))
  }

  @Test("A second run makes nothing, on whichever page of the list the webhook is", arguments: [1, 2, 100])
  func again(pageLimit: Int) async throws {
    let server = GitHubHookServer { state in
      state.pageLimit = pageLimit
      state.hooks = (1...3).map { .init(id: $0, url: "https://other.example/\($0)", events: ["push"]) }
      state.hooks.append(.init(id: 4, url: "HTTPS://VS.example.org:443/github/", events: Self.needed))
    }
    let outcome = try await Self.setup(server).create(Self.plan, updates: false)
    #expect(outcome == .unchanged(outcome.hook) && outcome.hook.id == "4")
    #expect(server.state.hooks.count == 4)
    #expect(!server.state.requests.contains { $0.hasPrefix("POST") })
  }

  @Test("A webhook that lacks something is told, and changed on request; what others want of it stays")
  func update() async throws {
    let server = GitHubHookServer { state in
      var hook = GitHubHookServer.Hook(id: 9, url: Self.address, events: ["push", "star"], secret: nil)
      (hook.isActive, hook.contentType, hook.isInsecure) = (false, "xml", true)
      state.hooks = [hook]
    }
    let setup = try Self.setup(server)
    guard case .different(_, let findings) = try await setup.create(Self.plan, updates: false) else {
      Issue.record("the difference was not seen")
      return
    }
    #expect(findings.map(\.kind) == [.inactive, .events, .contentType, .secret, .certificate])
    #expect(findings[1].problem.contains("check_run, check_suite") && !findings[1].problem.contains("push"))
    #expect(server.state.hooks[0].secret == nil, "nothing is changed without being asked for")
    let outcome = try await setup.create(Self.plan, updates: true)
    #expect(outcome == .updated(outcome.hook))
    let hook = server.state.hooks[0]
    #expect(hook.events == Set(Self.needed + ["star"]).sorted() && hook.isActive && hook.contentType == "json")
    #expect(hook.secret == "wave" && !hook.isInsecure)
    #expect(try await setup.check(address: nil).flatMap(\.findings).isEmpty)
  }

  @Test("A webhook with all events lacks none, and keeps them")
  func everything() async throws {
    let server = GitHubHookServer { $0.hooks = [.init(id: 1, url: Self.address, events: ["*"])] }
    let setup = try Self.setup(server)
    #expect(try await setup.check(address: Self.address).flatMap(\.findings).isEmpty)
    _ = try await setup.create(Self.plan, updates: true)
    #expect(server.state.hooks[0].events == ["*"])
  }

  @Test("A lost answer makes no second webhook")
  func lostAnswer() async throws {
    let server = GitHubHookServer { $0.losesAnswers = true }
    let outcome = try await Self.setup(server).create(Self.plan, updates: false)
    #expect(outcome == .created(outcome.hook))
    #expect(server.state.requests.filter { $0 == "POST /repos/acme/site/hooks" }.count == 1)
    #expect(server.state.hooks.count == 1)
  }

  @Test("What GitHub has against an address is passed on")
  func refused() async throws {
    let server = GitHubHookServer()
    let plan = HookPlan(address: "http://localhost/github", events: Self.needed, secret: Self.secret)
    let error = await #expect(throws: APIError.self) { try await Self.setup(server).create(plan, updates: false) }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("Validation Failed: url is not supported") == true)
  }

  @Test("A token without the right is told which", arguments: [403, 404])
  func rights(status: Int) async throws {
    let server = GitHubHookServer { $0.refusal = status }
    for (owner, right) in [
      (GitHubHooks.Owner.repository("acme/site"), "admin:repo_hook"), (.organization("acme"), "admin:org_hook"),
    ] {
      let error = await #expect(throws: APIError.self) { try await Self.service(server, owner).hooks() }
      #expect(error?.description.contains(right) == true, "\(String(describing: error))")
      #expect(error?.description.contains("Webhooks: Read and write") == true)
    }
  }

  @Test("A page for people is no answer of an API")
  func html() async throws {
    let client = APIClient(
      transport: TransportFake { _ in
        HTTPResponse(status: 200, headers: ["Content-Type": "text/html"], body: Array("<!DOCTYPE html><p>Sign in".utf8))
      }, sleep: { _ in })
    let requests = GitHubHookRequests(.gitHub, token: try #require(Secret("t")), client: client)
    let error = await #expect(throws: APIError.self) { try await GitHubHooks(.organization("acme"), requests).hooks() }
    #expect(error?.code == .malformed)
    #expect(error?.description.contains("a web page and not JSON") == true)
  }

  // MARK: Check

  private static func delivery(_ id: Int, _ guid: String, _ event: String, _ status: Int, age: Double = 0)
    -> GitHubHookServer.Delivery
  {
    .init(
      id: id, guid: guid, event: event, time: Timestamp(seconds: 1_796_000_000).advanced(bySeconds: -age - Double(1000 - id)),
      status: status)
  }

  @Test(
    "How the last delivery went is told, with what to do",
    arguments: [
      (0, "no answer (timed out)", "is vsd running"), (401, "401", "secrets differ"), (404, "404", "must end with /github"),
      (413, "413", "--max-body"), (502, "502", "proxy"), (302, "302", "final address"), (418, "418", "list of deliveries"),
    ])
  func lastDelivery(status: Int, told: String, remedy: String) async throws {
    let server = GitHubHookServer { state in
      state.hooks = [.init(id: 1, url: Self.address, events: Self.needed)]
      state.deliveries = [Self.delivery(1, "a", "push", 200), Self.delivery(2, "b", "push", status)]
    }
    let findings = try await Self.setup(server).check(address: nil).flatMap(\.findings)
    #expect(findings.map(\.kind) == [.failedDeliveries, .lastDelivery])
    #expect(findings[0].problem.hasPrefix("1 of its last 2 deliveries") && findings[0].remedy.contains("webhooks heal github"))
    #expect(findings[1].problem.contains(told) && findings[1].remedy.contains(remedy), "\(findings[1])")
  }

  @Test("No webhook, and two for the same receiver, are told")
  func count() async throws {
    let server = GitHubHookServer { $0.hooks = [.init(id: 1, url: "https://other.example/hook", events: ["push"])] }
    let setup = try Self.setup(server)
    #expect(try await setup.check(address: nil).flatMap(\.findings).map(\.kind) == [.missing])
    server.change { state in
      state.hooks += [2, 3].map { .init(id: $0, url: Self.address, events: Self.needed) }
    }
    let judgements = try await setup.check(address: nil)
    #expect(judgements.map { $0.findings.map(\.kind) } == [[], [.several]])
  }

  // MARK: App

  /// A key that was made for this test and opens nothing.
  private static let key = """
    -----BEGIN RSA PRIVATE KEY-----
    MIICXQIBAAKBgQDTIN42aIWATRnha4kvEwCt1cOiv6ya2bp+vzg4MowsEdqIoGJ6
    S5WffM6ccX8AJoK2CwH5Ji2v+kp5GwWrD3LhTcRkM6INp48py17QjwGdh8e9jUMc
    po6owk6hGCkyF0iGaRsTn3vzpb2eMaP1XWanDNrJXDWkYmDF3tV1xOk6RQIDAQAB
    AoGAXrgOOWanDiqJA+LUxvPFiDew72ECtO4dhyOOu1eiH1tbKZSa2bbzR3wczX71
    tUGRvs4tcnO4Z4zowHBpGJdzt+PxfK09XcyNgskUt1+M4isd5+OkReBwvOXpT3go
    b8EBQiMs/CDiwuzGcFJ1Ua75Lrq+vzacOH4CtTpD/ZuYyQECQQDzkngU56bpD58+
    Khh9GBZtr67oxlXOVuqgUhJ7REQdXuDAHn3UNtsQWJlVQNp38xKYhVqQ0hZmz4qI
    gl+PlgyhAkEA3eaeqD6QGkHm9hxjVQpEoi6Zarl3zBenpVqzjVg1p/1MHVpqqUU8
    q0EjFVnJlrvQmi2tb/0m6JNqRrqGlUEHJQJBANxuzwwkRdMglz5cPINhvFKSL1ps
    vJUb5gUnoaA7POXTytU0Ay5+Yq0dcc9M/SqXKlosPbVY3Hs5EqfOTYuWAWECQQCo
    K5OqZl/HxpJHixQs6u9BCpfyrkUARB0l0Curv2JKwkjhJhkX2AU2tNLl53pD5msd
    reh3qx/Fu5Mbr1k33GSRAkAwPv350m8PTGB19lfiJt3gyqoCfZiFVOlowhV33Lqt
    4aGOr67sB/cYcxX8HJQa9hULoAIwyc43eKBGA18hkYY9
    -----END RSA PRIVATE KEY-----
    """

  @Test("An App signs in with its key, and its events are for a person to tick")
  func app() async throws {
    let server = GitHubHookServer { state in
      state.hooks = [.init(id: 1, url: "https://old.example/github", events: ["push"], secret: nil)]
      state.deliveries = [Self.delivery(1, "a", "push", 500)]
    }
    let transport = TransportFake { server.answer($0) }
    let token = try GitHubAppToken(app: "7", key: Array(Self.key.utf8), clock: FakeClock())
    let service = GitHubAppHook(token, .gitHub, client: APIClient(transport: transport, clock: FakeClock(), sleep: { _ in }))
    let setup = HookSetup(service, sleep: { _ in })
    guard case .different(_, let differences) = try await setup.create(Self.plan, updates: false) else {
      Issue.record("another receiver lost its webhook")
      return
    }
    #expect(differences.first?.kind == .address && differences.first?.problem.contains("https://old.example,") == true)
    #expect(server.state.hooks[0].url == "https://old.example/github")
    _ = try await setup.create(Self.plan, updates: true)
    #expect(server.state.hooks[0].url == Self.address && server.state.hooks[0].secret == "wave")
    let findings = try await setup.check(address: Self.address).flatMap(\.findings)
    #expect(findings.map(\.kind) == [.events, .failedDeliveries, .lastDelivery])
    #expect(findings[0].remedy.contains("Permissions & events"))
    let header = try #require(transport.requests.first?.headers["Authorization"])
    let parts = header.dropFirst("Bearer ".count).split(separator: ".")
    #expect(parts.count == 3 && parts[0] == "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9")
    // The signature was made by `openssl dgst -sha256 -sign` over the same text.
    #expect(
      parts[2]
        == "exNIlvRN4mMPyyv_Scd2Ga1Burs0l5bBEZEqTakrVolyQGMofA4gr-3lqNA7YTuUWxPI_g0qqjZZnD2RF5UbC6l1xXYSFWIhSrQCCWfI2MpdOUYqO0xuzpGEP0com_rM2f8FqJdzsfiOoJlC1jAircd0j4X9qSrwjcfuB3jX4us"
    )
  }

  @Test(
    "A file that is no RSA key is refused",
    arguments: [
      "", "nonsense",
      "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEID3vL08GWeDJFEiBJ3fwpvySL7AaE83gOZCpxHjjFUyOoAoGCCqGSM49\nAwEHoUQDQgAEROPVy1whw4lkD33JVFsRMshul80VT3vwG51ktDmjvSKG4X/ImHaE\neB5RxshO17g7GWVtbEvudwnw3IQ8vctWfw==\n-----END EC PRIVATE KEY-----\n",
    ])
  func keys(text: String) {
    #expect(throws: SettingsError.self) { try GitHubAppToken(app: "7", key: Array(text.utf8)) }
  }
}
