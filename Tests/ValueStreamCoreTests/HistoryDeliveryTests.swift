import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Deliveries as lines of a file")
struct HistoryDeliveryTests {
  @Test("a line gives the delivery back, the body byte for byte", arguments: [#"{"a":  1.50, "body":{"b": "}"}}"#, "[]", "{}"])
  func roundTrip(body: String) {
    let delivery = HistoryDelivery(
      path: "/github", headers: ["Content-Type": "application/json", "X-GitHub-Event": "push"], body: Array(body.utf8),
      time: StoreSamples.morning)
    #expect(HistoryDelivery(line: delivery.json) == delivery)
  }

  @Test("a line without a time takes the given one, or is none")
  func times() {
    let line = Array(#"{"path": "/jira", "headers": {}, "body":{}}"#.utf8)
    #expect(HistoryDelivery(line: line) == nil)
    #expect(HistoryDelivery(line: line, defaultTime: StoreSamples.morning)?.time == StoreSamples.morning)
  }

  @Test(
    "anything else is no delivery",
    arguments: ["", "{", "[]", #"{"path": "jira", "headers": {}, "body":{}}"#, #"{"path": "/jira", "headers": {}}"#]) func broken(
      line: String
    )
  { #expect(HistoryDelivery(line: Array(line.utf8), defaultTime: StoreSamples.morning) == nil) }
}
