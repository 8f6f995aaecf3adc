import APIClient
import GitHubAPI
import GitHubServer
import GitHubWebhooks
import IntakeClient
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubImport

/// A generated organisation, as webhooks and as an import of it.
struct ImportedOrganization {
  static let until = Timestamp(seconds: 1_795_543_200)
  private static let token: Secret = {
    guard let token = Secret("token") else { preconditionFailure("a token is no empty text") }
    return token
  }()

  let webhooks: [Delivery]
  let server: GitHubHistoryServer

  /// - Parameters:
  ///   - days: the length of the history.
  ///   - scale: 1 is a team of eight with four repositories.
  init(seed: UInt64, days: Int = 3, scale: Double = 0.4) throws {
    let configuration = HistoryConfiguration(seed: seed, days: days, scale: scale, until: Self.until)
    let deliveries = try HistoryGenerator(configuration).map { try Self.withCheckRun($0) }
    webhooks = deliveries.map {
      Delivery(source: "github", id: $0.headers["X-GitHub-Delivery"], received: $0.time, headers: $0.headers, body: $0.body)
    }
    server = GitHubHistoryServer(GitHubHistory(deliveries.map { ($0.kind, $0.body) }))
  }

  /// Adds the check run of the job that deploys, which GitHub sends and the generator leaves out.
  private static func withCheckRun(_ delivery: HistoryDelivery) throws -> HistoryDelivery {
    guard delivery.kind == "deployment" || delivery.kind == "deployment_status" else { return delivery }
    var delivery = delivery
    let text = String(decoding: delivery.body, as: UTF8.self)
    guard let range = text.firstRange(of: "/job/"), let job = Int(text[range.upperBound...].prefix { $0.isNumber }) else {
      return delivery
    }
    delivery.body = Array("{\"check_run\":{\"id\":\(job)},\(text.dropFirst())".utf8)
    return delivery
  }

  var repositories: [String] { server.history.repositories.keys.sorted() }

  /// Imports and returns the deliveries of all pages.
  static func deliveries(
    of server: some HTTPTransport, _ repositories: [String], kinds: [GitHubImportKind] = GitHubImportKind.allCases,
    period: RecordPeriod = RecordPeriod()
  ) async throws -> [ImportedDelivery] {
    try await steps(of: server, repositories, kinds: kinds, period: period).flatMap(\.rows)
  }

  static func importer(
    of server: some HTTPTransport, _ repositories: [String], kinds: [GitHubImportKind] = GitHubImportKind.allCases,
    period: RecordPeriod = RecordPeriod()
  ) -> GitHubImporter {
    let clock = FakeClock(until)
    let client = APIClient(transport: server, clock: clock, sleep: { clock.sleep($0) })
    return GitHubImporter(
      GitHubAPI(.gitHub, token: token, client: client),
      GitHubImporter.Selection(
        repositories: GitHubRepositories(organization: nil, names: repositories), kinds: kinds, period: period, began: until))
  }

  static func steps(
    of server: some HTTPTransport, _ repositories: [String], kinds: [GitHubImportKind] = GitHubImportKind.allCases,
    period: RecordPeriod = RecordPeriod()
  ) async throws -> [ContainerRun<ImportedDelivery>.Step] {
    let importer = importer(of: server, repositories, kinds: kinds, period: period)
    var steps: [ContainerRun<ImportedDelivery>.Step] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 3, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { steps.append($0) }
    return steps
  }
}

extension ImportedDelivery {
  /// The delivery as a vsd reads it.
  var received: Delivery {
    Delivery(source: source, id: mark.id, received: ImportedOrganization.until, headers: headers, body: body).asMapped
  }
}

@Suite("An import from GitHub")
struct GitHubImportLawTests {
  /// What spans say, without what the API cannot tell: see the table in Docs/cli/import.md.
  private static func described(_ story: DeliveryStory) -> [String] {
    story.spans.filter { !$0.span.key.description.contains(":check:") && !$0.span.key.description.contains(":suite:") }.map {
      traced in
      var traced = traced
      traced.span.events.removeAll { $0.name == "merge_group_destroyed" }
      return traced.fields
    }
  }

  @Test("gives the spans of the webhooks of the same organisation, field by field", arguments: [UInt64(1), 2, 12])
  func law(seed: UInt64) async throws {
    let organization = try ImportedOrganization(seed: seed, days: seed == 2 ? 7 : 5)
    let imported = try await ImportedOrganization.deliveries(of: organization.server, organization.repositories).map(\.received)
    let live = Self.described(try DeliveryStory(organization.webhooks, of: GitHubSource(), seed: 0))
    #expect((100..<950).contains(live.count))
    // The history has what is hard to tell.
    let words = [
      "ready_for_review", "review ", "comment ", "run queue", "deploy", "labeled", ":release:", "inactive", "by vendor_link",
      "by commit",
    ]
    for word in words where seed == 2 {
      #expect(live.contains { $0.contains(word) }, "\(word)")
    }
    let attempts = organization.webhooks.filter { String(decoding: $0.body, as: UTF8.self).contains("\"run_attempt\":2") }
    #expect(!attempts.isEmpty)
    let alone = Self.described(try DeliveryStory(imported, of: GitHubSource(), seed: seed))
    expectSameSpans(alone, as: live)
  }

  @Test("together with webhooks gives no doubles, in any order and with any part of either", arguments: Seeds.upTo(1))
  func overlap(seed: UInt64) async throws {
    let organization = try ImportedOrganization(seed: 5, days: 2)
    let imported = try await ImportedOrganization.deliveries(of: organization.server, organization.repositories).map(\.received)
    var random = SeededRandom(seed: seed)
    let live = Self.described(try DeliveryStory(organization.webhooks, of: GitHubSource(), seed: 0))
    let both = Self.described(try DeliveryStory(organization.webhooks + imported, of: GitHubSource(), seed: seed))
    #expect(both == live)
    for inOrder in [organization.webhooks + imported, imported + organization.webhooks] {
      expectSameSpans(Self.described(try DeliveryStory(inOrder, of: GitHubSource(), seed: 0)), as: live)
    }
    // What webhooks lost, an import of all brings back, and the other way round.
    let someWebhooks = organization.webhooks.filter { _ in !random.oneIn(2) }
    #expect(Self.described(try DeliveryStory(someWebhooks + imported, of: GitHubSource(), seed: seed)) == live)
    let someImported = imported.filter { _ in !random.oneIn(2) }
    #expect(Self.described(try DeliveryStory(organization.webhooks + someImported, of: GitHubSource(), seed: seed)) == live)
  }
}
