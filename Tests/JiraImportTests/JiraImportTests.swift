import APIClient
import Foundation
import GitHubWebhooks
import GitLabWebhooks
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

  private static func deliveries(
    of transport: some HTTPTransport, kinds: [JiraImportKind] = [.issues], allowsRepetition: Bool = false
  ) async throws -> [Delivery] {
    let api = JiraAPI("https://harbour.atlassian.net", authorization: "Bearer x", client: APIClient(transport: transport))
    let importer = JiraImporter(api, JiraImporter.Selection(projects: ["SHOP"], kinds: kinds))
    var deliveries: [ImportedDelivery] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 1, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      #expect(step.failure == nil)
      deliveries += step.rows
    }
    #expect(allowsRepetition || Set(deliveries.map(\.mark.id)).count == deliveries.count)
    return deliveries.map {
      Delivery(source: $0.source, id: $0.mark.id, received: until, headers: $0.headers, body: $0.body).asMapped
    }
  }

  private static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    let source = JiraSource()
    let named = deliveries.map { delivery in
      var delivery = delivery
      if delivery.source == "jira" { delivery.source = source.name }
      return delivery
    }
    return try DeliveryStory(named, of: [source, GitHubSource(), GitLabSource()], seed: seed)
  }

  private static func described(_ deliveries: [Delivery], seed: UInt64) throws -> [String] {
    try story(deliveries, seed: seed).spans.map { traced in
      var traced = traced
      traced.span.attributes.removeAll { $0.name.hasPrefix("user.") }
      return traced.fields
    }
  }

  @Test("gives the spans of the webhooks of the same project, field by field, alone and beside them")
  func law() async throws {
    let history = YearHistory(HistoryConfiguration(seed: 3, days: 60, scale: 0.3, until: Self.until))
      .map { Delivery(source: String($0.path.dropFirst()), received: $0.time, headers: $0.headers, body: $0.body) }
    let webhooks = history.filter { $0.source == "jira" }
    // The changes that name the issues.
    let others = history.filter { $0.source == "github" || $0.source == "gitlab" }
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
    let live = try Self.described(others + webhooks, seed: 0)
    #expect(live.count { $0.hasPrefix("jira") } > 20)
    #expect(live.contains { $0.hasPrefix("git") && $0.contains(" under jira") })
    for word in ["To Do ", "In Progress ", "In Review ", "completed"] { #expect(live.contains { $0.contains(word) }, "\(word)") }
    let half = Half(seed: 7)
    for (deliveries, seed) in [
      (imported, UInt64(0)), (imported, 3), (webhooks + imported, 0), (imported + webhooks, 0), (webhooks + imported, 5),
      (half.of(webhooks) + imported, 6),
      (webhooks + half.of(imported), 7),
    ] {
      expectSameSpans(try Self.described(others + deliveries, seed: seed), as: live)
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

  @Test("tells sprints, released versions and logged work as webhooks do, alone and beside them", arguments: Seeds.upTo(3))
  func plans(seed: UInt64) async throws {
    let address = "https://harbour.atlassian.net/rest"
    func sprint(_ id: Int, _ more: String) -> String {
      #"{"id":\#(id),"self":"\#(address)/agile/1.0/sprint/\#(id)","name":"Sprint \#(id)","originBoardId":4,"goal":"",\#(more)}"#
    }
    let closed = sprint(
      7,
      #""state":"closed","createdDate":"2026-11-01T08:00:00.000Z","startDate":"2026-11-02T08:00:00.000Z","#
        + #""activatedDate":"2026-11-02T09:00:00.000Z","endDate":"2026-11-16T08:00:00.000Z","completeDate":"2026-11-16T10:00:00.000Z""#
    )
    let active = sprint(8, #""state":"active","startDate":"2026-11-16T11:00:00.000Z","endDate":"2026-11-30T08:00:00.000Z""#)
    let future = sprint(9, #""state":"future""#)
    func version(_ id: Int, _ more: String) -> String {
      #"{"id":"\#(id)","self":"\#(address)/api/3/version/\#(id)","name":"1.\#(id)","projectId":1,\#(more)}"#
    }
    let released = version(1, #""released":true,"releaseDate":"2026-11-20""#)
    let others = [version(2, #""released":false"#), version(3, #""released":true"#)].joined(separator: ",")
    let worklog =
      #"{"id":"3","self":"\#(address)/api/3/issue/5/worklog/3","author":{"displayName":"Ada"},"issueId":"5","timeSpentSeconds":600,"#
      + #""created":"2026-11-20T09:00:00.000+0000","started":"2026-11-20T08:30:00.000+0000"}"#
    let issue =
      #"{"id":"5","self":"\#(address)/api/3/issue/5","key":"SHOP-5","fields":{"created":"2026-11-20T08:00:00.000+0000","#
      + #""updated":"2026-11-20T09:00:00.000+0000","issuetype":{"name":"Task"},"status":{"id":"1","name":"To Do"},"#
      + #""worklog":{"total":1,"worklogs":[\#(worklog)]}}}"#
    let server = TransportFake { request in
      let path = request.url.dropFirst(address.count)
      if path.contains("/board?projectKeyOrId=SHOP&type=scrum&startAt=0") {
        return .json(#"{"isLast":true,"values":[{"id":4,"type":"scrum"},{"id":6,"type":"scrum"}]}"#)
      }
      // Boards share sprints, and pages are as short as the server likes.
      if path.contains("/board/4/sprint?startAt=0") { return .json(#"{"isLast":false,"values":[\#(closed),\#(active)]}"#) }
      if path.contains("/board/4/sprint?startAt=2") { return .json(#"{"isLast":true,"values":[null,\#(future)]}"#) }
      if path.contains("/board/6/sprint") { return .json(#"{"isLast":true,"values":[\#(active)]}"#) }
      if path.contains("/version?startAt=0") {
        return .json(#"{"isLast":true,"values":[\#(released),\#(others)]}"#)
      }
      if path.hasSuffix("/status") { return .json("[]") }
      if path.hasSuffix("/search/jql") { return .json("{\"isLast\":true,\"issues\":[\(issue)]}") }
      if path.hasSuffix("/changelog/bulkfetch") { return .json(#"{"issueChangeLogs":[]}"#) }
      return .json(#"{"errorMessages":["no"]}"#, status: 404)
    }
    let imported = try await Self.deliveries(of: server, kinds: JiraImportKind.allCases, allowsRepetition: true)
    let story = try Self.story(imported, seed: seed)
    #expect(
      story.tree.sorted() == [
        "issue:5 08:00:00 to ? open", "sprint:7 09:00:00 to 10:00:00 completed", "sprint:8 11:00:00 to ? open",
        "version:1 00:00:00 to 00:00:00 success",
      ])
    #expect(story.spans.flatMap(\.span.events).map { "\($0.name) \($0.time)" } == ["worklog 2026-11-20T08:30:00Z"])
    func webhook(_ event: String, _ time: String, _ members: String) -> Delivery {
      let time = (Timestamp(rfc3339: time)?.nanoseconds ?? 0) / 1_000_000
      let body = #"{"timestamp":\#(time),"webhookEvent":"\#(event)",\#(members)}"#
      return Delivery(
        source: "jira", received: Self.until, headers: ["Content-Type": "application/json"], body: Array(body.utf8))
    }
    // The webhook tells the hour at which the version was released.
    let live = [
      webhook("sprint_closed", "2026-11-16T10:00:00Z", #""sprint":\#(closed)"#),
      webhook("jira:version_released", "2026-11-20T14:00:00Z", #""version":\#(released)"#),
      webhook("worklog_created", "2026-11-20T09:00:00Z", #""worklog":\#(worklog)"#),
    ]
    let both = try Self.story(live + imported, seed: seed)
    #expect(both.tree.filter { !$0.hasPrefix("version") }.sorted() == story.tree.filter { !$0.hasPrefix("version") }.sorted())
    #expect(both.tree.contains { $0.hasPrefix("version:1 ") && $0.contains("to 14:00:00 success") }, "\(both.tree)")
    #expect(both.spans.flatMap(\.span.events).count == 1)
  }

  @Test("leaves out sprints of a site without Jira Software, and says so")
  func withoutSoftware() async throws {
    let server = TransportFake { request in
      request.url.contains("/agile/") ? .json("{}", status: 404) : .json(#"{"isLast":true,"values":[]}"#)
    }
    let api = JiraAPI("https://harbour.atlassian.net", authorization: "Bearer x", client: APIClient(transport: server))
    let importer = JiraImporter(api, JiraImporter.Selection(projects: ["SHOP"], kinds: [.sprints, .versions]))
    var failures: [String] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 1, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      if let failure = step.failure { failures.append("\(step.container.name): \(failure)") }
    }
    #expect(failures.count == 1)
    #expect(failures.allSatisfy { $0.hasPrefix("SHOP sprints: ") && $0.contains("--kinds") }, "\(failures)")
  }
}
