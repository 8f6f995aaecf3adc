import APIClient
import Foundation
import JiraAPI
import JiraWebhooks
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import JiraImport

@Suite("An import from Jira")
struct JiraImportTests {
  private typealias Object = [String: Any]
  private static let until = Timestamp(seconds: 1_795_543_200)

  private static func text(_ object: Any) -> String {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }

  /// Answers as Jira does: searches in pages with tokens, and the changes of several issues in pages.
  private static func server(_ issues: [(id: String, json: String, histories: [String])], statuses: String) -> TransportFake {
    TransportFake { request in
      let body = (try? JSONSerialization.jsonObject(with: Data(request.body)) as? Object) ?? [:]
      if request.url.hasSuffix("/status") { return .json(statuses) }
      if request.url.hasSuffix("/search/jql") {
        let (start, size) = ((body["nextPageToken"] as? String).flatMap { Int($0) } ?? 0, 7)
        let shown = issues.dropFirst(start).prefix(size).map(\.json).joined(separator: ",")
        let next = start + size < issues.count ? ",\"nextPageToken\":\"\(start + size)\"" : ",\"isLast\":true"
        return .json("{\"issues\":[\(shown)]\(next)}")
      }
      if request.url.hasSuffix("/changelog/bulkfetch") {
        // A change a page, so that an issue comes back on later pages.
        let wanted = body["issueIdsOrKeys"] as? [String] ?? []
        let all = issues.filter { wanted.contains($0.id) }.flatMap { issue in issue.histories.map { (issue.id, $0) } }
        let start = (body["nextPageToken"] as? String).flatMap { Int($0) } ?? 0
        guard start < all.count else { return .json(#"{"issueChangeLogs":[]}"#) }
        let next = start + 1 < all.count ? ",\"nextPageToken\":\"\(start + 1)\"" : ""
        return .json("{\"issueChangeLogs\":[{\"issueId\":\"\(all[start].0)\",\"changeHistories\":[\(all[start].1)]}]\(next)}")
      }
      return .json(#"{"errorMessages":["no"]}"#, status: 404)
    }
  }

  private static func deliveries(of transport: some HTTPTransport) async throws -> [Delivery] {
    let api = JiraAPI("https://harbour.atlassian.net", authorization: "Bearer x", client: APIClient(transport: transport))
    let importer = JiraImporter(api, JiraImporter.Selection(projects: ["SHOP"]))
    var deliveries: [ImportedDelivery] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 1, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      #expect(step.failure == nil)
      deliveries += step.rows
    }
    #expect(Set(deliveries.map(\.mark.id)).count == deliveries.count)
    return deliveries.map {
      Delivery(source: $0.source, id: $0.mark.id, received: until, headers: $0.headers, body: $0.body).asMapped
    }
  }

  private static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    let source = JiraSource()
    let named = deliveries.map { delivery in
      var delivery = delivery
      delivery.source = source.name
      return delivery
    }
    return try DeliveryStory(named, of: source, seed: seed)
  }

  private static func described(_ deliveries: [Delivery], seed: UInt64) throws -> [String] {
    try story(deliveries, seed: seed).spans.map { traced in
      let span = traced.span
      return """
        \(span.key) \(span.attempt) \(span.name) \(span.operation) \(span.start) \(span.end?.rfc3339 ?? "") \(span.isEndUnknown) \
        \(span.outcome?.rawValue ?? "") phases \(span.phases.map { "\($0.name) \($0.start) \($0.end?.rfc3339 ?? "")" }) attributes \
        \(span.attributes.filter { !$0.name.hasPrefix("user.") }.map { "\($0.name)=\($0.value)" })
        """
    }
  }

  @Test("gives the spans of the webhooks of the same project, field by field, alone and beside them")
  func law() async throws {
    let webhooks = YearHistory(HistoryConfiguration(seed: 3, days: 60, scale: 0.3, until: Self.until))
      .filter { $0.path == "/jira" }.map { Delivery(source: "jira", received: $0.time, headers: $0.headers, body: $0.body) }
    var issues: [String: (json: Object, histories: [String])] = [:]
    for delivery in webhooks {
      let body = try #require(try JSONSerialization.jsonObject(with: Data(delivery.body)) as? Object)
      let issue = try #require(body["issue"] as? Object)
      let id = try #require(issue["id"] as? String)
      issues[id, default: ([:], [])].json = issue
      guard let changelog = body["changelog"] as? Object, let time = body["timestamp"] as? Int else { continue }
      let number = issues[id]?.histories.count ?? 0
      issues[id]?.histories.append(
        Self.text([
          "id": "\(id)\(number)", "created": time, "author": body["user"] ?? NSNull(), "items": changelog["items"] ?? [],
        ]))
    }
    let statuses = #"""
      [{"id":"10000","statusCategory":{"key":"new"}},{"id":"3","statusCategory":{"key":"indeterminate"}},
      {"id":"10005","statusCategory":{"key":"indeterminate"}},{"id":"10007","statusCategory":{"key":"indeterminate"}},
      {"id":"10002","statusCategory":{"key":"done"}}]
      """#
    let listed = issues.sorted { $0.key > $1.key }.map {
      (id: $0.key, json: Self.text($0.value.json), histories: $0.value.histories)
    }
    let imported = try await Self.deliveries(of: Self.server(listed, statuses: statuses))
    let live = try Self.described(webhooks, seed: 0)
    #expect(live.count > 20)
    for word in ["To Do ", "In Progress ", "In Review ", "completed"] { #expect(live.contains { $0.contains(word) }, "\(word)") }
    for (deliveries, seed) in [(imported, UInt64(0)), (imported, 3), (webhooks + imported, 5)] {
      let found = try Self.described(deliveries, seed: seed)
      for (left, right) in zip(live, found) where left != right {
        Issue.record("webhooks: \(left)\nimport:   \(right)")
        break
      }
      #expect(found.count == live.count)
    }
  }

  @Test("rolls the fields of an issue back: reopened, moved to another project, with comments", arguments: Seeds.upTo(3))
  func rolledBack(seed: UInt64) async throws {
    let issue = #"""
      {"id":"7","self":"https://harbour.atlassian.net/rest/api/3/issue/7","key":"SHOP-2","fields":{"summary":"new","status":
      {"id":"9","name":"Done","statusCategory":{"key":"done"}},"resolution":{"name":"Won't Do"},"issuetype":{"name":"Task"},
      "created":"2026-11-20T08:00:00.000+0000","updated":"2026-11-20T13:00:00.000+0000","labels":["a","b"],"comment":{"total":1,
      "comments":[{"id":"5","created":"2026-11-20T08:30:00.000+0000","author":{"displayName":"Bo"},"body":{}}]}}}
      """#
    func history(_ id: Int, _ time: String, _ items: String) -> String {
      #"{"id":"\#(id)","created":"2026-11-20T\#(time):00.000+0000","author":{"displayName":"Ada"},"items":[\#(items)]}"#
    }
    func move(_ from: String, _ to: String) -> String {
      let ids = ["To Do": "1", "Done": "9"]
      return
        #"{"field":"status","fieldId":"status","from":"\#(ids[from] ?? "")","fromString":"\#(from)","to":"\#(ids[to] ?? "")","toString":"\#(to)"}"#
    }
    func resolution(_ from: String, _ to: String) -> String {
      #"{"field":"resolution","fieldId":"resolution","fromString":\#(from),"toString":\#(to)}"#
    }
    let histories = [
      history(4, "12:00", move("To Do", "Done") + "," + resolution("null", "\"Won't Do\"")),
      history(1, "09:00", move("To Do", "Done") + "," + resolution("null", "\"Done\"")),
      history(2, "10:00", move("Done", "To Do") + "," + resolution("\"Done\"", "null")),
      history(
        3, "11:00",
        #"{"field":"Key","fromString":"OLD-1","toString":"SHOP-2"},{"field":"labels","fieldId":"labels","fromString":"a","toString":"a b"}"#
      ),
    ]
    let statuses = #"[{"id":"1","statusCategory":{"key":"new"}},{"id":"9","statusCategory":{"key":"done"}}]"#
    let deliveries = try await Self.deliveries(of: Self.server([("7", issue, histories)], statuses: statuses))
    #expect(deliveries.count == 7)
    let story = try Self.story(deliveries, seed: seed)
    #expect(story.tree == ["issue:7 08:00:00 to 09:00:00 completed", "issue:7/2 10:00:00 to 12:00:00 not_planned"])
    #expect(story.spans.flatMap(\.span.events).map(\.name) == ["comment", "labeled", "moved"])
    #expect(String(decoding: deliveries[0].body, as: UTF8.self).contains(#""key":"OLD-1""#))
  }
}
