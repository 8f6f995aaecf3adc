import EmbeddingExample
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The embedding example: a source for an invented vendor")
struct QuaylineSourceTests {
  static let payload = #"""
    {
      "event": "deployment",
      "project": {"id": 7, "name": "site"},
      "deployment": {
        "id": 41, "state": "finished", "succeeded": true, "environment": "production",
        "commit": "4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d", "note": "vstrace-github-issue-site-36: blank page",
        "queued_at": "2026-11-02T09:00:00Z", "started_at": "2026-11-02T09:01:00Z", "finished_at": "2026-11-02T09:05:30Z"
      }
    }
    """#

  static func delivery(_ body: String = payload) -> Delivery {
    Delivery(
      source: "quayline", received: Timestamp(seconds: 1_800_000_000), headers: ["Quayline-Event-Id": "e-1"],
      body: Array(body.utf8))
  }

  static var contract: EventSourceContract {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    return EventSourceContract(
      source: QuaylineSource(), signedSource: QuaylineSource(secrets: secrets), sample: delivery()
    ) { body in
      let code = SwiftMessageAuthenticator().authenticationCode(.sha256, of: body, key: secrets[0].bytes)
      return [("Quayline-Signature", Data(code).base64EncodedString())]
    }
  }

  @Test("It keeps the contract of sources")
  func contract() throws {
    let contract = Self.contract
    contract.checkSignatures()
    try contract.checkReading()
  }

  @Test("The last delivery alone gives the whole span")
  func wholeSpan() throws {
    let span = try #require(try spans(of: [Self.delivery()], from: QuaylineSource()).first).span
    #expect(span.key == SubjectKey("quayline:quayline.example:7:deployment:41"))
    #expect(span.name == "site@production 41")
    #expect(span.start.rfc3339 == "2026-11-02T09:00:00Z")
    #expect(span.end?.rfc3339 == "2026-11-02T09:05:30Z")
    #expect(span.outcome == .success)
    #expect(span.phases.map(\.name) == ["queue", "run"])
    #expect(span.attributes.value(of: "deployment.environment.name") == "production")
  }

  @Test("Deliveries in any order, repeated or not, give the same span")
  func anyOrder() throws {
    let queued = Self.delivery(
      #"{"event":"deployment","project":{"id":7,"name":"site"},"deployment":{"id":41,"state":"queued","#
        + #""queued_at":"2026-11-02T09:00:00Z"}}"#)
    let inOrder = try spans(of: [queued, Self.delivery()], from: QuaylineSource())
    #expect(try spans(of: [Self.delivery(), queued, Self.delivery()], from: QuaylineSource()) == inOrder)
    #expect(inOrder.count == 1)
  }

  @Test("A deployment whose note names an issue is part of the issue's trace, also when the issue is seen later")
  func trace() throws {
    var issue = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "197483389", kind: "issue", id: "36"),
      time: .vendor(Timestamp(seconds: 1_793_000_000)))
    issue.operation = .issue
    issue.marks = [.begin(issue.time)]
    issue.publishes = [Reference(.classicID, "vstrace-github-issue-site-36")]
    let events = try QuaylineSource().events(in: Self.delivery()).requireEvents()
    let traced = try spans(of: events + [issue])
    let deployment = try #require(traced.first { $0.span.operation == .deploy })
    #expect(deployment.traceID == TraceID(root: issue.key))
    #expect(deployment.parentSpanID == SpanID(key: issue.key, attempt: 1))
    #expect(deployment.parent?.rule == .explicitID)
  }

  @Test("What is missing is named by its path")
  func missing() {
    let error = #expect(throws: PayloadError.self) {
      try QuaylineSource().events(in: Self.delivery(#"{"event":"deployment","project":{"id":7}}"#))
    }
    #expect(error?.path == "$.project.name")
    #expect(error?.code == .missingIdentity)
  }
}
