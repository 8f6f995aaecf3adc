import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The mark of imported deliveries")
struct ImportMarkTests {
  @Test("holds an id and the time at which the content was current")
  func mark() throws {
    let mark = try #require(ImportMark("import:pull_request:36:7 2026-03-01T09:00:00+01:00"))
    #expect(mark.id == "import:pull_request:36:7")
    #expect(mark.time == StoreSamples.morning)
    #expect(mark.description == "import:pull_request:36:7 2026-03-01T08:00:00Z")
    #expect(ImportMark(id: mark.id, time: mark.time) == mark)
    #expect(ImportMark("import:issue:acme/site#36:2026-03-01T08:00:00Z 2026-03-01T08:00:00Z") != nil)
  }

  @Test(
    "is nothing else",
    arguments: [
      "", "import:issue:36:1", "import:issue:36:1 ", "import:issue:36:1 yesterday", "issue:36:1:1 2026-03-01T08:00:00Z",
      "import:issue:36 2026-03-01T08:00:00Z", "import:issue::1 2026-03-01T08:00:00Z",
      "import:issue:36: 2026-03-01T08:00:00Z", "import::issue:36:1 2026-03-01T08:00:00Z",
      "import:issue:36:1  2026-03-01T08:00:00Z", "import:is\u{e4}:36:1 2026-03-01T08:00:00Z",
      "import:a:\(String(repeating: "b", count: 500)):1 2026-03-01T08:00:00Z",
    ])
  func others(text: String) {
    #expect(ImportMark(text) == nil)
  }

  @Test("lets a mapping read a delivery as of that time")
  func mapped() {
    var delivery = Delivery(source: "github", received: StoreSamples.time(900), headers: [:], body: [])
    #expect(!delivery.isImported)
    #expect(delivery.asMapped == delivery)
    delivery.headers["ValueStream-Import"] = "import:issue:36:1 2026-03-01T08:00:00Z"
    #expect(delivery.isImported)
    #expect(delivery.asMapped.received == StoreSamples.morning)
  }
}
