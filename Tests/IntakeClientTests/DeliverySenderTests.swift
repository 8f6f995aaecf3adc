import Catalog
import Intake
import IntakeClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Sending deliveries to a vsd")
struct DeliverySenderTests {
  private static let authenticator = SwiftMessageAuthenticator()
  private static let delivery = HistoryDelivery(
    path: "/gitlab", headers: ["X-Gitlab-Event": "Push Hook"], body: Array("{}".utf8), time: StoreSamples.morning)

  private static func sender(_ transport: TransportFake, secrets: [String: Secret] = [:], importSecret: Secret? = nil)
    -> DeliverySender
  {
    DeliverySender(
      receiver: "http://vsd", secrets: secrets, importSecret: importSecret, transport: transport, authenticator: authenticator)
  }

  private static func received(_ request: HTTPTransportRequest) -> Delivery {
    Delivery(source: "gitlab", received: StoreSamples.morning, headers: request.headers, body: request.body)
  }

  @Test("go to the path of their source, signed if it has a secret")
  func webhooks() async throws {
    let secret = try #require(Secret("s"))
    let vsd = TransportFake { _ in .json("") }
    try await Self.sender(vsd).send(Self.delivery)
    try await Self.sender(vsd, secrets: ["/gitlab": secret]).send(Self.delivery)
    #expect(vsd.requests.map(\.url) == ["http://vsd/gitlab", "http://vsd/gitlab"])
    let factory = try #require(SourceCatalog.factory(named: "gitlab"))
    let source = try factory.makeSource(secrets: [secret], settings: Settings(declared: [], arguments: [], environment: [:]))
    #expect(throws: AuthenticationError.self) {
      try source.authenticate(Self.received(vsd.requests[0]), using: Self.authenticator)
    }
    try source.authenticate(Self.received(vsd.requests[1]), using: Self.authenticator)
  }

  @Test("as imports, they have a mark and the signature that the import route checks", arguments: SourceCatalog.all.map(\.name))
  func imports(_ name: String) async throws {
    let secret = try #require(Secret("s"))
    let factory = try #require(SourceCatalog.factory(named: name))
    var delivery = Self.delivery
    delivery.path = factory.route
    if let header = factory.typeHeader { delivery.headers[header] = "something" }
    let vsd = TransportFake { _ in .json("") }
    try await Self.sender(vsd, importSecret: secret).send(delivery)
    let request = try #require(vsd.requests.first)
    let source = ImportSource(factory.plain, typeHeader: factory.typeHeader, secrets: [secret])
    #expect(request.url == "http://vsd\(source.route)")
    try source.authenticate(Self.received(request), using: Self.authenticator)
    #expect(Self.received(request).importMark?.time == delivery.time)
  }

  @Test("are sent again while vsd is overloaded")
  func overload() async throws {
    let vsd = TransportFake(answers: [
      .success(HTTPResponse(status: 503, headers: ["Retry-After": "0"])), .success(HTTPResponse(status: 200)),
    ])
    try await Self.sender(vsd).send(Self.delivery)
    #expect(vsd.requests.count == 2)
    #expect(vsd.requests[0].body == vsd.requests[1].body)
  }

  @Test("a rejection names what was sent, the reason and the secret that vsd must have")
  func rejections() async throws {
    let vsd = TransportFake { _ in .json(#"{"detail": "wrong token"}"#, status: 401) }
    await #expect(
      throws: SendError(
        code: .rejected,
        description:
          "http://vsd/gitlab answered 401 to a delivery of type gitlab push: wrong token; VS_GITLAB_SECRET must be the secret that vsd was started with"
      )
    ) { try await Self.sender(vsd).send(Self.delivery) }
    #expect(vsd.requests.count == 1)
  }

  @Test("several go at once, and the first failure ends it")
  func atOnce() async throws {
    let fine = TransportFake { _ in .json("") }
    try await Self.sender(fine).send(Array(repeating: Self.delivery, count: 9), atOnce: 4)
    #expect(fine.requests.count == 9)
    let broken = TransportFake { _ in .json("", status: 500) }
    await #expect(throws: SendError.self) {
      try await Self.sender(broken).send(Array(repeating: Self.delivery, count: 9), atOnce: 1)
    }
    #expect(broken.requests.count < 9)
  }
}
