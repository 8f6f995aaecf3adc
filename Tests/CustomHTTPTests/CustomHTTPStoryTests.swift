import CustomHTTP
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several events in any order.
@Suite("Custom HTTP stories")
struct CustomHTTPStoryTests {
  static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    try DeliveryStory(deliveries, of: CustomHTTPSource(), seed: seed)
  }

  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try story(names.map { try CustomHTTPSourceTests.delivery($0) }, seed: seed)
  }

  static func story(bodies: [String], seed: UInt64 = 0) throws -> DeliveryStory {
    try story(bodies.map { CustomHTTPSourceTests.delivery(body: $0) }, seed: seed)
  }

  @Test("A deploy that is started, annotated and ended, in any order and with repetitions", arguments: UInt64(0)..<24)
  func life(seed: UInt64) throws {
    let story = try Self.story(
      ["deploy.start", "deploy.annotate", "deploy.end", "deploy.annotate", "deploy.start"], seed: seed)
    #expect(story.tree == ["deploy:1208 12:00:00 to 12:04:00 success"])
    let span = try #require(story.span("deploy:1208"))
    #expect(span.name == "Site 1.43 to staging", "an event without a name takes it back from nobody")
    #expect(span.attributes.value(of: "deployment.environment.name") == "staging")
    #expect(span.attributes.value(of: "valuestream.service") == "site")
    #expect(span.attributes.value(of: "artifact.version") == "1.43")
    #expect(span.events.map { "\($0.name) \($0.time)" } == ["traffic switched 2024-03-05T12:01:30Z"])
  }

  @Test("The sender's times count, and a time of receipt never competes", arguments: UInt64(0)..<12)
  func times(seed: UInt64) throws {
    // vsd receives these events long after the deploy.
    let received = [
      #"{"id": "1207", "type": "deploy", "namespace": "acme/site", "action": "start"}"#,
      #"{"id": "1207", "type": "deploy", "namespace": "acme/site", "action": "end"}"#,
    ].map { CustomHTTPSourceTests.delivery(body: $0) }
    let story = try Self.story(received + [try CustomHTTPSourceTests.delivery("deploy.whole")], seed: seed)
    #expect(story.tree == ["deploy:1207 10:05:00 to 10:10:00 failure"])
    #expect(story.phases(of: "deploy:1207") == ["canary 10:05:00 to 10:07:00", "rollout 10:07:00 to 10:10:00"])
    #expect(story.span("deploy:1207")?.attributes.value(of: "valuestream.start.unknown") == nil)
  }

  @Test("One event tells a whole span; without its end it is not over before it began")
  func whole() throws {
    let event = #""id": "7", "type": "backup", "action": "end""#
    let past = try Self.story(bodies: [#"{\#(event), "startedAt": "2024-03-09T23:59:00Z"}"#])
    #expect(past.tree == ["backup:7 23:59:00 to 00:00:00 success"])
    // The sender's clock is ahead of the clock of vsd.
    let ahead = try Self.story(bodies: [#"{\#(event), "startedAt": "2024-03-10T00:00:05Z"}"#])
    #expect(ahead.tree == ["backup:7 00:00:05 to 00:00:05 success"])
  }

  @Test("Times that follow each other under one id are attempts", arguments: UInt64(0)..<12)
  func attempts(seed: UInt64) throws {
    let event = #""id": "7", "type": "backup""#
    let story = try Self.story(
      bodies: [
        #"{\#(event), "startedAt": "2024-03-08T02:00:00Z", "endedAt": "2024-03-08T02:10:00Z", "outcome": "timeout"}"#,
        #"{\#(event), "startedAt": "2024-03-09T02:00:00Z", "endedAt": "2024-03-09T02:05:00Z"}"#,
        #"{\#(event), "action": "annotate", "time": "2024-03-08T02:05:00Z", "attributes": {"disk": "full"}}"#,
      ], seed: seed)
    #expect(story.tree == ["backup:7 02:00:00 to 02:10:00 timeout", "backup:7/2 02:00:00 to 02:05:00 success"])
    #expect(story.spans.map { $0.span.attributes.value(of: "disk") } == ["full", nil])
  }

  @Test("An incident is below the deploy that it names, a job below its build", arguments: UInt64(0)..<12)
  func ties(seed: UInt64) throws {
    let story = try Self.story(["incident.end", "incident.start", "deploy.whole", "list"], seed: seed)
    #expect(
      story.tree == [
        "backup:nightly 00:30:00 to 00:30:00 success", "build:88 08:00:00 to 08:09:30 timeout",
        "job:88.1 08:00:10 to 08:09:30 timeout under build:88 by explicit_id", "deploy:1207 10:05:00 to 10:10:00 failure",
        "incident:INC-7 10:20:00 to 11:05:00 completed under deploy:1207 by explicit_id",
      ])
    #expect(story.span("incident:INC-7")?.operation == .incident)
    #expect(story.span("incident:INC-7")?.name == "Checkout answers 500")
  }

  // MARK: Annotations

  @Test("What only was annotated has no span")
  func annotated() throws {
    #expect(try Self.story(["deploy.annotate"], seed: 0).spans.isEmpty)
  }

  @Test("What start and end say counts before an annotation, of two annotations the later", arguments: UInt64(0)..<12)
  func annotations(seed: UInt64) throws {
    let event = #""id": "7", "type": "deploy""#
    let story = try Self.story(
      bodies: [
        #"{\#(event), "startedAt": 1709632800, "attributes": {"a": "start"}}"#,
        #"{\#(event), "action": "annotate", "time": 1709632860, "attributes": {"a": "first", "b": "first"}}"#,
        #"{\#(event), "action": "annotate", "time": 1709632920, "attributes": {"a": "second", "b": "second"}}"#,
      ], seed: seed)
    let span = try #require(story.span("deploy:7"))
    #expect(span.attributes.value(of: "a") == "start")
    #expect(span.attributes.value(of: "b") == "second")
    #expect(span.end == nil)
  }

  // MARK: References

  @Test("Of several references the first that leads to something counts")
  func references() throws {
    let parents = [
      #"{"id": "1", "type": "build", "namespace": "shop", "action": "start"}"#,
      #"{"id": "2", "type": "build", "namespace": "shop", "action": "start"}"#,
    ]
    let child = #"{"id": "3", "type": "deploy", "namespace": "shop", "action": "start", "references": ["0", "2", "1"]}"#
    #expect(try Self.story(bodies: parents + [child]).tree.last == "deploy:3 00:00:00 to ? open under build:2 by explicit_id")
    let key =
      #"{"id": "3", "type": "deploy", "namespace": "site", "action": "start", "references": ["customhttp::shop:build:1"]}"#
    #expect(try Self.story(bodies: parents + [key]).tree.last == "deploy:3 00:00:00 to ? open under build:1 by explicit_id")
  }

  // MARK: Limits

  @Test("Attributes have bounds")
  func bounds() throws {
    let many = (0..<300).map { "\"a\($0)\": \($0)" }.joined(separator: ",")
    let long = String(repeating: "x", count: 20_000)
    let body = #"{"id": "7", "type": "deploy", "action": "end", "attributes": {"long": "\#(long)", \#(many)}}"#
    let events = try CustomHTTPSource().events(in: CustomHTTPSourceTests.delivery(body: body)).requireEvents()
    let attributes = events[0].attributes.filter { $0.vocabulary == .semantic }
    #expect(attributes.map(\.name) == (0..<256).map { "a\($0)" })
  }

  @Test("A member of the event counts before its attributes, and these before its metadata")
  func precedence() throws {
    let body = #"""
      {"id": "7", "type": "deploy", "action": "end", "environment": "production", "service": "shop",
       "attributes": {"deployment.environment.name": "test", "team": "web"},
       "metadata": {"team": "old", "valuestream.service": "old", "deployment.environment.name": "old"}}
      """#
    let events = try CustomHTTPSource().events(in: CustomHTTPSourceTests.delivery(body: body)).requireEvents()
    let attributes = events[0].attributes.filter { $0.vocabulary == .semantic }
    #expect(
      Dictionary(grouping: attributes, by: \.name).mapValues { $0.map(\.value) } == [
        "deployment.environment.name": ["production"], "valuestream.service": ["shop"], "team": ["web"],
      ])
  }
}
