import Catalog
import PayloadExplanation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("What payloads become")
struct PayloadExplainerTests {
  private static let event = #"{"id": "d1", "type": "deploy", "namespace": "shop", "startedAt": "2026-03-01T08:00:00Z"}"#

  private static func explained(_ text: String, at path: String) throws -> [ExplainedPayload] {
    let settings = try Settings(declared: SourceCatalog.classification, arguments: [], environment: [:])
    let sources = try SourceCatalog.readers(settings)
    let explainer = PayloadExplainer(
      sources: sources, origin: PayloadOrigin(among: sources, source: nil, type: nil), received: StoreSamples.morning)
    return explainer.payloads(Array(text.utf8), at: path)
  }

  @Test("a file is one payload, which its folder or content places")
  func files() throws {
    for path in ["/customhttp/a.json", "/a.json", "-"] {
      let found = try Self.explained(Self.event, at: path)
      #expect(found.map(\.line) == ["\(path): customhttp::shop:deploy:d1"])
      #expect(found.map(\.source) == ["customhttp"])
    }
  }

  @Test("each line of an .ndjson file is a delivery, and a broken line spoils no other")
  func lines() throws {
    let delivery = HistoryDelivery(path: "/customhttp", headers: [:], body: Array(Self.event.utf8), time: StoreSamples.morning)
    let ping = HistoryDelivery(
      path: "/github", headers: ["X-GitHub-Event": "ping"], body: Array(#"{"zen": "x", "hook_id": 1}"#.utf8),
      time: StoreSamples.morning)
    let file = [delivery.json, Array("nonsense".utf8), ping.json].map { String(decoding: $0, as: UTF8.self) }
    let found = try Self.explained(file.joined(separator: "\n"), at: "/x.ndjson")
    #expect(found.map(\.path) == ["/x.ndjson:1", "/x.ndjson:2", "/x.ndjson:3"])
    #expect(found.map(\.source) == ["customhttp", nil, "github"])
    #expect(found.map(\.type) == [nil, nil, "ping"])
    var table = ExplanationTable()
    for payload in found { table.count(payload) }
    #expect(table.total == 3)
    #expect(table.refused == 1)
    let last = table.text.split(separator: "\n").last.map { $0.split(separator: " ").map(String.init) }
    #expect(last == ["all", "1", "1", "1"])
  }

  @Test("a payload of nobody says which sources there are")
  func nobody() throws {
    let line = try #require(try Self.explained("[", at: "/a.json").first?.line)
    for source in SourceCatalog.all { #expect(line.contains("--source \(source.name)")) }
  }
}
