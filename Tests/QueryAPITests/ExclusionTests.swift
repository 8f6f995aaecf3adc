import QueryAPI
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Records decisions as the projection of a store would.
private final class Recorder: Sendable {
  let store: MemorySpanStore
  let decisions = Mutex<[ExclusionChange]>([])
  let isFull = Atomic(false)

  init(_ store: MemorySpanStore) { self.store = store }

  func record(_ change: ExclusionChange) -> Bool {
    guard !isFull.load(ordering: .relaxed) else { return false }
    decisions.withLock { $0.append(change) }
    var changes = ProjectionChanges()
    changes.exclusions = [ExclusionDecision(change, at: QuerySamples.now)]
    store.write(changes)
    return true
  }
}

@Suite("Leaving items out over the API")
struct ExclusionTests {
  private let recorder: Recorder
  private let service: ExclusionService

  init() throws {
    let recorder = Recorder(try QuerySamples.store(QuerySamples.story(0) + QuerySamples.story(1)))
    self.recorder = recorder
    service = ExclusionService(facts: recorder.store, queries: QuerySamples.queries(recorder.store)) { recorder.record($0) }
  }

  private func post(_ body: String, type: String = "application/json") -> (status: Int, body: String) {
    let response = OperatorHandler(service).respond(
      to: HTTPRequest(
        method: "POST", path: OperatorHandler.path, headers: ["Content-Type": type], body: Array(body.utf8)))
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  private func get(_ query: [(name: String, value: String)] = []) -> (status: Int, body: String) {
    QuerySamples.get(ExclusionsHandler(service), ExclusionsHandler.path, query)
  }

  private static let change = "github:github.com:1:pull_request:100"

  @Test(
    "names the item by its key, name or trace",
    arguments: [
      #""item": "github:github.com:1:pull_request:100""#, #""key": "github:github.com:1:pull_request:100""#,
      #""item": "acme/site!100""#, #""item": "acme/site#100", "kind": "change""#,
      #""traceID": "TRACE", "kind": "change""#, #""traceID": "TRACE", "spanID": "SPAN", "kind": "pull_request""#,
    ])
  func names(text: String) throws {
    let key = try #require(SubjectKey(Self.change))
    var reader = QuerySamples.queries(recorder.store).reader()
    let traceID = try #require(try reader.traceID(of: key))
    let members = text.replacing("TRACE", with: traceID.description)
      .replacing("SPAN", with: SpanID(key: key, attempt: 1).description)
    let answer = post("{\(members), \"reason\": \" a\\n drill \", \"actor\": \"rosa\"}")
    #expect(answer.status == 200, "\(answer.body)")
    #expect(answer.body == #"{"action":"exclude","item":"\#(Self.change)","reason":"a  drill","actor":"rosa"}"#)
    #expect(recorder.store.exclusions().map(\.item.description) == [Self.change])
  }

  @Test("takes back, lists with names, and takes an item that is not known yet by its key only")
  func includes() throws {
    #expect(post(#"{"item": "acme/site!100", "reason": "r"}"#).status == 200)
    #expect(post(#"{"item": "github:github.com:1:issue:77", "reason": "=later", "actor": "x"}"#).status == 200)
    #expect(post(#"{"item": "acme/site#77", "reason": "r"}"#).status == 404)
    let direct = "github:github.com:1:branch:main#\(String(repeating: "ab", count: 20))"
    #expect(post("{\"item\": \"\(direct)\", \"reason\": \"r\"}").status == 200)
    #expect(post("{\"item\": \"\(direct)\", \"reason\": \"r\", \"kind\": \"deploy\"}").status == 422)
    let listed = get([("limit", "2")])
    #expect(listed.status == 200)
    #expect(listed.body.contains(#""operation":"direct_change""#))
    #expect(
      listed.body.contains(#"{"item":"github:github.com:1:issue:77","name":null,"operation":null,"reason":"=later","actor":"x""#))
    #expect(listed.body.hasSuffix(#""next":"github:github.com:1:issue:77"}"#), "\(listed.body)")
    let rest = get([("limit", "2"), ("cursor", "github:github.com:1:issue:77")])
    #expect(rest.body.contains(#""name":"acme/site#100","operation":"pull_request","reason":"r""#), "\(rest.body)")
    #expect(rest.body.hasSuffix(#""next":null}"#))
    #expect(get([("format", "csv")]).body.hasPrefix("item,name,operation,reason,actor,time\n"))
    #expect(get([("limit", "0")]).status == 400)
    #expect(get([("what", "0")]).status == 400)

    for item in [Self.change, "github:github.com:1:issue:77", direct] {
      #expect(post("{\"action\": \"include\", \"item\": \"\(item)\"}").status == 200)
    }
    #expect(get().body == #"{"exclusions":[],"next":null}"#)
    #expect(post("{\"action\": \"include\", \"item\": \"\(Self.change)\"}").status == 200, "once more does no harm")
  }

  @Test(
    "refuses what it cannot record, and says why",
    arguments: [
      (400, "", "JSON"), (400, "[]", "JSON"), (400, #"{"item": 7}"#, "JSON"),
      (422, #"{"item": "acme/site!100"}"#, "reason"), (422, #"{"item": "acme/site!100", "reason": " \n "}"#, "reason"),
      (422, #"{"item": "acme/site!100", "reason": "r", "action": "drop"}"#, "action"), (422, #"{"reason": "r"}"#, "item"),
      (422, #"{"reason": "r", "spanID": "0011223344556677"}"#, "traceID"),
      (422, #"{"reason": "r", "traceID": "xyz"}"#, "traceID"),
      (404, #"{"reason": "r", "traceID": "0123456789abcdef0123456789abcdef"}"#, "trace id"),
      (404, #"{"reason": "r", "item": "nobody/knows#1"}"#, "key"), (404, "{\"reason\": \"r\", \"item\": \"a\\u0000b\"}", "key"),
      (422, #"{"item": "acme/site!100", "kind": "deploy", "reason": "r"}"#, "pull_request"),
    ])
  func refusals(status: Int, body: String, word: String) {
    let answer = post(body)
    #expect(answer.status == status)
    #expect(answer.body.contains(word), "\(answer.body)")
    #expect(recorder.decisions.withLock(\.self).isEmpty)
  }

  @Test("refuses other types, long texts, and everything while the log is full")
  func limits() {
    #expect(post(#"{"item": "acme/site!100", "reason": "r"}"#, type: "application/x-www-form-urlencoded").status == 415)
    #expect(post(#"{"item": "acme/site!100", "reason": "r"}"#, type: "text/plain").status == 415)
    #expect(post("{\"item\": \"acme/site!100\", \"reason\": \"\(String(repeating: "r", count: 501))\"}").status == 422)
    #expect(
      post("{\"item\": \"acme/site!100\", \"reason\": \"r\", \"actor\": \"\(String(repeating: "a", count: 201))\"}").status == 422
    )
    #expect(post("{\"item\": \"\(String(repeating: "a", count: 5000))\", \"reason\": \"r\"}").status == 422)
    #expect(post("{\"item\": \"a\", \"reason\": \"\(String(repeating: "r", count: 20_000))\"}").status == 413)
    recorder.isFull.store(true, ordering: .relaxed)
    #expect(post(#"{"item": "acme/site!100", "reason": "r"}"#).status == 503)
    #expect(recorder.store.exclusions().isEmpty)
  }
}
