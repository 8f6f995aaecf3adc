import CustomHTTP
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Custom HTTP source")
struct CustomHTTPSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch
  static let fixtures = PayloadFixture.all(besideTest: #filePath)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    delivery(body: String(decoding: try fixture.body(), as: UTF8.self))
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  static func delivery(body: String) -> Delivery {
    Delivery(source: "customhttp", received: received, headers: [:], body: Array(body.utf8))
  }

  @Test("A payload becomes the recorded event", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try CustomHTTPSource().events(in: try Self.delivery(fixture)))
  }

  @Test("There are payloads of every kind")
  func sampled() {
    #expect(
      Self.fixtures.map(\.name) == [
        "deploy.annotate", "deploy.end", "deploy.start", "deploy.whole", "end", "incident.end", "incident.start", "letter_case",
        "letter_case.whole", "list", "minimal", "number_id", "references", "start",
      ])
  }

  @Test("The classic tags: every entry of the metadata, and the ids")
  func classicTags() throws {
    let events = try CustomHTTPSource().events(in: try Self.delivery("start")).requireEvents()
    let tags = events.flatMap(\.attributes).filter { $0.vocabulary == .classic }
    #expect(
      Dictionary(uniqueKeysWithValues: tags.map { ($0.name, $0.value) }) == [
        "env": "production", "count": 3, "ratio": .double(0.5), "canary": true, "note": .null, "team.name": "web",
        "hosts": .strings(["a", "b"]), "vs.source.name": "customhttp", "vs.span.id": "vstrace-customhttp-deploy-release-d1",
        "vs.parent.span.id": "vstrace-github-pull_request-site-990012",
      ])
  }

  static func contract(_ fixture: PayloadFixture) throws -> EventSourceContract {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    return EventSourceContract(
      source: CustomHTTPSource(), signedSource: CustomHTTPSource(secrets: secrets), sample: try delivery(fixture)
    ) { body in
      [("X-VS-Signature", Hex.text(of: SwiftMessageAuthenticator().authenticationCode(.sha256, of: body, key: secrets[0].bytes)))]
    }
  }

  @Test("Signatures are checked over every byte, with and without a prefix")
  func signatures() throws {
    var contract = try Self.contract(PayloadFixture("start", besideTest: #filePath))
    contract.checkSignatures()
    let sign = contract.sign
    contract.sign = { body in sign(body).map { ($0.name, "sha256=" + $0.value) } }
    contract.checkSignatures()
  }

  @Test("The contract of sources", arguments: fixtures)
  func contract(fixture: PayloadFixture) throws {
    let contract = try Self.contract(fixture)
    try contract.checkReading()
  }

  /// What programs write for a time that they do not have.
  private static let noTimes = [
    "0", "0.0", "-1", "-62135596800", "86399", #""1970-01-01T00:00:00Z""#, #""1970-01-01 01:00:00 +0100""#,
    #""1969-12-31T19:00:00-05:00""#, #""0001-01-01T00:00:00Z""#, #""0000-02-29T00:00:00Z""#, #""1899-12-30T00:00:00.000Z""#,
    #""""#,
  ]

  @Test("A time that is none counts as absent, wherever it stands", arguments: noTimes)
  func noTime(text: String) throws {
    let texts = Self.fixtures.map { fixture in
      (fixture.name, (try? fixture.body()).map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
    var compared = 0
    for (name, body) in texts {
      for member in body.matches(of: /"(?:startedAt|endedAt|time)"\s*:\s*("[^"]*"|[0-9]+)/.ignoresCase()) {
        func meaning(_ value: String) -> Result<Interpretation, PayloadError> {
          var changed = body
          changed.replaceSubrange(member.output.1.startIndex..<member.output.1.endIndex, with: value)
          return Result { () throws(PayloadError) in try CustomHTTPSource().events(in: Self.delivery(body: changed)) }
        }
        #expect(meaning(text) == meaning("null"), "\(name): \(member.output.0)")
        compared += 1
      }
    }
    #expect(compared > 10)
    let end = Self.delivery(body: #"{"id": "1", "type": "deploy", "action": "end", "startedAt": \#(text), "endedAt": \#(text)}"#)
    let event = try #require(try CustomHTTPSource().events(in: end).requireEvents().first)
    #expect(event.marks == [.end(.receipt(Self.received))])
  }

  @Test(
    "What is neither a time nor none is refused",
    arguments: ["true", "[]", "{}", #""never""#, #""0""#, #""1969-02-30T00:00:00Z""#, #""0001-01-01""#])
  func wrongTime(text: String) {
    let delivery = Self.delivery(body: #"{"id": "1", "type": "deploy", "action": "end", "endedAt": \#(text)}"#)
    #expect(throws: PayloadError.self) { try CustomHTTPSource().events(in: delivery) }
  }

  @Test("What is wrong is named by its path", arguments: WrongBodies.all + WrongBodies.times)
  func refusal(body: String, path: String) {
    let error = #expect(throws: PayloadError.self) { try CustomHTTPSource().events(in: Self.delivery(body: body)) }
    #expect(error?.path == path)
    #expect(error?.code == .missingIdentity)
  }

  @Test("An error of a word names the words there are")
  func words() {
    let body = #"{"id": "1", "type": "deploy", "action": "end", "outcome": "good"}"#
    let error = #expect(throws: PayloadError.self) { try CustomHTTPSource().events(in: Self.delivery(body: body)) }
    #expect(
      error?.reason == """
        expected one of success, failure, error, timeout, cancellation, skip, action_required, stale, merged, abandoned, completed, \
        not_planned
        """)
  }

  @Test("Only an idempotency key makes two deliveries one")
  func deliveryID() throws {
    var delivery = try Self.delivery("start")
    #expect(CustomHTTPSource().deliveryID(of: delivery) == nil)
    delivery.headers["Idempotency-Key"] = "once"
    #expect(CustomHTTPSource().deliveryID(of: delivery) == "once")
  }
}
