import APIClient
import Foundation
import GitLabAPI
import GitLabServer
import GitLabWebhooks
import Simulator
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitLabImport

@Suite("An import from GitLab")
struct GitLabImportTests {
  private static let until = Timestamp(seconds: 1_795_543_200)
  private static let token: Secret = {
    guard let token = Secret("token") else { preconditionFailure("a token is no empty text") }
    return token
  }()

  /// The webhooks of a generated company, those of GitLab, with releases of a project.
  private static let webhooks: [Delivery] = {
    let deliveries = YearHistory(HistoryConfiguration(seed: 3, days: 120, scale: 0.3, until: until))
      .filter { $0.path == "/gitlab" }.map { Delivery(source: "gitlab", received: $0.time, headers: $0.headers, body: $0.body) }
    return deliveries + releases(25, of: deliveries.last)
  }()

  /// Makes releases of the project of a delivery, an hour after each other.
  private static func releases(_ count: Int, of delivery: Delivery?) -> [Delivery] {
    let body = delivery.flatMap { try? JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any] } ?? [:]
    return (1...count).compactMap { number -> Delivery? in
      let time = until.advanced(bySeconds: Double(number - count) * 3600)
      let release: [String: Any] = [
        "object_kind": "release", "id": 1700 + number, "name": "Release \(number)", "tag": "v1.\(number)", "action": "create",
        "url": "https://gitlab.com/-/releases/v1.\(number)", "created_at": time.rfc3339, "released_at": time.rfc3339,
        "project": body["project"] ?? [:], "commit": ["id": String(repeating: "c", count: 40)],
      ]
      let headers: HTTPHeaders = ["Content-Type": "application/json", "X-Gitlab-Event": "Release Hook"]
      return (try? JSONSerialization.data(withJSONObject: release)).map {
        Delivery(source: "gitlab", received: time, headers: headers, body: Array($0))
      }
    }
  }

  private static let server = GitLabHistoryServer(webhooks.map(\.body))

  private static func steps(
    of server: some HTTPTransport, kinds: [GitLabImportKind] = GitLabImportKind.allCases, period: RecordPeriod = RecordPeriod(),
    projects: [String]? = nil
  ) async throws -> [ContainerRun<ImportedDelivery>.Step] {
    let clock = FakeClock()
    let importer = GitLabImporter(
      GitLabREST(
        of: "https://gitlab.com", token: token, client: APIClient(transport: server, clock: clock, sleep: { clock.sleep($0) })),
      GitLabImporter.Selection(projects: projects ?? Self.server.projects, kinds: kinds, period: period, began: until))
    var steps: [ContainerRun<ImportedDelivery>.Step] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 2, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { steps.append($0) }
    return steps
  }

  private static func received(_ delivery: ImportedDelivery) -> Delivery {
    Delivery(source: delivery.source, id: delivery.mark.id, received: until, headers: delivery.headers, body: delivery.body)
      .asMapped
  }

  /// What spans say, without jobs, which the generated webhooks tell only within pipelines.
  private static func described(_ deliveries: [Delivery], seed: UInt64) throws -> [String] {
    let source = GitLabSource()
    return try DeliveryStory(deliveries, of: source, seed: seed).spans.filter { !$0.span.key.description.contains(":job:") }.map {
      traced in
      var traced = traced
      traced.span.attributes.removeAll { ["event.action", "user.name", "build.before_sha"].contains($0.name) }
      return traced.fields
    }
  }

  @Test("gives the spans of the webhooks of the same projects, field by field, alone and beside them")
  func law() async throws {
    let steps = try await Self.steps(of: Self.server)
    #expect(steps.flatMap(\.notes) == [])
    #expect(steps.compactMap(\.failure) == [])
    let imported = steps.flatMap(\.rows).map(Self.received)
    let live = try Self.described(Self.webhooks, seed: 0)
    #expect(live.count > 100)
    for word in [
      ":pull_request:", ":pipeline:", ":deployment:", ":release:", "review ", "synchronize", "comment ", "run queue", " 2 ",
      "draft",
    ] {
      #expect(live.contains { $0.contains(word) }, "\(word)")
    }
    let half = Half(seed: 7)
    for (deliveries, seed) in [
      (imported, UInt64(0)), (imported, 1), (Self.webhooks + imported, 0), (imported + Self.webhooks, 0),
      (Self.webhooks + imported, 2), (half.of(Self.webhooks) + imported, 3),
      (Self.webhooks + half.of(imported), 4),
    ] {
      expectSameSpans(try Self.described(deliveries, seed: seed), as: live)
    }
  }

  @Test("tells the life of an issue: labels, comments, closing and opening again")
  func issues() async throws {
    let answers = [
      "/projects/acme%2Fsite": """
      {"id":7,"name":"Site","path_with_namespace":"acme/site","web_url":"https://gitlab.com/acme/site","default_branch":"main"}
      """,
      "/projects/7/issues": """
      [{"id":70,"iid":3,"title":"Checkout fails","state":"closed","created_at":"2026-11-20T08:00:00.000Z",
      "updated_at":"2026-11-20T12:00:00.000Z","closed_at":"2026-11-20T11:00:00.000Z","issue_type":"incident","severity":"HIGH",
      "labels":["prod"],"author":{"username":"ada"},"web_url":"https://gitlab.com/acme/site/-/issues/3"}]
      """,
      "/projects/7/issues/3/resource_state_events": """
      [{"state":"closed","created_at":"2026-11-20T09:00:00.000Z","user":{"username":"bob"}},
      {"state":"reopened","created_at":"2026-11-20T10:00:00.000Z","user":{"username":"ada"}},
      {"state":"closed","created_at":"2026-11-20T11:00:00.000Z","user":{"username":"bob"}}]
      """,
      "/projects/7/issues/3/resource_label_events": """
      [{"action":"add","label":{"name":"prod"},"created_at":"2026-11-20T08:30:00.000Z","user":{"username":"bob"}}]
      """,
      "/projects/7/issues/3/notes": """
      [{"id":5,"body":"Looking","system":false,"created_at":"2026-11-20T08:40:00.000Z","author":{"username":"bob"}},
      {"id":6,"body":"changed the description","system":true,"created_at":"2026-11-20T08:41:00.000Z","author":{"username":"bob"}}]
      """,
    ]
    let transport = TransportFake { request in
      let path = String(request.url.dropFirst("https://gitlab.com/api/v4".count).prefix { $0 != "?" })
      return answers[path].map { .json($0) } ?? .json(#"{"message":"403 Forbidden"}"#, status: 403)
    }
    let steps = try await Self.steps(of: transport, kinds: [.issues, .pipelines], projects: ["acme/site"])
    let story = try DeliveryStory(steps.flatMap(\.rows).map(Self.received), of: GitLabSource(), seed: 4)
    #expect(
      story.tree == ["issue:3 08:00:00 to 09:00:00 completed", "issue:3/2 10:00:00 to 11:00:00 completed"])
    #expect(story.spans.allSatisfy { $0.span.operation == .incident })
    #expect(story.spans.flatMap(\.span.events).map(\.name) == ["labeled", "comment"])
    #expect(steps.last?.failure?.description.contains("the scope read_api and the role Reporter") == true)
  }

  @Test("goes on after each kind of failure with the same deliveries")
  func faults() async throws {
    let server = Self.server
    let asked = Mutex<[String: Int]>([:])
    let faulty = TransportFake { request in
      let count = asked.withLock { asked in
        asked[request.url, default: 0] += 1
        return asked[request.url] ?? 0
      }
      if count == 1, request.url.utf8.count % 3 == 0 {
        return request.url.utf8.count % 2 == 0
          ? HTTPResponse(status: 429, headers: ["Retry-After": "0"], body: []) : .json("{}", status: 502)
      }
      return server.answer(target: request.url, headers: request.headers, body: request.body)
    }
    let kinds: [GitLabImportKind] = [.mergeRequests, .pushes, .deployments, .releases]
    let whole = try await Self.steps(of: server, kinds: kinds).flatMap(\.rows)
    let again = try await Self.steps(of: faulty, kinds: kinds).flatMap(\.rows)
    #expect(again == whole)
    #expect(Set(whole.map(\.mark.id)).count == whole.count)
  }
}
