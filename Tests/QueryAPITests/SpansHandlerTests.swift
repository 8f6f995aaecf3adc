import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("The list of spans")
struct SpansHandlerTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static func handler(_ store: any SpanStore, wait: @escaping @Sendable () -> Void = {}) -> SpansHandler {
    SpansHandler(QuerySamples.queries(store, wait: wait))
  }

  private static func get(_ query: [(name: String, value: String)], from store: any SpanStore) -> (status: Int, body: String) {
    let response = handler(store).respond(to: HTTPRequest(method: "GET", path: "/api/v1/spans", query: query))
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  private static func keys(_ body: String) -> [String] {
    body.matches(of: /"key":"([^"]*)","name"/).map { String($0.output.1) }
  }

  private static func cursor(_ body: String) -> String? {
    body.firstMatch(of: /"next":"([0-9]+)"}/).map { String($0.output.1) }
  }

  /// Projects events into a store in one batch.
  private static func project(_ events: [Event], into store: MemorySpanStore) throws {
    var correlation = Correlation(store: store)
    for event in events { _ = try correlation.take(event) }
    store.write(correlation.finish())
  }

  private static func issue(_ number: Int, _ change: (inout Event) -> Void = { _ in }) -> Event {
    var event = Event(key: StoreSamples.issueKey(number), time: .vendor(StoreSamples.morning), attempt: .counted)
    event.operation = .issue
    event.name = "acme/site#\(number)"
    event.project = "acme/site"
    event.state = .running
    event.marks = [.begin(.vendor(StoreSamples.morning))]
    change(&event)
    return event
  }

  /// Seven issues. The even ones are closed, and number 3 is closed as not planned.
  private static func store() throws -> MemorySpanStore {
    let store = MemorySpanStore()
    for number in 1...7 {
      let event = issue(number) { event in
        guard number % 2 == 0 || number == 3 else { return }
        event.state = .ended
        event.marks.append(.end(.vendor(StoreSamples.time(60))))
        event.outcome = number == 3 ? .notPlanned : .completed
      }
      try project([event], into: store)
    }
    return store
  }

  @Test("an answer in full: every member of a span")
  func golden() throws {
    let store = MemorySpanStore()
    let parent = Self.issue(36) { $0.publishes = [Reference(.classicID, "vstrace-github-issue-site-36")] }
    let epic = Self.issue(1) { $0.publishes = [Reference(.issue, "TP-1")] }
    var child = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "1", kind: "pull_request", id: "40"),
      time: .vendor(StoreSamples.time(90)), attempt: .counted)
    child.operation = .pullRequest
    child.name = "acme/site#40"
    child.state = .ended
    child.marks = [.begin(.vendor(StoreSamples.time(30))), .end(.vendor(StoreSamples.time(90)))]
    child.outcome = .merged
    child.attributes = [
      Attribute("vcs.change.id", "40"), Attribute("labels", .strings(["a", "b"])), Attribute("lines", 12),
      Attribute("ratio", .double(0.25)), Attribute("service", "github", vocabulary: .classic),
      Attribute("labels", "hidden by the semantic one", vocabulary: .classic), Attribute("draft", false),
    ]
    child.phases = [
      PhaseStatement(track: "review", name: "draft", start: StoreSamples.time(30), end: StoreSamples.time(45)),
      PhaseStatement(
        track: "review", name: "review", start: StoreSamples.time(45), end: StoreSamples.time(80), outcome: .success),
    ]
    child.spanEvents = [SpanEvent(name: "review", time: StoreSamples.time(50), attributes: [Attribute("by", "rosa")])]
    child.publishes = [Reference(.classicID, "vstrace-github-pull_request-site-9900")]
    child.follows = [FollowStatement(.explicitID, [Reference(.classicID, "vstrace-github-issue-site-36")])]
    child.links = [LinkStatement(Reference(.issue, "TP-1"), rule: "epic")]
    try Self.project([parent, epic, child], into: store)
    let (status, body) = Self.get([], from: store)
    #expect(status == 200)
    Golden.expect(body + "\n", matches: "\(Self.folder)/spans.json")
  }

  @Test("an empty list has no next page")
  func empty() {
    #expect(Self.get([], from: MemorySpanStore()) == (200, #"{"spans":[],"next":null}"#))
  }

  @Test("pages hold every thing once, newest first, whatever their size", arguments: [1, 2, 3, 6, 7, 8, 1000])
  func pages(limit: Int) throws {
    let store = try Self.store()
    var keys: [String] = []
    var cursor: String?
    var count = 0
    repeat {
      let query = [("limit", "\(limit)")] + (cursor.map { [("cursor", $0)] } ?? [])
      let (status, body) = Self.get(query.map { (name: $0.0, value: $0.1) }, from: store)
      try #require(status == 200)
      let page = Self.keys(body)
      #expect(page.count <= limit)
      keys += page
      cursor = Self.cursor(body)
      count += 1
    } while cursor != nil && count < 20
    #expect(keys == (1...7).reversed().map { StoreSamples.issueKey($0).description })
  }

  @Test(
    "filters, alone and together",
    arguments: [
      ("state", "open", [7, 5, 1]), ("state", "finished", [6, 4, 3, 2]), ("outcome", "not_planned", [3]),
      ("outcome", "completed", [6, 4, 2]), ("outcome", "merged", []), ("operation", "issue", [7, 6, 5, 4, 3, 2, 1]),
      ("operation", "deploy", []), ("source", "github", [7, 6, 5, 4, 3, 2, 1]), ("source", "gitlab", []),
      ("project", "acme/site", [7, 6, 5, 4, 3, 2, 1]), ("project", "acme/other", []),
    ])
  func filters(name: String, value: String, numbers: [Int]) throws {
    let store = try Self.store()
    let expected = numbers.map { StoreSamples.issueKey($0).description }
    #expect(Self.keys(Self.get([(name, value)], from: store).body) == expected)
    let odd = Self.keys(Self.get([(name, value), ("state", "finished"), ("outcome", "not_planned")], from: store).body)
    let isLast = name != "state" && name != "outcome"
    if isLast { #expect(odd == expected.filter { $0.hasSuffix(":3") }) }
  }

  @Test("things by any of their names, each once, on one page; other filters count too")
  func references() throws {
    let store = try Self.store()
    try Self.project([Self.issue(8) { $0.publishes = [Reference(.issue, "TP-1")] }], into: store)
    func numbers(_ references: [String], _ others: [(name: String, value: String)] = []) -> [String] {
      let body = Self.get(references.map { ("reference", $0) } + others, from: store).body
      #expect(Self.cursor(body) == nil)
      return Self.keys(body).map { String($0.suffix(1)) }
    }
    let (two, three) = ("key:\(StoreSamples.issueKey(2))", "key:\(StoreSamples.issueKey(3))")
    #expect(numbers([three, "issue:TP-1", two, three]) == ["2", "3", "8"])
    #expect(numbers([two, three], [("limit", "1")]) == ["2"])
    #expect(numbers([two, three, "issue:TP-1"], [("state", "open")]) == ["8"])
    #expect(numbers(["issue:TP-2", "key:no key"]) == [])
  }

  @Test("under linked a thing below a change names it as parent and in a link, and is in a trace of its own")
  func linked() throws {
    let store = MemorySpanStore()
    let parent = Self.issue(1)
    let child = Self.issue(2) { $0.follows = [FollowStatement(.vendorLink, [.key(parent.key)])] }
    try Self.project([parent, child], into: store)
    let handler = SpansHandler(QuerySamples.queries(store, .linked))
    let body = String(
      decoding: handler.respond(to: HTTPRequest(method: "GET", path: "/api/v1/spans", query: [])).body, as: UTF8.self)
    let link =
      #"{"key":"\#(parent.key)","traceID":"\#(TraceID(root: parent.key))","spanID":"\#(SpanID(key: parent.key, attempt: 1))","#
      + #""rule":"vendor_link","attributes":{},"name":"acme/site#1"}"#
    let ids = #""traceID":"\#(TraceID(root: child.key))","spanID":"\#(SpanID(key: child.key, attempt: 1))","parentSpanID":null"#
    #expect(body.contains(#"\#(ids),"parentKey":"\#(parent.key)","parentRule":"vendor_link""#), "\(body)")
    #expect(body.contains(#""links":[\#(link)]"#), "\(body)")
  }

  @Test(
    "what cannot be meant is answered 400, and says what could",
    arguments: [
      ("limit", "0", "a number from 1 to 1000"), ("limit", "1001", "1000"), ("limit", "-1", "1"), ("limit", "many", "limit=many"),
      ("limit", "", "limit="), ("cursor", "abc", "next"), ("cursor", "-1", "next"), ("cursor", "", "next"),
      ("reference", "TP-1", "a kind and a name"), ("outcome", "great", "not_planned"), ("state", "closed", "open or finished"),
      ("page", "2", "page is no parameter"), ("order", "size", "start, end, duration, age"),
      ("from", "yesterday", "from=yesterday: expected a time such as"), ("to", "2026", "a time such as"),
      ("Limit", "5", "Limit is no parameter"),
    ])
  func mistakes(name: String, value: String, says: String) throws {
    let (status, body) = Self.get([(name, value)], from: try Self.store())
    #expect(status == 400)
    #expect(body.contains(says), "\(body)")
  }

  @Test("a source that there is not is a mistake, one that the store has something of is not")
  func unknownSource() throws {
    let queries = QuerySamples.queries(try Self.store(), sources: ["gitlab", "trello"])
    let handlers: [(any HTTPHandler, String)] = [
      (SpansHandler(queries), "/api/v1/spans"), (TracesHandler(queries), "/api/v1/traces"),
    ]
    for (handler, path) in handlers {
      for source in ["github", "gitlab"] { #expect(QuerySamples.get(handler, path, [("source", source)]).status == 200) }
      let (status, body) = QuerySamples.get(handler, path, [("source", "githb")])
      #expect(status == 400)
      #expect(body.contains("source=githb: expected one of github, gitlab, trello"), "\(body)")
      // Scripts may send any operation.
      #expect(QuerySamples.get(handler, path, [("operation", "migration")]).status == 200)
    }
  }

  @Test("waits for what was acknowledged before it reads")
  func waiting() throws {
    let store = MemorySpanStore()
    let isAsked = Mutex(false)
    let handler = Self.handler(store) {
      isAsked.withLock { $0 = true }
      try? Self.project([Self.issue(1)], into: store)
    }
    let response = handler.respond(to: HTTPRequest(method: "GET", path: "/api/v1/spans"))
    #expect(isAsked.withLock { $0 })
    #expect(Self.keys(String(decoding: response.body, as: UTF8.self)).count == 1)
  }

  // MARK: Times, environments and services

  /// Five deploys, each an hour after the one before: three to production and two to staging. The last one runs.
  private static func deploys() throws -> MemorySpanStore {
    let store = MemorySpanStore()
    for number in 0..<5 {
      let start = Int64(number) * 3600
      var deploy = QuerySamples.event(
        QuerySamples.key("deployment", number), .deploy, "deploy \(number)", from: start,
        to: number == 4 ? nil : start + Int64([100, 400, 200, 300][number]))
      deploy.outcome = number == 4 ? nil : .success
      deploy.attributes = [Attribute("deployment.environment.name", .string(number % 2 == 0 ? "production" : "staging"))]
      if number > 2 { deploy.attributes.append(Attribute("valuestream.service", "Cart")) }
      try project([deploy], into: store)
    }
    return store
  }

  private static func hour(_ number: Int64) -> String { StoreSamples.time(number * 3600).rfc3339 }

  @Test(
    "Times, environments, services and orders select deploys, also in pages of one",
    arguments: [
      ("order=start", [4, 3, 2, 1, 0]), ("order=end", [3, 2, 1, 0]), ("order=duration", [1, 3, 2, 0]), ("order=age", [4]),
      ("from=1&to=3", [2, 1]), ("from=1&to=3&order=start", [2, 1]), ("from=1&to=3&order=end", [2, 1]),
      ("from=1&to=3&order=duration", [1, 2]), ("from=4&to=5&order=age", [4]), ("to=4&order=age", []), ("from=3", [4, 3]),
      ("to=1", [0]), ("environment=production", [4, 2, 0]), ("environment=Production", []),
      ("environment=staging&order=duration", [1, 3]), ("service=cart", [4, 3]), ("service=acme/site", [2, 1, 0]),
      ("service=cart&environment=production&order=age", [4]), ("environment=production&state=finished", [2, 0]),
    ])
  func times(query: String, numbers: [Int]) throws {
    let store = try Self.deploys()
    let given = query.split(separator: "&").map { part -> (name: String, value: String) in
      let sides = part.split(separator: "=").map(String.init)
      return (sides[0], ["from", "to"].contains(sides[0]) ? Self.hour(Int64(sides[1]) ?? 0) : sides[1])
    }
    let expected = numbers.map { QuerySamples.key("deployment", $0).description }
    for limit in ["1", "2", "100"] {
      var keys: [String] = []
      var next: String?
      repeat {
        let (status, body) = Self.get(given + [("limit", limit)] + (next.map { [("cursor", $0)] } ?? []), from: store)
        try #require(status == 200, "\(body)")
        keys += Self.keys(body)
        next = body.firstMatch(of: /"next":"([^"]+)"}/).map { String($0.output.1) }
      } while next != nil && keys.count < 20
      #expect(keys == expected, "\(query), \(limit)")
    }
  }

  @Test("Orders that exclude what is asked for, and cursors of another order, are mistakes")
  func contradictions() throws {
    let store = try Self.deploys()
    let queries: [[(name: String, value: String)]] = [
      [("order", "age"), ("state", "finished")], [("order", "end"), ("state", "open")], [("order", "end"), ("cursor", "3")],
      [("cursor", "3.1")], [("order", "end"), ("reference", "key:a")], [("from", Self.hour(2)), ("to", Self.hour(1))],
    ]
    for query in queries { #expect(Self.get(query, from: store).status == 400, "\(query)") }
  }

  @Test("The links of a deploy name its changes: title, number and page")
  func linkedChanges() throws {
    let store = MemorySpanStore()
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    func deploy(_ number: Int, of commit: String, at time: Int64) -> Event {
      var deploy = QuerySamples.event(QuerySamples.key("deployment", number), .deploy, "deploy", from: time, to: time + 60)
      deploy.outcome = .success
      deploy.attributes = [
        Attribute("deployment.environment.name", "production"), Attribute("vcs.ref.head.name", "main"),
        Attribute("vcs.ref.head.revision", .string(commit)),
      ]
      return deploy
    }
    let commits = ["a", "b"].map { String(repeating: $0, count: 40) }
    var change = QuerySamples.event(QuerySamples.key("pull_request", 40), .pullRequest, "acme/site#40", from: 100, to: 200)
    change.outcome = .merged
    change.attributes = [
      Attribute("vcs.change.id", "40"), Attribute("vcs.change.title", "Sort the cart"), Attribute("vcs.ref.base.name", "main"),
      Attribute("valuestream.change.merge_revision", .string(commits[1])),
      Attribute("vcs.repository.url.full", "https://github.com/acme/site"),
    ]
    change.publishes = [Reference(.commit, commits[1])]
    try Self.project([deploy(1, of: commits[0], at: 50), change, deploy(2, of: commits[1], at: 300)], into: store)
    var update = ProjectionChanges()
    update.branchUpdates = [
      BranchUpdate(
        branch: branch, kind: .moved, time: .vendor(StoreSamples.time(200)), before: commits[0], after: commits[1],
        commits: [BranchCommit(commits[1])], isForced: false, isDefaultBranch: true)
    ]
    store.write(update)
    let body = Self.get([("operation", "deploy"), ("limit", "1")], from: store).body
    #expect(body.contains(#""links":[{"key":"\#(change.key)","traceID":"#), "\(body)")
    #expect(
      body.contains(
        #""name":"acme/site#40","title":"Sort the cart","number":"40","address":"https://github.com/acme/site/pull/40"}]"#),
      "\(body)")
  }
}
