import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("Traces and single things")
struct TracesHandlerTests {
  private static func traceID(_ number: Int) -> String { TraceID(root: QuerySamples.issueKey(number)).description }

  private static func trace(
    _ name: String, from store: any SpanStore, _ strategy: TraceStrategy = .nested
  ) -> (status: Int, body: String) {
    QuerySamples.get(TracesHandler(QuerySamples.queries(store, strategy)), "/api/v1/traces/\(name)")
  }

  private static func list(
    _ query: [(name: String, value: String)], from store: any SpanStore, _ strategy: TraceStrategy = .nested
  ) -> (status: Int, body: String) {
    QuerySamples.get(TracesHandler(QuerySamples.queries(store, strategy)), "/api/v1/traces", query)
  }

  private static func subject(_ name: String, from store: any SpanStore) -> (status: Int, body: String) {
    QuerySamples.get(SpansHandler(QuerySamples.queries(store)), "/api/v1/spans/\(name)")
  }

  private static func keys(_ body: String) -> [String] { body.matches(of: /"key":"([^"]*)","name"/).map { String($0.output.1) } }
  private static func roots(_ body: String) -> [String] {
    body.matches(of: /"rootName":"[^"]*#([^"]*)"/).map { String($0.output.1) }
  }

  // MARK: One trace

  @Test("a trace holds all its spans, parents first, in any order of deliveries", arguments: Seeds.upTo(6))
  func one(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let store = try QuerySamples.store((QuerySamples.story(1) + QuerySamples.story(2)).shuffled(using: &random))
    let (status, body) = Self.trace(Self.traceID(1), from: store)
    #expect(status == 200)
    #expect(body.hasPrefix(#"{"traceID":"\#(Self.traceID(1))","spans":[{"key":"#))
    #expect(Self.keys(body).map { $0.split(separator: ":")[3] } == ["issue", "pull_request", "run", "job"])
    #expect(!body.contains("truncated"))
    // The trace is found by the id that it had before its parent was known, by classic id, by key and by name.
    let former = TraceID(root: QuerySamples.key("run", 201)).description
    for name in [former, "vstrace-github-issue-site-1", "github:github.com:1:job:301", "acme/site#101", "acme/site!101"] {
      #expect(Self.trace(name, from: store).body == body, "\(name)")
    }
  }

  @Test("a trace is found by the id under which it was exported, whatever becomes of it")
  func exported() throws {
    let events = QuerySamples.story(1)
    let store = try QuerySamples.store(Array(events.suffix(2)))
    let old = TraceID(root: QuerySamples.key("run", 201))
    store.addExportRecords([ExportRecord(key: QuerySamples.key("job", 301), traceID: old)])
    for event in events {
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
    }
    let body = Self.trace(old.description, from: store).body
    #expect(Self.keys(body).count == 4)
    #expect(Self.trace(Self.traceID(1), from: store).body == body, "the id that its root would have leads there")
  }

  @Test("under linked a trace is an issue, a change, or a run with its parts, and links lead from one to the other")
  func linked() throws {
    let store = try QuerySamples.store(QuerySamples.story(1))
    func kinds(_ name: String) -> [Substring] {
      Self.keys(Self.trace(name, from: store, .linked).body).map { $0.split(separator: ":")[3] }
    }
    let (change, build) = (QuerySamples.key("pull_request", 101), QuerySamples.key("run", 201))
    #expect(kinds(Self.traceID(1)) == ["issue"])
    #expect(kinds(TraceID(root: change).description) == ["pull_request"])
    #expect(kinds(TraceID(root: build).description) == ["run", "job"])
    #expect(kinds("github:github.com:1:job:301") == ["run", "job"])
    let body = Self.trace(build.description, from: store, .linked).body
    #expect(body.contains(#""parentSpanID":null,"parentKey":"\#(change)","parentRule":"vendor_link""#), "\(body)")
    let spanID = SpanID(key: change, attempt: 1)
    #expect(
      body.contains(
        #""links":[{"key":"\#(change)","traceID":"\#(TraceID(root: change))","spanID":"\#(spanID)","rule":"vendor_link","attributes":{},"#
          + #""name":"acme/site#101","title":null,"number":null,"address":null}]"#
      ))
    let list = Self.list([("limit", "2")], from: store, .linked).body
    #expect(list.matches(of: /"rootOperation":"([a-z_]*)"/).map(\.output.1) == ["build", "pull_request"])
    #expect(Self.list([("outcome", "merged")], from: store, .linked).body.contains(#""spans":1,"errors":0"#))
  }

  @Test("what was exported before the strategy was changed stays in the trace that it went out with")
  func formerStrategy() throws {
    let store = try QuerySamples.store(QuerySamples.story(1))
    let (issue, build) = (QuerySamples.issueKey(1), QuerySamples.key("run", 201))
    let nested = TraceID(root: issue)
    store.addExportRecords([
      ExportRecord(key: issue, traceID: nested), ExportRecord(key: build, traceID: nested),
    ])
    for name in [nested.description, build.description, TraceID(root: build).description] {
      let body = Self.trace(name, from: store, .linked).body
      #expect(Self.keys(body).map { $0.split(separator: ":")[3] } == ["issue", "run", "job"], "\(name)")
      #expect(body.hasPrefix(#"{"traceID":"\#(nested)""#))
    }
    let change = Self.trace("acme/site#101", from: store, .linked).body
    #expect(Self.keys(change).count == 1)
    let list = Self.list([], from: store, .linked).body
    #expect(list.matches(of: /"spans":([0-9]+)/).map(\.output.1) == ["3", "1"])
  }

  @Test(
    "what is not there is answered 404, and says what was looked for", arguments: ["0123456789abcdef0123456789abcdef", "x", ""])
  func unknown(name: String) throws {
    let store = try QuerySamples.store(QuerySamples.story(1))
    let (status, body) = Self.trace(name, from: store)
    #expect(status == 404)
    #expect(body.contains(name.isEmpty ? "name " : name) && body.contains("no span has"))
    #expect(Self.subject(name, from: store).status == 404)
  }

  @Test("of a trace of very many spans those nearest to the root are shown, and that there are more")
  func truncated() throws {
    let store = MemorySpanStore()
    var correlation = Correlation(store: store)
    let root = QuerySamples.story(0)[0]
    _ = try correlation.take(root)
    for number in 0..<SpanQueries.spanLimit + 10 {
      var job = QuerySamples.event(QuerySamples.key("job", number), .job, "job", from: Int64(number), to: Int64(number + 5))
      job.follows = [FollowStatement(.vendorLink, [.key(number % 2 == 0 ? root.key : QuerySamples.key("job", number - 1))])]
      _ = try correlation.take(job)
    }
    store.write(correlation.finish())
    let (status, body) = Self.trace(Self.traceID(0), from: store)
    #expect(status == 200)
    #expect(body.hasSuffix(#"],"truncated":true}"#))
    let keys = Self.keys(body)
    #expect(keys.count == SpanQueries.spanLimit)
    #expect(keys.first == root.key.description)
    let list = Self.list([], from: store).body
    #expect(list.contains(#""spans":1000,"errors":0,"truncated":true"#))
  }

  @Test("what hangs from a trace and is in others takes no room in it", arguments: TraceStrategy.allCases)
  func room(strategy: TraceStrategy) throws {
    let root = QuerySamples.event(QuerySamples.key("run", 1), .build, "CI", from: 0, to: 60)
    let jobs = (1...13).map { number in
      var job = QuerySamples.event(QuerySamples.key("job", 100 + number), .job, "job", from: 1, to: 2)
      job.follows = [FollowStatement(.vendorLink, [.key(root.key)])]
      return job
    }
    let store = try QuerySamples.store([root] + jobs)
    store.addExportRecords(
      [ExportRecord(key: root.key, traceID: TraceID(root: root.key))]
        + jobs.prefix(10).map { ExportRecord(key: $0.key, traceID: TraceID(root: $0.key)) })
    for (limit, count) in [(5, 4), (4, 4), (3, 3)] {
      var reader = TraceReader(store: store, strategy: strategy)
      let trace = try #require(try reader.trace(TraceID(root: root.key), limit: limit))
      #expect(trace.spans.count == count)
      #expect(trace.isTruncated == (limit < 4))
    }
  }

  // MARK: One subject

  @Test(
    "a thing is found by key, classic id and name",
    arguments: [
      "github:github.com:1:issue:1", "vstrace-github-issue-site-1", "acme/site#1", "Acme/Site#1", "github.com/acme/site#1",
    ])
  func subject(name: String) throws {
    let store = try QuerySamples.store(QuerySamples.story(1))
    let (status, body) = Self.subject(name, from: store)
    #expect(status == 200)
    #expect(
      body.hasPrefix(#"{"key":"github:github.com:1:issue:1","spans":[{"key":"github:github.com:1:issue:1","name":"acme/site#1","#)
    )
    #expect(Self.keys(body).count == 1)
  }

  @Test("all attempts of a thing stand in its answer")
  func attempts() throws {
    let key = QuerySamples.issueKey(1)
    var events = [QuerySamples.event(key, .issue, "acme/site#1", from: 0, to: 60)]
    events.append(QuerySamples.event(key, .issue, "acme/site#1", from: 120, to: nil))
    let body = Self.subject(key.description, from: try QuerySamples.store(events)).body
    #expect(body.matches(of: /"attempt":([12]),/).map(\.output.1) == ["1", "2"])
  }

  @Test(
    "a key is found as it stands, and with its parts decoded, as a path is",
    arguments: [
      SubjectKey(source: "jenkins", host: "ci.acme.org", container: "folder/job", kind: "build", id: "252"),
      SubjectKey(source: "customhttp", host: "", container: "größe 1", kind: "deploy", id: "=a:b"),
      SubjectKey(source: "customhttp", host: "", container: "a%2Fb", kind: "deploy", id: "::"),
    ])
  func encodedKeys(key: SubjectKey) throws {
    let store = try QuerySamples.store([QuerySamples.event(key, .deploy, "x", from: 0, to: nil)])
    let decoded = try #require(key.description.removingPercentEncoding)
    for name in [key.description, decoded] { #expect(Self.subject(name, from: store).status == 200, "\(name)") }
  }

  @Test("several things of one name are listed, and none is chosen")
  func ambiguous() throws {
    let events = [1, 2].map { repository in
      var event = QuerySamples.event(
        StoreSamples.issueKey(7, repository: repository), .issue, "acme/site#7", from: 0, to: nil)
      event.publishes = [Reference(.classicID, "vstrace-github-issue-site-7")]
      return event
    }
    let store = try QuerySamples.store(events)
    for (status, body) in [
      Self.subject("vstrace-github-issue-site-7", from: store), Self.trace("vstrace-github-issue-site-7", from: store),
    ] {
      #expect(status == 409)
      #expect(body.contains(#""candidates":["github:github.com:1:issue:7","github:github.com:2:issue:7"]}"#))
    }
  }

  @Test("of very many things of one name, a bounded number is listed")
  func veryAmbiguous() throws {
    let events = (0..<3 * SubjectLookup.candidateLimit).map { number in
      var event = QuerySamples.event(StoreSamples.issueKey(number), .issue, "acme/site#\(number)", from: 0, to: nil)
      event.publishes = [Reference(.customID, "everything")]
      return event
    }
    let (status, body) = Self.subject("everything", from: try QuerySamples.store(events))
    #expect(status == 409)
    #expect(body.matches(of: /github:github\.com:1:issue:/).count == SubjectLookup.candidateLimit)
  }

  // MARK: List of traces

  @Test("an answer in full")
  func listed() throws {
    let store = try QuerySamples.store(QuerySamples.story(1))
    #expect(
      Self.list([], from: store).body
        == #"{"traces":[{"traceID":"\#(Self.traceID(1))","rootKey":"github:github.com:1:issue:1","rootName":"acme/site#1","#
        + #""rootOperation":"issue","rootSource":"github","start":"2026-03-01T08:01:00Z","end":null,"outcome":null,"spans":4,"#
        + #""errors":2}],"next":null}"#)
    #expect(Self.list([], from: MemorySpanStore()).body == #"{"traces":[],"next":null}"#)
  }

  @Test("pages hold every trace once, newest first, whatever their size", arguments: [1, 2, 3, 5, 6, 100])
  func pages(limit: Int) throws {
    // Interleave the subjects of all traces.
    let stories = (1...5).map { QuerySamples.story($0) }
    let store = try QuerySamples.store((0..<4).flatMap { step in stories.map { $0[step] } })
    for operation in [nil, "build"] {
      var roots: [String] = []
      var cursor: String?
      var count = 0
      repeat {
        let query = ["operation": operation, "limit": "\(limit)", "cursor": cursor].compactMapValues(\.self)
        let (status, body) = Self.list(query.map { (name: $0.key, value: $0.value) }, from: store)
        try #require(status == 200, "\(body)")
        let page = Self.roots(body)
        #expect(page.count <= limit)
        roots += page
        cursor = body.firstMatch(of: /"next":"([0-9]+)"}/).map { String($0.output.1) }
        count += 1
      } while cursor != nil && count < 30
      #expect(roots == ["5", "4", "3", "2", "1"])
    }
  }

  static let queries: [(query: [String: String], found: [String])] = [
    (["operation": "job"], ["2", "1"]), (["source": "gitlab"], []), (["outcome": "failure"], ["2", "1"]),
    (["outcome": "merged", "operation": "job"], []), (["state": "open"], ["9", "2", "1"]), (["state": "finished"], ["7"]),
    (["state": "open", "operation": "job"], []), (["minDuration": "30m"], ["9", "2", "1"]),
    (["minDuration": "25m", "operation": "pull_request"], ["2", "1"]), (["minDuration": "2h"], ["9"]),
    (["reference": "classic:vstrace-github-issue-site-2"], ["2"]),
    (["reference": "classic:vstrace-github-issue-site-2", "operation": "build"], []),
    (["until": "2026-03-01T08:01:00Z"], ["9", "7"]),
    (["since": "2026-03-01T08:01:30Z"], ["9", "2", "1"]),
    (["since": "2026-03-01T08:31:00Z", "operation": "pull_request"], ["2", "1"]),
    (["since": "2026-03-01T08:31:30Z", "operation": "pull_request"], ["2"]),
  ]

  @Test("a trace is listed when one thing of it is all that is asked for", arguments: queries)
  func filters(query: [String: String], found: [String]) throws {
    var events = QuerySamples.story(1) + QuerySamples.story(2)
    events.append(QuerySamples.event(QuerySamples.issueKey(7), .issue, "acme/site#7", from: 0, to: 60))
    events.append(QuerySamples.event(QuerySamples.issueKey(9), .issue, "acme/site#9", from: 0, to: nil))
    let store = try QuerySamples.store(events)
    let (status, body) = Self.list(query.map { (name: $0.key, value: $0.value) }, from: store)
    #expect(status == 200)
    #expect(Self.roots(body) == found, "\(query)")
  }

  @Test(
    "what cannot be meant is answered 400, and says what could",
    arguments: [
      ("limit", "101", "1 to 100"), ("cursor", "x", "next"), ("outcome", "great", "not_planned"), ("state", "done", "open or"),
      ("since", "yesterday", "2026-03-01T08:00:00Z"), ("until", "", "a time"), ("minDuration", "long", "500ms"),
      ("page", "2", "since, until, minDuration"),
    ])
  func mistakes(name: String, value: String, says: String) {
    let (status, body) = Self.list([(name, value)], from: MemorySpanStore())
    #expect(status == 400)
    #expect(body.contains(says), "\(body)")
  }

  // MARK: Damage

  @Test("lists of traces, of spans and of Jaeger say that damaged subjects are left out")
  func damage() throws {
    let whole = try QuerySamples.store(QuerySamples.story(1) + QuerySamples.story(2))
    let damaged = CountingStore(whole, damagedCount: 2)
    let jaeger = { (store: any SpanStore) in
      QuerySamples.get(JaegerHandler(QuerySamples.queries(store)), "/api/traces", [("service", "github")]).body
    }
    #expect(Self.list([], from: damaged).body.contains(#""damaged":2"#))
    #expect(QuerySamples.get(SpansHandler(QuerySamples.queries(damaged)), "/api/v1/spans", []).body.contains(#""damaged":2"#))
    let warning = #""warnings":["the search left out damaged items (2 or more); vsd check names them"]"#
    #expect(jaeger(damaged).contains(warning))
    #expect(Self.roots(Self.list([], from: damaged).body) == Self.roots(Self.list([], from: whole).body))
    #expect(!Self.list([], from: whole).body.contains("damaged") && !jaeger(whole).contains("damaged"))
  }
}
