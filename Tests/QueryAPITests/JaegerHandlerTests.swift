import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("Jaeger's query API")
struct JaegerHandlerTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static func get(
    _ path: String, _ query: [(String, String)] = [], from store: any SpanStore
  ) -> (status: Int, body: String) {
    QuerySamples.get(JaegerHandler(QuerySamples.queries(store)), path, query.map { (name: $0.0, value: $0.1) })
  }

  private static func store() throws -> MemorySpanStore {
    var epic = QuerySamples.event(QuerySamples.issueKey(9), .issue, "acme/site#9", from: 0, to: 7200)
    epic.publishes = [Reference(.classicID, "vstrace-github-issue-site-9")]
    let deploy = SubjectKey(source: "customhttp", host: "", container: "shop", kind: "deploy", id: "1")
    return try QuerySamples.store(
      [epic] + QuerySamples.story(1) + QuerySamples.story(2) + [QuerySamples.event(deploy, .deploy, "shop/1", from: 0, to: 5)])
  }

  private static func traceIDs(_ body: String) -> [String] {
    body.matches(of: /"traceID":"([0-9a-f]{32})","spans"/).map { String($0.output.1) }
  }

  private static func traceID(_ number: Int) -> String { TraceID(root: QuerySamples.issueKey(number)).description }

  @Test("an answer in full: every member of a trace")
  func golden() throws {
    let (status, body) = Self.get("/api/traces/\(Self.traceID(1))", from: try Self.store())
    #expect(status == 200)
    Golden.expect(body.replacing("{\"traceID\"", with: "\n{\"traceID\"") + "\n", matches: "\(Self.folder)/jaeger-trace.json")
  }

  @Test("a parent in another trace is a reference FOLLOWS_FROM, which an interface follows by its trace id")
  func linked() throws {
    let store = try Self.store()
    let (change, build) = (QuerySamples.key("pull_request", 101), QuerySamples.key("run", 201))
    let body = QuerySamples.get(JaegerHandler(QuerySamples.queries(store, .linked)), "/api/traces/\(TraceID(root: build))").body
    let reference =
      #"{"refType":"FOLLOWS_FROM","traceID":"\#(TraceID(root: change))","spanID":"\#(SpanID(key: change, attempt: 1))"}"#
    #expect(body.contains(#""operationName":"BUILD CI","references":[\#(reference)]"#), "\(body)")
    #expect(body.matches(of: /"refType":"CHILD_OF"/).count == 1, "of the job only")
  }

  /// Checks names and types of Jaeger's JSON model, which Jaeger's UI and Grafana's data source read.
  @Test("every member has the name and type that Jaeger gives it, and no other")
  func model() throws {
    let store = try Self.store()
    let answer = try Self.object(Self.get("/api/traces", [("service", "github")], from: store).body)
    Self.expect(
      answer,
      is: ["data": [Any].self, "total": NSNumber.self, "limit": NSNumber.self, "offset": NSNumber.self, "errors": NSNull.self])
    let traces = try #require(answer["data"] as? [[String: Any]])
    #expect(traces.count == 3)
    for trace in traces {
      Self.expect(
        trace, is: ["traceID": String.self, "spans": [Any].self, "processes": [String: Any].self, "warnings": NSNull.self])
      let processes = try #require(trace["processes"] as? [String: [String: Any]])
      for process in processes.values { Self.expect(process, is: ["serviceName": String.self, "tags": [Any].self]) }
      for span in try #require(trace["spans"] as? [[String: Any]]) {
        let isOpen = !(span["warnings"] is NSNull)
        Self.expect(
          span,
          is: [
            "traceID": String.self, "spanID": String.self, "flags": NSNumber.self, "operationName": String.self,
            "references": [Any].self, "startTime": NSNumber.self, "duration": NSNumber.self, "tags": [Any].self,
            "logs": [Any].self,
            "processID": String.self, "warnings": isOpen ? [String].self : NSNull.self,
          ])
        #expect(processes[span["processID"] as? String ?? ""] != nil)
        for reference in try #require(span["references"] as? [[String: Any]]) {
          Self.expect(reference, is: ["refType": String.self, "traceID": String.self, "spanID": String.self])
          #expect(["CHILD_OF", "FOLLOWS_FROM"].contains(reference["refType"] as? String))
        }
        for log in try #require(span["logs"] as? [[String: Any]]) {
          Self.expect(log, is: ["timestamp": NSNumber.self, "fields": [Any].self])
          for field in try #require(log["fields"] as? [[String: Any]]) { try Self.expectTag(field) }
        }
        for tag in try #require(span["tags"] as? [[String: Any]]) { try Self.expectTag(tag) }
      }
    }
  }

  private static func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private static func expect(_ object: [String: Any], is members: [String: Any.Type]) {
    #expect(Set(object.keys) == Set(members.keys))
    for (name, type) in members {
      let value = object[name]
      switch type {
      case is String.Type: #expect(value is String, "\(name)")
      case is NSNumber.Type: #expect(value is NSNumber, "\(name)")
      case is NSNull.Type: #expect(value is NSNull, "\(name)")
      case is [String].Type: #expect(value is [String], "\(name)")
      case is [String: Any].Type: #expect(value is [String: Any], "\(name)")
      default: #expect(value is [Any], "\(name)")
      }
    }
  }

  private static func expectTag(_ tag: [String: Any]) throws {
    #expect(Set(tag.keys) == ["key", "type", "value"])
    switch tag["type"] as? String {
    case "string": #expect(tag["value"] is String)
    case "bool", "int64", "float64": #expect(tag["value"] is NSNumber)
    default: Issue.record("\(tag)")
    }
  }

  @Test("services and operations, as they are chosen from")
  func operations() throws {
    let store = try Self.store()
    let tail = #","limit":0,"offset":0,"errors":null}"#
    #expect(Self.get("/api/services", from: store).body == #"{"data":["customhttp","github"],"total":2"# + tail)
    #expect(
      Self.get("/api/services/github/operations", from: store).body
        == #"{"data":["BUILD CI","build","issue","job","pull_request","test"],"total":6"# + tail)
    #expect(
      Self.get("/api/operations", [("service", "github"), ("spanKind", "server")], from: store).body
        == #"{"data":[{"name":"BUILD CI","spanKind":"server"},{"name":"build","spanKind":"server"}],"total":2"# + tail)
    #expect(
      Self.get("/api/operations", [("service", "customhttp")], from: store).body
        == #"{"data":[{"name":"deploy","spanKind":"internal"}],"total":1"# + tail)
    #expect(Self.get("/api/services/nobody/operations", from: store).body == #"{"data":[],"total":0"# + tail)
    #expect(
      Self.get("/api/dependencies", [("endTs", "1"), ("lookback", "2")], from: store).body == #"{"data":[],"total":0"# + tail)
  }

  /// Queries, each with the issue numbers of the traces that it finds; -1 stands for the trace of the deploy.
  static let searches: [(query: String, found: [Int])] = [
    ("service=github", [2, 1, 9]), ("service=customhttp", [-1]), ("service=github&operation=BUILD CI", [2, 1]),
    ("service=github&operation=build", [2, 1]), ("service=github&operation=none", []),
    (#"tags={"vstrace":"vstrace-github-issue-site-2"}"#, [2]), (#"tags={"error":"true"}"#, [2, 1]),
    (#"service=github&tags={"by":"rosa"}"#, [2, 1]), ("tag=cicd.pipeline.task.name:test", [2, 1]),
    (#"service=github&tags={"lines":"12","labels":"[\"a\",\"b\"]"}"#, [2, 1]), (#"tags={"lines":"13"}"#, []),
    (#"tags={"valuestream.source":"customhttp"}"#, [-1]), (#"service=github&tags={"valuestream.source":"jira"}"#, []),
    (#"tags={"valuestream.project":"acme/site","valuestream.operation":"job"}"#, [2, 1]),
    ("service=github&minDuration=1h58m30s", [1, 9]), ("service=github&maxDuration=9.5m", [2, 1]),
    ("service=github&end=1772352030000000", [9]), ("service=github&limit=1&lookback=custom", [2]),
    ("service=github&operation=job&start=1772352690000000", [2]), ("service=github&operation=job&lookback=108m30s", [2]),
  ]

  @Test("a search finds traces with a span that is all that is asked for", arguments: searches)
  func search(query: String, found: [Int]) throws {
    let (status, body) = Self.get("/api/traces", Self.items(query), from: try Self.store())
    #expect(status == 200)
    let deploy = TraceID(root: SubjectKey(source: "customhttp", host: "", container: "shop", kind: "deploy", id: "1"))
    #expect(Self.traceIDs(body) == found.map { $0 < 0 ? deploy.description : Self.traceID($0) }, "\(query)")
  }

  private static func items(_ query: String) -> [(String, String)] {
    query.split(separator: "&").compactMap { item in
      let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
  }

  @Test("traces are found by their ids, and by classic ids")
  func identifiers() throws {
    let store = try Self.store()
    let two = Self.get("/api/traces", [("traceID", Self.traceID(2)), ("traceID", Self.traceID(1))], from: store)
    #expect(Self.traceIDs(two.body) == [Self.traceID(2), Self.traceID(1)])
    for name in ["vstrace-github-issue-site-1", "github:github.com:1:job:301", "acme/site#1", Self.traceID(1).uppercased()] {
      #expect(Self.traceIDs(Self.get("/api/traces/\(name)", from: store).body) == [Self.traceID(1)], "\(name)")
      #expect(Self.traceIDs(Self.get("/api/traces", [("traceID", name)], from: store).body) == [Self.traceID(1)], "\(name)")
    }
    let zeros = TraceID(high: 1, low: 2)
    store.addExportRecords([ExportRecord(key: QuerySamples.key("job", 301), traceID: zeros)])
    #expect(Self.traceIDs(Self.get("/api/traces/10000000000000002", from: store).body) == ["\(zeros)"], "without leading zeros")
  }

  @Test("a span that runs lasts until now, and says so")
  func open() throws {
    let answer = try Self.object(Self.get("/api/traces/\(Self.traceID(1))", from: try Self.store()).body)
    let trace = try #require((answer["data"] as? [[String: Any]])?.first)
    let span = try #require((trace["spans"] as? [[String: Any]])?.first)
    #expect(span["duration"] as? Int == (7200 - 60) * 1_000_000)
    let tags = try #require(span["tags"] as? [[String: Any]])
    #expect(tags.contains { $0["key"] as? String == "valuestream.open" && $0["value"] as? Bool == true })
  }

  static let mistaken: [(path: String, query: String, status: Int, says: String)] = [
    ("/api/traces/0123456789abcdef0123456789abcdef", "", 404, "trace not found"),
    ("/api/traces/nothing", "", 404, "trace not found"),
    ("/api/traces", "traceID=nothing", 404, "trace not found"), ("/api/traces", "tags={", 400, "tags={"),
    ("/api/traces", #"tags={"a":1}"#, 400, "JSON object of texts"), ("/api/traces", "tag=a", 400, "colon"),
    ("/api/traces", "start=today", 400, "microseconds"), ("/api/traces", "minDuration=long", 400, "1.2s"),
    ("/api/traces", "limit=0", 400, "above 0"), ("/api/services/github/other", "", 404, "nothing is at"),
  ]

  @Test("errors are told as Jaeger tells them", arguments: mistaken)
  func mistakes(path: String, query: String, status: Int, says: String) throws {
    let answer = Self.get(path, Self.items(query), from: try Self.store())
    #expect(answer.status == status)
    let object = try Self.object(answer.body)
    #expect(object["data"] is NSNull)
    let error = try #require((object["errors"] as? [[String: Any]])?.first)
    #expect(error["code"] as? Int == status)
    #expect((error["msg"] as? String)?.contains(says) == true, "\(error)")
  }
}
