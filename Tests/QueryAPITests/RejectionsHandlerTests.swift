import QueryAPI
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Answers of /api/v1/refusals")
struct RejectionsHandlerTests {
  static func answer(_ query: [(name: String, value: String)]) throws -> HTTPResponse {
    let store: any SpanStore = MemorySpanStore()
    for number in 1...3 {
      let attempt = ExportRejection.Attempt(key: StoreSamples.issueKey(number), number: number)
      let exporter = number == 2 ? "datadog" : "otlp"
      let rejection = ExportRejection(
        exporter: exporter, time: Timestamp(seconds: 1_772_352_000), count: 1, reason: "400 no", attempts: [attempt])
      try store.setExportProgress(ExportProgress(), for: exporter, rejection: rejection)
    }
    let request = HTTPRequest(method: "GET", path: "/api/v1/refusals", query: query)
    return RejectionsHandler(QuerySamples.queries(store)).respond(to: request)
  }

  @Test("are refusals with reason and spans, in pages, the newest first")
  func pages() throws {
    let first = try Self.answer([("exporter", "otlp"), ("limit", "1")])
    #expect(first.status == 200)
    #expect(
      String(decoding: first.body, as: UTF8.self) == """
        {"refusals":[{"exporter":"otlp","time":"2026-03-01T08:00:00Z","count":1,"reason":"400 no","spans":[{"key":\
        "\(StoreSamples.issueKey(3))","attempt":3,"spanID":"\(SpanID(key: StoreSamples.issueKey(3), attempt: 3))"}]}],"next":"3"}
        """)
    let second = String(decoding: try Self.answer([("exporter", "otlp"), ("cursor", "3")]).body, as: UTF8.self)
    #expect(second.contains("\(StoreSamples.issueKey(1))"))
    #expect(!second.contains("\(StoreSamples.issueKey(2))"))
    #expect(second.hasSuffix(#""next":null}"#))
  }

  @Test(
    "name what is wrong with a query",
    arguments: [("limit", "0"), ("limit", "1001"), ("cursor", "x"), ("key", "1")])
  func mistakes(name: String, value: String) throws {
    let answer = try Self.answer([(name, value)])
    #expect(answer.status == 400)
    #expect(String(decoding: answer.body, as: UTF8.self).contains(name))
  }
}
