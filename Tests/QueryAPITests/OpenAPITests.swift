import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("The OpenAPI description")
struct OpenAPITests {
  private static func description() throws -> [String: Any] {
    let (status, body) = QuerySamples.get(OpenAPIHandler(), OpenAPIHandler.path)
    try #require(status == 200)
    return try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
  }

  @Test("names every operation once, with its parameters")
  func operations() throws {
    let paths = try #require(try Self.description()["paths"] as? [String: [String: Any]])
    #expect(Set(paths.keys) == Set(APIOperation.all.map(\.path)))
    #expect(Set(APIOperation.all.map(\.id)).count == APIOperation.all.count)
    for operation in APIOperation.all {
      #expect(Set(operation.parameters.map(\.name)).count == operation.parameters.count, "\(operation.path)")
      for parameter in operation.parameters { #expect(parameter.help.hasSuffix("."), "\(operation.path) \(parameter.name)") }
    }
  }

  /// A value that each parameter takes.
  private static func example(_ parameter: APIParameter) -> String? {
    switch (parameter.name, parameter.kind) {
    // These depend on each other, on settings, or on what is stored.
    case ("since", .duration), ("team", _), ("cursor", _), ("part", _), ("bucket-start", _), ("source", _): nil
    case ("reference", _): "issue:TP-1"
    case ("time-zone", _): "Europe/Berlin"
    case (_, .text), (_, .name): "acme/shop"
    case (_, .date), (_, .dates): "2026-04-20"
    case ("to", .time), ("until", .time): ReportSamples.end.rfc3339
    case (_, .time): ReportSamples.begin.rfc3339
    case (_, .duration): "24h"
    case (_, .integer(let range)): String(range.lowerBound)
    case (_, .choice(let words)): words[0]
    case (_, .choices(let words)): words.joined(separator: ",")
    case (_, .cursor): nil
    }
  }

  private static func handlers() throws -> [(prefix: String, handler: any HTTPHandler)] {
    let store = try QuerySamples.store(QuerySamples.story(0) + QuerySamples.story(1))
    let queries = QuerySamples.queries(store)
    var changes = ProjectionChanges()
    let item = ExcludedItem(QuerySamples.issueKey(0))
    changes.exclusions = [
      ExclusionDecision(ExclusionChange(.exclude, item, reason: "a drill", actor: "rosa"), at: QuerySamples.now)
    ]
    store.write(changes)
    return [
      (ExclusionsHandler.path, ExclusionsHandler(ExclusionService(facts: store, queries: queries) { _ in false })),
      ("/api/v1/spans", SpansHandler(queries)), ("/api/v1/traces", TracesHandler(queries)),
      ("/api/v1/refusals", RejectionsHandler(queries)),
      ("/api/v1/deliveries", DeliveriesHandler(log: MemoryDeliveryLog(), sources: [], logger: Logger { _ in })),
      ("/api/v1/reports", try ReportSamples.handler()),
      (HistoryHandler.path, HistoryHandler(try ReportSamples.handler().queries)), (OpenAPIHandler.path, OpenAPIHandler()),
      (
        "/api/v1/stats",
        StatsHandler {
          .init(
            recorded: 1, duplicate: 0, ignored: 0, unreadable: 0, openSpans: 1, finishedSpans: 2,
            exporters: [("otlp", 1, 2, 3, 4)])
        }
      ),
    ]
  }

  private static func answer(_ path: String, _ query: [(name: String, value: String)]) throws -> (status: Int, body: String) {
    let handler = try #require(try handlers().first { path.hasPrefix($0.prefix) }, "\(path)")
    return QuerySamples.get(handler.handler, path, query)
  }

  @Test("Every parameter that is declared is taken, and no other")
  func parameters() throws {
    for operation in APIOperation.all where operation.pathNames.isEmpty {
      let needed = operation.path.hasSuffix("forecast") ? [(name: "items", value: "3")] : []
      for parameter in operation.parameters where !needed.contains(where: { $0.name == parameter.name }) {
        guard let value = Self.example(parameter) else { continue }
        let (status, body) = try Self.answer(operation.path, needed + [(parameter.name, value)])
        #expect(
          status == 200 || parameter.name == "group-by" && body.contains("--teams"),
          "\(operation.path) \(parameter.name): \(body)")
      }
      guard !operation.parameters.isEmpty else { continue }
      let (status, body) = try Self.answer(operation.path, [("nonsense", "1")])
      #expect(status == 400)
      #expect(body.contains("nonsense is no parameter"), "\(body)")
      for parameter in operation.parameters { #expect(body.contains(parameter.name), "\(operation.path)") }
    }
  }

  @Test("Answers are as the description says", .enabled(if: JSONSchemaValidator.isWanted))
  func answers() throws {
    let description = try Self.description()
    let paths = try #require(description["paths"] as? [String: [String: [String: Any]]])
    for operation in APIOperation.all {
      let responses = try #require(paths[operation.path]?["get"]?["responses"] as? [String: [String: Any]])
      let content = try #require(responses["200"]?["content"] as? [String: [String: Any]])
      let schema = try #require(content["application/json"]?["schema"])
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("schema-\(UUID().uuidString).json")
      defer { try? FileManager.default.removeItem(at: file) }
      let document: [String: Any] = ["components": description["components"] ?? [:], "allOf": [schema]]
      try JSONSerialization.data(withJSONObject: document).write(to: file)
      let documents = try Self.examples(operation)
      let findings = try JSONSchemaValidator(path: file.path).findings(in: documents)
      for (document, finding) in zip(documents, findings) {
        #expect(finding == nil, "\(operation.path): \(document.prefix(2000))")
      }
    }
  }

  /// Answers of an operation: with few parameters, with a trend and with groups.
  private static func examples(_ operation: APIOperation) throws -> [String] {
    guard operation.pathNames.isEmpty else {
      let name = operation.pathNames == ["id"] ? "" : QuerySamples.key("pull_request", 100).description
      guard !name.isEmpty else { return [] }
      let (status, body) = try answer("\(operation.path.prefix { $0 != "{" })\(name)", [])
      try #require(status == 200, "\(body)")
      return [body]
    }
    let needed = operation.path.hasSuffix("forecast") ? [(name: "items", value: "3"), (name: "by", value: "2026-05-01")] : []
    let names = Set(operation.parameters.map(\.name))
    var queries: [[(name: String, value: String)]] = [[]]
    for (name, value) in [("bucket", "week"), ("group-by", "repository"), ("compare", "none"), ("environment", "*")]
    where names.contains(name) {
      queries.append([(name, value)])
    }
    return try queries.map { query in
      let (status, body) = try answer(operation.path, needed + query)
      try #require(status == 200, "\(operation.path): \(body)")
      return body
    }
  }
}
