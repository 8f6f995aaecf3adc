import Testing

@testable import ValueStreamCore

@Suite("What a thing adds to gauges")
struct GaugeShareTests {
  private static let key = SubjectKey(source: "github", host: "github.com", container: "1", kind: "issue", id: "1")

  @Test("Things of before there were several gauges read as they were counted then")
  func olderGauges() throws {
    var body = SubjectWriter()
    for count in [0, 0, 0] { body.put(count) }  // No facts, no dropped facts.
    body.put(0)  // No parent.
    body.put([Int]()) { $0.put($1) }
    body.put([("issue", 2)]) { writer, active in
      writer.put(active.0)
      writer.put("github")
      writer.put("acme/site")
      writer.put(active.1)
    }
    body.put(ClassicState())
    let subject = try Subject(key: Self.key, encoded: body.finished(version: 3))
    #expect(subject.gaugeShares == [GaugeShare(.activeOperations, labels: ["issue", "github", "acme/site"], count: 2)])
  }
}
