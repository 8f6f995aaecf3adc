import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

/// An answer that exceeds its budget is cut off and says so.
@Suite("Large answers")
struct AnswerBudgetTests {
  private static let budget = 3000

  private static func get(
    _ path: String, _ query: [(name: String, value: String)] = [], from store: any SpanStore, budget: Int = budget
  ) throws -> (size: Int, answer: [String: Any]) {
    let queries = QuerySamples.queries(store, byteBudget: budget)
    let handler: any HTTPHandler =
      if path.hasPrefix("/api/v1/spans") {
        SpansHandler(queries)
      } else if path.hasPrefix("/api/v1/traces") {
        TracesHandler(queries)
      } else {
        JaegerHandler(queries)
      }
    let response = handler.respond(to: HTTPRequest(method: "GET", path: path, query: query))
    try #require(response.status == 200)
    return (response.body.count, try #require(JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]))
  }

  private static func spans(_ answer: [String: Any]) -> [String] {
    (answer["spans"] as? [[String: Any]] ?? []).map { "\($0["key"] ?? "") \($0["attempt"] ?? "")" }
  }

  /// Forty stories of four spans each. The issue of the first was closed and reopened thirty times.
  private static func store() throws -> MemorySpanStore {
    var events = (1...40).flatMap { QuerySamples.story($0) }
    for attempt in 1...30 {
      events.append(
        QuerySamples.event(
          QuerySamples.issueKey(1), .issue, "acme/site#1", from: Int64(attempt * 100), to: Int64(attempt * 100 + 50)))
    }
    return try QuerySamples.store(events)
  }

  @Test("a list of spans is cut with a cursor, and its pages together are the whole list", arguments: [3000, 20_000])
  func list(budget: Int) throws {
    let store = try Self.store()
    let whole = try Self.get("/api/v1/spans", [("limit", "1000")], from: store, budget: .max)
    #expect(whole.answer["limited"] == nil)
    var found: [String] = []
    var cursor: String?
    var pages = 0
    repeat {
      let query = [(name: "limit", value: "1000")] + (cursor.map { [(name: "cursor", value: $0)] } ?? [])
      let page = try Self.get("/api/v1/spans", query, from: store, budget: budget)
      #expect(page.size < budget + 3000)
      found += Self.spans(page.answer)
      cursor = page.answer["next"] as? String
      #expect((page.answer["limited"] as? Bool ?? false) || cursor == nil)
      pages += 1
      try #require(pages < 400)
    } while cursor != nil
    // If a subject has more attempts than an answer can hold, the answer leaves out the rest of them.
    let all = Self.spans(whole.answer).filter { !$0.contains("issue:1 ") }
    #expect(found.filter { !$0.contains("issue:1 ") } == all)
    #expect(found.contains { $0.contains("issue:1 ") })
  }

  @Test("spans by name, of one thing and of one trace end past the budget and say so")
  func others() throws {
    let store = try Self.store()
    let named = try Self.get("/api/v1/spans", [("reference", "classic:vstrace-github-issue-site-1")], from: store)
    let one = try Self.get("/api/v1/spans/\(QuerySamples.issueKey(1))", from: store)
    for answer in [named, one] {
      #expect(answer.size < Self.budget + 3000)
      #expect(!Self.spans(answer.answer).isEmpty)
      #expect(answer.answer["limited"] as? Bool == true)
    }
    let trace = try Self.get("/api/v1/traces/\(TraceID(root: QuerySamples.issueKey(1)))", from: store)
    #expect(trace.answer["truncated"] as? Bool == true)
    #expect(trace.size < Self.budget + 3000)
  }

  @Test("Jaeger gets fewer traces, and one that is cut has a warning")
  func jaeger() throws {
    let store = try Self.store()
    let whole = try Self.get("/api/traces", [("service", "github"), ("limit", "100")], from: store, budget: .max)
    let cut = try Self.get("/api/traces", [("service", "github"), ("limit", "100")], from: store, budget: 8000)
    let (all, some) = (whole.answer["data"] as? [[String: Any]] ?? [], cut.answer["data"] as? [[String: Any]] ?? [])
    #expect(cut.size < 8000 + 5000)
    #expect(all.count == 40)
    #expect((1..<40).contains(some.count))
    #expect(some.map { $0["traceID"] as? String } == all.prefix(some.count).map { $0["traceID"] as? String })
    let first = try Self.get("/api/traces/\(TraceID(root: QuerySamples.issueKey(1)))", from: store)
    let trace = try #require((first.answer["data"] as? [[String: Any]])?.first)
    #expect(trace["warnings"] as? [String] == ["there are more spans than are shown"])
    #expect(first.size < Self.budget + 3000)
  }
}
