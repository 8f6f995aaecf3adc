import CustomHTTP
import IntakeClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Sending custom events to a vsd")
struct EventSenderTests {
  private static let authenticator = SwiftMessageAuthenticator()

  private static func sender(_ transport: TransportFake, secret: Secret? = nil, patience: Duration = .zero) -> EventSender {
    EventSender(
      receiver: "http://vsd/customhttp", secret: secret, patience: patience, transport: transport, authenticator: authenticator)
  }

  private static var deploy: CustomEvent {
    var event = CustomEvent(
      .end, id: "d/1", type: "deploy", namespace: "acme/site", time: StoreSamples.time(60),
      references: ["acme/site#36", "4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d"],
      tags: [CustomEvent.Tag(name: "team", value: "web")])
    event.startedAt = StoreSamples.morning
    event.outcome = .failure
    event.title = "Site to production"
    event.environment = "production"
    event.service = "site"
    event.attributes = [Attribute("process.exit.code", .int(7))]
    event.spanEvent = "approval"
    return event
  }

  @Test("what is sent is what the source of custom events reads, signed with its secret")
  func reading() async throws {
    let secret = try #require(Secret("s"))
    let vsd = TransportFake { _ in .json("") }
    try await Self.sender(vsd, secret: secret).send(Self.deploy)
    let request = try #require(vsd.requests.first)
    let delivery = Delivery(source: "customhttp", received: StoreSamples.time(900), headers: request.headers, body: request.body)
    let source = CustomHTTPSource(secrets: [secret])
    try source.authenticate(delivery, using: Self.authenticator)
    guard case .events(let events, _) = try source.events(in: delivery) else {
      Issue.record("no events")
      return
    }
    let event = try #require(events.first)
    #expect(event.key == Self.deploy.key)
    #expect(event.operation == .deploy)
    #expect(event.outcome == .failure)
    #expect(event.name == "Site to production")
    #expect(event.marks.contains(.begin(.vendor(StoreSamples.morning))))
    #expect(event.marks.contains(.end(.vendor(StoreSamples.time(60)))))
  }

  @Test("a retry has the key of the first try, and another event has another")
  func retries() async throws {
    let vsd = TransportFake(answers: [
      .success(HTTPResponse(status: 503, headers: ["Retry-After": "0"])), .success(HTTPResponse(status: 200)),
    ])
    try await Self.sender(vsd, patience: .seconds(60)).send(Self.deploy)
    try await Self.sender(vsd).send(Self.deploy)
    let keys = vsd.requests.map { $0.headers["Idempotency-Key"] ?? "" }
    #expect(keys.count == 3)
    #expect(keys[0] == keys[1] && keys[1] != keys[2])
  }

  @Test("one try is enough if the caller says so")
  func once() async {
    let vsd = TransportFake { _ in .json("", status: 503) }
    await #expect(throws: SendError.self) {
      try await Self.sender(vsd, patience: .seconds(60)).send(Self.deploy, isRepeated: false)
    }
    #expect(vsd.requests.count == 1)
  }
}
