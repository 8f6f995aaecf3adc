import Testing
import ValueStreamCore

@testable import QueryAPI

@Suite("The statistics")
struct StatsHandlerTests {
  private static let request = HTTPRequest(method: "GET", path: "/api/v1/stats")

  @Test("are the contract's object, with an entry for each exporter")
  func shape() {
    let handler = StatsHandler {
      StatsHandler.Stats(
        recorded: 5, duplicate: 1, ignored: 2, unreadable: 3, openSpans: 4, finishedSpans: 6,
        exporters: [("logging", 7, 8, 9, 10), ("otlp", 0, 0, 0, 0)])
    }
    let response = handler.respond(to: Self.request)
    #expect(response.status == 200)
    #expect(response.headers["Content-Type"] == "application/json")
    #expect(
      String(decoding: response.body, as: UTF8.self) == """
        {"deliveries":{"recorded":5,"duplicate":1,"ignored":2,"unreadable":3},"spans":{"open":4,"finished":6},\
        "exporters":{"logging":{"pending":7,"sent":8,"refused":9,"dropped":10},"otlp":{"pending":0,"sent":0,"refused":0,"dropped":0}}}
        """)
  }

  @Test(
    "a store that cannot be read: 503 and when to ask again if that may pass, else 500, and none of its text",
    arguments: [(StoreError.Code.busy, 503), (.noSpace, 503), (.inputOutput, 503), (.corrupt, 500), (.unusable, 500)])
  func failure(code: StoreError.Code, status: Int) {
    let handler = StatsHandler { throw StoreError(code, "/home/rosa/store: broken") }
    let response = handler.respond(to: Self.request)
    #expect(response.status == status)
    #expect(response.headers["Content-Type"] == "application/problem+json")
    #expect(response.headers["Retry-After"] == (status == 503 ? "1" : nil))
    #expect(!String(decoding: response.body, as: UTF8.self).contains("rosa"))
  }
}
